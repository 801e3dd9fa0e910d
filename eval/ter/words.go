package ter

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/eval/text"
)

func itoa(n int) string { return strconv.Itoa(n) }

// The rules of Tercom's normalisation, in their order.
var (
	marks       = regexp.MustCompile("([{|}~\\[\\\\\\]^_` !\"#$%&()*+:;<=>?@/])")
	possessive  = regexp.MustCompile(`'s `)
	afterOther  = regexp.MustCompile(`(\D)([.,])`)
	beforeOther = regexp.MustCompile(`([.,])(\D)`)
	dash        = regexp.MustCompile(`(\d)(-)`)

	ideographs = []*regexp.Regexp{
		regexp.MustCompile(`([\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}])`),
		regexp.MustCompile(`([\x{31c0}-\x{31ef}\x{2e80}-\x{2eff}])`),
		regexp.MustCompile(`([\x{3300}-\x{33ff}\x{f900}-\x{faff}\x{fe30}-\x{fe4f}])`),
		regexp.MustCompile(`([\x{3200}-\x{3f22}])`), // sic: the reference implementation means 32FF
	}
	asianMarks = []*regexp.Regexp{
		regexp.MustCompile(`([\x{3001}\x{3002}\x{3008}-\x{3011}\x{3014}-\x{301f}\x{ff61}-\x{ff65}\x{30fb}])`),
		regexp.MustCompile(`([\x{ff0e}\x{ff0c}\x{ff1f}\x{ff1a}\x{ff1b}\x{ff01}\x{ff02}\x{ff08}\x{ff09}])`),
	}
	punctuation = regexp.MustCompile(`[.,?:;!"()]`)
)

// Words gives a segment's words. Runs of kana are left whole: the reference implementation's rules for them never apply.
func (o Options) Words(s string) []string {
	if !o.CaseSensitive {
		s = text.Lower(s)
	}
	if o.Normalized {
		s = o.normalized(s)
	}
	if o.NoPunctuation {
		s = punctuation.ReplaceAllLiteralString(s, "")
		if o.Asian {
			for _, rule := range asianMarks {
				s = rule.ReplaceAllLiteralString(s, "")
			}
		}
	}
	return text.Fields(s)
}

// referenceWords gives a reference's words: sacreBLEU 2.6.0 normalises references twice, which parts some possessives that once
// does not ("John's," becomes John 's), and so counts as edits what is equal in both texts.
func (o Options) referenceWords(s string) []string {
	words := o.Words(s)
	if o.Normalized {
		words = o.Words(strings.Join(words, " "))
	}
	return words
}

func (o Options) normalized(s string) string {
	s = text.TrimRight(s)
	s = strings.ReplaceAll(s, "\n-", "")
	s = strings.ReplaceAll(s, "\n", " ")
	for _, entity := range [...][2]string{{"&quot;", `"`}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}} {
		s = strings.ReplaceAll(s, entity[0], entity[1])
	}
	s = marks.ReplaceAllString(" "+s+" ", " $1 ")
	s = possessive.ReplaceAllLiteralString(s, " 's ")
	s = afterOther.ReplaceAllString(s, "$1 $2 ")
	s = beforeOther.ReplaceAllString(s, " $1 $2")
	s = dash.ReplaceAllString(s, "$1 $2 ")
	if o.Asian {
		for _, rules := range [...][]*regexp.Regexp{ideographs, asianMarks} {
			for _, rule := range rules {
				s = rule.ReplaceAllString(s, " $1 ")
			}
		}
	}
	return s
}
