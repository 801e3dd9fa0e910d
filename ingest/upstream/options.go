package upstream

import (
	"bytes"
	"io"
	"sync"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// withUsage asks for the usage chunk in a stream, everything else byte for byte.
func withUsage(body []byte) []byte {
	var current rawjson.Value
	_ = rawjson.Scan(body, func(key []byte, v rawjson.Value, _ int) bool {
		if string(key) == "stream_options" {
			current = v
		}
		return true
	})
	if current.Kind() != rawjson.Object {
		return rawjson.Set(body, "stream_options", []byte(`{"include_usage":true}`))
	}
	return rawjson.Set(body, "stream_options", rawjson.Set(current, "include_usage", []byte("true")))
}

// refusesStreamOptions reads the head of a refusal and puts it back.
func refusesStreamOptions(resp *llm.Response) bool {
	if resp.Status != 400 && resp.Status != 422 {
		return false
	}
	const enough = 64 << 10
	head, err := io.ReadAll(io.LimitReader(resp.Body, enough))
	if err == nil && bytes.Contains(head, []byte("stream_options")) {
		_ = resp.Body.Close()
		return true
	}
	resp.Body = &headed{Reader: io.MultiReader(bytes.NewReader(head), resp.Body), Closer: resp.Body}
	return false
}

type headed struct {
	io.Reader
	io.Closer
}

// plainMemory remembers models whose server refuses stream_options. Bounded; the zero value is empty.
type plainMemory struct {
	mu     sync.RWMutex // guards models
	models map[string]bool
}

func (p *plainMemory) has(model string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.models[model]
}

func (p *plainMemory) remember(model string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.models == nil || len(p.models) >= 1000 {
		p.models = map[string]bool{}
	}
	p.models[model] = true
}
