package llm

import "github.com/weir-dev/weir/internal/rawjson"

// gemini reads a generateContent answer, a chunk of its stream, or the array that a stream without alt=sse is.
func (a *assembly) gemini(v rawjson.Value) {
	if v.Kind() == rawjson.Array {
		v.Each(func(_ int, chunk rawjson.Value) bool {
			if chunk.Kind() == rawjson.Object {
				a.gemini(chunk)
			}
			return true
		})
		return
	}
	v.Get("candidates").Each(func(i int, c rawjson.Value) bool {
		if n, ok := c.Get("index").Int(); ok {
			i = int(n)
		}
		parts := a.choice(i)
		c.Get("content", "parts").Each(func(_ int, part rawjson.Value) bool {
			if thought, _ := part.Get("thought").Bool(); thought {
				a.reason(i, part.Get("text"))
			} else {
				parts.text = part.Get("text").AppendText(parts.text)
			}
			if f := part.Get("functionCall"); f != nil {
				t := parts.call(len(parts.calls))
				t.label(f.Get("id"), f.Get("name"))
				if t.args = compact(f.Get("args")); t.args == nil {
					t.args = []byte("{}")
				}
			}
			return true
		})
		return i < maxChoices
	})
}
