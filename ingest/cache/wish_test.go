package cache

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
)

func TestWhenTheCacheIsAsked(t *testing.T) {
	const cold, hot, warm = `{"model":"m","temperature":0}`, `{"model":"m"}`, `{"model":"m","temperature":0.7}`
	no, miss, hit := llm.CacheUse(""), llm.CacheMiss, llm.CacheHit
	control := func(v string) func(*llm.Call) {
		return func(c *llm.Call) { c.Header = http.Header{"Cache-Control": {v}} }
	}
	nothing := func(*llm.Call) {}
	for _, tt := range []struct {
		name          string
		mode          Mode
		body          string
		change        func(*llm.Call)
		first, second llm.CacheUse
	}{
		{"temperature 0", "", cold, nothing, miss, hit},
		{"a seed", Auto, `{"model":"m","seed":7,"temperature":1}`, nothing, miss, hit},
		{"no seed", Auto, `{"model":"m","seed":null}`, nothing, no, no},
		{"default temperature", Auto, hot, nothing, no, no},
		{"warm", Auto, warm, nothing, no, no},
		{"temperature of a message", Auto, `{"model":"m","messages":[{"temperature":0}]}`, nothing, no, no},
		{"web search", Auto, `{"model":"m","temperature":0,"web_search_options":{}}`, nothing, no, no},
		{"tools of its own", Auto, `{"model":"m","temperature":0,"tools":[{"type":"function"},{"name":"x","input_schema":{}}]}`, nothing, miss, hit},
		{"tools of the provider", Auto, `{"model":"m","temperature":0,"tools":[{"type":"web_search_20250305"}]}`, nothing, no, no},
		{"on", On, hot, nothing, miss, hit},
		{"off", Off, cold, nothing, no, no},
		{"the client wants it", Off, hot, asks("read"), miss, hit},
		{"the client wants it for a time", Off, hot, asks("Read; TTL=10m"), miss, hit},
		{"the client wants none", On, cold, asks("off"), no, no},
		{"the client wants a new one", On, cold, asks("refresh"), miss, miss},
		{"only a time", Auto, cold, asks(";ttl=1m"), miss, hit},
		{"semantic too", Auto, cold, asks("read;semantic=0.95"), miss, hit},
		{"no-store", On, cold, control("no-store"), no, no},
		{"no-cache", On, cold, control("max-stale, No-Cache"), miss, miss},
		{"max-age", On, cold, control("max-age=60"), miss, hit},
		{"max-age 0", On, cold, control("max-age=0"), miss, miss},
		{"no-cache, yet asked for", On, cold, func(c *llm.Call) { control("no-cache")(c); asks("read")(c) }, miss, hit},
		{"max-age turns nothing on", Auto, hot, control("max-age=60"), no, no},
		{"a key of the client's own", On, cold, func(c *llm.Call) { c.UpstreamAuth = "Bearer sk" }, no, no},
		{"what weir does not know", On, cold, func(c *llm.Call) { c.Endpoint, c.Path = llm.Passthrough, "/images/generations" }, no, no},
		{"counting", On, cold, func(c *llm.Call) { c.Endpoint = llm.CountTokens }, no, no},
		{"the list of models", On, "", func(c *llm.Call) { c.Endpoint = llm.Models }, no, no},
		{"a conversation", On, `{"model":"m","conversation":"c"}`, nothing, no, no},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, answering(200, false, plain), Policy{Exact: tt.mode})
			for i, want := range []llm.CacheUse{tt.first, tt.second} {
				if got, b := ask(t, s, chat(body(tt.body), tt.change)); got != want || b != plain {
					t.Errorf("call %d: cache %q, want %q; answer %q", i+1, got, want, b)
				}
			}
		})
	}
}

func TestEmbeddingsAreAlwaysTheSame(t *testing.T) {
	const vectors = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":3,"total_tokens":3}}`
	s := serve(t, answering(200, false, vectors))
	c := func() *llm.Call {
		return chat(body(`{"model":"text-embedding-3-small","input":"x"}`), func(c *llm.Call) { c.Endpoint, c.Path = llm.Embeddings, "/embeddings" })
	}
	wants(t, s, c(), llm.CacheMiss, vectors)
	wants(t, s, c(), llm.CacheHit, vectors)
}

func TestAHeaderThatIsNotUnderstoodIsRefused(t *testing.T) {
	s := serve(t, answering(200, false, plain))
	for _, header := range []string{"on", "reed", "read,off", "read;ttl", "read;ttl=0s", "read;ttl=-1h", "read;ttl=forever", "read;ttl=721h", "off;x=1", "read;semantic=2", "ttl=1h;read"} {
		_, err := s.Send(t.Context(), chat(asks(header)))
		if f, ok := errors.AsType[*llm.Fault](err); !ok || f.Code != llm.InvalidRequest || f.Param != "X-Weir-Cache" || !strings.Contains(f.Message, header) {
			t.Errorf("%q: %v", header, err)
		}
	}
}
