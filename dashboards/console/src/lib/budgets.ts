/** Budgets as the API has them, and the arithmetic of their pictures. */

import { Failure, type CostRow } from './api'
import { count, span } from './format'
import { parse, pixels, render, usd, type Decimal } from './money'
import { bucketTime, DAY, HOUR } from './time'

export interface Budget {
  id: string; name: string; scope: Record<string, string>; window: string; timezone: string
  limit_usd: Decimal; limit_tokens: number | null; limit_calls: number | null
  policy: string; at_limit: string; soft: number[]; created_at: string; updated_at: string
  state: string; percent: number; began_at: string | null; resets_at: string | null
  spent_usd: Decimal; spent_tokens: number; spent_calls: number; held_usd: Decimal; held_tokens: number; held_calls: number
  remaining_usd: Decimal; remaining_tokens: number | null; remaining_calls: number | null; overrun_usd: Decimal; overrun_tokens: number
  thresholds?: number[]; overshoot_bound_usd?: Decimal; unbounded_calls?: number
}

export interface Hold {
  id: string; call: string; attempt: number; state: string; project: string; key: string; model: string; provider: string
  began: string; expires_at: string; budgets: { id: string; usd: Decimal; tokens: number; calls: number }[]
}

export type Kind = 'usd' | 'tokens' | 'calls'
export const kinds: Record<Kind, string> = { usd: 'Dollars', tokens: 'Tokens', calls: 'Calls' }

/** One limit of a budget with its present window; amounts are exact decimals. */
export interface Limit { kind: Kind; limit: string; spent: string; held: string; left: string; overrun: string }

/** limits lists the limits that a budget has, dollars first. */
export function limits(b: Budget): Limit[] {
  const all: [Kind, Decimal | number, Decimal | number, Decimal | number, Decimal | number, Decimal | number][] = [
    ['usd', b.limit_usd, b.spent_usd, b.held_usd, b.remaining_usd, b.overrun_usd],
    ['tokens', b.limit_tokens, b.spent_tokens, b.held_tokens, b.remaining_tokens, b.overrun_tokens],
    ['calls', b.limit_calls, b.spent_calls, b.held_calls, b.remaining_calls, 0],
  ]
  const text = (v: Decimal | number): string => String(v ?? '0')
  return all.filter(([, limit]) => limit !== null && limit !== undefined).map(([kind, limit, spent, held, left, overrun]) => ({ kind, limit: text(limit), spent: text(spent), held: text(held), left: text(left), overrun: text(overrun) }))
}

/** amount writes what a limit counts; the unit is said unless it is dollars. */
export function amount(kind: Kind, v: Decimal, unit = true): string {
  if (kind === 'usd') return usd(v)
  const n = count(Math.round(pixels(v)))
  return unit ? `${n} ${n === '1' ? kind.slice(0, -1) : kind}` : n
}

const windows: Record<string, string> = { minute: 'each minute', hour: 'each hour', day: 'each day', week: 'each week', month: 'each month', quarter: 'each quarter', year: 'each year', lifetime: 'for all time' }
export const windowNames = Object.keys(windows)

/** windowName says a window: each day · any 24h · for all time. */
export const windowName = (w: string): string => windows[w] ?? (w.startsWith('rolling:') ? 'any ' + rollingName(w) : w)

/** rollingName shortens Go's durations: 24h0m0s is 24h. */
const rollingName = (w: string): string => w.slice('rolling:'.length).replace(/(?<=\D)0m0s$|(?<=\D)0s$/, '')

/** rolling is a rolling window's length in milliseconds, 0 for any other. */
export function rolling(w: string): number {
  if (!w.startsWith('rolling:')) return 0
  let ms = 0
  for (const [, n, unit] of w.slice('rolling:'.length).matchAll(/([\d.]+)(ms|[hms])/g)) ms += Number(n) * ({ h: HOUR, m: 60_000, s: 1000, ms: 1 }[unit as 'h'] ?? 0)
  return ms
}

/** order puts what needs a look first: spent, then the largest share. */
const states = ['spent', 'soft', 'filling', 'ok']
export const order = (a: Budget, b: Budget): number => states.indexOf(a.state) - states.indexOf(b.state) || b.percent - a.percent || a.name.localeCompare(b.name)

/** One point of a burn-down: what was spent up to a moment. */
export interface Point { at: number; step: string; sum: string }

export interface Burn {
  from: number
  end: number | null // of the window; null when it has none
  now: number
  points: Point[] // from the window's beginning to now
  forecast: string | null // at the window's end
  full: number | null // when the limit is reached at this pace
  how: string
}

/** grainOf is the width of the picture's steps. */
export const grainOf = (length: number): 'minute' | 'hour' | 'day' => (length <= 6 * HOUR ? 'minute' : length <= 8 * DAY ? 'hour' : 'day')

const refused = ['budget', 'rate_limited']

/** burn adds up the recorded calls of a window (rows by status and grain); its last point is the budget's own count. */
export function burn(rows: CostRow[], grain: 'minute' | 'hour' | 'day', b: Budget, l: Limit, now: number): Burn {
  const step = { minute: 60_000, hour: HOUR, day: DAY }[grain]
  const sums = new Map<number, bigint>()
  for (const r of rows) {
    const t = bucketTime(String(r[grain]))
    if (Number.isNaN(t)) continue
    // Refused calls are recorded but not charged; answers out of the cache are no calls of a provider.
    const v = l.kind === 'usd' ? r.cost_usd : l.kind === 'tokens' ? String(r.input_tokens + r.output_tokens) : refused.includes(String(r.status)) ? '0' : String(r.calls - (r.cache_hits ?? 0))
    sums.set(t, (sums.get(t) ?? 0n) + (parse(v) ?? 0n))
  }
  const starts = [...sums.keys()].sort((x, y) => x - y)
  const roll = rolling(b.window)
  const from = b.began_at ? Date.parse(b.began_at) : roll ? now - roll : starts[0] ?? Date.parse(b.created_at)
  const end = b.resets_at ? Date.parse(b.resets_at) : null
  const points: Point[] = [{ at: from, step: '0', sum: '0' }]
  let total = 0n
  for (let t = Math.floor(from / step) * step; t + step < now && points.length < 1500; t += step) {
    const s = sums.get(t) ?? 0n
    total += s
    if (t + step > from) points.push({ at: t + step, step: render(s), sum: render(total) })
  }
  const spent = parse(l.spent) ?? 0n
  points.push({ at: now, step: render(spent > total ? spent - total : 0n), sum: render(spent) })

  const gone = now - from, limit = parse(l.limit) ?? 0n
  const out: Burn = { from, end, now, points, forecast: null, full: null, how: '' }
  const said = `The line adds up the recorded calls of this budget's scope by ${grain}; its last point is the budget's own count, which has calls that are not recorded yet.`
  if (spent > 0n && gone > 0 && spent < limit && !roll) {
    const t = now + Number(((limit - spent) * BigInt(Math.round(gone))) / spent)
    if (t < now + 10 * 366 * DAY) out.full = t
  }
  if (roll) out.how = `${said} A rolling window has no end: what was spent ${rollingName(b.window)} ago falls out by itself, so there is no even pace and no forecast.`
  else if (end === null) out.how = `${said} This window has no end, so there is no even pace and no forecast for it.`
  else if (gone <= 0 || gone < (end - from) / 100) out.how = `${said} A forecast needs a hundredth of the window, ${span((end - from) / 100_000)}; it appears by itself.`
  else {
    out.forecast = render((spent * BigInt(Math.round(end - from))) / BigInt(Math.round(gone)))
    out.how = `${said} The forecast is what is spent, times the window's length over the part that is gone (${span(gone / 1000)} of ${span((end - from) / 1000)}): it takes the rest to go like the part so far, and knows no nights or weekends. The even pace spends the limit exactly at the window's end.`
  }
  if (end !== null && (out.forecast === null || out.full! >= end)) out.full = null
  return out
}

/** pace is what an even spending of the limit would have spent by a moment. */
export const pace = (x: Burn, limit: string, at: number): string | null => (x.end === null ? null : render(((parse(limit) ?? 0n) * BigInt(Math.max(0, Math.round(at - x.from)))) / BigInt(Math.max(1, Math.round(x.end - x.from)))))

export const fields = ['name', 'scope', 'window', 'timezone', 'limit', 'policy', 'at_limit', 'soft'] as const
export type Field = (typeof fields)[number]

/** faults sorts the API's error by the fields of the form; '' has what belongs to none of them. */
export function faults(e: Failure): Partial<Record<Field | '', string>> {
  const out: Partial<Record<Field | '', string>> = {}
  const add = (f: Field | '', text: string) => { out[f] = out[f] ? out[f] + '; ' + text : text }
  const own = fields.find((f) => e.param === f || (f === 'limit' && e.param.startsWith('limit_')) || (f === 'soft' && e.param.startsWith('thresholds')))
  if (own) return { [own]: e.message }
  let last: Field | '' = ''
  for (const part of e.message.replace(/^not a budget: /, '').split('; ')) {
    const m = /^([a-z_]+): (.*)$/s.exec(part)
    if (m && fields.includes(m[1] as Field)) add((last = m[1] as Field), m[2]!)
    else if (/not an amount of dollars/.test(part)) add((last = 'limit'), part.replace(/^the body is not what this request wants: /, ''))
    else add(last, part)
  }
  return out
}
