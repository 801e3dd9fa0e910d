package api

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
)

// longestText bounds what people write beside a change, in bytes.
const longestText = 10_000

// textField is a field that people write.
type textField struct{ name, text string }

// checkTexts refuses what no store can keep, or no reader can read.
func checkTexts(fields ...textField) error {
	for _, f := range fields {
		if len(f.text) > longestText {
			return bad(f.name, "the %s has more than %d bytes", f.name, longestText)
		}
		if strings.ContainsRune(f.text, 0) || !utf8.ValidString(f.text) {
			return bad(f.name, "the %s is not text", f.name)
		}
	}
	return nil
}

// checkMovable refuses labels that a request cannot move at all, before anything of it is done.
func checkMovable(p *prompts.Prompt, label string) error {
	if err := prompts.CheckLabel(label); err != nil {
		return err
	}
	if label == prompts.Latest {
		return bad("label", "the label %s moves by itself, to each new version", prompts.Latest)
	}
	if p != nil {
		if _, protected := p.Protected[label]; protected {
			return fmt.Errorf("label %s of prompt %s: %w", label, p.Name, prompts.ErrProtected)
		}
	}
	return nil
}

// partialsOf finds the prompts that templates take in: of a snapshot, but for the newest version of a prompt that is about to be
// pushed, unless that is nil.
func partialsOf(s *prompts.Snapshot, next *prompts.Compiled) prompts.Resolver {
	return func(ref prompts.Ref) (*prompts.Compiled, int64, error) {
		if next != nil && ref.Name == next.Version.Name {
			p := s.State().Prompts[ref.Name]
			labelled := false
			if p != nil {
				_, labelled = p.Labels[prompts.Production]
			}
			if ref.Number == next.Version.Number || ref.Label == prompts.Latest || ref.Label == "" && ref.Number == 0 && !labelled {
				return next, 0, nil
			}
		}
		v, revision, err := s.Find(ref)
		if err != nil {
			return nil, 0, err
		}
		c, err := prompts.Compile(*v)
		return c, revision, err
	}
}

// checkPartials refuses a content that would contain itself or what cannot be taken in. What is only missing may be pushed later: it
// is a warning.
func checkPartials(s *prompts.Snapshot, name string, content prompts.Content) (warnings []string, err error) {
	next := 1
	if p := s.State().Prompts[name]; p != nil {
		next = len(p.Versions) + 1
	}
	c, err := prompts.Compile(prompts.Version{Name: name, Number: next, Content: content})
	if err != nil || len(c.Partials()) == 0 {
		return nil, err
	}
	_, err = c.Render(nil, partialsOf(s, c))
	switch {
	case errors.Is(err, prompts.ErrCycle), errors.Is(err, prompts.ErrBounds), errors.Is(err, prompts.ErrInvalid):
		return nil, err
	case errors.Is(err, prompts.ErrNoPrompt), errors.Is(err, prompts.ErrNoVersion), errors.Is(err, prompts.ErrNoLabel), errors.Is(err, prompts.ErrDeleted):
		return []string{err.Error() + "; the prompt cannot be used until it is there"}, nil
	}
	return nil, nil // variables: none were given
}

// promptFault finds the fault for what prompts, their labels and changes answer; nil when it is none of theirs.
func promptFault(err error) *llm.Fault {
	if e, ok := errors.AsType[*prompts.VariableError](err); ok {
		f := llm.Faultf(llm.PromptInvalid, "%v", err)
		f.Param = strings.TrimSuffix("variables."+e.Variable, ".")
		return f
	}
	code, remedy := llm.Code(""), ""
	for _, known := range promptFaults {
		if errors.Is(err, known.err) {
			code, remedy = known.code, known.remedy
			break
		}
	}
	if code == "" {
		return nil
	}
	text := err.Error()
	if remedy != "" {
		text += "; " + remedy
	}
	return llm.Faultf(code, "%s", text).Because(err)
}

// promptFaults are the errors of prompts with what to do about each, the first that fits.
var promptFaults = []struct {
	err    error
	code   llm.Code
	remedy string
}{
	{prompts.ErrProtected, llm.Forbidden, "ask for the move with POST " + prefix + "/prompts/NAME/changes (weir prompts changes open)"},
	{prompts.ErrOwnChange, llm.Forbidden, "somebody else with the role approver or admin has to"},
	{prompts.ErrStale, llm.Conflict, "close this change and open another"},
	{prompts.ErrNotApproved, llm.Conflict, "POST " + prefix + "/changes/ID/reviews adds a review (weir prompts changes approve)"},
	{prompts.ErrGate, llm.Conflict, "run the evaluation for the version first, or have an admin set the label's protection without a gate"},
	{prompts.ErrNotOpen, llm.Conflict, ""},
	{prompts.ErrNoChange, llm.NotFound, "GET " + prefix + "/changes lists them"},
	{prompts.ErrCycle, llm.PromptInvalid, "take one of the partials out"},
	{prompts.ErrBounds, llm.PromptInvalid, ""},
	{prompts.ErrDeleted, llm.PromptNotFound, "name a version that is there"},
	{prompts.ErrPointed, llm.Conflict, ""},
	{prompts.ErrNoMove, llm.NotFound, "GET " + prefix + "/prompts/NAME/moves lists them"},
	{prompts.ErrNoVersion, llm.PromptNotFound, ""},
	{prompts.ErrNoLabel, llm.PromptNotFound, ""},
	{prompts.ErrNoPrompt, llm.PromptNotFound, ""},
	{prompts.ErrConflict, llm.Conflict, "read it again"},
	{prompts.ErrRef, llm.InvalidRequest, ""},
	{prompts.ErrInvalid, llm.PromptInvalid, ""},
}

// sameETag says whether an If-None-Match names an ETag.
func sameETag(header, etag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == etag || one == "*" {
			return true
		}
	}
	return false
}
