package upstream

import (
	"fmt"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// tool is a function that the model may call.
type tool struct {
	name        string
	description rawjson.Value // nil without one
	parameters  rawjson.Value // its schema, nil without one
	cache       rawjson.Value // cache_control, an extension that Anthropic's models know
}

func (r *request) takeTools() (tools []tool, fault *llm.Fault) {
	r.take("tools").Each(func(i int, v rawjson.Value) bool {
		at := fmt.Sprintf("tools[%d]", i)
		f := v.Get("function")
		if !v.Get("type").Is("function") || f.Kind() != rawjson.Object {
			fault = r.refuse(at, "weir translates tools of the type function")
			return false
		}
		t := tool{}
		t.name, _ = f.Get("name").Str()
		if t.name == "" {
			fault = badParam(at+".function.name", "want the function's name")
			return false
		}
		if d := f.Get("description"); d.Kind() == rawjson.String {
			t.description = d
		}
		if p := f.Get("parameters"); p.Kind() == rawjson.Object {
			t.parameters = p
		}
		if cache := v.Get("cache_control"); !cache.Empty() {
			t.cache = cache
		}
		if strict, _ := f.Get("strict").Bool(); strict {
			r.drop("tools.function.strict")
		}
		tools = append(tools, t)
		return true
	})
	return tools, fault
}

// takeToolChoice is auto, none, required or, of a single function, its name beside "function". "" when nothing is said.
func (r *request) takeToolChoice() (mode, name string, fault *llm.Fault) {
	v := r.take("tool_choice")
	switch v.Kind() {
	case rawjson.Absent:
		return "", "", nil
	case rawjson.String:
		mode, _ = v.Str()
		if mode == "auto" || mode == "none" || mode == "required" {
			return mode, "", nil
		}
	case rawjson.Object:
		if name, _ = v.Get("function", "name").Str(); v.Get("type").Is("function") && name != "" {
			return "function", name, nil
		}
	}
	return "", "", badParam("tool_choice", `want auto, none, required or {"type":"function","function":{"name":…}}; weir does not translate others for provider `+r.provider)
}

// takeFormat is what the answer must look like: "", json_object, or json_schema beside its schema.
func (r *request) takeFormat() (kind string, schema rawjson.Value, fault *llm.Fault) {
	v := r.take("response_format")
	if v == nil {
		return "", nil, nil
	}
	kind, _ = v.Get("type").Str()
	switch kind {
	case "text":
		return "", nil, nil
	case "json_object":
		return kind, nil, nil
	case "json_schema":
		if schema = v.Get("json_schema", "schema"); schema.Kind() == rawjson.Object {
			return kind, schema, nil
		}
		return "", nil, badParam("response_format.json_schema.schema", "want a JSON schema")
	}
	return "", nil, badParam("response_format.type", "want text, json_object or json_schema")
}
