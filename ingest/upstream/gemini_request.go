package upstream

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// geminiRequest is a generateContent request while it is made of a chat completion request.
type geminiRequest struct {
	*request
	model  string
	out    object
	config object // generationConfig
}

// toGemini translates a chat completion request. It returns the names of the members that were left out.
func toGemini(provider string, call *llm.Call) (body []byte, dropped []string, fault *llm.Fault) {
	r, fault := readRequest(provider, call.Body)
	if fault != nil {
		return nil, nil, fault
	}
	g := &geminiRequest{request: r, model: strings.TrimPrefix(call.Model, "models/")}
	for _, step := range []func() *llm.Fault{g.conversation, g.tools, g.limits, g.sampling, g.format, g.reasoning} {
		if fault := step(); fault != nil {
			return nil, nil, fault
		}
	}
	g.take("metadata") // the caller's own tags, and weir has read them
	if fault := g.rest(); fault != nil {
		return nil, nil, fault
	}
	if !g.config.empty() {
		g.out.raw("generationConfig", g.config.done())
	}
	return g.out.done(), g.dropped, nil
}

func (g *geminiRequest) conversation() *llm.Fault {
	messages, fault := g.takeMessages()
	if fault != nil {
		return fault
	}
	var system list
	var turns []geminiTurn
	called := map[string]string{} // function names by the id of their call
	for _, m := range messages {
		parts, fault := g.parts(m, called)
		if fault != nil {
			return fault
		}
		role := "user"
		switch m.role {
		case "system":
			system = append(system, parts...)
			continue
		case "assistant":
			role = "model"
		}
		if n := len(turns); n > 0 && turns[n-1].role == role {
			turns[n-1].parts = append(turns[n-1].parts, parts...)
		} else if len(parts) > 0 {
			turns = append(turns, geminiTurn{role, parts})
		}
	}
	if len(system) > 0 {
		o := object{}
		o.list("parts", system)
		g.out.raw("systemInstruction", o.done())
	}
	var all list
	for _, t := range turns {
		o := object{}
		o.str("role", t.role)
		o.list("parts", t.parts)
		all = append(all, o.done())
	}
	g.out.list("contents", all)
	return nil
}

// geminiTurn is a content: all that one side says before the other does.
type geminiTurn struct {
	role  string
	parts list
}

func (g *geminiRequest) parts(m message, called map[string]string) (out list, fault *llm.Fault) {
	if m.role == "tool" {
		return g.result(m, called)
	}
	for _, p := range m.parts {
		if m.role == "system" && p.kind != "text" {
			return nil, badParam(m.at+".content", "a system message is made of text")
		}
		out = append(out, geminiPart(p))
	}
	for i, c := range m.calls {
		called[c.id] = c.name
		f, o := object{}, object{}
		f.str("name", c.name)
		f.raw("args", bytes.TrimSpace(c.arguments))
		o.raw("functionCall", f.done())
		// The signature of the thought that led to the call comes back where it was given out. Newer models refuse a
		// first call without one; for calls that were not theirs there is a word that stands in for it.
		if s := c.raw.Get("extra_content", "google", "thought_signature"); s.Kind() == rawjson.String {
			o.raw("thoughtSignature", s)
		} else if i == 0 && g.levels() {
			o.str("thoughtSignature", "skip_thought_signature_validator")
		}
		out = append(out, o.done())
	}
	return out, nil
}

func geminiPart(p part) []byte {
	o := object{}
	switch {
	case p.kind == "text":
		o.raw("text", p.text)
	case p.media.url != "":
		f := object{}
		f.str("fileUri", p.media.url)
		if mime := mimeOfPath(p.media.url); mime != "" {
			f.str("mimeType", mime)
		}
		o.raw("fileData", f.done())
	default:
		d := object{}
		d.str("mimeType", p.media.mime)
		d.str("data", p.media.data)
		o.raw("inlineData", d.done())
	}
	return o.done()
}

// mimeOfPath is the type of an image or document by its URL's suffix, "" when that does not tell.
func mimeOfPath(u string) string {
	u, _, _ = strings.Cut(u, "?")
	switch strings.ToLower(path.Ext(u)) {
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".webp":
		return "image/webp"
	case ".gif":
		return "image/gif"
	case ".pdf":
		return "application/pdf"
	}
	return ""
}

// result is a tool's answer: an object as it is, anything else as the member output of one.
func (g *geminiRequest) result(m message, called map[string]string) (list, *llm.Fault) {
	name, ok := called[m.callID]
	if !ok {
		return nil, badParam(m.at+".tool_call_id", fmt.Sprintf("no assistant message before it makes the call %q, and provider %s needs the function's name", m.callID, g.provider))
	}
	var text []byte
	var more list
	for _, p := range m.parts {
		if p.kind == "text" {
			text = p.text.AppendText(text)
		} else {
			more = append(more, geminiPart(p))
		}
	}
	answer := trimmed(text)
	if rawjson.Value(answer).Kind() != rawjson.Object || rawjson.Scan(answer, nil) != nil {
		o := object{}
		o.str("output", string(text))
		answer = o.done()
	}
	f, o := object{}, object{}
	f.str("name", name)
	f.raw("response", answer)
	o.raw("functionResponse", f.done())
	return append(list{o.done()}, more...), nil
}

func (g *geminiRequest) tools() *llm.Fault {
	tools, fault := g.takeTools()
	if fault != nil {
		return fault
	}
	mode, name, fault := g.takeToolChoice()
	if fault != nil {
		return fault
	}
	if len(tools) == 0 {
		return nil
	}
	var all list
	for _, t := range tools {
		o := object{}
		o.str("name", t.name)
		o.raw("description", t.description)
		if !t.parameters.Get("properties").Empty() { // a function without parameters has no schema
			o.raw("parametersJsonSchema", t.parameters)
		}
		all = append(all, o.done())
	}
	o := object{}
	o.list("functionDeclarations", all)
	g.out.list("tools", list{o.done()})
	c := object{}
	switch mode {
	case "":
		return nil
	case "auto":
		c.str("mode", "AUTO")
	case "none":
		c.str("mode", "NONE")
	case "required":
		c.str("mode", "ANY")
	case "function":
		c.str("mode", "ANY")
		c.list("allowedFunctionNames", list{rawjson.Quote(name)})
	}
	w := object{}
	w.raw("functionCallingConfig", c.done())
	g.out.raw("toolConfig", w.done())
	return nil
}

func (g *geminiRequest) limits() *llm.Fault {
	limit, fault := g.takeLimit()
	if fault != nil {
		return fault
	}
	if limit > 0 {
		g.config.int("maxOutputTokens", limit)
	}
	stop, fault := g.takeStop()
	if len(stop) > 0 {
		g.config.list("stopSequences", stop)
	}
	return fault
}

func (g *geminiRequest) sampling() *llm.Fault {
	for _, m := range [...]struct{ ours, theirs string }{
		{"temperature", "temperature"},
		{"top_p", "topP"},
		{"top_k", "topK"},
		{"n", "candidateCount"},
		{"seed", "seed"},
		{"presence_penalty", "presencePenalty"},
		{"frequency_penalty", "frequencyPenalty"},
	} {
		v, fault := g.takeNumber(m.ours)
		if fault != nil {
			return fault
		}
		if m.ours == "n" && v != nil && isNumber(1)(v) {
			continue
		}
		g.config.raw(m.theirs, v)
	}
	return nil
}

func (g *geminiRequest) format() *llm.Fault {
	kind, schema, fault := g.takeFormat()
	if fault != nil {
		return fault
	}
	if kind != "" {
		g.config.str("responseMimeType", "application/json")
	}
	g.config.raw("responseJsonSchema", schema)
	return nil
}

// levels: the model is told how much to think by a word, as against a number of tokens.
func (g *geminiRequest) levels() bool {
	return !strings.HasPrefix(g.model, "gemini-1") && !strings.HasPrefix(g.model, "gemini-2") && strings.HasPrefix(g.model, "gemini-")
}

// reasoning maps the effort as Google's own OpenAI endpoint does.
func (g *geminiRequest) reasoning() *llm.Fault {
	effort, fault := g.takeText("reasoning_effort")
	if fault != nil || effort == "" {
		return fault
	}
	budget, known := map[string]int64{"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576}[effort]
	if !known {
		return badParam("reasoning_effort", "want none, minimal, low, medium, high or xhigh")
	}
	pro := strings.Contains(g.model, "pro")
	o := object{}
	switch {
	case g.levels():
		switch {
		case effort == "xhigh":
			effort = "high"
		case pro && (effort == "none" || effort == "minimal"):
			effort = "low"
		case effort == "none":
			effort = "minimal"
		}
		o.str("thinkingLevel", effort)
	case strings.HasPrefix(g.model, "gemini-2.5"):
		if pro && budget == 0 {
			budget = 128 // it cannot be switched off
		}
		o.int("thinkingBudget", budget)
	default: // older models do not think
		if effort != "none" {
			g.drop("reasoning_effort")
		}
		return nil
	}
	g.config.raw("thinkingConfig", o.done())
	return nil
}
