package cache

import (
	"testing"

	"github.com/weir-dev/weir/llm"
)

func TestAKeySeparatesVersionsAndArms(t *testing.T) {
	call := func(u *llm.Use) *llm.Call {
		return &llm.Call{Project: "p", Endpoint: llm.ChatCompletions, Model: "m", Body: []byte(`{"messages":[]}`), Use: u}
	}
	seen := map[Key]llm.Use{}
	for _, u := range []llm.Use{
		{},
		{Prompt: "greet", PromptHash: "sha256:1"},
		{Prompt: "greet", PromptHash: "sha256:2"},
		{Prompt: "other", PromptHash: "sha256:1"},
		{Prompt: "greet", PromptHash: "sha256:1", Experiment: "e", Arm: "a"},
		{Prompt: "greet", PromptHash: "sha256:1", Experiment: "e", Arm: "b"},
		{Prompt: "greet", PromptHash: "sha256:1", Experiment: "f", Arm: "a"},
	} {
		key, ok := keyOf(call(&u))
		if other, twice := seen[key]; !ok || twice {
			t.Errorf("%+v has the key of %+v", u, other)
		}
		seen[key] = u
	}
	same := llm.Use{Prompt: "greet", PromptHash: "sha256:1", PromptRevision: 9, Unit: "u", OwnText: 5}
	if key, _ := keyOf(call(&same)); seen[key].PromptHash == "" {
		t.Error("who asks, and by which label, makes another key")
	}
	if none, _ := keyOf(call(nil)); seen[none].Prompt != "" || len(seen) != 7 {
		t.Error("no use and an empty one have different keys")
	}
}
