package price

import (
	"time"

	"github.com/weir-dev/weir/llm"
)

// Charge is what is to be priced: one answered attempt.
type Charge struct {
	Provider    string // the provider's catalogue name: openai, anthropic, gemini, azure, …; a configured provider says which it is
	Model       string // as the answer named it, or else as it was asked for
	Requested   string // as it was asked for upstream; tried when Model finds nothing
	Project     string // for overrides of one project
	Usage       llm.Usage
	Units       llm.Units
	ServiceTier string // as served: "", default, flex, priority, fast, batch, …
	At          time.Time
}

// Status says how a cost was found.
type Status string

// Exact: the model has a price. Default: the policy for unpriced models set one. Unpriced: the cost is not known,
// which is not zero.
const (
	Exact    Status = "exact"
	Default  Status = "default"
	Unpriced Status = "unpriced"
)

// Quote is a cost with its explanation.
type Quote struct {
	Cost    USD // rounded once, half to even; meaningless when Status is Unpriced
	Status  Status
	Version string // of the price: which entry of which book, enough to find it again
	Rule    string // how the entry was found, in words for people: "openai/gpt-4o-mini, effective 2024-07-18"
	Lines   []Line // one for each bucket with a count; their exact amounts add up to Cost before rounding
	Clamped bool   // the cost was too large for a row and was cut to MaxUSD
}

// Line explains one bucket of a Quote. Decimals are exact strings of dollars.
type Line struct {
	Bucket    string `json:"bucket"` // the usage bucket's JSON name, or a unit's
	Tokens    int64  `json:"tokens"` // or the count of units
	PerMTok   string `json:"price_usd_per_mtok"`
	AmountUSD string `json:"amount_usd"` // exact, not rounded
	Rule      string `json:"rule"`       // which price was used and why: "cache read", "over 272000 input tokens: 2 x input"
}

// Known gives the cost, and false when there is none.
func (q Quote) Known() (USD, bool) { return q.Cost, q.Status == Exact || q.Status == Default }
