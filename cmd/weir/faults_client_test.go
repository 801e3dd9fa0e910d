package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
)

// How much the client tests do; the defaults suit every run of the tests.
var (
	departures = flag.Int("departures", 160, "how many clients leave at a random byte of a stream")
	stuck      = flag.Int("stuck", 200, "how many clients read a long stream at a crawl or not at all")
	idlers     = flag.Int("idlers", 5000, "how many clients keep an idle connection")
)

// clientBed is a weir of its own, in front of a provider that does what its prompts say.
type clientBed struct {
	*process
	key      string
	address  string
	books    *service
	provider *playedProvider
}

// startClientBed starts both. extra is added to the configuration.
func startClientBed(t *testing.T, extra string) *clientBed {
	t.Helper()
	needEngine(t)
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system has no /proc, where memory and files of a process are read")
	}
	b := &clientBed{provider: startPlayedProvider(t)}
	dir := t.TempDir()
	config := filepath.Join(dir, "weir.yaml")
	text := fmt.Sprintf(`providers:
  - {name: openai, kind: openai, base_url: "%s/v1", api_key: x}
prices:
  - {provider: openai, model: gpt-4o-mini, input_usd_per_mtok: "1", output_usd_per_mtok: "2"}
spool: {max_age: 100ms}
%s
`, b.provider.URL, extra)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.process, b.key = startProcess(t, dir, config)
	t.Cleanup(func() {
		b.stop(t)
		if t.Failed() {
			t.Logf("weir's log:\n%.8000s", b.output.String())
		}
	})
	b.address = strings.TrimSuffix(strings.TrimPrefix(b.gateway, "http://"), "/v1")
	token, err := os.ReadFile(filepath.Join(dir, "data", adminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	b.books = &service{url: b.url, admin: account.NewSecret(strings.TrimSpace(string(token)))}
	return b
}

// request is a whole HTTP request for a call, whose user says which one it is and whose prompt what the provider does.
func (b *clientBed) request(user, prompt string, stream bool) (head, body []byte) {
	body = fmt.Appendf(nil, `{"model":"gpt-4o-mini","stream":%t,"user":%q,"messages":[{"role":"user","content":%q}]}`, stream, user, prompt)
	return b.head(len(body)), body
}

func (b *clientBed) head(length int) []byte {
	return fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", b.key, length)
}

// open is a header without its end.
func (b *clientBed) open(length int) []byte { return bytes.TrimSuffix(b.head(length), []byte("\r\n")) }

// dial opens a connection that must not outlive the test's patience.
func (b *clientBed) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// mustServe makes a call as a good client does, and says how long it took.
func (b *clientBed) mustServe(t *testing.T, user string, stream bool) time.Duration {
	t.Helper()
	began := time.Now()
	c := b.dial(t)
	defer c.Close()
	if err := b.callOn(c, bufio.NewReader(c), user, stream); err != nil {
		t.Fatalf("%s: %v", user, err)
	}
	return time.Since(began)
}

// callOn makes a call on a connection.
func (b *clientBed) callOn(c net.Conn, r *bufio.Reader, user string, stream bool) error {
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	head, body := b.request(user, answerAtOnce, stream)
	if _, err := c.Write(append(head, body...)); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || bytes.Count(text, []byte("river")) != providerWords {
		return fmt.Errorf("%d %.300s (%w)", resp.StatusCode, text, err)
	}
	return nil
}

// gauge reads a number that weir shows of itself.
func (b *clientBed) gauge(t *testing.T, name string) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("/metrics has no %s", name)
	return 0
}

// memory is a line of the kernel's account of weir in bytes: VmRSS, or VmHWM for the most there was.
func (b *clientBed) memory(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("the kernel does not tell %s", name)
	return 0
}

// holdings are what a process can leak.
type holdings struct{ goroutines, files int }

func (b *clientBed) holdings(t *testing.T) holdings {
	t.Helper()
	b.provider.CloseClientConnections() // those weir keeps for the next call are no leak
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return holdings{int(b.gauge(t, "go_goroutines")), len(files)}
}

// mustLetGo waits until weir holds no more than it did before, some slack for its own work aside.
func (b *clientBed) mustLetGo(t *testing.T, before holdings) {
	t.Helper()
	const slack = 10 // connections to the engine, batches under way
	eventually(t, 20*time.Second, func() error {
		now := b.holdings(t)
		if now.goroutines > before.goroutines+slack || now.files > before.files+slack {
			return fmt.Errorf("weir holds %+v, before it was %+v", now, before)
		}
		return nil
	})
}

// eventually waits until what is expected holds.
func eventually(t *testing.T, within time.Duration, check func() error) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) { // there is nobody to tell the test
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %v", within, err)
		}
	}
}

// entry is a call as the API lists it.
type entry struct {
	ID          string
	User        string
	Status      string
	Usage       llm.Usage
	UsageSource llm.UsageSource `json:"usage_source"`
	CostUSD     *price.USD      `json:"cost_usd"`
}

// entries are all records there are, by user.
func (b *clientBed) entries(t *testing.T) map[string][]entry {
	t.Helper()
	b.books.settle(t)
	all := map[string][]entry{}
	for cursor := ""; ; {
		var page struct {
			Calls []entry
			Next  string
		}
		path := "/calls?limit=1000&since=1d"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		b.books.get(t, path, &page)
		for _, e := range page.Calls {
			all[e.User] = append(all[e.User], e)
		}
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// departure is a client that leaves.
type departure struct {
	user   string
	prompt string
	stream bool
	leave  func(t *testing.T, d *departure, c *net.TCPConn, head, body []byte) // reads and writes until it leaves
	reset  bool                                                                // the way it leaves: all at once, or in order
	status string                                                              // of its record; "": either will do

	read []byte // what it saw
	gone time.Time
}

// until reads until the text has come.
func until(text string) func(*testing.T, *departure, *net.TCPConn, []byte, []byte) {
	return func(t *testing.T, d *departure, c *net.TCPConn, head, body []byte) {
		d.send(t, c, head, body)
		buf := make([]byte, 1)
		for !bytes.Contains(d.read, []byte(text)) {
			if _, err := io.ReadFull(c, buf); err != nil {
				t.Errorf("%s: %v after %.300q, want %q", d.user, err, d.read, text)
				return
			}
			d.read = append(d.read, buf...)
		}
	}
}

// after reads so many bytes, or to the end of the answer: in how many chunks it comes is not always the same.
func after(n int) func(*testing.T, *departure, *net.TCPConn, []byte, []byte) {
	return func(t *testing.T, d *departure, c *net.TCPConn, head, body []byte) {
		d.send(t, c, head, body)
		buf := make([]byte, n)
		whole := func() bool {
			return bytes.Contains(d.read, []byte("\r\n0\r\n")) && bytes.HasSuffix(d.read, []byte("\r\n\r\n"))
		}
		for len(d.read) < n && !whole() {
			got, err := c.Read(buf[:n-len(d.read)])
			d.read = append(d.read, buf[:got]...)
			if err != nil {
				t.Errorf("%s: %v", d.user, err)
				return
			}
		}
	}
}

func (d *departure) send(t *testing.T, c *net.TCPConn, parts ...[]byte) {
	t.Helper()
	for _, part := range parts {
		if _, err := c.Write(part); err != nil {
			t.Errorf("%s: %v", d.user, err)
		}
	}
}

// departuresAtEveryStage are one of each, plain and streamed.
func departuresAtEveryStage(b *clientBed) []*departure {
	var all []*departure
	for _, reset := range []bool{false, true} {
		for _, stream := range []bool{false, true} {
			add := func(name, prompt, status string, leave func(*testing.T, *departure, *net.TCPConn, []byte, []byte)) {
				all = append(all, &departure{
					user: fmt.Sprintf("%s, stream %t, reset %t", name, stream, reset), prompt: prompt, stream: stream, leave: leave, reset: reset, status: status,
				})
			}
			add("before the header", answerAtOnce, "", func(*testing.T, *departure, *net.TCPConn, []byte, []byte) {})
			add("within the header", answerAtOnce, "", func(t *testing.T, d *departure, c *net.TCPConn, head, _ []byte) {
				d.send(t, c, head[:len(head)/2])
			})
			add("within the body", answerAtOnce, "client_closed", func(t *testing.T, d *departure, c *net.TCPConn, head, body []byte) {
				d.send(t, c, head, body[:len(body)/2])
			})
			add("before the answer", holdAll, "client_closed", func(t *testing.T, d *departure, c *net.TCPConn, head, body []byte) {
				d.send(t, c, head, body)
				b.provider.await(t, d.user)
			})
			add("after the first byte", answerPaced, "", after(1))
			add("after the head", answerPaced, "", until("\r\n\r\n"))
			if stream {
				add("after the first event", holdTheRest, "client_closed", until("river"))
				add("before the terminal event", holdTheEnd, "client_closed", until(`"finish_reason":"stop"`))
				add("after the terminal event", answerAtOnce, "ok", until("[DONE]"))
			} else {
				add("after the answer", answerAtOnce, "ok", until(`"total_tokens"`))
			}
		}
	}
	return all
}

// Whenever a client leaves: a call that reached the provider has one record, at the price of what the provider was made to
// do, the provider is told at once, and weir keeps nothing of it.
func TestClientsThatLeave(t *testing.T) {
	b := startClientBed(t, "")
	whole := &departure{user: "whole", prompt: answerPaced, stream: true, leave: until("0\r\n\r\n"), status: "ok"}
	b.depart(t, whole)
	before := b.holdings(t)
	all := departuresAtEveryStage(b)
	random := rand.New(rand.NewPCG(7, 7))
	for i := range *departures {
		n := 1 + random.IntN(len(whole.read)-10)
		all = append(all, &departure{user: fmt.Sprintf("random %d after %d bytes", i, n), prompt: answerPaced, stream: true, leave: after(n), reset: i%2 == 0})
	}
	queue := make(chan *departure)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for d := range queue {
				b.depart(t, d)
			}
		})
	}
	for _, d := range all {
		queue <- d
	}
	close(queue)
	wg.Wait()
	if t.Failed() {
		return
	}
	var longest time.Duration
	for _, d := range all {
		p := b.provider.of(d.user)
		if p == nil {
			continue
		}
		select {
		case <-p.done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the provider goes on 10 s after the client left", d.user)
		}
		if p.cancelled {
			longest = max(longest, p.ended.Sub(d.gone))
		}
	}
	if longest > 2*time.Second {
		t.Errorf("a provider was told %v after its client had left", longest)
	}
	b.mustHaveEntries(t, append(all, whole))
	b.mustLetGo(t, before)
	t.Logf("%d departures; the slowest cancellation took %v", len(all), longest)
}

// depart is one client's visit.
func (b *clientBed) depart(t *testing.T, d *departure) {
	t.Helper()
	c, err := net.Dial("tcp", b.address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Error(err)
	}
	head, body := b.request(d.user, d.prompt, d.stream)
	d.leave(t, d, c.(*net.TCPConn), head, body)
	if d.reset {
		if err := c.(*net.TCPConn).SetLinger(0); err != nil {
			t.Error(err)
		}
	}
	d.gone = time.Now()
}

// mustHaveEntries compares the records with what clients saw and what the provider did.
func (b *clientBed) mustHaveEntries(t *testing.T, all []*departure) {
	t.Helper()
	var books map[string][]entry
	eventually(t, 20*time.Second, func() error { // a record is made when weir has noticed that the client is gone
		books = b.entries(t)
		for _, d := range all {
			if b.provider.of(d.user) != nil && len(books[d.user]) == 0 {
				return fmt.Errorf("%s: has no record", d.user)
			}
		}
		return nil
	})
	ways := map[string]int{}
	for _, d := range all {
		for _, err := range b.faultsOf(d, books[d.user]) {
			t.Errorf("%s: %v", d.user, err)
		}
		for _, e := range books[d.user] {
			ways[e.Status+" "+string(e.UsageSource)]++
		}
	}
	t.Logf("records: %v", ways)
}

// faultsOf says what is wrong with the records of one departure.
func (b *clientBed) faultsOf(d *departure, records []entry) []error {
	p := b.provider.of(d.user)
	if len(records) > 1 || len(records) == 0 && p != nil {
		return []error{fmt.Errorf("%d records, want one", len(records))}
	}
	if len(records) == 0 {
		return nil // it was never a call
	}
	e := records[0]
	if e.CostUSD == nil {
		return []error{errors.New("the cost is not known")}
	}
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(e.Status == d.status || d.status == "" && (e.Status == "ok" || e.Status == "client_closed"), "the status is %s", e.Status)
	in, out := e.Usage.InputUncached, e.Usage.OutputText
	check(*e.CostUSD == price.USD(1000*in+2000*out), "%d and %d tokens cost %v", in, out, e.CostUSD)
	_, body := b.request(d.user, d.prompt, d.stream)
	enc, _ := tokens.For("gpt-4o-mini")
	seen := int64(bytes.Count(d.read, []byte("river")))
	switch {
	case p == nil:
		check(in == 0 && out == 0, "the provider was never asked, and %d and %d tokens are billed", in, out)
	case e.UsageSource == llm.FromProvider:
		check(in == providerPrompt && out == providerWords, "the provider said %d and %d tokens, the record %d and %d", providerPrompt, providerWords, in, out)
	default:
		check(in == int64(tokens.Request("chat.completions", enc, body)), "%d prompt tokens", in)
		check(seen <= out && out <= p.words.Load(), "%d tokens are billed; the client saw %d, the provider made %d", out, seen, p.words.Load())
	}
	return faults
}
