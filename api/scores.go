package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Bounds of what is said of a call.
const (
	mostScores     = 1000 // in one request
	longestComment = 10_000
	longestID      = 200
)

// score is a score as the API tells it.
type score struct {
	ID         string          `json:"id"`
	CallID     string          `json:"call_id"`
	TraceID    string          `json:"trace_id"`
	StartTime  stamp           `json:"start_time"` // of the call
	Project    string          `json:"project"`
	User       string          `json:"user"`
	Session    string          `json:"session"`
	Model      string          `json:"model"`
	Prompt     string          `json:"prompt"`
	Experiment string          `json:"experiment"`
	Arm        string          `json:"arm"`
	Name       string          `json:"name"`
	Type       trace.ScoreKind `json:"type"`
	Value      any             `json:"value"` // a number, true or false, or a category's word
	Comment    string          `json:"comment"`
	Source     string          `json:"source"`
	Author     string          `json:"author"`
	Config     string          `json:"config_version"`
	Cost       *price.USD      `json:"cost_usd"` // what asking a model for it took; null: nothing was asked, or it is not known
	CreatedAt  stamp           `json:"created_at"`
}

type scoreList struct {
	Scores []score `json:"scores"`
	Next   string  `json:"next"`
}

// scoreSummary is figures of scores by name, type and what they are grouped by.
type scoreSummary struct {
	Rows []scoreFigures `json:"rows"`
}

type scoreFigures struct {
	Name       string            `json:"name"`
	Type       trace.ScoreKind   `json:"type"`
	Group      map[string]string `json:"group"`
	N          int64             `json:"n"`
	Mean       float64           `json:"mean"` // of a boolean, the share that is true
	SD         float64           `json:"sd"`
	Min        float64           `json:"min"`
	Max        float64           `json:"max"`
	P50        float64           `json:"p50"`
	Categories map[string]int64  `json:"categories"` // how many of each word
}

var scoreSources = []string{string(trace.FromAPI), string(trace.FromHuman), string(trace.FromJudge), string(trace.FromMetric)}

// scoreParams pick scores.
var scoreParams = []param{
	{name: "since", about: "of calls from this start time on: RFC 3339, a day, or how long ago"},
	{name: "until", about: "of calls before this start time"},
	{name: "call", about: "of this call"},
	{name: "trace", about: "of this trace"},
	{name: "name", about: "of this name"},
	{name: "source", about: "from there", enum: scoreSources},
	{name: "config_version", about: "made by this version"},
	{name: "project", about: "of this project's calls"},
	{name: "model", about: "of this model's answers"},
	{name: "prompt", about: "of this prompt, as name or name@version"},
	{name: "experiment", about: "of calls in this experiment"},
	{name: "arm", about: "of calls of this arm"},
}

var scoreGroupings = []string{"source", "config", "project", "model", "prompt", "experiment", "arm", "day"}

var scoreByParam = param{name: "by", about: "what to group by beside name and type, with commas: " + strings.Join(scoreGroupings, ", ")}

func readScoreFilter(q url.Values) (f trace.ScoreFilter, err error) {
	for _, p := range scoreParams {
		if v := q.Get(p.name); v != "" && p.enum != nil && !slices.Contains(p.enum, v) {
			return f, bad(p.name, "%s=%q is unknown: want %s", p.name, clip(v), strings.Join(p.enum, ", "))
		}
	}
	f = trace.ScoreFilter{
		CallID: q.Get("call"), TraceID: q.Get("trace"), Name: q.Get("name"), Source: q.Get("source"), Config: q.Get("config_version"), Project: q.Get("project"),
		Model: q.Get("model"), Prompt: q.Get("prompt"), Experiment: q.Get("experiment"), Arm: q.Get("arm"),
	}
	f.Since, f.Until, err = readSpan(q, time.Now(), time.UTC)
	return f, err
}

func (a *API) listScores(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readScoreFilter(q)
	if err != nil {
		return err
	}
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	page, err := a.cfg.Scores.ListScores(r.Context(), f, limit, q.Get("cursor"))
	if err != nil {
		return fmt.Errorf("list scores: %w", err)
	}
	out := scoreList{Scores: make([]score, len(page.Scores)), Next: page.Next}
	for i := range page.Scores {
		out.Scores[i] = scoreOf(&page.Scores[i])
	}
	return answer(w, http.StatusOK, out)
}

func scoreOf(s *trace.Score) score {
	out := score{
		ID: s.ID, CallID: s.CallID, TraceID: s.TraceID, StartTime: stamp(s.CallStart), Project: s.Project, User: s.User, Session: s.Session, Model: s.Model,
		Prompt: s.Prompt, Experiment: s.Experiment, Arm: s.Arm, Name: s.Name, Type: s.Kind, Value: s.Value, Comment: s.Comment, Source: string(s.Source),
		Author: s.Author, Config: s.Config, Cost: s.Cost, CreatedAt: stamp(s.At),
	}
	if s.PromptVersion > 0 {
		out.Prompt = fmt.Sprintf("%s@%d", s.Prompt, s.PromptVersion)
	}
	switch s.Kind {
	case trace.BooleanScore:
		out.Value = s.Value != 0
	case trace.CategoryScore:
		out.Value = s.Category
	}
	return out
}

func (a *API) sumScores(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readScoreFilter(q)
	if err != nil {
		return err
	}
	var by []string
	for name := range strings.SplitSeq(q.Get("by"), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(scoreGroupings, name) || slices.Contains(by, name) {
			return bad("by", "scores cannot be grouped by %q, or are so twice: want %s", clip(name), strings.Join(scoreGroupings, ", "))
		}
		by = append(by, name)
	}
	rows, err := a.cfg.Scores.SumScores(r.Context(), trace.ScoreQuery{Filter: f, By: by})
	if err != nil {
		return fmt.Errorf("sum scores: %w", err)
	}
	out := scoreSummary{Rows: make([]scoreFigures, len(rows))}
	for i, row := range rows {
		group := make(map[string]string, len(by))
		for k, name := range by {
			group[name] = row.Group[k]
		}
		if row.Categories == nil {
			row.Categories = map[string]int64{}
		}
		out.Rows[i] = scoreFigures{row.Name, row.Kind, group, row.N, row.Mean, row.SD, row.Min, row.Max, row.P50, row.Categories}
	}
	return answer(w, http.StatusOK, out)
}

// deleteScore stores a revision that says so.
func (a *API) deleteScore(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	page, err := a.cfg.Scores.ListScores(r.Context(), trace.ScoreFilter{ID: id}, 1, "")
	if err != nil {
		return fmt.Errorf("read score: %w", err)
	}
	if len(page.Scores) == 0 {
		return llm.Faultf(llm.NotFound, "there is no score %s: weir scores list shows them", clip(id))
	}
	s := page.Scores[0]
	s.Revision, s.Deleted, s.Author, s.At = max(time.Now().UnixMicro(), s.Revision+1), true, callerOf(r).name, time.Now()
	if err := a.cfg.Scores.PutScores(r.Context(), []trace.Score{s}); err != nil {
		return fmt.Errorf("delete score: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// scoreRoutes are those of scores.
func (a *API) scoreRoutes() []route {
	return []route{
		{
			method: "POST", path: "/scores", name: "putScores", summary: "Say what is thought of a call or a trace: one score, or a list; an id given again corrects", role: account.Developer,
			in: newScores{}, status: http.StatusCreated, out: madeScores{}, handle: a.putScores,
		},
		{
			method: "GET", path: "/scores", name: "listScores", summary: "Scores, newest call first", params: slices.Concat(scoreParams, pageParams),
			status: http.StatusOK, out: scoreList{}, handle: a.listScores,
		},
		{
			method: "GET", path: "/scores/summary", name: "sumScores", summary: "Figures of scores by name, type and group", params: append(slices.Clone(scoreParams), scoreByParam),
			status: http.StatusOK, out: scoreSummary{}, handle: a.sumScores,
		},
		{
			method: "DELETE", path: "/scores/{id}", name: "deleteScore", summary: "Take a score back", role: account.Developer, status: http.StatusNoContent, handle: a.deleteScore,
		},
	}
}
