package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"time"
)

// conforms checks an answer against the document.
func (w *world) conforms(r *http.Request, rec *httptest.ResponseRecorder) {
	w.t.Helper()
	var rt *route
	for i := range w.api.routes {
		pattern := regexp.MustCompile("^" + prefix + inPath.ReplaceAllString(w.api.routes[i].path, "[^/]+") + "$")
		if w.api.routes[i].method == r.Method && pattern.MatchString(r.URL.EscapedPath()) {
			rt = &w.api.routes[i]
			if !strings.Contains(rt.path, "{") {
				break
			}
		}
	}
	schema := map[string]any{"$ref": "#/components/schemas/Failure"}
	kind := rec.Header().Get("Content-Type")
	if rec.Code < 400 {
		if rt == nil || rec.Code != rt.status {
			w.t.Errorf("%s %s: %d is not in the document", r.Method, r.URL, rec.Code)
			return
		}
		if rt.out == nil {
			if rec.Body.Len() != 0 {
				w.t.Errorf("%s %s: a body where the document has none: %s", r.Method, r.URL, rec.Body)
			}
			return
		}
		op := w.document["paths"].(map[string]any)[prefix+rt.path].(map[string]any)[strings.ToLower(rt.method)].(map[string]any)
		content := op["responses"].(map[string]any)[fmt.Sprint(rt.status)].(map[string]any)["content"].(map[string]any)
		base, _, _ := strings.Cut(kind, ";")
		media, ok := content[base].(map[string]any)
		if !ok {
			w.t.Errorf("%s %s: content type %s is not in the document", r.Method, r.URL, kind)
			return
		}
		schema = media["schema"].(map[string]any)
		if base == "text/csv" || base == contentParquet || base == "text/html" || base == "text/plain" {
			return
		}
	}
	dec := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
	dec.UseNumber()
	for dec.More() {
		var v any
		if err := dec.Decode(&v); err != nil {
			w.t.Errorf("%s %s: %v in %s", r.Method, r.URL, err, rec.Body)
			return
		}
		for _, fault := range w.mismatches(schema, v, "") {
			w.t.Errorf("%s %s: %s", r.Method, r.URL, fault)
		}
	}
}

// mismatches lists what in v is not as the schema says. A field that the schema does not name is one.
func (w *world) mismatches(schema map[string]any, v any, at string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, at+": "+fmt.Sprintf(format, args...)) }
	if ref, ok := schema["$ref"].(string); ok {
		named, ok := w.document["components"].(map[string]any)["schemas"].(map[string]any)[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
		if !ok {
			return []string{at + ": no schema " + ref}
		}
		return w.mismatches(named, v, at)
	}
	if either, ok := schema["anyOf"].([]any); ok {
		var all []string
		for _, one := range either {
			these := w.mismatches(one.(map[string]any), v, at)
			if len(these) == 0 {
				return nil
			}
			all = append(all, these...)
		}
		return all
	}
	if kinds := words(schema["type"]); kinds != nil && !slices.ContainsFunc(kinds, func(k string) bool { return isKind(v, k) }) {
		fault("%v is no %v", v, kinds)
		return faults
	}
	if enum := words(schema["enum"]); enum != nil && !slices.Contains(enum, fmt.Sprint(v)) {
		fault("%v is none of %v", v, enum)
	}
	switch v := v.(type) {
	case string:
		if p, ok := schema["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			fault("%q does not match %s", v, p)
		}
		if _, err := time.Parse(time.RFC3339Nano, v); schema["format"] == "date-time" && err != nil {
			fault("%q is no time", v)
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, one := range v {
			faults = append(faults, w.mismatches(items, one, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		if len(schema) == 0 || schema["properties"] == nil && schema["additionalProperties"] == nil {
			return faults
		}
		properties, _ := schema["properties"].(map[string]any)
		for _, name := range words(schema["required"]) {
			if _, ok := v[name]; !ok {
				fault("no %s", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			one, ok := properties[name].(map[string]any)
			if !ok {
				one, ok = schema["additionalProperties"].(map[string]any)
			}
			if !ok {
				fault("%s is not in the document", name)
				continue
			}
			faults = append(faults, w.mismatches(one, v[name], at+"."+name)...)
		}
	}
	return faults
}

// words is a JSON string, or a list of them.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, one := range v {
			out = append(out, one.(string))
		}
		return out
	}
	return nil
}

func isKind(v any, kind string) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case json.Number:
		return kind == "number" || kind == "integer" && !strings.ContainsAny(v.String(), ".eE")
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}
