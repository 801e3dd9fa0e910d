package price

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// found is an entry with how it was found, and the cards worked out for it so far.
type found struct {
	entry   *Entry
	rule    string
	version string
	cards   []atomic.Pointer[card] // by peak (none first), service and length
}

func newFound(e *Entry, rule, version string) *found {
	return &found{entry: e, rule: rule, version: version, cards: make([]atomic.Pointer[card], (len(e.Peak)+1)*int(services)*2)}
}

// card is the price list that holds for a service, an input length and a moment.
func (f *found) card(tier string, input uint64, at time.Time) *card {
	s := serviceOf(tier)
	long := f.entry.Tier != nil && input > uint64(f.entry.Tier.ThresholdTokens)
	peak := 0
	for i := range f.entry.Peak {
		if f.entry.Peak[i].holds(at) {
			peak = i + 1
			break
		}
	}
	i := (peak*int(services) + int(s)) * 2
	if long {
		i++
	}
	if c := f.cards[i].Load(); c != nil {
		return c
	}
	var p *Peak
	if peak > 0 {
		p = &f.entry.Peak[peak-1]
	}
	c := newCard(f.entry, f.rule, s, long, p)
	f.cards[i].Store(c)
	return c
}

// Find is the entry by which a model of a provider is priced for everybody at a moment. A model is looked up under the
// name as it is, then under what the catalogue's alias list says it means, then without the date of a snapshot, then
// without "provider/" in front. A provider that the book does not know has no prices but those set for it by hand:
// nothing is guessed from others. The zero time finds only what always held. The one exception is the provider "simulated", which plays them all.
func (b *Book) Find(provider, model string, at time.Time) (Entry, bool) {
	return b.Lookup(Charge{Provider: provider, Model: model, At: at})
}

// Lookup is the entry by which Quote would price c, the default price aside.
func (b *Book) Lookup(c Charge) (Entry, bool) {
	f := b.lookup(&c)
	if f == nil {
		return Entry{}, false
	}
	return *f.entry, true
}

func (b *Book) lookup(c *Charge) *found {
	if len(c.Model) > maxModel || len(c.Requested) > maxModel {
		return nil
	}
	epoch, same := slices.BinarySearch(b.dates, moment(c.At))
	if same {
		epoch++
	}
	k := asked{c.Provider, c.Model, c.Requested, c.Project, epoch}
	if f, ok := b.memo.get(k); ok {
		return f
	}
	return b.memo.put(k.clone(), b.resolve(c))
}

// resolve finds the entry for a charge without looking at what is remembered.
func (b *Book) resolve(c *Charge) *found {
	layers := []struct {
		of      *table
		project string
	}{{&b.set, c.Project}, {&b.set, ""}, {&b.list, ""}}
	if c.Project == "" {
		layers = layers[1:]
	}
	for _, l := range layers {
		if len(l.of.all) == 0 {
			continue
		}
		for _, name := range []string{c.Model, c.Requested} {
			if name == "" {
				continue
			}
			e, s := b.search(l.of, c.Provider, name, l.project, c.At)
			if e == nil {
				continue
			}
			how := s.how
			if name != c.Model {
				how = strings.TrimSuffix("priced as it was asked for; "+how, "; ")
			}
			return b.foundIn(l.of, e, how)
		}
	}
	return nil
}

// simulated is the provider that plays all others.
const simulated = "simulated"

// listed is the order in which simulated models are looked for: makers before resellers.
var listed = []string{
	"openai", "anthropic", "gemini", "mistral", "deepseek", "xai", "cohere", "perplexity",
	"groq", "vertex", "azure", "bedrock", "together", "fireworks", "openrouter",
}

// search looks a name up in one table.
func (b *Book) search(t *table, provider, model, project string, at time.Time) (*Entry, spelling) {
	e, s := b.searchProvider(t, provider, model, project, at)
	if e != nil || provider != simulated {
		return e, s
	}
	for _, p := range listed {
		if e := t.at(key{p, model, project}, at); e != nil {
			return e, spelling{}
		}
	}
	for _, p := range listed {
		if e, s := b.searchProvider(t, p, model, project, at); e != nil {
			return e, s
		}
	}
	return nil, spelling{}
}

// searchProvider tries every spelling, then the entries whose model is a pattern.
func (b *Book) searchProvider(t *table, provider, model, project string, at time.Time) (*Entry, spelling) {
	spellings := b.aliases.spellings(provider, model)
	for _, s := range spellings {
		if s.unpriced {
			break
		}
		if e := t.at(key{provider, s.model, project}, at); e != nil {
			return times(e, s.times), s
		}
	}
	for _, p := range t.patterns {
		if p.provider != provider || p.project != project {
			continue
		}
		for _, s := range spellings {
			if _, ok := match(p.model, s.model); s.unpriced || !ok {
				continue
			}
			if e := t.at(p.key, at); e != nil {
				return times(e, s.times), s
			}
		}
	}
	return nil, spelling{}
}

// times is e with every price multiplied, or e itself.
func times(e *Entry, factor Rate) *Entry {
	if !factor.Known() {
		return e
	}
	f, out, exact := factor.rat(), *e, true
	scale := func(r *Rate) {
		v, ok := r.times(f)
		*r, exact = v, exact && ok
	}
	for _, r := range []*Rate{
		&out.Input, &out.CacheRead, &out.CacheWrite5m, &out.CacheWrite1h, &out.Output, &out.Reasoning, &out.InputAudio, &out.OutputAudio,
		&out.BatchInput, &out.BatchOutput, &out.FlexInput, &out.FlexOutput, &out.PriorityInput, &out.PriorityOutput, &out.FastInput, &out.FastOutput,
	} {
		scale(r)
	}
	if e.Tier != nil {
		tier := *e.Tier
		scale(&tier.Input)
		scale(&tier.Output)
		out.Tier = &tier
	}
	out.Peak = slices.Clone(e.Peak)
	for i := range out.Peak {
		scale(&out.Peak[i].Input)
		scale(&out.Peak[i].CacheRead)
		scale(&out.Peak[i].Output)
	}
	if !exact {
		return nil
	}
	return &out
}

// foundIn says in words which entry it is and how it was found.
func (b *Book) foundIn(t *table, e *Entry, how string) *found {
	id := e.Name()
	if !e.EffectiveFrom.IsZero() {
		id += "@" + day(e.EffectiveFrom)
	}
	rule, version := e.Name(), b.version+":"+id
	if !e.EffectiveFrom.IsZero() {
		rule += ", effective " + day(e.EffectiveFrom)
	}
	switch {
	case t == &b.set:
		rule += ", set for " + forWhom(e.Project)
		version = fmt.Sprintf("set-%s:%s", hashOf([]Entry{*e}), id)
	case e.Status == "disputed":
		rule += ", sources disagree"
	case e.Status == "single":
		rule += ", one source"
	}
	if how != "" {
		rule += "; " + how
	}
	return newFound(e, rule, version)
}
