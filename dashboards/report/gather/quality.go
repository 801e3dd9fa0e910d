package gather

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/trace"
)

// scores fills the scores, by name, against those of the period before.
func (s *Sources) scores(ctx context.Context, in *span, r *report.Report) error {
	now, err := s.scoresOf(ctx, in.project, in.since, in.through)
	if err != nil {
		return err
	}
	before, err := s.scoresOf(ctx, in.project, in.before, in.until)
	if err != nil {
		return err
	}
	r.Scores = []report.Score{}
	for i := range now {
		f := &now[i]
		out := report.Score{Name: f.Name, Kind: string(f.Kind), N: f.N, Categories: f.Categories}
		if out.Categories == nil {
			out.Categories = map[string]int64{}
		}
		if f.Kind != trace.CategoryScore {
			out.Mean = &f.Mean
		}
		if k := slices.IndexFunc(before, func(b trace.ScoreFigures) bool { return b.Name == f.Name && b.Kind == f.Kind }); k >= 0 {
			out.BeforeN = before[k].N
			if f.Kind != trace.CategoryScore {
				out.BeforeMean = &before[k].Mean
			}
		}
		r.Scores = append(r.Scores, out)
	}
	slices.SortFunc(r.Scores, func(a, b report.Score) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	return nil
}

func (s *Sources) scoresOf(ctx context.Context, project string, since, until time.Time) ([]trace.ScoreFigures, error) {
	list, err := s.Scores.SumScores(ctx, trace.ScoreQuery{Filter: trace.ScoreFilter{Since: since, Until: until, Project: project}})
	return slices.DeleteFunc(list, func(f trace.ScoreFigures) bool { return f.N == 0 }), err
}
