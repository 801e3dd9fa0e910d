package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

const killedItems = 1000

// A run of 1,000 items through the gateway is killed twice, with asks under way, and resumed: each item is answered once and paid for once.
func TestAKilledRunPaysForNothingTwice(t *testing.T) {
	sim := simulator.New(simulator.Config{Seed: 9})
	var mu sync.Mutex
	served := map[string]int{} // by item
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var asked struct{ Messages []struct{ Content string } }
		if err := json.Unmarshal(body, &asked); err != nil || len(asked.Messages) != 1 {
			t.Errorf("asked: %s", body)
			return
		}
		mu.Lock()
		served[asked.Messages[0].Content]++
		mu.Unlock()
		sim.ServeHTTP(w, r)
	}))
	defer provider.Close()
	cfg := defaultConfig()
	cfg.Providers = []ProviderConfig{{Name: "openai", Kind: "openai", BaseURL: provider.URL + "/v1", APIKey: secretText{Secret: account.NewSecret("x")}}}
	faults := &configFaults{}
	if cfg.validate(faults); faults.asError() != nil {
		t.Fatal(faults.asError())
	}
	w := startWeir(t, cfg)

	dir := t.TempDir()
	var items strings.Builder
	for i := range killedItems {
		fmt.Fprintf(&items, `{"id":"i%04d","input":"item %d"}`+"\n", i, i)
	}
	file := filepath.Join(dir, "eval.yaml")
	for name, text := range map[string]string{
		"d.jsonl": items.String(),
		"eval.yaml": "name: killed\ndataset: d.jsonl\nconcurrency: 8\ntargets: [{name: mini, model: gpt-4o-mini, parameters: {max_tokens: 5}}]\n" +
			"scorers: [{name: said, metric: regex, pattern: .}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Args = append([]string{"weir", "eval", "run", file, "--json"}, args...)
		cmd.Env = append(os.Environ(), "WEIR_URL="+w.url, "WEIR_ADMIN_TOKEN="+w.admin.Reveal(), "WEIR_KEY="+w.firstKey.Reveal())
		out := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, out
	}
	runs := filepath.Join(dir, ".weir", "evals")
	id := ""
	// killAt kills the run once so many items are done.
	killAt := func(cmd *exec.Cmd, out *bytes.Buffer, n int) {
		t.Helper()
		deadline := time.Now().Add(2 * time.Minute)
		for {
			if found, err := filepath.Glob(filepath.Join(runs, "*", "run.json")); err == nil && len(found) == 1 {
				id = filepath.Base(filepath.Dir(found[0]))
				if text, err := os.ReadFile(filepath.Join(runs, id, "journal.jsonl")); err == nil && bytes.Count(text, []byte(`"said"`)) >= n {
					break
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("the run does not come to %d items:\n%s", n, out)
			}
			<-time.After(5 * time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
	}
	cmd, out := start()
	killAt(cmd, out, 200)
	if stored := w.evalRows(t, id, killedItems); len(stored) > killedItems/2 {
		t.Errorf("%d results are stored of a run that was killed after some 200", len(stored))
	}
	cmd, out = start("--resume", id)
	killAt(cmd, out, 600)
	was, err := eval.ReadJournal(runs, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("killed with %d results and %d asks under way", len(was.Results), len(was.Open))
	w.settle(t)
	cmd, out = start("--resume", id)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	is, err := eval.ReadJournal(runs, id)
	if err != nil {
		t.Fatal(err)
	}
	if is.Run.State != eval.Done || len(is.Results) != killedItems || is.Run.Summary.Targets[0].Failed != 0 || is.Run.Summary.Targets[0].Scores[0].Coverage != 1 {
		t.Errorf("%s with %d results: %+v", is.Run.State, len(is.Results), is.Run.Summary)
	}
	stored := w.evalRows(t, id, killedItems)
	if len(stored) != killedItems {
		t.Errorf("%d results are in the store, want %d", len(stored), killedItems)
	}
	for i := range is.Results {
		if r := &is.Results[i]; stored[r.Item] != r.Answer.CallID {
			t.Errorf("%s is stored with the answer of call %q, and was answered by %q", r.Item, stored[r.Item], r.Answer.CallID)
		}
	}
	w.settle(t)
	calls, cutOff := map[string]string{}, map[string]string{} // by ask
	for rec, err := range w.reader.Export(t.Context(), trace.Filter{Session: id}, false) {
		if err != nil {
			t.Fatal(err)
		}
		ask := rec.Call.Tags["eval_ask"]
		switch {
		case rec.Call.Status == trace.StatusClientClosed: // with the answer, if it was there by then
			cutOff[ask] = rec.Call.ID
		case calls[ask] != "":
			t.Errorf("ask %s was answered and paid for twice: %s and %s", ask, calls[ask], rec.Call.ID)
		default:
			calls[ask] = rec.Call.ID
		}
	}
	for i := range is.Results {
		r := &is.Results[i]
		if got := r.Answer.CallID; got == "" || got != calls[r.Tag()] && (got != cutOff[r.Tag()] || calls[r.Tag()] != "") {
			t.Errorf("%s has the answer of call %q, and %q was answered", r.Item, got, calls[r.Tag()])
		}
	}
	left := len(cutOff)
	again := 0
	for _, n := range served {
		again += n - 1
	}
	if again > left || left > 16 {
		t.Errorf("the provider was asked %d times again, and %d asks were cut off by the kills", again, left)
	}
	t.Logf("%d asks were cut off by the kills, and the provider was asked for %d of them again", left, again)
}

// evalRows are the answers' calls of a run's items as the API gives its results; an item that comes twice fails the test.
func (s *service) evalRows(t *testing.T, id string, most int) map[string]string {
	t.Helper()
	out := map[string]string{}
	cursor := ""
	for len(out) <= most {
		var page struct {
			Results []eval.Result
			Next    string
		}
		s.post(t, http.MethodGet, "/evals/"+id+"/results?limit=1000&cursor="+cursor, "", http.StatusOK, &page)
		for i := range page.Results {
			if _, twice := out[page.Results[i].Item]; twice {
				t.Errorf("%s has two results", page.Results[i].Item)
			}
			out[page.Results[i].Item] = page.Results[i].Answer.CallID
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return out
}
