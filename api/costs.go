package api

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones on machines that have no list of them

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// costGroups are the columns that costs are grouped by, beside tag.k.
var costGroups = []string{"project", "key", "user", "session", "model", "provider", "prompt", "arm", "endpoint", "status", "cache"}

// costTimes are the spans of time that costs are grouped by, one at a time.
var costTimes = []string{"minute", "hour", "day", "month"}

var costParams = []param{
	{name: "by", about: "columns to group by, separated by commas: " + strings.Join(costGroups, " ") + " tag.k and one of " + strings.Join(costTimes, " ")},
	{name: "timezone", about: "of days and months, as Europe/Berlin; UTC unless given"},
	{name: "format", about: "csv for a table; so does Accept: text/csv", enum: []string{"json", "csv"}},
}

// sums are the figures of a row of costs.
type sums struct {
	Calls         int64      `json:"calls"`
	Errors        int64      `json:"errors"`
	UnpricedCalls int64      `json:"unpriced_calls"`
	CacheHits     int64      `json:"cache_hits"`
	CostUSD       *price.USD `json:"cost_usd"` // of the priced calls; null when no call has a price
	SavedUSD      price.USD  `json:"saved_usd"`
	InputTokens   int64      `json:"input_tokens"`
	OutputTokens  int64      `json:"output_tokens"`
	Usage         llm.Usage  `json:"usage"`
	LatencyP50MS  *float64   `json:"latency_p50_ms"` // null without calls
	LatencyP95MS  *float64   `json:"latency_p95_ms"`
	TTFTP50MS     *float64   `json:"ttft_p50_ms"` // null without streams
}

// costRow is sums with the values of the group they are of.
type costRow struct {
	by, group []string
	sums
}

// costsAnswer is the answer to a question for costs.
type costsAnswer struct {
	Rows  []costRow `json:"rows"`
	Total sums      `json:"total"`
}

// MarshalJSON writes the group's values as fields named as they were asked for.
func (r costRow) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, name := range r.by {
		for j, text := range []string{name, r.group[i]} {
			quoted, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			b = append(append(b, quoted...), ":,"[j])
		}
	}
	figures, err := json.Marshal(r.sums)
	if err != nil {
		return nil, err
	}
	return append(b, figures[1:]...), nil
}

func sumsOf(s *trace.Sums) sums {
	out := sums{
		Calls: s.Calls, Errors: s.Errors, UnpricedCalls: s.UnpricedCalls, CacheHits: s.CacheHits, SavedUSD: s.Saved,
		InputTokens: s.Usage.Input(), OutputTokens: s.Usage.Output(), Usage: s.Usage, TTFTP50MS: knownMillis(s.TTFTP50),
	}
	if s.Calls == 0 || s.UnpricedCalls < s.Calls {
		out.CostUSD = &s.Cost
	}
	if s.Calls > 0 {
		p50, p95 := millis(s.LatencyP50), millis(s.LatencyP95)
		out.LatencyP50MS, out.LatencyP95MS = &p50, &p95
	}
	return out
}

// readCosts reads what is asked of costs.
func readCosts(q url.Values, now time.Time) (trace.CostQuery, error) {
	out := trace.CostQuery{Timezone: time.UTC}
	if name := q.Get("timezone"); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil || zone == time.Local {
			return out, bad("timezone", "timezone=%q is not a name of the time zone database, such as Europe/Berlin", clip(name))
		}
		out.Timezone = zone
	}
	if text := q.Get("by"); text != "" {
		out.By = strings.Split(text, ",")
	}
	seen, times := map[string]bool{}, 0
	for _, name := range out.By {
		tag, isTag := strings.CutPrefix(name, "tag.")
		isTime := slices.Contains(costTimes, name)
		switch {
		case !isTime && !slices.Contains(costGroups, name) && (!isTag || tag == ""):
			return out, bad("by", "by=%q is no column to group by: want %s, tag.k, or one of %s", clip(name), strings.Join(costGroups, ", "), strings.Join(costTimes, ", "))
		case seen[name]:
			return out, bad("by", "by names %s twice", clip(name))
		}
		seen[name] = true
		if isTime {
			times++
		}
	}
	if times > 1 {
		return out, bad("by", "by names more than one of %s; give one", strings.Join(costTimes, ", "))
	}
	var err error
	out.Filter, err = readFilter(q, now, out.Timezone)
	return out, err
}

func (a *API) getCosts(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	question, err := readCosts(q, time.Now())
	if err != nil {
		return err
	}
	format, err := readFormat(r, "json", "csv")
	if err != nil {
		return err
	}
	costs, err := a.cfg.Reader.Costs(r.Context(), question)
	if err != nil {
		return fmt.Errorf("sum costs: %w", err)
	}
	out := costsAnswer{Rows: make([]costRow, len(costs.Rows)), Total: sumsOf(&costs.Total)}
	for i := range costs.Rows {
		out.Rows[i] = costRow{question.By, costs.Rows[i].Group, sumsOf(&costs.Rows[i].Sums)}
	}
	if format == "csv" {
		return writeCosts(w, question.By, out)
	}
	return answer(w, http.StatusOK, out)
}

// readFormat is the parameter format, or csv when the Accept header names it first, or else the first of known.
func readFormat(r *http.Request, known ...string) (string, error) {
	format := r.URL.Query().Get("format")
	if format == "" {
		if first, _, _ := strings.Cut(r.Header.Get("Accept"), ","); strings.HasPrefix(strings.TrimSpace(first), "text/csv") {
			return "csv", nil
		}
		return known[0], nil
	}
	if !slices.Contains(known, format) {
		return "", bad("format", "format=%q is not in this version: want %s", clip(format), strings.Join(known, " or "))
	}
	return format, nil
}

var sumColumns = []string{
	"calls", "errors", "unpriced_calls", "cache_hits", "cost_usd", "saved_usd", "input_tokens", "output_tokens",
	"input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "output_text", "reasoning", "output_audio",
	"latency_p50_ms", "latency_p95_ms", "ttft_p50_ms",
}

func (s *sums) cells() []string {
	u := &s.Usage
	cells := numbers(s.Calls, s.Errors, s.UnpricedCalls, s.CacheHits)
	cells = append(cells, money(s.CostUSD), s.SavedUSD.String())
	cells = append(cells, numbers(s.InputTokens, s.OutputTokens, u.InputUncached, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h, u.InputAudio, u.OutputText, u.Reasoning, u.OutputAudio)...)
	return append(cells, decimal(s.LatencyP50MS), decimal(s.LatencyP95MS), decimal(s.TTFTP50MS))
}

// writeCosts writes the rows as CSV; without groups, the total.
func writeCosts(w http.ResponseWriter, by []string, costs costsAnswer) error {
	var buf bytes.Buffer
	table := csv.NewWriter(&buf)
	rows := [][]string{slices.Concat(texts(by...), sumColumns)}
	for i := range costs.Rows {
		rows = append(rows, slices.Concat(texts(costs.Rows[i].group...), costs.Rows[i].cells()))
	}
	if len(by) == 0 {
		rows = append(rows, costs.Total.cells())
	}
	if err := table.WriteAll(rows); err != nil {
		return fmt.Errorf("write costs as CSV: %w", err)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write(buf.Bytes())
	return nil
}

// texts makes words of clients safe for programs that take a cell for a formula: those that begin as one get a '.
func texts(cells ...string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
			c = "'" + c
		}
		out[i] = c
	}
	return out
}

func numbers(values ...int64) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strconv.FormatInt(v, 10)
	}
	return out
}

// decimal is empty for what is not known.
func decimal(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// money is empty for what is not known.
func money(v *price.USD) string {
	if v == nil {
		return ""
	}
	return v.String()
}
