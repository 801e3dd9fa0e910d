// Forecast, advice, events of budgets, repricing and the price simulator of the stand-in API.

import { dollars, models } from './data.mjs'

const DAY = 86_400_000
const iso = (t) => new Date(t).toISOString().replace('Z', '000Z')
const nanos = (s) => { const [w, f = ''] = String(s ?? '0').split('.'); return BigInt(w + f.padEnd(9, '0').slice(0, 9)) }
const usd = (n) => dollars(BigInt(Math.max(0, Math.round(n * 1e9))))

function windowOf(w, now) {
  const d = new Date(now), y = d.getUTCFullYear(), m = d.getUTCMonth(), day = Math.floor(now / DAY) * DAY, week = day - ((d.getUTCDay() + 6) % 7) * DAY, q = m - (m % 3)
  return { day: [day, day + DAY], week: [week, week + 7 * DAY], quarter: [Date.UTC(y, q, 1), Date.UTC(y, q + 3, 1)], year: [Date.UTC(y, 0, 1), Date.UTC(y + 1, 0, 1)] }[w] ?? [Date.UTC(y, m, 1), Date.UTC(y, m + 1, 1)]
}

export function createMoney(calls, mode) {
  function forecast(window, limit = null) {
    const now = Date.now(), [from, until] = windowOf(window, now)
    const spent = Number(calls.filter((c) => Date.parse(c.start_time) >= from).reduce((s, c) => s + nanos(c.cost_usd), 0n)) / 1e9
    const rate = spent / Math.max(1, now - from), step = until - now <= 2 * DAY ? DAY / 24 : DAY, course = []
    if (spent) for (let t = Math.ceil((now + 1) / step) * step; t < until + step; t += step) { const at = Math.min(t, until), ahead = rate * (at - now), wide = 0.16 * Math.sqrt(ahead * spent); course.push({ at: iso(at), expected_usd: usd(spent + ahead), low_usd: usd(Math.max(spent, spent + ahead - wide)), high_usd: usd(spent + ahead + wide) }) }
    const last = course.at(-1)
    return { window, timezone: 'UTC', at: iso(now), began_at: iso(from), ends_at: iso(until), spent_usd: usd(spent), expected_usd: last?.expected_usd ?? null, low_usd: last?.low_usd ?? null, high_usd: last?.high_usd ?? null, level: 0.8, method: spent ? 'seasonal' : 'none', how: spent ? 'Spent so far, plus for each hour to come the mean of the same hour of the week over the last 4 weeks. 80 % of the outcomes lie in the interval, if the days to come differ as the past ones did.' : 'A forecast needs a day of recorded spend; it appears by itself.', history_hours: 672, course, limit_usd: limit, reaches_at: null, over_percent: limit ? 12 : null }
  }

  function advice(q) {
    const now = Date.now(), since = iso(now - 30 * DAY), until = iso(now), floor = Number(q.get('min_usd') ?? 1)
    const f = (kind, title, saving, evidence, act, how, filter) => ({ kind, title, saving_usd_30d: usd(saving), evidence: evidence.map(([name, value, unit]) => ({ name, value, unit })), do: act, how, filter: { ...filter, since, until }, calls: calls.slice(3, 6).map((c) => c.id) })
    const all = [
      f('prompt_caching', '72% of the input of claude-sonnet-4-5-20250929 in project "support-bot" begins alike and is not read from the cache', 14.2, [['calls', '3120', 'calls'], ['input that begins alike', '8400000', 'tokens'], ['of the input', '72', 'percent'], ['read from the cache', '4', 'percent']], 'Mark the end of the common part with cache_control, or move what changes behind it.', 'The common part at the price of a cache read in place of fresh input, less one write in five minutes.', { project: 'support-bot', model: 'claude-sonnet-4-5-20250929' }),
      f('tiny_answers', 'gpt-4o-2024-11-20 answers 1,840 calls of user "<b>mira</b>" with 3 tokens or fewer', 5.61, [['calls', '1840', 'calls'], ['median output', '2', 'tokens'], ['cost', '6.9', 'usd']], 'Try a smaller model of the same maker on these calls, and compare the answers.', 'The same tokens at the price of gpt-4o-mini.', { model: 'gpt-4o-2024-11-20' }),
      f('paid_failures', '38 calls failed, were charged, and were asked again', 0.42, [['calls', '38', 'calls'], ['cost', '0.42', 'usd']], 'Raise the time limit, or send fewer tokens.', 'What the failed calls were charged.', { status: 'error' }),
    ]
    const shown = mode === 'empty' ? [] : all.filter((x) => Number(x.saving_usd_30d) >= floor)
    return { since, until, first_call: mode === 'empty' ? null : since, texts_since: iso(now - 7 * DAY), calls: mode === 'empty' ? 0 : calls.length, cost_usd: usd(41.7), floor_usd: usd(floor), below_floor: mode === 'empty' ? 0 : all.length - shown.length, findings: shown, left_out: [{ kind: 'unread_writes', why: 'no call wrote to a provider\'s cache' }] }
  }

  function events(budget) {
    const now = Date.now(), at = (h) => iso(now - h * 3_600_000)
    const e = (i, budget_id, name, kind, h, last, count, more = {}) => ({ id: 'event-' + i, budget_id, budget: name, kind, window_began_at: at(h + 4), window_ends_at: null, threshold: null, count, at: at(h), last_at: at(last), spent: { usd: '1.101200000', tokens: 91_000, calls: 310 }, limit: { usd: '1.100000000', tokens: null, calls: null }, over: { usd: '0.000000000', tokens: 0, calls: 0 }, webhook: { state: 'delivered', tries: 1, at: at(last), error: '' }, ...more })
    const list = [
      e(1, 'bud-all', 'Everything', 'refused', 5, 1.2, 42), e(2, 'bud-all', 'Everything', 'cut', 5, 5, 1), e(3, 'bud-all', 'Everything', 'threshold', 9, 9, 1, { threshold: 80, spent: { usd: '0.883000000', tokens: 70_000, calls: 250 } }),
      e(4, 'bud-care', 'Care team', 'overrun', 30, 12, 3, { over: { usd: '0.012400000', tokens: 310, calls: 0 }, webhook: { state: 'none', tries: 0, at: null, error: '' } }), e(5, 'bud-trial', 'Trial <b>key</b>', 'downgraded', 80, 52, 17, { webhook: { state: 'failed', tries: 8, at: at(50), error: 'answered 500' } }), e(6, 'bud-care', 'Care team', 'threshold', 100, 100, 1, { threshold: 50 }),
    ]
    return { events: mode === 'empty' ? [] : list.filter((x) => !budget || x.budget_id === budget), next: '' }
  }

  function simulate(body) {
    const quote = ({ provider, model }) => {
      const m = models.find((x) => x.provider === provider && x.model.startsWith(model)), known = m?.price
      const lines = Object.entries(body.usage ?? {}).map(([bucket, tokens]) => { const rate = known && (known[bucket] ?? known[/output|reason/.test(bucket) ? 'output_text' : 'input_uncached']); return { bucket, tokens, price_usd_per_mtok: rate ?? null, amount_usd: rate ? String((Number(rate) * tokens) / 1e6) : null, rule: bucket.replaceAll('_', ' ') + (body.service_tier ? ', ' + body.service_tier : '') } })
      return { provider, model, cost_usd: known ? usd(lines.reduce((s, l) => s + Number(l.amount_usd), 0)) : null, price_status: known ? 'exact' : 'unpriced', price_version: 'v', price_rule: provider + '/' + model, clamped: false, lines, closest: known ? '' : 'openai/gpt-4o' }
    }
    const sums = (k) => ({ calls: 9000, no_price: 0, simulated_usd: usd(8.9 * k), compared: 9000, recorded_usd: usd(8.9), difference_usd: (k < 1 ? '-' : '') + usd(Math.abs(8.9 * (k - 1))) })
    return { version: '2026-11-23', at: iso(Date.now()), quotes: body.usage ? body.models.map(quote) : [], recorded: body.recorded ? { since: iso(0), until: iso(1), calls: 9000, skipped: 312, unpriced_calls: 0, recorded_usd: usd(8.9), truncated: false, models: body.models.map((m, i) => ({ ...m, ...sums(0.3 + i * 0.5) })), from: [] } : null }
  }

  /** answer is undefined for what is none of its paths. */
  return (method, path, q, body) => {
    if (path === '/api/v1/costs/forecast') return { status: 200, body: forecast(q.get('window') ?? 'month') }
    if (path === '/api/v1/costs/advice') return { status: 200, body: advice(q) }
    if (path === '/api/v1/prices/simulate') return { status: 200, body: simulate(body) }
    if (path === '/api/v1/prices/reprice') { const s = { calls: 340, changed: 12, newly_priced: 4, no_price: 1, recorded_usd: '1.250000000', present_usd: '1.310000000', difference_usd: '0.060000000' }; return { status: 200, body: { models: [{ provider: 'openai', model: 'gpt-4o-2024-11-20', ...s }], total: s, applied: !!body.apply, version: '2026-11-23' } } }
    const m = /^\/api\/v1\/budgets\/(?:([^/]+)\/)?(events|forecast)$/.exec(path)
    if (m && m[2] === 'events') return { status: 200, body: events(m[1]) }
    if (m && m[1]) return { status: 200, body: { id: m[1], name: m[1], ...forecast({ 'bud-care': 'month', 'bud-all': 'day' }[m[1]] ?? 'month', '7.500000000') } }
  }
}
