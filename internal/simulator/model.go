package simulator

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// kind says which endpoints a model answers on.
type kind uint8

const (
	chatKind kind = iota
	embeddingKind
	moderationKind
)

// model is one entry of the catalogue. Times are medians of log-normal distributions.
type model struct {
	id       string
	snapshot string // the dated name an answer carries; empty: the id
	owner    string
	kind     kind

	ttft     time.Duration // before the first token
	perToken time.Duration // between tokens
	spread   float64       // sigma of both distributions, of the logarithm

	reasons    bool // spends reasoning tokens before it answers
	dimensions int  // of an embedding, when the request names none
	verbosity  float64
}

// name is the model's name as answers give it.
func (m model) name() string { return cmp.Or(m.snapshot, m.id) }

const ms = time.Millisecond

// catalogue lists the models a fresh simulator has. The ids are real, so that a price book knows them, except
// house-llm-7b, which stands for the model nobody has a price for.
var catalogue = []model{
	{id: "gpt-4o", snapshot: "gpt-4o-2024-08-06", owner: "system", ttft: 420 * ms, perToken: 13 * ms, spread: .35, verbosity: 1.1},
	{id: "gpt-4o-mini", snapshot: "gpt-4o-mini-2024-07-18", owner: "system", ttft: 310 * ms, perToken: 9 * ms, spread: .35, verbosity: .9},
	{id: "gpt-4.1", snapshot: "gpt-4.1-2025-04-14", owner: "system", ttft: 480 * ms, perToken: 12 * ms, spread: .35, verbosity: 1.1},
	{id: "gpt-4.1-mini", snapshot: "gpt-4.1-mini-2025-04-14", owner: "system", ttft: 330 * ms, perToken: 8 * ms, spread: .3, verbosity: 1},
	{id: "gpt-4.1-nano", snapshot: "gpt-4.1-nano-2025-04-14", owner: "system", ttft: 210 * ms, perToken: 5 * ms, spread: .3, verbosity: .7},
	{id: "gpt-5", snapshot: "gpt-5-2025-08-07", owner: "system", ttft: 900 * ms, perToken: 14 * ms, spread: .5, reasons: true, verbosity: 1.2},
	{id: "gpt-5-mini", snapshot: "gpt-5-mini-2025-08-07", owner: "system", ttft: 600 * ms, perToken: 8 * ms, spread: .45, reasons: true, verbosity: 1},
	{id: "gpt-5-nano", snapshot: "gpt-5-nano-2025-08-07", owner: "system", ttft: 380 * ms, perToken: 5 * ms, spread: .4, reasons: true, verbosity: .8},
	{id: "gpt-5.1", snapshot: "gpt-5.1-2025-11-13", owner: "system", ttft: 800 * ms, perToken: 12 * ms, spread: .5, reasons: true, verbosity: 1.2},
	{id: "gpt-5.2", snapshot: "gpt-5.2-2025-12-11", owner: "system", ttft: 850 * ms, perToken: 12 * ms, spread: .5, reasons: true, verbosity: 1.2},
	{id: "gpt-5.4", snapshot: "gpt-5.4-2026-03-05", owner: "system", ttft: 780 * ms, perToken: 11 * ms, spread: .5, reasons: true, verbosity: 1.2},
	{id: "gpt-5.4-mini", snapshot: "gpt-5.4-mini-2026-03-17", owner: "system", ttft: 450 * ms, perToken: 7 * ms, spread: .4, reasons: true, verbosity: 1},
	{id: "gpt-5.4-nano", snapshot: "gpt-5.4-nano-2026-03-17", owner: "system", ttft: 300 * ms, perToken: 4 * ms, spread: .35, reasons: true, verbosity: .8},
	{id: "gpt-5.6-luna", snapshot: "gpt-5.6-luna-2026-07-09", owner: "system", ttft: 340 * ms, perToken: 5 * ms, spread: .35, reasons: true, verbosity: .9},
	{id: "gpt-5.6-terra", snapshot: "gpt-5.6-terra-2026-07-09", owner: "system", ttft: 560 * ms, perToken: 8 * ms, spread: .4, reasons: true, verbosity: 1.1},
	{id: "gpt-5.6-sol", snapshot: "gpt-5.6-sol-2026-07-09", owner: "system", ttft: 820 * ms, perToken: 12 * ms, spread: .5, reasons: true, verbosity: 1.3},
	{id: "gpt-6-luna", owner: "system", ttft: 280 * ms, perToken: 4 * ms, spread: .35, reasons: true, verbosity: .9},
	{id: "gpt-6-sol", owner: "system", ttft: 700 * ms, perToken: 10 * ms, spread: .45, reasons: true, verbosity: 1.2},
	{id: "o3", snapshot: "o3-2025-04-16", owner: "system", ttft: 1500 * ms, perToken: 12 * ms, spread: .6, reasons: true, verbosity: 1.1},
	{id: "o3-mini", snapshot: "o3-mini-2025-01-31", owner: "system", ttft: 900 * ms, perToken: 7 * ms, spread: .5, reasons: true, verbosity: 1},
	{id: "o4-mini", snapshot: "o4-mini-2025-04-16", owner: "system", ttft: 850 * ms, perToken: 7 * ms, spread: .5, reasons: true, verbosity: 1},
	{id: "gpt-3.5-turbo-instruct", owner: "system", ttft: 260 * ms, perToken: 8 * ms, spread: .3, verbosity: .7},

	{id: "claude-haiku-4-5", snapshot: "claude-haiku-4-5-20251001", owner: "anthropic", ttft: 380 * ms, perToken: 7 * ms, spread: .35, verbosity: 1.1},
	{id: "claude-sonnet-4-5", snapshot: "claude-sonnet-4-5-20250929", owner: "anthropic", ttft: 720 * ms, perToken: 14 * ms, spread: .4, verbosity: 1.3},
	{id: "claude-opus-4-5", snapshot: "claude-opus-4-5-20251101", owner: "anthropic", ttft: 1100 * ms, perToken: 18 * ms, spread: .45, verbosity: 1.4},
	{id: "claude-haiku-5-5", owner: "anthropic", ttft: 300 * ms, perToken: 5 * ms, spread: .35, verbosity: 1},
	{id: "claude-sonnet-5-5", owner: "anthropic", ttft: 640 * ms, perToken: 11 * ms, spread: .4, verbosity: 1.3},
	{id: "gemini-2.5-flash", owner: "google", ttft: 350 * ms, perToken: 5 * ms, spread: .4, verbosity: 1},
	{id: "gemini-2.5-pro", owner: "google", ttft: 1300 * ms, perToken: 10 * ms, spread: .5, reasons: true, verbosity: 1.3},
	{id: "gemini-3.5-flash", owner: "google", ttft: 420 * ms, perToken: 6 * ms, spread: .4, verbosity: 1.1},
	{id: "gemini-3.5-flash-lite", owner: "google", ttft: 240 * ms, perToken: 4 * ms, spread: .35, verbosity: .9},
	{id: "house-llm-7b", owner: "house", ttft: 140 * ms, perToken: 18 * ms, spread: .25, verbosity: .8},

	{id: "text-embedding-3-small", owner: "system", kind: embeddingKind, ttft: 70 * ms, spread: .3, dimensions: 1536},
	{id: "text-embedding-3-large", owner: "system", kind: embeddingKind, ttft: 110 * ms, spread: .3, dimensions: 3072},
	{id: "text-embedding-ada-002", owner: "system", kind: embeddingKind, ttft: 80 * ms, spread: .3, dimensions: 1536},
	{id: "gemini-embedding-001", owner: "google", kind: embeddingKind, ttft: 90 * ms, spread: .3, dimensions: 3072},
	{id: "omni-moderation-latest", owner: "system", kind: moderationKind, ttft: 120 * ms, spread: .3},
}

// lookup finds a model by its id or its snapshot. A snapshot answers with its own name. Names that open with sim- carry
// a directive and are plain chat models; a provider prefix (openai/gpt-4o) is dropped.
func (s *Simulator) lookup(id string) (model, bool) {
	if m, ok := s.models[id]; ok {
		return m, true
	}
	if _, rest, ok := strings.Cut(id, "/"); ok {
		if m, ok := s.models[rest]; ok {
			return m, true
		}
	}
	if strings.HasPrefix(id, "sim-") {
		return model{id: id, owner: "simulator", ttft: 200 * ms, perToken: 8 * ms, spread: .3, verbosity: 1}, true
	}
	return model{}, false
}

// index builds the table lookup reads: the catalogue by id and by snapshot, and the extra ids of the configuration.
func index(extra []string) map[string]model {
	table := make(map[string]model, 2*len(catalogue)+len(extra))
	for _, m := range catalogue {
		table[m.id] = m
		if m.snapshot != "" {
			table[m.snapshot] = m
		}
	}
	for _, id := range extra {
		if _, ok := table[id]; !ok {
			table[id] = model{id: id, owner: "house", ttft: 250 * ms, perToken: 10 * ms, spread: .3, verbosity: 1}
		}
	}
	return table
}

// Models returns the ids a simulator without extra models answers to, in the order of their names.
func Models() []string {
	ids := make([]string, 0, len(catalogue))
	for _, m := range catalogue {
		ids = append(ids, m.id)
	}
	slices.Sort(ids)
	return ids
}
