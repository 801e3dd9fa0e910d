package advice

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Fewer calls than these are chance, not a habit.
const (
	fewest       = 10 // calls of most findings
	fewestTiny   = 50
	fewestUsers  = 8
	leastPrompt  = 1024 // tokens that providers cache at least
	tinyOutput   = 16   // tokens
	tinyCheaper  = 3    // times cheaper another model must be
	heavyScore   = 6    // deviations above the median
	heavyTimes   = 3    // times the median
	heaviest     = 5    // are named
	peersScore   = 3
	madToSD      = 1.4826
	quoteTokens  = 10_000 // below every provider's threshold of long prompts
	manyFindings = 200
)

// Find gives what the facts show, the largest saving first. Savings are priced by the book; as gives a configured provider's name in it.
// A finding whose saving cannot be priced is not made. Savings of several findings may be of the same calls, and do not add up.
func Find(f *Facts, book *price.Book, as func(string) string) []Finding {
	a := adviser{Facts: f, book: book, as: as}
	var out []Finding
	for _, look := range []func() []Finding{
		a.prefixes, a.repeats, a.writes, a.inputs, a.histories, a.failures, a.users, a.cuts, a.outputs,
	} {
		out = append(out, look()...)
	}
	out = slices.DeleteFunc(out, func(x Finding) bool { return x.Saving <= 0 })
	slices.SortStableFunc(out, func(x, y Finding) int { return cmp.Compare(y.Saving, x.Saving) })
	return out[:min(len(out), manyFindings)]
}

// NotLookedFor says which kinds of findings cannot be told from the facts.
func NotLookedFor(f *Facts) []LeftOut {
	out := []LeftOut{
		{"cheaper_model", "which cheaper model answers as well can only be told from recorded scores, and advice does not read any"},
		{"paid_failures_upstream", "what a provider bills for a failed attempt inside one call is not in its answer, so that only failed calls that were charged themselves are counted"},
	}
	if len(f.Repeats) == 0 && len(f.Prefixes) == 0 && f.Calls > 0 {
		out = append(out, LeftOut{PromptCaching, "no request of the calls is alike another in what is recorded; where record.content is none, requests cannot be compared"})
	}
	return out
}

// adviser looks for findings.
type adviser struct {
	*Facts
	book *price.Book
	as   func(string) string
}

// per is what a token of a kind costs a group, and false when that is not known.
func (a *adviser) per(g Group, one llm.Usage) (float64, bool) {
	usd, ok := a.book.Quote(price.Charge{
		Provider: a.as(g.Provider), Model: g.Model, Project: g.Project, At: a.Span.Until,
		Usage: llm.Usage{
			InputUncached: one.InputUncached * quoteTokens, CacheRead: one.CacheRead * quoteTokens, CacheWrite5m: one.CacheWrite5m * quoteTokens,
			CacheWrite1h: one.CacheWrite1h * quoteTokens, OutputText: one.OutputText * quoteTokens,
		},
	}).Known()
	return usd.Float64() / quoteTokens, ok
}

var (
	fresh   = llm.Usage{InputUncached: 1}
	read    = llm.Usage{CacheRead: 1}
	write5m = llm.Usage{CacheWrite5m: 1}
	write1h = llm.Usage{CacheWrite1h: 1}
	written = llm.Usage{OutputText: 1}
)

func (a *adviser) prefixes() []Finding {
	var out []Finding
	for _, p := range a.Prefixes {
		in, known := a.per(p.Group, fresh)
		hit, hitKnown := a.per(p.Group, read)
		write, writeKnown := a.per(p.Group, write5m)
		if !known || !hitKnown || p.Unread < fewest || p.Requests <= 0 {
			continue
		}
		perByte := float64(p.Input) / float64(p.Requests)
		shared := float64(p.Bytes) * perByte
		each := shared / float64(p.Unread)
		if each < leastPrompt {
			continue
		}
		if !writeKnown {
			write = in
		}
		saved := shared*(in-hit) - float64(p.Firsts)*each*max(0, write-in)
		out = append(out, Finding{
			Kind:  PromptCaching,
			Title: fmt.Sprintf("%s calls of %s began as one just before did, and read nothing from the provider's cache", count(p.Unread), named(p.Group)),
			About: p.filter(),
			Evidence: []Figure{
				{"calls that begin alike", count(p.Calls), "calls"},
				{"of those, within 5 minutes of another and uncached", count(p.Unread), "calls"},
				{"tokens that such a call has in common with the one before", whole(each), "tokens"},
				{"price of a token read from the cache, of one that is not", percent(hit, in), "percent"},
			},
			Saving: a.Span.monthlyOfTexts(nano(saved)),
			How: "the tokens in common, at the price of uncached input less that of a cache read, less what writing them costs once in 5 minutes; tokens are reckoned from bytes by the group's own " +
				"ratio",
			Do:    "keep what all these prompts begin with first and unchanged, and mark its end for caching where the provider wants that (Anthropic: cache_control)",
			Calls: p.IDs,
		})
	}
	return out
}

func (a *adviser) repeats() []Finding {
	var out []Finding
	for _, r := range a.Repeats {
		if r.Hits < fewest {
			continue
		}
		out = append(out, Finding{
			Kind:  ResponseCache,
			Title: fmt.Sprintf("one request to %s came %s times, letter for letter", named(r.Group), count(r.Calls)),
			About: r.filter(),
			Evidence: []Figure{
				{"equal requests", count(r.Calls), "calls"},
				{"of those, within an hour of another", count(r.Hits), "calls"},
				{"cost of all of them", r.Cost.String(), "usd"},
			},
			Saving: a.Span.monthlyOfTexts(r.Spared),
			How:    "what they cost without the dearest one of each hour: at least that is saved by a cache that keeps answers for an hour",
			Do:     "switch the response cache on for these calls: X-Weir-Cache: read, or cache: {exact: on} for the route or the project; where each answer is to be another one, leave it",
			Calls:  r.IDs,
		})
	}
	return out
}

func (a *adviser) writes() []Finding {
	var out []Finding
	for _, w := range a.Writes {
		in, known := a.per(w.Group, fresh)
		short, shortKnown := a.per(w.Group, write5m)
		long, longKnown := a.per(w.Group, write1h)
		if !known || !shortKnown || !longKnown || w.Unread < fewest {
			continue
		}
		out = append(out, Finding{
			Kind:  UnreadWrites,
			Title: fmt.Sprintf("%s of %s cache writes of %s were never read while they lasted", count(w.Unread), count(w.Calls), named(w.Group)),
			About: w.filter(),
			Evidence: []Figure{
				{"calls that wrote to the provider's cache", count(w.Calls), "calls"},
				{"of those, not read within 5 minutes, or the hour they asked for", count(w.Unread), "calls"},
				{"tokens written", count(w.Written), "tokens"},
				{"tokens of the writes that were not read", count(w.Unread5m + w.Unread1h), "tokens"},
				{"tokens read from the cache", count(w.Read), "tokens"},
			},
			Saving: a.Span.monthly(nano(float64(w.Unread5m)*max(0, short-in) + float64(w.Unread1h)*max(0, long-in))),
			How:    "the tokens of the unread writes, at the price of a write less that of uncached input",
			Do:     "take cache_control off prompts that are used once, or put what changes behind what is cached",
			Calls:  w.IDs,
		})
	}
	return out
}

func (a *adviser) inputs() []Finding {
	var out []Finding
	for _, n := range a.Inputs {
		in, known := a.per(n.Group, fresh)
		if !known || n.Long < fewest || n.P95 <= LongTimes*n.Median {
			continue
		}
		out = append(out, Finding{
			Kind:  LongInputs,
			Title: fmt.Sprintf("%s calls of %s have more than %d times the input that is usual there", count(n.Long), named(n.Group), LongTimes),
			About: n.filter(),
			Evidence: []Figure{
				{"calls", count(n.Calls), "calls"},
				{"median of their input", count(n.Median), "tokens"},
				{"95 % are below", count(n.P95), "tokens"},
				{fmt.Sprintf("calls above %d times the median", LongTimes), count(n.Long), "calls"},
				{"tokens of those above it", count(n.Excess), "tokens"},
			},
			Saving: a.Span.monthly(nano(float64(n.Excess) * in)),
			How:    fmt.Sprintf("the tokens above %d times the median, at the price of uncached input; what was read from a cache is dearer here than it was", LongTimes),
			Do:     "look at what these calls carry that the others do not: whole documents, tool results, old turns; send the passages that matter, or a summary",
			Calls:  n.IDs,
		})
	}
	return out
}

func (a *adviser) histories() []Finding {
	var out []Finding
	for _, h := range a.Histories {
		in, known := a.per(h.Group, fresh)
		if !known || h.Calls < fewest {
			continue
		}
		out = append(out, Finding{
			Kind:  LongHistories,
			Title: fmt.Sprintf("%s calls of %s in long sessions sent %s tokens for each token of their answers", count(h.Calls), named(h.Group), count(h.Input/max(1, h.Output))),
			About: h.filter(),
			Evidence: []Figure{
				{fmt.Sprintf("sessions of %d calls and more", HistoryTurns), count(h.Sessions), "sessions"},
				{fmt.Sprintf("their calls with %d tokens of input and more, %d times their output", HistoryFrom, HistoryTimes), count(h.Calls), "calls"},
				{"input of those", count(h.Input), "tokens"},
				{"output of those", count(h.Output), "tokens"},
				{"cost of those", h.Cost.String(), "usd"},
			},
			Saving: a.Span.monthly(min(nano(float64(h.Excess)*in), h.Cost)),
			How:    fmt.Sprintf("if each of these calls carried %d tokens: the input above that at the price of uncached input, and no more than the calls cost", HistoryFrom),
			Do:     "summarise old turns, drop tool results that are answered, or let the provider cache the history",
			Calls:  h.IDs,
		})
	}
	return out
}

func (a *adviser) failures() []Finding {
	var out []Finding
	for _, f := range a.Failures {
		if f.Calls < fewest {
			continue
		}
		out = append(out, Finding{
			Kind:  PaidFailures,
			Title: fmt.Sprintf("%s calls of %s did not end well, were charged all the same, and were asked again", count(f.Calls), named(f.Group)),
			About: f.filter(),
			Evidence: []Figure{
				{"calls that failed, were left or cut, and cost something", count(f.Calls), "calls"},
				{"cost of those", f.Cost.String(), "usd"},
				{"asked again, letter for letter, within", strconv.Itoa(int(AgainWithin / time.Minute)), "minutes"},
			},
			Saving: a.Span.monthlyOfTexts(f.Cost),
			How:    "what the calls cost that brought no answer",
			Do:     "raise the client's timeout above the time these answers take, stream them, or let weir fall back instead of asking again",
			Calls:  f.IDs,
		})
	}
	return out
}
