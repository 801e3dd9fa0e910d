package price

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what an Entry's price is for.
type Kind string

// PerToken prices tokens by bucket; PerSecond prices seconds of audio and PerCall each answered call, both by UnitUSD;
// Free costs nothing, which is known.
const (
	PerToken  Kind = "token"
	PerSecond Kind = "second"
	PerCall   Kind = "call"
	Free      Kind = "free"
)

// Entry is one price: what a provider's model costs from a day on. Rates are dollars per million tokens; the zero Rate
// is unknown. An Entry read from a Book shares the book's memory and must not be changed.
type Entry struct {
	Provider      string    // catalogue name: openai, anthropic, …; for one's own servers, the configured provider's name
	Model         string    // the provider's own id; a * stands for any run of characters and makes the entry a last resort
	Project       string    // whom it is for; empty: everybody
	Mode          string    // chat, embedding, responses, …; for people, never used in the arithmetic
	Kind          Kind      // empty means PerToken
	EffectiveFrom time.Time // first moment of this price; zero: always, until a dated entry of the same model

	Input, CacheRead, CacheWrite5m, CacheWrite1h Rate
	Output, Reasoning                            Rate // Reasoning unknown: as Output
	InputAudio, OutputAudio                      Rate

	UnitUSD USD // for PerSecond and PerCall

	Tier *Tier // nil: one price for every length

	BatchInput, BatchOutput       Rate // the asynchronous batch interface
	FlexInput, FlexOutput         Rate
	PriorityInput, PriorityOutput Rate
	FastInput, FastOutput         Rate // Anthropic's fast mode; elsewhere fast is priority

	Peak []Peak // other prices at other hours

	ContextWindow int64 // tokens; 0 unknown
	MaxOutput     int64 // tokens; 0 unknown
	Tokenizer     string
	Sources       []string
	Status        string // agreed, single, disputed; of entries set by hand: set
}

// Tier is the price of a whole request whose input, cached tokens included, is longer than the threshold.
type Tier struct {
	ThresholdTokens int64 `json:"threshold_tokens"`
	Input           Rate  `json:"input_usd_per_mtok,omitzero"`
	Output          Rate  `json:"output_usd_per_mtok,omitzero"`
}

// Peak is a price that holds at some hours of some days.
type Peak struct {
	From      time.Time `json:"from,omitzero"`  // zero: as long as the entry holds
	Until     time.Time `json:"until,omitzero"` // exclusive; zero: as long as the entry holds
	Days      Days      `json:"days"`
	Hours     Hours     `json:"hours_utc"`
	Input     Rate      `json:"input_usd_per_mtok,omitzero"`
	CacheRead Rate      `json:"cache_read_usd_per_mtok,omitzero"`
	Output    Rate      `json:"output_usd_per_mtok,omitzero"`
}

// ErrEntry is in the chain of every error about an entry that is no price.
var ErrEntry = errors.New("invalid price")

// Name is provider/model, for people.
func (e *Entry) Name() string { return e.Provider + "/" + e.Model }

// Validate says everything that is wrong with e, or nil.
func (e *Entry) Validate() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if e.Provider == "" {
		fault("provider is missing: name the catalogue's provider or the configured one")
	}
	if e.Model == "" {
		fault("model is missing: give the provider's own id, or * for all of its models")
	}
	switch rates := e.rates(); e.Kind {
	case PerToken, "":
		if !slices.ContainsFunc(rates, Rate.Known) {
			fault("no price is given: set input_usd_per_mtok and output_usd_per_mtok, or kind free")
		}
		if e.UnitUSD != 0 {
			fault("unit_usd is for the kinds second and call")
		}
	case PerSecond, PerCall:
		if e.UnitUSD <= 0 {
			fault("kind %s needs unit_usd above zero", e.Kind)
		}
		if slices.ContainsFunc(rates, Rate.Known) || e.Tier != nil || len(e.Peak) > 0 {
			fault("kind %s is billed by unit_usd alone: remove the prices per token", e.Kind)
		}
	case Free:
		if slices.ContainsFunc(rates, Rate.Known) || e.UnitUSD != 0 || e.Tier != nil || len(e.Peak) > 0 {
			fault("kind free has a price: remove it, or use another kind")
		}
	default:
		fault("kind %q is unknown: use token, second, call or free", e.Kind)
	}
	if t := e.Tier; t != nil {
		if t.ThresholdTokens <= 0 {
			fault("tier.threshold_tokens is %d: it must be above zero", t.ThresholdTokens)
		}
		if !t.Input.Known() && !t.Output.Known() {
			fault("tier has no price: set its input_usd_per_mtok and output_usd_per_mtok")
		}
	}
	if e.ContextWindow < 0 || e.MaxOutput < 0 {
		fault("context_window and max_output_tokens must not be negative")
	}
	for i := range e.Peak {
		if e.Peak[i].Hours == nil {
			fault("peak %d has no hours_utc", i+1)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w of %s: %s", ErrEntry, e.Name(), strings.Join(faults, "; "))
}

func (e *Entry) rates() []Rate {
	return []Rate{
		e.Input, e.CacheRead, e.CacheWrite5m, e.CacheWrite1h, e.Output, e.Reasoning, e.InputAudio, e.OutputAudio,
		e.BatchInput, e.BatchOutput, e.FlexInput, e.FlexOutput, e.PriorityInput, e.PriorityOutput, e.FastInput, e.FastOutput,
	}
}
