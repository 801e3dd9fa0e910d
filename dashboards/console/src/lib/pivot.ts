/** Cost rows as series: one per group, one value per bucket of time. */

import type { CostRow } from './api'
import { parse, pixels, render, type Decimal } from './money'
import { bucketTime, buckets } from './time'

export type Measure = 'cost' | 'calls' | 'tokens' | 'saved'

/** money says whether a measure is in dollars. */
export const money = (m: Measure): boolean => m === 'cost' || m === 'saved'

export interface Series { label: string; values: number[]; exact: string[]; total: string; unpriced: number }
export interface Pivot { times: number[]; series: Series[]; totals: string[]; folded: number }

/** value is a row's measure as an exact decimal; null when its cost is not known. */
export function value(row: CostRow, m: Measure): Decimal {
  return m === 'cost' ? row.cost_usd : m === 'saved' ? row.saved_usd : String(m === 'calls' ? row.calls : row.input_tokens + row.output_tokens)
}

/** label names a row's group; an empty value has a word of its own. */
export function label(row: CostRow, dims: string[]): string {
  return dims.map((d) => name(row[d])).join(' · ') || 'all'
}
export const name = (v: unknown): string => (v === '' || v === null || v === undefined ? '(none)' : String(v))

/** pivot keeps the `top` largest groups and folds the rest into one; buckets without rows are zero. */
export function pivot(rows: CostRow[], dims: string[], grain: string, m: Measure, since: number, until: number, top = 6): Pivot {
  const times = buckets(since, until, grain)
  const at = new Map(times.map((t, i) => [t, i]))
  const groups = new Map<string, { sums: bigint[]; total: bigint; unpriced: number }>()
  const totals = times.map(() => 0n)
  for (const row of rows) {
    const i = at.get(bucketTime(String(row[grain])))
    if (i === undefined) continue
    const key = label(row, dims)
    let g = groups.get(key)
    if (!g) groups.set(key, (g = { sums: times.map(() => 0n), total: 0n, unpriced: 0 }))
    const v = parse(value(row, m)) ?? 0n
    g.sums[i]! += v
    g.total += v
    g.unpriced += row.unpriced_calls ?? 0
    totals[i]! += v
  }
  const sorted = [...groups].sort((a, b) => (a[1].total === b[1].total ? a[0].localeCompare(b[0]) : a[1].total < b[1].total ? 1 : -1))
  const shown = sorted.length > top + 1 ? sorted.slice(0, top) : sorted
  const rest = sorted.slice(shown.length)
  if (rest.length) {
    shown.push([`${rest.length} others`, {
      sums: times.map((_, i) => rest.reduce((s, [, g]) => s + g.sums[i]!, 0n)),
      total: rest.reduce((s, [, g]) => s + g.total, 0n),
      unpriced: rest.reduce((s, [, g]) => s + g.unpriced, 0),
    }])
  }
  return {
    times, folded: rest.length,
    series: shown.map(([key, g]) => {
      const exact = g.sums.map(render)
      return { label: key, exact, values: exact.map(pixels), total: render(g.total), unpriced: g.unpriced }
    }),
    totals: totals.map(render),
  }
}
