package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// storyUsers is how many users call; make test-faults has more.
var storyUsers = flag.Int("experiment-users", 4000, "how many users the experiment's story drives through the gateway")

// teller is a weir in a process of its own, with whom each step is taken as somebody of the team.
type teller struct {
	*service
	calls []told // in the order of users
}

// told is what one user's call said.
type told struct {
	id, arm, prompt string
	err             error
}

// as makes a member, and gives the service as it is seen by them.
func (s *teller) as(t *testing.T, name string, role account.Role) *service {
	t.Helper()
	var made struct{ Token string }
	s.post(t, http.MethodPost, "/members", fmt.Sprintf(`{"name":%q,"role":%q}`, name, role), http.StatusCreated, &made)
	return &service{url: s.url, gateway: s.gateway, firstKey: s.firstKey, admin: account.NewSecret(made.Token)}
}

// greet calls as a user.
func (s *teller) greet(t *testing.T, client *http.Client, user string) told {
	body := fmt.Sprintf(`{"prompt":{"id":"greet@production","variables":{"name":%q}},"max_tokens":4}`, user)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return told{err: err}
	}
	req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
	if user != "" {
		req.Header.Set("X-Weir-User", user)
	}
	resp, err := client.Do(req)
	if err != nil {
		return told{err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", resp.StatusCode, answer)
	}
	return told{id: resp.Header.Get("X-Weir-Call-Id"), arm: resp.Header.Get("X-Weir-Arm"), prompt: resp.Header.Get("X-Weir-Prompt"), err: err}
}

// drive lets all users call once, some at a time.
func (s *teller) drive(t *testing.T, from, to int) {
	t.Helper()
	const atOnce = 16
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	s.calls = append(s.calls, make([]told, to-from)...)
	next := make(chan int)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for i := range next {
				s.calls[i] = s.greet(t, client, fmt.Sprintf("user-%d", i))
			}
		})
	}
	for i := from; i < to; i++ {
		next <- i
	}
	close(next)
	group.Wait()
	for i := from; i < to; i++ {
		if c := &s.calls[i]; c.err != nil || c.id == "" || c.arm == "" {
			t.Fatalf("user %d: %+v", i, c)
		}
	}
}

// judge scores calls: good in 70 of 100 by the control, in 80 of 100 by the other.
func (s *teller) judge(t *testing.T, from, to int) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(from), 20261125))
	for begin := from; begin < to; begin += 1000 {
		var b strings.Builder
		for i := begin; i < min(begin+1000, to); i++ {
			good := r.Float64() < map[string]float64{"control": 0.7, "warm": 0.8}[s.calls[i].arm]
			fmt.Fprintf(&b, `,{"call_id":%q,"name":"good","value":%v}`, s.calls[i].id, good)
		}
		s.post(t, http.MethodPost, "/scores", `{"scores":[`+b.String()[1:]+`]}`, http.StatusCreated, nil)
	}
}

// shownExperiment is an experiment as the API tells it.
type shownExperiment struct {
	Experiment struct {
		Status, Winner string
		Revision       int64
		Epochs         []struct{ Number int }
	}
	Analysis struct {
		Arms []struct {
			Arm          string
			Units, Calls int64
		}
		SRM     struct{ Alarm bool }
		Effects []struct {
			Metric, Arm string
			Data        bool
			Difference  struct{ Value, Low, High float64 }
		}
	}
	Verdict struct{ State, Arm, Text, Meaning string }
	Over    []struct {
		Units   int64
		Effects []struct{ Value, Low, High float64 }
	} `json:"over_time"`
	History []struct{ Did, Author, Detail string }
}

func (s *service) experiment(t *testing.T, name string) (e shownExperiment) {
	t.Helper()
	s.get(t, "/experiments/"+name+"?points=5", &e)
	return e
}

const storyExperiment = `{"name": "tone", "unit": "user", "prompt": "greet",
	"arms": [{"name": "control", "prompt": "greet@production", "weight": 50}, {"name": "warm", "prompt": "greet@2", "weight": 50}],
	"metrics": {"primary": {"metric": "score:good", "direction": "higher"},
		"guardrails": [{"metric": "errors", "direction": "lower", "margin": 0.02}, {"metric": "cost", "direction": "lower", "margin": "20%"}]},
	"planned_units": 4000}`

// The story of an experiment, by real processes: two versions, 4,000 users of whom one half gets what is better, a verdict, a change
// request that somebody else approves, and the way back. Nothing of it is lost.
func TestTheStoryOfAnExperiment(t *testing.T) {
	needEngine(t)
	began := time.Now()
	provider := startProvider(t, simulator.Config{Seed: 1})
	dir := killedDir(t)
	config := filepath.Join(dir, "weir.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "providers:\n  - {name: openai, kind: openai, base_url: %q, api_key: x}\n", provider.URL+"/v1"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, key := startProcess(t, dir, config)
	defer p.kill()
	token, err := os.ReadFile(filepath.Join(dir, "data", adminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	s := &teller{service: &service{url: at.Scheme + "://" + at.Host, gateway: p.gateway, firstKey: account.NewSecret(key), admin: account.NewSecret(strings.TrimSpace(string(token)))}}
	dev, approver := s.as(t, "dev", account.Developer), s.as(t, "ann", account.Approver)

	// Two versions, the first of which is served.
	dev.pushPrompt(t, "greet", `{"text":"Greet {{name}}.","model":"gpt-4o-mini","settings":{"temperature":0}}`)
	dev.moveLabel(t, "greet", "production", 1)
	dev.pushPrompt(t, "greet", `{"text":"Greet {{name}} as warmly as you can.","model":"gpt-4o-mini","settings":{"temperature":0}}`)
	s.post(t, http.MethodPut, "/prompts/greet/protections/production", `{"approvals":1}`, http.StatusOK, nil)

	// A draft assigns nobody.
	dev.post(t, http.MethodPost, "/experiments", storyExperiment, http.StatusCreated, nil)
	if c := s.greet(t, http.DefaultClient, "early"); c.err != nil || c.arm != "" || c.prompt != "greet@1" {
		t.Fatalf("before the start: %+v", c)
	}
	dev.post(t, http.MethodPost, "/experiments/tone/start", `{"reason":"is warmth worth it?"}`, http.StatusOK, nil)
	if c := s.greet(t, http.DefaultClient, ""); c.err != nil || c.arm != "control" || c.prompt != "greet@1" {
		t.Fatalf("without a user: %+v", c)
	}

	body := `{"prompt":{"id":"greet@production","variables":{"name":"x"}},"max_tokens":4}`
	tried := s.askFor(t, "/chat/completions", body, func(h http.Header) { h.Set("X-Weir-Arm", "warm") })
	if tried.status != http.StatusOK || tried.header.Get("X-Weir-Arm") != "warm" || tried.header.Get("X-Weir-Prompt") != "greet@2" {
		t.Errorf("an arm that is asked for: %d %v %s", tried.status, tried.header, tried.body)
	}
	if lost := s.askFor(t, "/chat/completions", body, func(h http.Header) { h.Set("X-Weir-Arm", "cold") }); lost.status != http.StatusBadRequest || !strings.Contains(lost.body, "control and warm") {
		t.Errorf("an arm that there is not: %d %s", lost.status, lost.body)
	}

	// The users come in two halves; between them weir is stopped and started.
	half := *storyUsers / 2
	s.drive(t, 0, half)
	s.judge(t, 0, half)
	sooner := s.experiment(t, "tone")
	if sooner.Verdict.State == "no_data" || sooner.Verdict.State == "frozen" {
		t.Errorf("half way: %+v", sooner.Verdict)
	}
	p.stop(t)
	p, _ = startProcess(t, dir, config)
	defer p.kill()
	if at, err = url.Parse(p.url); err != nil {
		t.Fatal(err)
	}
	for _, who := range []*service{s.service, dev, approver} {
		who.url, who.gateway = at.Scheme+"://"+at.Host, p.gateway
	}
	for _, i := range []int{0, 1, 2, half - 1} { // who had an arm has it still
		if c := s.greet(t, http.DefaultClient, fmt.Sprintf("user-%d", i)); c.err != nil || c.arm != s.calls[i].arm || c.prompt != s.calls[i].prompt {
			t.Errorf("user %d after a restart: %+v, was %+v", i, c, s.calls[i])
		}
	}
	s.drive(t, half, *storyUsers)
	s.judge(t, half, *storyUsers)
	t.Logf("%d users called and were judged after %v", *storyUsers, time.Since(began).Round(time.Millisecond))

	seen := s.experiment(t, "tone")
	if seen.Verdict.State != "ship" || seen.Verdict.Arm != "warm" || seen.Verdict.Meaning == "" || seen.Analysis.SRM.Alarm {
		t.Fatalf("the verdict: %+v\n%+v", seen.Verdict, seen.Analysis)
	}
	t.Logf("%s %s", seen.Verdict.Text, seen.Verdict.Meaning)
	byArm := map[string]int64{}
	for _, c := range s.calls {
		byArm[c.arm]++
	}
	var calls int64
	for _, arm := range seen.Analysis.Arms {
		calls += arm.Calls
		if arm.Units != byArm[arm.Arm] {
			t.Errorf("%s has %d units in the analysis, and had %d users", arm.Arm, arm.Units, byArm[arm.Arm])
		}
	}
	if want := int64(*storyUsers + 4); calls != want {
		t.Errorf("%d calls in the analysis, want %d", calls, want)
	}
	if len(seen.Over) != 5 || seen.Over[4].Units != int64(*storyUsers) || seen.Over[4].Effects[0].Low <= 0 {
		t.Errorf("over time: %+v", seen.Over)
	}

	// The winner is asked for; somebody else approves.
	var promoted struct {
		Moved  bool
		Change *struct{ ID string }
	}
	dev.post(t, http.MethodPost, "/experiments/tone/promote", `{}`, http.StatusOK, &promoted)
	if promoted.Moved || promoted.Change == nil {
		t.Fatalf("promoted: %+v", promoted)
	}
	change := "/changes/" + promoted.Change.ID
	approver.post(t, http.MethodPost, change+"/merge", `{}`, http.StatusConflict, nil)
	if c := s.greet(t, http.DefaultClient, "user-1"); c.err != nil || c.arm != "" || c.prompt != "greet@1" {
		t.Errorf("before the approval: %+v", c)
	}
	dev.post(t, http.MethodPost, change+"/reviews", `{"verdict":"approve"}`, http.StatusForbidden, nil)
	approver.post(t, http.MethodPost, change+"/reviews", `{"verdict":"approve","comment":"the numbers are clear"}`, http.StatusOK, nil)
	approver.post(t, http.MethodPost, change+"/merge", `{}`, http.StatusOK, nil)
	if c := s.greet(t, http.DefaultClient, "user-1"); c.err != nil || c.arm != "" || c.prompt != "greet@2" {
		t.Errorf("after the approval: %+v", c)
	}
	dev.post(t, http.MethodPost, "/prompts/greet/labels/production/rollback", `{"reason":"after all"}`, http.StatusOK, nil)
	if c := s.greet(t, http.DefaultClient, "user-1"); c.err != nil || c.prompt != "greet@1" {
		t.Errorf("after the way back: %+v", c)
	}

	over := s.experiment(t, "tone")
	if over.Experiment.Status != "concluded" || over.Experiment.Winner != "warm" {
		t.Errorf("at the end: %+v", over.Experiment)
	}
	var did []string
	for _, h := range over.History {
		did = append(did, cmp.Or(h.Author, "nobody")+" "+h.Did)
	}
	if got, want := strings.Join(did, ", "), "dev promoted, dev concluded, dev started, dev created"; got != want {
		t.Errorf("history: %s, want %s", got, want)
	}

	// Nothing is lost.
	s.settle(t)
	var c trace.Counters
	s.get(t, "/spool", &c)
	var costs struct{ Total struct{ Calls int64 } }
	s.get(t, "/costs?by=arm&since=1d", &costs)
	want := int64(*storyUsers + 4 + 4 + 3) // those after the restart, before the users came, after the end
	if costs.Total.Calls != want || c.Dropped+c.Quarantined+c.Waiting != 0 || c.Accepted != c.Written {
		t.Errorf("%d calls are counted, want %d; the spool says %+v", costs.Total.Calls, want, c)
	}
	t.Logf("%d users, %v in all", *storyUsers, time.Since(began).Round(time.Millisecond))
}
