import { expect, test } from 'vitest'
import { grainFor, hasBand, line, type Ahead } from './ahead'
import type { CostRow } from './api'

const ahead = (over: Partial<Ahead> = {}): Ahead => ({
  window: 'month', timezone: 'UTC', at: '2026-11-03T12:00:00.000000Z', began_at: '2026-11-01T00:00:00.000000Z', ends_at: '2026-12-01T00:00:00.000000Z', spent_usd: '5.5', expected_usd: '60', low_usd: '50', high_usd: '70', level: 0.8,
  method: 'seasonal', how: '', history_hours: 672, course: [{ at: '2026-11-04T00:00:00.000000Z', expected_usd: '6', low_usd: '5.8', high_usd: '6.4' }, { at: '2026-12-01T00:00:00.000000Z', expected_usd: '60', low_usd: '50', high_usd: '70' }], limit_usd: null, reaches_at: null, over_percent: null, ...over,
})
const row = (day: string, cost: string | null): CostRow => ({ day, calls: 1, errors: 0, cost_usd: cost, saved_usd: '0', input_tokens: 0, output_tokens: 0, latency_p50_ms: null, latency_p95_ms: null })

test('the past adds up to what is spent now, and goes on from there', () => {
  const steps = line([row('2026-11-02', '2'), row('2026-11-01', '1.5'), row('2026-11-03', '2')], 'day', ahead())
  expect(steps.map((s) => [new Date(s.at).toISOString().slice(0, 13), s.spent, s.expected])).toEqual([
    ['2026-11-01T00', '0', null], ['2026-11-02T00', '1.5', null], ['2026-11-03T00', '3.5', null], ['2026-11-03T12', '5.5', '5.5'], ['2026-11-04T00', null, '6'], ['2026-12-01T00', null, '60'],
  ])
  expect(steps.at(-1)).toMatchObject({ low: '50', high: '70' })
})

test('nothing is expected without a course', () => {
  const a = ahead({ course: [], expected_usd: null, low_usd: null, high_usd: null })
  expect(line([row('2026-11-01', null)], 'day', a).map((s) => [s.spent, s.expected])).toEqual([['0', null], ['0', null], ['5.5', null]])
  expect([hasBand(a), hasBand(ahead()), hasBand(ahead({ low_usd: null }))]).toEqual([false, true, false])
  expect(line([], 'day', ahead({ began_at: null }))).toEqual([])
})

test('hours for short windows', () => { expect(['day', 'week', 'month', 'year'].map(grainFor)).toEqual(['hour', 'hour', 'day', 'day']) })
