package api

import (
	"net/http"
	"net/http/pprof"

	"github.com/weir-dev/weir/account"
)

// Profiles serves Go's profiles of this process under /debug/pprof/, to whom the API is open: where its time goes, what
// holds memory, what its goroutines wait for. `go tool pprof` reads them.
func (a *API) Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := a.letIn(r, account.Admin)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
