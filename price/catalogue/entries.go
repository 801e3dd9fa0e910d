package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/price"
)

// readEntries turns prices.csv, with its time windows and fast mode, into entries in the order of the file.
func readEntries(source fs.FS) ([]price.Entry, error) {
	rows, err := read(source, "prices.csv")
	if err != nil {
		return nil, err
	}
	windows, err := read(source, "time_windows.csv")
	if err != nil {
		return nil, err
	}
	fast, err := read(source, "fast_mode.csv")
	if err != nil {
		return nil, err
	}
	var out []price.Entry
	for i, r := range rows {
		fields := reader{row: r}
		e := fields.entry()
		for _, f := range fast {
			if f["provider"] == e.Provider && (f["model"] == e.Model || snapshot.MatchString(strings.TrimPrefix(e.Model, f["model"]))) {
				fastFields := reader{row: f}
				e.FastInput, e.FastOutput = fastFields.rate("fast_input"), fastFields.rate("fast_output")
				fields.keep(fastFields.err)
			}
		}
		until := next(rows, r)
		for _, w := range windows {
			if w["provider"] != e.Provider || w["model"] != e.Model {
				continue
			}
			peaks, err := readPeaks(w, next(windows, w))
			fields.keep(err)
			for _, p := range peaks {
				if e.EffectiveFrom.IsZero() || until != "" && p.From.Format(time.DateOnly) >= until || !p.Until.IsZero() && !p.Until.After(e.EffectiveFrom) {
					continue
				}
				e.Peak = append(e.Peak, p)
			}
		}
		if fields.err == nil {
			fields.err = e.Validate()
		}
		if fields.err != nil {
			return nil, fmt.Errorf("prices.csv line %d: %w", i+2, fields.err)
		}
		out = append(out, e)
	}
	return out, nil
}

// snapshot is what a dated id has behind the undated one.
var snapshot = regexp.MustCompile(`^-\d{8}$`)

// next is the day on which the next row of the same model starts; empty: none does.
func next(rows []row, of row) string {
	day := ""
	for _, r := range rows {
		same := r["provider"] == of["provider"] && r["model"] == of["model"]
		if from := r["effective_from"]; same && from > of["effective_from"] && (day == "" || from < day) {
			day = from
		}
	}
	return day
}

// peakHours began at an hour of a day that the table gives without one, daily at first, and on working days since.
var (
	peakBegan    = time.Date(2026, 8, 16, 16, 0, 0, 0, time.UTC)
	peakWeekdays = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
)

// readPeaks reads one row of time_windows.csv, which holds until the next row of the same model.
func readPeaks(w row, until string) ([]price.Peak, error) {
	fields := reader{row: w}
	p := price.Peak{
		From: fields.date("effective_from"), Days: price.Weekdays,
		Input: fields.rate("input"), CacheRead: fields.rate("cache_read"), Output: fields.rate("output"),
	}
	hours, err := price.ParseHours(strings.ReplaceAll(w["windows_utc"], ";", " "))
	fields.keep(err)
	p.Hours = hours
	if until != "" {
		end, err := time.Parse(time.DateOnly, until)
		fields.keep(err)
		p.Until = end
	}
	if fields.err != nil {
		return nil, fmt.Errorf("time_windows.csv, %s %s: %w", w["model"], w["effective_from"], fields.err)
	}
	switch days := w["days"]; {
	case strings.HasPrefix(days, "Mon-Fri"):
		return []price.Peak{p}, nil
	case days == "see README":
		first, later := p, p
		first.From, first.Until, first.Days = peakBegan, peakWeekdays, price.EveryDay
		later.From = peakWeekdays
		return []price.Peak{first, later}, nil
	default:
		return nil, fmt.Errorf("time_windows.csv, %s: days %q are not understood", w["model"], days)
	}
}

// reader reads the columns of a row and keeps the first fault.
type reader struct {
	row row
	err error
}

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) rate(column string) price.Rate {
	v, err := price.ParseRate(r.row[column+"_per_mtok"])
	if err != nil {
		r.keep(fmt.Errorf("%s_per_mtok: %w", column, err))
	}
	return v
}

func (r *reader) count(column string) int64 {
	if r.row[column] == "" {
		return 0
	}
	v, err := strconv.ParseInt(r.row[column], 10, 64)
	if err != nil {
		r.keep(fmt.Errorf("%s: %w", column, err))
	}
	return v
}

func (r *reader) date(column string) time.Time {
	if r.row[column] == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, r.row[column])
	if err != nil {
		r.keep(fmt.Errorf("%s: %w", column, err))
	}
	return t
}

func (r *reader) entry() price.Entry {
	e := price.Entry{
		Provider: r.row["provider"], Model: r.row["model"], Mode: r.row["mode"], Kind: price.PerToken,
		EffectiveFrom: r.date("effective_from"),
		Input:         r.rate("input"), CacheRead: r.rate("cache_read"),
		CacheWrite5m: r.rate("cache_write_5m"), CacheWrite1h: r.rate("cache_write_1h"),
		Output: r.rate("output"), Reasoning: r.rate("reasoning"),
		InputAudio: r.rate("input_audio"), OutputAudio: r.rate("output_audio"),
		BatchInput: r.rate("batch_input"), BatchOutput: r.rate("batch_output"),
		FlexInput: r.rate("flex_input"), FlexOutput: r.rate("flex_output"),
		PriorityInput: r.rate("priority_input"), PriorityOutput: r.rate("priority_output"),
		ContextWindow: r.count("context_window"), MaxOutput: r.count("max_output_tokens"),
		Tokenizer: r.row["tokenizer"], Sources: strings.Split(r.row["sources"], ";"), Status: r.row["status"],
	}
	if threshold := r.count("tier_threshold_tokens"); threshold > 0 {
		e.Tier = &price.Tier{ThresholdTokens: threshold, Input: r.rate("tier_input"), Output: r.rate("tier_output")}
		if !e.Output.Known() {
			e.Tier.Output = price.Rate{} // an embedding has no output; its long price says 0 for none
		}
	}
	return e
}
