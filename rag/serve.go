package rag

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
)

// ModelPrefix begins the names by which pipelines are asked like models.
const ModelPrefix = "rag/"

// Pipelines are the pipelines by name. They do not change.
type Pipelines map[string]*Pipeline

// Names lists them in order.
func (p Pipelines) Names() []string { return slices.Sorted(maps.Keys(p)) }

// Serve answers chat completions for the models rag/NAME by pipelines, and lists these among the models. All other calls pass.
//
// Money is counted on the calls that a pipeline makes, each of which is recorded by itself beneath the client's call: that one is
// recorded with no usage and no cost of its own, and Response.Spent says what the others came to, as does its provider's cost.
func Serve(next llm.Sender, pipelines Pipelines) llm.Sender {
	if len(pipelines) == 0 {
		return next
	}
	return llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) {
		name, ours := strings.CutPrefix(call.Model, ModelPrefix)
		switch {
		case call.Endpoint == llm.Models && call.Model == "":
			return pipelines.list(ctx, next, call)
		case !ours:
			return next.Send(ctx, call)
		}
		p, ok := pipelines[name]
		switch {
		case !ok:
			return nil, &llm.Fault{Code: llm.ModelUnknown, Param: "model", Message: "there is no pipeline " + strconv.Quote(clip(name, 64)) + "; there are " + strings.Join(pipelines.Names(), ", ")}
		case call.Endpoint == llm.Models:
			return plain(call, append(modelEntry(name), '\n')), nil
		case call.Endpoint != llm.ChatCompletions:
			return nil, &llm.Fault{Code: llm.InvalidRequest, Param: "model", Message: "a pipeline is asked by POST /v1/chat/completions; " + string(call.Endpoint) + " does not take the model " + clip(call.Model, 80)}
		}
		return p.serve(ctx, call)
	})
}

// plain is an answer of JSON made here.
func plain(call *llm.Call, body []byte) *llm.Response {
	return &llm.Response{
		Status: http.StatusOK, Dialect: call.Dialect, Provider: "weir", Model: call.Model, Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(body))}},
	}
}

func modelEntry(name string) json.RawMessage {
	return marshal(struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}{ID: ModelPrefix + name, Object: "model", OwnedBy: "weir"})
}

// list adds the pipelines to a list of models. One that cannot be read is passed on as it is.
func (p Pipelines) list(ctx context.Context, next llm.Sender, call *llm.Call) (*llm.Response, error) {
	resp, err := next.Send(ctx, call)
	if err != nil || resp.Status != http.StatusOK {
		return resp, err
	}
	body, err := readAll(resp)
	if err != nil {
		return nil, err
	}
	var whole map[string]json.RawMessage
	var data []json.RawMessage
	if json.Unmarshal(body, &whole) == nil && json.Unmarshal(whole["data"], &data) == nil {
		for _, name := range p.Names() {
			data = append(data, modelEntry(name))
		}
		whole["data"] = marshal(data)
		body = append(marshal(whole), '\n')
	}
	resp.Header = resp.Header.Clone()
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// serve answers one chat completion.
func (p *Pipeline) serve(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	req, fault := readRequest(call.Body)
	if fault != nil {
		return nil, fault
	}
	req.usage = call.AskedUsage
	r := p.begin(call, req.question)
	resp, err := r.respond(ctx, call, req)
	if err != nil {
		fault := p.fault(err)
		r.end(fault)
		return nil, fault
	}
	return resp, nil
}

func (r *run) respond(ctx context.Context, call *llm.Call, req *request) (*llm.Response, error) {
	if err := r.retrieve(ctx); err != nil {
		return nil, err
	}
	if len(r.sources) == 0 {
		r.nothing()
		return r.silence(call, req), nil
	}
	resp, err := r.generate(ctx, req, call.Cache)
	switch {
	case err != nil:
		return nil, err
	case resp.Status != http.StatusOK: // a provider's own refusal passes as it came
		r.end(llm.Faultf(llm.UpstreamUnavailable, "%s answered %d", r.cfg.Model, resp.Status))
		resp.Attempts = nil
		return resp, nil
	case resp.Stream:
		return r.headed(call, resp, newAnswerStream(r, req, resp.Body)), nil
	}
	body, err := readAll(resp)
	if err != nil {
		return nil, err
	}
	whole, ok := r.dress(body, req)
	if !ok {
		return nil, llm.Faultf(llm.UpstreamUnavailable, "%s answered with something that is not a chat completion", r.cfg.Model)
	}
	r.end(nil)
	return r.headed(call, resp, io.NopCloser(bytes.NewReader(whole))), nil
}

// headed is the answer of the pipeline around a body, whose head is that of the answer of the model.
func (r *run) headed(call *llm.Call, from *llm.Response, body io.ReadCloser) *llm.Response {
	h := from.Header.Clone()
	h.Del("Content-Length")
	return &llm.Response{
		Status: http.StatusOK, Header: h, Body: body, Stream: from.Stream, Provider: "weir", Model: call.Model, Dialect: llm.OpenAI,
		Dropped: from.Dropped, Outcome: r.outcome(call.Model, from.Stream), Spent: r.spent,
	}
}

// spent is Response.Spent.
func (r *run) spent() (int64, bool) {
	usd, known := r.Spent()
	return int64(usd), known
}

// outcome says that the client's call used nothing itself, and as its provider's own figure what all that was asked for it came to.
func (r *run) outcome(model string, stream bool) func(cut bool) llm.Outcome {
	return func(cut bool) llm.Outcome {
		out := llm.Outcome{Model: model, FinishReasons: []string{"stop"}, Source: llm.NoUsage, Delivered: r.answer != ""}
		if usd, known := r.whole(); known {
			out.ProviderCost = usd.String()
		}
		if stream && (cut || !r.done) {
			out.FinishReasons = []string{""}
			out.Err = &llm.Error{Type: "stream_truncated", Message: "the answer broke off before it was complete", Status: http.StatusBadGateway, Retryable: true}
		}
		return out
	}
}

// dress puts the answer in place of what the model wrote, with what it rests on.
func (r *run) dress(body []byte, req *request) ([]byte, bool) {
	var whole map[string]json.RawMessage
	var choices []map[string]json.RawMessage
	var said map[string]json.RawMessage
	if json.Unmarshal(body, &whole) != nil || json.Unmarshal(whole["choices"], &choices) != nil || len(choices) == 0 ||
		json.Unmarshal(choices[0]["message"], &said) != nil || said == nil {
		return nil, false
	}
	var text string
	if json.Unmarshal(said["content"], &text) != nil {
		return nil, false
	}
	var f quoteFilter
	f.Write(text)
	r.cite(&f)
	if r.silent {
		r.answer = NotInSources
	}
	said["content"] = marshal(r.answer)
	maps.Copy(said, r.extras(req))
	choices[0]["message"] = marshal(said)
	whole["choices"], whole["weir"] = marshal(choices), marshal(r.note(req.wishes.Explain))
	return append(marshal(whole), '\n'), true
}

// extras are the members of the message beside its content.
func (r *run) extras(req *request) map[string]json.RawMessage {
	citations := r.citations
	if citations == nil {
		citations = []Citation{}
	}
	out := map[string]json.RawMessage{"citations": marshal(citations)}
	if req.wishes.Contexts {
		out["contexts"] = marshal(r.contexts())
	}
	return out
}

// silence is the answer when nothing was found.
func (r *run) silence(call *llm.Call, req *request) *llm.Response {
	id, now := "chatcmpl-"+r.on.ID, time.Now().Unix()
	type members = map[string]any
	extras := r.extras(req)
	var body []byte
	head := &llm.Response{Header: http.Header{"Content-Type": {"application/json"}}}
	if call.Stream {
		head.Stream, head.Header = true, http.Header{"Content-Type": {"text/event-stream"}}
		chunk := func(delta any, finish any, more members) {
			m := members{"id": id, "object": "chat.completion.chunk", "created": now, "model": call.Model, "choices": []members{{"index": 0, "delta": delta, "finish_reason": finish}}}
			maps.Copy(m, more)
			body = append(append(append(body, "data: "...), marshal(m)...), "\n\n"...)
		}
		chunk(members{"role": "assistant", "content": r.answer}, nil, nil)
		chunk(extras, nil, members{"weir": r.note(req.wishes.Explain)})
		chunk(members{}, "stop", nil)
		if req.usage {
			body = append(append(append(body, "data: "...), marshal(members{
				"id": id, "object": "chat.completion.chunk", "created": now, "model": call.Model, "choices": []members{}, "usage": noUsage,
			})...), "\n\n"...)
		}
		body = append(body, "data: [DONE]\n\n"...)
	} else {
		said := extras
		said["role"], said["content"] = marshal("assistant"), marshal(r.answer)
		body = append(marshal(members{
			"id": id, "object": "chat.completion", "created": now, "model": call.Model, "usage": noUsage,
			"choices": []members{{"index": 0, "message": said, "finish_reason": "stop"}}, "weir": r.note(req.wishes.Explain),
		}), '\n')
	}
	r.end(nil)
	return r.headed(call, head, io.NopCloser(bytes.NewReader(body)))
}

// noUsage is what an answer that no model wrote used.
var noUsage = map[string]int{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
