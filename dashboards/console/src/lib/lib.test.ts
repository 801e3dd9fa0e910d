import { describe, expect, test } from 'vitest'
import { csv } from './csv'
import { ms, percent, short, span } from './format'
import { blocks } from './markdown'
import { parseSSE } from './sse'
import { before, bucketTime, buckets, resolve } from './time'

describe('time', () => {
  const now = Date.parse('2026-11-24T18:27:00Z')
  test('ranges have whole buckets', () => {
    expect(resolve(new URLSearchParams('range=30d'), '30d', now)).toMatchObject({ since: '2026-10-26T00:00:00.000Z', until: '', grain: 'day' })
    expect(resolve(new URLSearchParams('range=24h'), '30d', now)).toMatchObject({ since: '2026-11-23T19:00:00.000Z', grain: 'hour' })
    expect(resolve(new URLSearchParams(''), '7d', now)).toEqual({ preset: '7d', since: '2026-11-18T00:00:00.000Z', until: '', grain: 'day', label: 'last 7 days' })
    expect(resolve(new URLSearchParams('since=2026-11-01&until=2026-11-03'), '7d', now)).toMatchObject({ preset: 'custom', until: '2026-11-03T00:00:00.000Z', grain: 'hour' })
  })
  test('what cannot be taken of a range is told, and the default stands in its place', () => {
    for (const [query, words] of [
      ['range=nonsense', '“range=nonsense” is none of 24h, 7d, 30d, 90d'], ['range=constructor', 'none of'], ['since=garbage', '“since=garbage” is no time'], ['since=garbage+1', 'no time'], ['since=24h', 'no time'],
      ['since=2026-13-45', 'no time'], ['since=2026-11-01&until=soon', '“until=soon” is no time'], ['until=2026-11-03', 'add since'], ['since=2026-11-03&until=2026-11-01', 'exchange them'],
      ['since=2026-11-03&until=2026-11-03', 'exchange them'], ['since=2026-11-25', 'still to come'], ['since=' + 'x'.repeat(5000), 'x…”'], ['since=x&range=24h', 'no time'],
    ] as const) {
      const r = resolve(new URLSearchParams(query), '7d', now)
      expect(r).toMatchObject({ preset: '7d', until: '', refused: expect.stringContaining(words) })
      expect(r.refused!.length).toBeLessThan(200)
    }
    for (const [query, since] of [
      ['since=2026-11', '2026-11-01T00:00:00.000Z'], ['since=2026-11-23T08:30', '2026-11-23T08:30:00.000Z'], ['since=2026-11-23T08:30:00.123456Z', '2026-11-23T08:30:00.123Z'],
      ['since=2026-11-23T08:30:00+01:00', '2026-11-23T07:30:00.000Z'], ['since=2026-11-23T08:30:00-0130&range=nonsense', '2026-11-23T10:00:00.000Z'],
    ] as const) {
      const r = resolve(new URLSearchParams(query), '7d', now)
      expect(r).toMatchObject({ preset: 'custom', since })
      expect(r.refused).toBeUndefined()
    }
  })
  test('the range before has the same length', () => {
    expect(before(resolve(new URLSearchParams('range=7d'), '', now), now)).toEqual({ since: '2026-11-11T00:00:00.000Z', until: '2026-11-17T18:27:00.000Z' })
  })
  test('buckets', () => {
    expect(['2026-11', '2026-11-23', '2026-11-23T08:00:00Z', '2026-11-23 08:00:00', '2026-11-23T08'].map((s) => new Date(bucketTime(s)).toISOString().slice(0, 13)))
      .toEqual(['2026-11-01T00', '2026-11-23T00', '2026-11-23T08', '2026-11-23T08', '2026-11-23T08'])
    expect(buckets(Date.parse('2026-11-22T05:00:00Z'), now, 'day')).toHaveLength(3)
    expect(buckets(Date.parse('2026-09-22T05:00:00Z'), now, 'month')).toHaveLength(3)
  })
})

describe('figures', () => {
  test('short', () => { expect([0, 999, 9876, 12345, 999_950, 4_500_000].map(short)).toEqual(['0', '999', '9,876', '12.3k', '1.0M', '4.5M']) })
  test('ms', () => { expect([0.44, 812.4, 3421, 12_345, 125_000, null].map(ms)).toEqual(['0.4 ms', '812 ms', '3.42 s', '12.3 s', '2 m 05 s', '—']) })
  test('span', () => { expect([4, 125, 7300, 200_000].map(span)).toEqual(['4 s', '2 m 05 s', '2 h 01 m', '2 d 7 h']) })
  test('percent', () => { expect([percent(1, 3), percent(0, 5), percent(1, 100_000), percent(1, 0)]).toEqual(['33%', '0.00%', '<0.01%', '—']) })
})

describe('events', () => {
  test('line ends, comments, an event cut short', () => {
    expect(parseSSE('\uFEFF: hi\r\nevent: a\r\ndata:1\r\ndata: 2\r\n\r\ndata: cut').events).toEqual([{ event: 'a', data: '1\n2' }])
    expect(parseSSE('data: cut').tail).toBe('cut')
    expect(parseSSE('data: x\n\ndata: [DONE]').events).toHaveLength(2)
  })
})

describe('csv', () => {
  test('quotes, and no cell becomes a formula', () => {
    expect(csv(['a', 'b'], [['x,"y"', 1], ['=cmd()', null], ['-5', '+x']])).toBe('a,b\r\n"x,""y""",1\r\n\'=cmd(),\r\n-5,\'+x\r\n')
  })
})

describe('markdown', () => {
  test('blocks', () => {
    expect(blocks('# T\n\none\ntwo\n\n- a\n- b\n  - c\n\n1. x\n2. y\n\n```go\nf()\n```\n> q').map((b) => b.kind)).toEqual(['heading', 'para', 'list', 'list', 'code', 'quote'])
  })
  test('an open fence takes the rest, and a table is kept as it is', () => {
    expect(blocks('```\na\n\nb')).toEqual([{ kind: 'code', lang: '', text: 'a\n\nb' }])
    expect(blocks('| a | b |\n|---|---|\n| 1 | 2 |')[0]).toMatchObject({ kind: 'table', head: ['a', 'b'], rows: [['1', '2']] })
  })
})
