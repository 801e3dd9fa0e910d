package clickhouse

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

func named(name string, v any) driver.NamedValue { return ch.Named(name, v) }

// where collects the conditions of a query and their parameters. Text of requests reaches ClickHouse as parameters
// only; what is in the SQL itself comes from this package.
type where struct {
	conds  []string
	costly []string // conditions on texts, which are read last
	args   []any
}

func (w *where) and(cond string) { w.conds = append(w.conds, cond) }

// param binds v and gives the placeholder that stands for it.
func (w *where) param(typ string, v any) string {
	name := "p" + strconv.Itoa(len(w.args))
	w.args = append(w.args, named(name, v))
	return "{" + name + ":" + typ + "}"
}

func (w *where) text(s string) string { return w.param("String", s) }

// moment gives t to the microsecond as an expression of the type of start_time, rounded up: what starts at whole
// microseconds is before t exactly when it is before t rounded up.
func (w *where) moment(t time.Time) string {
	return "fromUnixTimestamp64Micro(" + w.param("Int64", ceil(t, time.Microsecond).UnixMicro()) + ", 'UTC')"
}

// second gives t, which must be whole seconds, as an expression of the type of a rollup's time.
func (w *where) second(t time.Time) string {
	return "toDateTime(" + w.param("Int64", t.Unix()) + ", 'UTC')"
}

// started keeps what started in [since, until); zero times are open ends.
func (w *where) started(since, until time.Time) {
	if !since.IsZero() {
		w.and("start_time >= " + w.moment(clampTime(since)))
	}
	if !until.IsZero() {
		w.and("start_time < " + w.moment(clampTime(until)))
	}
}

// at keeps what started at one of these moments. Their minutes lead to a granule or two each; numbers stand in place, as a parameter would
// not lead to granules.
func (w *where) at(starts []time.Time) {
	minutes, moments, seen := []string{}, make([]string, len(starts)), map[int64]bool{}
	for i, at := range starts {
		if minute := at.Truncate(time.Minute).Unix(); !seen[minute] {
			seen[minute] = true
			minutes = append(minutes, "toDateTime("+strconv.FormatInt(minute, 10)+", 'UTC')")
		}
		moments[i] = "fromUnixTimestamp64Micro(" + strconv.FormatInt(at.UnixMicro(), 10) + ", 'UTC')"
	}
	w.and("toStartOfMinute(start_time) IN (" + strings.Join(minutes, ", ") + ")")
	w.and("start_time IN (" + strings.Join(moments, ", ") + ")")
}

// String gives the clauses of the conditions. The narrow columns are decided on first, by PREWHERE, so that the wide
// ones are read for what is left: of rows of seventy columns that is most of the time of a list.
func (w *where) String() string {
	var b strings.Builder
	if len(w.conds) > 0 {
		b.WriteString(" PREWHERE " + strings.Join(w.conds, " AND "))
	}
	if len(w.costly) > 0 {
		b.WriteString(" WHERE " + strings.Join(w.costly, " AND "))
	}
	return b.String()
}

func clampTime(t time.Time) time.Time {
	switch {
	case t.Before(earliest):
		return earliest.Add(-time.Hour)
	case t.After(latest):
		return latest.Add(time.Hour)
	}
	return t
}

// ceil rounds t up to a multiple of unit since 1970, for units up to a day.
func ceil(t time.Time, unit time.Duration) time.Time {
	if down := floor(t, unit); down.Before(t) {
		return down.Add(unit)
	}
	return t.UTC()
}

// floor rounds t down to a multiple of unit. Units that divide a day begin at the same moments in Go, which counts
// from year 1, and in ClickHouse, which counts from 1970.
func floor(t time.Time, unit time.Duration) time.Time { return t.UTC().Truncate(unit) }

// dimension is a column that calls are filtered and grouped by.
type dimension string

// Dimensions of the usage tables; every other is in calls only.
var (
	usageDimensions   = []dimension{"project", "key", "model", "provider", "status", "cache", "endpoint", "prompt", "arm"}
	userDayDimensions = []dimension{"user", "project", "key", "model", "provider"}
)

// equal are the conditions that a column has a value ?, for the fields where it is not just that.
var equal = map[string]string{
	"key":   "(key = ? OR key_id = ?)",
	"model": "(model = ? OR model_requested = ?)",
	"trace": "(trace_id = ? AND xxHash32(trace_id) = xxHash32(?))",
}

// filter adds f's conditions but for its times and its text and returns the dimensions it looks at.
func (w *where) filter(f *trace.Filter) []dimension {
	var used []dimension
	for _, c := range f.Conditions() {
		used = append(used, dimensionOf(c.Field))
		is := make([]string, len(c.Values))
		for i, value := range c.Values {
			is[i] = w.has(c.Field, value)
		}
		cond := strings.Join(is, " OR ")
		switch {
		case c.Not:
			cond = "NOT (" + cond + ")"
		case len(is) > 1:
			cond = "(" + cond + ")"
		}
		w.and(cond)
	}
	if f.Unpriced {
		used = append(used, "price_status")
		w.and("price_status = 'unpriced'")
	}
	return used
}

// dimensionOf is the dimension of a filter's field.
func dimensionOf(field string) dimension {
	if strings.HasPrefix(field, "tag.") {
		return "tag"
	}
	return dimension(field)
}

// has is the condition that a call has a value in a field of a filter.
func (w *where) has(field, value string) string {
	if tag, ok := strings.CutPrefix(field, "tag."); ok {
		n, v := w.text(tag), w.text(value)
		// The first two conditions let the bloom filters skip; the third is the truth.
		return fmt.Sprintf("(has(tag_names, %s) AND has(tag_values, %s) AND tag_values[indexOf(tag_names, %s)] = %s)", n, v, n, v)
	}
	if field == "prompt" {
		name, version, ok := cutVersion(value)
		cond := "prompt = " + w.text(value)
		if ok {
			cond = fmt.Sprintf("(%s OR prompt = %s AND prompt_version = %s)", cond, w.text(name), w.param("Int32", version))
		}
		return cond
	}
	return strings.ReplaceAll(cmp.Or(equal[field], field+" = ?"), "?", w.text(value))
}

// cutVersion splits name@7 into its parts.
func cutVersion(prompt string) (name string, version int32, ok bool) {
	at := strings.LastIndexByte(prompt, '@')
	if at < 0 {
		return prompt, 0, false
	}
	n, err := strconv.ParseInt(prompt[at+1:], 10, 32)
	if err != nil || n <= 0 {
		return prompt, 0, false
	}
	return prompt[:at], int32(n), true
}
