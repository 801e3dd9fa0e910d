package prompts

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCheckTellsEverything(t *testing.T) {
	warnings, err := Check(Content{
		Messages:  []Message{{"boss", "Hello {{name"}, {"user", "x\n {{#a}}{{b}}{{/a}}{{nobody}}"}, {"user", " \n"}, {"user", "a\x00"}},
		Settings:  json.RawMessage(`{"temperature":0,"stream":true,"messages":[]}`),
		Variables: json.RawMessage(`{"type":"object","properties":{"a":{"type":"object","properties":{"c":{}}},"unused":{"type":"string"}}}`),
		Defaults:  json.RawMessage(`{"unused":5}`), ResponseFormat: json.RawMessage(`{"type":"json_schema","json_schema":{"schema":{"type":"nothing"}}}`),
		Tools: json.RawMessage(`[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}},{"a":1},{"type":"function"}]`),
	})
	want := `not a prompt: it has 14 faults:
  messages[0]: the role "boss" is none of system, developer, user, assistant
  messages[0]: line 1, column 7: {{ is not closed: its }} is missing
  messages[2]: it is empty
  messages[3]: it is not text: it has a zero character, or bytes that are not UTF-8
  settings: messages is none of the settings: a prompt's messages are its own
  settings: stream is none of the settings: the caller says whether to stream
  messages[1]: line 2, column 8: the schema of the variables does not list "b"
  messages[1]: line 2, column 19: the schema of the variables does not list "nobody"
  defaults: unused must be of type string, not number
  response_format: json_schema.name is missing
  response_format: json_schema.schema: not a JSON Schema: type fits none or several of the forms that the schema allows
  tools[1]: the function "f" is there twice
  tools[2]: must be an object with a type, as {"type": "function", "function": {…}}
  tools[3]: function.name is missing`
	if err == nil || err.Error() != want || !errors.Is(err, ErrInvalid) {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	if diff := cmp.Diff(warnings, []string{`variables: no template asks for "unused"`}); diff != "" {
		t.Errorf("warnings (-got +want)\n%s", diff)
	}
}

func TestCheckFaults(t *testing.T) {
	for _, c := range []struct {
		content Content
		want    string
	}{
		{Content{}, "text: a prompt has a text or messages, and this has neither"},
		{Content{Text: "x", Messages: []Message{{"user", "y"}}}, "messages: a prompt has a text or messages, not both"},
		{Content{Text: "x", Messages: make([]Message, 257)}, "messages: a prompt has a text or messages, not both"},
		{Content{Messages: make([]Message, 257)}, "messages: there are more than 256"},
		{Content{Text: "x", Settings: json.RawMessage(`[]`)}, "settings: must be an object"},
		{Content{Text: "x", Settings: json.RawMessage(`{"a":1,"a":2}`)}, "settings: "},
		{Content{Text: "x", Settings: json.RawMessage(`{"a":`)}, "settings: "},
		{Content{Text: "x", Variables: json.RawMessage(`{"type":"string"}`)}, "variables: the schema must be of the object of variables"},
		{Content{Text: "x", Variables: json.RawMessage(`{"type":"object","properties":{"a":{"$ref":"https://example.com/s.json"}}}`)}, "schemas are never loaded from elsewhere"},
		{Content{Text: "x", Variables: json.RawMessage(`{"type":"object","properties":{"a":{"$ref":"file:///etc/passwd"}}}`)}, "schemas are never loaded from elsewhere"},
		{Content{Text: "x", Variables: json.RawMessage(`{"type":"object","$comment":"` + strings.Repeat("x", 64<<10) + `"}`)}, "variables: the schema is larger than 64 KiB"},
		{Content{Text: "x", Defaults: json.RawMessage(`"` + strings.Repeat("x", 256<<10) + `"`)}, "defaults: is larger than 256 KiB"},
		{Content{Text: "x", ResponseFormat: json.RawMessage(`{"type":"xml"}`)}, "response_format: its type must be"},
		{Content{Text: "x", ResponseFormat: json.RawMessage(`{"type":"json_schema"}`)}, "response_format: json_schema must be an object"},
		{Content{Text: "x", Tools: json.RawMessage(`{}`)}, "tools: must be a list"},
		{Content{Text: "x", Tools: json.RawMessage(`[{"type":"function","function":{"name":"f","parameters":{"type":1}}}]`)}, "tools[0]: function.parameters: not a JSON Schema"},
	} {
		_, err := Check(c.content)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%+.200v\n got %v\nwant %s", c.content, err, c.want)
		}
	}
}

func TestCheckPasses(t *testing.T) {
	for _, c := range []Content{
		{Text: "x", Settings: json.RawMessage("null")},
		{Text: "{{> p}}{{a}}", Variables: json.RawMessage(`{"type":"object","properties":{"a":{},"of_the_partial":{}}}`)},
		{Text: "{{#l}}{{x}}{{.}}{{/l}}", Variables: json.RawMessage(`{"type":"object","properties":{"l":{"type":"array","items":{"type":"object","properties":{"x":{}}}}}}`)},
		{Text: "{{any}}", Variables: json.RawMessage(`{"type":"object","additionalProperties":{"type":"string"}}`)},
		{Text: "{{a}}", Defaults: json.RawMessage(`{"a":1}`), ResponseFormat: json.RawMessage(`{"type":"text"}`), Tools: json.RawMessage(`[{"type":"web_search"}]`)},
	} {
		if warnings, err := Check(c); err != nil || len(warnings) > 0 {
			t.Errorf("%+v: %v %v", c, warnings, err)
		}
	}
}

func TestRenderVariables(t *testing.T) {
	schema := Content{
		Text:      "{{name}}{{#vip}} (vip){{/vip}}{{note}}{{o.x}}",
		Variables: json.RawMessage(`{"type":"object","required":["name"],"properties":{"name":{"type":"string","maxLength":5},"vip":{"type":"boolean"},"note":{},"o":{"type":"object","properties":{"x":{"enum":["a","b"]}}}}}`),
		Defaults:  json.RawMessage(`{"vip":true}`),
	}
	free := Content{Messages: []Message{{"system", "x"}, {"user", "a\n {{name}} {{#l}}{{deep.er}}{{/l}}"}}}
	for _, c := range []struct {
		content         Content
		variables, want string // the text, or the error with the variable in front
	}{
		{schema, `{"name":"Ada"}`, "Ada (vip)"},
		{schema, `{"name":"Ada","vip":false,"note":null,"o":{"x":"b"}}`, "Adab"},
		{schema, `{}`, `name|prompt p@1: the variable "name" is missing`},
		{schema, ``, `name|prompt p@1: the variable "name" is missing`},
		{schema, `{"name":"Augusta"}`, `name|prompt p@1: the variable "name" does not fit: maxLength: got 7, want 5`},
		{schema, `{"name":5}`, `name|prompt p@1: the variable "name" must be of type string, not number`},
		{schema, `{"name":"A","o":{"x":"secret"}}`, `o.x|prompt p@1: the variable "o.x" must be one of a, b`},
		{schema, `{"name":"A","zzz":1,"nick":2}`, `nick|prompt p@1: the variable "nick" is not one of the prompt's: it has name, note, o, vip`},
		{schema, `{"name":"A","name":"B"}`, `name|prompt p@1: the variable "name" stands twice`},
		{schema, `[1]`, `|prompt p@1: the variables must be a JSON object of names and values`},
		{schema, `{"a"`, `|prompt p@1: the variables are not JSON: line 1, column 5: `},
		{free, `{"name":"x","l":[{"deep":{}}]}`, `deep.er|prompt p@1: the variable "deep.er" is missing; message 2 (user), line 2, column 17 asks for it`},
		{free, `{"name":"x","l":[{"deep":5}]}`, `deep.er|prompt p@1: the variable "deep.er" is not there: it is looked for in a number`},
		{free, `{"name":"x","l":false}`, "a\n x "},
		{free, `{"l":false}`, `name|prompt p@1: the variable "name" is missing; message 2 (user), line 2, column 2 asks for it`},
		{Content{Text: "{{.}}"}, `{}`, `.|prompt p@1: the variable "." stands for the value of a section, and there is none around it`},
		{Content{Text: "{{a}}|{{b}}"}, `{"a":"\ud83d\ude00 \\ \n \u0041", "b" : -1.50e+3 }`, "\U0001F600 \\ \n A|-1.50e+3"},
	} {
		out, err := compiledContent(t, "p", c.content).Render(json.RawMessage(c.variables), nil)
		got := out.Text
		if len(out.Messages) > 0 {
			got = out.Messages[1].Content
		}
		if err != nil {
			v, ok := errors.AsType[*VariableError](err)
			if !ok {
				t.Errorf("%s: %T %v", c.variables, err, err)
				continue
			}
			got = v.Variable + "|" + v.Error()
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s\n got %s\nwant %s", c.variables, got, c.want)
		}
	}
}

func TestPartials(t *testing.T) {
	texts := map[string]string{"a": "A{{> b@3}}{{x}}", "b": "B", "loop": "{{> again}}", "again": "{{> loop}}", "broken": "{{> gone}}"}
	find := library(t, texts)
	out, err := compiled(t, "main", "{{> a@live}}{{> b@3}}{{> a@live}}").Render(json.RawMessage(`{"x":"{{y}}"}`), find)
	if err != nil || out.Text != "AB{{y}}BAB{{y}}" {
		t.Fatalf("%q, %v", out.Text, err)
	}
	hash := func(text string) string {
		h, err := HashOf(Content{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	pins := []Pin{{"a@live", "a", 1, hash(texts["a"]), 7}, {"b@3", "b", 1, hash("B"), 7}}
	if diff := cmp.Diff(out.Pins, pins); diff != "" {
		t.Errorf("pins (-got +want)\n%s", diff)
	}
	for _, c := range []struct {
		text string
		is   error
		want string
	}{
		{"{{> loop}}", ErrCycle, "prompt main@1: partial loop at line 1, column 1 of again@1: the prompt contains itself: loop@1 → again@1 → loop@1"},
		{"{{> main}}", ErrCycle, "main@1 → main@1"},
		{"\n {{> broken}}", ErrNoPrompt, "prompt main@1: partial gone at line 1, column 1 of broken@1: no such prompt"},
	} {
		texts["main"] = c.text
		_, err := compiled(t, "main", c.text).Render(nil, find)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	if _, err := compiled(t, "main", "{{> a}}").Render(nil, nil); !errors.Is(err, ErrNoPrompt) {
		t.Errorf("without a resolver: %v", err)
	}
	chat := func(Ref) (*Compiled, int64, error) {
		return compiledContent(t, "chat", Content{Messages: []Message{{"user", "x"}}}), 1, nil
	}
	if _, err := compiled(t, "main", "{{> chat}}").Render(nil, chat); !errors.Is(err, ErrInvalid) {
		t.Errorf("a partial with messages: %v", err)
	}
}

// A partial brings its defaults, and its variables are no surplus to a prompt whose schema does not know them.
func TestPartialVariables(t *testing.T) {
	main := compiledContent(t, "main", Content{Text: "{{a}} {{> p}}", Variables: json.RawMessage(`{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}`)})
	part := compiledContent(t, "p", Content{Text: "{{b}}{{c}}", Defaults: json.RawMessage(`{"c":"default"}`)})
	find := func(Ref) (*Compiled, int64, error) { return part, 0, nil }
	out, err := main.Render(json.RawMessage(`{"a":1,"b":2}`), find)
	if err != nil || out.Text != "1 2default" {
		t.Errorf("%q, %v", out.Text, err)
	}
	_, err = main.Render(json.RawMessage(`{"a":1}`), find)
	if v, ok := errors.AsType[*VariableError](err); !ok || v.Variable != "b" || !strings.Contains(v.Reason, "prompt p@1, line 1, column 1") {
		t.Errorf("a variable that the partial wants: %v", err)
	}
}

func TestRenderBounds(t *testing.T) {
	big, err := json.Marshal(map[string]any{"x": strings.Repeat("x", 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compiled(t, "p", "{{x}}{{x}}{{x}}{{x}}{{x}}").Render(big, nil); !errors.Is(err, ErrBounds) {
		t.Errorf("5 MiB: %v", err)
	}
	list, err := json.Marshal(map[string]any{"l": func() (out []bool) {
		for range 1200 {
			out = append(out, true)
		}
		return out
	}()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compiled(t, "p", "{{#l}}{{#l}}{{/l}}{{/l}}").Render(list, nil); !errors.Is(err, ErrBounds) {
		t.Errorf("a list within itself: %v", err)
	}
}

func TestCompileDeleted(t *testing.T) {
	_, err := Compile(Version{Name: "x", Number: 2, DeletedAt: time.Unix(1, 0)})
	if !errors.Is(err, ErrDeleted) || !strings.Contains(err.Error(), "x@2") {
		t.Errorf("%v", err)
	}
}

func TestRefs(t *testing.T) {
	for text, want := range map[string]Ref{"greet": {Name: "greet"}, "greet@production": {Name: "greet", Label: "production"}, "a.b-c_D@7": {Name: "a.b-c_D", Number: 7}, "g@7a": {Name: "g", Label: "7a"}} {
		got, err := ParseRef(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseRef(%q) = %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "@x", "a@", "a@0", "a@07", "a@99999999999", "a b", "a@b@c", "ä", "a/b", "-a", strings.Repeat("a", 129), "a@" + strings.Repeat("b", 65)} {
		if got, err := ParseRef(text); !errors.Is(err, ErrRef) {
			t.Errorf("ParseRef(%q) = %+v, %v", text, got, err)
		}
	}
	if err := CheckLabel("12"); !errors.Is(err, ErrInvalid) {
		t.Errorf("a label that is a number: %v", err)
	}
}

func TestHash(t *testing.T) {
	base := Content{Text: "x", Settings: json.RawMessage(`{"a":1,"b":[0.5,"é"]}`)}
	want, err := HashOf(base)
	if err != nil || len(want) != len("sha256:")+64 {
		t.Fatal(want, err)
	}
	for _, same := range []Content{
		{Text: "x", Settings: json.RawMessage("{ \"b\": [5e-1, \"\\u00e9\"],\n \"a\": 10e-1 }")},
		{Text: "x", Settings: base.Settings, Tools: json.RawMessage("null"), Messages: []Message{}},
	} {
		if got, err := HashOf(same); got != want {
			t.Errorf("%+v: %s, %v", same, got, err)
		}
	}
	for _, other := range []Content{
		{Text: "x "},
		{Text: "x", Settings: json.RawMessage(`{"a":1,"b":["é",0.5]}`)},
		{Text: "x", Settings: base.Settings, Model: "m"},
		{Text: "x", Settings: base.Settings, Tools: json.RawMessage("[]")},
		{Messages: []Message{{"user", "x"}}, Settings: base.Settings},
		{Text: "x", Defaults: base.Settings},
	} {
		if got, err := HashOf(other); got == want || err != nil {
			t.Errorf("%+v has the same hash, %v", other, err)
		}
	}
	if _, err := HashOf(Content{Text: "x", Tools: json.RawMessage("[")}); err == nil {
		t.Error("what is no JSON has a hash")
	}
}

func TestCanonicalNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0.0e9": "0", "1.0": "1", "10e-1": "1", "0.70": "7e-1", "-1.5E+3": "-1500", "1e3": "1000", "1e400": "1e400", "123456789012345678901234567890": "12345678901234567890123456789e1",
		"1e99999999999999999999": "1e99999999999999999999",
	} {
		if got := canonicalNumber(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "number")
		text, err := json.Marshal(f)
		if err != nil {
			t.Skip()
		}
		var back float64
		if err := json.Unmarshal([]byte(canonicalNumber(string(text))), &back); err != nil || back != f {
			t.Fatalf("%s becomes %s", text, canonicalNumber(string(text)))
		}
	})
}
