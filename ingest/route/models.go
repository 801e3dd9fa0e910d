package route

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
)

const (
	listTimeout = 5 * time.Second
	listLimit   = 8 << 20
)

// models answers GET /models with what can be asked for: the aliases, then every provider's own list; GET /models/{id}
// with one of them. A provider that does not list its models in time is represented by its literal patterns.
func (t *Table) models(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	if call.Model != "" {
		return t.model(ctx, call)
	}
	if len(t.providers) == 1 && len(t.aliases) == 0 {
		return t.try(ctx, call, Plan{Targets: []Target{{Provider: t.providers[0].Name}}}, nil)
	}
	lists := make([][]json.RawMessage, len(t.providers))
	attempts := make([][]llm.Attempt, len(t.providers))
	var wg sync.WaitGroup
	for i := range t.providers {
		wg.Go(func() { lists[i], attempts[i] = t.providers[i].list(ctx, call) })
	}
	wg.Wait()

	var all modelList
	for _, name := range t.Aliases() {
		all.add(name, nil)
	}
	out := &llm.Response{Status: http.StatusOK, Header: jsonHeader(), Dialect: llm.OpenAI}
	for i, p := range t.providers {
		out.Attempts = append(out.Attempts, attempts[i]...)
		for _, raw := range lists[i] {
			var m struct{ ID string }
			if json.Unmarshal(raw, &m) == nil && m.ID != "" {
				all.add(m.ID, raw)
			}
		}
		for _, pattern := range p.Models {
			if !strings.ContainsAny(pattern, "*?") {
				all.add(pattern, nil)
			}
		}
	}
	body := all.json()
	out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	out.Body = io.NopCloser(bytes.NewReader(body))
	return out, nil
}

// model answers for one id: an alias by weir, any other by the provider that would take it.
func (t *Table) model(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	if _, ok := t.aliases[call.Model]; ok {
		body := append(entry(call.Model), '\n')
		h := jsonHeader()
		h.Set("Content-Length", strconv.Itoa(len(body)))
		return &llm.Response{Status: http.StatusOK, Header: h, Dialect: llm.OpenAI, Body: io.NopCloser(bytes.NewReader(body))}, nil
	}
	plan, err := t.Resolve(call.Model)
	if err != nil {
		return nil, err
	}
	there := *call
	there.Path = "/models/" + plan.Targets[0].Model
	return t.try(ctx, &there, plan, nil)
}

// list asks one provider. Nothing is better than an error here: the others' lists are still worth having, and the
// attempt tells what happened.
func (p *Provider) list(ctx context.Context, call *llm.Call) ([]json.RawMessage, []llm.Attempt) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	resp, err := p.Send.Send(ctx, call)
	if err != nil {
		return nil, llm.AsFault(err).Attempts
	}
	defer resp.Body.Close()
	var list struct{ Data []json.RawMessage }
	body, err := io.ReadAll(io.LimitReader(resp.Body, listLimit))
	if resp.Status != http.StatusOK {
		for i := range resp.Attempts {
			resp.Attempts[i].Err = llm.NormalError(resp.Status, resp.Header, body)
		}
		return nil, resp.Attempts
	}
	if err != nil || json.Unmarshal(body, &list) != nil {
		return nil, resp.Attempts
	}
	return list.Data, resp.Attempts
}

// modelList is OpenAI's list object without repetitions.
type modelList struct {
	seen map[string]bool
	data []json.RawMessage
}

func (l *modelList) add(id string, raw json.RawMessage) {
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	if l.seen[id] {
		return
	}
	l.seen[id] = true
	if raw == nil {
		raw = entry(id)
	}
	l.data = append(l.data, raw)
}

func (l *modelList) json() []byte {
	if l.data == nil {
		l.data = []json.RawMessage{}
	}
	b, _ := json.Marshal(struct {
		Object string            `json:"object"`
		Data   []json.RawMessage `json:"data"`
	}{"list", l.data}) // raw messages were parsed before
	return append(b, '\n')
}

func entry(id string) json.RawMessage {
	b, _ := json.Marshal(struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}{ID: id, Object: "model", OwnedBy: "weir"}) // strings and a number cannot fail
	return b
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }
