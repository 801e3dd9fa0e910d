package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// tailing plays a weir to a follower: a list, and then a tail for each connection.
type tailing struct {
	list    string   // ids of the newest calls, newest first
	tails   []string // what comes on each connection; "HTTP 503" refuses, a last + keeps it open
	mu      sync.Mutex
	asked   []string // Last-Event-ID of each connection
	said    []string // notes
	shown   []string
	showing error
}

// RoundTrip answers.
func (p *tailing) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, kind string, body io.Reader) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(body)}, nil
	}
	if strings.HasSuffix(r.URL.Path, "/calls") {
		var rows []string
		for id := range strings.FieldsSeq(p.list) {
			rows = append(rows, fmt.Sprintf(`{"id":%q}`, id))
		}
		return answer(http.StatusOK, "application/json", strings.NewReader(`{"calls":[`+strings.Join(rows, ",")+`],"next":""}`))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Header.Get("Last-Event-ID"))
	if len(p.tails) == 0 {
		return nil, errors.New("connection refused")
	}
	text := p.tails[0]
	p.tails = p.tails[1:]
	if code, ok := strings.CutPrefix(text, "HTTP "); ok {
		var status int
		_, _ = fmt.Sscan(code, &status)
		return answer(status, "application/json", strings.NewReader(`{"error":{"message":"refused so","code":"weir_x"}}`))
	}
	open := strings.HasSuffix(text, "+")
	from, to := io.Pipe()
	context.AfterFunc(r.Context(), func() { from.CloseWithError(r.Context().Err()) })
	go func() {
		_, _ = io.WriteString(to, strings.TrimSuffix(text, "+"))
		if !open {
			_ = to.Close()
		}
	}()
	return answer(http.StatusOK, "text/event-stream", from)
}

func (p *tailing) show(raw json.RawMessage) error {
	var c struct{ ID string }
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	p.shown = append(p.shown, c.ID)
	return p.showing
}

// comes is the events of calls.
func comes(ids ...string) (out string) {
	for _, id := range ids {
		out += fmt.Sprintf("id: %s\nevent: call\ndata: {\"id\":%q}\n\n", id, id)
	}
	return out
}

// followed follows for so long.
func (p *tailing) followed(t *testing.T, last int, long time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	f := &follower{
		client: &client{base: &url.URL{Scheme: "http", Host: "weir.test"}, where: "a file", http: &http.Client{Transport: p}, timeout: time.Minute},
		query:  url.Values{"project": {"p"}}, last: last, shown: map[string]bool{}, show: p.show,
		note: func(format string, args ...any) { p.said = append(p.said, fmt.Sprintf(format, args...)) },
	}
	return f.follow(ctx)
}

// told says whether the notes are these, by a word of each.
func (p *tailing) told(t *testing.T, words ...string) {
	t.Helper()
	ok := len(p.said) == len(words)
	for i := range min(len(words), len(p.said)) {
		ok = ok && strings.Contains(p.said[i], words[i])
	}
	if !ok {
		t.Errorf("notes: got %q, want %q", p.said, words)
	}
}

func TestFollow(t *testing.T) {
	const end = "event: end\ndata: {\"reason\":%q}\n\n"
	for _, tt := range []struct {
		name  string
		last  int
		tails []string
		shown string
		asked string
		said  []string
		fault string
	}{
		{
			"once each, over connections that break", 10,
			[]string{"id: old2\n\n" + comes("old2", "a"), comes("a", "b") + fmt.Sprintf(end, "stopping"), ": weir\n\n" + comes("c") + "+"},
			"old1 old2 a b c", " a b",
			[]string{"connection ended", "is stopping"},
			"",
		},
		{"nothing of the past", 0, []string{"id: x\n\n" + comes("a") + "+"}, "a", "", nil, ""},
		{"an id before any call", 0, []string{"id: 0\n\n", "HTTP 503", "HTTP 429", comes("a") + "+"}, "a", " 0 0 0", []string{"connection ended"}, ""},
		{"calls that are lost", 0, []string{comes("a") + "event: skipped\ndata: {\"calls\":1200}\n\n" + comes("b") + "+"}, "a b", "", []string{"1,200 calls are not shown"}, ""},
		{"the token ends", 0, []string{comes("a") + fmt.Sprintf(end, "signed_out")}, "a", "", nil, "no longer"},
		{"refused", 0, []string{"HTTP 400"}, "", "", nil, "refused so"},
		{"full", 0, []string{"HTTP 429"}, "", "", nil, "refused so"},
		{"away from the first", 0, []string{"HTTP 503"}, "", "", nil, "refused so"},
		{"refused later", 0, []string{comes("a"), "HTTP 401"}, "a", " a", []string{"connection ended"}, "is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &tailing{list: "old2 old1", tails: tt.tails}
				err := p.followed(t, tt.last, 30*time.Second)
				if got := strings.Join(p.shown, " "); got != tt.shown {
					t.Errorf("shown: %q, want %q", got, tt.shown)
				}
				if got := strings.Join(p.asked, " "); got != tt.asked {
					t.Errorf("asked behind %q, want %q", got, tt.asked)
				}
				p.told(t, tt.said...)
				if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("ends with %v, want %q", err, tt.fault)
				}
			})
		})
	}
}

// A connection on which nothing comes is made anew, and who was away for long is told.
func TestFollowHearsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tails := []string{comes("a") + "+"}
		for range 20 {
			tails = append(tails, "HTTP 503")
		}
		p := &tailing{tails: append(tails, comes("b")+"+")}
		if err := p.followed(t, 0, 10*time.Minute); err != nil {
			t.Error(err)
		}
		if !slices.Equal(p.shown, []string{"a", "b"}) {
			t.Errorf("shown: %v", p.shown)
		}
		p.said = p.said[:min(2, len(p.said))]
		p.told(t, "nothing came for 40s; still trying", "may be missing here; weir calls --since")
	})
}

func TestFollowCannotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &tailing{tails: []string{comes("a") + "+"}, showing: io.ErrClosedPipe}
		if err := p.followed(t, 0, time.Minute); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("ends with %v", err)
		}
	})
}
