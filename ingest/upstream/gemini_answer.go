package upstream

import (
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// fromGemini puts an answer of generateContent into OpenAI's form.
type fromGemini struct {
	chunks
	id      string
	choices []geminiChoice // of a stream
}

// geminiChoice is how far a candidate of a stream has come.
type geminiChoice struct {
	begun, finished bool
	calls           int
}

// geminiFinish is OpenAI's word for a finish reason of a candidate that has called so many functions; "" for none.
func geminiFinish(reason rawjson.Value, calls int) string {
	s, _ := reason.Str()
	switch s {
	case "":
		return ""
	case "MAX_TOKENS":
		return "length"
	case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER":
		return "content_filter"
	}
	if calls > 0 {
		return "tool_calls"
	}
	return "stop"
}

// callID makes an id for a call that has none: Gemini knows calls by their order, OpenAI's clients by their ids.
func (f *fromGemini) callID(given rawjson.Value, choice, n int) string {
	if id, ok := given.Str(); ok && id != "" {
		return id
	}
	base := f.id
	if base == "" {
		base = f.call.ID
	}
	id := "call_" + base + "_" + strconv.Itoa(n)
	if choice > 0 {
		id += "_" + strconv.Itoa(choice)
	}
	return id
}

// signed adds the signature of the thought behind a call, where Google's own OpenAI endpoint puts it.
func signed(part rawjson.Value) func(*object) {
	return func(o *object) {
		if s := part.Get("thoughtSignature"); s.Kind() == rawjson.String {
			g, e := object{}, object{}
			g.raw("thought_signature", s)
			e.raw("google", g.done())
			o.raw("extra_content", e.done())
		}
	}
}

// image is a picture that the model made, as an entry of images.
func image(index int, data rawjson.Value) []byte {
	mime, _ := data.Get("mimeType").Str()
	raw, _ := data.Get("data").Str()
	u, o := object{}, typed("image_url")
	u.str("url", "data:"+mime+";base64,"+raw)
	o.int("index", int64(index))
	o.raw("image_url", u.done())
	return o.done()
}

func (f *fromGemini) whole(body []byte, out llm.Outcome) ([]byte, bool) {
	v := rawjson.Value(trimmed(body))
	if v.Kind() != rawjson.Object || rawjson.Scan(v, nil) != nil {
		return nil, false
	}
	f.id = out.ResponseID
	var choices []choice
	v.Get("candidates").Each(func(i int, candidate rawjson.Value) bool {
		c := choice{}
		var images list
		candidate.Get("content", "parts").Each(func(_ int, p rawjson.Value) bool {
			text := p.Get("text")
			if thought, _ := p.Get("thought").Bool(); thought {
				c.reasoning = text.AppendText(c.reasoning)
			} else if text != nil {
				c.say(text)
			}
			if call := p.Get("functionCall"); call != nil {
				name, _ := call.Get("name").Str()
				c.calls = append(c.calls, functionCall(f.callID(call.Get("id"), i, len(c.calls)), name, compact(call.Get("args")), signed(p)))
			}
			if data := p.Get("inlineData"); data != nil {
				images = append(images, image(len(images), data))
			}
			return true
		})
		if len(images) > 0 {
			c.extra.list("images", images)
		}
		if c.finish = geminiFinish(candidate.Get("finishReason"), len(c.calls)); c.finish == "" {
			c.finish = "stop"
		}
		choices = append(choices, c)
		return i+1 < maxCandidates
	})
	if len(choices) == 0 {
		if v.Get("promptFeedback", "blockReason").Empty() && v.Get("usageMetadata").Empty() {
			return nil, false
		}
		choices = []choice{{finish: "content_filter"}}
	}
	return completion(f.call, out.ResponseID, out.Model, choices, out), true
}

// maxCandidates bounds what a hostile answer can make weir hold.
const maxCandidates = 128

func (f *fromGemini) saysWhenDone() bool { return false }

func (f *fromGemini) event(dst []byte, ev llm.Event) []byte {
	v := rawjson.Value(trimmed(ev.Data))
	if v.Kind() != rawjson.Object || rawjson.Scan(v, nil) != nil {
		return dst
	}
	if id, _ := v.Get("responseId").Str(); f.id == "" {
		f.id = id
		model, _ := v.Get("modelVersion").Str()
		if id == "" {
			id = f.call.ID
		}
		if model == "" {
			model = f.call.Model
		}
		f.name(id, model)
	}
	v.Get("candidates").Each(func(i int, c rawjson.Value) bool {
		if n, ok := c.Get("index").Int(); ok {
			i = int(n)
		}
		if i >= 0 && i < maxCandidates {
			dst = f.candidate(dst, i, c)
		}
		return true
	})
	if !v.Get("promptFeedback", "blockReason").Empty() {
		if c := f.choice(0); !c.finished {
			dst = f.begun(dst, 0)
			dst, c.finished = f.finish(dst, 0, "content_filter"), true
		}
	}
	return dst
}

func (f *fromGemini) choice(i int) *geminiChoice {
	for len(f.choices) <= i {
		f.choices = append(f.choices, geminiChoice{})
	}
	return &f.choices[i]
}

// begun opens a choice that is not open.
func (f *fromGemini) begun(dst []byte, i int) []byte {
	if c := f.choice(i); !c.begun {
		c.begun = true
		return f.role(dst, i)
	}
	return dst
}

func (f *fromGemini) candidate(dst []byte, i int, candidate rawjson.Value) []byte {
	dst = f.begun(dst, i)
	c := f.choice(i)
	candidate.Get("content", "parts").Each(func(_ int, p rawjson.Value) bool {
		if text := p.Get("text"); text.Kind() == rawjson.String && !text.Empty() {
			name := "content"
			if thought, _ := p.Get("thought").Bool(); thought {
				name = "reasoning_content"
			}
			dst = f.delta(dst, i, name, text)
		}
		if call := p.Get("functionCall"); call != nil {
			fn, o := object{}, object{}
			fn.raw("name", stringOr(call.Get("name")))
			fn.str("arguments", string(compact(call.Get("args"))))
			o.int("index", int64(c.calls))
			o.str("id", f.callID(call.Get("id"), i, c.calls))
			o.str("type", "function")
			o.raw("function", fn.done())
			signed(p)(&o)
			c.calls++
			dst = f.delta(dst, i, "tool_calls", list{o.done()}.done())
		}
		if data := p.Get("inlineData"); data != nil {
			dst = f.delta(dst, i, "images", list{image(0, data)}.done())
		}
		return true
	})
	if reason := geminiFinish(candidate.Get("finishReason"), c.calls); reason != "" && !c.finished {
		c.finished = true
		dst = f.finish(dst, i, reason)
	}
	return dst
}
