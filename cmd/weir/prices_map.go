package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/weir-dev/weir/internal/yamldoc"
	"github.com/weir-dev/weir/price"
)

// mapRates are the members of the common price map, dollars for one token, and where they belong.
var mapRates = map[string]func(*price.Entry) *price.Rate{
	"input_cost_per_token":                      func(e *price.Entry) *price.Rate { return &e.Input },
	"output_cost_per_token":                     func(e *price.Entry) *price.Rate { return &e.Output },
	"cache_read_input_token_cost":               func(e *price.Entry) *price.Rate { return &e.CacheRead },
	"cache_creation_input_token_cost":           func(e *price.Entry) *price.Rate { return &e.CacheWrite5m },
	"cache_creation_input_token_cost_above_1hr": func(e *price.Entry) *price.Rate { return &e.CacheWrite1h },
	"output_cost_per_reasoning_token":           func(e *price.Entry) *price.Rate { return &e.Reasoning },
	"input_cost_per_audio_token":                func(e *price.Entry) *price.Rate { return &e.InputAudio },
	"output_cost_per_audio_token":               func(e *price.Entry) *price.Rate { return &e.OutputAudio },
	"input_cost_per_token_batches":              func(e *price.Entry) *price.Rate { return &e.BatchInput },
	"output_cost_per_token_batches":             func(e *price.Entry) *price.Rate { return &e.BatchOutput },
	"input_cost_per_token_flex":                 func(e *price.Entry) *price.Rate { return &e.FlexInput },
	"output_cost_per_token_flex":                func(e *price.Entry) *price.Rate { return &e.FlexOutput },
	"input_cost_per_token_priority":             func(e *price.Entry) *price.Rate { return &e.PriorityInput },
	"output_cost_per_token_priority":            func(e *price.Entry) *price.Rate { return &e.PriorityOutput },
}

// mapProviders are the map's names of providers, by how they begin, where weir's book has others.
var mapProviders = []struct{ prefix, provider string }{
	{"vertex_ai", "vertex"},
	{"together", "together"},
	{"fireworks", "fireworks"},
	{"bedrock", "bedrock"},
	{"cohere", "cohere"},
	{"azure", "azure"},
	{"text-completion-openai", "openai"},
	{"codestral", "mistral"},
}

// priceMap reads a JSON map of models to their prices per token.
func (f *priceFile) priceMap(doc *yamldoc.Node) {
	if doc.Kind != yamldoc.Mapping {
		f.fault(doc.Line, "want a map of models: {\"gpt-4o\": {\"input_cost_per_token\": 2.5e-06, …}}")
		return
	}
	for key, n := range doc.Members() {
		switch {
		case key.Value == "sample_spec": // the map's explanation of itself
		case n.Kind != yamldoc.Mapping:
			f.fault(key.Line, "%s: want an object of prices", key.Value)
		default:
			f.mapPrice(key, n)
		}
	}
}

func (f *priceFile) mapPrice(key, n *yamldoc.Node) {
	var e price.Entry
	before, priced := len(f.faults), false
	seen := map[string]bool{}
	long := map[string]price.Rate{} // above_128k_tokens and the like
	for k, v := range n.Members() {
		if seen[k.Value] {
			f.fault(k.Line, "%s: %s: said twice", key.Value, k.Value)
			continue
		}
		seen[k.Value] = true
		if v.Tag == "!!null" {
			continue
		}
		switch field, known := mapRates[k.Value]; {
		case known:
			rate, err := perMillion(v.Value)
			if err != nil {
				f.fault(k.Line, "%s: %s: %v", key.Value, k.Value, err)
				continue
			}
			*field(&e) = rate
			priced = priced || rate.String() != "0"
		case strings.Contains(k.Value, "_cost_per_token_above_"):
			rate, err := perMillion(v.Value)
			if err != nil {
				f.fault(k.Line, "%s: %s: %v", key.Value, k.Value, err)
				continue
			}
			long[k.Value] = rate
		case k.Value == "currency":
			f.currency(v)
		case k.Value == "litellm_provider" || k.Value == "provider":
			e.Provider = v.Value
		case k.Value == "mode":
			e.Mode = v.Value
		case k.Value == "max_input_tokens":
			e.ContextWindow = wholeNumber(v.Value)
		case k.Value == "max_output_tokens":
			e.MaxOutput = wholeNumber(v.Value)
		}
	}
	if len(f.faults) > before {
		return
	}
	e.Tier = longTier(long)
	e.Provider, e.Model = mapName(e.Provider, key.Value)
	switch {
	case e.Provider == "":
		f.skipped = append(f.skipped, fmt.Sprintf("line %d: %s names no provider", key.Line, key.Value))
		return
	case !priced: // absent, or 0, which maps write for not known as well as for free
		f.skipped = append(f.skipped, fmt.Sprintf("line %d: %s has no price per token", key.Line, key.Value))
		return
	}
	e.Kind = price.PerToken
	id := e.Provider + "\x00" + e.Model + "\x00\x00" + e.EffectiveFrom.String()
	if before, twice := f.first[id]; twice && len(priceChanges(&before.Entry, &e)) == 0 {
		return // the map has a model under several names
	}
	f.add(key.Line, e)
}

// mapName is a map's provider and model as weir's book has them.
func mapName(provider, name string) (string, string) {
	first, rest, cut := strings.Cut(name, "/")
	weirs := provider
	for _, m := range mapProviders {
		if strings.HasPrefix(provider, m.prefix) {
			weirs = m.provider
			break
		}
	}
	if cut && (first == provider || strings.HasPrefix(provider, first) || provider == "") {
		return cmp.Or(weirs, first), rest
	}
	return weirs, name
}

// longTier is the price of long prompts, if there is one: the threshold is written in the members' names, in thousands.
func longTier(rates map[string]price.Rate) *price.Tier {
	tier := price.Tier{}
	for name, rate := range rates {
		what, threshold, _ := strings.Cut(name, "_cost_per_token_above_")
		n := wholeNumber(strings.TrimSuffix(threshold, "k_tokens")) * 1000
		if n <= 0 || tier.ThresholdTokens != 0 && tier.ThresholdTokens < n {
			continue // of several thresholds the lowest holds
		}
		if n != tier.ThresholdTokens {
			tier = price.Tier{ThresholdTokens: n}
		}
		switch what {
		case "input":
			tier.Input = rate
		case "output":
			tier.Output = rate
		}
	}
	if !tier.Input.Known() && !tier.Output.Known() {
		return nil
	}
	return &tier
}

// perMillion reads dollars a token, also with an exponent, exactly.
func perMillion(text string) (price.Rate, error) {
	const places = 12
	r, ok := new(big.Rat).SetString(text)
	if !ok || len(text) > 64 {
		return price.Rate{}, fmt.Errorf("%q is no number of dollars a token", text)
	}
	if r.Sign() < 0 {
		return price.Rate{}, fmt.Errorf("%s is below zero", text)
	}
	r.Mul(r, big.NewRat(1_000_000, 1))
	out := r.FloatString(places)
	out = strings.TrimSuffix(strings.TrimRight(out, "0"), ".")
	rate, err := price.ParseRate(cmp.Or(out, "0"))
	if err != nil {
		return rate, fmt.Errorf("%s dollars a token: %w", text, err)
	}
	return rate, nil
}

func wholeNumber(text string) int64 {
	var n int64
	if json.Unmarshal([]byte(text), &n) != nil {
		return 0
	}
	return n
}
