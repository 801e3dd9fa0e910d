package llm

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
)

// geminiWire reads Gemini's own API. Every chunk of a stream is a whole answer in small, with the usage so far.
type geminiWire struct {
	calls [maxChoices / 64]uint64 // candidates that called a function
}

func (w *geminiWire) event(m *Meter, ev Event) Mark {
	mark := w.chunk(m, ev.Data)
	if m.finished() && len(m.finish) > 0 {
		mark |= Terminal
	}
	return mark
}

// body reads a plain answer, or the array of chunks that a stream without alt=sse is.
func (w *geminiWire) body(m *Meter, b []byte) {
	mark := Mark(0)
	if firstOf(b) == '[' {
		rawjson.Value(bytes.TrimSpace(b)).Each(func(_ int, v rawjson.Value) bool {
			mark |= w.chunk(m, v)
			return true
		})
	} else {
		mark = w.chunk(m, b)
	}
	m.out.Delivered = mark&Content != 0
}

func (w *geminiWire) chunk(m *Meter, b []byte) (mark Mark) {
	err := rawjson.Scan(b, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "candidates":
			v.Each(func(i int, c rawjson.Value) bool {
				mark |= w.candidate(m, i, c)
				return i < maxChoices
			})
		case "usageMetadata":
			m.geminiUsage(v)
		case "modelVersion":
			keep(&m.out.Model, v)
		case "responseId":
			keep(&m.out.ResponseID, v)
		case "promptFeedback":
			if reason := v.Get("blockReason"); !reason.Empty() && m.choice(0) {
				m.finish[0] = "content_filter"
			}
		case "embedding", "embeddings", "predictions":
			if !v.Empty() {
				mark |= Content
			}
		case "error":
			if !v.Empty() {
				mark |= m.fail(b)
			}
		}
		return true
	})
	if err != nil && m.Stream {
		return 0
	}
	return mark
}

func (w *geminiWire) candidate(m *Meter, i int, c rawjson.Value) (mark Mark) {
	if n, ok := c.Get("index").Int(); ok {
		i = int(n)
	}
	if !m.choice(i) {
		return 0
	}
	c.Get("content", "parts").Each(func(_ int, part rawjson.Value) bool {
		part.Members(func(key []byte, v rawjson.Value) bool {
			switch string(key) {
			case "functionCall":
				w.calls[i>>6] |= 1 << (i & 63)
				mark = Content
			case "text", "inlineData", "fileData", "executableCode", "codeExecutionResult":
				if !v.Empty() {
					mark = Content
				}
			}
			return true
		})
		return true
	})
	m.finishAs(i, c.Get("finishReason"))
	if m.finish[i] == "stop" && w.calls[i>>6]>>(i&63)&1 == 1 {
		m.finish[i] = "tool_calls"
	}
	return mark
}

// geminiUsage reads the block: candidates are without thoughts, tool-use prompts are beside the prompt, and what is
// missing is zero.
func (m *Meter) geminiUsage(usage rawjson.Value) {
	if usage.Empty() {
		return
	}
	var c counts
	var candidates, cachedAudio int64
	bad := false
	c.noOut = true
	top := func(v rawjson.Value) int64 {
		n, ok := count(v)
		bad = bad || !ok && v.Kind() != rawjson.Null
		return max(n, 0)
	}
	usage.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "promptTokenCount", "toolUsePromptTokenCount":
			c.in += top(v)
		case "candidatesTokenCount":
			candidates, c.noOut = top(v), false
		case "thoughtsTokenCount":
			c.reasoning, c.noOut = top(v), false
		case "cachedContentTokenCount":
			c.cacheRead = m.detail(v)
		case "promptTokensDetails", "toolUsePromptTokensDetails":
			c.audioIn += m.modality(v, "AUDIO")
		case "cacheTokensDetails":
			cachedAudio = m.modality(v, "AUDIO")
		case "candidatesTokensDetails":
			c.audioOut = m.modality(v, "AUDIO")
		}
		return true
	})
	if bad {
		m.void(usage)
		return
	}
	c.out = candidates + c.reasoning
	c.audioIn = max(0, c.audioIn-cachedAudio)
	m.take(c, usage)
}

// modality is the token count of one modality in a list of them.
func (m *Meter) modality(list rawjson.Value, name string) (n int64) {
	list.Each(func(_ int, v rawjson.Value) bool {
		if v.Get("modality").Is(name) {
			n += m.detail(v.Get("tokenCount"))
		}
		return n <= maxCount
	})
	return n
}
