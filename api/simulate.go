package api

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

const (
	simulatedMost  = 20                // models in one simulation
	simulatedCount = 1_000_000_000_000 // of tokens or units in one amount
	simulatedName  = 300               // bytes of a name
)

// simulateRequest asks what something would cost on models by the book in force: an amount, the recorded calls of a span, or both.
type simulateRequest struct {
	Models      []simulatedModel `json:"models"`                 // 1 to 20
	Usage       *amounts         `json:"usage,omitempty"`        // tokens of one call
	Units       *llm.Units       `json:"units,omitempty"`        // what that call is billed beside tokens
	Recorded    *recordedSpan    `json:"recorded,omitempty"`     // calls that were made
	ServiceTier string           `json:"service_tier,omitempty"` // flex, priority, fast, batch, …; recorded calls: as each was served, unless given
	Project     string           `json:"project,omitempty"`      // whose prices; recorded calls: of each's own project, unless given
	At          string           `json:"at,omitempty"`           // of the prices, now unless given; recorded calls: of each's own time, unless given
}

// simulatedModel names a model of the price book.
type simulatedModel struct {
	Provider string `json:"provider"` // the book's or a configured one
	Model    string `json:"model"`
}

// amounts is llm.Usage where what is left out is none.
type amounts struct {
	InputUncached int64 `json:"input_uncached,omitempty"`
	CacheRead     int64 `json:"cache_read,omitempty"`
	CacheWrite5m  int64 `json:"cache_write_5m,omitempty"`
	CacheWrite1h  int64 `json:"cache_write_1h,omitempty"`
	InputAudio    int64 `json:"input_audio,omitempty"`

	OutputText  int64 `json:"output_text,omitempty"`
	Reasoning   int64 `json:"reasoning,omitempty"`
	OutputAudio int64 `json:"output_audio,omitempty"`
}

// simulated is what the models would cost, in the order they were asked for.
type simulated struct {
	Version  string           `json:"version"` // of the book
	At       stamp            `json:"at"`      // of the quotes' prices
	Quotes   []simulatedQuote `json:"quotes"`  // of the amount, empty when none was given
	Recorded *simulatedSpan   `json:"recorded"`
}

// simulatedQuote is what the amount costs on a model.
type simulatedQuote struct {
	Provider     string       `json:"provider"`
	Model        string       `json:"model"`
	CostUSD      *price.USD   `json:"cost_usd"` // null: no price is known
	PriceStatus  price.Status `json:"price_status"`
	PriceVersion string       `json:"price_version"`
	PriceRule    string       `json:"price_rule"`
	Clamped      bool         `json:"clamped"` // the cost is larger than can be recorded, and was cut to that
	Lines        []costLine   `json:"lines"`   // their exact amounts add up to the cost before it is rounded once
	Closest      string       `json:"closest"` // where there is no price: the nearest name that has one, or ""
}

// simulatePrices prices what was not bought. It changes nothing.
func (a *API) simulatePrices(w http.ResponseWriter, r *http.Request) error {
	var in simulateRequest
	if err := read(r, &in); err != nil {
		return err
	}
	now := time.Now()
	at, err := in.check(now)
	if err != nil {
		return err
	}
	book := a.cfg.Book()
	out := simulated{Version: book.Version(), At: stamp(cmp.Or(at, now)), Quotes: []simulatedQuote{}}
	if in.Usage != nil || in.Units != nil {
		for _, m := range in.Models {
			out.Quotes = append(out.Quotes, a.simulateQuote(book, &in, m, cmp.Or(at, now)))
		}
	}
	if in.Recorded != nil {
		if out.Recorded, err = a.simulateRecorded(r.Context(), book, &in, at, now); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, out)
}

// check refuses what is no question, and gives the time of the prices; zero when it was not said.
func (in *simulateRequest) check(now time.Time) (at time.Time, err error) {
	if n := len(in.Models); n == 0 || n > simulatedMost {
		return at, bad("models", "models has %d names: want 1 to %d", n, simulatedMost)
	}
	for i, m := range in.Models {
		switch {
		case m.Provider == "" || m.Model == "":
			return at, bad("models", "models[%d] needs a provider and a model", i)
		case len(m.Provider) > simulatedName || len(m.Model) > simulatedName:
			return at, bad("models", "models[%d] has a name of more than %d bytes", i, simulatedName)
		}
		for j := range i {
			if in.Models[j] == m {
				return at, bad("models", "models[%d] and models[%d] are the same", j, i)
			}
		}
	}
	if len(in.Project) > simulatedName || len(in.ServiceTier) > simulatedName {
		return at, bad("project", "project and service_tier may have %d bytes", simulatedName)
	}
	if in.Usage == nil && in.Units == nil && in.Recorded == nil {
		return at, bad("usage", "nothing is to be priced: give usage, units or recorded")
	}
	if err := in.checkAmounts(); err != nil {
		return at, err
	}
	return parseWhen("at", in.At, now, time.UTC)
}

func (in *simulateRequest) checkAmounts() error {
	type amount struct {
		name string
		n    int64
	}
	var list []amount
	if u := in.Usage; u != nil {
		list = append(list,
			amount{"input_uncached", u.InputUncached}, amount{"cache_read", u.CacheRead}, amount{"cache_write_5m", u.CacheWrite5m},
			amount{"cache_write_1h", u.CacheWrite1h}, amount{"input_audio", u.InputAudio}, amount{"output_text", u.OutputText},
			amount{"reasoning", u.Reasoning}, amount{"output_audio", u.OutputAudio})
	}
	if u := in.Units; u != nil {
		list = append(list, amount{"web_search", u.WebSearch}, amount{"image", u.Image})
		if u.AudioSeconds < 0 || u.AudioSeconds > simulatedCount {
			return bad("audio_seconds", "audio_seconds is %g: want 0 to %d", u.AudioSeconds, int64(simulatedCount))
		}
	}
	for _, a := range list {
		if a.n < 0 || a.n > simulatedCount {
			return bad(a.name, "%s is %d: want 0 to %d", a.name, a.n, int64(simulatedCount))
		}
	}
	return nil
}

// simulateQuote prices the amount on one model.
func (a *API) simulateQuote(book *price.Book, in *simulateRequest, m simulatedModel, at time.Time) simulatedQuote {
	charge := price.Charge{Provider: a.cfg.PriceAs(m.Provider), Model: m.Model, Project: in.Project, ServiceTier: in.ServiceTier, At: at}
	if in.Usage != nil {
		charge.Usage = llm.Usage(*in.Usage)
	}
	if in.Units != nil {
		charge.Units = *in.Units
	}
	q := book.Explain(charge)
	out := simulatedQuote{
		Provider: m.Provider, Model: m.Model, PriceStatus: q.Status, PriceVersion: q.Version, PriceRule: q.Rule, Clamped: q.Clamped, Lines: costLines(q.Lines),
	}
	if cost, known := q.Known(); known {
		out.CostUSD = &cost
	} else {
		out.Closest = closestOther(book, charge.Provider, m.Model)
	}
	return out
}

// closestOther is the nearest name that has a price, unless it is the one that was asked for.
func closestOther(book *price.Book, provider, model string) string {
	if near := book.Closest(provider, model); near != fmt.Sprintf("%s/%s", provider, model) {
		return near
	}
	return ""
}
