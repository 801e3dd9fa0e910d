package prompts

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

func TestWords(t *testing.T) {
	b := newBench(t)
	b.push("tone", Content{Text: "Be kind."})
	second := b.push("tone", Content{Text: "Be {{how}}.", Defaults: json.RawMessage(`{"how":"brief"}`)})
	move := b.label("tone", "production", 2)
	b.push("rules", Content{Messages: []Message{{"system", "One."}, {"developer", "Two."}}})
	b.push("talk", Content{Messages: []Message{{"system", "One."}, {"user", "Two."}}})
	b.push("asks", Content{Text: "Speak of {{topic}}."})

	text, use, err := b.registry.Words(t.Context(), "tone@production")
	if want := (llm.Use{Prompt: "tone", PromptVersion: 2, PromptHash: second.Hash, PromptRevision: move.Revision}); err != nil || text != "Be brief." || !cmp.Equal(use, want) {
		t.Errorf("%q by %+v, %v; want %+v", text, use, err, want)
	}
	if text, use, err := b.registry.Words(t.Context(), "tone@1"); err != nil || text != "Be kind." || use.PromptVersion != 1 || use.PromptRevision != 0 {
		t.Errorf("%q by %+v, %v", text, use, err)
	}
	if text, _, err := b.registry.Words(t.Context(), "rules@1"); err != nil || text != "One.\n\nTwo." {
		t.Errorf("%q, %v", text, err)
	}
	for ref, want := range map[string]llm.Code{
		"gone": llm.PromptNotFound, "tone@9": llm.PromptNotFound, "a b": llm.PromptNotFound, "talk@1": llm.PromptInvalid, "asks@1": llm.PromptInvalid,
	} {
		_, _, err := b.registry.Words(t.Context(), ref)
		if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != want {
			t.Errorf("%s: %v, want %s", ref, err, want)
		}
	}
}
