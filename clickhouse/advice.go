package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/price/advice"
	"github.com/weir-dev/weir/trace"
)

const (
	adviceCalls  = 1_000_000          // that are looked at one by one, the newest ones: sorting many more is beyond the engine's memory
	adviceTexts  = 200_000            // requests that are compared, the newest ones
	adviceWithin = 7 * 24 * time.Hour // and no older than that before the end
	adviceGroups = 100                // of each kind, those that cost the most
	adviceUsers  = 100_000
)

// Endpoints that answer a prompt with text, and what is summed of their calls.
const (
	textual   = "endpoint IN ('chat.completions', 'messages', 'responses', 'completions')"
	inputSum  = "(input_uncached + cache_read + cache_write_5m + cache_write_1h + input_audio)"
	outputSum = "(output_text + reasoning + output_audio)"
	known     = "ifNull(cost, toDecimal64(0, 9))"
	fresh     = "cache NOT IN ('hit', 'semantic')" // answered by a provider
)

// AdviceFacts sums the calls that f picks for advice on what they cost; both times of f are set. Costs are as they were recorded,
// without what was added since. It looks at the newest calls only, see Span.Since, and of their requests, which are much to read, at
// fewer: see Span.TextsSince.
func (db *DB) AdviceFacts(ctx context.Context, f trace.Filter) (advice.Facts, error) {
	return db.adviceFacts(ctx, f, adviceCalls)
}

func (db *DB) adviceFacts(ctx context.Context, f trace.Filter, most int) (advice.Facts, error) {
	a := adviceQuery{db: db, filter: f, most: most}
	a.Span.Since, a.Span.Until, a.Span.TextsSince = f.Since, f.Until, f.Until
	if err := a.newest(ctx); err != nil {
		return advice.Facts{}, err
	}
	for _, step := range []func(context.Context) error{
		a.totals, a.users, a.writes, a.inputs, a.histories, a.cuts, a.outputs, a.texts, a.repeats, a.prefixes, a.failures,
	} {
		if err := step(ctx); err != nil {
			return advice.Facts{}, err
		}
		if a.Calls == 0 {
			break
		}
	}
	return a.Facts, nil
}

// adviceQuery collects facts.
type adviceQuery struct {
	advice.Facts
	db     *DB
	filter trace.Filter
	most   int // calls that are looked at
}

// of is the condition that picks the calls, with more conditions.
func (a *adviceQuery) of(w *where, since time.Time, more ...string) string {
	cond := where{args: w.args}
	cond.and("kind = '" + string(trace.KindCall) + "'")
	cond.started(since, a.filter.Until)
	cond.filter(&a.filter)
	for _, m := range more {
		cond.and(m)
	}
	w.args = cond.args
	return cond.String()
}

// newest narrows the time to that of the newest calls.
func (a *adviceQuery) newest(ctx context.Context) error {
	var err error
	a.filter.Since, err = a.sinceNewest(ctx, a.filter.Since, a.most)
	a.Span.Since = a.filter.Since
	return err
}

// sinceNewest gives when the n-th newest call began, and since where there are fewer from then on.
func (a *adviceQuery) sinceNewest(ctx context.Context, since time.Time, n int) (time.Time, error) {
	var (
		w      where
		found  uint64
		oldest time.Time
	)
	err := a.db.scan(ctx, "find the calls that advice looks at", []any{&found, &oldest},
		fmt.Sprintf("SELECT count(), min(start_time) FROM (SELECT start_time FROM calls%s ORDER BY start_time DESC LIMIT %d)", a.of(&w, since), n), w.args...)
	if err == nil && found >= uint64(n) {
		since = oldest.UTC()
	}
	return since, err
}

func (a *adviceQuery) totals(ctx context.Context) error {
	var (
		w     where
		calls uint64
		cost  string
	)
	err := a.db.scan(ctx, "sum calls for advice", []any{&calls, &cost, &a.Span.First},
		"SELECT count(), toString(sum("+known+")), min(start_time) FROM calls"+a.of(&w, a.filter.Since), w.args...)
	if err != nil || calls == 0 {
		a.Span.First = time.Time{}
		return err
	}
	a.Calls = int64(calls)
	a.Cost, err = parseSum(cost)
	return err
}

func (a *adviceQuery) users(ctx context.Context) error {
	var w where
	sql := "SELECT user, count(), toString(sum(" + known + ")) FROM calls" + a.of(&w, a.filter.Since, "user != ''") +
		fmt.Sprintf(" GROUP BY user ORDER BY sum(%s) DESC LIMIT %d", known, adviceUsers)
	return a.db.query(ctx, "sum the users' calls for advice", func(rows driver.Rows) error {
		var (
			u     advice.UserSpend
			calls uint64
			cost  string
		)
		err := rows.Scan(&u.User, &calls, &cost)
		if err == nil {
			u.Calls = int64(calls)
			u.Cost, err = parseSum(cost)
		}
		a.Users = append(a.Users, u)
		return err
	}, sql, w.args...)
}

// texts finds from when on requests are compared.
func (a *adviceQuery) texts(ctx context.Context) error {
	since := a.filter.Since
	if week := a.filter.Until.Add(-adviceWithin); week.After(since) {
		since = week
	}
	var err error
	a.Span.TextsSince, err = a.sinceNewest(ctx, since, adviceTexts)
	return err
}

// compared joins calls with what is asked of their requests.
func (a *adviceQuery) compared(w *where, columns, of string, conds ...string) string {
	calls := "SELECT call_id, start_time AS at, project, provider, model, prompt, key, key_id, endpoint, status, cache, cache_read, " + known + " AS usd, " +
		inputSum + " AS input FROM calls" + a.of(w, a.Span.TextsSince, conds...)
	bodies := where{args: w.args}
	bodies.started(a.Span.TextsSince, a.filter.Until)
	bodies.and("request != ''")
	project := a.filter.Only("project")
	bodies.filter(&project)
	w.args = bodies.args
	return "SELECT " + columns + ", call_id, at, project, provider, model, prompt, key, key_id, endpoint, status, cache, cache_read, usd, input FROM (SELECT call_id, " + of +
		" FROM bodies" + bodies.String() + ") AS b INNER JOIN (" + calls + ") AS c USING (call_id)"
}

func (a *adviceQuery) repeats(ctx context.Context) error {
	var w where
	life := fmt.Sprint(int64(advice.CacheLife / time.Second))
	sql := "SELECT project, provider, model, prompt, '' AS key, '' AS who, endpoint, sum(n) AS calls, sum(n) - count() AS hits, toString(sum(total)), toString(sum(total) - sum(dearest)), " +
		"arraySlice(groupArrayArray(ids), 1, " + samples + ") FROM (" +
		"SELECT project, provider, model, prompt, endpoint, hash, intDiv(toUnixTimestamp(at), " + life + ") AS hour, count() AS n, sum(usd) AS total, max(usd) AS dearest, groupArray(" + samples + ")(call_id) AS ids FROM (" +
		a.compared(&w, "hash", "sipHash128(request) AS hash", "status = 'ok'", fresh, "(endpoint = 'embeddings' OR "+textual+")", "cost > 0") +
		") GROUP BY project, provider, model, prompt, endpoint, hash, hour) GROUP BY project, provider, model, prompt, endpoint, hash " +
		"HAVING hits > 0 ORDER BY sum(total) - sum(dearest) DESC LIMIT " + fmt.Sprint(adviceGroups)
	return a.db.query(ctx, "compare requests for advice", func(rows driver.Rows) error {
		r := advice.Repeat{}
		var (
			calls        uint64
			hits         int64
			cost, spared string
		)
		err := rows.Scan(append(into(&r.Group), &r.Endpoint, &calls, &hits, &cost, &spared, &r.IDs)...)
		if err == nil {
			r.Calls, r.Hits = int64(calls), hits
			r.Cost, err = parseSum(cost)
		}
		if err == nil {
			r.Spared, err = parseSum(spared)
		}
		a.Repeats = append(a.Repeats, r)
		return err
	}, sql, w.args...)
}

// prefixes compares how requests begin, at the lengths of prefixLevels: of each call within a span of ReadLife, the first apart, the
// longest beginning counts that another has too.
func (a *adviceQuery) prefixes(ctx context.Context) error {
	var w where
	life := fmt.Sprint(int64(advice.ReadLife / time.Second))
	sql := "SELECT project, provider, model, prompt, '' AS key, '' AS who, toInt64(sumIf(n, level = 1)) AS calls, sumIf(unread, level = 1) AS again, toInt64(countIf(level = 1)) AS firsts, " +
		"sum(unread * step) AS shared, toInt64(sumIf(bytes, level = 1)), toInt64(sumIf(tokens, level = 1)), arraySlice(groupArrayArrayIf(ids, level = 1), 1, " + samples + ") FROM (" +
		"SELECT project, provider, model, prompt, start, level, steps[level] AS step, count() AS n, greatest(0, toInt64(n) - 1 - toInt64(countIf(cache_read > 0))) AS unread, sum(size) AS bytes, sum(input) AS tokens, groupArray(" + samples + ")(call_id) AS ids FROM (" +
		"SELECT *, " + prefixSteps + " AS steps, hashes[1] AS start, one.1 AS level, one.2 AS hash, intDiv(toUnixTimestamp(at), " + life + ") AS span FROM (" +
		a.compared(&w, "hashes, size", prefixHashes+" AS hashes, length(request) AS size", "status = 'ok'", fresh, textual) +
		") ARRAY JOIN arrayZip(arrayEnumerate(hashes), hashes) AS one) GROUP BY project, provider, model, prompt, start, level, step, hash, span" +
		") GROUP BY project, provider, model, prompt, start HAVING again > 0 ORDER BY shared DESC LIMIT " + fmt.Sprint(adviceGroups)
	return a.db.query(ctx, "compare how requests begin for advice", func(rows driver.Rows) error {
		p := advice.Prefix{}
		err := rows.Scan(append(into(&p.Group), &p.Calls, &p.Unread, &p.Firsts, &p.Bytes, &p.Requests, &p.Input, &p.IDs)...)
		a.Prefixes = append(a.Prefixes, p)
		return err
	}, sql, w.args...)
}

// prefixLevels are the lengths in bytes at which the beginnings of requests are compared.
var prefixLevels = []int{4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10}

// prefixHashes are the hashes of a request's beginnings, of those it is long enough for; prefixSteps by how much each is longer than
// the one before.
var prefixHashes, prefixSteps = func() (hashes, steps string) {
	var levels, more []string
	before := 0
	for _, n := range prefixLevels {
		levels, more = append(levels, fmt.Sprint(n)), append(more, fmt.Sprint(n-before))
		before = n
	}
	return "arrayMap(l -> sipHash64(substring(request, 1, l)), arrayFilter(l -> l <= length(request), [" + strings.Join(levels, ", ") + "]))",
		"[" + strings.Join(more, ", ") + "]"
}()

func (a *adviceQuery) failures(ctx context.Context) error {
	var w where
	sql := "SELECT project, provider, model, prompt, key, '' AS who, toInt64(count()), toString(sum(usd)), groupArray(" + samples + ")(call_id) FROM (" +
		"SELECT *, leadInFrame(at) OVER (PARTITION BY project, key_id, hash ORDER BY at ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next FROM (" +
		a.compared(&w, "hash", "sipHash128(request) AS hash", fresh) +
		")) WHERE status IN ('error', 'client_closed', 'cut') AND usd > 0 AND next > at AND next <= at + " + seconds(advice.AgainWithin) +
		" GROUP BY project, provider, model, prompt, key ORDER BY sum(usd) DESC LIMIT " + fmt.Sprint(adviceGroups)
	return a.db.query(ctx, "find failures that were asked again for advice", func(rows driver.Rows) error {
		f := advice.Failures{}
		var cost string
		err := rows.Scan(append(into(&f.Group), &f.Calls, &cost, &f.IDs)...)
		if err == nil {
			f.Cost, err = parseSum(cost)
		}
		a.Failures = append(a.Failures, f)
		return err
	}, sql, w.args...)
}

// samples is how many ids a fact has, as text.
var samples = fmt.Sprint(advice.Samples)

func seconds(d time.Duration) string {
	return fmt.Sprintf("toIntervalSecond(%d)", int64(d/time.Second))
}

// into are the places of the columns that every fact begins with.
func into(g *advice.Group) []any {
	return []any{&g.Project, &g.Provider, &g.Model, &g.Prompt, &g.Key, &g.User}
}
