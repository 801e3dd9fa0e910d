package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// asked is what a model was asked, read out of the request.
type asked struct {
	Model       string    `json:"model"`
	Messages    []Message `json:"messages"`
	Temperature *float64  `json:"temperature"`
	MaxTokens   int       `json:"max_tokens"`
	MaxComplete int       `json:"max_completion_tokens"`
	LogProbs    bool      `json:"logprobs"`
	Top         int       `json:"top_logprobs"`
	Format      struct {
		Type   string `json:"type"`
		Schema struct {
			Strict bool            `json:"strict"`
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
	Input []string `json:"input"`
	call  *llm.Call
}

// last is the newest message.
func (a *asked) last() string { return a.Messages[len(a.Messages)-1].Content }

// model is a provider that answers as a function says, and remembers what it was asked.
type model struct {
	answer func(a *asked) reply

	mu  sync.Mutex // guards all
	all []*asked
}

// reply is an answer of the fake provider.
type reply struct {
	text   string
	status int    // 0: 200
	body   string // in place of text
	header http.Header
	err    error
	finish string
	extra  string // members of the choice
}

// says is a model that always says the same.
func says(text string) *model { return &model{answer: func(*asked) reply { return reply{text: text} }} }

// Send implements llm.Sender: every token of input and output costs what flat says, 100 of input and 10 of output were used.
func (m *model) Send(_ context.Context, call *llm.Call) (*llm.Response, error) {
	a := &asked{call: call}
	if err := json.Unmarshal(call.Body, a); err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.all = append(m.all, a)
	m.mu.Unlock()
	r := m.answer(a)
	if r.err != nil {
		return nil, r.err
	}
	body := r.body
	if body == "" {
		text, _ := json.Marshal(r.text)
		finish := r.finish
		if finish == "" {
			finish = "stop"
		}
		body = fmt.Sprintf(`{"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%s},"finish_reason":%q%s}],"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}`,
			call.Model, text, finish, r.extra)
	}
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	header := r.header
	if header == nil {
		header = http.Header{}
	}
	return &llm.Response{Status: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Dialect: llm.OpenAI}, nil
}

func (m *model) asks() []*asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*asked(nil), m.all...)
}

// flat prices every model but "free" at 1,000 nanodollars a token.
func flat(model string, u llm.Usage) (price.USD, bool) {
	return price.USD(1000 * (u.Input() + u.Output())), model != "free"
}

// asker asks a model without a limit.
func asker(m llm.Sender) *Asker { return NewAsker(AskerConfig{Send: m, Price: flat}) }

// made is New for configurations that are right.
func made(t *testing.T, c Config, a *Asker) Judge {
	t.Helper()
	j, err := New(t.Context(), c, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// judged is a judgement that must come without an error.
func judged(t *testing.T, j Judge, c Case) Judgement {
	t.Helper()
	out, err := j.Judge(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var aCase = Case{Input: "What is the capital of France?", Output: "Paris.", Expected: "Paris", Contexts: []string{"Paris is the capital of France."}}
