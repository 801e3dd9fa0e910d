package prompts

import (
	"context"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/llm"
)

// Words gives what a prompt says that is a part of other messages: of a text the text, of messages those of the system, with an empty
// line between two. It takes no variables but those with a default. The Use says which version it is. The error is a *llm.Fault.
func (r *Registry) Words(ctx context.Context, ref string) (string, llm.Use, error) {
	asked, err := ParseRef(ref)
	if err != nil {
		return "", llm.Use{}, notFound(err)
	}
	snapshot := r.ready(ctx)
	p, v, revision, err := snapshot.find(asked)
	if err != nil {
		return "", llm.Use{}, notFound(err)
	}
	made, err := snapshot.recipe(p, v)
	if err != nil {
		return "", llm.Use{}, unusable(err)
	}
	out, err := made.Render(nil, snapshot.partial)
	if err != nil {
		return "", llm.Use{}, unusable(err)
	}
	parts := []string{out.Text}
	if out.Messages != nil {
		parts = nil
	}
	for _, m := range out.Messages {
		if m.Role != "system" && m.Role != "developer" {
			return "", llm.Use{}, unusable(fmt.Errorf("%s has a message of the role %s: here only a text, or messages of the system, can stand", made.stamp, m.Role))
		}
		parts = append(parts, m.Content)
	}
	return strings.Join(parts, "\n\n"), llm.Use{Prompt: p.Name, PromptVersion: v.Number, PromptHash: v.Hash, PromptRevision: revision}, nil
}
