package eval

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/trace"
)

// said are scores of calls c0, c1, … by one side.
func said(values ...any) []trace.Score {
	var out []trace.Score
	for i, v := range values {
		at := time.Date(2026, 11, 25, 8, 0, i, 0, time.UTC)
		s := trace.Score{ID: fmt.Sprint(i), CallID: fmt.Sprint("c", i), CallStart: at, At: at}
		switch v := v.(type) {
		case nil:
			continue
		case float64:
			s.Kind, s.Value = trace.NumberScore, v
		case bool:
			if s.Kind = trace.BooleanScore; v {
				s.Value = 1
			}
		case string:
			s.Kind, s.Category = trace.CategoryScore, v
		}
		out = append(out, s)
	}
	return out
}

func near(t *testing.T, name string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-9 {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func TestHowFarTruthsAgree(t *testing.T) {
	// 4 both, 3 neither, 2 only a, 1 only b: agreement 0.7, by chance 0.5.
	a := said(true, true, true, true, false, false, false, true, true, false, true)
	b := said(true, true, true, true, false, false, false, false, false, true)
	got, err := Agree(a, b, nil)
	if err != nil || got.Classes == nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]int{{3, 1}, {2, 4}}, got.Classes.Matrix); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	near(t, "agreement", &got.Classes.Agreement, 0.7)
	near(t, "kappa", got.Classes.Kappa, 0.4)
	if got.Pairs != 10 || got.OnlyA != 1 || got.OnlyB != 0 || got.Disagreed != 3 || len(got.Disagreements) != 3 || got.Disagreements[0].CallID != "c9" {
		t.Errorf("%+v", got)
	}
	if in := got.Classes.KappaIn; in == nil || !in.Contains(0.4) || in.Low > 0 {
		t.Errorf("kappa's interval is %+v", in)
	}
	if got.Classes.BaseRate != 0.5 {
		t.Errorf("base rate %v", got.Classes.BaseRate)
	}
}

func TestHowFarWordsAgree(t *testing.T) {
	got, err := Agree(said("good", "good", "bad", "ugly"), said("good", "bad", "bad", "good"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"good", "bad", "ugly"}, got.Classes.Names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([][]int{{1, 1, 0}, {0, 1, 0}, {1, 0, 0}}, got.Classes.Matrix); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	same, err := Agree(said("a", "a"), said("a", "a"), nil)
	if err != nil || same.Classes.Kappa != nil || same.Classes.Agreement != 1 || same.Notes["kappa"] == "" {
		t.Errorf("all of one class: %+v, %v", same.Classes, err)
	}
}

func TestHowFarNumbersAgree(t *testing.T) {
	got, err := Agree(said(1.0, 2.0, 3.0, 4.0, 5.0, nil), said(2.0, 2.0, 3.0, 5.0, 1.0, 4.0), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := got.Numbers
	near(t, "mean difference", &n.Difference, 0.4)
	near(t, "sd", n.SD, math.Sqrt(4.3))
	near(t, "low", n.Low, 0.4-1.96*math.Sqrt(4.3))
	near(t, "pearson", n.Pearson, 0.10425720702853739)
	near(t, "equal", &n.Equal, 0.4)
	if got.Kind != trace.NumberScore || got.OnlyB != 1 || got.Disagreed != 3 || got.Disagreements[0].CallID != "c4" || len(got.Points) != 5 || got.Weighted == nil || n.Spearman == nil || n.SpearmanIn == nil {
		t.Errorf("%+v", got)
	}
}

func TestSeveralScoresOfASideAreOne(t *testing.T) {
	a := append(said(1.0), said(2.0)...)
	got, err := Agree(a, said(1.5), nil)
	if err != nil || got.Numbers.Difference != 0 || got.Pairs != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	words := append(append(said("x"), said("y")...), said("y")...)
	got, err = Agree(words, said("y"), nil)
	if err != nil || got.Classes.Agreement != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	if _, err := Agree(said(0.5), said(true), nil); !errors.Is(err, ErrIncomparable) || !strings.Contains(err.Error(), "threshold") {
		t.Errorf("%v", err)
	}
	half := 0.5
	got, err := Agree(said(0.5, 0.4), said(true, false), &half)
	if err != nil || got.Classes.Agreement != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	var many []any
	for i := range mostClasses + 1 {
		many = append(many, fmt.Sprint("w", i))
	}
	if _, err := Agree(said(many...), said(many...), nil); !errors.Is(err, ErrIncomparable) {
		t.Errorf("%v", err)
	}
	if got, err := Agree(nil, said(true), nil); err != nil || got.Pairs != 0 || got.OnlyB != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
