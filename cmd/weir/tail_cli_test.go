package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pages lists the newest calls first, tailPage at a time; the cursor is an index.
type pages struct {
	ids  []string
	fail int // pages to answer before one fails; 0: none fails
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.fail > 0 {
		if p.fail--; p.fail == 0 {
			fakeError(w, http.StatusServiceUnavailable, "weir_record_unavailable", "the store is away")
			return
		}
	}
	at, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	end, next := min(at+limit, len(p.ids)), ""
	if end < len(p.ids) {
		next = strconv.Itoa(end)
	}
	var rows []string
	for _, id := range p.ids[at:end] {
		rows = append(rows, fmt.Sprintf(`{"id":%q,"start_time":%q}`, id, stamp(noon)))
	}
	fmt.Fprintf(w, `{"calls":[%s],"next":%q}`, strings.Join(rows, ","), next)
}

func ids(t *testing.T, rows []json.RawMessage) []string {
	t.Helper()
	var out []string
	for _, raw := range rows {
		var c apiCall
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c.ID)
	}
	return out
}

func TestTailMissesNothing(t *testing.T) {
	p := &pages{}
	for i := range 3 * tailPage {
		p.ids = append(p.ids, fmt.Sprintf("old-%d", i))
	}
	srv := httptest.NewServer(p)
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	tl := &tail{client: &client{base: base, http: srv.Client(), timeout: time.Minute}, query: url.Values{}, seen: map[string]time.Time{}}
	look := func(whole bool) []string {
		t.Helper()
		rows, err := tl.look(t.Context(), noon, whole)
		if err != nil {
			t.Fatal(err)
		}
		return ids(t, rows)
	}
	first := look(true)
	if len(first) != 3*tailPage || first[0] != p.ids[3*tailPage-1] {
		t.Fatalf("first look: got %d calls from %s on, want all, oldest first", len(first), first[0])
	}
	if got := look(false); got != nil {
		t.Errorf("nothing new: got %v", got)
	}
	// More than a page at once.
	for i := range tailPage + 5 {
		p.ids = slices.Insert(p.ids, 0, fmt.Sprintf("new-%d", i))
	}
	p.fail = 2 // a look that fails at its second page is made up for
	if _, err := tl.look(t.Context(), noon, false); err == nil {
		t.Error("a failing page: no error")
	}
	if got := look(false); len(got) != tailPage+5 || got[0] != "new-0" {
		t.Errorf("more than a page: got %d, want %d", len(got), tailPage+5)
	}
	// A long call that started before a page of others is found by the next look at the whole window.
	p.ids = slices.Insert(p.ids, tailPage+1, "late")
	if got := look(false); got != nil {
		t.Errorf("quick look: got %v", got)
	}
	if got := look(true); !slices.Equal(got, []string{"late"}) {
		t.Errorf("look at the whole window: got %v, want late", got)
	}
	// What left the window is forgotten.
	p.ids = nil
	if _, err := tl.look(t.Context(), noon.Add(2*tailWindow), false); err != nil || len(tl.seen) != 0 {
		t.Errorf("after the window: %d calls remembered, %v", len(tl.seen), err)
	}
}

func TestTailEndsWithItsContext(t *testing.T) {
	srv := httptest.NewServer(&pages{ids: []string{"b", "a"}})
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var got []string
	tl := &tail{client: &client{base: base, http: srv.Client(), timeout: time.Minute}, seen: map[string]time.Time{}}
	err = follow(ctx, tl, &screen{err: &bytes.Buffer{}}, 10, func(raw json.RawMessage) error {
		got = append(got, ids(t, []json.RawMessage{raw})...)
		if len(got) == 2 {
			stop()
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
