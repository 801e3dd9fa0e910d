package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/price/advice"
)

// writes finds cache writes that nothing read while they lasted: the next call of the same key and model that read from the cache came
// later. Calls of the last hour are left out: what they wrote may be read yet.
func (a *adviceQuery) writes(ctx context.Context) error {
	var w where
	sql := "SELECT project, provider, model, '' AS prompt, key, '' AS who, toInt64(countIf(w > 0)), toInt64(countIf(w > 0 AND NOT seen)), sumIf(cache_write_5m, NOT seen), sumIf(cache_write_1h, NOT seen), sum(w), sum(cache_read), " +
		"groupArrayIf(" + samples + ")(call_id, w > 0 AND NOT seen) FROM (" +
		"SELECT *, ifNull(next <= start_time + if(cache_write_1h > 0, toIntervalSecond(3600), " + seconds(advice.ReadLife) + "), false) AS seen FROM (" +
		"SELECT project, provider, model, key, call_id, start_time, cache_write_5m, cache_write_1h, cache_read, cache_write_5m + cache_write_1h AS w, " +
		// Backwards, so that the frame only grows: the other way round each row would go through all rows after it.
		"min(if(cache_read > 0, start_time, NULL)) OVER (PARTITION BY project, provider, model, key_id ORDER BY start_time DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next FROM calls" +
		a.of(&w, a.filter.Since, fresh, "(cache_write_5m > 0 OR cache_write_1h > 0 OR cache_read > 0)") +
		") WHERE start_time < " + w.moment(a.filter.Until) + " - toIntervalSecond(3600)) GROUP BY project, provider, model, key HAVING sum(w) > 0 ORDER BY sumIf(w, NOT seen) DESC LIMIT " + fmt.Sprint(adviceGroups)
	return a.db.query(ctx, "find unread cache writes for advice", func(rows driver.Rows) error {
		one := advice.Writes{}
		err := rows.Scan(append(into(&one.Group), &one.Calls, &one.Unread, &one.Unread5m, &one.Unread1h, &one.Written, &one.Read, &one.IDs)...)
		a.Writes = append(a.Writes, one)
		return err
	}, sql, w.args...)
}

// inputs compares the inputs of calls of one prompt, or where there is no prompt of one user.
func (a *adviceQuery) inputs(ctx context.Context) error {
	var w where
	sql := "SELECT project, provider, model, prompt, '' AS key, who, toInt64(count()), quantileExact(0.5)(n) AS mid, quantileExact(0.95)(n), " +
		fmt.Sprintf("toInt64(arrayCount(x -> x > %[1]d * mid, groupArray(n) AS every)) AS long, toInt64(arraySum(x -> greatest(toInt64(0), x - %[1]d * mid), every)) AS excess, ", advice.LongTimes) +
		"toString(sum(usd)), [argMax(call_id, n)] FROM (" +
		"SELECT project, provider, model, prompt, if(prompt = '', user, '') AS who, " + inputSum + " AS n, " + known + " AS usd, call_id FROM calls" +
		a.of(&w, a.filter.Since, "status = 'ok'", fresh, textual, "(prompt != '' OR user != '')") +
		") GROUP BY project, provider, model, prompt, who HAVING long > 0 AND mid > 0 ORDER BY excess DESC LIMIT " + fmt.Sprint(adviceGroups)
	return a.db.query(ctx, "compare inputs for advice", func(rows driver.Rows) error {
		one := advice.Inputs{}
		var cost string
		err := rows.Scan(append(into(&one.Group), &one.Calls, &one.Median, &one.P95, &one.Long, &one.Excess, &cost, &one.IDs)...)
		if err == nil {
			one.Cost, err = parseSum(cost)
		}
		a.Inputs = append(a.Inputs, one)
		return err
	}, sql, w.args...)
}

// histories finds the calls of long sessions that sent much for little.
func (a *adviceQuery) histories(ctx context.Context) error {
	var w where
	sql := "SELECT project, provider, model, prompt, '' AS key, '' AS who, toInt64(uniqExact(session)), toInt64(count()), sum(n), sum(answer), " +
		fmt.Sprintf("sum(n - %d), toString(sum(usd)), groupArray(%s)(call_id) FROM (", advice.HistoryFrom, samples) +
		"SELECT project, provider, model, prompt, session, call_id, " + inputSum + " AS n, " + outputSum + " AS answer, " + known + " AS usd, count() OVER (PARTITION BY project, session) AS turns FROM calls" +
		a.of(&w, a.filter.Since, "status = 'ok'", fresh, textual, "session != ''") +
		fmt.Sprintf(") WHERE turns >= %d AND n >= %d AND answer * %d < n", advice.HistoryTurns, advice.HistoryFrom, advice.HistoryTimes) +
		" GROUP BY project, provider, model, prompt ORDER BY sum(usd) DESC LIMIT " + fmt.Sprint(adviceGroups)
	return a.db.query(ctx, "look at long sessions for advice", func(rows driver.Rows) error {
		one := advice.Histories{}
		var cost string
		err := rows.Scan(append(into(&one.Group), &one.Sessions, &one.Calls, &one.Input, &one.Output, &one.Excess, &cost, &one.IDs)...)
		if err == nil {
			one.Cost, err = parseSum(cost)
		}
		a.Histories = append(a.Histories, one)
		return err
	}, sql, w.args...)
}

// cuts finds answers that ended at their limit, after which the same user sent the same message again.
func (a *adviceQuery) cuts(ctx context.Context) error {
	var w where
	sql := "SELECT project, provider, model, prompt, key, '' AS who, toInt64(countIf(short)), toInt64(countIf(short AND again)) AS asked, toString(sumIf(usd, short AND again)), groupArrayIf(" + samples + ")(call_id, short AND again) FROM (" +
		"SELECT *, next > start_time AND next <= start_time + " + seconds(advice.AgainWithin) + " AS again FROM (" +
		"SELECT project, provider, model, prompt, key, call_id, start_time, " + known + " AS usd, hasAny(finish_reasons, ['length', 'max_tokens', 'max_output_tokens', 'MAX_TOKENS']) AS short, " +
		"leadInFrame(start_time) OVER (PARTITION BY project, key_id, user, session, input_preview ORDER BY start_time ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next FROM calls" +
		a.of(&w, a.filter.Since, fresh, textual, "input_preview != ''") +
		")) GROUP BY project, provider, model, prompt, key HAVING asked > 0 ORDER BY sumIf(usd, short AND again) DESC LIMIT " + fmt.Sprint(adviceGroups)
	return a.db.query(ctx, "look at cut answers for advice", func(rows driver.Rows) error {
		one := advice.Cuts{}
		var cost string
		err := rows.Scan(append(into(&one.Group), &one.Calls, &one.Again, &cost, &one.IDs)...)
		if err == nil {
			one.Cost, err = parseSum(cost)
		}
		a.Cuts = append(a.Cuts, one)
		return err
	}, sql, w.args...)
}

// outputs sums what models read and write.
func (a *adviceQuery) outputs(ctx context.Context) error {
	var w where
	sql := "SELECT project, provider, model, prompt, '' AS key, '' AS who, toInt64(count()), sum(" + inputSum + " - cache_read), sum(cache_read), sum(" + outputSum + "), quantileExact(0.95)(" + outputSum + "), " +
		"toString(sum(" + known + ")), groupArray(" + samples + ")(call_id) FROM calls" + a.of(&w, a.filter.Since, "status = 'ok'", fresh, textual, "cost > 0") +
		" GROUP BY project, provider, model, prompt ORDER BY sum(" + known + ") DESC LIMIT " + fmt.Sprint(5*adviceGroups)
	return a.db.query(ctx, "sum outputs for advice", func(rows driver.Rows) error {
		one := advice.Outputs{}
		var cost string
		err := rows.Scan(append(into(&one.Group), &one.Calls, &one.Input, &one.Cached, &one.Output, &one.P95, &cost, &one.IDs)...)
		if err == nil {
			one.Cost, err = parseSum(cost)
		}
		a.Outputs = append(a.Outputs, one)
		return err
	}, sql, w.args...)
}
