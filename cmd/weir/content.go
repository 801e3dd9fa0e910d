package main

import (
	"context"

	"github.com/weir-dev/weir/ingest/redact"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/sqldb"
	"github.com/weir-dev/weir/trace"
)

// contentSalt is what bodies are hashed with where only their hashes are recorded. All weirs of one control plane have the one that the first
// of them brought, so that equal bodies are told equal whichever recorded them.
func contentSalt(ctx context.Context, dir *dataDir, control *sqldb.DB) ([]byte, error) {
	const name = "content-salt"
	own, err := dir.randomBytes(name, 32)
	if err != nil {
		return nil, err
	}
	return control.SharedBytes(ctx, name, own)
}

// contentPolicy says how much of a body is recorded, project by project. Nil: everything of all.
func contentPolicy(cfg Config, salt []byte) func(project string, body *trace.Body) {
	general := redact.Policy(cfg.Record.Content)
	own := map[string]redact.Policy{}
	for _, p := range cfg.Projects {
		if p.Record != nil {
			own[p.Name] = redact.Policy(p.Record.Content)
		}
	}
	if general == redact.Full && len(own) == 0 {
		return nil
	}
	return func(project string, body *trace.Body) {
		policy, ok := own[project]
		if !ok {
			policy = general
		}
		body.Request, body.Response = redact.Apply(policy, salt, body.Request, body.Response)
	}
}

// preview gives what a list shows of a call: the beginning of what the user said last, and the answer. It runs off the
// path of calls, where batches are written.
func preview(r *trace.Record, most int) (input, output string) {
	c := &r.Call
	dialect := llm.OpenAI // bodies are recorded in the client's dialect, which the endpoint tells
	if c.Endpoint == llm.Messages {
		dialect = llm.Anthropic
	}
	input = llm.LastUserText(c.Endpoint, dialect, r.Body.Request, most)
	a := llm.Assemble(c.Endpoint, dialect, c.Stream, r.Body.Response)
	switch {
	case len(a.Texts) > 0 && a.Texts[0] != "":
		output = a.Texts[0]
	case a.Refusal != "":
		output = a.Refusal
	case len(a.ToolCalls) > 0:
		output = a.ToolCalls[0].Name + "(" + a.ToolCalls[0].Arguments + ")"
	}
	return input, output
}
