/** What this month will have cost: spent so far plus what the weeks before say about the days to come. */

import { parse, render, type Decimal } from './money'
import { DAY, startOfDay, startOfMonth, startOfNextMonth } from './time'

export interface Forecast {
  today: string
  month: string // month to date
  total: string | null // null when there is too little history
  low: string | null
  high: string | null
  how: string
}

/** forecast reads spend by UTC day ("2026-11-23" → dollars); days that are missing cost nothing. */
export function forecast(days: Map<string, Decimal>, now: number): Forecast {
  const key = (t: number) => new Date(t).toISOString().slice(0, 10)
  const at = (t: number): bigint => parse(days.get(key(t))) ?? 0n
  const today = startOfDay(now), first = startOfMonth(now), end = startOfNextMonth(now)
  let month = 0n
  for (let t = first; t <= today; t += DAY) month += at(t)

  // Whole days of the last four weeks, from the first day that has spend.
  const past: number[] = []
  for (let t = today - 28 * DAY; t < today; t += DAY) if (past.length || at(t) > 0n) past.push(t)
  const out: Forecast = { today: render(at(today)), month: render(month), total: null, low: null, high: null, how: '' }
  if (past.length < 3) {
    out.how = 'A forecast needs three whole days of spend; it appears by itself.'
    return out
  }
  const byWeekday = past.length >= 14
  const mean = (list: number[]): bigint => list.reduce((s, t) => s + at(t), 0n) / BigInt(list.length)
  const all = mean(past)
  const expected = (t: number): bigint => {
    const same = byWeekday ? past.filter((p) => new Date(p).getUTCDay() === new Date(t).getUTCDay()) : []
    return same.length ? mean(same) : all
  }
  // What is left of today is the expected day's rest, never less than nothing.
  const left = BigInt(Math.round(((today + DAY - now) / DAY) * 1e6))
  let rest = (expected(today) * left) / 1_000_000n
  let ahead = Number(left) / 1e6
  for (let t = today + DAY; t < end; t += DAY) { rest += expected(t); ahead++ }
  // The band is 80 %: daily deviations from the expected day, as if days were independent.
  const dev = past.map((t) => Number(at(t) - expected(t)) / 1e18)
  const sd = Math.sqrt(dev.reduce((s, d) => s + d * d, 0) / Math.max(1, dev.length - (byWeekday ? 7 : 1)))
  const wide = BigInt(Math.round(1.2816 * sd * Math.sqrt(ahead) * 1e9)) * 1_000_000_000n
  const total = month + rest
  out.total = render(total)
  out.low = render(total - wide < month ? month : total - wide)
  out.high = render(total + wide)
  out.how = byWeekday
    ? `Spent so far, plus for each day left the mean of the same weekday over the last ${past.length} days, and the unspent share of today. The range is 80 % likely if those days are typical.`
    : `Spent so far, plus the mean of the last ${past.length} whole days for each day left. With two weeks of history weekdays are told apart.`
  return out
}
