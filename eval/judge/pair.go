package judge

import (
	"context"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/eval/stats"
)

// Pair are two outputs for one input.
type Pair struct {
	Input    string   `json:"input"`
	A        string   `json:"a"`
	B        string   `json:"b"`
	Expected string   `json:"expected,omitempty"`
	Contexts []string `json:"contexts,omitempty"`
}

// Winner is which output is better.
type Winner string

// The verdicts on a pair.
const (
	WinnerA Winner = "a"
	WinnerB Winner = "b"
	Tie     Winner = "tie"
)

// PairJudgement is what a pairwise judge says of a pair. It was asked twice, with the outputs in either order: only what it says both
// times holds, all else is a tie.
type PairJudgement struct {
	State  State  `json:"state"`
	Winner Winner `json:"winner,omitempty"` // meaningless unless scored
	// First is the verdict with a in front, Second with b in front; both in terms of a and b.
	First  Winner `json:"first,omitempty"`
	Second Winner `json:"second,omitempty"`
	// Flipped is set when the two verdicts differ.
	Flipped bool   `json:"flipped,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Raw     string `json:"raw,omitempty"`
	Tally   Tally  `json:"tally"`
}

// Pairs is a pairwise judge. Safe for concurrent use.
type Pairs struct {
	base
	rubric Rubric
	reader *reader
}

// NewPairwise makes a judge that compares two outputs by a rubric's criteria.
func NewPairwise(ctx context.Context, c Config, asker *Asker, prompts Resolver) (*Pairs, error) {
	c.Kind = Pairwise
	if err := c.Check(); err != nil {
		return nil, err
	}
	prompt, err := c.resolve(ctx, prompts)
	if err != nil {
		return nil, err
	}
	rubric, err := c.rubric()
	if err != nil {
		return nil, err
	}
	p := &Pairs{base{asker: asker, cfg: c, prompt: prompt}, rubric, newReader(marshal(object([]string{"reason", "winner"}, map[string]any{
		"reason": map[string]any{"type": "string"}, "winner": map[string]any{"type": "string", "enum": []string{"first", "second", "tie"}},
	})))}
	p.seal(rubric.Name, rubric.hash())
	return p, nil
}

// Plan gives the two questions that judging a pair asks, for an estimate.
func (p *Pairs) Plan(ctx context.Context, pair Pair) ([]Question, error) {
	ab, err := p.ordered(ctx, &pair, pair.A, pair.B, "ab")
	if err != nil {
		return nil, err
	}
	ba, err := p.ordered(ctx, &pair, pair.B, pair.A, "ba")
	return []Question{ab, ba}, err
}

// Estimate plans the judging of pairs and asks nothing.
func (p *Pairs) Estimate(ctx context.Context, pairs []Pair) (Estimate, error) {
	e := Estimate{Cases: len(pairs)}
	for _, pair := range pairs {
		if p.lacks(&pair) != "" {
			continue
		}
		questions, err := p.Plan(ctx, pair)
		if err != nil {
			return e, err
		}
		p.asker.add(ctx, &e, questions)
	}
	return e, nil
}

func (p *Pairs) ordered(ctx context.Context, pair *Pair, first, second, step string) (Question, error) {
	// The id is of both texts, in the same order both times.
	c := Case{Input: pair.Input, Output: pair.A + "\x00" + pair.B, Expected: pair.Expected, Contexts: pair.Contexts}
	v := c.variables()
	p.rubric.fill(v)
	delete(v, "output")
	v["first"], v["second"] = fence("first output", v["id"], first), fence("second output", v["id"], second)
	v["format"] = formatOf(p.reader.text)
	messages, err := p.prompt.Messages(ctx, v)
	return p.question(step, 0, messages, p.reader, mostReason, usualReason), err
}

func (p *Pairs) lacks(pair *Pair) string {
	c := Case{Input: pair.Input, Output: pair.A + pair.B, Expected: pair.Expected, Contexts: pair.Contexts}
	return p.rubric.lacks(&c)
}

// Judge compares a pair. An error is for what stops more than this pair, as Judge's.
func (p *Pairs) Judge(ctx context.Context, pair Pair) (PairJudgement, error) {
	if lacks := p.lacks(&pair); lacks != "" {
		return PairJudgement{State: Unscorable, Reason: lacks}, nil
	}
	questions, err := p.Plan(ctx, pair)
	if err != nil {
		return PairJudgement{}, &StopError{err}
	}
	var (
		out      PairJudgement
		verdicts [2]Winner
		reasons  [2]string
	)
	for i, q := range questions {
		var said struct {
			Reason string `json:"reason"`
			Winner string `json:"winner"`
		}
		_, tally, err := p.asker.ask(ctx, q, func(r *Reply) error { return p.reader.read(r, &said) })
		out.Tally.Add(tally)
		if err != nil {
			j, err := outcome(err, out.Tally)
			out.State, out.Reason, out.Raw = j.State, j.Reason, j.Raw
			return out, err
		}
		front, back := WinnerA, WinnerB
		if i == 1 {
			front, back = back, front
		}
		verdicts[i] = map[string]Winner{"first": front, "second": back, "tie": Tie}[said.Winner]
		reasons[i] = clip(said.Reason, MaxRaw)
	}
	out.State, out.First, out.Second = Scored, verdicts[0], verdicts[1]
	out.Winner, out.Reason = out.First, reasons[0]
	if out.First != out.Second {
		out.Winner, out.Flipped = Tie, true
		out.Reason = fmt.Sprintf("the verdict changed with the order: %s with a in front (%s), %s with b in front (%s)", out.First, clip(reasons[0], 500), out.Second, clip(reasons[1], 500))
	}
	return out, nil
}

// Contest sums up pairs.
type Contest struct {
	Pairs      int `json:"pairs"`
	Scored     int `json:"scored"`
	Unscorable int `json:"unscorable"`
	Failed     int `json:"failed"`
	WinsA      int `json:"wins_a"`
	WinsB      int `json:"wins_b"`
	Ties       int `json:"ties"` // flips among them
	Flips      int `json:"flips"`
	// PositionBias is the share of scored pairs whose verdict changed with the order; nil when none was scored.
	PositionBias *float64 `json:"position_bias"`
	// First and Back count the flips that kept to the front place, and to the back one.
	First int `json:"flips_to_first"`
	Back  int `json:"flips_to_second"`
	// WinRate is that of b among decided pairs, with its Wilson interval at 95 %; nil when none is decided.
	WinRate  *float64        `json:"win_rate_b"`
	Interval *stats.Interval `json:"win_rate_interval"`
	// P is the two-sided sign test's over decided pairs.
	P     float64 `json:"p"`
	Tally Tally   `json:"tally"`
}

// Sum makes a contest of judgements.
func Sum(judgements []PairJudgement) Contest {
	c := Contest{Pairs: len(judgements)}
	for _, j := range judgements {
		c.Tally.Add(j.Tally)
		switch j.State {
		case Scored:
			c.Scored++
		case Unscorable:
			c.Unscorable++
			continue
		default:
			c.Failed++
			continue
		}
		switch j.Winner {
		case WinnerA:
			c.WinsA++
		case WinnerB:
			c.WinsB++
		default:
			c.Ties++
		}
		if j.Flipped {
			c.Flips++
			switch {
			case j.First == WinnerA && j.Second == WinnerB:
				c.First++
			case j.First == WinnerB && j.Second == WinnerA:
				c.Back++
			}
		}
	}
	if c.Scored > 0 {
		bias := float64(c.Flips) / float64(c.Scored)
		c.PositionBias = &bias
	}
	if decided := c.WinsA + c.WinsB; decided > 0 {
		rate := float64(c.WinsB) / float64(decided)
		c.WinRate = &rate
		if in, ok := stats.Wilson(c.WinsB, decided, 0); ok {
			c.Interval = &in
		}
	}
	c.P = stats.SignTest(c.WinsA, c.WinsB)
	return c
}

// String says a contest in one line.
func (c Contest) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "a wins %d, b wins %d, ties %d of %d pairs", c.WinsA, c.WinsB, c.Ties, c.Scored)
	if c.PositionBias != nil {
		fmt.Fprintf(&b, "; verdict changed with the order in %.1f %%", 100**c.PositionBias)
	}
	if left := c.Unscorable + c.Failed; left > 0 {
		fmt.Fprintf(&b, "; %d without a verdict", left)
	}
	return b.String()
}
