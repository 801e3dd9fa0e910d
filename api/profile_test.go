package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProfilesAreForTheAdmin(t *testing.T) {
	w := newWorld(t)
	ask := func(path, bearer string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		rec := httptest.NewRecorder()
		w.api.Profiles().ServeHTTP(rec, r)
		return rec
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1"} {
		for _, bearer := range []string{"", "wrong"} {
			if rec := ask(path, bearer); rec.Code != http.StatusUnauthorized {
				t.Errorf("%s with token %q: %d, want 401", path, bearer, rec.Code)
			}
		}
	}
	rec := ask("/debug/pprof/goroutine?debug=1", token)
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "TestProfilesAreForTheAdmin") {
		t.Errorf("goroutines: %d %.200s", rec.Code, rec.Body)
	}
}
