package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashabaranov/go-openai"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// needEngine skips a test on a machine without the engine's library, unless it is required.
func needEngine(t *testing.T) {
	t.Helper()
	if _, err := engine.Locate(); err != nil {
		if os.Getenv("WEIR_TEST_ENGINE") == "required" {
			t.Fatal(err)
		}
		t.Skipf("the embedded engine's library is not on this machine: %v", err)
	}
}

// startProvider runs the simulated provider without waits.
func startProvider(t *testing.T, cfg simulator.Config) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(simulator.New(cfg))
	t.Cleanup(srv.Close)
	return srv
}

// startWeir runs the program as serve does, with its own data directory, until the test ends.
func startWeir(t *testing.T, cfg Config) *service {
	t.Helper()
	cfg.Data = t.TempDir()
	return startWeirOn(t, cfg)
}

// startWeirOn runs the program on the data directory of its configuration.
func startWeirOn(t *testing.T, cfg Config) *service {
	t.Helper()
	needEngine(t)
	cfg.Listen = "127.0.0.1:0"
	ctx, stop := context.WithCancel(t.Context())
	started := make(chan *service, 1)
	ended := make(chan error, 1)
	var log bytes.Buffer
	go func() {
		ended <- run(ctx, cfg, slog.New(slog.NewTextHandler(&log, nil)), func(s *service) { started <- s }, nil)
	}()
	var s *service
	select {
	case s = <-started:
	case err := <-ended:
		t.Fatalf("weir did not start: %v\n%s", err, log.String())
	case <-time.After(time.Minute):
		t.Fatal("weir did not start within a minute")
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("weir stopped badly: %v", err)
		}
		if t.Failed() {
			t.Logf("weir's log:\n%s", log.String())
		}
		for _, secret := range []string{s.firstKey.Reveal(), s.admin.Reveal(), "sk-provider-canary"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("a secret is in the log: %s", secret[:8])
			}
		}
	})
	return s
}

// simulatedOpenAI is a configuration whose provider openai is played by the simulator.
func simulatedOpenAI(t *testing.T, sim simulator.Config) Config {
	t.Helper()
	provider := startProvider(t, sim)
	cfg := defaultConfig()
	cfg.Providers = []ProviderConfig{{
		Name: "openai", Kind: "openai", BaseURL: provider.URL + "/v1", APIKey: secretText{Secret: account.NewSecret("sk-provider-canary")},
	}}
	faults := &configFaults{}
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// call reads a recorded call back, once nothing waits to be written.
func (s *service) call(t *testing.T, id string) trace.Record {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		s.settle(t)
		rec, err := s.reader.Call(t.Context(), id)
		if err == nil {
			return rec
		}
		if !errors.Is(err, trace.ErrNoCall) || time.Now().After(deadline) { // a call whose client left is recorded a moment later
			t.Fatalf("call %s: %v", id, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// settle waits until the spool says that all it accepted can be read.
func (s *service) settle(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		var c trace.Counters
		if s.get(t, "/spool", &c); c.Waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("records still wait after 30 s")
		}
		time.Sleep(20 * time.Millisecond) // the writer's own interval is the clock here
	}
}

// get asks the API.
func (s *service) get(t *testing.T, path string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.admin.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %s %v", path, resp.StatusCode, body, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

// seen is what a client of the gateway saw of one call.
type seen struct {
	Step           string
	Call           string
	Cost           *string
	Text           string
	Status         int
	Code           string
	Odd            int
	Chunks         int
	Vectors        int
	Usage          *openai.Usage
	ResponsesUsage *struct {
		InputTokens        int64 `json:"input_tokens"`
		OutputTokens       int64 `json:"output_tokens"`
		InputTokensDetails struct {
			CachedTokens int64 `json:"cached_tokens"`
		} `json:"input_tokens_details"`
		OutputTokensDetails struct {
			ReasoningTokens int64 `json:"reasoning_tokens"`
		} `json:"output_tokens_details"`
	}
}

// buckets is the usage that the client saw, in weir's form.
func (s seen) buckets() (llm.Usage, bool) {
	var u llm.Usage
	switch {
	case s.Usage != nil:
		in, out := int64(s.Usage.PromptTokens), int64(s.Usage.CompletionTokens)
		if d := s.Usage.PromptTokensDetails; d != nil {
			u.CacheRead = int64(d.CachedTokens)
		}
		if d := s.Usage.CompletionTokensDetails; d != nil {
			u.Reasoning = int64(d.ReasoningTokens)
		}
		u.InputUncached, u.OutputText = in-u.CacheRead, out-u.Reasoning
	case s.ResponsesUsage != nil:
		r := s.ResponsesUsage
		u = llm.Usage{
			InputUncached: r.InputTokens - r.InputTokensDetails.CachedTokens, CacheRead: r.InputTokensDetails.CachedTokens,
			OutputText: r.OutputTokens - r.OutputTokensDetails.ReasoningTokens, Reasoning: r.OutputTokensDetails.ReasoningTokens,
		}
	default:
		return u, false
	}
	return u, true
}

// check compares what the client saw with what was recorded and with what the API says.
func (s seen) check(t *testing.T, w *service) {
	t.Helper()
	rec := w.call(t, s.Call)
	c := rec.Call
	if u, ok := s.buckets(); ok {
		if diff := cmp.Diff(u, c.Usage); diff != "" {
			t.Errorf("%s: usage (-client +recorded):\n%s", s.Step, diff)
		}
	}
	if c.UsageSource == llm.FromProvider {
		q := price.Embedded().Quote(price.Charge{Provider: "openai", Model: c.Model, Usage: c.Usage, ServiceTier: c.ServiceTier, At: c.Start})
		if c.Cost != q.Cost || c.PriceStatus != price.Exact || q.Status != price.Exact || c.Cost == 0 {
			t.Errorf("%s: cost %v (%s), want %v", s.Step, c.Cost, c.PriceStatus, q.Cost)
		}
	}
	if s.Cost != nil && *s.Cost != c.Cost.String() {
		t.Errorf("%s: the header says %s, the record %v", s.Step, *s.Cost, c.Cost)
	}
	if s.Text != "" {
		a := llm.Assemble(c.Endpoint, llm.OpenAI, c.Stream, rec.Body.Response)
		said := strings.Join(a.Texts, "")
		if len(a.ToolCalls) > 0 {
			said = a.ToolCalls[0].Name
		}
		if said != s.Text {
			t.Errorf("%s: the client read %q, the record says %q", s.Step, s.Text, said)
		}
	}
	var api struct {
		ID      string     `json:"id"`
		Usage   llm.Usage  `json:"usage"`
		CostUSD *price.USD `json:"cost_usd"`
		Status  string     `json:"status"`
	}
	w.get(t, "/calls/"+s.Call, &api)
	if known, ok := c.KnownCost(); api.ID != s.Call || api.Usage != c.Usage || api.Status != string(c.Status) || ok != (api.CostUSD != nil) || ok && *api.CostUSD != known {
		t.Errorf("%s: the API says %+v, the store %+v", s.Step, api, c)
	}
}

func TestTheOfficialClientThroughWeir(t *testing.T) {
	node, err := exec.LookPath("node")
	dir := filepath.Join("testdata", "openai-client")
	if _, statErr := os.Stat(filepath.Join(dir, "node_modules", "openai")); err != nil || statErr != nil {
		if os.Getenv("WEIR_TEST_ENGINE") == "required" {
			t.Fatal("node or the openai package is missing: run make test-needs")
		}
		t.Skip("node or the openai package is missing: run make test-needs")
	}
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 1}))
	cmd := exec.CommandContext(t.Context(), node, "drive.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "WEIR_GATEWAY="+w.gateway, "WEIR_KEY="+w.firstKey.Reveal())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s%s", err, out, stderr.String())
	}
	steps := map[string]seen{}
	for line := range bytes.Lines(out) {
		var s seen
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		steps[s.Step] = s
		t.Run(s.Step, func(t *testing.T) {
			switch s.Step {
			case "error":
				c := w.call(t, s.Call).Call
				if s.Status != 429 || c.Status != trace.StatusError || c.HTTPStatus != 429 || c.Cost != 0 || c.UsageSource != llm.NoUsage || c.ErrorCode == "" {
					t.Errorf("client saw %+v, recorded %+v", s, c)
				}
			case "unknown":
				if c := w.call(t, s.Call).Call; s.Status != 404 || s.Code != "weir_model_unknown" || c.ErrorCode != s.Code || c.ModelRequested != "no-such-model" {
					t.Errorf("client saw %+v, recorded %+v", s, c)
				}
			case "disconnect":
				c := w.call(t, s.Call).Call
				if s.Chunks != 3 || c.Status != trace.StatusClientClosed || c.UsageSource != llm.Estimated || c.Usage.OutputText == 0 || c.Usage.OutputText > 100 || c.Cost == 0 {
					t.Errorf("client saw %+v, recorded %+v", s, c)
				}
			case "models":
				if s.Vectors < 5 {
					t.Errorf("%d models listed", s.Vectors)
				}
			default:
				s.check(t, w)
			}
		})
	}
	if s := steps["stream"]; s.Odd != 0 || s.Text == "" {
		t.Errorf("the client that did not ask for usage saw %d chunks of it: %+v", s.Odd, s)
	}
	if c := w.call(t, steps["chat"].Call).Call; c.User != "node" || c.Tags["suite"] != "e2e" || c.Project != "default" || c.Key != "first" {
		t.Errorf("attribution: %+v", c)
	}
	if len(steps) != 11 {
		t.Errorf("%d steps, want 11", len(steps))
	}
	w.checkBooks(t)
}

// checkBooks compares the sums of the rollups with the sum of the calls, and the spool's counters with each other.
func (s *service) checkBooks(t *testing.T) {
	t.Helper()
	page, err := s.reader.Calls(t.Context(), trace.Filter{}, 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	var sum trace.Sums
	for _, c := range page.Calls {
		sum.Calls++
		if usd, ok := c.KnownCost(); ok {
			sum.Cost += usd
		}
	}
	var costs struct {
		Total struct {
			Calls   int64     `json:"calls"`
			CostUSD price.USD `json:"cost_usd"`
		} `json:"total"`
	}
	s.get(t, "/costs?by=model,day&since=2d", &costs)
	if costs.Total.Calls != sum.Calls || costs.Total.CostUSD != sum.Cost {
		t.Errorf("the rollups say %d calls for %v, the calls %d for %v", costs.Total.Calls, costs.Total.CostUSD, sum.Calls, sum.Cost)
	}
	var c trace.Counters
	s.get(t, "/spool", &c)
	if c.Accepted != c.Written+c.Waiting+c.Quarantined+c.Dropped || c.Accepted == 0 || c.Waiting != 0 {
		t.Errorf("counters: %+v", c)
	}
}

func TestGoOpenAIThroughWeir(t *testing.T) {
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 2}))
	var last http.Header
	cfg := openai.DefaultConfig(w.firstKey.Reveal())
	cfg.BaseURL = w.gateway
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if v, ok := r.Context().Value(headerKey{}).(http.Header); ok {
			for k := range v {
				r.Header.Set(k, v.Get(k))
			}
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if resp != nil {
			last = resp.Header
		}
		return resp, err
	})}
	client := openai.NewClientWithConfig(cfg)
	user := func(text string) []openai.ChatCompletionMessage {
		return []openai.ChatCompletionMessage{{Role: "user", Content: text}}
	}

	t.Run("chat", func(t *testing.T) {
		resp, err := client.CreateChatCompletion(t.Context(), openai.ChatCompletionRequest{Model: "gpt-4o", Messages: user("What is a dam?")})
		if err != nil {
			t.Fatal(err)
		}
		cost := last.Get("X-Weir-Cost-Usd")
		seen{Step: "chat", Call: last.Get("X-Weir-Call-Id"), Cost: &cost, Text: resp.Choices[0].Message.Content, Usage: &resp.Usage}.check(t, w)
	})
	t.Run("stream", func(t *testing.T) {
		stream, err := client.CreateChatCompletionStream(t.Context(), openai.ChatCompletionRequest{
			Model: "gpt-4o-mini", Messages: user("What is a weir?"), StreamOptions: &openai.StreamOptions{IncludeUsage: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		s := seen{Step: "stream", Call: last.Get("X-Weir-Call-Id")}
		for {
			chunk, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if chunk.Usage != nil {
				s.Usage = chunk.Usage
			}
			if len(chunk.Choices) > 0 {
				s.Text += chunk.Choices[0].Delta.Content
			}
		}
		s.check(t, w)
	})
	t.Run("tools", func(t *testing.T) {
		resp, err := client.CreateChatCompletion(t.Context(), openai.ChatCompletionRequest{
			Model: "gpt-4o-mini", Messages: user("Weather in Bern?"), ToolChoice: "required",
			Tools: []openai.Tool{{Type: "function", Function: &openai.FunctionDefinition{Name: "get_weather", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}}}`)}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		seen{Step: "tools", Call: last.Get("X-Weir-Call-Id"), Text: resp.Choices[0].Message.ToolCalls[0].Function.Name, Usage: &resp.Usage}.check(t, w)
	})
	t.Run("embeddings", func(t *testing.T) {
		resp, err := client.CreateEmbeddings(t.Context(), openai.EmbeddingRequest{Model: "text-embedding-3-small", Input: []string{"a", "b"}})
		if err != nil || len(resp.Data) != 2 {
			t.Fatalf("%v, %v", resp, err)
		}
		seen{Step: "embeddings", Call: last.Get("X-Weir-Call-Id"), Usage: &resp.Usage}.check(t, w)
	})
	t.Run("error", func(t *testing.T) {
		ctx := context.WithValue(t.Context(), headerKey{}, http.Header{"X-Sim-Status": {"500"}})
		_, err := client.CreateChatCompletion(ctx, openai.ChatCompletionRequest{Model: "gpt-4o", Messages: user("x")})
		var apiErr *openai.APIError
		if !errors.As(err, &apiErr) || apiErr.HTTPStatusCode != 500 {
			t.Fatalf("error %v", err)
		}
		if c := w.call(t, last.Get("X-Weir-Call-Id")).Call; c.Status != trace.StatusError || c.HTTPStatus != 500 {
			t.Errorf("recorded %+v", c)
		}
	})
	t.Run("disconnect", func(t *testing.T) {
		ctx, leave := context.WithCancel(context.WithValue(t.Context(), headerKey{}, http.Header{"X-Sim-Chunks": {"500"}, "X-Sim-Delay": {"20ms"}}))
		defer leave()
		stream, err := client.CreateChatCompletionStream(ctx, openai.ChatCompletionRequest{Model: "gpt-4o-mini", Messages: user("A long story")})
		if err != nil {
			t.Fatal(err)
		}
		id := last.Get("X-Weir-Call-Id")
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		leave()
		_ = stream.Close()
		if c := w.call(t, id).Call; c.Status != trace.StatusClientClosed || c.UsageSource != llm.Estimated || c.Cost == 0 {
			t.Errorf("recorded %+v", c)
		}
	})
	w.checkBooks(t)
}

// The engine is killed under load: every call is answered meanwhile, and every one is in the store afterwards.
func TestAnEngineKilledUnderLoadComesBack(t *testing.T) {
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 3}))
	const calls = 400
	ids := make(chan string, calls)
	go func() {
		defer close(ids)
		for i := range calls {
			req, err := http.NewRequest(http.MethodPost, w.gateway+"/chat/completions", strings.NewReader(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}],"max_tokens":5}`))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+w.firstKey.Reveal())
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Errorf("call %d: %v", i, err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("call %d: status %d", i, resp.StatusCode)
			}
			ids <- resp.Header.Get("X-Weir-Call-Id")
			if i == 100 || i == 250 {
				if err := w.killEngine(); err != nil {
					t.Errorf("kill the engine: %v", err)
				}
			}
		}
	}()
	var all []string
	for id := range ids {
		all = append(all, id)
	}
	w.settle(t)
	for _, id := range all {
		if _, err := w.reader.Call(t.Context(), id); err != nil {
			t.Errorf("call %s: %v", id, err)
		}
	}
	w.checkBooks(t)
	if got := w.engine.Restarts(); got < 1 {
		t.Errorf("the engine was restarted %d times", got)
	}
}

// killEngine ends the engine's process as the kernel would, once one runs.
func (s *service) killEngine() error {
	for range 500 {
		if pid := s.engine.Pid(); pid > 0 {
			p, err := os.FindProcess(pid)
			if err == nil {
				err = p.Kill()
			}
			if !errors.Is(err, os.ErrProcessDone) {
				return err
			}
		}
		time.Sleep(20 * time.Millisecond) // it is being started again
	}
	return errors.New("no engine runs")
}
