package eval

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/weir-dev/weir/eval/stats"
)

const defaultK = 10

func rankMetrics() []metric {
	at := func(name, about string, score func(r stats.Ranking, c *ScorerConfig) (float64, bool)) metric {
		return metric{name: name, about: about, make: func(c ScorerConfig) (Scorer, error) {
			if c.K == 0 {
				c.K = defaultK
			}
			return ScorerFunc(func(s Sample) Score {
				relevant, ok := relevanceOf(s.Item.Expected)
				if !ok {
					return unscorable(`what is expected names nothing relevant: want ["id", …] or {"id": grade, …}`)
				}
				v, ok := score(stats.Ranking{Retrieved: retrieved(s.Answer), Relevant: relevant}, &c)
				if !ok {
					return unscorable("nothing is relevant")
				}
				return scored(v)
			}), nil
		}}
	}
	return []metric{
		at("recall_at_k", "the share of what is relevant that is among the first k", func(r stats.Ranking, c *ScorerConfig) (float64, bool) { return r.Recall(c.K) }),
		at("precision_at_k", "the share of the first k that is relevant", func(r stats.Ranking, c *ScorerConfig) (float64, bool) { return r.Precision(c.K) }),
		at("hit_at_k", "something relevant is among the first k", func(r stats.Ranking, c *ScorerConfig) (float64, bool) { return r.Hit(c.K) }),
		at("mrr_at_k", "1 by the rank of the first that is relevant", func(r stats.Ranking, c *ScorerConfig) (float64, bool) { return r.ReciprocalRank(c.K) }),
		at("ap_at_k", "average precision, over the lesser of k and what is relevant", func(r stats.Ranking, c *ScorerConfig) (float64, bool) { return r.AveragePrecision(c.K) }),
		at("ndcg_at_k", "discounted gain against that of the best order; gain: linear or exp", func(r stats.Ranking, c *ScorerConfig) (float64, bool) {
			if c.Gain == "exp" {
				return r.NDCG(c.K, stats.ExponentialGain)
			}
			return r.NDCG(c.K, stats.LinearGain)
		}),
	}
}

// retrieved is the ranking that an answer is, or, of a RAG pipeline's, the documents that it cites, in their order.
func retrieved(a *Answer) []string {
	if len(a.Citations) == 0 {
		return rankingOf(a.Text)
	}
	var out []string
	for _, c := range a.Citations {
		if id := cmp.Or(c.Document, c.ID); id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// relevanceOf reads grades above 0.
func relevanceOf(raw json.RawMessage) (map[string]float64, bool) {
	out := map[string]float64{}
	if json.Unmarshal(raw, &out) != nil {
		var ids []string
		if json.Unmarshal(raw, &ids) != nil {
			return nil, false
		}
		clear(out)
		for _, id := range ids {
			out[id] = 1
		}
	}
	for id, grade := range out {
		if grade <= 0 {
			delete(out, id)
		}
	}
	return out, len(out) > 0
}

// rankingOf reads ids in their order: a JSON list of texts or of objects with an id, an object whose retrieved is one, or an id a line.
func rankingOf(t string) []string {
	raw := json.RawMessage(strings.TrimSpace(t))
	var whole struct {
		Retrieved json.RawMessage `json:"retrieved"`
	}
	if json.Unmarshal(raw, &whole) == nil && whole.Retrieved != nil {
		raw = whole.Retrieved
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		var out []string
		for line := range strings.Lines(t) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
		return out
	}
	out := make([]string, len(list))
	for i, one := range list {
		var named struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(one, &named) == nil && named.ID != "" {
			out[i] = named.ID
		} else {
			out[i] = Text(one)
		}
	}
	return out
}
