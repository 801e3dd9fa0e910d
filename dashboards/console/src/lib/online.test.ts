import { describe, expect, it } from 'vitest'
import { hoursOf, ledgerLine, pairsOf, rateName } from './online'

describe('rules', () => {
  it('say what they take', () => {
    expect(pairsOf({ filter: { project: 'shop', tags: { team: 'a' } } })).toEqual([['project', 'shop'], ['tag.team', 'a']])
    expect([rateName({ rate: 0.05, by: 'session' }), rateName({ rate: 0.0123, by: 'call' })]).toEqual(['5% of sessions', '1.23% of calls'])
  })
  it('show hours in which nothing was decided', () => {
    const at = Date.UTC(2026, 10, 24, 8)
    const p = hoursOf({ hours: [{ hour: '2026-11-24T09:00:00.000000Z', scored: 3, skipped: 1, failed: 2, cost_usd: '0' }] }, at, at + 3 * 3_600_000)
    expect(p.times).toHaveLength(3)
    expect(p.totals).toEqual(['0', '6', '0'])
    expect(p.series.map((s) => s.total)).toEqual(['3', '1', '2'])
  })
  it('say their ledger', () => {
    expect(ledgerLine({ eligible: 4, scored: 2, skipped: { budget: 1 }, failed: { unscorable: 1 }, cost_usd: '0', unpriced: 0, coverage: 0.5 })).toBe('2 calls scored of 4, 50%; 1 skipped, 1 failed')
  })
})
