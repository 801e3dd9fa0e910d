package retrieval

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ranks are those of a chunk.
type ranks = map[Stage]int

var (
	asked  = &Question{ID: "1", Question: "How many days?", Relevant: []Label{{Document: "leave.md", Quote: "thirty days"}, {Document: "faq.md"}}}
	sought = Aim(asked, func(id string) *Text {
		if id == "leave.md" {
			return NewText([]Passage{{ID: "a", Text: leave, End: len(leave)}})
		}
		return nil
	})
)

// searched is a search with a reranker: the passage with the quote is third by words, first after reranking; that of faq.md is cut.
func searched() *Found {
	return &Found{
		Chunks: []Chunk{
			{ID: "a", Document: "leave.md", Text: "Every employee", Ranks: ranks{Sparse: 3, Fused: 2, Reranked: 1, Packed: 1}},
			{ID: "x", Document: "x.md", Text: "Nothing", Ranks: ranks{Dense: 1, Fused: 1, Reranked: 2}, Dropped: Packed, Why: "too long"},
			{ID: "f", Document: "faq.md", Text: "Ask", Ranks: ranks{Dense: 2, Fused: 3}, Dropped: Fused, Why: "rank 3 is beyond the limit of 2"},
		},
		Ran: map[Stage]bool{Fused: true, Reranked: true}, Contexts: []string{leave}, Cosine: 0.5,
	}
}

func TestMeasure(t *testing.T) {
	metrics := Metrics([]int{1, 2}, nil)
	if got := len(metrics); got != 7 || metrics[6] != (Metric{"ndcg", 2}) {
		t.Fatalf("metrics %v", metrics)
	}
	r := Measure(sought, searched(), metrics) // recall@1, recall@2, hit@1, hit@2, mrr@2, ndcg@1, ndcg@2
	ideal := 1 + 1/math.Log2(3)
	want := map[Stage][]float64{
		Dense:    {0, 0.5, 0, 1, 0.5, 0, 1 / math.Log2(3) / ideal},
		Sparse:   {0.5, 0.5, 1, 1, 1, 1, 1 / ideal},
		Fused:    {0, 0.5, 0, 1, 0.5, 0, 1 / math.Log2(3) / ideal},
		MMR:      {0, 0.5, 0, 1, 0.5, 0, 1 / math.Log2(3) / ideal},
		Reranked: {0.5, 0.5, 1, 1, 1, 1, 1 / ideal},
		Packed:   {0.5, 0.5, 1, 1, 1, 1, 1 / ideal},
	}
	for stage, values := range want {
		for i, v := range values {
			if math.Abs(r.Values[stage][i]-v) > 1e-12 {
				t.Errorf("%s after %s: got %v, want %v", metrics[i], stage, r.Values[stage][i], v)
			}
		}
	}
	var ends []string
	for i := range r.Fates {
		ends = append(ends, r.Fates[i].String())
	}
	if diff := cmp.Diff(ends, []string{"given", "cut at fusion (rank 3 is beyond the limit of 2)"}); diff != "" || !r.Lost() {
		t.Error(diff)
	}
}

func TestFates(t *testing.T) {
	one := &Question{Relevant: []Label{{Document: "leave.md", Quote: "thirty days"}}}
	text := NewText(cut(leave, 47))
	for name, tt := range map[string]struct {
		found Found
		text  *Text
		want  End
	}{
		"not there":       {Found{}, nil, NotIndexed},
		"not found":       {Found{Chunks: []Chunk{{ID: "b"}}}, text, NotFound},
		"cut at fusion":   {Found{Chunks: []Chunk{{ID: "a", Ranks: ranks{Dense: 40, Fused: 31}, Dropped: Fused}}}, text, CutFused},
		"cut by mmr":      {Found{Chunks: []Chunk{{ID: "a", Ranks: ranks{Fused: 3}, Dropped: MMR}}}, text, CutMMR},
		"cut at rerank":   {Found{Chunks: []Chunk{{ID: "a", Ranks: ranks{Fused: 3, Reranked: 12}, Dropped: Reranked}}}, text, CutRerank},
		"cut by tokens":   {Found{Chunks: []Chunk{{ID: "a", Ranks: ranks{Fused: 3}, Dropped: Packed}}}, text, CutPacked},
		"within a parent": {Found{Chunks: []Chunk{{ID: "a", Ranks: ranks{Fused: 2}, Dropped: Packed}, {ID: "b", Text: "Unused days", Ranks: ranks{Fused: 1, Packed: 1}}}, Contexts: []string{leave}}, text, Given},
	} {
		t.Run(name, func(t *testing.T) {
			target := Aim(one, func(string) *Text { return tt.text })
			got := tt.found.fates(target)
			if len(got) != 1 || got[0].End != tt.want {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
		})
	}
}

func TestSummarise(t *testing.T) {
	metrics := Metrics([]int{1, 2}, nil)
	none := &Question{ID: "2", Question: "Tea?", Unanswerable: true}
	nothing := Aim(none, func(string) *Text { return nil })
	results := []Result{Measure(sought, searched(), metrics), Measure(nothing, &Found{Cosine: 0.7}, metrics), Measure(sought, &Found{}, metrics)}
	r := Summarise(results, metrics)
	if r.Questions != 2 || r.Places != 4 || r.Final != Reranked {
		t.Errorf("got %d questions, %d places, %s last", r.Questions, r.Places, r.Final)
	}
	if s, ok := r.Score(Reranked, Metric{"recall", 2}); !ok || s.Value != 0.25 || s.Low != 0 || s.High != 0.5 {
		t.Errorf("recall@2 is %+v", s)
	}
	if _, ok := r.Score(MMR, Metric{"recall", 2}); ok {
		t.Error("a stage that there was not has a score")
	}
	if u := r.Unanswered; u == nil || u.Questions != 1 || u.Empty != 1 || u.Apart == nil || *u.Apart != 0 {
		t.Errorf("unanswered %+v", u)
	}
	lost := map[End]int{}
	for _, l := range r.Lost {
		lost[l.End] = l.Places
	}
	if diff := cmp.Diff(lost, map[End]int{NotIndexed: 0, NotFound: 2, CutFused: 1, CutMMR: 0, CutRerank: 0, CutPacked: 0, Given: 1}); diff != "" {
		t.Error(diff)
	}
	if worst := r.Worst(9); len(worst) != 2 || len(worst[0].Fates) != 2 || worst[0].Fates[0].End != NotFound {
		t.Errorf("worst %+v", worst)
	}
	if empty := Summarise(results[1:2], metrics); len(empty.Scores) != 0 {
		t.Errorf("scores of no question: %+v", empty.Scores)
	}
}

func TestCompare(t *testing.T) {
	metrics := Metrics([]int{1, 2}, nil)
	worse := Summarise([]Result{Measure(sought, &Found{}, metrics)}, metrics)
	better := Summarise([]Result{Measure(sought, searched(), metrics)}, metrics)
	got, err := Compare(&worse, &better)
	if err != nil {
		t.Fatal(err)
	}
	if d := got[1]; d.Metric != (Metric{"recall", 2}) || d.A != 0 || d.B != 0.5 || d.Delta != 0.5 || d.Better != 1 || d.Worse != 0 || d.Low != 0.5 {
		t.Errorf("got %+v", d)
	}
	empty := Summarise(nil, metrics)
	if _, err := Compare(&empty, &better); err == nil {
		t.Error("reports of other questions were compared")
	}
}

func TestBounds(t *testing.T) {
	metrics := Metrics([]int{2}, nil)
	r := Summarise([]Result{Measure(sought, searched(), metrics)}, metrics)
	delta := []Difference{{Metric: Metric{"ndcg", 2}, Delta: -0.03}}
	for text, want := range map[string]string{
		"recall@2>=0.5":       "",
		"recall@2>0.5":        "recall@2>0.5: it is 0.5000",
		"dense.mrr@2 >= 0.5":  "",
		"fused.recall@2>=0.6": "fused.recall@2>=0.6: it is 0.5000",
		"recall@5>=0":         "recall@5>=0 was not measured",
		"mmr.recall@2>=0":     "mmr.recall@2>=0 was not measured",
		"delta.ndcg@2>=-0.05": "",
		"delta.ndcg@2>=-0.02": "delta.ndcg@2>=-0.02: it is -0.0300",
		"delta.recall@2>=-1":  "delta.recall@2>=-1 was not measured",
	} {
		b, err := ParseBound(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Check(&r, delta); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"", "recall@5", "recall@5=1", "recall@0>=1", "recall>=1", "f1@5>=1", "cited.recall@5>=1", "recall@5>=x", "recall@5>=1.5", "recall@5>=NaN", "recall@5<=1"} {
		if b, err := ParseBound(text); err == nil {
			t.Errorf("%q was read as %s", text, b)
		}
	}
	if got := Metrics([]int{2}, []Bound{{Metric: Metric{"mrr", 1}}, {Metric: Metric{"ndcg", 5}}}); got[len(got)-1] != (Metric{"ndcg", 5}) || len(got) != 6 {
		t.Errorf("metrics %v", got)
	}
}
