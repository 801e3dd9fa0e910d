package price

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/weir-dev/weir/llm"
)

// bucket is one of llm.Usage's, in its order.
type bucket int

const (
	inputUncached bucket = iota
	cacheRead
	cacheWrite5m
	cacheWrite1h
	inputAudio
	outputText
	reasoning
	outputAudio
	buckets
)

// bucketNames are the JSON names of llm.Usage.
var bucketNames = [buckets]string{
	"input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "output_text", "reasoning", "output_audio",
}

// instead says, for a bucket without a price of its own, whose price is taken, best first. Tokens written to a cache or
// heard were input all the same, and reasoning is output; a price that no bucket has is not known.
var instead = [buckets][]bucket{
	cacheRead:    {inputUncached},
	cacheWrite5m: {inputUncached},
	cacheWrite1h: {cacheWrite5m, inputUncached},
	inputAudio:   {inputUncached},
	reasoning:    {outputText},
	outputAudio:  {outputText},
}

// input says whether b is on the input side.
func (b bucket) input() bool { return b < outputText }

// counts spreads a usage over the buckets. A negative count bills nothing: usage never pays money back.
func counts(u *llm.Usage) [buckets]uint64 {
	return [buckets]uint64{
		inputUncached: atLeast0(u.InputUncached),
		cacheRead:     atLeast0(u.CacheRead),
		cacheWrite5m:  atLeast0(u.CacheWrite5m),
		cacheWrite1h:  atLeast0(u.CacheWrite1h),
		inputAudio:    atLeast0(u.InputAudio),
		outputText:    atLeast0(u.OutputText),
		reasoning:     atLeast0(u.Reasoning),
		outputAudio:   atLeast0(u.OutputAudio),
	}
}

func atLeast0(n int64) uint64 { return uint64(max(n, 0)) }

// service is what was paid for, by the tier the provider says it served.
type service int

const (
	standard service = iota
	flex
	priority
	fast
	batch
	unknownService // priced as standard, and said
	services
)

var serviceNames = [services]string{"standard", "flex", "priority", "fast", "batch", "unknown"}

// serviceOf reads a service tier as providers write it.
func serviceOf(tier string) service {
	switch tier {
	case "", "default", "standard", "auto", "on_demand", "ON_DEMAND", "standard_only":
		return standard
	case "flex", "ON_DEMAND_FLEX":
		return flex
	case "priority", "ON_DEMAND_PRIORITY":
		return priority
	case "fast":
		return fast
	case "batch":
		return batch
	}
	return unknownService
}

// prices gives the input and output price of a service; the zero Rate where there is none.
func (s service) prices(e *Entry) (in, out Rate) {
	switch s {
	case flex:
		return e.FlexInput, e.FlexOutput
	case priority:
		return e.PriorityInput, e.PriorityOutput
	case batch:
		return e.BatchInput, e.BatchOutput
	case fast:
		if e.FastInput.Known() || e.FastOutput.Known() {
			return e.FastInput, e.FastOutput
		}
		return e.PriorityInput, e.PriorityOutput
	}
	return Rate{}, Rate{}
}

// card is what each bucket costs under one entry for one service, length and hour. It is immutable.
type card struct {
	cells   [buckets]cell
	rule    string // of the Quote
	unusual bool   // some cell is no whole number of attodollars: cents must be added as fractions
}

// cell is the price of one token of a bucket.
type cell struct {
	atto uint64   // attodollars, when whole
	rat  *big.Rat // dollars per million tokens; nil: unknown
	rule string
}

// newCard works a card out. The price of a service, of a long request or of a peak hour is given for input and output;
// what is not given (cache, audio, reasoning) moves by the same factor as its side, exactly.
func newCard(e *Entry, found string, s service, long bool, peak *Peak) *card {
	in, out := e.Input.rat(), e.Output.rat()
	var (
		given = [buckets]Rate{e.Input, e.CacheRead, e.CacheWrite5m, e.CacheWrite1h, e.InputAudio, e.Output, e.Reasoning, e.OutputAudio}
		rats  [buckets]*big.Rat
		rules [buckets][]string
		notes = []string{found}
	)
	for b := range buckets {
		rats[b] = given[b].rat()
		rules[b] = []string{strings.ReplaceAll(bucketNames[b], "_", " ")}
	}
	// side moves all prices of one side from the standard price to another.
	side := func(inputs bool, from *big.Rat, to Rate, why string) {
		if !to.Known() {
			return
		}
		first, text := outputText, "output"
		if inputs {
			first, text = inputUncached, "input"
		}
		if from == nil || from.Sign() == 0 {
			rats[first] = to.rat()
			rules[first] = append(rules[first], why)
			return
		}
		factor := new(big.Rat).Quo(to.rat(), from)
		for b := range buckets {
			if b.input() == inputs && rats[b] != nil {
				rats[b] = new(big.Rat).Mul(rats[b], factor)
				rules[b] = append(rules[b], fmt.Sprintf("%s: %s x %s", why, ratText(factor), text))
			}
		}
	}

	if peak != nil {
		why := "peak hour " + peak.Hours.String() + " UTC"
		notes = append(notes, why)
		side(true, in, peak.Input, why)
		side(false, out, peak.Output, why)
		if peak.CacheRead.Known() {
			rats[cacheRead] = peak.CacheRead.rat()
			rules[cacheRead] = []string{"cache read", why}
		}
	}
	switch sIn, sOut := s.prices(e); {
	case s == unknownService:
		notes = append(notes, "service tier not known here, standard price")
	case s == standard:
	case !sIn.Known() && !sOut.Known():
		notes = append(notes, "no price of its own for service tier "+serviceNames[s]+", standard price")
	default:
		notes = append(notes, "service tier "+serviceNames[s])
		side(true, in, sIn, serviceNames[s])
		side(false, out, sOut, serviceNames[s])
	}
	if long {
		why := fmt.Sprintf("over %d input tokens", e.Tier.ThresholdTokens)
		notes = append(notes, why)
		side(true, in, e.Tier.Input, why)
		side(false, out, e.Tier.Output, why)
	}

	c := &card{rule: strings.Join(notes, "; ")}
	for b := range buckets {
		of := b
		for _, other := range instead[b] {
			if rats[of] == nil {
				of = other
			}
		}
		rule := strings.Join(rules[of], ", ")
		switch {
		case rats[of] == nil:
			rule = rules[b][0] + ": no price is known"
		case b == reasoning && of == outputText:
			rule = "reasoning, as " + rule
		case of != b:
			rule = rules[b][0] + ", no price of its own, as " + rule
		}
		c.cells[b] = cell{rat: rats[of], rule: rule}
		if rats[of] == nil {
			continue
		}
		if r, ok := rateOf(rats[of]); ok {
			c.cells[b].atto = uint64(r.atto)
		} else {
			c.unusual = true
		}
	}
	return c
}

// ratText writes a number as a decimal when it has a short one, else as a fraction.
func ratText(r *big.Rat) string {
	if n, exact := r.FloatPrec(); exact && n <= 24 {
		return r.FloatString(n)
	}
	return r.RatString()
}
