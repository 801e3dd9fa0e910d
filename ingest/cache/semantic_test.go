package cache_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/ingest/cache/vectorstest"
	"github.com/weir-dev/weir/llm"
)

// world is a stage with all that is around it. Questions end in @ and an angle in degrees, which is where their vectors point.
type world struct {
	*cache.Stage
	vectors *vectorstest.Memory
	store   *cache.Memory

	asked  atomic.Int64 // calls that reached the provider
	embeds atomic.Int64
	judges atomic.Int64

	embed   func(ctx context.Context, call *llm.Call, input string) (*llm.Response, error) // in place of the angle's vector
	verdict string
	within  []*llm.Call // what was asked at the top
	mu      sync.Mutex  // guards within
}

// counts gives the stage's counts but for the questions kept.
func (w *world) counts() cache.SemanticCounts {
	n, _ := w.SemanticCounts()
	n.Kept = 0
	return n
}

const answerOf = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}`

func said(body string) *llm.Response {
	return &llm.Response{
		Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		Provider: "openai", PriceAs: "openai", Model: "gpt-4o-mini", Dialect: llm.OpenAI, Attempts: []llm.Attempt{{Provider: "openai", Status: 200}},
	}
}

// provide is the provider behind the stage: it repeats what it was asked.
func (w *world) provide(_ context.Context, call *llm.Call) (*llm.Response, error) {
	w.asked.Add(1)
	if call.Stream {
		r := said(fmt.Sprintf(`data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":%q},"finish_reason":"stop"}]}`+
			"\n\ndata: [DONE]\n\n", "re "+string(call.Body)))
		r.Stream, r.Header = true, http.Header{"Content-Type": {"text/event-stream"}}
		return r, nil
	}
	if call.Dialect == llm.Anthropic {
		r := said(`{"id":"m","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi."}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`)
		r.Dialect = llm.Anthropic
		return r, nil
	}
	if call.Endpoint == llm.Responses {
		return said(`{"id":"r","object":"response","status":"completed","model":"m","output":[{"type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hi."}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`), nil
	}
	return said(fmt.Sprintf(answerOf, "re "+string(call.Body))), nil
}

// top is the outermost stage as weir's own calls see it.
func (w *world) top(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	w.mu.Lock()
	w.within = append(w.within, call)
	w.mu.Unlock()
	if call.Endpoint == llm.ChatCompletions {
		w.judges.Add(1)
		return said(fmt.Sprintf(answerOf, w.verdict)), nil
	}
	w.embeds.Add(1)
	var q struct{ Input string }
	if err := json.Unmarshal(call.Body, &q); err != nil {
		return nil, err
	}
	if w.embed != nil {
		return w.embed(ctx, call, q.Input)
	}
	_, angle, _ := strings.Cut(q.Input, "@")
	degrees, err := strconv.ParseFloat(strings.TrimSpace(angle), 64)
	if err != nil {
		return nil, err
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return said(fmt.Sprintf(`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[%g,%g]}],"model":"e"}`, 3*cos, 3*sin)), nil
}

// worldOf starts a stage; it must be called in a synctest bubble, whose test it ends with.
func worldOf(t *testing.T, change ...func(*cache.SemanticConfig, *cache.Policy)) *world {
	w := &world{vectors: &vectorstest.Memory{}, store: cache.NewMemory(0), verdict: "YES"}
	sem := cache.SemanticConfig{Vectors: w.vectors, Top: llm.SenderFunc(w.top), Home: "here", Model: "embed"}
	policy := cache.Policy{Semantic: 0.95}
	for _, f := range change {
		f(&sem, &policy)
	}
	w.Stage = cache.Serve(llm.SenderFunc(w.provide), cache.Config{
		Store: w.store, Policy: func(*llm.Call) cache.Policy { return policy }, Semantic: &sem, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { w.Run(ctx) })
	t.Cleanup(func() { stop(); run.Wait(); _ = w.store.Close() })
	return w
}

var calls atomic.Int64

func chat(body string, change ...func(*llm.Call)) *llm.Call {
	c := &llm.Call{
		ID: fmt.Sprintf("call-%d", calls.Add(1)), TraceID: "t", SpanID: "s", Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI, Method: "POST",
		Path: "/chat/completions", Project: "p", KeyID: "k", Key: "key", Model: "gpt-4o-mini", Body: []byte(body),
	}
	for _, f := range change {
		f(c)
	}
	return c
}

// q is a chat of one question.
func q(text string, change ...func(*llm.Call)) *llm.Call {
	return chat(fmt.Sprintf(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":%q}]}`, text), change...)
}

func header(text string) func(*llm.Call) { return func(c *llm.Call) { c.Cache = text } }

func streams(c *llm.Call) { c.Stream, c.Body = true, []byte(`{"stream":true,`+string(c.Body[1:])) }

// ask sends a call, checks what the cache had to do with it and lets the question be written down.
func (w *world) ask(t *testing.T, call *llm.Call, want llm.CacheUse) (*llm.Response, string) {
	t.Helper()
	resp, err := w.Send(t.Context(), call)
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err != nil || cerr != nil {
		t.Fatalf("read: %v, %v", err, cerr)
	}
	if resp.Cache != want {
		t.Errorf("%s: cache %q, want %q", call.Body, resp.Cache, want)
	}
	time.Sleep(200 * time.Millisecond)
	synctest.Wait()
	return resp, string(b)
}

const miss, hit, semantic = llm.CacheMiss, llm.CacheHit, llm.CacheSemantic

func TestALikeQuestionGetsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t)
		first := q("How many? @0")
		_, want := w.ask(t, first, miss)
		second := q("And how many are there? @10", func(c *llm.Call) { c.User, c.Tags = "u", map[string]string{"a": "b"} })
		resp, got := w.ask(t, second, semantic)
		if got != want || resp.Provider != "openai" || len(resp.Attempts) != 0 || resp.CacheNeighbor != first.ID || math.Abs(resp.CacheScore-math.Cos(math.Pi/18)) > 1e-6 {
			t.Errorf("%+v %s", resp, got)
		}
		if out := resp.Outcome(false); out.Usage.InputUncached != 100 || out.Usage.OutputText != 20 {
			t.Errorf("usage %+v", out.Usage)
		}
		if resp, _ := w.ask(t, first, hit); resp.CacheNeighbor != "" || w.embeds.Load() != 2 {
			t.Errorf("an exact hit: %+v after %d vectors", resp, w.embeds.Load())
		}
		own := w.within[1]
		if own.Endpoint != llm.Embeddings || own.Path != "/embeddings" || own.TraceID != "t" || own.ParentID != "s" || own.SpanID == "s" || own.ID == second.ID ||
			own.Project != "p" || own.KeyID != "k" || own.Key != "key" || own.User != "u" || own.Tags["a"] != "b" || own.Model != "embed" || own.Cache != "off" ||
			string(own.Body) != `{"model":"embed","input":"And how many are there? @10","encoding_format":"float"}` {
			t.Errorf("the call for a vector: %+v %s", own, own.Body)
		}
		n, on := w.SemanticCounts()
		if c := w.Counts(); !on || n != (cache.SemanticCounts{Hits: 1, Kept: 1}) || c.Hits != 2 || c.Misses != 1 || w.asked.Load() != 1 || w.vectors.Len() != 1 {
			t.Errorf("%+v %+v", n, c)
		}
	})
}

func TestNothingElseMayDiffer(t *testing.T) {
	const like = `{"model":"gpt-4o-mini","temperature":0.5,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"},{"role":"user","content":"Now? @1"}],"tools":[{"type":"function","function":{"name":"f"}}]}`
	swap := func(from, to string) func(*llm.Call) {
		return func(c *llm.Call) {
			if !strings.Contains(string(c.Body), from) {
				panic(from)
			}
			c.Body = []byte(strings.Replace(string(c.Body), from, to, 1))
		}
	}
	add := func(member string) func(*llm.Call) { return swap(`{"model"`, `{`+member+`,"model"`) }
	for name, change := range map[string]func(*llm.Call){
		"project":            func(c *llm.Call) { c.Project = "q" },
		"no project":         func(c *llm.Call) { c.Project = "" },
		"model":              func(c *llm.Call) { c.Model = "gpt-4o" },
		"model in the body":  swap(`"gpt-4o-mini"`, `"gpt-4o"`),
		"endpoint":           func(c *llm.Call) { c.Endpoint, c.Path = llm.Messages, "/messages" },
		"dialect":            func(c *llm.Call) { c.Dialect = llm.Anthropic },
		"path":               func(c *llm.Call) { c.Path += "?api-version=2" },
		"beta":               func(c *llm.Call) { c.Header = http.Header{"Openai-Beta": {"x"}} },
		"anthropic version":  func(c *llm.Call) { c.Header = http.Header{"Anthropic-Version": {"x"}} },
		"anthropic beta":     func(c *llm.Call) { c.Header = http.Header{"Anthropic-Beta": {"x"}} },
		"system prompt":      swap("Be brief.", "Be long."),
		"no system prompt":   swap(`{"role":"system","content":"Be brief."},`, ""),
		"role of the system": swap(`"role":"system"`, `"role":"developer"`),
		"earlier question":   swap(`"Hi"`, `"Hello"`),
		"earlier answer":     swap(`"Ho"`, `"Hu"`),
		"shorter":            swap(`{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"},`, ""),
		"tools":              swap(`"name":"f"`, `"name":"g"`),
		"no tools":           swap(`,"tools":[{"type":"function","function":{"name":"f"}}]`, ""),
		"temperature":        swap("0.5", "0.6"),
		"no temperature":     swap(`"temperature":0.5,`, ""),
		"response format":    add(`"response_format":{"type":"json_object"}`),
		"most tokens":        add(`"max_tokens":5`),
		"number of answers":  add(`"n":2`),
		"seed":               add(`"seed":1`),
		"stop":               add(`"stop":["x"]`),
		"logit bias":         add(`"logit_bias":{"1":5}`),
		"tool choice":        add(`"tool_choice":"none"`),
		"reasoning":          add(`"reasoning_effort":"low"`),
		"service tier":       add(`"service_tier":"flex"`),
		"unknown":            add(`"future":null`),
		"name of the user":   swap(`"role":"user","content":"Now`, `"role":"user","name":"bob","content":"Now`),
		"parts":              swap(`"Now? @1"`, `[{"type":"text","text":"Now? @1"}]`),
		"prompt":             func(c *llm.Call) { c.Use = &llm.Use{Prompt: "greet"} },
		"prompt's content":   func(c *llm.Call) { c.Use = &llm.Use{Prompt: "greet", PromptHash: "2"} },
		"experiment":         func(c *llm.Call) { c.Use = &llm.Use{Experiment: "tone"} },
		"arm":                func(c *llm.Call) { c.Use = &llm.Use{Experiment: "tone", Arm: "b"} },
		"a picture":          swap(`"Now? @1"`, `[{"type":"text","text":"Now? @1"},{"type":"image_url","image_url":{"url":"data:x"}}]`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldOf(t)
				w.ask(t, chat(like), miss)
				w.ask(t, chat(strings.Replace(like, "Now? @1", "Now? @2", 1)), semantic)
				w.ask(t, chat(like, change), miss)
				w.ask(t, chat(strings.Replace(like, "Now? @1", "Well? @3", 1)), semantic)
			})
		})
	}
	t.Run("what may", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := worldOf(t)
			w.ask(t, chat(like), miss)
			for _, change := range []func(*llm.Call){
				add(`"user":"u","metadata":{"a":"b"},"safety_identifier":"s"`), add(`"stream":false`), swap(`"temperature":0.5`, ` "temperature" : 5e-1`),
				func(c *llm.Call) { c.KeyID, c.Key, c.User, c.Session = "k2", "other", "u", "s" },
			} {
				w.ask(t, chat(strings.Replace(like, "@1", "@2", 1), change), semantic)
			}
		})
	})
}

// Two tenants, the same text: even a store of vectors that mixes them up gives nobody another one's answer.
func TestTwoTenantsNeverMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t, func(c *cache.SemanticConfig, _ *cache.Policy) { c.Vectors = mixed{c.Vectors} })
		tenant := func(name string) func(*llm.Call) { return func(c *llm.Call) { c.Project = name } }
		w.ask(t, q("How many? @0", tenant("p")), miss)
		w.ask(t, q("How many? @0", tenant("q")), miss)
		w.ask(t, q("How many? @1", tenant("p")), semantic)
		w.ask(t, q("How many? @2", tenant("r")), miss)
	})
}

// mixed knows one partition.
type mixed struct{ cache.Vectors }

func (m mixed) Nearest(ctx context.Context, _ cache.Key, v []float32, least float64, most int) ([]cache.Neighbor, error) {
	return m.Vectors.Nearest(ctx, cache.Key{}, v, least, most)
}

func (m mixed) Add(ctx context.Context, points []cache.Point) error {
	for i := range points {
		points[i].Partition = cache.Key{}
	}
	return m.Vectors.Add(ctx, points)
}

func TestThresholds(t *testing.T) {
	near := func(degrees float64, by float64) float64 { return math.Cos(degrees*math.Pi/180) + by }
	for _, tt := range []struct {
		name   string
		policy float64
		floor  float64
		header string
		angle  string
		want   llm.CacheUse
	}{
		{"just above", near(20, -1e-4), 0, "", "20", semantic},
		{"just below", near(20, 1e-4), 0, "", "20", miss},
		{"the same place", 1, 0, "", "0", semantic},
		{"nearly the same place", 1, 0, "", "1", miss},
		{"the client says so", 0, 0, "read;semantic=0.93", "20", semantic},
		{"the client says more", 0, 0, "read;semantic=0.95", "20", miss},
		{"the client says more than the route", 0.9, 0, "read;semantic=0.95", "20", miss},
		{"the client says less than the route", 0.99, 0, "read;semantic=0.9", "20", semantic},
		{"the client says too little", 0, 0, "read;semantic=0.01", "40", miss},
		{"the client is let", 0, 0.5, "read;semantic=0.01", "40", semantic},
		{"the client wants none", 0.5, 0, "read;semantic=0", "0", miss},
		{"nobody says so", 0, 0, "read", "0", miss},
		{"the client wants no cache", 0.5, 0, "off", "0", ""},
		{"the client wants it anew", 0.5, 0, "refresh", "0", miss},
		{"never", cache.Never, 0, "read;semantic=0.9", "0", miss},
		{"the other way", 0.5, 0, "", "180", miss},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldOf(t, func(c *cache.SemanticConfig, p *cache.Policy) { c.Floor, p.Semantic = tt.floor, tt.policy })
				w.ask(t, q("How many? @0", header("read;semantic=0.95")), miss)
				w.ask(t, q("How many, now? @"+tt.angle, header(tt.header)), tt.want)
			})
		})
	}
}

// A route that compares questions does so for calls that ask for no fixed answer too, unless the provider searches for them.
func TestWhichCallsAreCompared(t *testing.T) {
	for _, tt := range []struct {
		exact cache.Mode
		more  string
		want  llm.CacheUse
	}{
		{cache.Auto, "", semantic},
		{cache.Auto, `"temperature":1,`, semantic},
		{cache.Auto, `"web_search_options":{},`, ""},
		{cache.Auto, `"tools":[{"type":"web_search"}],`, ""},
		{cache.On, `"tools":[{"type":"web_search"}],`, semantic},
		{cache.Off, "", ""},
		{cache.Auto, `"n":2,`, semantic},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := worldOf(t, func(_ *cache.SemanticConfig, p *cache.Policy) { p.Exact = tt.exact })
			body := `{` + tt.more + `"model":"gpt-4o-mini","messages":[{"role":"user","content":"How many? @%d"}]}`
			first := miss
			if tt.want == "" {
				first = ""
			}
			w.ask(t, chat(fmt.Sprintf(body, 0)), first)
			w.ask(t, chat(fmt.Sprintf(body, 1)), tt.want)
		})
	}
}

func TestOtherEndpoints(t *testing.T) {
	anthropic := func(c *llm.Call) { c.Endpoint, c.Dialect, c.Path = llm.Messages, llm.Anthropic, "/messages" }
	responses := func(c *llm.Call) { c.Endpoint, c.Path = llm.Responses, "/responses" }
	completions := func(c *llm.Call) { c.Endpoint, c.Path = llm.Completions, "/completions" }
	for _, tt := range []struct {
		body   string
		change func(*llm.Call)
		want   llm.CacheUse
	}{
		{`{"system":"s","messages":[{"role":"user","content":"x @%d"}]}`, anthropic, semantic},
		{`{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"x @%d","cache_control":{"type":"ephemeral"}}]}]}`, anthropic, semantic},
		{`{"instructions":"i","input":"x @%d"}`, responses, semantic},
		{`{"instructions":"i","input":[{"role":"user","content":"x @%d"}]}`, responses, semantic},
		{`{"instructions":"i","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x @%d"}]}]}`, responses, semantic},
		{`{"prompt":"x @%d"}`, completions, miss},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := worldOf(t, func(_ *cache.SemanticConfig, p *cache.Policy) { p.Exact = cache.On })
			w.ask(t, chat(fmt.Sprintf(tt.body, 0), tt.change), miss)
			w.ask(t, chat(fmt.Sprintf(tt.body, 5), tt.change), tt.want)
		})
	}
}

func TestAStreamOfALikeQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t)
		_, plain := w.ask(t, q("How many? @0"), miss)
		resp, events := w.ask(t, q("How many? @1", streams), semantic)
		if !resp.Stream || !strings.HasPrefix(events, "data: ") || !strings.HasSuffix(events, "data: [DONE]\n\n") || !strings.Contains(events, "re {") {
			t.Errorf("%+v %s", resp, events)
		}
		if _, again := w.ask(t, q("How many? @2"), semantic); again != plain {
			t.Errorf("%s", again)
		}
		_, want := w.ask(t, q("Who? @90", streams), miss)
		if _, got := w.ask(t, q("Who? @91", streams), semantic); got != want {
			t.Errorf("a stream is repeated as %q, was %q", got, want)
		}
	})
}

func TestWithoutAVectorACallGoesOn(t *testing.T) {
	answering := func(status int, body string) func(context.Context, *llm.Call, string) (*llm.Response, error) {
		return func(context.Context, *llm.Call, string) (*llm.Response, error) {
			r := said(body)
			r.Status = status
			return r, nil
		}
	}
	failing := func(err error) func(context.Context, *llm.Call, string) (*llm.Response, error) {
		return func(context.Context, *llm.Call, string) (*llm.Response, error) { return nil, err }
	}
	for name, tt := range map[string]struct {
		embed func(context.Context, *llm.Call, string) (*llm.Response, error)
		want  cache.SemanticCounts
	}{
		"no provider":     {failing(llm.Faultf(llm.UpstreamUnavailable, "away")), cache.SemanticCounts{Failures: 1}},
		"an error":        {answering(500, `{"error":{}}`), cache.SemanticCounts{Failures: 1}},
		"no JSON":         {answering(200, `<html>`), cache.SemanticCounts{Failures: 1}},
		"no vector":       {answering(200, `{"data":[]}`), cache.SemanticCounts{Failures: 1}},
		"an empty one":    {answering(200, `{"data":[{"embedding":[]}]}`), cache.SemanticCounts{Failures: 1}},
		"two":             {answering(200, `{"data":[{"embedding":[1]},{"embedding":[1]}]}`), cache.SemanticCounts{Failures: 1}},
		"zeros":           {answering(200, `{"data":[{"embedding":[0,0]}]}`), cache.SemanticCounts{Failures: 1}},
		"too large to be": {answering(200, `{"data":[{"embedding":[1e999]}]}`), cache.SemanticCounts{Failures: 1}},
		"words":           {answering(200, `{"data":[{"embedding":["a"]}]}`), cache.SemanticCounts{Failures: 1}},
		"very many":       {answering(200, `{"data":[{"embedding":[`+strings.Repeat("1,", 9000)+`1]}]}`), cache.SemanticCounts{Failures: 1}},
		"a flood":         {answering(200, strings.Repeat(" ", 2<<20)), cache.SemanticCounts{Failures: 1}},
		"a spent budget":  {failing(llm.Faultf(llm.BudgetExceeded, "spent")), cache.SemanticCounts{Refused: 1}},
		"a limit":         {failing(llm.Faultf(llm.RateLimited, "slow down")), cache.SemanticCounts{Refused: 1}},
		"waiting for ever": {func(ctx context.Context, _ *llm.Call, _ string) (*llm.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, cache.SemanticCounts{Failures: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldOf(t)
				w.ask(t, q("How many? @0"), miss)
				w.embed = tt.embed
				began := time.Now()
				_, got := w.ask(t, q("How many? @1"), miss)
				if n := w.counts(); n != tt.want || !strings.Contains(got, "@1") || time.Since(began) > 3*time.Second || w.vectors.Len() != 1 {
					t.Errorf("%+v after %s: %s", n, time.Since(began), got)
				}
				w.embed = nil
				w.ask(t, q("How many? @2"), semantic)
			})
		})
	}
}

func TestWhatIsDownIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t)
		w.embed = func(ctx context.Context, _ *llm.Call, _ string) (*llm.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		for i := range 20 {
			resp, err := w.Send(t.Context(), q(fmt.Sprintf("How many? @%d", i)))
			if err != nil || resp.Cache != miss {
				t.Fatalf("%v %v", resp, err)
			}
			_ = resp.Body.Close()
		}
		if took := time.Since(began); took > 7*time.Second || w.embeds.Load() != 3 {
			t.Errorf("20 calls took %s and asked for %d vectors", took, w.embeds.Load())
		}
		w.embed = nil
		time.Sleep(2 * time.Second)
		w.ask(t, q("Who? @100"), miss)
		w.ask(t, q("Who? @101"), semantic)
		w.vectors.Fail(errors.New("away"))
		w.ask(t, q("Who? @102"), miss)
		w.vectors.Fail(nil)
		if n, _ := w.SemanticCounts(); n.Failures != 4 || n.Lost != 1 {
			t.Errorf("%+v", n)
		}
	})
}

func TestAnAnswerThatIsGoneIsNotGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t)
		w.ask(t, q("How many? @0"), miss)
		if n, err := w.store.Purge(t.Context(), cache.Filter{}); n != 1 || err != nil { // as if it had made room
			t.Fatal(n, err)
		}
		w.ask(t, q("How many? @1"), miss)
		if w.vectors.Len() != 2 {
			t.Errorf("%d points", w.vectors.Len())
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if w.vectors.Len() != 1 {
			t.Errorf("%d points, one of them without an answer", w.vectors.Len())
		}
		w.ask(t, q("How many? @2"), semantic)
		time.Sleep(time.Hour)
		w.ask(t, q("How many? @2"), miss)
	})
}

func TestAPurgeTakesBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t)
		_, poison := w.ask(t, q("How many? @0", func(c *llm.Call) { c.Tags = map[string]string{"team": "a"} }), miss)
		if _, got := w.ask(t, q("How many? @1"), semantic); got != poison {
			t.Errorf("%s", got)
		}
		for _, f := range []cache.Filter{{Project: "q"}, {Model: "other"}, {Tags: map[string]string{"team": "b"}}, {OlderThan: time.Hour}} {
			if n, err := w.Purge(t.Context(), f); n != 0 || err != nil || w.vectors.Len() != 1 {
				t.Errorf("%+v: %d purged (%v), %d points left", f, n, err, w.vectors.Len())
			}
		}
		if n, err := w.Purge(t.Context(), cache.Filter{Tags: map[string]string{"team": "a"}}); n != 1 || err != nil || w.vectors.Len() != 0 {
			t.Errorf("%d purged (%v), %d points left", n, err, w.vectors.Len())
		}
		if _, got := w.ask(t, q("How many? @1"), miss); got == poison {
			t.Errorf("%s", got)
		}
		// What is under way at a purge is kept by neither.
		resp, err := w.Send(t.Context(), q("Who? @90"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Purge(t.Context(), cache.Filter{}); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		time.Sleep(time.Second)
		synctest.Wait()
		if w.vectors.Len() != 0 {
			t.Errorf("%d points after a purge", w.vectors.Len())
		}
		w.vectors.Fail(errors.New("away"))
		if _, err := w.Purge(t.Context(), cache.Filter{}); err == nil || !strings.Contains(err.Error(), "purge again") {
			t.Errorf("vectors that could not be purged: %v", err)
		}
	})
}

func TestARefreshedAnswerIsFoundToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t)
		w.ask(t, q("How many? @0", header("refresh;semantic=0.9")), miss)
		first := q("How many? @1", header("refresh;semantic=0.9"))
		w.ask(t, first, miss)
		resp, _ := w.ask(t, q("How many? @2"), semantic)
		if resp.CacheNeighbor != first.ID {
			t.Errorf("%+v", resp)
		}
	})
}

func TestManyAtOnceShareALikeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t)
		w.ask(t, q("How many? @0"), miss)
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				resp, err := w.Send(t.Context(), q("How many? @1"))
				if err != nil || resp.Cache != semantic || resp.CacheScore == 0 {
					t.Errorf("%+v %v", resp, err)
				}
			})
		}
		wg.Wait()
		if w.asked.Load() != 1 || w.embeds.Load() > 41 {
			t.Errorf("%d calls, %d vectors", w.asked.Load(), w.embeds.Load())
		}
	})
}

func TestAudits(t *testing.T) {
	for _, tt := range []struct {
		verdict string
		want    cache.SemanticCounts
		next    llm.CacheUse
	}{
		{"Yes.", cache.SemanticCounts{Hits: 1, Agreed: 1}, semantic},
		{"**NO**, it names another year", cache.SemanticCounts{Hits: 1, Disagreed: 1}, miss},
		{"Nothing to say", cache.SemanticCounts{Hits: 1, Unsure: 1}, semantic},
		{"", cache.SemanticCounts{Hits: 1, Unsure: 1}, semantic},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := worldOf(t, func(c *cache.SemanticConfig, _ *cache.Policy) { c.Audit = cache.Audit{Share: 1, Model: "judge"} })
			w.verdict = tt.verdict
			w.ask(t, q(`How many? @0`), miss)
			second := q(`How "many", now? @1`)
			w.ask(t, second, semantic)
			if n := w.counts(); n != tt.want || w.judges.Load() != 1 {
				t.Errorf("%q: %+v", tt.verdict, n)
			}
			own := w.within[len(w.within)-1]
			if own.Model != "judge" || own.Cache != "off" || own.ParentID != second.SpanID || !strings.Contains(string(own.Body), `@1`) || !strings.Contains(string(own.Body), `re {`) {
				t.Errorf("%+v %s", own, own.Body)
			}
			w.ask(t, q("How many? @2"), tt.next)
			w.ask(t, q("How many? @0"), hit) // the answer is right for its own question
		})
	}
}

func TestAuditsLookAtAShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t, func(c *cache.SemanticConfig, _ *cache.Policy) { c.Audit = cache.Audit{Share: 0.3, Model: "judge"} })
		w.ask(t, q("How many? @0"), miss)
		for i := range 300 {
			w.ask(t, q(fmt.Sprintf("How many? @%g", float64(i+1)/100)), semantic)
		}
		if n := w.judges.Load(); n < 50 || n > 130 {
			t.Errorf("%d of 300 audited, want about 90", n)
		}
	})
}
