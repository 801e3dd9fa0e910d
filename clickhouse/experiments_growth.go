package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/prompts/experiment"
)

// growthKey is a step of time in an epoch and an arm.
type growthKey struct {
	at    int64 // microseconds since 1970
	epoch int32
	arm   string
}

// Growth counts units and calls; see experiment.Reader. Nearly all units have one epoch and one arm, so that all calls are counted
// by step, and of the few units that moved the calls that do not count are counted apart and taken off.
func (db *DB) Growth(ctx context.Context, q experiment.Query, step time.Duration) ([]experiment.Growth, error) {
	var w where
	in := taking(&w, q) + " AND kind = 'call'"
	all := where{args: w.args}
	all.and("experiment = " + all.text(q.Experiment))
	all.and("NOT (epoch = 0 AND has(tag_names, 'rag'))") // what a pipeline asked for a call
	all.started(q.Since, q.Until)
	w.args = all.args
	steps := func(micros string) string {
		return fmt.Sprintf("intDiv(%s, %[2]d) * %[2]d", micros, max(step.Microseconds(), 1))
	}
	const at = "toUnixTimestamp64Micro(start_time)"
	stays := "(SELECT unit, epoch AS e, arm AS a, min(" + at + ") AS began FROM calls" + in + " GROUP BY unit, e, a)"
	moved := "SELECT unit, g.2, g.3 FROM (SELECT unit, arraySort(groupArray((began, e, a))) AS gs FROM " + stays + " GROUP BY unit HAVING length(gs) > 1) ARRAY JOIN arraySlice(gs, 2) AS g"
	sql := strings.Join([]string{
		"SELECT 'calls' AS what, " + steps(at) + " AS t, epoch, toString(arm) AS of, count() AS n FROM calls" + all.String() + " AND kind = 'call' GROUP BY t, epoch, of",
		"SELECT 'moved' AS what, " + steps(at) + " AS t, epoch, toString(arm) AS of, count() AS n FROM calls" + in + " AND (unit, epoch, arm) IN (" + moved + ") GROUP BY t, epoch, of",
		"SELECT 'units' AS what, " + steps("first.1") + " AS t, first.2 AS epoch, toString(first.3) AS of, count() AS n FROM (SELECT unit, min((began, e, a)) AS first FROM " + stays + " GROUP BY unit) GROUP BY t, epoch, of",
	}, " UNION ALL ")
	rows := map[growthKey]*experiment.Growth{}
	row := func(k growthKey) *experiment.Growth {
		if rows[k] == nil {
			rows[k] = &experiment.Growth{Time: time.UnixMicro(k.at).UTC(), Epoch: int(k.epoch), Arm: k.arm}
		}
		return rows[k]
	}
	err := db.query(ctx, "read the growth of experiment "+q.Experiment, func(r driver.Rows) error {
		var (
			what string
			k    growthKey
			n    uint64
		)
		if err := r.Scan(&what, &k.at, &k.epoch, &k.arm, &n); err != nil {
			return err
		}
		outside := growthKey{k.at, k.epoch, ""}
		switch {
		case what == "units":
			row(k).Units += int64(n)
		case what == "moved":
			row(k).Calls -= int64(n)
			row(outside).Calls += int64(n)
		case k.epoch == 0:
			row(outside).Calls += int64(n)
		default:
			row(k).Calls += int64(n)
		}
		return nil
	}, sql, w.args...)
	if err != nil {
		return nil, err
	}
	out := make([]experiment.Growth, 0, len(rows))
	for _, g := range rows {
		if g.Units != 0 || g.Calls != 0 {
			out = append(out, *g)
		}
	}
	slices.SortFunc(out, func(a, b experiment.Growth) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Arm, b.Arm))
	})
	return out, nil
}
