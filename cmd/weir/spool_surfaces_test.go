package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// balance is what every surface says of the records.
type balance struct{ Accepted, Written, Waiting, Quarantined, Dropped, BodiesDropped int64 }

func balanceOf(c trace.Counters) balance {
	return balance{c.Accepted, c.Written, c.Waiting, c.Quarantined, c.Dropped, c.BodiesDropped}
}

// inTrouble runs a weir without a store on a spool that has records of every kind.
func inTrouble(t *testing.T) *service {
	t.Helper()
	needEngine(t)
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 6})
	cfg.Data = t.TempDir()
	dir := filepath.Join(cfg.Data, "spool")
	if err := fillSpool(dir); err != nil {
		t.Fatal(err)
	}
	if err := overfillSpool(dir); err != nil {
		t.Fatal(err)
	}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.ClickHouse.URL = secretText{Secret: account.NewSecret("http://" + free.Addr().String() + "/default")}
	free.Close()
	w := startWeirOn(t, cfg)
	t.Setenv("WEIR_URL", w.url)
	t.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
	return w
}

// The API, /metrics and the command line say the same of the records, and it balances: before, between and after
// records leave the quarantine.
func TestCountersAreTheSameEverywhere(t *testing.T) {
	w := inTrouble(t)
	steps := []struct {
		name string
		do   []string
		want func(before trace.Counters) trace.Counters
	}{
		{"resent", []string{"spool", "resend", "--all"}, func(c trace.Counters) trace.Counters {
			c.Quarantined--
			c.Waiting++
			return c
		}},
		{"resent, though nothing is there", []string{"spool", "resend", "--all"}, func(c trace.Counters) trace.Counters { return c }},
	}
	last := sameEverywhere(t, w)
	if last.Written != 1 || last.Quarantined != 1 || last.Waiting < 3 || last.Dropped == 0 || last.BodiesDropped == 0 {
		t.Fatalf("counters %+v: want some of each", last)
	}
	for _, step := range steps {
		if out, err := weirSays(t, step.do...); err != nil {
			t.Fatalf("%s: %v\n%s", step.name, err, out)
		}
		got := sameEverywhere(t, w)
		if diff := cmp.Diff(balanceOf(step.want(last)), balanceOf(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		last = got
	}
}

// A record that is dropped out of quarantine counts as dropped.
func TestDroppedOutOfQuarantine(t *testing.T) {
	w := inTrouble(t)
	before := sameEverywhere(t, w)
	if out, err := weirSays(t, "spool", "quarantine", "drop", "call-b", "--yes"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := balanceOf(before)
	want.Quarantined--
	want.Dropped++
	if diff := cmp.Diff(want, balanceOf(sameEverywhere(t, w))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A record that the store takes now is written once, and is found where it belongs.
func TestResendIntoTheStore(t *testing.T) {
	needEngine(t)
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 7})
	cfg.Data = t.TempDir()
	if err := fillSpool(filepath.Join(cfg.Data, "spool")); err != nil {
		t.Fatal(err)
	}
	w := startWeirOn(t, cfg)
	t.Setenv("WEIR_URL", w.url)
	t.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
	if out, err := weirSays(t, "spool", "resend", "call-b"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := w.call(t, "call-b"); got.Call.Cost != 13_500 || len(got.Body.Request) == 0 {
		t.Errorf("the resent record is %+v", got)
	}
	var c trace.Counters
	w.get(t, "/spool", &c)
	if got, want := balanceOf(c), (balance{Accepted: 4, Written: 4}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	page, err := w.reader.Calls(t.Context(), trace.Filter{}, 100, "")
	if err != nil || len(page.Calls) != 3 { // call-a was written elsewhere
		t.Errorf("%d calls in the store, %v; want 3", len(page.Calls), err)
	}
	if out, err := weirSays(t, "spool", "stats"); err != nil {
		t.Errorf("stats: %v\n%s", err, out)
	}
}

// weirSays runs a command in this process.
func weirSays(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	cmd := rootCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// sameEverywhere asks the API, /metrics and the command line, compares them and checks the balance.
func sameEverywhere(t *testing.T, w *service) trace.Counters {
	t.Helper()
	var api trace.Counters
	w.get(t, "/spool", &api)
	if api.Accepted != api.Written+api.Waiting+api.Quarantined+api.Dropped {
		t.Errorf("the counters do not balance: %+v", api)
	}
	want := balanceOf(api)

	m := w.metrics(t)
	state := func(name string) int64 { return m[`weir_spool_records_total{state="`+name+`"}`] }
	scraped := balance{state("accepted"), state("written"), m["weir_spool_waiting_records"], state("quarantined"), state("dropped"), m["weir_spool_bodies_dropped_total"]}
	if diff := cmp.Diff(want, scraped); diff != "" {
		t.Errorf("/metrics (-API +metrics):\n%s", diff)
	}
	for _, name := range []string{"weir_spool_at_risk_records_total", "weir_spool_damaged_records", "weir_spool_bytes", "weir_spool_max_bytes", `weir_spool_failure{kind="full"}`} {
		if _, ok := m[name]; !ok {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	if m["weir_spool_bytes"] == 0 || m["weir_spool_oldest_waiting_seconds"] == 0 || m[`weir_spool_failure{kind="store"}`] != 1 {
		t.Errorf("/metrics has %d bytes, the oldest waiting %d s, the store away %d", m["weir_spool_bytes"], m["weir_spool_oldest_waiting_seconds"], m[`weir_spool_failure{kind="store"}`])
	}

	out, _ := weirSays(t, "spool", "stats", "--json") // it ends with no: there are dropped ones
	var told trace.Counters
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatalf("weir spool stats: %v in %q", err, out)
	}
	if diff := cmp.Diff(want, balanceOf(told)); diff != "" {
		t.Errorf("weir spool stats --json (-API +command):\n%s", diff)
	}
	out, _ = weirSays(t, "spool", "stats")
	figures := map[string]int64{}
	for _, row := range regexp.MustCompile(`(?m)^([a-z ]+?) +([0-9,]+)$`).FindAllStringSubmatch(out, -1) {
		figures[row[1]] = figure(t, row[2])
	}
	shown := balance{figures["accepted"], figures["written"], figures["waiting"], figures["quarantined"], figures["dropped"], figures["bodies dropped"]}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("weir spool stats (-API +command):\n%s\n%s", diff, out)
	}
	return api
}

func figure(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// metrics reads the spool's series, rounded up.
func (s *service) metrics(t *testing.T) map[string]int64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /metrics: %d %v", resp.StatusCode, err)
	}
	out := map[string]int64{}
	for _, m := range regexp.MustCompile(`(?m)^(weir_spool_\S+) (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		out[m[1]] = int64(v + 0.999)
	}
	return out
}

// The System page shows the same figures, says what is wrong and what to do, and can give records back.
func TestSpoolInABrowser(t *testing.T) {
	browser := startBrowser(t)
	axe := axeSource(t)
	w := inTrouble(t)
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, `document.querySelector('nav [title^="Something is wrong"]')`)
	p.open(t, "/system")
	p.until(t, `document.querySelectorAll('.alarms .notice').length >= 2 && document.querySelectorAll('.flow i').length === 4`)
	shown := func() balance {
		t.Helper()
		n := read[[]string](t, p, `[...document.querySelectorAll('.balance b')].map((e) => e.textContent)`)
		if len(n) != 5 {
			t.Fatalf("figures %q", n)
		}
		return balance{figure(t, n[0]), figure(t, n[1]), figure(t, n[2]), figure(t, n[3]), figure(t, n[4]), 0}
	}
	same := func(when string) {
		t.Helper()
		var c trace.Counters
		w.get(t, "/spool", &c)
		want := balanceOf(c)
		want.BodiesDropped = 0 // is not among the four
		if diff := cmp.Diff(want, shown()); diff != "" {
			t.Errorf("%s (-API +page):\n%s", when, diff)
		}
	}
	same("at first")
	for _, words := range []string{"Nothing is lost: the records wait on this disk", "Records that ClickHouse refuses, kept aside: 1.", "weir spool resend gives them back", "Before this start: Records dropped for want of room", "needs attention", "code: 69, message: Too large string size"} {
		p.shows(t, words)
	}
	p.fits(t, "/system at 1280 px")
	p.takeFaults() // ClickHouse is away for the overview
	p.accessible(t, "/system in trouble", axe)
	p.dark(t)
	p.accessible(t, "/system in trouble, dark", axe, "color-contrast", "link-in-text-block")
	p.theme(t, "light")
	p.wide(t, 390)
	p.fits(t, "/system at 390 px")
	p.wide(t, 1280)

	p.clickText(t, "main button", "Show")
	p.shows(t, `"content": "Where is my order?"`)
	p.do(t, chromedp.Click(chromedp.CSS(`dialog button[aria-label="Close"]`), chromedp.NodeVisible))
	before := shown()
	p.clickText(t, "main button", "Resend all")
	p.until(t, `document.querySelectorAll('.flow i').length === 3 && document.querySelectorAll('.balance b')[3].textContent === '0'`)
	same("after the resend")
	if after := shown(); after.Accepted != before.Accepted || after.Waiting != before.Waiting+1 {
		t.Errorf("before %+v, after the resend %+v", before, after)
	}
	p.clean(t, "/system of a weir in trouble")
}
