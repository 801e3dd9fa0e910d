package price

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// entryJSON is an Entry on paper. It lists the fields in the order people read them.
type entryJSON struct {
	Provider      string `json:"provider"`
	Model         string `json:"model"`
	EffectiveFrom date   `json:"effective_from,omitzero"`
	Project       string `json:"project,omitempty"`
	Mode          string `json:"mode,omitempty"`
	Kind          Kind   `json:"kind,omitempty"`

	Input        Rate `json:"input_usd_per_mtok,omitzero"`
	CacheRead    Rate `json:"cache_read_usd_per_mtok,omitzero"`
	CacheWrite5m Rate `json:"cache_write_5m_usd_per_mtok,omitzero"`
	CacheWrite1h Rate `json:"cache_write_1h_usd_per_mtok,omitzero"`
	Output       Rate `json:"output_usd_per_mtok,omitzero"`
	Reasoning    Rate `json:"reasoning_usd_per_mtok,omitzero"`
	InputAudio   Rate `json:"input_audio_usd_per_mtok,omitzero"`
	OutputAudio  Rate `json:"output_audio_usd_per_mtok,omitzero"`

	UnitUSD USD   `json:"unit_usd,omitzero"`
	Tier    *Tier `json:"tier,omitempty"`

	BatchInput     Rate `json:"batch_input_usd_per_mtok,omitzero"`
	BatchOutput    Rate `json:"batch_output_usd_per_mtok,omitzero"`
	FlexInput      Rate `json:"flex_input_usd_per_mtok,omitzero"`
	FlexOutput     Rate `json:"flex_output_usd_per_mtok,omitzero"`
	PriorityInput  Rate `json:"priority_input_usd_per_mtok,omitzero"`
	PriorityOutput Rate `json:"priority_output_usd_per_mtok,omitzero"`
	FastInput      Rate `json:"fast_input_usd_per_mtok,omitzero"`
	FastOutput     Rate `json:"fast_output_usd_per_mtok,omitzero"`

	Peak []Peak `json:"peak,omitempty"`

	ContextWindow int64    `json:"context_window,omitempty"`
	MaxOutput     int64    `json:"max_output_tokens,omitempty"`
	Tokenizer     string   `json:"tokenizer,omitempty"`
	Sources       []string `json:"sources,omitempty"`
	Status        string   `json:"status,omitempty"`
}

// MarshalJSON writes rates as decimal strings of dollars per million tokens and leaves out what is unknown.
func (e Entry) MarshalJSON() ([]byte, error) {
	return json.Marshal(entryJSON{
		e.Provider, e.Model,
		date{e.EffectiveFrom},
		e.Project, e.Mode, e.Kind,
		e.Input, e.CacheRead, e.CacheWrite5m, e.CacheWrite1h, e.Output, e.Reasoning, e.InputAudio, e.OutputAudio,
		e.UnitUSD, e.Tier,
		e.BatchInput, e.BatchOutput, e.FlexInput, e.FlexOutput, e.PriorityInput, e.PriorityOutput, e.FastInput, e.FastOutput,
		e.Peak, e.ContextWindow, e.MaxOutput, e.Tokenizer, e.Sources, e.Status,
	})
}

// UnmarshalJSON refuses fields it does not know (a currency, a misspelt price) and leaves an unnamed kind as PerToken.
// It does not Validate.
func (e *Entry) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var j entryJSON
	if err := dec.Decode(&j); err != nil {
		return err
	}
	if j.Kind == "" {
		j.Kind = PerToken
	}
	*e = Entry{
		j.Provider, j.Model, j.Project, j.Mode, j.Kind, j.EffectiveFrom.Time,
		j.Input, j.CacheRead, j.CacheWrite5m, j.CacheWrite1h, j.Output, j.Reasoning, j.InputAudio, j.OutputAudio,
		j.UnitUSD, j.Tier,
		j.BatchInput, j.BatchOutput, j.FlexInput, j.FlexOutput, j.PriorityInput, j.PriorityOutput, j.FastInput, j.FastOutput,
		j.Peak, j.ContextWindow, j.MaxOutput, j.Tokenizer, j.Sources, j.Status,
	}
	return nil
}

// date is written as a day when it is the start of one in UTC.
type date struct{ time.Time }

func (d date) MarshalText() ([]byte, error) { return []byte(day(d.Time)), nil }

func (d *date) UnmarshalText(b []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(b)); err == nil {
			d.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("effective_from %q: want a day such as 2026-11-23, or a time such as 2026-11-23T16:00:00Z", b)
}

func (d date) MarshalJSON() ([]byte, error) { return []byte(`"` + day(d.Time) + `"`), nil }

func (d *date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("effective_from: %w", err)
	}
	return d.UnmarshalText([]byte(s))
}

// day writes a moment as short as it can be.
func day(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// maxLine bounds one line of a price file.
const maxLine = 1 << 20

// ParseEntries reads a price file: one JSON entry a line, blank lines allowed. Every entry is validated, and
// two prices for one model, project and date are refused. All faults are reported, each with the number of its line, and
// then no entry is returned.
func ParseEntries(r io.Reader) ([]Entry, error) {
	var (
		out    []Entry
		faults []error
		number int
		first  = map[entryID]int{} // the line that says it
	)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		number++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var e Entry
		err := json.Unmarshal(line, &e)
		if err == nil {
			err = e.Validate()
		}
		id := entryID{key{e.Provider, e.Model, e.Project}, moment(e.EffectiveFrom)}
		if before, twice := first[id]; err == nil && twice {
			err = fmt.Errorf("%w of %s: line %d has one for %s from %s too: remove one", ErrEntry, e.Name(), before, forWhom(e.Project), since(e.EffectiveFrom))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		first[id] = number
		out = append(out, e)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("line %d: %w", number+1, err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	return out, nil
}
