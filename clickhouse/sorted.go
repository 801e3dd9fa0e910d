package clickhouse

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// callOrders are the columns that calls are sorted by, NULL last both ways, and the type of their values.
var callOrders = map[trace.CallOrder]struct{ expr, typ string }{
	trace.CallsByCost:     {"cost", "Decimal(18, 9)"},
	trace.CallsByDuration: {"duration_ns", "Int64"},
	trace.CallsByTTFT:     {"ttft_ns", "Int64"},
	trace.CallsByTokens:   {"(input_uncached + cache_read + cache_write_5m + cache_write_1h + input_audio + output_text + reasoning + output_audio)", "Int64"},
}

// sortKey is a place in a sorted list: what a call is sorted by.
type sortKey struct {
	Value  *int64 `json:"v"` // as CallOrder.Of gives it; nil: not known
	Micros int64  `json:"t"` // of its start
	ID     string `json:"i"`
}

func (k *sortKey) start() time.Time { return time.UnixMicro(k.Micros).UTC() }

// sortCursor is a place in the list of a filter and an order.
type sortCursor struct {
	Sum   uint32          `json:"s"`
	Order trace.CallOrder `json:"o"`
	sortKey
}

func decodeSortCursor(text string, sum uint32, by trace.CallOrder) (*sortKey, error) {
	var c sortCursor
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &c) != nil || c.Sum != sum || c.Order != by {
		return nil, fmt.Errorf("cursor %.40q: %w: ask for the first page again", text, trace.ErrBadCursor)
	}
	return &c.sortKey, nil
}

// sorted is a list of calls by an order.
type sorted struct {
	f     *trace.Filter
	by    trace.CallOrder // without its way
	up    bool            // smallest first
	expr  string
	typ   string
	after *sortKey // of the last call before the page
	least *int64   // what each call of the page has at least, upwards at most; nil: not known
}

// SortedCalls lists calls by an order; see trace.Explorer. It finds the places of a page's calls by the few narrow columns that these
// depend on, where a sample has said how large what is looked for is at least, and then reads the calls themselves. That is done for at
// most 92 days.
func (db *DB) SortedCalls(ctx context.Context, f trace.Filter, by trace.CallOrder, limit int, cursor string) (trace.Page, error) {
	if by == trace.CallsByTime {
		return db.Calls(ctx, f, limit, cursor)
	}
	base, up := by.Base()
	if base == trace.CallsByTime {
		return db.oldestCalls(ctx, f, limit, cursor)
	}
	order, ok := callOrders[base]
	if !ok {
		return trace.Page{}, fmt.Errorf("list calls: %w", llm.Faultf(llm.InvalidRequest, "calls cannot be sorted by %q; known are %v", by, trace.CallOrders))
	}
	limit = min(max(limit, 1), 1000)
	l := sorted{f: &f, by: base, up: up, expr: order.expr, typ: order.typ}
	sum := filterSum(&f)
	if cursor != "" {
		var err error
		if l.after, err = decodeSortCursor(cursor, sum, by); err != nil {
			return trace.Page{}, err
		}
	}
	f.Since = searchSince(&f, time.Now())
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return trace.Page{}, nil
	}
	if err := db.checkSearch(ctx, &f, nil); err != nil {
		return trace.Page{}, fmt.Errorf("list calls: %w", err)
	}
	if err := db.checkWidth(ctx, []part{{source{table: "calls"}, f.Since, f.Until}}, "a list by "+string(base)); err != nil {
		return trace.Page{}, fmt.Errorf("list calls: %w", err)
	}
	calls, err := l.page(ctx, db, limit+1)
	if err != nil {
		return trace.Page{}, err
	}
	page := trace.Page{Calls: calls}
	if len(calls) > limit {
		page.Calls = calls[:limit]
		next, err := json.Marshal(sortCursor{sum, by, l.keyOf(&calls[limit-1].Span)})
		if err != nil {
			return trace.Page{}, fmt.Errorf("list calls: %w", err)
		}
		page.Next = base64.RawURLEncoding.EncodeToString(next)
	}
	return page, nil
}

// sign is one of two signs by the way of the order.
func (l *sorted) sign(down, up string) string {
	if l.up {
		return up
	}
	return down
}

func (l *sorted) way() string { return l.sign("DESC", "ASC") }

func (l *sorted) keyOf(s *trace.Span) sortKey {
	k := sortKey{Micros: s.Start.UnixMicro(), ID: s.ID}
	if v, known := l.by.Of(s); known {
		k.Value = &v
	}
	return k
}

// page reads up to n calls.
func (l *sorted) page(ctx context.Context, db *DB, n int) ([]trace.CallRow, error) {
	if err := l.bound(ctx, db, n+1); err != nil {
		return nil, err
	}
	// Ids are wide, so keys are found without them: the last call of the page before is found again. Where that was one of several of its
	// value and its microsecond, the page may need one more round.
	for want := n + 1; ; want *= 4 {
		keys, err := l.keys(ctx, db, want)
		if l.least != nil && err == nil && len(keys) < want {
			l.least = nil // the bound was that of n+1, or calls have gone since
			keys, err = l.keys(ctx, db, want)
		}
		if err != nil || len(keys) == 0 {
			return nil, err
		}
		calls, err := l.calls(ctx, db, keys, n)
		if err != nil || len(calls) >= n || len(keys) < want {
			return calls, err
		}
	}
}

// keys finds the first n places behind the last page, without ids unless a text is looked for: then what it is found in is so much wider that
// ids do not matter, and it is looked for once.
func (l *sorted) keys(ctx context.Context, db *DB, n int) ([]sortKey, error) {
	var w where
	if l.least != nil {
		w.and(l.expr + l.sign(" >= ", " <= ") + l.value(&w, *l.least)) // first: what it leaves out need not be read further
	}
	w.and("kind = 'call'")
	w.started(l.f.Since, l.f.Until)
	w.filter(l.f)
	id, then := "''", ""
	if l.f.Text != "" {
		id, then = "id", ", id DESC"
	}
	if l.after != nil {
		w.and(l.behind(&w, l.after, l.f.Text != ""))
	}
	w.search(l.f, l.f.Since, l.f.Until)
	var keys []sortKey
	err := db.query(ctx, "sort calls", func(rows driver.Rows) error {
		var (
			value *string
			k     sortKey
		)
		if err := rows.Scan(&value, &k.Micros, &k.ID); err != nil {
			return err
		}
		if value != nil {
			v, err := l.parse(*value)
			if err != nil {
				return err
			}
			k.Value = &v
		}
		keys = append(keys, k)
		return nil
	}, "SELECT toNullable(toString(v)), toUnixTimestamp64Micro(start_time), "+id+" FROM (SELECT "+l.expr+" AS v, start_time, "+id+" FROM calls"+w.String()+
		" ORDER BY v "+l.way()+" NULLS LAST, start_time DESC"+then+" LIMIT "+w.param("UInt32", n)+")", w.args...)
	return keys, err
}

func (l *sorted) parse(value string) (int64, error) {
	if l.by == trace.CallsByCost {
		cost, err := parseSum(value)
		return int64(cost), err
	}
	return strconv.ParseInt(value, 10, 64)
}

// value gives a value as an expression of the column's type.
func (l *sorted) value(w *where, v int64) string {
	text := strconv.FormatInt(v, 10)
	if l.by == trace.CallsByCost {
		text = price.USD(v).String()
	}
	return "CAST(" + w.text(text) + " AS " + l.typ + ")"
}

// behind keeps what comes behind a place, or with a place without its id, what is there or behind it.
func (l *sorted) behind(w *where, k *sortKey, withID bool) string {
	sameValue := "start_time <= " + w.moment(k.start())
	if withID {
		sameValue = "(start_time, id) < (" + w.moment(k.start()) + ", " + w.text(k.ID) + ")"
	}
	if k.Value == nil {
		return "(" + l.expr + " IS NULL AND " + sameValue + ")"
	}
	v := l.value(w, *k.Value)
	return fmt.Sprintf("(%[1]s %[4]s %[2]s OR %[1]s = %[2]s AND %[3]s OR %[1]s IS NULL)", l.expr, v, sameValue, l.sign("<", ">"))
}

// upTo keeps what comes before a place or is there.
func (l *sorted) upTo(w *where, k *sortKey) string {
	sameValue := "start_time >= " + w.moment(k.start())
	if k.Value == nil {
		return "(" + l.expr + " IS NOT NULL OR " + sameValue + ")"
	}
	v := l.value(w, *k.Value)
	return fmt.Sprintf("(%[1]s %[4]s %[2]s OR %[1]s = %[2]s AND %[3]s)", l.expr, v, sameValue, l.sign(">", "<"))
}

// calls reads the first n calls at these places.
func (l *sorted) calls(ctx context.Context, db *DB, keys []sortKey, n int) ([]trace.CallRow, error) {
	var w where
	w.and("kind = 'call'")
	starts := make([]time.Time, len(keys))
	ids := make([]string, len(keys))
	for i := range keys {
		starts[i], ids[i] = keys[i].start(), keys[i].ID
	}
	w.at(starts)
	if l.f.Text != "" {
		w.and("id IN " + w.param("Array(String)", ids))
	} else {
		if v := keys[len(keys)-1].Value; v != nil {
			w.and(l.expr + l.sign(" >= ", " <= ") + l.value(&w, *v)) // as upTo does, in words that the index of sizes knows
		}
		w.started(l.f.Since, l.f.Until)
		w.filter(l.f)
		w.and(l.upTo(&w, &keys[len(keys)-1]))
		if l.after != nil {
			w.and(l.behind(&w, l.after, true))
		}
	}
	var calls []trace.CallRow
	err := db.query(ctx, "list calls", lines(&calls), "SELECT "+sortedColumns+" FROM calls"+w.String()+
		" ORDER BY "+l.expr+" "+l.way()+" NULLS LAST, start_time DESC, id DESC LIMIT "+w.param("UInt32", n), w.args...)
	return calls, err
}
