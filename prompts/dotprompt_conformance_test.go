package prompts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/internal/yamldoc"
)

// notCovered are the conformance cases of dotprompt that weir does not pass, by file and name, each with its reason.
var notCovered = map[string]string{
	"helpers__history/basic_history":               "{{history}} in the middle: the caller's messages go behind the prompt's",
	"helpers__history/empty_history":               "{{history}} in the middle: the caller's messages go behind the prompt's",
	"helpers__ifEquals/basic":                      "comparisons: templates are without logic",
	"helpers__ifEquals/type_safety":                "comparisons: templates are without logic",
	"helpers__ifEquals/boolean_comparison":         "comparisons: templates are without logic",
	"helpers__ifEquals/null_comparison":            "comparisons: templates are without logic",
	"helpers__unlessEquals/basic":                  "comparisons: templates are without logic",
	"helpers__unlessEquals/type_safety":            "comparisons: templates are without logic",
	"helpers__unlessEquals/boolean_comparison":     "comparisons: templates are without logic",
	"helpers__unlessEquals/null_comparison":        "comparisons: templates are without logic",
	"helpers__json/basic":                          "{{json}}: {{name}} writes lists and objects as JSON, there is no helper for it",
	"helpers__json/indented":                       "{{json}}: {{name}} writes lists and objects as JSON, there is no helper for it",
	"helpers__json/indented_4_spaces":              "{{json}}: {{name}} writes lists and objects as JSON, there is no helper for it",
	"helpers__json/nested_objects":                 "{{json}}: {{name}} writes lists and objects as JSON, there is no helper for it",
	"helpers__json/arrays":                         "{{json}}: {{name}} writes lists and objects as JSON, there is no helper for it",
	"helpers__json/empty_values":                   "{{json}}: {{name}} writes lists and objects as JSON, there is no helper for it",
	"helpers__media/basic":                         "{{media}}: a prompt's messages are texts",
	"helpers__media/url_only":                      "{{media}}: a prompt's messages are texts",
	"helpers__media/content_types":                 "{{media}}: a prompt's messages are texts",
	"helpers__section/basic_section":               "{{section}}: a prompt's messages are texts",
	"helpers__section/nested_sections":             "{{section}}: a prompt's messages are texts",
	"metadata/metadata_state":                      "@ variables: a call brings no state beside its variables",
	"metadata/metadata_context_variables":          "@ variables: a call brings no context beside its variables",
	"partials/partial_with_context":                "a partial with values of its own: it sees the variables around it",
	"partials/partial_with_license_header":         "a partial with values of its own: it sees the variables around it",
	"picoschema/named_schema_override_description": "named schemas: a version holds its whole schema",
	"picoschema/nested_named_schema":               "named schemas: a version holds its whole schema",
	"unicode/unicode_iteration":                    "@last: templates are without it",
	"whitespace/whitespace_tilde_block_each":       "{{#each}} without a schema: it is not known to be a list",
	"whitespace/whitespace_tilde_block_if":         "{{#if}} without a schema: it is not known not to be a list",
}

// plainValue decodes a node of a case.
func plainValue(t *testing.T, n *yamldoc.Node) any {
	t.Helper()
	if n == nil {
		return nil
	}
	text, err := n.JSON()
	if err != nil {
		t.Fatal(err)
	}
	v, err := decodeJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDotpromptConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/dotprompt/*.yaml")
	if err != nil || len(files) != 13 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	passed := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		specs, err := yamldoc.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, spec := range specs.Content {
			name := strings.TrimSuffix(filepath.Base(file), ".yaml") + "/" + spec.Member("name").Value
			t.Run(name, func(t *testing.T) {
				fault := ""
				for _, test := range spec.Member("tests").Content {
					if f := conform(t, spec, test); f != "" && fault == "" {
						fault = test.Member("desc").Value + ": " + f
					}
				}
				reason, listed := notCovered[name]
				switch {
				case listed && fault == "":
					t.Errorf("it passes, and is listed as not covered: %s", reason)
				case !listed && fault != "":
					t.Error(fault)
				case !listed:
					passed++
				}
			})
		}
	}
	t.Logf("%d cases pass, %d are not covered", passed, len(notCovered))
}

// conform runs one test of a case and says how it fails.
func conform(t *testing.T, spec, test *yamldoc.Node) string {
	t.Helper()
	c, _, err := ReadDotprompt([]byte(spec.Member("template").Value))
	if err != nil {
		return err.Error()
	}
	expect := test.Member("expect")
	if want := expect.Member("model"); want != nil && c.Model != want.Value {
		return "model: " + c.Model
	}
	for _, m := range []struct {
		got  json.RawMessage
		want *yamldoc.Node
	}{{c.Settings, expect.Member("config")}, {c.Variables, expect.Member("input").Member("schema")}, {schemaOf(c.ResponseFormat), expect.Member("output").Member("schema")}} {
		if m.want == nil {
			continue
		}
		got, err := decodeJSON(m.got)
		if err != nil {
			return err.Error()
		}
		if diff := cmp.Diff(got, plainValue(t, m.want)); diff != "" {
			return "(-got +want)\n" + diff
		}
	}
	want := []any{}
	for _, m := range expect.Member("messages").Content {
		want = append(want, map[string]any{"role": plainValue(t, m.Member("role")), "content": plainValue(t, m.Member("content"))})
	}
	got := []any{}
	if c.Text != "" || len(c.Messages) > 0 {
		if defaults := test.Member("options").Member("input").Member("default"); defaults != nil {
			if c.Defaults, err = defaults.JSON(); err != nil {
				t.Fatal(err)
			}
		}
		if got, err = renderCase(t, c, spec, test); err != nil {
			return err.Error()
		}
	}
	if diff := cmp.Diff(got, want); diff != "" {
		return "messages (-got +want)\n" + diff
	}
	return ""
}

func schemaOf(format json.RawMessage) json.RawMessage {
	var f struct {
		JSONSchema struct{ Schema json.RawMessage } `json:"json_schema"`
	}
	if json.Unmarshal(format, &f) != nil {
		return nil
	}
	return f.JSONSchema.Schema
}

// renderCase renders as a gateway would: a text is the user's, and the caller's messages go behind.
func renderCase(t *testing.T, c Content, spec, test *yamldoc.Node) ([]any, error) {
	t.Helper()
	compiled, err := Compile(Version{Name: "case", Number: 1, Content: c})
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for _, partials := range []string{"partials", "resolverPartials"} {
		for key, value := range spec.Member(partials).Members() {
			texts[key.Value] = value.Value
		}
	}
	var variables json.RawMessage
	if input := test.Member("data").Member("input"); input != nil {
		if variables, err = input.JSON(); err != nil {
			t.Fatal(err)
		}
	}
	out, err := compiled.Render(variables, library(t, texts))
	if err != nil {
		return nil, err
	}
	if out.Text != "" {
		out.Messages = []Message{{"user", out.Text}}
	}
	var got []any
	for _, m := range out.Messages {
		role := m.Role
		if role == "assistant" {
			role = "model"
		}
		got = append(got, map[string]any{"role": role, "content": []any{map[string]any{"text": m.Content}}})
	}
	history := test.Member("data").Member("messages")
	if history == nil {
		history = spec.Member("data").Member("messages")
	}
	if history != nil {
		for _, m := range history.Content {
			got = append(got, plainValue(t, m))
		}
	}
	return got, nil
}
