import { describe, expect, test } from 'vitest'
import { Failure, type CostRow } from './api'
import { amount, burn, faults, limits, order, pace, rolling, windowName, type Budget } from './budgets'

const budget = (over: Partial<Budget> = {}): Budget => ({
  id: 'b', name: 'care', scope: {}, window: 'day', timezone: 'UTC', limit_usd: '10.000000000', limit_tokens: null, limit_calls: null, policy: 'expected', at_limit: 'refuse', soft: [50],
  created_at: '2026-11-20T00:00:00Z', updated_at: '2026-11-20T00:00:00Z', state: 'ok', percent: 0, began_at: '2026-11-24T00:00:00Z', resets_at: '2026-11-25T00:00:00Z',
  spent_usd: '3.000000000', spent_tokens: 0, spent_calls: 0, held_usd: '0.500000000', held_tokens: 0, held_calls: 0, remaining_usd: '6.500000000', remaining_tokens: null, remaining_calls: null, overrun_usd: '0.000000000', overrun_tokens: 0, ...over,
})
const row = (hour: string, cost: string | null, over: Partial<CostRow> = {}): CostRow => ({ hour, status: 'ok', calls: 1, errors: 0, cost_usd: cost, saved_usd: '0', input_tokens: 10, output_tokens: 5, latency_p50_ms: null, latency_p95_ms: null, ...over })
const now = Date.parse('2026-11-24T12:00:00Z')

describe('limits', () => {
  test('those that are set', () => {
    expect(limits(budget({ limit_calls: 5, spent_calls: 2, remaining_calls: 3 })).map((l) => [l.kind, l.limit, l.spent, l.left])).toEqual([['usd', '10.000000000', '3.000000000', '6.500000000'], ['calls', '5', '2', '3']])
  })
  test('as words', () => { expect([amount('usd', '0.5'), amount('tokens', '12000'), amount('calls', '1'), amount('calls', '0', false)]).toEqual(['$0.5000', '12,000 tokens', '1 call', '0']) })
})

describe('windows', () => {
  test('names', () => { expect(['day', 'lifetime', 'rolling:24h', 'rolling:1h30m0s', 'rolling:10h0m0s'].map(windowName)).toEqual(['each day', 'for all time', 'any 24h', 'any 1h30m', 'any 10h']) })
  test('lengths', () => { expect(['day', 'rolling:24h', 'rolling:1h30m'].map(rolling)).toEqual([0, 86_400_000, 5_400_000]) })
})

test('what needs a look comes first', () => {
  const list = [budget({ name: 'a', percent: 40 }), budget({ name: 'b', state: 'soft', percent: 80 }), budget({ name: 'c', percent: 45 }), budget({ name: 'd', state: 'spent', percent: 100 })]
  expect(list.sort(order).map((b) => b.name)).toEqual(['d', 'b', 'c', 'a'])
})

describe('burn', () => {
  const b = budget(), l = limits(b)[0]!
  test('adds up to the budget\'s own count and goes on like that', () => {
    const x = burn([row('2026-11-24T01:00:00Z', '1'), row('2026-11-24T01:00:00Z', '0.25', { status: 'error' }), row('2026-11-24T09:00:00Z', null)], 'hour', b, l, now)
    expect(x.points[0]).toEqual({ at: Date.parse(b.began_at!), step: '0', sum: '0' })
    expect(x.points.find((p) => p.at === Date.parse('2026-11-24T02:00:00Z'))).toMatchObject({ step: '1.25', sum: '1.25' })
    expect(x.points.at(-1)).toEqual({ at: now, step: '1.75', sum: '3' })
    expect([x.forecast, x.full]).toEqual(['6', null]) // half of the day is gone
    expect(pace(x, l.limit, now)).toBe('5')
  })
  test('says when the limit is reached before the end', () => {
    const x = burn([], 'hour', b, { ...l, spent: '8' }, now)
    expect(x.full).toBe(now + 3 * 3_600_000)
    expect(x.forecast).toBe('16')
  })
  test('refused calls and hits are not charged', () => {
    const x = burn([row('2026-11-24T01:00:00Z', '0', { calls: 4, cache_hits: 1 }), row('2026-11-24T01:00:00Z', '0', { status: 'budget', calls: 7 })], 'hour', b, { ...l, kind: 'calls', limit: '10', spent: '3' }, now)
    expect(x.points.find((p) => p.step !== '0')).toMatchObject({ step: '3', sum: '3' })
  })
  test('no forecast without an end, or too early', () => {
    const r = burn([], 'hour', budget({ window: 'rolling:24h', began_at: null, resets_at: null }), l, now)
    expect([r.from, r.end, r.forecast, r.full]).toEqual([now - 86_400_000, null, null, null])
    expect(pace(r, l.limit, now)).toBeNull()
    expect(burn([], 'hour', b, l, Date.parse(b.began_at!) + 60_000).how).toContain('appears by itself')
    expect(burn([], 'day', budget({ window: 'lifetime', began_at: null, resets_at: null }), l, now)).toMatchObject({ end: null, forecast: null, from: Date.parse('2026-11-20T00:00:00Z') })
  })
})

describe('faults', () => {
  test('by field', () => {
    const e = new Failure(400, 'weir_invalid_request', 'not a budget: name: want 1 to 100 characters; scope: team is empty; leave it out to mean every one; limit: missing; set limit_usd, limit_tokens or limit_calls; soft: want percents from 1 to 100, ascending')
    expect(faults(e)).toEqual({ name: 'want 1 to 100 characters', scope: 'team is empty; leave it out to mean every one', limit: 'missing; set limit_usd, limit_tokens or limit_calls', soft: 'want percents from 1 to 100, ascending' })
  })
  test('by parameter, and none', () => {
    expect(faults(new Failure(400, 'x', 'a budget of this name is there already', 'name'))).toEqual({ name: 'a budget of this name is there already' })
    expect(faults(new Failure(400, 'x', 'the field limit_calls cannot be a JSON string', 'limit_calls'))).toEqual({ limit: 'the field limit_calls cannot be a JSON string' })
    expect(faults(new Failure(400, 'x', 'the body is not what this request wants: "x": not an amount of dollars (want digits)'))).toEqual({ limit: '"x": not an amount of dollars (want digits)' })
    expect(faults(new Failure(400, 'x', 'the field thresholds cannot be a JSON string', 'thresholds'))).toEqual({ soft: 'the field thresholds cannot be a JSON string' })
    expect(faults(new Failure(0, 'unreachable', 'weir does not answer.'))).toEqual({ '': 'weir does not answer.' })
  })
})
