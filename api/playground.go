package api

import (
	"encoding/json"
	"net/http"

	"github.com/weir-dev/weir/account"
)

// maxPlayground bounds a call of the playground, in bytes: pictures may be in it.
const maxPlayground = 20 << 20

// Playground answers a call to a model that a member makes from the console. It writes the whole answer, a refusal too, and is
// given the name that the member's calls are recorded with. Safe for concurrent use.
type Playground func(w http.ResponseWriter, r *http.Request, member string)

// playgroundCall is the body of a chat completion. What else it has goes on as it is.
type playgroundCall struct {
	Model    string            `json:"model,omitempty"` // the prompt's unless given
	Messages []json.RawMessage `json:"messages,omitempty"`
	Prompt   *playgroundPrompt `json:"prompt,omitempty"`
	Stream   bool              `json:"stream,omitempty"`
}

// playgroundPrompt names a prompt for a call.
type playgroundPrompt struct {
	ID        string          `json:"id"` // name, name@label or name@7
	Variables json.RawMessage `json:"variables,omitempty"`
}

// playgroundRoutes are those of the playground.
func (a *API) playgroundRoutes() []route {
	return []route{{
		method: "POST", path: "/playground/chat", name: "playgroundChat", role: account.Developer,
		summary: "Ask a model as POST /v1/chat/completions does, without a virtual key: through the gateway's whole chain, recorded under the project playground with the member as user",
		in:      playgroundCall{}, status: http.StatusOK, out: map[string]any{}, also: []string{"text/event-stream"}, maxBody: maxPlayground, handle: a.playgroundChat,
	}}
}

func (a *API) playgroundChat(w http.ResponseWriter, r *http.Request) error {
	a.cfg.Playground(w, r, callerOf(r).name)
	return nil
}
