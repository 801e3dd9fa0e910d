package cache

import (
	"maps"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// turned makes the answer of a chat in its other form: chunks of a plain body, or a plain body of chunks. It gives nil
// rather than an answer in which something is missing. nulls: the chunks say that they have no usage, as those do whose client asked for it.
func (e *Entry) turned(nulls bool) *Entry {
	if e.Dialect != llm.OpenAI {
		return nil
	}
	t := *e
	t.Header = maps.Clone(e.Header)
	t.Stream = !e.Stream
	t.UsageOnAsking, t.Uncounted = t.Stream, false
	ok := false
	if e.Stream {
		t.Header["Content-Type"] = []string{"application/json"}
		t.Body, ok = wholeOf(e.Body)
	} else {
		t.Header["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
		t.Body, ok = chunksOf(e.Body, nulls)
	}
	if !ok {
		return nil
	}
	return &t
}

// heading are the members around the choices that a chunk and a plain body share.
type heading struct {
	id, created, model, fingerprint, tier rawjson.Value
}

// member takes one of them. A member that is not known must be empty.
func (h *heading) member(key []byte, v rawjson.Value) bool {
	switch string(key) {
	case "id":
		h.id = v
	case "created":
		h.created = v
	case "model":
		h.model = v
	case "system_fingerprint":
		h.fingerprint = v
	case "service_tier":
		h.tier = v
	case "object", "obfuscation":
	default:
		return v.Empty()
	}
	return true
}

// write begins an object with them.
func (h *heading) write(b []byte, object string) []byte {
	b = append(append(append(b, `{"object":"`...), object...), '"')
	for _, m := range [...]struct {
		name string
		v    rawjson.Value
	}{{"id", h.id}, {"created", h.created}, {"model", h.model}, {"system_fingerprint", h.fingerprint}, {"service_tier", h.tier}} {
		b = member(b, m.name, m.v)
	}
	return b
}

// member appends a member behind others, unless it is absent.
func member(b []byte, name string, v rawjson.Value) []byte {
	if v.Kind() == rawjson.Absent {
		return b
	}
	return append(append(append(append(b, `,"`...), name...), `":`...), v...)
}
