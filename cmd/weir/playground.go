package main

import (
	"context"
	"net/http"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/ingest"
)

// playgroundProject is whose account calls from the console's playground are on.
const playgroundProject = "playground"

// playgroundKey is the key that all calls of the playground have. It is in no store: nothing but the API opens it.
var playgroundKey = account.Key{ID: playgroundProject, Name: playgroundProject, Project: playgroundProject}

// playgroundKeys opens one text, made at this start and told to nobody.
type playgroundKeys struct{ secret account.Secret }

// Open gives the playground's key to who has the text.
func (k playgroundKeys) Open(_ context.Context, text string, _ time.Time) (account.Key, bool) {
	return playgroundKey, k.secret.Equal(text)
}

// playground makes the calls of the console through a gateway of its own, in front of the same chain as all others. What a
// browser sends beside the body, its cookie among it, stays here.
func playground(cfg ingest.Config) api.Playground {
	keys := playgroundKeys{account.MintToken()}
	cfg.Keys, cfg.Passthrough = keys, false
	gateway := ingest.New(cfg)
	return func(w http.ResponseWriter, r *http.Request, member string) {
		call := r.Clone(r.Context())
		call.URL.Path, call.URL.RawPath, call.URL.RawQuery = "/v1/chat/completions", "", ""
		call.Header = http.Header{"Authorization": {"Bearer " + keys.secret.Reveal()}, "X-Weir-User": {member}}
		for _, name := range []string{"Content-Type", "X-Weir-Cache", "Traceparent"} {
			if v := r.Header.Values(name); len(v) > 0 {
				call.Header[name] = v
			}
		}
		gateway.ServeHTTP(w, call)
	}
}
