package price

import (
	_ "embed" // the catalogue
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

//go:generate go run ./catalogue

//go:embed catalogue/prices.jsonl
var catalogue string

var embedded = sync.OnceValue(func() *Book {
	b, err := parseCatalogue(catalogue)
	if err != nil {
		panic("price: the embedded catalogue: " + err.Error()) // a test reads it
	}
	return b
})

// Embedded is the book of list prices that comes with the program. It is read at the first call.
func Embedded() *Book { return embedded() }

// header is the first line of a catalogue.
type header struct {
	Format  int    `json:"weir_prices"`
	Version string `json:"version"` // the day the prices were collected
	About   string `json:"about,omitempty"`
}

const catalogueFormat = 1

// parseCatalogue reads a header, then aliases and entries, one JSON object a line. An alias begins with alias and
// provider; an entry with provider, model and, when it has one, effective_from: in this order and without escapes, so
// that lines can be indexed without being decoded. Every fault is reported with the number of its line.
func parseCatalogue(text string) (*Book, error) {
	head, rest, _ := strings.Cut(text, "\n")
	var h header
	if err := strictly(head, &h); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	if h.Format != catalogueFormat {
		return nil, fmt.Errorf("line 1: weir_prices is %d, want %d", h.Format, catalogueFormat)
	}
	if _, err := time.Parse(time.DateOnly, h.Version); err != nil {
		return nil, fmt.Errorf("line 1: version %q is no day: %w", h.Version, err)
	}
	var (
		names  = aliases{exact: map[key]*aliasLine{}, patterns: map[string][]*aliasLine{}}
		slots  []*slot
		faults []error
		number = 1
	)
	for line := range strings.Lines(rest) {
		number++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var err error
		if strings.HasPrefix(line, aliasHead) {
			err = names.add(line, number)
		} else {
			var s *slot
			if s, err = newSlot(line, number); err == nil {
				slots = append(slots, s)
			}
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", number, err))
		}
	}
	b := &Book{version: h.Version, list: newTable(slots), aliases: names}
	for i, s := range b.list.all {
		if i > 0 && s.id() == b.list.all[i-1].id() {
			faults = append(faults, fmt.Errorf("line %d: %w of %s/%s: there are two from %s", s.number, ErrEntry, s.provider, s.model, since(s.from)))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	b.dates = startDates(&b.list)
	return b, nil
}

// check decodes every line of the catalogue.
func (b *Book) check() error {
	var faults []error
	for _, s := range b.list.all {
		if _, err := s.read(); err != nil {
			faults = append(faults, err)
		}
	}
	for a := range b.aliases.lines() {
		if _, err := a.read(); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

const (
	aliasHead = `{"alias":"`
	entryHead = `{"provider":"`
)

// newSlot reads the words by which an entry is found.
func newSlot(line string, number int) (*slot, error) {
	provider, rest, ok := quoted(line, entryHead)
	model, rest, ok2 := quoted(rest, `,"model":"`)
	if !ok || !ok2 {
		return nil, fmt.Errorf("%w: want a line that begins with provider and model", ErrEntry)
	}
	s := &slot{key: key{provider: provider, model: model}, line: line, number: number}
	if text, _, ok := quoted(rest, `,"effective_from":"`); ok {
		var from date
		if err := from.UnmarshalText([]byte(text)); err != nil {
			return nil, fmt.Errorf("%w of %s/%s: %w", ErrEntry, provider, model, err)
		}
		s.from = from.Time
	}
	return s, nil
}

// quoted cuts a JSON string without escapes off the front of s, after what must come before it.
func quoted(s, before string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, before)
	if !ok {
		return "", "", false
	}
	value, rest, ok = strings.Cut(s, `"`)
	return value, rest, ok && value != "" && !strings.Contains(value, `\`)
}

// strictly decodes one object and refuses fields it does not know.
func strictly(line string, into any) error {
	dec := json.NewDecoder(strings.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one JSON object")
	}
	return nil
}
