package judge

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func pairs(t *testing.T, m *model) *Pairs {
	t.Helper()
	p, err := NewPairwise(t.Context(), Config{Rubric: "helpfulness", Model: "m"}, asker(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAJudgeThatSaysFirstYieldsTies is why pairs are asked both ways.
func TestAJudgeThatSaysFirstYieldsTies(t *testing.T) {
	for _, place := range []string{"first", "second"} {
		p := pairs(t, says(`{"reason":"it stands there","winner":"`+place+`"}`))
		var all []PairJudgement
		for i := range 20 {
			got, err := p.Judge(t.Context(), Pair{Input: "q", A: fmt.Sprintf("a%d", i), B: fmt.Sprintf("b%d", i)})
			if err != nil {
				t.Fatal(err)
			}
			if got.State != Scored || got.Winner != Tie || !got.Flipped {
				t.Fatalf("%s: got %+v, want a tie", place, got)
			}
			all = append(all, got)
		}
		c := Sum(all)
		if c.Ties != 20 || c.WinsA+c.WinsB != 0 || c.PositionBias == nil || *c.PositionBias != 1 || c.WinRate != nil || c.P != 1 {
			t.Errorf("%s: got %+v", place, c)
		}
		if place == "first" && (c.First != 20 || c.Back != 0) || place == "second" && (c.First != 0 || c.Back != 20) {
			t.Errorf("%s: flips kept to the front %d times, to the back %d", place, c.First, c.Back)
		}
	}
}

// TestAJudgeThatReads finds the better one wherever it stands.
func TestAJudgeThatReads(t *testing.T) {
	m := &model{}
	m.answer = func(a *asked) reply {
		good, bad := strings.Index(a.last(), "GOOD"), strings.Index(a.last(), "BAD")
		switch {
		case good < 0 || bad < 0:
			return reply{text: `{"reason":"alike","winner":"tie"}`}
		case good < bad:
			return reply{text: `{"reason":"better","winner":"first"}`}
		}
		return reply{text: `{"reason":"better","winner":"second"}`}
	}
	p := pairs(t, m)
	rapid.Check(t, func(t *rapid.T) {
		var all []PairJudgement
		var a, b, ties int
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			pair := Pair{Input: "q", A: "BAD", B: "BAD"}
			switch rapid.IntRange(0, 2).Draw(t, "better") {
			case 0:
				pair.A = "GOOD"
				a++
			case 1:
				pair.B = "GOOD"
				b++
			default:
				ties++
			}
			got, err := p.Judge(t.Context(), pair)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, got)
		}
		c := Sum(all)
		if c.WinsA != a || c.WinsB != b || c.Ties != ties || c.Flips != 0 || *c.PositionBias != 0 || c.Tally.Calls != 2*len(all) {
			t.Fatalf("got %+v, want %d, %d, %d", c, a, b, ties)
		}
		if a+b > 0 && (*c.WinRate != float64(b)/float64(a+b) || !c.Interval.Contains(*c.WinRate)) {
			t.Fatalf("win rate %v, %v", *c.WinRate, c.Interval)
		}
	})
}

func TestPairsWithoutAVerdict(t *testing.T) {
	n := 0
	m := &model{}
	m.answer = func(*asked) reply {
		n++
		if n == 1 {
			return reply{text: `{"reason":"x","winner":"first"}`}
		}
		return reply{text: "the first one, surely"}
	}
	got, err := pairs(t, m).Judge(t.Context(), Pair{Input: "q", A: "a", B: "b"})
	if err != nil || got.State != Unscorable || got.Raw != "the first one, surely" {
		t.Errorf("one of two orders unreadable: got %+v, %v", got, err)
	}
	wavers := &model{}
	wavers.answer = func(a *asked) reply {
		if strings.Index(a.last(), "left") < strings.Index(a.last(), "right") {
			return reply{text: `{"reason":"x","winner":"tie"}`}
		}
		return reply{text: `{"reason":"x","winner":"first"}`}
	}
	got, err = pairs(t, wavers).Judge(t.Context(), Pair{Input: "q", A: "left", B: "right"})
	if err != nil || got.Winner != Tie || !got.Flipped || got.First != Tie || got.Second != WinnerB {
		t.Errorf("a tie and a winner: got %+v, %v", got, err)
	}
	c := Sum([]PairJudgement{got, {State: Unscorable}, {State: Failed}})
	if c.Scored != 1 || c.Unscorable != 1 || c.Failed != 1 || c.Pairs != 3 || c.First+c.Back != 0 || c.Flips != 1 {
		t.Errorf("got %+v", c)
	}
	if s := c.String(); !strings.Contains(s, "2 without a verdict") {
		t.Errorf("got %q", s)
	}
}
