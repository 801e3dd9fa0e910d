package upstream

import (
	"bytes"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// anthropicRequest is a Messages request while it is made of a chat completion request.
type anthropicRequest struct {
	*request
	model    claude
	messages []message
	forced   bool // a tool must be called
	out      object
	config   object // output_config
}

// toAnthropic translates a chat completion request. It returns the names of the members that were left out.
func toAnthropic(provider string, call *llm.Call) (body []byte, dropped []string, fault *llm.Fault) {
	r, fault := readRequest(provider, call.Body)
	if fault != nil {
		return nil, nil, fault
	}
	a := &anthropicRequest{request: r, model: readClaude(call.Model)}
	a.out.str("model", call.Model)
	if call.Stream {
		a.out.bool("stream", true)
	}
	for _, step := range []func(*llm.Call) *llm.Fault{a.conversation, a.tools, a.limits, a.sampling, a.format, a.account} {
		if fault := step(call); fault != nil {
			return nil, nil, fault
		}
	}
	if fault := a.rest(); fault != nil {
		return nil, nil, fault
	}
	if !a.config.empty() {
		a.out.raw("output_config", a.config.done())
	}
	return a.out.done(), a.dropped, nil
}

func (a *anthropicRequest) conversation(*llm.Call) (fault *llm.Fault) {
	if a.messages, fault = a.takeMessages(); fault != nil {
		return fault
	}
	var system list
	var turns []anthropicTurn
	for _, m := range a.messages {
		blocks, fault := a.blocks(m)
		if fault != nil {
			return fault
		}
		role := m.role
		switch role {
		case "system":
			system = append(system, blocks...)
			continue
		case "tool":
			role = "user"
		}
		if n := len(turns); n > 0 && turns[n-1].role == role {
			turns[n-1].blocks = append(turns[n-1].blocks, blocks...)
		} else if len(blocks) > 0 {
			turns = append(turns, anthropicTurn{role, blocks})
		}
	}
	if kind := a.fields["response_format"].Get("type"); kind.Is("json_object") {
		// There is no such mode: the model is told, as OpenAI asks its callers to do besides.
		system = append(system, textBlock(rawjson.Quote("Answer with one valid JSON object and nothing else."), nil))
	}
	if len(system) > 0 {
		a.out.list("system", system)
	}
	var all list
	for _, t := range turns {
		o := object{}
		o.str("role", t.role)
		o.list("content", t.blocks)
		all = append(all, o.done())
	}
	a.out.list("messages", all)
	return nil
}

// anthropicTurn is a message of the Messages API: all that one side says before the other does.
type anthropicTurn struct {
	role   string
	blocks list
}

// blocks are a message's content blocks.
func (a *anthropicRequest) blocks(m message) (out list, fault *llm.Fault) {
	for _, p := range m.parts {
		b, fault := a.block(m, p)
		if fault != nil {
			return nil, fault
		}
		out = append(out, b)
	}
	switch m.role {
	case "tool":
		o := typed("tool_result")
		o.str("tool_use_id", m.callID)
		if len(m.parts) == 1 && m.parts[0].kind == "text" {
			o.raw("content", m.parts[0].text)
			o.raw("cache_control", m.parts[0].cache)
		} else if len(out) > 0 {
			o.list("content", out)
		}
		return list{o.done()}, nil
	case "assistant":
		// Thinking must stand first and unchanged. It comes back in the member in which it was given out.
		var thoughts list
		m.raw.Get("thinking_blocks").Each(func(_ int, b rawjson.Value) bool {
			thoughts = append(thoughts, b)
			return true
		})
		out = append(thoughts, out...)
		for _, c := range m.calls {
			o := typed("tool_use")
			o.str("id", c.id)
			o.str("name", c.name)
			o.raw("input", bytes.TrimSpace(c.arguments))
			out = append(out, o.done())
		}
	}
	return out, nil
}

func (a *anthropicRequest) block(m message, p part) ([]byte, *llm.Fault) {
	switch p.kind {
	case "text":
		return textBlock(p.text, p.cache), nil
	case "audio":
		return nil, a.refuse(m.at+".content", "its models do not hear")
	}
	if m.role == "system" {
		return nil, badParam(m.at+".content", "a system message is made of text")
	}
	kind := "image"
	if p.kind == "file" && !strings.HasPrefix(p.media.mime, "image/") {
		kind = "document"
	}
	source := typed("base64")
	if p.media.url != "" {
		source = typed("url")
		source.str("url", p.media.url)
	} else {
		source.str("media_type", p.media.mime)
		source.str("data", p.media.data)
	}
	o := typed(kind)
	o.raw("source", source.done())
	o.raw("cache_control", p.cache)
	return o.done(), nil
}

func textBlock(text, cache []byte) []byte {
	o := typed("text")
	o.raw("text", text)
	o.raw("cache_control", cache)
	return o.done()
}

func (a *anthropicRequest) tools(*llm.Call) *llm.Fault {
	tools, fault := a.takeTools()
	if fault != nil {
		return fault
	}
	mode, name, fault := a.takeToolChoice()
	if fault != nil {
		return fault
	}
	parallel := a.take("parallel_tool_calls")
	if len(tools) == 0 {
		return nil // a choice among none says nothing
	}
	var all list
	for _, t := range tools {
		o := object{}
		o.str("name", t.name)
		o.raw("description", t.description)
		schema := []byte(t.parameters)
		switch {
		case schema == nil:
			schema = []byte(`{"type":"object","properties":{}}`)
		case t.parameters.Get("type") == nil:
			schema = rawjson.Set(schema, "type", []byte(`"object"`))
		}
		o.raw("input_schema", schema)
		o.raw("cache_control", t.cache)
		all = append(all, o.done())
	}
	a.out.list("tools", all)
	single := string(parallel) == "false" && mode != "none"
	if mode == "" && !single {
		return nil
	}
	choice := typed("auto")
	switch mode {
	case "none":
		choice = typed("none")
	case "required":
		choice, a.forced = typed("any"), true
	case "function":
		choice, a.forced = typed("tool"), true
		choice.str("name", name)
	}
	if single {
		choice.bool("disable_parallel_tool_use", true)
	}
	a.out.raw("tool_choice", choice.done())
	return nil
}

func (a *anthropicRequest) format(*llm.Call) *llm.Fault {
	kind, schema, fault := a.takeFormat()
	if fault != nil || kind != "json_schema" {
		return fault
	}
	f := typed("json_schema")
	f.raw("schema", schema)
	a.config.raw("format", f.done())
	return nil
}

// account tells the provider of the end user, unless it would refuse the name: it takes no addresses.
func (a *anthropicRequest) account(*llm.Call) *llm.Fault {
	a.take("metadata") // OpenAI's are the caller's own tags, and weir has read them
	user, fault := a.takeText("user")
	if fault != nil {
		return fault
	}
	name := "user"
	safety, fault := a.takeText("safety_identifier")
	if fault != nil {
		return fault
	}
	if user == "" {
		user, name = safety, "safety_identifier"
	}
	switch {
	case user == "":
	case strings.Contains(user, "@") || len(user) > 256:
		a.drop(name)
	default:
		o := object{}
		o.str("user_id", user)
		a.out.raw("metadata", o.done())
	}
	if tier := a.take("service_tier"); tier.Is("default") {
		a.out.str("service_tier", "standard_only")
	} else if tier != nil && !tier.Is("auto") {
		a.drop("service_tier")
	}
	return nil
}
