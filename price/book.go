package price

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"
)

// Policy says what happens to calls of a model without a price.
type Policy string

// RejectUnpriced refuses them before they are sent, DefaultPrice charges the price set by Book.WithDefault, and
// AllowUnpriced lets them through at a cost that is not known.
const (
	RejectUnpriced Policy = "reject"
	DefaultPrice   Policy = "default"
	AllowUnpriced  Policy = "allow"
)

// Valid says whether p is one of the three.
func (p Policy) Valid() bool { return p == RejectUnpriced || p == DefaultPrice || p == AllowUnpriced }

// Book is a set of dated prices. It never changes; With and WithDefault make another. It is safe for concurrent use.
type Book struct {
	version string
	list    table   // the catalogue
	set     table   // what was set by hand; it goes before the list
	aliases aliases // of the catalogue
	byHand  []Entry
	hash    string // of byHand

	fallback *found // for models without a price; nil: none

	// dates are the moments, in Unix nanoseconds, at which some entry starts. Between two of them a name always means
	// the same entry, so that what was found may be remembered.
	dates []int64

	memo memo
}

// With makes a book in which the overrides stand before all else: first those of the charge's project, then those for
// everybody, then the catalogue. Within each the latest that is in force counts, whatever the catalogue's dates.
// Invalid entries and two prices for one model, project and date are refused, all at once.
func (b *Book) With(overrides ...Entry) (*Book, error) {
	all := slices.Concat(b.byHand, overrides)
	var faults []error
	seen := map[entryID]bool{}
	for i := range all {
		e := &all[i]
		if e.Kind == "" {
			e.Kind = PerToken
		}
		if e.Status == "" {
			e.Status = "set"
		}
		e.EffectiveFrom = e.EffectiveFrom.UTC()
		if err := e.Validate(); err != nil {
			faults = append(faults, err)
			continue
		}
		id := entryID{key{e.Provider, e.Model, e.Project}, moment(e.EffectiveFrom)}
		if seen[id] {
			faults = append(faults, fmt.Errorf("%w of %s: there are two for %s from %s: remove one", ErrEntry, e.Name(), forWhom(e.Project), since(e.EffectiveFrom)))
		}
		seen[id] = true
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	out := b.copy()
	out.byHand = all
	out.set = newTable(slotsOf(all))
	out.hash = hashOf(all)
	out.dates = startDates(&out.list, &out.set)
	return out, nil
}

// WithDefault makes a book that charges e for whatever has no other price, with the status Default. Provider, model and
// project may be left empty. Validate e first: where it has no price either, the charge stays Unpriced.
func (b *Book) WithDefault(e Entry) *Book {
	e.Provider, e.Model, e.Project = "", "*", ""
	if e.Kind == "" {
		e.Kind = PerToken
	}
	out := b.copy()
	out.fallback = newFound(&e, "no price is known for this model: default price", "default-"+hashOf([]Entry{e}))
	return out
}

// copy leaves out what is remembered.
func (b *Book) copy() *Book {
	return &Book{
		version: b.version, list: b.list, set: b.set, aliases: b.aliases, byHand: b.byHand, hash: b.hash,
		fallback: b.fallback, dates: b.dates,
	}
}

// Version names the catalogue, and the prices set by hand by their hash.
func (b *Book) Version() string {
	if len(b.byHand) == 0 {
		return b.version
	}
	return b.version + "+set-" + b.hash
}

// Entries yields every price, those set by hand first, each part ordered by provider, model, project and date.
func (b *Book) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, t := range []*table{&b.set, &b.list} {
			for _, s := range t.all {
				if !yield(*s.get()) {
					return
				}
			}
		}
	}
}

// moment is a time in Unix nanoseconds. What these cannot hold, the zero time above all, is put at an end of time.
func moment(t time.Time) int64 {
	const centuries = 200 * 365 * 24 * 3600
	switch s := t.Unix(); {
	case s < -centuries:
		return math.MinInt64
	case s > centuries:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// hashOf names a list of entries; entries always marshal.
func hashOf(entries []Entry) string {
	b, err := json.Marshal(entries)
	if err != nil {
		panic(fmt.Sprintf("price: marshal entries: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4])
}

func forWhom(project string) string {
	if project == "" {
		return "all projects"
	}
	return "project " + project
}

func since(t time.Time) string {
	if t.IsZero() {
		return "ever"
	}
	return day(t)
}
