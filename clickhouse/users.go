package clickhouse

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// trendSteps is how many steps a user's Trend has, about.
const trendSteps = 60

// userOrders are the expressions that users are ordered by, with the type that a cursor holds one as.
var userOrders = map[trace.UserOrder]struct{ expr, typ string }{
	trace.ByCost:   {"sum(s_cost)", "Decimal(38, 9)"},
	trace.ByCalls:  {"toInt64(sum(s_calls))", "Int64"},
	trace.ByErrors: {"toInt64(sum(s_errors))", "Int64"},
	trace.ByTokens: {"toInt64(sum(s_input_uncached + s_cache_read + s_cache_write_5m + s_cache_write_1h + s_input_audio + s_output_text + s_reasoning + s_output_audio))", "Int64"},
}

// userCursor is a place in a list of users: after the one of this figure and name.
type userCursor struct {
	Sum    uint32          `json:"s"`
	Order  trace.UserOrder `json:"o"`
	Figure string          `json:"f"`
	User   string          `json:"u"`
}

// Users lists end users; see trace.Bundles. What only calls can answer is answered for at most 92 days.
func (db *DB) Users(ctx context.Context, q trace.UserQuery) (trace.UserPage, error) {
	order, ok := userOrders[q.Order]
	if !ok {
		return trace.UserPage{}, fmt.Errorf("list users: no order of them is called %q", q.Order)
	}
	limit := min(max(q.Limit, 1), 1000)
	sum := filterSum(&q.Filter)
	var after *userCursor
	if q.Cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
		if err != nil || json.Unmarshal(b, &after) != nil || after == nil || after.Sum != sum || after.Order != q.Order {
			return trace.UserPage{}, fmt.Errorf("cursor %.40q: %w: ask for the first page again", q.Cursor, trace.ErrBadCursor)
		}
	}
	all := q.Filter.Without("user") // whose total stands beside the list
	if err := db.checkSearch(ctx, &all, nil); err != nil {
		return trace.UserPage{}, fmt.Errorf("list users: %w", err)
	}
	var (
		page    trace.UserPage
		figures []string
		total   trace.Costs
	)
	err := atOnce(
		func() (err error) {
			page, figures, err = db.userSums(ctx, &q.Filter, order.expr, order.typ, limit+1, after)
			return err
		},
		func() (err error) {
			total, err = db.Costs(ctx, trace.CostQuery{Filter: all})
			return err
		},
	)
	if err != nil {
		return trace.UserPage{}, err
	}
	page.Total = total.Total
	if len(page.Users) > limit {
		page.Users = page.Users[:limit]
		next, err := json.Marshal(userCursor{sum, q.Order, figures[limit-1], page.Users[limit-1].Name})
		if err != nil {
			return trace.UserPage{}, fmt.Errorf("list users: %w", err)
		}
		page.Next = base64.RawURLEncoding.EncodeToString(next)
	}
	// They write different fields of the users.
	err = atOnce(
		func() error { return db.userTrends(ctx, &q.Filter, &page) },
		func() error { return db.userCalls(ctx, &q.Filter, page.Users) },
	)
	return page, err
}

// atOnce asks several questions at the same time.
func atOnce(questions ...func() error) error {
	errs := make([]error, len(questions))
	var wg sync.WaitGroup
	for i, ask := range questions {
		wg.Go(func() { errs[i] = ask() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// userSums reads the figures of up to n users behind a place, and the figure that each is ordered by.
func (db *DB) userSums(ctx context.Context, f *trace.Filter, order, typ string, n int, after *userCursor) (page trace.UserPage, figures []string, err error) {
	g, err := newGrouping(&trace.CostQuery{By: []string{"user"}})
	if err != nil {
		return page, nil, err
	}
	var unused where
	parts := searchedPlan(f, append(unused.filter(f), g.dims()...), day)
	if err := db.checkWidth(ctx, parts, "listing users by these columns"); err != nil || len(parts) == 0 {
		return page, nil, err
	}
	var w where
	sums := sumExpressions()
	grouped := "SELECT g0 AS u, " + order + " AS figure, " + aliased(sums) + " FROM (" + partsSQL(&w, &g, f, parts) + ") WHERE g0 != '' GROUP BY g0"
	beyond := ""
	if after != nil {
		figure := "CAST(" + w.text(after.Figure) + " AS " + typ + ")"
		beyond = " WHERE figure < " + figure + " OR figure = " + figure + " AND u > " + w.text(after.User)
	}
	sql := "SELECT toUInt64(0), u, toString(users), toString(figure), " + names(len(sums)) + " FROM (SELECT *, count() OVER () AS users FROM (" + grouped + "))" +
		beyond + " ORDER BY figure DESC, u LIMIT " + w.param("UInt32", n)
	err = db.query(ctx, "list users", func(rows driver.Rows) error {
		row, _, err := scanCosts(rows, 3)
		if err != nil {
			return err
		}
		if page.Count, err = strconv.ParseInt(row.Group[1], 10, 64); err != nil {
			return err
		}
		page.Users = append(page.Users, trace.User{Name: row.Group[0], Sums: row.Sums})
		figures = append(figures, row.Group[2])
		return nil
	}, sql, w.args...)
	return page, figures, err
}

// aliased names expressions v0, v1, …
func aliased(exprs []string) string {
	out := make([]string, len(exprs))
	for i, e := range exprs {
		out[i] = e + " AS v" + strconv.Itoa(i)
	}
	return strings.Join(out, ", ")
}

func names(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = "v" + strconv.Itoa(i)
	}
	return strings.Join(out, ", ")
}

// userTrends adds what each user of a page spent in each step of the time.
func (db *DB) userTrends(ctx context.Context, f *trace.Filter, page *trace.UserPage) error {
	if len(page.Users) == 0 {
		return nil
	}
	until := f.Until
	if until.IsZero() {
		until = time.Now()
	}
	since := f.Since
	if since.IsZero() {
		since = until.Add(-30 * day)
	}
	step := time.Hour
	if until.Sub(since) > 3*day {
		step = max(day, ceilTo(until.Sub(since)/trendSteps, day))
	}
	seconds := int64(step.Seconds())
	first := since.Unix() / seconds * seconds
	page.Since, page.Step = time.Unix(first, 0).UTC(), step
	n := int((until.Unix()-1)/seconds*seconds-first)/int(seconds) + 1

	narrow := *f
	narrow.Since, narrow.Until = since, until
	g, err := newGrouping(&trace.CostQuery{By: []string{"user", "every." + step.String()}})
	if err != nil {
		return err
	}
	var unused where
	parts := searchedPlan(&narrow, append(unused.filter(&narrow), g.dims()...), g.grain(&narrow))
	if len(parts) == 0 {
		return nil
	}
	at := make(map[string]int, len(page.Users))
	who := make([]string, len(page.Users))
	for i := range page.Users {
		u := &page.Users[i]
		at[u.Name], who[i], u.Trend = i, u.Name, make([]price.USD, max(n, 0))
	}
	var w where
	inner := partsSQL(&w, &g, &narrow, parts)
	sql := "SELECT g0, toInt64(toUnixTimestamp(g1)), toString(sum(s_cost)) FROM (" + inner + ") WHERE g0 IN " + w.param("Array(String)", who) + " GROUP BY g0, g1"
	return db.query(ctx, "sum up users over time", func(rows driver.Rows) error {
		var (
			user, sum string
			unix      int64
		)
		if err := rows.Scan(&user, &unix, &sum); err != nil {
			return err
		}
		cost, err := parseSum(sum)
		if i := int((unix - first) / seconds); i >= 0 && i < n {
			page.Users[at[user]].Trend[i] = cost
		}
		return err
	}, sql, w.args...)
}

// ceilTo rounds d up to a multiple of unit.
func ceilTo(d, unit time.Duration) time.Duration { return (d + unit - 1) / unit * unit }

// userCalls adds what only calls say: when users were last seen, and how many sessions they had.
func (db *DB) userCalls(ctx context.Context, f *trace.Filter, users []trace.User) error {
	if len(users) == 0 {
		return nil
	}
	since, until := f.Since, f.Until
	end := until
	if end.IsZero() {
		end = time.Now()
	}
	if least := end.Add(-rawDays * day); since.Before(least) {
		since = least
	}
	at := make(map[string]int, len(users))
	who := make([]string, len(users))
	for i := range users {
		at[users[i].Name], who[i] = i, users[i].Name
	}
	var w where
	w.and("kind = 'call' AND user IN " + w.param("Array(String)", who))
	w.filter(f)
	w.started(since, until)
	w.search(f, since, until)
	return db.query(ctx, "read the calls of users", func(rows driver.Rows) error {
		var (
			user string
			last time.Time
			n    uint64
		)
		if err := rows.Scan(&user, &last, &n); err != nil {
			return err
		}
		u := &users[at[user]]
		u.LastSeen, u.Sessions = last.UTC(), int64(n)
		return nil
	}, "SELECT user, max(start_time), uniqExactIf((project, session), session != '') FROM calls"+w.String()+" GROUP BY user", w.args...)
}
