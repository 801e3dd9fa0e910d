package route

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

func TestResolve(t *testing.T) {
	table := NewTable([]Provider{
		{Name: "openai", Models: []string{"gpt-*", "o3*"}},
		{Name: "local", Models: []string{"*"}},
		{Name: "mini", Models: []string{"gpt-4o-*", "qwen/qwen3"}},
	}, []Alias{{
		Model: "fast", Targets: []Target{{Provider: "openai", Model: "gpt-4o", Weight: 1}}, Fallback: []Target{{Provider: "local", Model: "qwen3"}},
	}})
	for _, c := range []struct {
		model string
		want  []Target
	}{
		{"fast", []Target{{"openai", "gpt-4o", 1}, {"local", "qwen3", 0}}},
		{"gpt-5", []Target{{"openai", "gpt-5", 0}}},
		{"gpt-4o-mini", []Target{{"mini", "gpt-4o-mini", 0}}}, // the more specific pattern
		{"qwen/qwen3", []Target{{"mini", "qwen/qwen3", 0}}},   // whole
		{"anything", []Target{{"local", "anything", 0}}},
		{"openai/anything", []Target{{"openai", "anything", 0}}}, // by the provider's name
		{"nobody/x", []Target{{"local", "nobody/x", 0}}},         // not a provider: a model with a slash
	} {
		got, err := table.Resolve(c.model)
		if err != nil {
			t.Errorf("Resolve(%q): %v", c.model, err)
		}
		if diff := cmp.Diff(c.want, got.Targets); diff != "" {
			t.Errorf("Resolve(%q) (-want +got):\n%s", c.model, diff)
		}
	}
	_, err := NewTable([]Provider{{Name: "openai", Models: []string{"gpt-*"}}}, nil).Resolve("claude")
	if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.ModelUnknown {
		t.Errorf("unknown model: %v", err)
	}
}

func TestTargetsAreDrawnByWeightAndTheRestFollow(t *testing.T) {
	a := Alias{
		Targets:  []Target{{"a", "m", 1}, {"b", "m", 3}, {"off", "m", 0}, {"c", "m", 6}},
		Fallback: []Target{{"z", "m", 0}},
	}
	order := func(n int) []string {
		var names []string
		for _, t := range a.draw(func(total int) int {
			if total != 10 {
				panic("weights do not sum to ten")
			}
			return n
		}) {
			names = append(names, t.Provider)
		}
		return names
	}
	for n, want := range map[int][]string{
		0: {"a", "c", "b", "z"},
		1: {"b", "c", "a", "z"},
		3: {"b", "c", "a", "z"},
		4: {"c", "b", "a", "z"},
		9: {"c", "b", "a", "z"},
	} {
		if diff := cmp.Diff(want, order(n)); diff != "" {
			t.Errorf("drawn at %d (-want +got):\n%s", n, diff)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	table := NewTable([]Provider{{Name: "openai", Models: []string{"gpt-*", "o1*", "o3*", "o4*", "chatgpt-*", "codex-*", "text-embedding-*", "ft:*", "dall-e-*", "whisper-*"}}}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := table.Resolve("gpt-4o-mini"); err != nil {
			b.Fatal(err)
		}
	}
}
