import { describe, expect, test } from 'vitest'
import type { Budget } from './budgets'
import { callsOf, lanes, said, told, type BudgetEvent } from './events'

const event = (over: Partial<BudgetEvent> = {}): BudgetEvent => ({
  id: 'e', budget_id: 'b', budget: 'care', kind: 'threshold', window_began_at: '2026-11-24T00:00:00Z', window_ends_at: '2026-11-25T00:00:00Z', threshold: 50, count: 1, at: '2026-11-24T12:00:00Z', last_at: '2026-11-24T12:00:00Z',
  spent: { usd: '5.01', tokens: 900, calls: 3 }, limit: { usd: '10', tokens: null, calls: null }, over: { usd: '0', tokens: 0, calls: 0 }, webhook: { state: 'none', tries: 0, at: null, error: '' }, ...over,
})

test('as sentences', () => {
  expect(said(event())).toBe('50% of the limit reached: $5.01 of $10.00 spent')
  expect(said(event({ limit: { usd: null, tokens: 1000, calls: 4 }, threshold: 90 }))).toBe('90% of the limit reached: 900 of 1,000 tokens, 3 of 4 calls spent')
  expect(said(event({ kind: 'refused', threshold: null, count: 12 }))).toBe('12 calls refused at $5.01 of $10.00 spent')
  expect(said(event({ kind: 'downgraded', count: 1 }))).toBe('1 target passed over for a cheaper one')
  expect(said(event({ kind: 'cut', count: 2 }))).toBe('2 streams cut off in mid-answer')
  expect(said(event({ kind: 'overrun', count: 1, over: { usd: '0.0312', tokens: 40, calls: 0 } }))).toBe('1 call cost more than was held for it: $0.0312, 40 tokens together')
  expect(said(event({ kind: 'some_new_kind', count: 3 }))).toBe('some new kind, 3 times')
})

describe('lanes', () => {
  const since = Date.parse('2026-11-24T00:00:00Z'), until = Date.parse('2026-11-25T00:00:00Z')
  test('by kind, in percent of the span', () => {
    const got = lanes([event({ kind: 'refused', count: 7, last_at: '2026-11-24T18:00:00Z' }), event(), event({ kind: 'cut', at: '2026-11-01T00:00:00Z', last_at: '2026-11-01T00:00:00Z' })], since, until)
    expect(got.map((l) => [l.kind, l.total, l.marks.map((m) => [m.left, m.width])])).toEqual([['threshold', 1, [[50, 0]]], ['refused', 7, [[50, 25]]]])
  })
})

test('the calls behind an event', () => {
  const b = { scope: { project: 'care', 'tag.team': 'a' } } as unknown as Budget
  expect(callsOf(event({ kind: 'refused', last_at: '2026-11-24T18:00:00Z' }), b)).toBe('/calls?project=care&tag.team=a&status=budget&since=2026-11-24T00%3A00%3A00Z&until=2026-11-24T18%3A00%3A01.000Z')
  expect([callsOf(event(), b), callsOf(event({ kind: 'cut' }), undefined)]).toEqual(['', ''])
})

test('who was told', () => {
  const w = (state: string, tries = 0) => told({ state, tries, at: null, error: '' })
  expect([w('none'), w('delivered', 1), w('failed', 9), w('waiting'), w('waiting', 2)]).toEqual([null, ['ok', 'told'], ['bad', 'not told'], ['', 'being told'], ['', 'trying again']])
})
