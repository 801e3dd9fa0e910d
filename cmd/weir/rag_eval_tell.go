package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval/retrieval"
)

// tell prints what came of it.
func (e *ragEval) tell(cmd *cobra.Command, v *ragEvaluation) error {
	switch {
	case asJSON(cmd):
		return e.s.line(v)
	case e.csv:
		return e.s.resultLines(&v.Report)
	}
	if err := e.s.measured(v.ragMeasured, e.stages); err != nil {
		return err
	}
	if v.Against != nil {
		if err := e.s.differences(v); err != nil {
			return err
		}
	}
	if err := e.s.worst(&v.Report, e.worst); err != nil {
		return err
	}
	for _, g := range v.Gates {
		if g.Passed {
			e.s.note("%s holds", g.Gate)
		}
	}
	return nil
}

// measured shows the figures of one side.
func (s *screen) measured(m *ragMeasured, stages bool) error {
	s.facts("pipeline", m.Pipeline, "collection", m.Collection, "embedding", m.Embedding, "splitter", m.Splitter,
		"questions", fmt.Sprintf("%d, which %s", m.Questions, noun(m.Places, "place")+" of the documents answer"),
		"retrieval", fmt.Sprintf("%.1f ms at the median, %.1f ms at the 95th percentile", m.RetrievalP50, m.RetrievalP95))
	s.title(fmt.Sprintf("after the last stage of ranking (%s)", m.Final))
	sh := sheet{columns: []column{{name: "metric"}, {name: "mean", right: true}, {name: "95 %"}, {name: "", drop: 1}}}
	for _, metric := range m.Metrics {
		if x, ok := m.Score(m.Final, metric); ok {
			sh.rows = append(sh.rows, []string{metric.String(), share(x.Value), share(x.Low) + "–" + share(x.High), gauge(x.Value, x.Low, x.High)})
		}
	}
	if err := s.table(sh); err != nil {
		return err
	}
	if stages {
		if err := s.byStage(&m.Report); err != nil {
			return err
		}
	}
	if err := s.byKind(&m.Report); err != nil {
		return err
	}
	if err := s.ends(&m.Report); err != nil {
		return err
	}
	if u := m.Unanswered; u != nil {
		apart := ""
		if u.Apart != nil {
			apart = fmt.Sprintf("; by its best cosine, a question with an answer stands above one without in %.0f %% of pairs", 100**u.Apart)
		}
		fmt.Fprintf(s.out, "\nnothing answers %s: for %d of them nothing was given to the model%s\n", noun(u.Questions, "question"), u.Empty, apart)
	}
	return nil
}

// share writes a number from 0 to 1.
func share(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }

const gaugeWidth = 30

// gauge draws a share and its interval on a line from 0 to 1.
func gauge(value, low, high float64) string {
	place := func(x float64) int { return max(0, min(gaugeWidth, int(math.Round(x*gaugeWidth)))) }
	cells := []rune(strings.Repeat("█", place(value)) + strings.Repeat("·", gaugeWidth-place(value)))
	for i := place(low); i < place(high); i++ {
		if cells[i] == '·' {
			cells[i] = '░'
		} else {
			cells[i] = '▓'
		}
	}
	return string(cells)
}

// byStage shows every metric after every stage.
func (s *screen) byStage(r *retrieval.Report) error {
	s.title("after each stage")
	sh := sheet{columns: []column{{name: "stage"}}}
	for _, m := range r.Metrics {
		sh.columns = append(sh.columns, column{name: m.String(), right: true})
	}
	sh.columns = append(sh.columns, column{name: r.Metrics[len(r.Metrics)-1].String() + ", 95 %", drop: 1})
	for _, st := range retrieval.Stages {
		row := []string{string(st)}
		var last retrieval.Score
		for _, m := range r.Metrics {
			x, ok := r.Score(st, m)
			if !ok {
				break
			}
			last, row = x, append(row, share(x.Value))
		}
		if len(row) > 1 {
			sh.rows = append(sh.rows, append(row, gauge(last.Value, last.Low, last.High)))
		}
	}
	return s.table(sh)
}

// byKind shows kinds of questions, when there are any.
func (s *screen) byKind(r *retrieval.Report) error {
	if len(r.Kinds) == 0 {
		return nil
	}
	s.title("by kind of question")
	sh := sheet{columns: []column{{name: "kind", flex: true}, {name: "questions", right: true}}}
	for _, m := range r.Metrics {
		sh.columns = append(sh.columns, column{name: m.String(), right: true})
	}
	for _, g := range r.Kinds {
		row := []string{g.Kind, strconv.Itoa(g.Questions)}
		for _, v := range g.Values {
			row = append(row, share(v))
		}
		sh.rows = append(sh.rows, row)
	}
	return s.table(sh)
}

// ends shows where the way of what answers ended.
func (s *screen) ends(r *retrieval.Report) error {
	s.title("where the places that answer came to")
	sh := sheet{columns: []column{{name: "end"}, {name: "places", right: true}, {name: "", drop: 1}}}
	for _, l := range r.Lost {
		if l.Places == 0 {
			continue
		}
		part := float64(l.Places) / float64(r.Places)
		sh.rows = append(sh.rows, []string{string(l.End), strconv.Itoa(l.Places), gauge(part, part, part)})
	}
	return s.table(sh)
}

// differences shows a comparison, question by question.
func (s *screen) differences(v *ragEvaluation) error {
	s.title(fmt.Sprintf("%s (%s), compared with %s (%s)", v.Pipeline, v.Collection, v.Against.Pipeline, v.Against.Collection))
	sh := sheet{columns: []column{
		{name: "metric"},
		{name: "was", right: true},
		{name: "is", right: true},
		{name: "difference", right: true, paint: differenceColour},
		{name: "95 %"},
		{name: "p", right: true},
		{name: "better", right: true, drop: 1},
		{name: "worse", right: true, drop: 1},
	}}
	for _, d := range v.Differences {
		sh.rows = append(sh.rows, []string{
			d.Metric.String(), share(d.A), share(d.B), fmt.Sprintf("%+.3f%s", d.Delta, surely(&d)), fmt.Sprintf("%+.3f to %+.3f", d.Low, d.High),
			chance(d.P), strconv.Itoa(d.Better), strconv.Itoa(d.Worse),
		})
	}
	return s.table(sh)
}

// chance writes a p-value.
func chance(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return share(p)
}

// surely marks a difference whose interval leaves zero out.
func surely(d *retrieval.Difference) string {
	if d.Low > 0 || d.High < 0 {
		return " *"
	}
	return ""
}

func differenceColour(cell string) text.Colors {
	switch {
	case !strings.HasSuffix(cell, "*"):
		return nil
	case strings.HasPrefix(cell, "+"):
		return text.Colors{text.FgGreen}
	}
	return text.Colors{text.FgRed}
}

// worst shows the questions that fared worst, and where what answers them was lost.
func (s *screen) worst(r *retrieval.Report, n int) error {
	list := r.Worst(n)
	if len(list) == 0 {
		return nil
	}
	s.title("worst questions")
	for _, x := range list {
		fmt.Fprintf(s.out, "%s  %s\n", s.paint(clean(x.Question.ID), text.Bold), clean(x.Question.Question))
		for i := range x.Fates {
			f := &x.Fates[i]
			fmt.Fprintf(s.out, "    %s%s: %s%s\n", clean(f.Label.Document), quoted(f.Label.Quote), clean(f.String()), standings(f))
		}
	}
	return nil
}

const shownQuote = 70 // characters

func quoted(quote string) string {
	if quote == "" {
		return ""
	}
	return " “" + text.Snip(clean(quote), shownQuote, "…") + "”"
}

// standings are the ranks of a passage after each stage.
func standings(f *retrieval.Fate) string {
	var out []string
	for _, st := range retrieval.Stages {
		if r := f.Ranks[st]; r > 0 {
			out = append(out, fmt.Sprintf("%s %d", st, r))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "; " + strings.Join(out, ", ")
}

// resultLines prints each question's figures as comma-separated values.
func (s *screen) resultLines(r *retrieval.Report) error {
	w := csv.NewWriter(s.out)
	head := []string{"question", "kind", "stage"}
	for _, m := range r.Metrics {
		head = append(head, m.String())
	}
	rows := [][]string{append(head, "end")}
	for i := range r.Results {
		x := &r.Results[i]
		for _, st := range retrieval.Stages {
			if len(x.Values[st]) == 0 || !slices.ContainsFunc(r.Scores, func(sc retrieval.Score) bool { return sc.Stage == st }) {
				continue
			}
			row := []string{x.Question.ID, x.Question.Kind, string(st)}
			for _, v := range x.Values[st] {
				row = append(row, strconv.FormatFloat(v, 'f', -1, 64))
			}
			rows = append(rows, append(row, string(x.Fates[0].End)))
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("print comma-separated values: %w", err)
	}
	return nil
}
