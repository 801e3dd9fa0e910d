package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// storeEvery is how often a run that goes on is stored.
const storeEvery = 2 * time.Second

// runStore stores a run in the running weir, where there is one. What it cannot store is kept in the run's folder all the same.
type runStore struct {
	c    *client
	off  bool
	must bool // a weir must be there in any case
	live *eval.Live
}

var _ eval.Sink = (*runStore)(nil)

func newRunStore(c *client, off, must bool) *runStore { return &runStore{c: c, off: off, must: must} }

// begin says that a run is on its way. Where that cannot be stored, without a server or a token for it, the run is kept in its folder only, unless
// it needs the server; note is why.
func (k *runStore) begin(ctx context.Context, run *eval.Run) (note string, err error) {
	if k.off {
		return "", nil
	}
	if err = k.put(ctx, run); err == nil {
		return "", nil
	}
	k.off = true
	if e, ok := errors.AsType[*apiError](err); errors.Is(err, errNoServer) || ok && e.Status == http.StatusUnauthorized {
		if k.must {
			return "", err
		}
		return "", nil
	}
	return err.Error(), nil
}

func (k *runStore) put(ctx context.Context, run *eval.Run) error {
	if _, err := k.c.do(ctx, http.MethodPost, "evals", nil, run, nil); err != nil {
		return fmt.Errorf("store the run: %w", err)
	}
	return nil
}

// StoreRun implements eval.Sink.
func (k *runStore) StoreRun(ctx context.Context, run *eval.Run) error { return k.put(ctx, run) }

// StoreRows implements eval.Sink.
func (k *runStore) StoreRows(ctx context.Context, run string, rows []eval.Row) error {
	out := make([]evalRow, len(rows))
	for i := range rows {
		out[i] = evalRow{Result: rows[i].Result, Input: rows[i].Input, Expected: rows[i].Expected}
	}
	if _, err := k.c.do(ctx, http.MethodPost, "evals/"+url.PathEscape(run)+"/results", nil, map[string]any{"results": out}, nil); err != nil {
		return fmt.Errorf("store results: %w", err)
	}
	return nil
}

// watch stores what is new while the run goes on, and gives what ends that.
func (k *runStore) watch(ctx context.Context, r *eval.Runner) (end func()) {
	if k.off {
		return func() {}
	}
	k.live = eval.NewLive(k, r.Run, r.Items, r.Past.Results, storeEvery)
	return goUntil(ctx, k.live.Watch)
}

// end stores the results that are not stored yet, then how the run stands.
func (k *runStore) end(ctx context.Context, run *eval.Run, results []eval.Result) error {
	if k.off {
		return nil
	}
	return k.live.End(ctx, run, results)
}

// observe is told of each result.
func (k *runStore) observe(p eval.Progress, r *eval.Result) {
	if !k.off {
		k.live.Observe(p, r)
	}
}

// evalRow is a result as the API takes and gives it.
type evalRow struct {
	eval.Result
	Input    string `json:"input"`
	Expected string `json:"expected"`
}

// findRun reads a run: from its folder below dir, or from the running weir. whole says whether its results must all be there.
func findRun(ctx context.Context, c *client, dir, id string) (eval.Run, []eval.Result, error) {
	was, err := eval.ReadJournal(dir, id)
	if err == nil {
		was.Run.Summary = eval.Summarise(&was.Run.Definition, was.Items, was.Results)
		return was.Run, was.Results, nil
	}
	if !errors.Is(err, eval.ErrNoRun) {
		return eval.Run{}, nil, err
	}
	var run eval.Run
	if _, err := c.get(ctx, "evals/"+url.PathEscape(id), nil, &run); err != nil {
		return run, nil, fmt.Errorf("run %s is not in %s, nor in the running weir: %w", id, dir, err)
	}
	results, err := fetchResults(ctx, c, id)
	return run, results, err
}

func fetchResults(ctx context.Context, c *client, id string) ([]eval.Result, error) {
	var out []eval.Result
	q := url.Values{"limit": {"1000"}}
	for {
		var page struct {
			Results []evalRow
			Next    string
		}
		if _, err := c.get(ctx, "evals/"+url.PathEscape(id)+"/results", q, &page); err != nil {
			return nil, fmt.Errorf("read the results of run %s: %w", id, err)
		}
		for i := range page.Results {
			out = append(out, page.Results[i].Result)
		}
		if page.Next == "" {
			return out, nil
		}
		q.Set("cursor", page.Next)
	}
}

// recordedAnswer looks for a call of a run that was answered, though whoever asked did not live to see it.
func recordedAnswer(c *client) func(ctx context.Context, run, tag string) (eval.Answer, bool, error) {
	return func(ctx context.Context, run, tag string) (eval.Answer, bool, error) {
		var list struct {
			Calls []struct {
				ID     string
				Status trace.Status
			}
		}
		q := url.Values{"session": {run}, "tag.eval_ask": {tag}, "limit": {"10"}}
		if _, err := c.get(ctx, "calls", q, &list); err != nil {
			return eval.Answer{}, false, err
		}
		for _, found := range slices.Backward(list.Calls) { // the first that was answered, though nobody may have been there to hear it
			if found.Status != trace.StatusOK && found.Status != trace.StatusClientClosed {
				continue
			}
			a, ok, err := readRecorded(ctx, c, found.ID)
			if err != nil || ok {
				return a, ok, err
			}
		}
		return eval.Answer{}, false, nil
	}
}

// readRecorded reads a recorded call as an answer; false when its content was not kept.
func readRecorded(ctx context.Context, c *client, id string) (eval.Answer, bool, error) {
	var call struct {
		ID         string
		Endpoint   llm.Endpoint
		Stream     bool
		Model      string
		Prompt     string
		DurationMS float64    `json:"duration_ms"`
		CostUSD    *price.USD `json:"cost_usd"`
		Usage      llm.Usage
		Response   json.RawMessage
	}
	if _, err := c.get(ctx, "calls/"+url.PathEscape(id), nil, &call); err != nil {
		return eval.Answer{}, false, err
	}
	body := call.Response
	if text := ""; json.Unmarshal(body, &text) == nil {
		body = json.RawMessage(text)
	}
	if !json.Valid(body) { // it was not kept, or is cut off
		return eval.Answer{}, false, nil
	}
	a := eval.ReadAnswer(call.Endpoint, llm.OpenAI, call.Stream, body)
	if a.Text == "" && len(a.ToolCalls) == 0 {
		return eval.Answer{}, false, nil
	}
	a.CallID, a.Model, a.Prompt, a.LatencyMS, a.Cost = call.ID, call.Model, call.Prompt, call.DurationMS, call.CostUSD
	a.InputTokens, a.OutputTokens, a.At = call.Usage.Input(), call.Usage.Output(), time.Now().UTC()
	return a, true, nil
}

// fetchDataset reads a stored dataset: NAME, or NAME@VERSION.
func fetchDataset(ctx context.Context, c *client, word string) (eval.Snapshot, error) {
	name, ref, _ := strings.Cut(word, "@")
	q := url.Values{}
	if ref != "" {
		q.Set("version", ref)
	}
	var got struct {
		Items  []eval.Item
		Splits []eval.Split
	}
	if _, err := c.get(ctx, "datasets/"+url.PathEscape(name)+"/items", q, &got); err != nil {
		return eval.Snapshot{}, fmt.Errorf("read the dataset %s: %w", word, err)
	}
	return eval.NewSnapshot(got.Items, got.Splits...)
}

// goUntil runs a loop beside what comes, until end is called.
func goUntil(ctx context.Context, loop func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	wait := goAll(ctx, loop)
	return func() { cancel(); wait() }
}
