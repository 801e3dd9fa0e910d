// Package wordpiece makes tokens of texts as BERT and the sentence-transformers models made of it do.
package wordpiece

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizer gives the ids that the Hugging Face tokenizer of the same tokenizer.json gives, with no limit but the caller's. Safe
// for concurrent use.
type Tokenizer struct {
	name             string
	begins, goesOn   map[string]uint32 // what a word begins with, and what it goes on with
	longest          int               // bytes of the longest of either
	size             int
	unknown          uint32
	most             int // characters of a word that is looked up
	before, after    []uint32
	marks            []mark // found in a text before anything else, longest first
	markAt           [256]bool
	clean, han       bool
	lower, noAccents bool
}

// mark is an added token such as [SEP].
type mark struct {
	text string
	id   uint32
}

// What counts as a token though it is none, so that passages stay small: so many characters of a word that the vocabulary does not
// have, and so many in a row that leave nothing, as spaces.
const (
	unknownChars = 4
	emptyChars   = 64
)

// Read makes a tokenizer of the text of a tokenizer.json; the error says what in it is not known here.
func Read(text []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	if f.Model.Type != "WordPiece" {
		return nil, fmt.Errorf("its model is %q, and only WordPiece is known: that of BERT, MiniLM, MPNet, BGE, GTE and E5, not of the multilingual ones", f.Model.Type)
	}
	if f.Normalizer.Type != "BertNormalizer" || f.PreTokenizer.Type != "BertPreTokenizer" {
		return nil, fmt.Errorf("it prepares texts by %q and %q, and only BertNormalizer and BertPreTokenizer are known", f.Normalizer.Type, f.PreTokenizer.Type)
	}
	unknown, ok := f.Model.Vocab[f.Model.Unknown]
	if !ok {
		return nil, fmt.Errorf("its vocabulary does not have unk_token, %q", f.Model.Unknown)
	}
	n := f.Normalizer
	t := &Tokenizer{
		begins: make(map[string]uint32), goesOn: make(map[string]uint32), unknown: unknown, most: cmp.Or(f.Model.MaxChars, 100),
		clean: yes(n.Clean), han: yes(n.Han), lower: yes(n.Lower), noAccents: yes(n.Lower),
	}
	if n.NoAccents != nil {
		t.noAccents = *n.NoAccents
	}
	f.Model.Prefix = cmp.Or(f.Model.Prefix, "##")
	for piece, id := range f.Model.Vocab {
		t.begins[piece] = id
		if rest, ok := strings.CutPrefix(piece, f.Model.Prefix); ok && rest != "" {
			t.goesOn[rest] = id
		}
		t.longest, t.size = max(t.longest, len(piece)), max(t.size, int(id)+1)
	}
	for _, a := range f.Added {
		if a.Content != "" {
			t.marks = append(t.marks, mark{a.Content, a.ID})
			t.markAt[a.Content[0]] = true
			t.size = max(t.size, int(a.ID)+1)
		}
	}
	slices.SortFunc(t.marks, func(a, b mark) int { return cmp.Or(len(b.text)-len(a.text), strings.Compare(a.text, b.text)) })
	var err error
	if t.before, t.after, err = f.PostProcessor.around(); err != nil {
		return nil, err
	}
	t.name = "wordpiece-" + f.sum(t)
	return t, nil
}

func yes(b *bool) bool { return b == nil || *b }

// sum tells vocabularies apart by all that ids are made of: tokenizers of the same settings have the same, however their files
// are written.
func (f *file) sum(t *Tokenizer) string {
	h := sha256.New()
	for _, piece := range slices.Sorted(maps.Keys(f.Model.Vocab)) {
		fmt.Fprintf(h, "%q %d\n", piece, f.Model.Vocab[piece])
	}
	fmt.Fprintf(h, "%q %v %d %v %v %v %v %v %v", f.Model.Prefix, t.marks, t.most, t.clean, t.han, t.lower, t.noAccents, t.before, t.after)
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// Name is wordpiece and a hash of the vocabulary and the rules.
func (t *Tokenizer) Name() string { return t.name }

// Around is how many tokens IDs puts about a text.
func (t *Tokenizer) Around() int { return len(t.before) + len(t.after) }

// Size is one more than the highest id.
func (t *Tokenizer) Size() int { return t.size }

// IDs gives the tokens of a text between those that begin and end one ([CLS], [SEP]), at most so many of all, which is not less
// than Around. What follows in the text is not read.
func (t *Tokenizer) IDs(text string, most int) []uint32 {
	ids := slices.Clone(t.before)
	room := most - len(t.after)
	t.words(text, false, func(w word) bool {
		if w.mark {
			ids = append(ids, w.id)
		} else {
			ids = t.pieces(ids, w)
		}
		return len(ids) < room
	})
	return append(ids[:min(len(ids), room)], t.after...)
}

// Count is how many tokens a text has without those about it, or more: a word that the vocabulary does not know is one token to the
// model, however long it is, and one for each four characters here, and each 64 spaces in a row count one.
func (t *Tokenizer) Count(text string) int {
	sum := 0
	for _, n := range t.Pieces(text) {
		sum += n
	}
	return sum
}

// Pieces cuts a text into words, with the space before them, and line ends. It yields where each ends and how many tokens it has;
// their sum is Count of the text.
func (t *Tokenizer) Pieces(text string) iter.Seq2[int, int] {
	return func(yield func(end, count int) bool) {
		var ids []uint32
		end, count := 0, 0
		going := t.words(text, true, func(w word) bool {
			n := 1
			switch {
			case w.mark, w.empty:
			case w.chars == 0: // a line's end
				n = 0
			default:
				ids = t.pieces(ids[:0], w)
				if n = len(ids); n == 1 && ids[0] == t.unknown {
					n = (w.chars + unknownChars - 1) / unknownChars
				}
			}
			// A character can come apart into several words.
			if w.end > end && end > 0 && !yield(end, count) {
				return false
			}
			if w.end > end {
				end, count = w.end, 0
			}
			count += n
			return true
		})
		if going && end > 0 && !yield(end, count) {
			return
		}
		if going && end < len(text) {
			yield(len(text), 0)
		}
	}
}

// pieces appends the tokens of a word: the longest that it begins with, then the longest that the rest goes on with, and so on,
// or the unknown one for all of it.
func (t *Tokenizer) pieces(ids []uint32, w word) []uint32 {
	if w.chars == 0 {
		return ids
	}
	if w.chars > t.most {
		return append(ids, t.unknown)
	}
	had, vocabulary := len(ids), t.begins
	for rest := w.text; len(rest) > 0; vocabulary = t.goesOn {
		n := min(len(rest), t.longest)
		for n > 0 {
			for n < len(rest) && n > 0 && !utf8.RuneStart(rest[n]) {
				n--
			}
			if id, ok := vocabulary[string(rest[:n])]; ok && n > 0 {
				ids = append(ids, id)
				break
			}
			n--
		}
		if n <= 0 {
			return append(ids[:had], t.unknown)
		}
		rest = rest[n:]
	}
	return ids
}
