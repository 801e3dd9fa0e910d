package clickhouse

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

// unpricedAtOnce is how many models are looked for at a time.
const unpricedAtOnce = 50

// unpricedModel is a model with the unit of a source that its newest unpriced call is in.
type unpricedModel struct {
	trace.UnpricedModel
	unit time.Duration
}

// Unpriced lists models without a price; see trace.Reader. Rollups say how many calls and in which hour or minute the newest of them is,
// and the calls of that when it began. Where calls are no longer kept, that is the beginning of the hour.
func (db *DB) Unpriced(ctx context.Context, since, until time.Time) ([]trace.UnpricedModel, error) {
	parts := plan(since, until, []dimension{"provider", "model"}, time.Hour)
	if len(parts) == 0 {
		return nil, nil
	}
	found := map[[2]string]*unpricedModel{}
	for i := range parts {
		if err := db.unpricedIn(ctx, &parts[i], found); err != nil {
			return nil, err
		}
	}
	list := make([]*unpricedModel, 0, len(found))
	for _, m := range found {
		list = append(list, m)
	}
	for some := range slices.Chunk(list, unpricedAtOnce) {
		if err := db.lastUnpriced(ctx, some, since, until); err != nil {
			return nil, err
		}
	}
	out := make([]trace.UnpricedModel, len(list))
	for i, m := range list {
		out[i] = m.UnpricedModel
	}
	slices.SortFunc(out, func(a, b trace.UnpricedModel) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Model, b.Model))
	})
	return out, nil
}

// unpricedIn adds what a part knows. What got a price since is taken off where the call began.
func (db *DB) unpricedIn(ctx context.Context, p *part, into map[[2]string]*unpricedModel) error {
	var w where
	w.within(p)
	w.and("unpriced_calls != 0")
	rows := "SELECT provider, model, time AS at, toInt64(unpriced_calls) AS n FROM " + p.table + w.String() // sums wrap around
	if p.unit == 0 {
		w = where{}
		w.within(p)
		w.and("price_status = 'unpriced'")
		gone := where{args: w.args}
		gone.started(p.since, p.until)
		gone.and("has(flags, '" + wasUnpriced + "')")
		const of = "SELECT provider, model, toStartOfMinute(start_time) AS at, "
		rows = of + "toInt64(1) AS n FROM calls" + w.String() + " UNION ALL " + of + "toInt64(-1) AS n FROM adjustments" + gone.String()
		w.args = gone.args
	}
	return db.query(ctx, "count unpriced calls", func(r driver.Rows) error {
		var (
			key   [2]string
			n     int64
			at    time.Time
			units = max(p.unit, time.Minute)
		)
		if err := r.Scan(&key[0], &key[1], &n, &at); err != nil {
			return err
		}
		m := into[key]
		if m == nil {
			m = &unpricedModel{UnpricedModel: trace.UnpricedModel{Provider: key[0], Model: key[1]}}
			into[key] = m
		}
		m.Calls += n
		if at = at.UTC(); m.LastSeen.Before(at) {
			m.LastSeen, m.unit = at, units
		}
		return nil
	}, "SELECT toString(provider), toString(model), sum(s), max(at) FROM (SELECT provider, model, at, sum(n) AS s FROM ("+rows+
		") GROUP BY provider, model, at HAVING s > 0) GROUP BY provider, model", w.args...)
}

// lastUnpriced looks up when the newest unpriced call of each model began.
func (db *DB) lastUnpriced(ctx context.Context, list []*unpricedModel, since, until time.Time) error {
	var w where
	at := map[[2]string]*unpricedModel{}
	times := make([]string, len(list))
	for i, m := range list {
		at[[2]string{m.Provider, m.Model}] = m
		times[i] = "provider = " + w.text(m.Provider) + " AND model = " + w.text(m.Model) +
			" AND start_time >= " + w.moment(m.LastSeen) + " AND start_time < " + w.moment(m.LastSeen.Add(m.unit))
	}
	w.and("(" + strings.Join(times, " OR ") + ")")
	w.and("kind = 'call' AND price_status = 'unpriced'")
	w.started(since, until)
	priced := where{args: w.args}
	priced.and("has(flags, '" + wasUnpriced + "')")
	priced.started(since, until)
	w.args = priced.args
	w.and("call_id NOT IN (SELECT call_id FROM adjustments" + priced.String() + ")")
	return db.query(ctx, "find the newest unpriced calls", func(rows driver.Rows) error {
		var (
			key  [2]string
			last time.Time
		)
		err := rows.Scan(&key[0], &key[1], &last)
		at[key].LastSeen = last.UTC()
		return err
	}, "SELECT toString(provider) AS p, toString(model) AS m, max(start_time) FROM calls"+w.String()+" GROUP BY p, m", w.args...)
}
