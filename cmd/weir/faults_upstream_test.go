package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/badserver"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// hasty is the limit of providers that are given up soon.
const hasty = 500 * time.Millisecond

// outcome is what must come of a fault, at both ends.
type outcome struct {
	status  int               // what the client gets; 0: 200
	code    string            // of weir's own error, in the dialect's shape
	body    string            // what else the client gets, byte for byte
	broken  bool              // its connection breaks after that
	headers map[string]string // some that it gets

	record   trace.Status // "": ok
	errors   string       // the record's error_code
	attempts int          // 0: 1; also the requests the provider got
	statuses []int        // of the attempts, if there are several
	source   llm.UsageSource
	unpriced bool
	flags    []string
	kept     *string       // the answer on record; nil: body
	keptMore bool          // what follows it may be on record too
	waited   time.Duration // at least, between the attempts
}

// upstreamFault is one way to misbehave.
type upstreamFault struct {
	name    string
	by      string // which provider or route is asked: "" the plain one, else hasty, dead or again
	only    func(d *dialogue) bool
	replies func(d *dialogue) []badserver.Reply
	want    func(d *dialogue) outcome
}

// answered is what a client saw of a call.
type answered struct {
	status          int
	header, trailer http.Header
	body            []byte
	err             error
}

func (a *answered) id() string { return a.header.Get("X-Weir-Call-Id") }

// upstreams is a weir in front of a server that misbehaves.
type upstreams struct {
	*service
	bad       *badserver.Server
	elsewhere *httptest.Server // where a redirect leads
	visits    atomic.Int64     // to elsewhere
	client    *http.Client
}

// startUpstreams runs weir with, for each of the two dialects, a provider of default limits, one that is given up soon, one that is
// not there, and a route that tries twice.
func startUpstreams(t *testing.T) *upstreams {
	t.Helper()
	u := &upstreams{bad: badserver.Start(t), client: &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}}
	u.elsewhere = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { u.visits.Add(1) }))
	t.Cleanup(u.elsewhere.Close)
	away := httptest.NewServer(nil)
	away.Close()
	cfg := defaultConfig()
	for _, kind := range []string{"openai", "anthropic"} {
		p := ProviderConfig{Kind: kind, PriceAs: kind, BaseURL: u.bad.URL + "/v1", APIKey: secretText{Secret: account.NewSecret("sk-provider-canary")}}
		p.Name = kind
		cfg.Providers = append(cfg.Providers, p)
		p.Models = []string{}
		p.Name, p.Timeouts = "hasty-"+kind, &TimeoutConfig{FirstByte: hasty, Idle: hasty}
		cfg.Providers = append(cfg.Providers, p)
		p.Name, p.Timeouts = "again-"+kind, nil
		cfg.Providers = append(cfg.Providers, p)
		p.Name, p.BaseURL = "dead-"+kind, away.URL+"/v1"
		cfg.Providers = append(cfg.Providers, p)
	}
	for _, d := range dialogues() {
		if !d.stream {
			cfg.Routes = append(cfg.Routes, RouteConfig{
				Model: "again/" + d.model, Targets: []TargetConfig{{Provider: "again-" + d.kind, Model: d.model}},
				Retry: RetryConfig{Attempts: 2, Wait: time.Millisecond, MaxWait: 3 * time.Second},
			})
		}
	}
	faults := &configFaults{}
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	u.service = startWeir(t, cfg)
	for _, d := range dialogues() {
		u.bad.On("well/"+d.name, badserver.Answer(200, d.answer, "Content-Type: "+d.contentType))
	}
	return u
}

// ask makes a call; the server answers it by the script of that name.
func (u *upstreams) ask(t *testing.T, d *dialogue, by, script string) *answered {
	t.Helper()
	resp, err := u.open(t, d, by, script)
	if err != nil {
		t.Fatalf("weir did not answer: %v", err)
	}
	defer resp.Body.Close()
	a := &answered{status: resp.StatusCode, header: resp.Header}
	a.body, a.err = io.ReadAll(resp.Body)
	a.trailer = resp.Trailer
	return a
}

func (u *upstreams) open(t *testing.T, d *dialogue, by, script string) (*http.Response, error) {
	t.Helper()
	model := d.model
	switch by {
	case "again":
		model = by + "/" + model
	case "hasty", "dead":
		model = by + "-" + d.kind + "/" + model
	case "two":
		model = by + "/" + model
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.gateway+d.path, strings.NewReader(d.request(model)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+u.firstKey.Reveal())
	req.Header.Set(badserver.Script, script)
	return u.client.Do(req)
}

// However a provider misbehaves: the client is told, the record says it, nothing is left behind, and the next call is answered.
func TestUpstreamFaults(t *testing.T) {
	u := startUpstreams(t)
	type done struct {
		name string
		d    *dialogue
		want outcome
		got  *answered
	}
	var mu sync.Mutex // guards all
	var all []done
	t.Run("clients", func(t *testing.T) {
		for _, f := range upstreamFaults(u) {
			for _, d := range dialogues() {
				if f.only != nil && !f.only(d) {
					continue
				}
				name := f.name + "/" + d.name
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					want := f.want(d)
					u.bad.On(name, f.replies(d)...)
					got := u.ask(t, d, f.by, name)
					want.checkClient(t, d, got)
					if n := u.bad.Requests(name); f.by != "dead" && n != max(want.attempts, 1) {
						t.Errorf("the provider was asked %d times, want %d", n, max(want.attempts, 1))
					}
					if well := u.ask(t, d, "", "well/"+d.name); well.status != 200 || well.err != nil || string(well.body) != d.answer {
						t.Errorf("the call after it: %d %v %.200s", well.status, well.err, well.body)
					}
					mu.Lock()
					defer mu.Unlock()
					all = append(all, done{name, d, want, got})
				})
			}
		}
		for _, d := range dialogues() {
			if d.stream {
				t.Run("every event of a trickle comes at once/"+d.name, func(t *testing.T) { t.Parallel(); u.trickledEvents(t, d) })
			}
		}
		t.Run("every byte of a long trickle comes at once", func(t *testing.T) { t.Parallel(); u.trickledBytes(t) })
	})
	if n := u.visits.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	u.settle(t)
	records := map[string]trace.Record{}
	for rec, err := range u.reader.Export(t.Context(), trace.Filter{}, true) {
		if err != nil {
			t.Fatal(err)
		}
		records[rec.Call.ID] = rec
	}
	t.Run("records", func(t *testing.T) {
		for _, c := range all {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				rec, ok := records[c.got.id()]
				if !ok {
					t.Fatal("there is no record")
				}
				c.want.checkRecord(t, u, c.d, c.got, rec)
			})
		}
	})
	u.checkBooks(t)
	u.checkLeaks(t)
}

// trickledEvents lets the provider go on only when the client has the event before.
func (u *upstreams) trickledEvents(t *testing.T, d *dialogue) {
	events := strings.SplitAfter(d.answer, "\n\n")
	goOn := make(chan struct{}, len(events))
	reply := badserver.Reply{badserver.Send(badserver.Head(200, -1, "Content-Type: "+d.contentType))}
	for _, ev := range events {
		reply = append(reply, badserver.Trickle(ev, 100*time.Microsecond), badserver.Until(goOn))
	}
	name := "trickle/" + d.name
	u.bad.On(name, append(reply, badserver.Close()))
	resp, err := u.open(t, d, "", name)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, ev := range events {
		got := make([]byte, len(ev))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != ev {
			t.Fatalf("got %q, %v; want %q", got, err, ev)
		}
		goOn <- struct{}{}
	}
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("and then %q, %v", rest, err)
	}
}

// trickledBytes does the same with the bytes of a plain answer that is too long to be held back; the last byte waits for the record.
func (u *upstreams) trickledBytes(t *testing.T) {
	d := dialogues()[0]
	before := strings.Repeat(" ", 1<<20)
	goOn := make(chan struct{}, 2+len(d.answer))
	reply := badserver.Reply{badserver.Send(badserver.Head(200, -1, "Content-Type: application/json")), badserver.Send(before)}
	for i := range len(d.answer) {
		reply = append(reply, badserver.Send(d.answer[i:i+1]), badserver.Until(goOn))
	}
	u.bad.On("bytes", append(reply, badserver.Close()))
	goOn <- struct{}{} // the gateway reads one byte further than it holds back
	resp, err := u.open(t, d, "", "bytes")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, len(before))); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(d.answer))
	for i := range got {
		if _, err := io.ReadFull(resp.Body, got[i:i+1]); err != nil {
			t.Fatalf("byte %d: %v", i, err)
		}
		goOn <- struct{}{}
	}
	if string(got) != d.answer {
		t.Errorf("got %q", got)
	}
}

// checkLeaks waits until nothing of a call is left: no connection on which an answer is awaited, no goroutine of the gateway, no
// connection at all once both sides have let go of the idle ones.
func (u *upstreams) checkLeaks(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		u.client.CloseIdleConnections()
		http.DefaultClient.CloseIdleConnections()
		u.bad.Drop()
		left := goroutinesOf("weir/ingest.", "weir/ingest/upstream.", "weir/ingest/route.", "net/http.(*conn).serve")
		if len(left) == 0 && u.bad.Open() == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d connections to the provider and %d goroutines are left:\n%s", u.bad.Open(), len(left), strings.Join(left, "\n\n"))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// goroutinesOf gives the stacks that hold any of the words.
func goroutinesOf(words ...string) (stacks []string) {
	buf := make([]byte, 4<<20)
	for stack := range bytes.SplitSeq(buf[:runtime.Stack(buf, true)], []byte("\n\n")) {
		if slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(stack, []byte(w)) }) {
			stacks = append(stacks, string(stack))
		}
	}
	return stacks
}
