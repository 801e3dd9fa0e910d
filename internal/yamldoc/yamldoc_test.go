package yamldoc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestParsePlaces(t *testing.T) {
	doc, err := Parse([]byte("a: 1\nb:\n  - &x {c: yes, d: null}\n  - *x\n"))
	if err != nil {
		t.Fatal(err)
	}
	list := doc.Member("b")
	if got := list.Content[0]; got.Line != 3 || got.Column != 5 || got != list.Content[1] {
		t.Errorf("the anchor stands at %d:%d, and its alias is another node: %v", got.Line, got.Column, got != list.Content[1])
	}
	if got := list.Content[0].Member("d"); !got.Null() {
		t.Errorf("d is %+v, not null", got)
	}
	if got := doc.Member("no"); got != nil {
		t.Errorf("a member that is not there is %+v", got)
	}
}

func TestParseFaults(t *testing.T) {
	for _, c := range []struct {
		text string
		line int
	}{{"a: [1\n", 1}, {"a: 1\nb: *no\n", 0}, {"\tx: 1", 0}} {
		_, err := Parse([]byte(c.text))
		e, ok := errors.AsType[*SyntaxError](err)
		if !ok || e.Line != c.line || e.Reason == "" {
			t.Errorf("Parse(%q): %v", c.text, err)
		}
	}
	if doc, err := Parse([]byte("# nothing\n")); doc != nil || err != nil {
		t.Errorf("an empty document gives %v, %v", doc, err)
	}
}

func TestJSON(t *testing.T) {
	doc, err := Parse([]byte("z: 0.70\na: [1e3, 0x10, .5, true, ~, '5', 2026-11-25, 123456789012345678901234567890]\n\"x\": {1: b}\n"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := doc.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"z":0.70,"a":[1e3,16,0.5,true,null,"5","2026-11-25",123456789012345678901234567890],"x":{"1":"b"}}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestJSONFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: 1\na: 2\n", `line 2, column 1: "a" stands twice`},
		{"a: .inf\n", `line 1, column 4: ".inf" is not a number that JSON can say`},
		{"? [a]\n: 1\n", "line 1, column 3: a name must be a text"},
		{"a: &a {b: *a}\n", "it is more than 64 levels deep, or an alias that holds itself"},
		{"x: &x {a: 1}\ny: {<<: *x}\n", "line 2, column 5: merging with << is not read; write the members out"},
		{"a: &a [" + strings.Repeat("xxxxxxxxx,", 200) + "]\nb: &b [" + strings.Repeat("*a,", 200) + "]\nc: &c [" + strings.Repeat("*b,", 200) + "]\n", "larger than 4 MiB"},
	} {
		doc, err := Parse([]byte(c.text))
		if err == nil {
			_, err = doc.JSON()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.30q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

// What is written is read as the same, texts that look like numbers and texts with anything in them above all.
func TestEncodeRoundTrip(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "true", "null", "~", "1", "1e3", "0x10", "yes", "no", "- a", "a: b", "# c", "a #b", "{x}", "[", "*a", "&a", "!t", "|", ">", "%", "@", "`", "'", "\"", "---", "...",
		" lead", "trail ", "two\nlines\n", "\n", "\r\n", "\t", "\u0085", "\u2028", "\ufeff", "2026-11-25", "1:20", "<<", "=", "\x00", "\u007f",
	}))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaves := []*rapid.Generator[any]{
			texts.AsAny(), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Just[any](nil),
			rapid.SampledFrom([]json.Number{"0.70", "1e3", "-0", "1E-7", "123456789012345678901234567890", "1.0"}).AsAny(),
		}
		if depth > 0 {
			leaves = append(leaves, rapid.SliceOfN(value(depth-1), 0, 3).AsAny(), rapid.MapOfN(texts, value(depth-1), 0, 3).AsAny())
		}
		return rapid.OneOf(leaves...)
	}
	rapid.Check(t, func(t *rapid.T) {
		want, err := json.Marshal(value(3).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := FromJSON(want)
		if err != nil {
			t.Fatal(err)
		}
		text, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(text)
		if err != nil {
			t.Fatalf("%s is written as %q: %v", want, text, err)
		}
		got, err := back.JSON()
		if err != nil {
			t.Fatalf("%s is written as %q: %v", want, text, err)
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal(want, &b) != nil || !cmp.Equal(a, b) {
			t.Fatalf("%s is written as %q and read as %s", want, text, got)
		}
		if diff := cmp.Diff(back, n, cmpopts.IgnoreFields(Node{}, "Line", "Column", "Tag"), cmpopts.EquateEmpty()); diff != "" && !strings.Contains(string(want), "null") {
			t.Fatalf("%s is another tree:\n%s", want, diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a: &x [1, *x]\nb: {c: d}\n"))
	f.Add([]byte("---\n- ? a\n  : b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := Parse(text)
		if err != nil || doc == nil {
			return
		}
		if out, err := doc.JSON(); err == nil && !json.Valid(out) {
			t.Fatalf("%q gives %q, which is not JSON", text, out)
		}
	})
}
