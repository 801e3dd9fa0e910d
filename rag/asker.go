package rag

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

const maxAnswer = 16 << 20 // bytes that are read of one answer

// asker asks models through the gateway's chain on the account of one call and in its trace, and adds up what that cost. It is a
// Sender, so that whoever sends through it is counted too. Safe for concurrent use.
type asker struct {
	top llm.Sender
	on  *llm.Call

	mu      sync.Mutex // guards what follows
	cost    price.USD
	unknown bool // some call has no known cost
	open    int  // calls whose cost is still to come
}

var _ llm.Sender = (*asker)(nil)

// costed is a recorded answer's body.
type costed interface {
	Cost() (price.USD, bool)
}

// Send passes a call on. What it cost is known once its body is closed.
func (a *asker) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	resp, err := a.top.Send(ctx, call)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.open++
	a.mu.Unlock()
	resp.Body = &counted{ReadCloser: resp.Body, asker: a}
	return resp, nil
}

// counted adds up when it is closed.
type counted struct {
	io.ReadCloser
	*asker
	once sync.Once
}

// Close closes the body and counts what the call cost.
func (c *counted) Close() error {
	err := c.ReadCloser.Close()
	c.once.Do(func() {
		if body, ok := c.ReadCloser.(costed); ok {
			usd, known := body.Cost()
			c.count(usd, known)
		} else {
			c.count(0, false)
		}
	})
	return err
}

// Cost is that of this one call, once it has ended.
func (c *counted) Cost() (price.USD, bool) {
	if body, ok := c.ReadCloser.(costed); ok {
		return body.Cost()
	}
	return 0, false
}

func (a *asker) count(usd price.USD, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	a.cost += usd
	a.unknown = a.unknown || !known
}

// whole is what all calls cost, and false when it is not known, or not yet.
func (a *asker) whole() (price.USD, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cost, !a.unknown && a.open == 0
}

// Spent is what all calls so far cost, and false when one of them has no known cost.
func (a *asker) Spent() (price.USD, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cost, !a.unknown
}

// under gives the call that asks of one stage look like: the caller's, with the stage's span as the one they are made in.
func (a *asker) under(span string) *llm.Call {
	c := a.on.Clone()
	c.SpanID, c.Use = span, beneath(a.on.Use)
	return c
}

// beneath is what a call that is made for another one says of experiments: the arm that it is for, without being part of the analysis,
// which looks at the client's calls.
func beneath(u *llm.Use) *llm.Use {
	if u == nil || u.Experiment == "" {
		return nil
	}
	return &llm.Use{Experiment: u.Experiment, Arm: u.Arm}
}

// call makes a chat call in a stage.
func (a *asker) call(span, model string, body []byte) *llm.Call {
	now := time.Now()
	on := a.on
	return &llm.Call{
		ID: llm.NewID(now), TraceID: on.TraceID, SpanID: llm.NewSpanID(), ParentID: span, Start: now,
		Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI, Method: http.MethodPost, Path: "/chat/completions",
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Model: model,
		Project: on.Project, KeyID: on.KeyID, Key: on.Key, User: on.User, Session: on.Session, Tags: on.Tags, Use: beneath(on.Use),
	}
}

// message is one of a chat.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// chat is a request for a short answer that is the same each time.
type chat struct {
	Model       string    `json:"model"`
	Messages    []message `json:"messages"`
	Temperature float64   `json:"temperature"`
	Format      any       `json:"response_format,omitempty"`
}

// ask gets the text of an answer.
func (a *asker) ask(ctx context.Context, span string, c chat) (string, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	resp, err := a.Send(ctx, a.call(span, c.Model, body))
	if err != nil {
		return "", err
	}
	text, err := readAll(resp)
	if err != nil {
		return "", err
	}
	if resp.Status != http.StatusOK {
		e := llm.NormalError(resp.Status, resp.Header, text)
		return "", fmt.Errorf("%s answered %d: %s", c.Model, resp.Status, clip(e.Message, 200))
	}
	said := llm.Assemble(llm.ChatCompletions, resp.Dialect, resp.Stream, text)
	if len(said.Texts) == 0 || said.Texts[0] == "" {
		return "", fmt.Errorf("%s answered nothing", c.Model)
	}
	return said.Texts[0], nil
}

// readAll reads an answer whole and closes it.
func readAll(resp *llm.Response) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(resp.Body, maxAnswer+1))
	err = errors.Join(err, resp.Body.Close())
	if err == nil && n > maxAnswer {
		err = llm.Faultf(llm.UpstreamUnavailable, "the model's answer is longer than %d MB", maxAnswer>>20)
	}
	return b.Bytes(), err
}
