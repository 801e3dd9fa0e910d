package ingest

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// Every modelled path reaches a provider through the one chain the gateway was given, once, and by no other way: the
// gateway knows nothing else that could send.
func TestEveryRouteGoesThroughTheChain(t *testing.T) {
	for path, want := range routes {
		t.Run(path, func(t *testing.T) {
			var sent []*llm.Call
			g := New(Config{
				Send: llm.SenderFunc(func(_ context.Context, c *llm.Call) (*llm.Response, error) {
					sent = append(sent, c)
					return nil, llm.Faultf(llm.UpstreamUnavailable, "the end of the chain")
				}),
				Keys: ring(account.Key{ID: "testtesttest", Project: "p", Hash: sha256.Sum256([]byte(testKey))}),
				Log:  slog.New(slog.DiscardHandler),
			})
			r := httptest.NewRequestWithContext(t.Context(), want.method, "/v1"+path, nil)
			if want.method == http.MethodPost {
				r = httptest.NewRequestWithContext(t.Context(), want.method, "/v1"+path, strings.NewReader(`{"model":"m"}`))
			}
			r.Header.Set("Authorization", "Bearer "+testKey)
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if len(sent) != 1 || sent[0].Endpoint != want.endpoint || sent[0].Dialect != want.dialect || w.Code != http.StatusBadGateway {
				t.Errorf("status %d, %d calls sent: %+v", w.Code, len(sent), sent)
			}
		})
	}
}
