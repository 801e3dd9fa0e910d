package price

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Quote is what c costs, without Lines. It depends on nothing but the book and c.
//
// Every bucket is charged at the price that the entry, the service tier served, the hour and the length of the whole
// input give it. A bucket without a price of its own takes that of another: cache reads and 5-minute writes and audio
// input that of fresh input, 1-hour writes that of 5-minute writes, reasoning and audio output that of output. When that
// is unknown too, the whole charge is Unpriced. So is a charge in seconds or images alone against a price per token.
// Web searches have no list price: they are shown by Explain, named in Rule, and not part of Cost.
func (b *Book) Quote(c Charge) Quote {
	var q Quote
	b.quote(&c, &q)
	return q
}

// Explain is Quote with its Lines.
func (b *Book) Explain(c Charge) Quote {
	var q Quote
	f := b.quote(&c, &q)
	q.Lines = lines(&c, f)
	return q
}

// quote fills q and gives the entry that was used; nil: none.
func (b *Book) quote(c *Charge, q *Quote) *found {
	f := b.lookup(c)
	var why string
	if f != nil {
		if why = f.quote(c, q); why == "" {
			q.Status = Exact
			return f
		}
	}
	if b.fallback != nil {
		if b.fallback.quote(c, q) == "" {
			q.Status = Default
			return b.fallback
		}
	}
	*q = Quote{Status: Unpriced}
	if f != nil {
		q.Version, q.Rule = f.version, f.rule+"; "+why
	} else {
		q.Rule = "no price is known for " + clip(c.Provider) + "/" + clip(c.Model)
	}
	return f
}

// clip keeps a name from outside from filling a record.
func clip(name string) string {
	if len(name) <= maxModel {
		return name
	}
	return strings.ToValidUTF8(name[:maxModel], "") + "…"
}

// quote prices c by the entry, or says why it cannot and leaves q half filled.
func (f *found) quote(c *Charge, q *Quote) (why string) {
	n := counts(&c.Usage)
	input, tokens := total(&n)
	q.Version, q.Rule = f.version, f.rule
	switch f.entry.Kind {
	case Free:
		return ""
	case PerCall:
		q.Cost, q.Clamped = max(f.entry.UnitUSD, 0).Clamp()
		return ""
	case PerSecond:
		seconds, ok := seconds(c.Units.AudioSeconds)
		if !ok || seconds.Sign() == 0 && tokens {
			return "the price is per second, and the seconds are not known"
		}
		q.Cost, q.Clamped = round(seconds.Mul(seconds, f.entry.unitRat()))
		return ""
	}
	if !tokens && (c.Units.AudioSeconds != 0 || c.Units.Image > 0 || c.Units.WebSearch > 0) {
		return "the price is per token, and the answer was counted in other units"
	}
	card := f.card(c.ServiceTier, input, c.At)
	cost, clamped, ok := card.sum(&n)
	if !ok {
		for b := range buckets {
			if n[b] > 0 && card.cells[b].rat == nil {
				return card.cells[b].rule
			}
		}
	}
	q.Cost, q.Clamped, q.Rule = cost, clamped, card.rule
	if c.Units.WebSearch > 0 {
		q.Rule += "; " + strconv.FormatInt(c.Units.WebSearch, 10) + " web searches not priced"
	}
	return ""
}

// total is the whole input, as far as it can be counted, and whether there are tokens at all.
func total(n *[buckets]uint64) (input uint64, tokens bool) {
	for b, count := range n {
		if bucket(b).input() {
			if input += count; input < count {
				input = math.MaxUint64
			}
		}
		tokens = tokens || count > 0
	}
	return input, tokens
}

// unitRat is UnitUSD in dollars.
func (e *Entry) unitRat() *big.Rat { return big.NewRat(int64(max(e.UnitUSD, 0)), int64(Dollar)) }

// seconds reads a number as the shortest decimal that means it, and refuses what is no length of time.
func seconds(s float64) (*big.Rat, bool) {
	if math.IsNaN(s) || math.IsInf(s, 0) || s < 0 {
		return nil, false
	}
	return new(big.Rat).SetString(strconv.FormatFloat(s, 'f', -1, 64))
}

// lines explains a charge by the entry found for it; nil: by none.
func lines(c *Charge, f *found) []Line {
	var out []Line
	n := counts(&c.Usage)
	var sheet *card
	if f != nil && (f.entry.Kind == PerToken || f.entry.Kind == "") {
		input, _ := total(&n)
		sheet = f.card(c.ServiceTier, input, c.At)
	}
	for b := range buckets {
		if n[b] == 0 {
			continue
		}
		l := Line{Bucket: bucketNames[b], Tokens: int64(n[b])}
		switch {
		case f == nil:
			l.Rule = "no price is known"
		case sheet != nil:
			sheet.cells[b].explain(&l, n[b])
		case f.entry.Kind == Free:
			l.PerMTok, l.AmountUSD, l.Rule = "0", "0", "free"
		default:
			l.AmountUSD, l.Rule = "0", "not billed by token"
		}
		out = append(out, l)
	}
	return append(out, unitLines(c, f)...)
}

// explain fills in price and amount.
func (c *cell) explain(l *Line, n uint64) {
	l.Rule = c.rule
	if c.rat == nil {
		return
	}
	var exactPrice, exactAmount bool
	l.PerMTok, exactPrice = dollarText(c.rat)
	l.AmountUSD, exactAmount = dollarText(c.amount(n))
	if !exactPrice || !exactAmount {
		l.Rule += fmt.Sprintf(" (exactly %s, shown with %d decimals)", c.rat.RatString(), maxDecimals)
	}
}

// maxDecimals is shown of a number that no decimal can write.
const maxDecimals = 24

// dollarText writes a number as an exact decimal, or, where none of up to maxDecimals is, as the nearest.
func dollarText(r *big.Rat) (text string, exact bool) {
	n, exact := r.FloatPrec()
	if exact && n <= maxDecimals {
		return r.FloatString(n), true
	}
	return r.FloatString(maxDecimals), false
}

// unitLines explains what was billed or counted beside tokens.
func unitLines(c *Charge, f *found) []Line {
	var out []Line
	var kind Kind
	if f != nil {
		kind = f.entry.Kind
	}
	if kind == PerCall {
		out = append(out, Line{Bucket: "call", Tokens: 1, AmountUSD: f.entry.unitRat().FloatString(9), Rule: f.entry.UnitUSD.String() + " dollars a call"})
	}
	unit := func(name string, count int64, counted string) {
		if count <= 0 {
			return
		}
		l := Line{Bucket: name, Tokens: count}
		switch kind {
		case Free:
			l.AmountUSD, l.Rule = "0", "free"
		case PerCall:
			l.AmountUSD, l.Rule = "0", "in the price of the call"
		default:
			l.Rule = counted
		}
		out = append(out, l)
	}
	unit("web_search", c.Units.WebSearch, "counted, not priced: no list price per search")
	unit("image", c.Units.Image, "counted: images are priced by their tokens")
	if s, ok := seconds(c.Units.AudioSeconds); ok && s.Sign() > 0 {
		text, _ := dollarText(s)
		whole := new(big.Int).Quo(s.Num(), s.Denom())
		if kind == PerSecond {
			l := Line{Bucket: "audio_seconds", Tokens: whole.Int64(), Rule: text + " seconds at " + f.entry.UnitUSD.String() + " dollars"}
			l.AmountUSD, _ = dollarText(s.Mul(s, f.entry.unitRat()))
			out = append(out, l)
		} else {
			unit("audio_seconds", max(whole.Int64(), 1), text+" seconds, counted: no price per second")
		}
	}
	return out
}
