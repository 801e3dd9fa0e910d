package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// angles is an embedding model whose vector of a text is that of the angle, in degrees, that the text is.
type angles struct {
	mu    sync.Mutex // guards asked
	asked [][]string
	spent bool
}

func (a *angles) Send(_ context.Context, call *llm.Call) (*llm.Response, error) {
	var in struct{ Input []string }
	if err := json.Unmarshal(call.Body, &in); err != nil || call.Endpoint != llm.Embeddings || call.Cache != "read" {
		return nil, fmt.Errorf("asked %s, cache %q: %s", call.Endpoint, call.Cache, call.Body)
	}
	a.mu.Lock()
	a.asked = append(a.asked, in.Input)
	a.mu.Unlock()
	if a.spent {
		return nil, llm.Faultf(llm.BudgetExceeded, "the budget is spent")
	}
	var data []string
	for i, text := range in.Input {
		var degrees float64
		if n, _ := fmt.Sscan(text, &degrees); n != 1 {
			return &llm.Response{Status: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"error":{"message":"no angle"}}`)), Dialect: llm.OpenAI}, nil
		}
		s, c := math.Sincos(degrees * math.Pi / 180)
		data = append(data, fmt.Sprintf(`{"index":%d,"embedding":[%v,%v]}`, i, c, s))
	}
	body := fmt.Sprintf(`{"data":[%s],"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, strings.Join(data, ","), len(in.Input), len(in.Input))
	return &llm.Response{Status: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Dialect: llm.OpenAI}, nil
}

func TestCosine(t *testing.T) {
	items := itemsOf(t, `{"id":"a","input":"x","expected":"0"}
{"id":"b","input":"x","expected":["90","45"]}
{"id":"c","input":"x","expected":[" ",""]}
{"id":"d","input":"x"}
{"id":"e","input":"x","expected":"0"}`)
	m := &angles{}
	with := Judges{Items: items, Asker: judge.NewAsker(judge.AskerConfig{Send: m, Price: func(_ string, u llm.Usage) (price.USD, bool) { return price.USD(u.Input()), true }})}
	s, err := newScorer(t.Context(), ScorerConfig{Name: "like", Metric: "cosine", Model: "m", Pass: new(0.7)}, with)
	if err != nil {
		t.Fatal(err)
	}
	var cost price.USD
	for _, c := range []struct {
		item   int
		answer string
		state  State
		value  float64
		passed bool
		why    string
	}{
		{0, "60", Scored, 0.5, false, ""},
		{1, "60", Scored, math.Cos(math.Pi / 12), true, ""}, // the nearer of two
		{4, "180", Scored, -1, false, ""},
		{2, "60", Unscorable, 0, false, "what is expected is empty"},
		{3, "60", Unscorable, 0, false, "says nothing of what is expected"},
		{0, " \n", Unscorable, 0, false, "the answer is empty"},
		{0, "none", Failed, 0, false, "no angle"},
	} {
		got := s.Score(t.Context(), Sample{&items[c.item], &Answer{Text: c.answer}})
		if got.State != c.state || math.Abs(got.Value-c.value) > 1e-9 || !strings.Contains(got.Reason, c.why) || c.state == Scored && *got.Passed != c.passed {
			t.Errorf("%s against %s: got %+v, want %+v", c.answer, items[c.item].Expected, got, c)
		}
		if got.Cost != nil {
			cost += *got.Cost
		}
	}
	// All expected texts went at once, an answer alone, and nothing twice.
	if fmt.Sprint(m.asked) != "[[60] [0 90 45] [180] [none]]" || cost != 5 {
		t.Errorf("asked %v for %d", m.asked, cost)
	}
	if got, err := NewScorer(ScorerConfig{Metric: "cosine", Model: "m"}); err != nil || got.Score(t.Context(), Sample{&items[0], &Answer{Text: "x"}}).State != Failed {
		t.Errorf("without a model to ask: %v", err)
	}
	if _, err := NewScorer(ScorerConfig{Metric: "cosine"}); err == nil {
		t.Error("one without a model is taken")
	}

	// A spent budget stops the run rather than failing what is left.
	m.spent = true
	if got := s.Score(t.Context(), Sample{&items[0], &Answer{Text: "17"}}); got.State != "" || s.(stopping).stopped() == nil {
		t.Errorf("with the budget spent: %+v", got)
	}
}
