// Package advice finds in sums over recorded calls what they cost more than they need to, with the figures that show it.
package advice

import (
	"time"

	"github.com/weir-dev/weir/price"
)

// Kind is what a finding is about.
type Kind string

// The kinds of findings.
const (
	PromptCaching Kind = "prompt_caching" // prompts that begin alike and are not read from the provider's cache
	ResponseCache Kind = "response_cache" // equal requests that are not answered from the response cache
	UnreadWrites  Kind = "unread_writes"  // cache writes that nothing reads while they last
	LongInputs    Kind = "long_inputs"    // a few calls whose input is far above what is usual for the same prompt or user
	LongHistories Kind = "long_histories" // sessions that send a long history for short answers
	PaidFailures  Kind = "paid_failures"  // calls that failed, were charged, and were asked again
	HeavyUsers    Kind = "heavy_users"    // users whose spend is far above their peers'
	CutAnswers    Kind = "cut_answers"    // answers that were cut by their limit, and asked again
	TinyAnswers   Kind = "tiny_answers"   // an expensive model for answers of a few tokens
)

// Finding is one thing that costs more than it needs to.
type Finding struct {
	Kind     Kind
	Title    string            // one sentence with the figure that matters
	About    map[string]string // what the calls have in common, as the filters of GET /calls name it; of heavy users, the first one's
	Evidence []Figure
	Saving   price.USD // estimated, in thirty days
	How      string    // the saving was estimated
	Do       string    // what to do about it
	Calls    []string  // ids of some of the calls, at most Samples
}

// Figure is one figure of the evidence.
type Figure struct {
	Name  string
	Value string // a decimal number
	Unit  string // calls, tokens, usd, percent, users, bytes, seconds, times
}

// Samples is how many ids of calls a finding has at most.
const Samples = 5

// LeftOut says what was not looked for, or not found for want of data.
type LeftOut struct {
	Kind Kind
	Why  string
}

// Span is the time that facts were taken from.
type Span struct {
	Since, Until time.Time // [Since, Until)
	First        time.Time // the earliest call in it
	TextsSince   time.Time // requests, which are much to read, were looked at from then on
}

// month is what savings are told for.
const month = 30 * 24 * time.Hour

// Covered is how much of the time has calls: from the first one on, and at least a day, so that an hour is never taken for a month.
func (s Span) covered(since time.Time) time.Duration {
	if s.First.After(since) {
		since = s.First
	}
	return max(s.Until.Sub(since), 24*time.Hour)
}

// monthly is an amount of the time covered, in thirty days.
func (s Span) monthly(usd price.USD) price.USD { return scale(usd, month, s.covered(s.Since)) }

// monthlyOfTexts is monthly for what was found in requests.
func (s Span) monthlyOfTexts(usd price.USD) price.USD {
	since := s.Since
	if s.TextsSince.After(since) {
		since = s.TextsSince
	}
	return scale(usd, month, s.covered(since))
}

func scale(usd price.USD, by, of time.Duration) price.USD {
	return nano(usd.Float64() * float64(by) / float64(of))
}
