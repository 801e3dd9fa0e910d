package cache

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
)

func BenchmarkStage(b *testing.B) {
	text := `{"model":"gpt-4o-mini","temperature":0,"messages":[{"role":"user","content":"` + strings.Repeat("How many weirs? ", 60) + `"}]}`
	away := llm.SenderFunc(func(context.Context, *llm.Call) (*llm.Response, error) {
		return &llm.Response{Status: 500, Header: http.Header{}, Body: http.NoBody}, nil
	})
	m := NewMemory(0)
	defer m.Close()
	s := Serve(away, Config{Store: m, Log: slog.New(slog.DiscardHandler)})
	call := chat(body(text))
	b.Run("off", func(b *testing.B) { // a call that the cache has nothing to do with
		c := chat(body(strings.Replace(text, `"temperature":0`, `"n":1`, 1)))
		b.ReportAllocs()
		for b.Loop() {
			_, _ = s.Send(b.Context(), c)
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = s.Send(b.Context(), call)
		}
	})
	b.Run("hit", func(b *testing.B) {
		k, _ := keyOf(call)
		e := kept("p", "m", plain)
		e.Header = http.Header{"Content-Type": {"application/json"}}
		_ = m.Put(b.Context(), k, e)
		b.ReportAllocs()
		for b.Loop() {
			if resp, err := s.Send(b.Context(), call); err != nil || resp.Cache != llm.CacheHit {
				b.Fatal(resp, err)
			}
		}
	})
}
