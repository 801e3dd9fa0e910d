package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// newScore says what somebody or something thinks of a call, or, without one, of a trace.
type newScore struct {
	ID      string          `json:"id,omitempty"` // given again it corrects the score; none: one is made
	CallID  string          `json:"call_id,omitempty"`
	TraceID string          `json:"trace_id,omitempty"` // of a score of a whole trace
	Name    string          `json:"name"`               // what is judged: helpfulness, thumbs
	Value   json.RawMessage `json:"value"`              // a number, true or false, or a category's word
	Comment string          `json:"comment,omitempty"`
	Source  string          `json:"source,omitempty"`         // api unless given
	Author  string          `json:"author,omitempty"`         // what made it; of a human's score it is always who sends it
	Config  string          `json:"config_version,omitempty"` // version of what made it
}

// newScores is one score or a list of them.
type newScores struct {
	newScore
	Scores []newScore `json:"scores,omitempty"` // up to 1000, in place of one
}

type madeScores struct {
	ID  string   `json:"id,omitempty"` // of the one score
	IDs []string `json:"ids"`
}

func (a *API) putScores(w http.ResponseWriter, r *http.Request) error {
	var in newScores
	if err := read(r, &in); err != nil {
		return err
	}
	list := in.Scores
	switch one := in.newScore; {
	case list == nil:
		list = []newScore{one}
	case one.Name != "" || one.CallID != "" || one.TraceID != "" || one.Value != nil:
		return bad("scores", "the request has one score and a list of them: send one or the other")
	case len(list) == 0 || len(list) > mostScores:
		return bad("scores", "%d scores: want 1 to %d in a request", len(list), mostScores)
	}
	batch, err := a.scoresOf(r, list)
	if err != nil {
		return err
	}
	if err := a.cfg.Scores.PutScores(r.Context(), batch); err != nil {
		return fmt.Errorf("store scores: %w", err)
	}
	out := madeScores{IDs: make([]string, len(batch))}
	for i := range batch {
		out.IDs[i] = batch[i].ID
	}
	if in.Scores == nil {
		out.ID = out.IDs[0]
	}
	return answer(w, http.StatusCreated, out)
}

// scoresOf checks scores and adds what is known of their calls.
func (a *API) scoresOf(r *http.Request, list []newScore) ([]trace.Score, error) {
	now, who := time.Now(), callerOf(r)
	batch := make([]trace.Score, len(list))
	var ids []string
	seen := map[string]bool{}
	for i := range list {
		where := ""
		if len(list) > 1 {
			where = fmt.Sprintf("score %d: ", i+1)
		}
		s, err := list[i].score(where, who.name, now)
		if err != nil {
			return nil, err
		}
		if seen[s.ID] {
			return nil, bad("id", "%sthe id %q stands twice in the request", where, clip(s.ID))
		}
		seen[s.ID] = true
		batch[i] = s
		if s.CallID != "" {
			ids = append(ids, s.CallID)
		}
	}
	spans, err := a.spansOf(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	for i := range batch {
		s := &batch[i]
		if s.CallID == "" {
			lines, err := a.cfg.Reader.Trace(r.Context(), s.TraceID, 1)
			if err != nil {
				return nil, fmt.Errorf("read trace: %w", err)
			}
			if len(lines) == 0 {
				return nil, llm.Faultf(llm.NotFound, "no call of the trace %s is in the store: score it when it has been recorded", clip(s.TraceID))
			}
			about(s, &lines[0].Span)
			continue
		}
		span, found := spans[s.CallID]
		if !found {
			return nil, llm.Faultf(llm.NotFound, "there is no call %s: its id is the X-Weir-Call-Id of its answer, and it can be scored once it has been recorded", clip(s.CallID))
		}
		about(s, &span)
	}
	return batch, nil
}

// spansOf finds calls, those that wait for the store among them.
func (a *API) spansOf(ctx context.Context, ids []string) (map[string]trace.Span, error) {
	waiting := map[string]trace.Span{}
	var stored []string
	for _, id := range ids {
		if rec, ok := a.cfg.Spool.Waiting(id); ok {
			waiting[id] = rec.Call
		} else {
			stored = append(stored, id)
		}
	}
	if len(stored) == 0 {
		return waiting, nil
	}
	found, err := a.cfg.Finder.Spans(ctx, stored)
	if err != nil {
		return nil, fmt.Errorf("find calls: %w", err)
	}
	maps.Copy(found, waiting)
	return found, nil
}

// about copies what is known of a call into its score.
func about(s *trace.Score, c *trace.Span) {
	s.TraceID, s.CallStart, s.Project, s.User, s.Session, s.Model = c.TraceID, c.Start, c.Project, c.User, c.Session, c.Model
	s.Prompt, s.PromptVersion, s.Experiment, s.Arm, s.Epoch, s.Unit = c.Prompt, c.PromptVersion, c.Experiment, c.Arm, c.Epoch, c.Unit
}

// score checks one. where begins what is said of a fault.
func (in *newScore) score(where, who string, now time.Time) (trace.Score, error) {
	s := trace.Score{
		ID: in.ID, Revision: now.UnixMicro(), CallID: in.CallID, TraceID: in.TraceID, Name: in.Name, Comment: in.Comment, Author: in.Author, Config: in.Config, At: now,
		Source: trace.ScoreSource(in.Source),
	}
	if s.ID == "" {
		s.ID = llm.NewID(now)
	}
	if s.Source == "" {
		s.Source = trace.FromAPI
	}
	if s.Author == "" || s.Source == trace.FromHuman {
		s.Author = who
	}
	switch {
	case (in.CallID == "") == (in.TraceID == ""):
		return s, bad("call_id", "%sname what is scored: a call_id, or a trace_id for a trace as a whole", where)
	case !isName(in.Name):
		return s, bad("name", "%sthe name %q is none: want 1 to 64 letters, digits, dots, dashes and underscores", where, clip(in.Name))
	case !slices.Contains(scoreSources, string(s.Source)):
		return s, bad("source", "%ssource=%q is unknown: want %s", where, clip(in.Source), strings.Join(scoreSources, ", "))
	case len(in.Comment) > longestComment:
		return s, bad("comment", "%sthe comment is %d bytes long: at most %d are kept", where, len(in.Comment), longestComment)
	}
	for _, f := range []struct{ name, text string }{{"id", in.ID}, {"author", in.Author}, {"config_version", in.Config}, {"call_id", in.CallID}, {"trace_id", in.TraceID}} {
		if len(f.text) > longestID {
			return s, bad(f.name, "%s%s is %d bytes long: at most %d are kept", where, f.name, len(f.text), longestID)
		}
	}
	return s, in.value(&s, where)
}

// value reads the value by its own type.
func (in *newScore) value(s *trace.Score, where string) error {
	const want = "want a number, true or false, or the word of a category of 1 to 100 characters"
	var v any
	if in.Value == nil || json.Unmarshal(in.Value, &v) != nil {
		return bad("value", "%sthe score has no value: %s", where, want)
	}
	switch v := v.(type) {
	case float64:
		s.Kind, s.Value = trace.NumberScore, v
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return bad("value", "%sthe value is no number", where)
		}
	case bool:
		s.Kind = trace.BooleanScore
		if v {
			s.Value = 1
		}
	case string:
		s.Kind, s.Category = trace.CategoryScore, v
		if n := utf8.RuneCountInString(v); n == 0 || n > 100 {
			return bad("value", "%sthe category is %d characters long: %s", where, n, want)
		}
	default:
		return bad("value", "%sthe value %s is of another type: %s", where, clip(string(in.Value)), want)
	}
	return nil
}
