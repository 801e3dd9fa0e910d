package api

import (
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/openapi.json")

func TestDocument(t *testing.T) {
	w := newWorld(t)
	rec := w.ask("GET", "/openapi.json", "", stranger)
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", rec.Code, rec.Header())
	}
	const golden = "../docs/openapi.json"
	if *update {
		if err := os.WriteFile(golden, rec.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(rec.Body.String(), "\n")); diff != "" {
		t.Errorf("%s is not what is served; go test ./api -run TestDocument -update writes it anew\n-file +served\n%s", golden, diff)
	}
}

// documentText is the part of the OpenAPI document that is walked over here.
type documentText struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Parameters  []struct {
			Name, In, Description string
			Required              bool
		}
		RequestBody any
		Responses   map[string]any
		Security    *[]any
	}
	Components struct{ Schemas map[string]any }
}

func TestDocumentHasEveryRoute(t *testing.T) {
	w := newWorld(t)
	doc := decode[documentText](t, w.api.document)
	ids := map[string]bool{}
	count := 0
	for _, path := range doc.Paths {
		count += len(path)
	}
	if doc.OpenAPI != "3.1.0" || count != len(w.api.routes) {
		t.Errorf("OpenAPI %q, %d operations for %d routes", doc.OpenAPI, count, len(w.api.routes))
	}
	for _, r := range w.api.routes {
		op, ok := doc.Paths[prefix+r.path][strings.ToLower(r.method)]
		if !ok {
			t.Errorf("%s %s is missing", r.method, r.path)
			continue
		}
		if op.OperationID == "" || op.Summary == "" || ids[op.OperationID] {
			t.Errorf("%s %s: operationId %q, summary %q", r.method, r.path, op.OperationID, op.Summary)
		}
		ids[op.OperationID] = true
		if (op.RequestBody != nil) != (r.in != nil || r.takes != nil) || op.Responses["default"] == nil || len(op.Responses) != 2 || (op.Security != nil) != r.open {
			t.Errorf("%s %s: %+v", r.method, r.path, op)
		}
		names := map[string]bool{}
		for _, p := range op.Parameters {
			if names[p.Name] || p.In == "query" && p.Description == "" || p.In == "path" && !p.Required {
				t.Errorf("%s %s: parameter %+v", r.method, r.path, p)
			}
			names[p.Name] = true
		}
		if len(names) != len(r.params)+strings.Count(r.path, "{") {
			t.Errorf("%s %s: parameters %v", r.method, r.path, slices.Sorted(maps.Keys(names)))
		}
	}
}

// Every reference leads to a schema, and every schema is referred to.
func TestReferences(t *testing.T) {
	w := newWorld(t)
	used := map[string]bool{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				target := any(w.document)
				for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					at, _ := target.(map[string]any)
					target = at[part]
				}
				if _, ok := target.(map[string]any); !ok {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, one := range v {
				walk(one)
			}
		case []any:
			for _, one := range v {
				walk(one)
			}
		}
	}
	walk(w.document)
	for name := range w.document["components"].(map[string]any)["schemas"].(map[string]any) {
		if !used["#/components/schemas/"+name] {
			t.Errorf("nothing refers to the schema %s", name)
		}
	}
}

// The checker that all tests answer to must see faults.
func TestCheckerSeesFaults(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ schema, value string }{
		{`{"type":"string"}`, `7`},
		{`{"type":"integer"}`, `1.5`},
		{`{"type":"string","pattern":"^a$"}`, `"b"`},
		{`{"type":"string","enum":["a"]}`, `"b"`},
		{`{"type":"string","format":"date-time"}`, `"today"`},
		{`{"anyOf":[{"type":"string"},{"type":"null"}]}`, `true`},
		{`{"type":"array","items":{"type":"string"}}`, `["a",1]`},
		{`{"type":"array","items":{"type":"string"}}`, `null`},
		{`{"type":"object","properties":{"a":{}},"required":["a"]}`, `{}`},
		{`{"type":"object","properties":{"a":{}}}`, `{"b":1}`},
		{`{"type":"object","additionalProperties":{"type":"string"}}`, `{"b":1}`},
		{`{"$ref":"#/components/schemas/Usage"}`, `{"input_uncached":1}`},
		{`{"$ref":"#/components/schemas/Nothing"}`, `{}`},
	} {
		dec := json.NewDecoder(strings.NewReader(tt.value))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if faults := w.mismatches(decode[map[string]any](t, []byte(tt.schema)), v, ""); len(faults) == 0 {
			t.Errorf("%s passes for %s", tt.value, tt.schema)
		}
	}
}
