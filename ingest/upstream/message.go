package upstream

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// message is one message of a chat completion request.
type message struct {
	at     string // messages[3], for errors
	role   string // system, user, assistant, tool; developer is system
	parts  []part
	calls  []toolCall // of the assistant
	callID string     // of a tool: which call it answers
	raw    rawjson.Value
}

// part is a piece of a message's content.
type part struct {
	kind  string        // text, image, audio, file
	text  rawjson.Value // a JSON string
	media media
	cache rawjson.Value // cache_control, an extension that Anthropic's models know
}

// media is an image, a sound or a file: data, or where it is.
type media struct {
	mime string
	data string // base64
	url  string
}

// toolCall is a function the assistant called.
type toolCall struct {
	id, name  string
	arguments []byte // a JSON object
	raw       rawjson.Value
}

// takeMessages reads the messages.
func (r *request) takeMessages() ([]message, *llm.Fault) {
	v := r.take("messages")
	if v.Kind() != rawjson.Array {
		return nil, badParam("messages", "want an array of messages")
	}
	var out []message
	var fault *llm.Fault
	v.Each(func(i int, m rawjson.Value) bool {
		var one message
		one, fault = r.message(fmt.Sprintf("messages[%d]", i), m)
		out = append(out, one)
		return fault == nil
	})
	return out, fault
}

func (r *request) message(at string, v rawjson.Value) (message, *llm.Fault) {
	m := message{at: at, raw: v}
	m.role, _ = v.Get("role").Str()
	var fault *llm.Fault
	switch m.role {
	case "developer":
		m.role = "system"
	case "system", "user":
	case "assistant":
		m.calls, fault = r.toolCalls(at, v)
	case "tool":
		m.callID, _ = v.Get("tool_call_id").Str()
		if m.callID == "" {
			fault = badParam(at+".tool_call_id", "want the id of the call that this message answers")
		}
	case "function":
		fault = r.refuse(at+".role", "weir translates messages of the role tool, which replaced function")
	default:
		fault = badParam(at+".role", "want system, developer, user, assistant or tool")
	}
	if fault != nil {
		return m, fault
	}
	if !v.Get("name").Empty() {
		r.drop("messages.name")
	}
	m.parts, fault = r.content(at+".content", v.Get("content"))
	return m, fault
}

func (r *request) toolCalls(at string, v rawjson.Value) (calls []toolCall, fault *llm.Fault) {
	if !v.Get("function_call").Empty() {
		return nil, r.refuse(at+".function_call", "weir translates tool_calls, which replaced function_call")
	}
	v.Get("tool_calls").Each(func(i int, c rawjson.Value) bool {
		call := toolCall{raw: c}
		where := fmt.Sprintf("%s.tool_calls[%d]", at, i)
		call.id, _ = c.Get("id").Str()
		call.name, _ = c.Get("function", "name").Str()
		arguments, _ := c.Get("function", "arguments").Text()
		if call.arguments = arguments; strings.TrimSpace(string(arguments)) == "" {
			call.arguments = []byte("{}")
		}
		switch {
		case call.name == "":
			fault = badParam(where, "want the function's name; weir translates calls of functions only")
		case rawjson.Scan(call.arguments, nil) != nil || rawjson.Value(strings.TrimSpace(string(call.arguments))).Kind() != rawjson.Object:
			fault = badParam(where+".function.arguments", "want the JSON text of an object, which provider "+r.provider+" needs")
		}
		calls = append(calls, call)
		return fault == nil
	})
	return calls, fault
}

// content reads a message's content: a string or a list of parts. Empty texts are left out.
func (r *request) content(at string, v rawjson.Value) (parts []part, fault *llm.Fault) {
	switch v.Kind() {
	case rawjson.Absent, rawjson.Null:
	case rawjson.String:
		if !v.Empty() {
			parts = []part{{kind: "text", text: v}}
		}
	case rawjson.Array:
		v.Each(func(i int, p rawjson.Value) bool {
			var one part
			one, fault = r.part(fmt.Sprintf("%s[%d]", at, i), p)
			if one.kind != "text" || !one.text.Empty() {
				parts = append(parts, one)
			}
			return fault == nil
		})
	default:
		fault = badParam(at, "want a string or an array of parts")
	}
	return parts, fault
}

func (r *request) part(at string, v rawjson.Value) (part, *llm.Fault) {
	p := part{}
	if cache := v.Get("cache_control"); !cache.Empty() {
		p.cache = cache
	}
	kind, _ := v.Get("type").Str()
	var fault *llm.Fault
	switch kind {
	case "text", "refusal":
		p.kind, p.text = "text", v.Get(kind)
		if p.text.Kind() != rawjson.String {
			fault = badParam(at+"."+kind, "want a string")
		}
	case "image_url":
		image := v.Get("image_url")
		where := image
		if image.Kind() == rawjson.Object {
			where = image.Get("url")
		}
		p.kind = "image"
		p.media, fault = located(at+".image_url.url", where)
	case "input_audio":
		p.kind = "audio"
		format, _ := v.Get("input_audio", "format").Str()
		p.media.data, _ = v.Get("input_audio", "data").Str()
		p.media.mime = "audio/" + format
		if format == "" || p.media.data == "" {
			fault = badParam(at+".input_audio", "want data in base64 and its format")
		}
	case "file":
		p.kind = "file"
		if !v.Get("file", "file_id").Empty() {
			return p, r.refuse(at+".file.file_id", "the file lies with another provider; send its file_data")
		}
		p.media, fault = located(at+".file.file_data", v.Get("file", "file_data"))
	default:
		fault = r.refuse(at+".type", fmt.Sprintf("weir does not translate parts of the type %q", kind))
	}
	return p, fault
}

// located reads a data URL, the address of something on the web, or bare base64.
func located(at string, v rawjson.Value) (media, *llm.Fault) {
	s, _ := v.Str()
	if strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "gs://") {
		return media{url: s}, nil
	}
	if rest, ok := strings.CutPrefix(s, "data:"); ok {
		head, data, comma := strings.Cut(rest, ",")
		mime, encoded := strings.CutSuffix(head, ";base64")
		mime, _, _ = strings.Cut(mime, ";")
		if comma && encoded && mime != "" && data != "" {
			return media{mime: mime, data: data}, nil
		}
		return media{}, badParam(at, "want a data URL of the form data:image/png;base64,…")
	}
	head := s[:min(len(s), 684)] // of what a type is told by
	if raw, err := base64.StdEncoding.DecodeString(head[:len(head)/4*4]); err == nil && len(raw) > 0 {
		if mime := http.DetectContentType(raw); strings.HasPrefix(mime, "image/") || mime == "application/pdf" {
			return media{mime: mime, data: s}, nil
		}
	}
	return media{}, badParam(at, "want a data URL, an http or https URL, or an image in base64")
}
