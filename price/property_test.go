package price

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-dev/weir/llm"
)

// Any entry of the book, any usage: the lines add up to the cost, and the cost is the plain sum rounded once.
func TestLinesAddUpToTheCost(t *testing.T) {
	var all []Entry
	for e := range Embedded().Entries() {
		all = append(all, e)
	}
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(all).Draw(t, "entry")
		c := drawCharge(t, &e)
		q := Embedded().Explain(c)
		if q.Status != Exact {
			for _, l := range q.Lines {
				if l.AmountUSD == "" {
					return
				}
			}
			t.Fatalf("%s is %s (%s), but every line has a price", e.Name(), q.Status, q.Rule)
		}
		sum, buckets := new(big.Rat), map[string]int64{}
		for _, l := range q.Lines {
			amount, ok := new(big.Rat).SetString(l.AmountUSD)
			perMTok, ok2 := new(big.Rat).SetString(l.PerMTok)
			if !ok || !ok2 {
				t.Fatalf("line %+v has no amount or no price", l)
			}
			if !strings.Contains(l.Rule, "exactly") {
				want := new(big.Rat).Mul(perMTok, big.NewRat(l.Tokens, 1_000_000))
				if want.Cmp(amount) != 0 {
					t.Fatalf("line %+v: want an amount of %s", l, want.FloatString(24))
				}
			}
			sum.Add(sum, amount)
			if _, twice := buckets[l.Bucket]; twice {
				t.Fatalf("bucket %s has two lines", l.Bucket)
			}
			buckets[l.Bucket] = l.Tokens
		}
		// Shown amounts are off by less than 10⁻²³ dollars where they are shown shortened.
		if want, _ := round(sum); want != q.Cost {
			t.Fatalf("the lines add up to %s, the cost is %s", sum.FloatString(24), q.Cost)
		}
		var tokens int64
		for _, n := range buckets {
			tokens += n
		}
		if want := c.Usage.Input() + c.Usage.Output(); tokens != want {
			t.Fatalf("the lines have %d tokens, the usage has %d", tokens, want)
		}
	})
}

// More tokens never cost less, within one price and across the long-context threshold.
func TestCostIsMonotone(t *testing.T) {
	var all []Entry
	for e := range Embedded().Entries() {
		all = append(all, e)
	}
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(all).Draw(t, "entry")
		c := drawCharge(t, &e)
		more := c
		for _, n := range []*int64{
			&more.Usage.InputUncached, &more.Usage.CacheRead, &more.Usage.CacheWrite5m, &more.Usage.CacheWrite1h,
			&more.Usage.InputAudio, &more.Usage.OutputText, &more.Usage.Reasoning, &more.Usage.OutputAudio,
		} {
			*n += rapid.Int64Range(0, 500_000).Draw(t, "more")
		}
		less, lessKnown := Embedded().Quote(c).Known()
		cost, known := Embedded().Quote(more).Known()
		if lessKnown && known && cost < less {
			t.Fatalf("%s: %+v costs %s, %+v costs %s", e.Name(), c.Usage, less, more.Usage, cost)
		}
		if known && !lessKnown {
			t.Fatalf("%s: %+v is unpriced, %+v is not", e.Name(), c.Usage, more.Usage)
		}
		if less < 0 || cost < 0 {
			t.Fatalf("%s: negative costs %s and %s", e.Name(), less, cost)
		}
	})
}

// drawCharge is a charge for an entry on its first day or later.
func drawCharge(t *rapid.T, e *Entry) Charge {
	n := func(bucket string) int64 {
		if !rapid.Bool().Draw(t, "has "+bucket) {
			return 0
		}
		return rapid.Int64Range(0, 400_000).Draw(t, bucket)
	}
	at := e.EffectiveFrom
	if at.IsZero() {
		at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return Charge{
		Provider: e.Provider, Model: e.Model,
		At:          at.Add(time.Duration(rapid.IntRange(0, 24*7).Draw(t, "hours")) * time.Hour),
		ServiceTier: rapid.SampledFrom([]string{"", "default", "flex", "priority", "fast", "batch", "other"}).Draw(t, "tier"),
		Usage: llm.Usage{
			InputUncached: n("input"), CacheRead: n("cache read"), CacheWrite5m: n("write 5m"), CacheWrite1h: n("write 1h"), InputAudio: n("audio in"),
			OutputText: n("output"), Reasoning: n("reasoning"), OutputAudio: n("audio out"),
		},
	}
}
