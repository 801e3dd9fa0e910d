package prompts

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestReadDotprompt(t *testing.T) {
	text := `# Copyright: none
---
model: gpt-4o-mini
description: answers
config: {temperature: 0.70, stop: ["x"]}
input:
  schema:
    name: string, who asks
    vip?: boolean
    items(array): string
    orders(array, the last ones):
      id: string
  default: {vip: false}
output:
  schema:
    answer: string
tools:
  - name: find
    description: finds
    input: {q: string}
---

{{role "system"}}
You help {{name}}.
{{#if vip}}
Kindly.
{{else}}
Briefly.
{{/if}}
{{#unless vip}}!{{/unless~}}
   {{role 'model'}}{{#each items}}- {{this}}
{{/each}}{{#each orders}}{{id}} of {{../name}}, {{this.id}}{{else}}none{{/each}}
{{role "user"}}{{!-- a }} b --}}Go.
{{history}}
`
	got, warnings, err := ReadDotprompt([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Content{
		Messages: []Message{
			{"system", "\nYou help {{name}}.\n{{#vip}}\nKindly.\n{{/vip}}\n{{^vip}}\nBriefly.\n{{/vip}}\n{{^vip}}!{{/vip}}"},
			{"assistant", "{{#items}}- {{.}}\n{{/items}}{{#orders}}{{id}} of {{name}}, {{id}}{{/orders}}{{^orders}}none{{/orders}}\n"},
			{"user", "{{! a } } b }}Go.\n"},
		},
		Model:          "gpt-4o-mini",
		Settings:       json.RawMessage(`{"temperature":0.70,"stop":["x"]}`),
		Variables:      json.RawMessage(`{"type":"object","properties":{"name":{"type":"string","description":"who asks"},"vip":{"type":["boolean","null"]},"items":{"type":"array","items":{"type":"string"}},"orders":{"type":"array","description":"the last ones","items":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"],"additionalProperties":false}}},"required":["name","items","orders"],"additionalProperties":false}`),
		Defaults:       json.RawMessage(`{"vip":false}`),
		ResponseFormat: json.RawMessage(`{"type":"json_schema","json_schema":{"name":"output","schema":{"type":"object","properties":{"answer":{"type":"string"}},"required":["answer"],"additionalProperties":false}}}`),
		Tools:          json.RawMessage(`[{"type":"function","function":{"name":"find","description":"finds","parameters":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"],"additionalProperties":false}}}]`),
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if diff := cmp.Diff(warnings, []string{`line 4: "description" is not kept`}); diff != "" {
		t.Errorf("warnings (-got +want)\n%s", diff)
	}
	if _, err := Check(got); err != nil {
		t.Error(err)
	}
	out, err := compiledContent(t, "x", got).Render(json.RawMessage(`{"name":"Ada","vip":true,"items":["a","b"],"orders":[]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	rendered := []Message{{"system", "\nYou help Ada.\nKindly.\n"}, {"assistant", "- a\n- b\nnone\n"}, {"user", "Go.\n"}}
	if diff := cmp.Diff(out.Messages, rendered); diff != "" {
		t.Errorf("rendered (-got +want)\n%s", diff)
	}
}

func TestReadDotpromptFaults(t *testing.T) {
	schema := "---\ninput:\n  schema:\n    n: number\n    o(object):\n      a?: string\n    l(array):\n      a?: string\n    a: string\n---\n"
	for _, c := range []struct{ text, want string }{
		{"---\nmodel: x\n", "file: line 1, column 1: the front is not closed: a second line of --- is missing"},
		{"---\na: [\n---\nx", "file: line 2, column 1: the front is not valid YAML"},
		{"---\n- a\n---\nx", "file: line 2, column 1: the front must be names with values"},
		{"---\nconfig: {a: 1, a: 2}\n---\nx", `file: line 2, column 16: "a" stands twice`},
		{"---\ninput: {schema: {a: Foo}}\n---\nx", `file: line 2, column 21: "Foo" is no type of Picoschema`},
		{"---\ninput:\n  schema:\n    a(list): string\n---\nx", "file: line 4, column 5: in the parenthesis of a field stands array, object or enum"},
		{"---\ntools: [find]\n---\nx", "file: line 2, column 9: a tool is read with its definition"},
		{"---\nmodel: x\n---\n\nä {{json x}}", "file: line 5, column 3: {{json x}} is not read: there is no helper of that name"},
		{"a\n{{@state.x}}", "file: line 2, column 1: {{@state.x}} is not read"},
		{"{{#if a}}x{{/if}}", "file: line 1, column 1: {{#if a}} is read when the input's schema says"},
		{schema + "{{#each n}}x{{/each}}", "file: line 11, column 1: {{#each n}} is read when the input's schema says that it is a list"},
		{schema + "{{#if l}}x{{/if}}", "{{#if l}} is read when"},
		{schema + "{{#each l}}{{a}}{{/each}}", `the item need not have it, and our template would take the "a" around it`},
		{schema + "{{#each l}}{{n}}{{/each}}", "within {{#each}} a name is the item's"},
		{schema + "{{#each l}}{{../a}}{{/each}}", `the item within may have a "a" of its own`},
		{schema + "{{#each l}}{{../../n}}{{/each}}", "leads out of the variables"},
		{schema + "{{#each l}}{{#if ../n}}{{this}}{{/if}}{{/each}}", "is read in {{#each}} only"},
		{"{{#each a as |b|}}{{/each}}", "the blocks are if, unless and each"},
		{"{{#with a}}{{/with}}", "the blocks are if, unless and each"},
		{"{{> p a=b}}", "a partial is read as"},
		{"{{role \"tool\"}}x", `the role "tool" is not read`},
		{schema + "{{#if n}}{{role \"user\"}}x{{/if}}", "{{role}} within a block is not read"},
		{"{{role \"user\"}}{{history}}x", "{{history}} is read at the end only"},
		{"\\{{x}}", "file: line 1, column 1: escaped braces are not read"},
		{"{{x", "file: line 1, column 1: {{ is not closed"},
		{"{{/if}}", "{{/if}} closes a block that is not open"},
		{schema + "{{#if n}}x", "{{#if}} is not closed"},
		{schema + "{{#if n}}x{{/each}}", "{{/each}} does not close the block that is open"},
		{"{{else}}", "{{else}} belongs to no block"},
		{"---\nweir.template: mustache\n---\n{{role \"user\"}}a\n  {{#b}}", `file: line 5, column 3: the section "b" is not closed`},
		{"---\nweir.tools: no\n---\nx", "file: line 2, column 13: weir.tools must be JSON in a text"},
		{"---\nweir.nothing: 1\n---\nx", `there is no member "weir.nothing" of weir's`},
	} {
		_, _, err := ReadDotprompt([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%q\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestWriteDotprompt(t *testing.T) {
	got, err := WriteDotprompt(Content{
		Messages:  []Message{{"system", "You are {{kind}}.\n"}, {"user", "{{question}}"}},
		Model:     "gpt-4o-mini",
		Settings:  json.RawMessage(`{"temperature": 0.70}`),
		Variables: json.RawMessage(`{"type":"object","properties":{"kind":{"type":"string"},"question":{"type":"string"}}}`),
	})
	want := `---
model: gpt-4o-mini
config:
  temperature: 0.70
input:
  schema:
    type: object
    properties:
      kind:
        type: string
      question:
        type: string
---
{{role "system"}}You are {{kind}}.
{{role "user"}}{{question}}
`
	if err != nil || string(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

// drawContent draws a content with anything in its texts.
func drawContent(t *rapid.T) Content {
	texts := rapid.SliceOfN(rapid.OneOf(rapid.StringN(0, 8, -1), rapid.SampledFrom([]string{
		"{{a}}", "{{#a}}", "{{/a}}", "{{^b}}", "{{/b}}", "{{.}}", "{{! c }}", "{{=<% %>=}}", "{{role \"user\"}}", "{{history}}", "{{#if x}}", "{{> p@l}}", "{{~a~}}", "\\{{a}}",
		"\n", " ", "---\n", "# x\n", "\r\n", "text", "{{this}}", "{{else}}", "}}",
	})), 1, 8)
	text := func(name string) string {
		return strings.ReplaceAll(strings.Join(texts.Draw(t, name), ""), "\x00", "")
	}
	raw := func(name string, more ...string) json.RawMessage {
		return json.RawMessage(rapid.SampledFrom(append([]string{"", "", `{}`, `{"a":1.50,"b":["x",null,true,{"c":"\n---\n"}],"d":1e400,"null":"null","1":"1"}`}, more...)).Draw(t, name))
	}
	c := Content{
		Model:     rapid.SampledFrom([]string{"", "gpt-4o", "1", "null", "a: b"}).Draw(t, "model"),
		Settings:  raw("settings", `{"temperature":0}`),
		Variables: raw("variables", `{"properties":{"a":{}}}`, `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, `{"$ref":"#/$defs/x","$defs":{"x":{}}}`, `true`),
		Defaults:  raw("defaults"),
		ResponseFormat: raw("response_format", `{"type":"json_object"}`, `{"type":"text"}`, `{"type":"json_schema","json_schema":{"name":"output","schema":{"type":"object"}}}`,
			`{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"a":"string"}}}`),
		Tools: raw("tools", `[]`, `[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]`,
			`[{"type":"function","function":{"name":"f","strict":true}},{"type":"web_search"}]`),
	}
	if rapid.Bool().Draw(t, "chat") {
		for range rapid.IntRange(1, 3).Draw(t, "messages") {
			c.Messages = append(c.Messages, Message{rapid.SampledFrom(roles).Draw(t, "role"), text("content")})
		}
	} else {
		c.Text = text("text")
	}
	return c
}

// Whatever a content is, its .prompt file is read as the same content.
func TestDotpromptRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawContent(t)
		want, err := HashOf(c)
		if err != nil {
			t.Fatal(err)
		}
		text, err := WriteDotprompt(c)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		back, _, err := ReadDotprompt(text)
		if err != nil {
			t.Fatalf("%+v is written as\n%s\nand read: %v", c, text, err)
		}
		got, err := HashOf(back)
		if err != nil || got != want {
			t.Fatalf("%+v is written as\n%s\nand read as %+v", c, text, back)
		}
	})
}

// What is read of a file as Handlebars parses as a template of ours.
func FuzzReadDotprompt(f *testing.F) {
	f.Add([]byte("---\ninput: {schema: {a: string, l(array): string}}\n---\n{{role \"user\"}}{{~#if a}}\n{{a~}}\n{{else}}x{{/if}}{{#each l}}{{this}}{{/each}}"))
	f.Add([]byte("{{> p}}{{!-- x --}}{{{a}}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _, err := ReadDotprompt(text)
		if err != nil {
			return
		}
		for _, m := range append(c.Messages, Message{"user", c.Text}) {
			if _, err := Parse(m.Content); err != nil && len(m.Content) < maxTemplate {
				t.Fatalf("%q is read as %q: %v", text, m.Content, err)
			}
		}
	})
}
