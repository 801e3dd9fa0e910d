/** What will have been spent at a window's end, as the API reckons it, and the line that leads there. */

import type { CostRow } from './api'
import { parse, render, type Decimal } from './money'
import { bucketTime, DAY, HOUR } from './time'

export interface Ahead {
  window: string; timezone: string; at: string; began_at: string | null; ends_at: string | null
  spent_usd: string; expected_usd: Decimal; low_usd: Decimal; high_usd: Decimal; level: number
  method: string; how: string; history_hours: number
  course: { at: string; expected_usd: string; low_usd: string; high_usd: string }[]
  limit_usd: Decimal; reaches_at: string | null; over_percent: number | null
}

/** A moment of the line: what was spent by then, or what is expected. Amounts are exact decimals. */
export interface Step { at: number; spent: string | null; expected: string | null; low: string | null; high: string | null }

/** grainFor is how finely the past of a window is drawn. */
export const grainFor = (window: string): 'hour' | 'day' => (window === 'day' || window === 'week' ? 'hour' : 'day')

/** line adds up the past by grain and goes on with the course; its turning point is what is spent now. */
export function line(rows: CostRow[], grain: 'hour' | 'day', a: Ahead): Step[] {
  const from = Date.parse(a.began_at ?? ''), now = Date.parse(a.at)
  if (Number.isNaN(from) || Number.isNaN(now)) return []
  const width = grain === 'hour' ? HOUR : DAY
  const past = (at: number, spent: string): Step => ({ at, spent, expected: null, low: null, high: null })
  const sums = rows.map((r) => [bucketTime(String(r[grain])) + width, parse(r.cost_usd) ?? 0n] as const).sort((x, y) => x[0] - y[0])
  const out: Step[] = [past(from, '0')]
  let total = 0n
  for (const [at, sum] of sums) {
    total += sum
    // A bucket that began before the window belongs to it in part only; the point of now has all of it.
    if (at > from && at < now) out.push(past(at, render(total)))
  }
  const known = a.course.length > 0
  out.push({ at: now, spent: a.spent_usd, expected: known ? a.spent_usd : null, low: known ? a.spent_usd : null, high: known ? a.spent_usd : null })
  for (const c of a.course) if (Date.parse(c.at) > now) out.push({ at: Date.parse(c.at), spent: null, expected: c.expected_usd, low: c.low_usd, high: c.high_usd })
  return out
}

/** hasBand says whether there is an interval to show. */
export const hasBand = (a: Ahead): boolean => parse(a.low_usd) !== null && parse(a.high_usd) !== null
