package tokens

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Pieces are written with bars between them. These are worked out from the patterns, for the cuts that seldom change
// an id and so hide from a comparison of ids.
func TestPieces(t *testing.T) {
	tests := []struct{ o200k, cl100k string }{
		{"Hello|,| world|!", "Hello|,| world|!"},
		{"it's| don't|", "it|'s| don|'t|"},
		{"it'ſ|x", "it|'ſ|x"}, // U+017F is a small s
		{"IT'ſ| WE'LL|x", "IT|'ſ| WE|'LL|x"},
		{"'ſ", "'ſ"},
		{"l'Re|x", "l|'Re|x"},
		{"HTTPServer", "HTTPServer"},
		{"my|HTTPServer|Is|Up", "myHTTPServerIsUp"},
		{"A\u0301Bc", "A|\u0301Bc"},  // a mark is upper and lower
		{"a\u0301|Bc", "a|\u0301Bc"}, // and no letter
		{"\u0301|ABC", "\u0301ABC"},  // given back: ABC holds no lower
		{"A\u02b0|BC", "A\u02b0BC"},  // given back behind the last that is both
		{"ABC中|DEF", "ABC中DEF"},
		{"中A中|A's", "中A中A|'s"},
		{"ǅǆ|ǅ", "ǅǆǅ"},
		{"123|456|7|a", "123|456|7|a"},
		{"½②Ⅷ|١", "½②Ⅷ|١"},
		{"(abc|)|\tdef", "(abc|)|\tdef"},
		{"a|//|b", "a|//|b"},
		{"a|.\n/\r/|b", "a|.\n|/\r|/b"},
		{" ://|x", " ://|x"},
		{"a|  | b", "a|  | b"},
		{"a|   |", "a|   |"},
		{"a|  \n \n|  | b", "a|  \n \n|  | b"},
		{"a|\u3000|\u3000b", "a|\u3000|\u3000b"},
		{"a| |1", "a| |1"},
		{"a|  | !|1", "a|  | !|1"},
		{"👩\u200d👩|x", "👩\u200d👩|x"},
	}
	for _, tt := range tests {
		for _, side := range []struct {
			enc  Encoding
			want string
		}{{O200k, tt.o200k}, {CL100k, tt.cl100k}} {
			want := strings.FieldsFunc(side.want, func(r rune) bool { return r == '|' })
			got := pieces(side.enc, strings.Join(want, ""))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s pieces of %q (-want +got):\n%s", side.enc, strings.Join(want, ""), diff)
			}
		}
	}
}

func pieces(enc Encoding, text string) []string {
	v := load(enc)
	var list []string
	for i := 0; i < len(text); {
		end := v.next([]byte(text), i)
		list = append(list, text[i:end])
		i = end
	}
	return list
}
