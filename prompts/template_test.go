package prompts

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// compiled makes a version of a text.
func compiled(tb testing.TB, name, text string) *Compiled {
	tb.Helper()
	return compiledContent(tb, name, Content{Text: text})
}

func compiledContent(tb testing.TB, name string, content Content) *Compiled {
	tb.Helper()
	hash, err := HashOf(content)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := Compile(Version{Name: name, Number: 1, Hash: hash, Content: content})
	if err != nil {
		tb.Fatalf("compile %s: %v", name, err)
	}
	return c
}

// library resolves partials out of texts.
func library(tb testing.TB, texts map[string]string) Resolver {
	tb.Helper()
	return func(ref Ref) (*Compiled, int64, error) {
		text, ok := texts[ref.Name]
		if !ok {
			return nil, 0, ErrNoPrompt
		}
		return compiled(tb, ref.Name, text), 7, nil
	}
}

// The cases follow the specification of mustache, in words of our own, for what we have of it.
func TestMustache(t *testing.T) {
	files, err := filepath.Glob("testdata/mustache/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Name, Template, Want string
			Data                 json.RawMessage
			Partials             map[string]string
		}
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range cases {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				content := Content{Text: c.Template, Variables: json.RawMessage(`{"type":"object","additionalProperties":true}`)}
				got, err := compiledContent(t, "main", content).Render(c.Data, library(t, c.Partials))
				if err != nil {
					t.Fatal(err)
				}
				if got.Text != c.Want {
					t.Errorf("%q renders\n got %q\nwant %q", c.Template, got.Text, c.Want)
				}
			})
		}
	}
}

func TestParseFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a {{name", "line 1, column 3: {{ is not closed: its }} is missing"},
		{"ä\nöü {{{x}}", "line 2, column 4: {{ is not closed: its }}} is missing"},
		{"{{}}", "line 1, column 1: the tag is empty: a variable's name is missing"},
		{"{{#}}{{/}}", "line 1, column 1: the tag is empty: a variable's name is missing"},
		{"{{ a b }}", `line 1, column 1: "a b" is not a variable's name: names are letters, digits, "_" and "-", joined by dots; to have braces in the text, change the delimiters: {{=<% %>=}}`},
		{"{{a..b}}", `line 1, column 1: "a..b" is not a variable's name: names are letters, digits, "_" and "-", joined by dots; to have braces in the text, change the delimiters: {{=<% %>=}}`},
		{"x\n  {{#a}}\ny", `line 2, column 3: the section "a" is not closed: {{/a}} is missing`},
		{"{{#a}}{{^b}}{{/b}}", `line 1, column 1: the section "a" is not closed: {{/a}} is missing`},
		{"{{#a}}\n{{/b}}", `line 2, column 1: {{/b}} does not close the section that is open, "a"`},
		{"{{/b}}", "line 1, column 1: {{/b}} closes a section that is not open"},
		{"\n\n{{> no such}}", `line 3, column 1: not a reference to a prompt: "no such": write name, name@label or name@7 (the name of a prompt "no such" may have letters, digits, ".", "_" and "-", and begins with a letter or a digit)`},
		{"{{=<%=}}", "line 1, column 1: delimiters are set by two words, as in {{=<% %>=}}"},
		{"{{= a=b c =}}", "line 1, column 1: delimiters are set by two words, as in {{=<% %>=}}"},
		{strings.Repeat("{{#a}}", 33), "line 1, column 193: sections are in one another more than 32 deep"},
		{strings.Repeat("x", 256<<10+1), "line 1, column 1: the template is larger than 256 KiB; give what is large as a variable"},
	} {
		_, err := Parse(c.text)
		at, ok := errors.AsType[*SyntaxError](err)
		if !ok || at.Error() != c.want {
			t.Errorf("Parse(%.40q)\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	parsed, err := Parse("{{a}}\n{{#b}}{{#c}}{{.}}{{/c}}{{^d}}{{/d}}{{/b}} {{> x@y}}{{{e.f}}}\n\n  {{> z@3}}")
	if err != nil {
		t.Fatal(err)
	}
	want := []Name{
		{"a", NameValue, nil, 1, 1},
		{"b", NameSection, nil, 2, 1},
		{"c", NameSection, []string{"b"}, 2, 7},
		{".", NameValue, []string{"b", "c"}, 2, 13},
		{"d", NameInverted, []string{"b"}, 2, 24},
		{"e.f", NameValue, nil, 2, 52},
	}
	if diff := cmp.Diff(parsed.Names(), want); diff != "" {
		t.Errorf("names (-got +want)\n%s", diff)
	}
	refs := []Partial{{Ref{Name: "x", Label: "y"}, 2, 43}, {Ref{Name: "z", Number: 3}, 4, 3}}
	if diff := cmp.Diff(parsed.Partials(), refs); diff != "" {
		t.Errorf("partials (-got +want)\n%s", diff)
	}
}

// Whatever a template is, it parses or says where it does not; whatever the values are, they come out as they went in.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"{{a}}", "{{#a}}{{.}}{{/a}}", "{{^a}}\n {{! x }}\n{{/a}}", "{{=<% %>=}}<%a%>", "{{> p}}", " \r\n{{{a}}}\r\n", "{{#a}}{{#a}}{{b.c}}{{/a}}{{/a}}", "{{=[ ]=}}[a]",
	} {
		f.Add(text, "{{b}}")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		parsed, err := Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("Parse(%q): %T", text, err)
			}
			return
		}
		for _, n := range parsed.Names() {
			lines := strings.Split(text, "\n")
			if n.Line < 1 || n.Line > len(lines) || n.Column < 1 || n.Column > len([]rune(lines[n.Line-1])) {
				t.Fatalf("%q: %s is said to be at %d:%d", text, n.Name, n.Line, n.Column)
			}
		}
		if strings.TrimSpace(text) == "" || strings.Contains(text, "\x00") || !utf8.ValidString(text) {
			return
		}
		c, err := Compile(Version{Name: "x", Number: 1, Content: Content{Text: text}})
		if err != nil {
			t.Fatalf("%q parses and does not compile: %v", text, err)
		}
		value = strings.ToValidUTF8(value, "")
		variables := map[string]any{}
		for name := range c.known {
			variables[name] = value
		}
		raw, err := json.Marshal(variables)
		if err != nil {
			t.Skip()
		}
		again := library(t, map[string]string{"p": "{{! nothing }}"})
		got, err := c.Render(raw, again)
		if err != nil {
			return // a dotted name, {{.}} outside of a section, a partial that is not there
		}
		other, err := c.Render(raw, again)
		if err != nil || !reflect.DeepEqual(got, other) {
			t.Fatalf("%q renders in two ways: %v", text, err)
		}
		if value != "" && len(parsed.nodes) == 1 && parsed.nodes[0].kind == nodeValue && got.Text != value {
			t.Fatalf("%q with %q renders %q", text, value, got.Text)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	text := strings.Repeat("You answer questions about our shop, in a few words and kindly. ", 14) + "{{name}} from {{city}} asks in {{language}} at {{time}}: {{question}}\n"
	if len(text) < 900 {
		b.Fatal(len(text))
	}
	variables := json.RawMessage(`{"name":"Ada","city":"London","language":"English","time":"12:00","question":"Where is my order?"}`)
	schema := `{"type":"object","required":["question"],"properties":{"name":{"type":"string"},"city":{"type":"string"},"language":{"type":"string"},"time":{"type":"string"},"question":{"type":"string"}}}`
	for _, c := range []struct {
		name    string
		content Content
	}{{"plain", Content{Text: text}}, {"schema", Content{Text: text, Variables: json.RawMessage(schema)}}} {
		b.Run(c.name, func(b *testing.B) {
			p := compiledContent(b, "bench", c.content)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Render(variables, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleCompiled_Render() {
	c, err := Compile(Version{Name: "greet", Number: 3, Content: Content{Text: "Hello, {{name}}!{{#items}} {{.}},{{/items}}"}})
	if err != nil {
		panic(err)
	}
	out, err := c.Render([]byte(`{"name": "{{items}}", "items": ["a", "b"]}`), nil)
	fmt.Println(out.Text, err)
	_, err = c.Render([]byte(`{"items": []}`), nil)
	fmt.Println(err)
	// Output:
	// Hello, {{items}}! a, b, <nil>
	// prompt greet@3: the variable "name" is missing; line 1, column 8 asks for it
}
