package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/trace"
)

// mostAgreed is how many scores of a side are held against the other's, the newest.
const mostAgreed = 10_000

// agreementSide is one of the two whose scores are compared.
type agreementSide struct {
	Name   string `json:"name"`
	Source string `json:"source"` // "": any
	Author string `json:"author"` // "": any
	Scores int    `json:"scores"`
	Capped bool   `json:"capped"` // there are more: the newest were taken
}

type agreementAnswer struct {
	A agreementSide `json:"a"`
	B agreementSide `json:"b"`
	eval.Agreement
}

func (a *API) agreementRoutes() []route {
	const side = "a score's name, with its source and author where those matter: helpful, helpful:judge, helpful:human:ann"
	return []route{{
		method: "GET", path: "/scores/agreement", name: "getScoreAgreement", summary: "How far two scores agree on the calls that have both: of a judge and of people, say",
		params: []param{
			{name: "a", about: side, required: true},
			{name: "b", about: "the same of the other, which is taken for the truth in base_rate", required: true},
			{name: "threshold", about: "numbers from it on count as true, where the other has truths", kind: "number"},
			{name: "since", about: "of calls from this start time on: RFC 3339, a day, or how long ago"},
			{name: "until", about: "of calls before this start time"},
			{name: "project", about: "of this project's calls"},
			{name: "model", about: "of this model's answers"},
			{name: "prompt", about: "of this prompt, as name or name@version"},
		},
		status: http.StatusOK, out: agreementAnswer{}, handle: a.getAgreement,
	}}
}

func (a *API) getAgreement(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := trace.ScoreFilter{Project: q.Get("project"), Model: q.Get("model"), Prompt: q.Get("prompt")}
	var err error
	if f.Since, f.Until, err = readSpan(q, time.Now(), time.UTC); err != nil {
		return err
	}
	var threshold *float64
	if text := q.Get("threshold"); text != "" {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return bad("threshold", "threshold=%q is no number", clip(text))
		}
		threshold = &v
	}
	var out agreementAnswer
	var scores [2][]trace.Score
	for i, side := range []*agreementSide{&out.A, &out.B} {
		if scores[i], err = a.sideOf(r, q, []string{"a", "b"}[i], f, side); err != nil {
			return err
		}
	}
	out.Agreement, err = eval.Agree(scores[0], scores[1], threshold)
	if errors.Is(err, eval.ErrIncomparable) {
		return bad("b", "%v", err)
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// sideOf reads the scores of one side.
func (a *API) sideOf(r *http.Request, q url.Values, param string, f trace.ScoreFilter, side *agreementSide) ([]trace.Score, error) {
	text := q.Get(param)
	parts := append(strings.SplitN(text, ":", 3), "", "")
	side.Name, side.Source, side.Author = parts[0], parts[1], parts[2]
	switch {
	case text == "":
		return nil, bad(param, "%s is missing: name a score, such as helpful:judge", param)
	case !isName(side.Name):
		return nil, bad(param, "%s=%q is no score's name: want name, name:source or name:source:author", param, clip(text))
	case side.Source != "" && !slices.Contains(scoreSources, side.Source):
		return nil, bad(param, "the source %q is unknown: want %s", clip(side.Source), strings.Join(scoreSources, ", "))
	}
	f.Name, f.Source = side.Name, side.Source
	var out []trace.Score
	for cursor := ""; ; {
		page, err := a.cfg.Scores.ListScores(r.Context(), f, 1000, cursor)
		if err != nil {
			return nil, fmt.Errorf("list scores: %w", err)
		}
		for i := range page.Scores {
			if side.Author == "" || page.Scores[i].Author == side.Author {
				out = append(out, page.Scores[i])
			}
		}
		cursor = page.Next
		if side.Capped = cursor != "" && len(out) >= mostAgreed; side.Capped || cursor == "" {
			break
		}
	}
	side.Scores = len(out)
	return out, nil
}
