package api

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// A developer's call is answered with what the playground answers, under the developer's name; nobody below is let in.
func TestPlaygroundIsADevelopers(t *testing.T) {
	w := newWorld(t)
	var who, said string
	w.api.cfg.Playground = func(out http.ResponseWriter, r *http.Request, member string) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		who, said = member, string(body)
		out.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(out, `{"choices":[]}`)
	}
	w.refused(w.ask("POST", "/playground/chat", `{"model":"m","messages":[]}`, w.member("vic", account.Viewer)), http.StatusForbidden, llm.Forbidden, "developer")
	if who != "" {
		t.Fatalf("a viewer's call came through as %s", who)
	}
	// Pictures make bodies larger than others may be.
	body := `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("a", 2*maxBody) + `"}]}`
	rec := w.ask("POST", "/playground/chat", body, w.member("dev", account.Developer))
	if rec.Code != http.StatusOK || who != "dev" || said != body || rec.Body.String() != `{"choices":[]}` {
		t.Errorf("%d by %q, %d bytes: %.200s", rec.Code, who, len(said), rec.Body)
	}
}
