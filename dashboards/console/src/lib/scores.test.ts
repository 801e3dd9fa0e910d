import { describe, expect, test } from 'vitest'
import { byDay, categoryDays, figure, filterOf, filterOfGroup, histogram, meanOf, typed, valueOf, words, type Figures } from './scores'

const row = (over: Partial<Figures> = {}): Figures => ({ name: 'helpful', type: 'number', group: {}, n: 3, mean: 0.5, sd: 0.1, min: 0, max: 1, p50: 0.5, categories: {}, ...over })

describe('figures', () => {
  test('three digits that count', () => { expect([0.123456, 12.3456, 4, -0.5, 1234.56, 0, 12_345_678].map(figure)).toEqual(['0.123', '12.3', '4', '−0.5', '1,235', '0', '1.23e7']) })
  test('a value keeps all digits', () => { expect([0.1234567, -2, true, false, 'rude'].map((value) => valueOf({ value }))).toEqual(['0.1234567', '−2', 'yes', 'no', 'rude']) })
  test('the middle by type', () => {
    expect([row({ mean: 0.81234 }), row({ type: 'boolean', mean: 0.75 }), row({ type: 'boolean', mean: 0 }), row({ type: 'category', n: 4, categories: { warm: 3, cold: 1 } })].map(meanOf)).toEqual(['0.812', '75%', '0%', 'warm 75%'])
  })
})

describe('words', () => {
  const r = row({ type: 'category', categories: { a: 1, b: 5, c: 5, gone: 0 } })
  test('the most frequent first', () => { expect(words(r).map((w) => [w.word, w.colour])).toEqual([['b', 'c1'], ['c', 'c2'], ['a', 'c3']]) })
  test('with the colours of another order', () => { expect(words(r, ['a', 'x', 'b', 'c']).map((w) => [w.word, w.colour])).toEqual([['a', 'c1'], ['b', 'c3'], ['c', 'c4']]) })
})

describe('histogram', () => {
  const sum = (v: number[]) => histogram(v).reduce((s, b) => s + b.n, 0)
  test('few different values stand for themselves', () => { expect(histogram([1, 5, 5, 3]).map((b) => [b.label, b.n])).toEqual([['1', 1], ['3', 1], ['5', 2]]) })
  test('round widths, each value once, the largest in the last', () => {
    const v = Array.from({ length: 101 }, (_, i) => i / 100)
    const bins = histogram(v)
    expect([bins.length, bins[0]!.low, bins.at(-1)!.high, sum(v)]).toEqual([20, 0, 1, 101])
    expect(bins[0]!.n).toBe(5)
    expect(bins.at(-1)!.n).toBe(6)
  })
  test('below zero, far apart, tiny', () => {
    for (const v of [Array.from({ length: 40 }, (_, i) => -3 + i * 0.173), Array.from({ length: 40 }, (_, i) => i * 1e6), Array.from({ length: 40 }, (_, i) => 1 + i * 1e-6)]) {
      const bins = histogram(v)
      expect(sum(v)).toBe(40)
      expect(bins.length).toBeLessThanOrEqual(22)
      expect(bins[0]!.low).toBeLessThanOrEqual(Math.min(...v))
      expect(bins.at(-1)!.high).toBeGreaterThanOrEqual(Math.max(...v) - 1e-9)
      for (let i = 1; i < bins.length; i++) expect(bins[i]!.low).toBe(bins[i - 1]!.high)
    }
  })
  test('nothing', () => { expect(histogram([NaN])).toEqual([]) })
})

describe('over days', () => {
  const since = Date.parse('2026-11-20T00:00:00Z'), until = Date.parse('2026-11-22T10:00:00Z')
  test('a day without scores has none', () => {
    const d = byDay([row({ group: { day: '2026-11-20' } }), row({ group: { day: '2026-11-22' }, mean: 1 }), row({ group: { day: '2026-11-21' }, type: 'boolean' })], 'number', since, until)
    expect(d.rows.map((r) => r?.mean ?? null)).toEqual([0.5, null, 1])
  })
  test('words stack up, and rare ones are one', () => {
    const categories = { a: 9, b: 8, c: 7, d: 6, e: 5, f: 4, g: 3, h: 2 }
    const d = byDay([row({ type: 'category', n: 44, categories, group: { day: '2026-11-21' } })], 'category', since, until)
    const p = categoryDays(d, Object.keys(categories))
    expect(p.series.map((s) => [s.label, s.total])).toEqual([['a', '9'], ['b', '8'], ['c', '7'], ['d', '6'], ['e', '5'], ['f', '4'], ['2 others', '5']])
    expect([p.folded, p.totals]).toEqual([2, ['0', '44', '0']])
  })
})

test('filters of an address and of a group', () => {
  expect(filterOf(new URLSearchParams('name=x&source=human&model=&arm=b&range=7d'))).toEqual({ source: 'human', arm: 'b' })
  expect(filterOfGroup({ experiment: 'e', arm: 'b' })).toEqual({ experiment: 'e', arm: 'b' })
  expect(filterOfGroup({ config: 'judge@3' })).toEqual({ config_version: 'judge@3' })
  expect(filterOfGroup({ model: '' })).toBeNull()
})

test('what one types becomes a value, or is told', () => {
  expect([typed('number', ' 0.5 '), typed('number', '−2'), typed('boolean', 'yes'), typed('category', ' true ')]).toEqual([{ value: 0.5 }, { value: -2 }, { value: true }, { value: 'true' }])
  expect([typed('number', ''), typed('number', 'x'), typed('number', 'Infinity'), typed('boolean', ''), typed('category', ' ')].every((x) => 'wrong' in x)).toBe(true)
})
