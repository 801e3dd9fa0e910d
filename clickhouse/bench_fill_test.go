package clickhouse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// fillChunk is how many calls one statement of fill makes.
const fillChunk = 50_000

// fill makes the calls from the one numbered from to the one before n, by SQL, so that the benchmark is about reading.
// Call 0 is at start and they are step apart. They are those of an organisation: ten projects, two thousand users of
// very unequal appetite who belong to one project each, twenty models of which a project uses four, prompts with two
// versions, conversations, traces of three calls, three tags of which one is the trace's own, caches in a third of the
// projects, one call in twenty-five that fails, one in twenty that was tried twice. Every tenth call has a body.
func fill(tb testing.TB, db *DB, from, n int, start time.Time, step time.Duration) {
	tb.Helper()
	for ; from < n; from += fillChunk {
		source := strings.NewReplacer("{start}", fmt.Sprint(start.UnixMicro()), "{step}", fmt.Sprintf("%.3f", float64(step)/1e3),
			"{from}", fmt.Sprint(from), "{calls}", fmt.Sprint(min(fillChunk, n-from)), "{half}", fmt.Sprint(n/2)).Replace(fillSource)
		for i, sql := range []string{
			insertSelect("calls", fillCalls, source),
			insertSelect("calls", fillAttempts, source+" WHERE h % 20 = 0"),
			insertSelect("bodies", fillBodies, source+" WHERE number % 10 = 0"),
		} {
			ctx := ch.Context(tb.Context(), ch.WithSettings(ch.Settings{
				"max_insert_threads": 1, "insert_deduplication_token": fmt.Sprintf("fill %d/%d", from, i), "insert_deduplicate": 1,
				"deduplicate_blocks_in_dependent_materialized_views": 1,
			}))
			if err := db.conn.Exec(ctx, sql); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// insertSelect makes a statement of lines "column = expression".
func insertSelect(table, lines, source string) string {
	var cols, exprs []string
	for line := range strings.Lines(lines) {
		if col, expr, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			cols, exprs = append(cols, col), append(exprs, expr)
		}
	}
	return "INSERT INTO " + table + " (" + strings.Join(cols, ", ") + ") SELECT " + strings.Join(exprs, ", ") + source
}

// fillSource gives calls by number, with what all their columns are made of: u1 and u2 are even in (0, 1), z is normal.
const fillSource = `
FROM (
	SELECT *,
		leftPad(lower(hex(toUnixTimestamp64Milli(t))), 16, '0') AS ms,
		concat(substring(ms, 5, 8), '-', substring(ms, 13, 4), '-7', substring(lower(hex(h)), 1, 3), '-8', substring(lower(hex(h)), 4, 3), '-', substring(lower(hex(MD5(toString(h)))), 1, 12)) AS cid,
		toUInt32(pow((cityHash64(intDiv(number, 3)) % 1000003 + 0.5) / 1000003, 2.5) * 2000) AS u,
		intHash32(u) % 10 AS p,
		(p * 2 + [0, 0, 0, 0, 0, 1, 1, 2, 3][h % 9 + 1]) % 20 AS m,
		(h % 1000003 + 0.5) / 1000003 AS u1,
		(intDiv(h, 1000003) % 1000003 + 0.5) / 1000003 AS u2,
		sqrt(-2 * log(u1)) * cos(6.283185307 * u2) AS z,
		intDiv(h, 7) % 1000 AS luck,
		luck >= 960 AS failed,
		p % 3 = 0 AS cached,
		h % 10 < 7 AS streams,
		toInt64(300 + 900 * exp(0.8 * z)) AS tokens_in,
		toInt64(20 + 250 * exp(0.6 * (u1 * 4 - 2))) AS tokens_out,
		['Where is my order? It should have been here by now.', 'The espresso machine makes a strange noise.', 'How do I return the jacket I bought last week?', 'Which invoice belongs to it?', 'I was charged twice, please look into it.', 'Please summarize the incident for the board.', 'Why does the parser fail on an empty line?', 'Write a test that shows the race.', 'Can I still change the delivery address?', 'Who approves travel expenses in our team?', 'Translate the following mail into French.', 'What changed about parental leave this year?', 'Is the garden hose covered by the warranty?'] AS asks,
		['It left our warehouse this morning and will be there in two days.', 'You can return it free of charge within thirty days.', 'The refund goes back to the card that paid.', 'I have looked it up and found one payment only.', 'Open the account page and choose Orders.', 'The deadlock comes from the order of the two locks.', 'Requests are approved by the team lead within a week.', 'The policy was last changed in spring and applies to everyone.', 'Here is the smallest change that solves the problem.', 'I cannot promise a date for that, but I will ask the carrier.', 'The warranty covers it for two years from the day of purchase.', 'Let me know whether the invoice arrived.'] AS tells,
		concat(asks[h % 13 + 1], ' ', asks[intDiv(h, 13) % 13 + 1], ' My number is ', toString(h % 1000000), '.') AS ask,
		concat(tells[h % 12 + 1], ' ', tells[intDiv(h, 12) % 12 + 1], ' ', tells[intDiv(h, 144) % 12 + 1], ' ', tells[intDiv(h, 1728) % 12 + 1], ' It is about ', toString(h % 1000000), '.') AS tell
	FROM (SELECT number, cityHash64(number) AS h, fromUnixTimestamp64Micro(toInt64({start} + number * {step}), 'UTC') AS t,
		number >= {half} AS late FROM numbers({from}, {calls}))
)`

// fillSpan are the columns that calls and attempts have in common.
const fillSpan = `
	call_id = cid
	trace_id = lower(hex(MD5(concat('t', toString(intDiv(number, 3))))))
	project = concat('project-', toString(p))
	key_id = concat('k', leftPad(toString(p * 2 + u % 2), 11, '0'))
	key = concat('key-', toString(p * 2 + u % 2))
	endpoint = if(m = 7, 'embeddings', 'chat.completions')
	path = if(m = 7, '/embeddings', '/chat/completions')
	stream = streams
	provider = ['openai', 'anthropic', 'gemini', 'azure'][m % 4 + 1]
	model_requested = concat('model-', toString(m))
	model = concat('model-', toString(m), '-2026-05-01')
	price_status = if(p = 4 AND m = 11, 'unpriced', 'exact')
`

const fillCalls = fillSpan + `
	id = cid
	kind = 'call'
	span_id = substring(lower(hex(MD5(toString(number)))), 1, 16)
	start_time = t
	duration_ns = toInt64(1e9 * exp(-0.1 + 0.7 * z) * (1 + m / 10))
	ttft_ns = if(streams AND NOT failed, toInt64(3e8 * exp(0.4 * z) * (1 + m / 20)), NULL)
	user = concat('user', toString(u))
	session = lower(hex(cityHash64(u, intDiv(number, 40000))))
	tag_names = ['env', 'run', 'team']
	tag_values = [if(luck % 14 = 0, 'staging', 'prod'), lower(hex(cityHash64('run', intDiv(number, 3)))), concat('team-', toString(p))]
	response_id = concat('chatcmpl-', substring(lower(hex(MD5(concat('r', toString(h))))), 1, 29))
	status = multiIf(luck >= 970, 'error', luck >= 965, 'client_closed', failed, 'budget', 'ok')
	http_status = multiIf(luck >= 970, [429, 500, 503][luck % 3 + 1], luck >= 965, 200, failed, 429, 200)
	error_code = multiIf(luck >= 970, ['rate_limit_error', 'server_error', 'overloaded_error'][luck % 3 + 1], luck >= 965, 'client_closed', failed, 'budget_exceeded', '')
	has_error = failed
	error_type = if(luck >= 970, ['rate_limit_error', 'server_error', 'overloaded_error'][luck % 3 + 1], '')
	error_message = if(failed, 'The server had an error while processing your request. Sorry about that!', '')
	error_status = if(luck >= 970, [429, 500, 503][luck % 3 + 1], 0)
	finish_reasons = if(failed, [], ['stop'])
	service_tier = 'default'
	input_uncached = if(failed, 0, intDiv(tokens_in, if(u2 < 0.5, 1, 4)))
	cache_read = if(failed OR u2 < 0.5, 0, tokens_in - intDiv(tokens_in, 4))
	output_text = if(failed, 0, tokens_out)
	reasoning = if(failed OR m % 5 > 0, 0, tokens_out * 2)
	usage_source = if(failed, 'none', 'provider')
	usage_raw = if(failed, '', concat('{"prompt_tokens":', toString(tokens_in), ',"completion_tokens":', toString(tokens_out), ',"total_tokens":', toString(tokens_in + tokens_out), ',"prompt_tokens_details":{"cached_tokens":0}}'))
	cost = if(p = 4 AND m = 11, NULL, toDecimal64(if(failed, 0, tokens_in * (150 + m * 100) + tokens_out * (600 + m * 400)), 9) / 1000000000)
	price_version = if(failed, '', concat('model-', toString(m), '@2026-05-01'))
	price_rule = if(failed, '', concat('model-', toString(m), ', effective 2026-05-01'))
	cost_lines = if(failed, '', concat('[{"bucket":"input_uncached","tokens":', toString(tokens_in), ',"price_usd_per_mtok":"0.15","amount_usd":"', toString(toDecimal64(tokens_in * 150, 9) / 1000000000), '","rule":"input"},{"bucket":"output_text","tokens":', toString(tokens_out), ',"price_usd_per_mtok":"0.6","amount_usd":"', toString(toDecimal64(tokens_out * 600, 9) / 1000000000), '","rule":"output"}]'))
	cache = multiIf(NOT cached, 'off', h % 97 < 9, 'hit', h % 97 < 14, 'semantic', 'miss')
	attempts = if(h % 20 = 0, 2, 1)
	prompt = if(p < 7, concat('prompt-', toString(p)), '')
	prompt_version = if(p < 7, 1 + late, 0)
	input_preview = ask
	output_preview = if(failed, '', tell)
`

const fillAttempts = fillSpan + `
	id = concat(substring(cid, 1, 24), substring(lower(hex(MD5(concat('a', toString(h), toString(arrayJoin([0, 1]) AS i))))), 1, 12))
	kind = 'attempt'
	parent_id = substring(lower(hex(MD5(toString(number)))), 1, 16)
	span_id = substring(lower(hex(MD5(concat('a', toString(number), toString(i))))), 1, 16)
	start_time = t + toIntervalMillisecond(i * 400)
	duration_ns = toInt64(3e8)
	status = if(i = 0, 'error', 'ok')
	http_status = if(i = 0, 500, 200)
	error_code = if(i = 0, 'server_error', '')
	has_error = i = 0
	error_type = if(i = 0, 'server_error', '')
	usage_source = 'none'
	cache = 'off'
`

const fillBodies = `
	call_id = cid
	trace_id = lower(hex(MD5(concat('t', toString(intDiv(number, 3))))))
	span_id = substring(lower(hex(MD5(toString(number)))), 1, 16)
	project = concat('project-', toString(p))
	start_time = t
	request = concat('{"model":"model-', toString(m), '","messages":[{"role":"system","content":"You answer customers of an online shop. Be friendly and precise."},{"role":"user","content":"', ask, if(number % 5000 = 0, ' needle', ''), '"}]}')
	response = concat('{"id":"chatcmpl-', substring(lower(hex(MD5(concat('r', toString(h))))), 1, 29), '","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"', tell, '"},"finish_reason":"stop"}],"usage":{"prompt_tokens":', toString(tokens_in), ',"completion_tokens":', toString(tokens_out), '}}')
	bytes = 900
`
