// Budgets, holds and the response cache of the stand-in API.

import { dollars } from './data.mjs'

const DAY = 86_400_000
const nanos = (s) => { const [w, f = ''] = String(s ?? '0').split('.'); return BigInt(w + f.padEnd(9, '0').slice(0, 9)) }
const iso = (t) => new Date(t).toISOString().replace('Z', '000Z')

/** windowOf is a window's [from, until), in UTC; null has no end. */
function windowOf(w, now) {
  const d = new Date(now), y = d.getUTCFullYear(), m = d.getUTCMonth(), day = Math.floor(now / DAY) * DAY
  const step = { minute: 60_000, hour: 3_600_000, day: DAY }[w]
  if (step) return [Math.floor(now / step) * step, Math.floor(now / step) * step + step]
  if (w === 'week') { const from = day - ((d.getUTCDay() + 6) % 7) * DAY; return [from, from + 7 * DAY] }
  if (w === 'month') return [Date.UTC(y, m, 1), Date.UTC(y, m + 1, 1)]
  if (w === 'quarter') return [Date.UTC(y, m - (m % 3), 1), Date.UTC(y, m - (m % 3) + 3, 1)]
  if (w === 'year') return [Date.UTC(y, 0, 1), Date.UTC(y + 1, 0, 1)]
  const roll = /^rolling:(\d+)(h|m)$/.exec(w)
  return roll ? [now - Number(roll[1]) * (roll[2] === 'h' ? 3_600_000 : 60_000), null] : [null, null]
}

export function createBudgets(calls, mode, now, fail) {
  const seed = (id, name, scope, window, limits, more = {}) => ({ id, name, scope, window, timezone: 'UTC', limit_usd: null, limit_tokens: null, limit_calls: null, policy: 'expected', at_limit: 'refuse', soft: [50, 80], created_at: iso(now - 40 * DAY), updated_at: iso(now - 40 * DAY), ...limits, ...more })
  let budgets = mode === 'empty' ? [] : [
    seed('bud-care', 'Care team', { project: 'support-bot', 'tag.team': 'care' }, 'month', { limit_usd: '7.500000000', limit_tokens: 9_000_000 }),
    seed('bud-all', 'Everything', {}, 'day', { limit_usd: '1.100000000' }, { policy: 'strict', soft: [80] }),
    seed('bud-mira', 'Mira, rolling', { user: 'mira' }, 'rolling:24h', { limit_calls: 400 }, { at_limit: 'alert' }),
    seed('bud-trial', 'Trial <b>key</b>', { key: 'staging' }, 'lifetime', { limit_usd: '5.000000000' }, { at_limit: 'downgrade', soft: [] }),
  ]
  let holds = mode === 'empty' ? [] : ['open', 'sent', 'presumed'].map((state, i) => ({ id: 'hold-' + i, call: calls[i]?.id ?? 'x', attempt: i === 1 ? 2 : 1, state, project: 'support-bot', key: 'prod', model: 'gpt-4o-2024-11-20', provider: 'openai', began: iso(now - [400, 9000, 3_720_000][i]), expires_at: iso(now + 600_000), budgets: [{ id: 'bud-all', usd: '0.004200000', tokens: 1400, calls: 1 }, ...(i ? [{ id: 'bud-care', usd: '0.004200000', tokens: 1400, calls: 1 }] : [])] }))
  const cache = { hits: 1840, misses: 14_210, fills: 13_900, saved_usd: '1.284300120', entries: mode === 'empty' ? 0 : 9412, bytes: 48_211_330, max_bytes: 268_435_456, evictions: 0, expired: 4488 }

  const has = (c, k, v) => (k.startsWith('tag.') ? c.tags?.[k.slice(4)] === v : c[k] === v || (k === 'model' && c.model_requested === v))
  function shown(b) {
    const t = Date.now(), [from, until] = windowOf(b.window, t)
    const own = calls.filter((c) => !['budget', 'rate_limited'].includes(c.status) && (from === null || Date.parse(c.start_time) >= from) && Object.entries(b.scope).every(([k, v]) => has(c, k, v)))
    const usd = own.reduce((s, c) => s + nanos(c.cost_usd), 0n), tokens = own.reduce((s, c) => s + Object.values(c.usage).reduce((x, n) => x + n, 0), 0)
    const claims = holds.flatMap((h) => h.budgets.filter((x) => x.id === b.id))
    const held = { usd: claims.reduce((s, c) => s + nanos(c.usd), 0n), tokens: claims.reduce((s, c) => s + c.tokens, 0), calls: claims.length }
    const spent = own.length, left = (limit, s, h) => (limit === null ? null : Math.max(0, limit - s - h))
    const percents = [b.limit_usd && Number((usd * 100n) / nanos(b.limit_usd)), b.limit_tokens && Math.floor((tokens * 100) / b.limit_tokens), b.limit_calls && Math.floor((spent * 100) / b.limit_calls)]
    const percent = Math.max(...percents.map((p) => p || 0)), rest = b.limit_usd === null ? null : nanos(b.limit_usd) - usd - held.usd
    return {
      ...b, state: percent >= 100 ? 'spent' : b.soft.some((p) => percent >= p) ? 'soft' : 'ok', percent, began_at: from === null ? null : iso(from), resets_at: until === null ? null : iso(until),
      spent_usd: dollars(usd), spent_tokens: tokens, spent_calls: spent, held_usd: dollars(held.usd), held_tokens: held.tokens, held_calls: held.calls,
      remaining_usd: rest === null ? null : dollars(rest < 0n ? 0n : rest), remaining_tokens: left(b.limit_tokens, tokens, held.tokens), remaining_calls: left(b.limit_calls, spent, held.calls),
      overrun_usd: b.id === 'bud-all' ? '0.000310000' : '0.000000000', overrun_tokens: 0,
    }
  }

  function check(body, id) {
    const wrong = [], limit = ['limit_usd', 'limit_tokens', 'limit_calls'].filter((k) => body[k])
    if (body.limit_usd && !/^\d{1,9}(\.\d{1,9})?$/.test(body.limit_usd)) return fail(400, 'weir_invalid_request', `the body is not what this request wants: "${body.limit_usd}": not an amount of dollars (want up to nine digits, a point and up to nine decimals)`)
    if (!body.name) wrong.push('name: want 1 to 100 characters')
    for (const [k, v] of Object.entries(body.scope ?? {})) if (!v) wrong.push(`scope: ${k} is empty; leave it out to mean every one`)
    if (!limit.length) wrong.push('limit: missing; set limit_usd, limit_tokens or limit_calls')
    if (wrong.length) return fail(400, 'weir_invalid_request', 'not a budget: ' + wrong.join('; '))
    if (budgets.some((b) => b.name === body.name && b.id !== id)) return fail(400, 'weir_invalid_request', 'a budget of this name is there already: choose another name, or change that one with PUT /api/v1/budgets/{id}', 'name')
    return null
  }
  const made = (body, id, created) => seed(id, body.name, body.scope ?? {}, body.window, { limit_usd: body.limit_usd ? dollars(nanos(body.limit_usd)) : null, limit_tokens: body.limit_tokens ?? null, limit_calls: body.limit_calls ?? null }, { timezone: body.timezone || 'UTC', policy: body.policy, at_limit: body.at_limit, soft: body.soft ?? [], created_at: created, updated_at: iso(Date.now()) })

  /** answer is undefined for what is none of its paths. */
  return (method, path, body) => {
    if (path === '/api/v1/cache') {
      if (method === 'GET') return { status: 200, body: cache }
      const purged = cache.entries
      Object.assign(cache, { entries: 0, bytes: 0 })
      return { status: 200, body: { purged } }
    }
    if (path === '/api/v1/budgets/holds') return { status: 200, body: { holds } }
    const hold = /^\/api\/v1\/budgets\/holds\/([^/]+)\/release$/.exec(path)
    if (hold) { holds = holds.filter((h) => h.id !== hold[1]); return { status: 204 } }
    if (path === '/api/v1/budgets' && method === 'GET') return { status: 200, body: { budgets: budgets.map(shown) } }
    const one = /^\/api\/v1\/budgets(?:\/([^/]+))?$/.exec(path)
    if (!one) return undefined
    const old = budgets.find((b) => b.id === one[1])
    if (one[1] && !old) return fail(404, 'weir_not_found', 'no budget has this id; GET /api/v1/budgets lists them')
    if (method === 'DELETE') { budgets = budgets.filter((b) => b !== old); return { status: 204 } }
    const wrong = check(body, one[1])
    if (wrong) return wrong
    const b = made(body, one[1] ?? 'bud-' + Date.now().toString(36), old?.created_at ?? iso(Date.now()))
    budgets = old ? budgets.map((x) => (x === old ? b : x)) : [...budgets, b]
    return { status: old ? 200 : 201, body: shown(b) }
  }
}
