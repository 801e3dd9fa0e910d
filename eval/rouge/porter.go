package rouge

// Stem is Porter's stemmer (Program 14(3), 1980) with the departures of NLTK's default mode, which rouge_score uses. The word must be
// of a-z and 0-9; digits count as consonants.
func Stem(word string) string {
	if s, ok := irregular[word]; ok {
		return s
	}
	if len(word) <= 2 {
		return word
	}
	w := stemmer{b: append(make([]byte, 0, len(word)+2), word...)}
	w.step1a()
	w.step1b()
	w.step1c()
	w.step2()
	w.step3()
	w.step4()
	w.step5a()
	w.step5b()
	return string(w.b)
}

// irregular words stem to what no rule gives.
var irregular = map[string]string{
	"sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news", "innings": "inning", "inning": "inning",
	"outings": "outing", "outing": "outing", "cannings": "canning", "canning": "canning", "howe": "howe", "proceed": "proceed",
	"exceed": "exceed", "succeed": "succeed",
}

type stemmer struct{ b []byte }

// consonant says so of the letter at i; a y is one at the beginning and after a vowel.
func (w *stemmer) consonant(i int) bool {
	switch w.b[i] {
	case 'a', 'e', 'i', 'o', 'u':
		return false
	case 'y':
		return i == 0 || !w.consonant(i-1)
	}
	return true
}

// measure counts how often a consonant follows a vowel in the first n letters.
func (w *stemmer) measure(n int) int {
	m := 0
	for i := 1; i < n; i++ {
		if !w.consonant(i-1) && w.consonant(i) {
			m++
		}
	}
	return m
}

func (w *stemmer) vowelIn(n int) bool {
	for i := range n {
		if !w.consonant(i) {
			return true
		}
	}
	return false
}

// double says that the first n letters end with the same consonant twice.
func (w *stemmer) double(n int) bool {
	return n >= 2 && w.b[n-1] == w.b[n-2] && w.consonant(n-1)
}

// cvc says that the first n letters end with consonant, vowel, consonant, the last not w, x or y; or are a vowel and a consonant.
func (w *stemmer) cvc(n int) bool {
	if n == 2 {
		return !w.consonant(0) && w.consonant(1)
	}
	if n < 3 || !w.consonant(n-3) || w.consonant(n-2) || !w.consonant(n-1) {
		return false
	}
	c := w.b[n-1]
	return c != 'w' && c != 'x' && c != 'y'
}

// ends says that the word has a suffix, and how long what is before it is.
func (w *stemmer) ends(suffix string) (before int, ok bool) {
	before = len(w.b) - len(suffix)
	return before, before >= 0 && string(w.b[before:]) == suffix
}

func (w *stemmer) set(before int, suffix string) { w.b = append(w.b[:before], suffix...) }

// rule says what a suffix becomes when the condition holds of what is before it; nil always holds.
type rule struct {
	suffix, to string
	when       func(w *stemmer, before int) bool
}

// apply uses the first rule whose suffix the word has, and no other, even when its condition fails.
func (w *stemmer) apply(rules []rule) {
	for _, r := range rules {
		before, ok := w.ends(r.suffix)
		if !ok {
			continue
		}
		if r.when == nil || r.when(w, before) {
			w.set(before, r.to)
		}
		return
	}
}

func (w *stemmer) step1a() {
	if before, ok := w.ends("ies"); ok && len(w.b) == 4 {
		w.set(before, "ie")
		return
	}
	w.apply(plurals)
}

var plurals = []rule{{"sses", "ss", nil}, {"ies", "i", nil}, {"ss", "ss", nil}, {"s", "", nil}}

func (w *stemmer) step1b() {
	if before, ok := w.ends("ied"); ok {
		if len(w.b) == 4 {
			w.set(before, "ie")
		} else {
			w.set(before, "i")
		}
		return
	}
	if before, ok := w.ends("eed"); ok {
		if w.measure(before) > 0 {
			w.set(before, "ee")
		}
		return
	}
	for _, suffix := range [...]string{"ed", "ing"} {
		before, ok := w.ends(suffix)
		if !ok || !w.vowelIn(before) {
			continue
		}
		w.b = w.b[:before]
		w.mend()
		return
	}
}

// mend makes a word of what is left without ed or ing.
func (w *stemmer) mend() {
	n := len(w.b)
	for _, suffix := range [...]string{"at", "bl", "iz"} {
		if _, ok := w.ends(suffix); ok {
			w.b = append(w.b, 'e')
			return
		}
	}
	switch {
	case w.double(n):
		if c := w.b[n-1]; c != 'l' && c != 's' && c != 'z' {
			w.b = w.b[:n-1]
		}
	case w.measure(n) == 1 && w.cvc(n):
		w.b = append(w.b, 'e')
	}
}

func (w *stemmer) step1c() {
	if before, ok := w.ends("y"); ok && before > 1 && w.consonant(before-1) {
		w.set(before, "i")
	}
}

func positive(w *stemmer, before int) bool { return w.measure(before) > 0 }

func (w *stemmer) step2() {
	if before, ok := w.ends("alli"); ok && w.measure(before) > 0 {
		w.set(before, "al")
		w.step2()
		return
	}
	w.apply(doubles)
}

var doubles = []rule{
	{"ational", "ate", positive},
	{"tional", "tion", positive},
	{"enci", "ence", positive},
	{"anci", "ance", positive},
	{"izer", "ize", positive},
	{"bli", "ble", positive},
	{"alli", "al", positive},
	{"entli", "ent", positive},
	{"eli", "e", positive},
	{"ousli", "ous", positive},
	{"ization", "ize", positive},
	{"ation", "ate", positive},
	{"ator", "ate", positive},
	{"alism", "al", positive},
	{"iveness", "ive", positive},
	{"fulness", "ful", positive},
	{"ousness", "ous", positive},
	{"aliti", "al", positive},
	{"iviti", "ive", positive},
	{"biliti", "ble", positive},
	{"fulli", "ful", positive},
	{"logi", "log", func(w *stemmer, before int) bool { return w.measure(before+len("l")) > 0 }},
}

func (w *stemmer) step3() { w.apply(endings) }

var endings = []rule{
	{"icate", "ic", positive},
	{"ative", "", positive},
	{"alize", "al", positive},
	{"iciti", "ic", positive},
	{"ical", "ic", positive},
	{"ful", "", positive},
	{"ness", "", positive},
}

func long(w *stemmer, before int) bool { return w.measure(before) > 1 }

func (w *stemmer) step4() { w.apply(last) }

var last = []rule{
	{"al", "", long},
	{"ance", "", long},
	{"ence", "", long},
	{"er", "", long},
	{"ic", "", long},
	{"able", "", long},
	{"ible", "", long},
	{"ant", "", long},
	{"ement", "", long},
	{"ment", "", long},
	{"ent", "", long},
	{"ion", "", func(w *stemmer, before int) bool {
		return w.measure(before) > 1 && (w.b[before-1] == 's' || w.b[before-1] == 't')
	}},
	{"ou", "", long},
	{"ism", "", long},
	{"ate", "", long},
	{"iti", "", long},
	{"ous", "", long},
	{"ive", "", long},
	{"ize", "", long},
}

func (w *stemmer) step5a() {
	before, ok := w.ends("e")
	if !ok {
		return
	}
	if m := w.measure(before); m > 1 || m == 1 && !w.cvc(before) {
		w.b = w.b[:before]
	}
}

func (w *stemmer) step5b() {
	if _, ok := w.ends("ll"); ok && w.measure(len(w.b)-1) > 1 {
		w.b = w.b[:len(w.b)-1]
	}
}
