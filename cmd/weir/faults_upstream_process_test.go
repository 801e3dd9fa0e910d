package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/badserver"
)

// bigFaultBound is how much memory a gateway may take, in MB, over what it had at its start, whatever one provider answers.
const bigFaultBound = 224

// recordedCall is what these tests read of a call by the API.
type recordedCall struct {
	Status      string           `json:"status"`
	ErrorCode   string           `json:"error_code"`
	HTTPStatus  int              `json:"http_status"`
	UsageSource string           `json:"usage_source"`
	CostUSD     *string          `json:"cost_usd"`
	Flags       []string         `json:"flags"`
	Response    *json.RawMessage `json:"response"`
}

// startUpstreamProcess runs weir as a process in front of both kinds of bad server.
func startUpstreamProcess(t *testing.T) (u *upstreams, h2 *badserver.HTTP2, p *process) {
	t.Helper()
	needEngine(t)
	u = &upstreams{bad: badserver.Start(t), client: &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}}
	h2 = badserver.StartHTTP2(t)
	dir := t.TempDir()
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h2.Cert}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots) // a private authority is trusted as any Go program is told to
	config := filepath.Join(dir, "weir.yaml")
	text := fmt.Sprintf("providers:\n  - {name: openai, kind: openai, base_url: %q, api_key: x}\n  - {name: two, kind: openai, price_as: openai, models: [two], base_url: %q, api_key: x}\nspool: {max_age: 20ms}\n", u.bad.URL+"/v1", h2.URL+"/v1")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, key := startProcess(t, dir, config)
	t.Cleanup(func() { p.stop(t) })
	token, err := os.ReadFile(filepath.Join(dir, "data", adminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	u.service = &service{url: p.url, gateway: p.gateway, admin: account.NewSecret(strings.TrimSpace(string(token))), firstKey: account.NewSecret(key)}
	return u, h2, p
}

// recorded reads a call once it is written.
func (u *upstreams) recorded(t *testing.T, id string) (c recordedCall) {
	t.Helper()
	u.settle(t)
	u.get(t, "/calls/"+id, &c)
	slices.Sort(c.Flags)
	return c
}

// peak is the most memory the process has had so far, in MB; 0 where the system does not say.
func (p *process) peak(t *testing.T) int {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kb, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(kb)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n >> 10
		}
	}
	return 0
}

// parts are a body too large to be held: head, then block n times, then tail.
type parts struct {
	head, block, tail string
	n                 int
}

func (b *parts) size() int { return len(b.head) + b.n*len(b.block) + len(b.tail) }

func (b *parts) send() []badserver.Step {
	return []badserver.Step{badserver.Send(b.head), badserver.Repeat([]byte(b.block), b.n), badserver.Send(b.tail)}
}

var sumSeed = maphash.MakeSeed()

func (b *parts) sum() uint64 {
	var h maphash.Hash
	h.SetSeed(sumSeed)
	_, _ = h.WriteString(b.head) // a hash takes everything
	for range b.n {
		_, _ = h.WriteString(b.block)
	}
	_, _ = h.WriteString(b.tail)
	return h.Sum64()
}

// bomb is about a megabyte of gzip that is a gigabyte of text beginning with head.
func bomb(head string) parts {
	pack := func(s string, zeros int) string {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
		_, _ = io.WriteString(z, s)
		_, _ = z.Write(bytes.Repeat([]byte("a"), zeros))
		_ = z.Close()
		return b.String()
	}
	return parts{head: pack(head, 0), block: pack("", 16<<20), n: 62}
}

// An answer of any size, or one that unfolds to any size, takes a bounded amount of memory, and arrives as it was.
func TestBigAnswersTakeBoundedMemory(t *testing.T) {
	u, h2, p := startUpstreamProcess(t)
	d, s := dialogues()[0], dialogues()[1]
	letters := strings.Repeat("a", 1<<20)
	event := "data: " + `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"` + strings.Repeat("a", 8000) + `"},"finish_reason":null}]}` + "\n\n"
	opening, _, _ := strings.Cut(d.answer, weirIs)
	cost := "0.000007800"
	for _, c := range []struct {
		name   string
		d      *dialogue
		body   parts
		coding string
		broken bool
		want   recordedCall
		kept   int
	}{
		{
			name: "100 MB of JSON", d: d, body: parts{opening, letters, d.answer[len(opening)+len(weirIs):], 100}, kept: 4 << 20,
			want: recordedCall{Status: "ok", UsageSource: "none", Flags: []string{"response_truncated", "unmetered"}},
		},
		{
			name: "100 MB of events", d: s, body: parts{"", event, s.answer, 100 << 20 / len(event)}, kept: 4 << 20,
			want: recordedCall{Status: "ok", UsageSource: "provider", CostUSD: &cost, Flags: []string{"response_truncated"}},
		},
		{
			name: "an event of 100 MB", d: s, body: parts{event[:len(event)-100], letters, event[len(event)-100:], 100}, broken: true, kept: 4 << 20,
			want: recordedCall{Status: "error", ErrorCode: "stream_truncated", UsageSource: "none", CostUSD: new("0.000000000"), Flags: []string{"response_truncated"}},
		},
		{name: "a gzip bomb", d: d, body: bomb(opening), coding: "gzip", want: recordedCall{Status: "ok", UsageSource: "none", Flags: []string{"unmetered"}}},
		{name: "a gzip bomb of an event", d: s, body: bomb(event[:150]), coding: "gzip", want: recordedCall{Status: "ok", UsageSource: "none", Flags: []string{"unmetered"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := p.peak(t)
			head := badserver.Head(200, c.body.size(), "Content-Type: "+c.d.contentType)
			if c.coding != "" {
				head = badserver.Head(200, c.body.size(), "Content-Type: "+c.d.contentType, "Content-Encoding: "+c.coding)
			}
			u.bad.On(c.name, append(badserver.Reply{badserver.Send(head)}, c.body.send()...))
			resp, err := u.open(t, c.d, "", c.name)
			if err != nil {
				t.Fatal(err)
			}
			var sum maphash.Hash
			sum.SetSeed(sumSeed)
			n, err := io.Copy(&sum, resp.Body)
			_ = resp.Body.Close()
			if broken := err != nil; broken != c.broken {
				t.Errorf("the answer ended with %v after %d bytes", err, n)
			}
			if !c.broken && (int(n) != c.body.size() || sum.Sum64() != c.body.sum()) {
				t.Errorf("%d bytes came, %d were sent, or they are others", n, c.body.size())
			}
			got := u.recorded(t, resp.Header.Get("X-Weir-Call-Id"))
			response := got.Response
			got.Response, c.want.HTTPStatus = nil, 200
			if g, w := fmt.Sprint(got.CostUSD != nil, got.Flags, got.Status, got.ErrorCode, got.HTTPStatus, got.UsageSource), fmt.Sprint(c.want.CostUSD != nil, c.want.Flags, c.want.Status, c.want.ErrorCode, c.want.HTTPStatus, c.want.UsageSource); g != w || got.CostUSD != nil && *got.CostUSD != *c.want.CostUSD {
				t.Errorf("recorded %s, want %s", g, w)
			}
			var kept string
			if response == nil || json.Unmarshal(*response, &kept) != nil || c.kept > 0 && len(kept) != c.kept {
				t.Errorf("%d bytes are on record, want %d", len(kept), c.kept)
			}
			after := p.peak(t)
			t.Logf("peak memory of the gateway before %d MB, after %d MB", before, after)
			if after-before > bigFaultBound {
				t.Errorf("memory went from %d MB to %d MB", before, after)
			}
			u.bad.On("well", fullReply(c.d, c.d.answer)...)
			if well := u.ask(t, c.d, "", "well"); well.status != 200 || string(well.body) != c.d.answer {
				t.Errorf("the call after it: %d %.100s", well.status, well.body)
			}
		})
	}
	t.Run("HTTP/2", func(t *testing.T) { u.http2Faults(t, h2) })
	u.bad.Drop()
}

// http2Faults breaks answers off in the ways that HTTP/2 has.
func (u *upstreams) http2Faults(t *testing.T, h2 *badserver.HTTP2) {
	for _, d := range dialogues()[:2] {
		head, first, rest := badserver.Headers(d.contentType), badserver.Data(d.cut(), false), badserver.Data(strings.TrimPrefix(d.answer, d.cut()), true)
		cut := outcome{body: d.cut(), broken: true, errors: "stream_truncated"}
		if !d.stream {
			cut = outcome{status: 502, code: "weir_upstream_unavailable", errors: "weir_upstream_unavailable"}
		}
		none := outcome{status: 502, code: "weir_upstream_unavailable", errors: "weir_upstream_unavailable"}
		for _, f := range []struct {
			name   string
			frames []badserver.Frame
			hangUp bool
			want   outcome
		}{
			{"a whole answer", []badserver.Frame{head, first, rest}, false, outcome{body: d.answer}},
			{"RST_STREAM in the body", []badserver.Frame{head, first, badserver.ResetStream(2)}, false, cut},
			{"RST_STREAM in place of an answer", []badserver.Frame{badserver.ResetStream(2)}, false, none},
			{"GOAWAY that lets the stream end", []badserver.Frame{head, first, badserver.GoAway(1<<31-1, 0), rest}, false, outcome{body: d.answer}},
			{"GOAWAY and the end of the connection", []badserver.Frame{head, first, badserver.GoAway(1<<31-1, 2)}, true, cut},
			{"the end of the connection", []badserver.Frame{head, first}, true, cut},
		} {
			t.Run(f.name+"/"+d.name, func(t *testing.T) {
				h2.Answer(f.hangUp, f.frames...)
				got := u.ask(t, d, "two", "")
				if f.want.status == 0 {
					f.want.status = 200
				}
				var e struct{ Error struct{ Code string } }
				_ = json.Unmarshal(got.body, &e) // of a good answer there is no code
				if got.status != f.want.status || (got.err != nil) != f.want.broken || e.Error.Code != f.want.code || f.want.code == "" && string(got.body) != f.want.body {
					t.Errorf("the client got %d, %v, %.300q", got.status, got.err, got.body)
				}
				status := "ok"
				if f.want.errors != "" {
					status = "error"
				}
				if c := u.recorded(t, got.id()); c.Status != status || c.ErrorCode != f.want.errors || c.HTTPStatus != f.want.status {
					t.Errorf("recorded %s %q %d", c.Status, c.ErrorCode, c.HTTPStatus)
				}
				h2.Answer(false, head, first, rest)
				if well := u.ask(t, d, "two", ""); well.status != 200 || well.err != nil || string(well.body) != d.answer {
					t.Errorf("the call after it: %d %v %.100s", well.status, well.err, well.body)
				}
			})
		}
	}
	if n := h2.Opened(); n == 0 || n > 20 {
		t.Errorf("%d connections for 24 calls", n)
	}
}
