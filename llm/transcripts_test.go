package llm_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

const transcripts = "testdata/wire/transcripts/"

// transcript is one recorded answer and what must be read out of it.
type transcript struct {
	name    string
	config  llm.MeterConfig
	request []byte
	body    []byte
	want    expectation
}

type expectation struct {
	Provider      string            `json:"provider"`
	Endpoint      string            `json:"endpoint"`
	Stream        bool              `json:"stream"`
	Model         *string           `json:"model_response"`
	Text          string            `json:"text"`
	ToolCalls     []expectedCall    `json:"tool_calls"`
	FinishReasons []*string         `json:"finish_reasons"`
	Usage         map[string]*int64 `json:"usage"`
	UsageSource   string            `json:"usage_source"`
	Error         *llm.Error        `json:"error"`
	Extra         struct {
		HTTP struct {
			Path    string            `json:"path"`
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
		} `json:"http"`
		Abort         bool     `json:"abort"`
		SplitAt       []int    `json:"split_at"`
		Texts         []string `json:"texts"`
		Refusal       string   `json:"refusal"`
		ReasoningText string   `json:"reasoning_text"`
		ServiceTier   string   `json:"service_tier"`
		Cost          struct {
			Amount string `json:"amount"`
		} `json:"cost"`
		ServerToolUse struct {
			WebSearch int64 `json:"web_search_requests"`
		} `json:"server_tool_use"`
		AudioSeconds string `json:"audio_seconds"`
	} `json:"extra"`
}

type expectedCall struct {
	Choice    int     `json:"choice"`
	Index     int     `json:"index"`
	ID        *string `json:"id"`
	Name      string  `json:"name"`
	Arguments string  `json:"arguments"`
}

func readTranscripts(tb testing.TB) []transcript {
	tb.Helper()
	index, err := os.Open("testdata/wire/INDEX.csv")
	check(tb, err)
	defer index.Close()
	rows, err := csv.NewReader(index).ReadAll()
	check(tb, err)
	var all []transcript
	for _, row := range rows[1:] {
		all = append(all, readTranscript(tb, row[0]))
	}
	files, err := filepath.Glob(transcripts + "*.expect.json")
	check(tb, err)
	if len(files) != len(all) {
		tb.Fatalf("%d expectations, %d rows in the index", len(files), len(all))
	}
	return all
}

func readTranscript(tb testing.TB, name string) transcript {
	tb.Helper()
	c := transcript{name: name}
	b, err := os.ReadFile(transcripts + name + ".expect.json")
	check(tb, err)
	check(tb, json.Unmarshal(b, &c.want))
	suffix := ".response.json"
	if c.want.Stream {
		suffix = ".response.sse"
	}
	c.body, err = os.ReadFile(transcripts + name + suffix)
	check(tb, err)
	c.request, err = os.ReadFile(transcripts + name + ".request.json")
	check(tb, err)
	c.config = llm.MeterConfig{Stream: c.want.Stream, Status: c.want.Extra.HTTP.Status, Header: http.Header{}, Dialect: llm.OpenAI}
	for k, v := range c.want.Extra.HTTP.Headers {
		c.config.Header.Set(k, v)
	}
	switch c.want.Provider {
	case "anthropic", "gemini", "cohere":
		c.config.Dialect = llm.Dialect(c.want.Provider)
	case "xai":
		c.config.Quirks.ReasoningApart = true
	case "geminicompat":
		c.config.Quirks.TotalHoldsReasoning = true
	}
	var ok bool
	if c.config.Endpoint, ok = map[string]llm.Endpoint{
		"chat": llm.ChatCompletions, "chatv2": llm.ChatCompletions, "generate": llm.ChatCompletions, "completions": llm.Completions,
		"embeddings": llm.Embeddings, "responses": llm.Responses, "messages": llm.Messages, "models": llm.Models,
		"images": llm.Passthrough, "audio": llm.Passthrough,
	}[c.want.Endpoint]; !ok {
		tb.Fatalf("%s: unknown endpoint %q", name, c.want.Endpoint)
	}
	c.config.Path = strings.TrimPrefix(c.want.Extra.HTTP.Path, "/v1")
	return c
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// replay feeds the pieces to a meter. It returns the outcome and the bytes a client would have been given.
func replay(c transcript, pieces [][]byte) (llm.Outcome, []byte) {
	m := llm.NewMeter(c.config)
	if !c.want.Stream {
		b := bytes.Join(pieces, nil)
		m.Body(b)
		return m.End(c.want.Extra.Abort), b
	}
	var relayed []byte
	var s llm.Splitter
	for _, p := range pieces {
		s.Write(p)
		for ev, ok := s.Next(); ok; ev, ok = s.Next() {
			m.Event(ev)
			relayed = append(relayed, ev.Raw...)
		}
	}
	if ev, ok := s.Finish(); ok {
		m.Event(ev)
		relayed = append(relayed, ev.Raw...)
	}
	relayed = append(relayed, s.Pending()...)
	return m.End(c.want.Extra.Abort), relayed
}

// cuts are ways for the body to arrive.
func (c transcript) cuts() map[string][][]byte {
	cuts := map[string][][]byte{"whole": {c.body}}
	if !c.want.Stream {
		return cuts
	}
	for i := range c.body {
		cuts["byte by byte"] = append(cuts["byte by byte"], c.body[i:i+1])
	}
	at := func(offsets []int) (pieces [][]byte) {
		from := 0
		for _, to := range offsets {
			pieces = append(pieces, c.body[from:to])
			from = to
		}
		return append(pieces, c.body[from:])
	}
	if len(c.want.Extra.SplitAt) > 0 {
		cuts["split_at"] = at(c.want.Extra.SplitAt)
	}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 7))
		var offsets []int
		for i := r.IntN(200); i < len(c.body); i += 1 + r.IntN(200*(1+len(c.body)/10000)) {
			offsets = append(offsets, i)
		}
		cuts[fmt.Sprintf("random %d", seed)] = at(offsets)
	}
	return cuts
}

func TestTranscripts(t *testing.T) {
	for _, c := range readTranscripts(t) {
		t.Run(c.name, func(t *testing.T) {
			for how, pieces := range c.cuts() {
				got, relayed := replay(c, pieces)
				if !bytes.Equal(relayed, c.body) {
					t.Errorf("%s: %d bytes relayed differ from the %d received", how, len(relayed), len(c.body))
				}
				compareOutcome(t, how, got, c.want)
			}
			compareAnswer(t, llm.Assemble(c.config.Endpoint, c.config.Dialect, c.want.Stream, c.body), c.want)
		})
	}
}

func compareOutcome(t *testing.T, how string, got llm.Outcome, want expectation) {
	t.Helper()
	diff := func(what string, want, got any) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s (-want +got):\n%s", how, what, d)
		}
	}
	model := ""
	if want.Model != nil {
		model = *want.Model
	}
	diff("model", model, got.Model)
	var finish []string
	for _, f := range want.FinishReasons {
		if f == nil {
			finish = append(finish, "")
		} else {
			finish = append(finish, *f)
		}
	}
	diff("finish reasons", finish, got.FinishReasons)
	diff("usage source", llm.UsageSource(want.UsageSource), got.Source)
	zero := func(n *int64) int64 {
		if n == nil {
			return 0
		}
		return *n
	}
	u := want.Usage
	diff("usage", llm.Usage{
		InputUncached: zero(u["input_uncached"]), CacheRead: zero(u["cache_read"]), CacheWrite5m: zero(u["cache_write_5m"]),
		CacheWrite1h: zero(u["cache_write_1h"]), InputAudio: zero(u["input_audio"]),
		OutputText: zero(u["output_text"]), Reasoning: zero(u["reasoning"]), OutputAudio: zero(u["output_audio"]),
	}, got.Usage)
	diff("input missing", u["input_uncached"] == nil, got.InputMissing)
	diff("output missing", u["output_text"] == nil, got.OutputMissing)
	switch e := want.Error; {
	case e == nil || got.Err == nil:
		diff("error", e, got.Err)
	default:
		err := *got.Err
		if e.Message == "" {
			err.Message = ""
		}
		diff("error", *e, err)
	}
	diff("service tier", want.Extra.ServiceTier, got.ServiceTier)
	diff("cost", want.Extra.Cost.Amount, got.ProviderCost)
	diff("web searches", want.Extra.ServerToolUse.WebSearch, got.Units.WebSearch)
	seconds := ""
	if got.Units.AudioSeconds > 0 {
		seconds = fmt.Sprint(got.Units.AudioSeconds)
	}
	diff("audio seconds", want.Extra.AudioSeconds, seconds)
	if got.Source == llm.FromProvider && !json.Valid(got.UsageRaw) {
		t.Errorf("%s: usage as it came is %q", how, got.UsageRaw)
	}
}

func compareAnswer(t *testing.T, got llm.Answer, want expectation) {
	t.Helper()
	text := ""
	if len(got.Texts) > 0 {
		text = got.Texts[0]
	}
	if text != want.Text {
		t.Errorf("text %q, want %q", text, want.Text)
	}
	if want.Extra.Texts != nil {
		if d := cmp.Diff(want.Extra.Texts, got.Texts); d != "" {
			t.Errorf("texts (-want +got):\n%s", d)
		}
	}
	if got.Refusal != want.Extra.Refusal {
		t.Errorf("refusal %q, want %q", got.Refusal, want.Extra.Refusal)
	}
	if got.Reasoning != want.Extra.ReasoningText {
		t.Errorf("reasoning %q, want %q", got.Reasoning, want.Extra.ReasoningText)
	}
	var calls []expectedCall
	for _, c := range got.ToolCalls {
		e := expectedCall{Choice: c.Choice, Index: c.Index, Name: c.Name, Arguments: canonical(t, c.Arguments)}
		if c.ID != "" {
			e.ID = &c.ID
		}
		calls = append(calls, e)
	}
	var wanted []expectedCall
	for _, c := range want.ToolCalls {
		c.Arguments = canonical(t, c.Arguments)
		wanted = append(wanted, c)
	}
	if d := cmp.Diff(wanted, calls); d != "" {
		t.Errorf("tool calls (-want +got):\n%s", d)
	}
}

// canonical is JSON with its members sorted and no space.
func canonical(t *testing.T, s string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("arguments %q: %v", s, err)
	}
	b, err := json.Marshal(v)
	check(t, err)
	return string(b)
}
