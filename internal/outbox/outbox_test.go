package outbox

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/price"
)

func poster(t *testing.T, at string, private bool) *Poster {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return NewPoster(u, account.Secret{}, private)
}

func TestABoxGivesUp(t *testing.T) {
	var d price.Delivery
	var log strings.Builder
	waited, now := time.Duration(0), time.Now()
	box := New(Config[string]{
		Claim:    func(context.Context, time.Time, time.Time, int) ([]string, error) { return []string{"one"}, nil },
		Delivery: func(*string) price.Delivery { return d },
		Send:     func(context.Context, *string) error { return io.ErrUnexpectedEOF },
		Note: func(_ context.Context, _ *string, to price.Delivery) error {
			if d = to; to.State == price.DeliveryWaiting {
				waited += to.Next.Sub(to.At)
			}
			return nil
		},
		What: func(s *string) []any { return []any{"thing", *s} },
		Noun: "things", Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	for d.State != price.DeliveryFailed && d.Tries < 2*Tries {
		box.Tell(t.Context())
	}
	if d.State != price.DeliveryFailed || d.Tries != Tries || waited != 127*First || d.At.Before(now) || !strings.Contains(log.String(), "thing=one") {
		t.Errorf("%+v after %v, log %s", d, waited, &log)
	}
}

// An inside address is refused, however it is written, and a redirect is not followed.
func TestAPosterStaysOutside(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, at := range []string{srv.URL, "http://localhost:" + port, "http://[::1]:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://10.0.0.1", "http://169.254.169.254/latest", "http://100.64.0.1", "http://0.0.0.0:" + port} {
		if err := poster(t, at, false).Post(t.Context(), "id", []byte("{}")); err == nil || !strings.Contains(err.Error(), "private address") {
			t.Errorf("%s: %v", at, err)
		}
	}
	if asked != 0 {
		t.Fatalf("asked %d times", asked)
	}
	if err := poster(t, srv.URL, true).Post(t.Context(), "id", []byte("{}")); err == nil || err.Error() != "answered 307" || asked != 1 {
		t.Errorf("a redirect: %v after %d requests", err, asked)
	}
	if err := poster(t, "http://user:pa55word@127.0.0.1:1/s3cr3t", true).Post(t.Context(), "id", []byte("{}")); err == nil || strings.Contains(err.Error(), "pa55") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("the error shows the address: %v", err)
	}
}
