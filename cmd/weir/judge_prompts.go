package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/prompts"
)

// registryPrompt is a version of a prompt that the running weir renders.
type registryPrompt struct {
	c    *client
	name string
	v    apiPromptVersion
	asks map[string]bool // variables that it and its partials ask for: others it would not take
	hash string          // of it and of its partials as they are now
}

// judgePrompts finds judges' prompts in the running weir. A label is read once: all cases are judged by the version it meant then.
func judgePrompts(c *client) judge.Resolver {
	return func(ctx context.Context, ref string) (judge.Prompt, error) {
		name, label, err := splitRef(ref)
		if err != nil {
			return nil, err
		}
		_, v, err := c.fetchPrompt(ctx, name, label)
		if err != nil {
			return nil, err
		}
		p := &registryPrompt{c, name, v, map[string]bool{}, ""}
		if err := p.look(ctx, v, 0); err != nil {
			return nil, err
		}
		return p, nil
	}
}

// maxPartials is how deep partials are looked into.
const maxPartials = 8

// look finds which variables a version asks for.
func (p *registryPrompt) look(ctx context.Context, v apiPromptVersion, depth int) error {
	p.hash += v.Hash + " "
	made, err := prompts.Compile(prompts.Version{Name: v.Name, Number: v.Version, Content: v.Content})
	if err != nil {
		return err
	}
	for _, n := range made.Names() {
		first, _, _ := strings.Cut(n.Name, ".")
		p.asks[first] = true
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if len(v.Content.Variables) > 0 && json.Unmarshal(v.Content.Variables, &schema) == nil {
		for name := range schema.Properties {
			p.asks[name] = true
		}
	}
	for _, part := range made.Partials() {
		if depth == maxPartials {
			return fmt.Errorf("prompt %s has partials in partials more than %d deep", p.name, maxPartials)
		}
		name, ref, _ := strings.Cut(part.Ref.String(), "@")
		_, v, err := p.c.fetchPrompt(ctx, name, ref)
		if err != nil {
			return fmt.Errorf("partial %s: %w", part.Ref, err)
		}
		if err := p.look(ctx, v, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// Hash implements judge.Prompt.
func (p *registryPrompt) Hash() string { return p.hash }

// Messages implements judge.Prompt. A prompt that is one text is the user's message.
func (p *registryPrompt) Messages(ctx context.Context, variables map[string]string) ([]judge.Message, error) {
	var made struct {
		Text     string          `json:"text"`
		Messages []judge.Message `json:"messages"`
	}
	wanted := map[string]string{}
	for name, value := range variables {
		if p.asks[name] {
			wanted[name] = value
		}
	}
	in := map[string]any{"ref": fmt.Sprint(p.v.Version), "variables": wanted}
	if _, err := p.c.do(ctx, http.MethodPost, promptPath(p.name, "render"), nil, in, &made); err != nil {
		return nil, fmt.Errorf("render %s@%d: %w", p.name, p.v.Version, err)
	}
	if len(made.Messages) == 0 {
		return []judge.Message{{Role: "user", Content: made.Text}}, nil
	}
	return made.Messages, nil
}
