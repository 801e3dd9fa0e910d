import { expect, test } from 'vitest'
import type { CostRow } from './api'
import { pivot } from './pivot'

const row = (model: string, day: string, cost_usd: string | null, unpriced_calls = 0): CostRow => ({
  model, day, cost_usd, unpriced_calls, calls: 2, errors: 0, saved_usd: '0', input_tokens: 10, output_tokens: 5, latency_p50_ms: 1, latency_p95_ms: 2,
})

test('groups become series, quiet days are zero, small groups fold', () => {
  const since = Date.parse('2026-11-01T00:00:00Z'), until = Date.parse('2026-11-03T12:00:00Z')
  const rows = [row('a', '2026-11-01', '0.1'), row('a', '2026-11-03', '0.2'), row('b', '2026-11-02', '0.000000001'), row('c', '2026-11-01', null, 2), row('', '2026-11-01', '0'), row('a', '2026-12-01', '99')]
  const p = pivot(rows, ['model'], 'day', 'cost', since, until, 2)
  expect(p.times).toHaveLength(3)
  expect(p.series.map((s) => [s.label, s.total])).toEqual([['a', '0.3'], ['b', '0.000000001'], ['2 others', '0']])
  expect(p.series[0]!.exact).toEqual(['0.1', '0', '0.2'])
  expect(p.series[2]!.unpriced).toBe(2)
  expect(p.totals).toEqual(['0.1', '0.000000001', '0.2'])
  expect(pivot(rows, ['model'], 'day', 'tokens', since, until).series.map((s) => [s.label, s.total])).toEqual([['a', '30'], ['(none)', '15'], ['b', '15'], ['c', '15']])
})
