import { expect, test } from 'vitest'
import type { CostRow } from './api'
import { asked, hits, purgeOf, series, tally } from './cache'

const row = (model: string, cache: string, calls: number, saved = '0'): CostRow => ({ model, cache, calls, errors: 0, cost_usd: '0', saved_usd: saved, input_tokens: 0, output_tokens: 0, latency_p50_ms: null, latency_p95_ms: null })

test('what became of the calls, by group', () => {
  const list = tally([row('a', 'hit', 2, '0.1'), row('a', 'miss', 6), row('a', 'off', 10), row('b', 'semantic', 1, '0.3'), row('b', 'hit', 1, '0.2'), row('c', 'miss', 3), row('', 'off', 1), row('d', 'what is this', 4)], 'model')
  expect(list.map((t) => [t.name, t.hit, t.semantic, t.miss, t.off, t.saved])).toEqual([['b', 1, 1, 0, 0, '0.5'], ['a', 2, 0, 6, 10, '0.1'], ['c', 0, 0, 3, 0, '0'], ['d', 0, 0, 0, 4, '0'], ['(none)', 0, 0, 0, 1, '0']])
  expect([hits(list[0]!), asked(list[0]!), asked(list[1]!)]).toEqual([2, 2, 8])
})

test('of all calls', () => { expect(tally([row('a', 'hit', 2, '0.000000001'), row('b', 'hit', 1, '0.000000002')], '')).toEqual([{ name: 'all', value: '', hit: 3, semantic: 0, miss: 0, off: 0, saved: '0.000000003' }]) })

test('the chart has the calls that asked', () => { expect(series([row('a', 'hit', 2), row('a', 'semantic', 1), row('a', 'off', 9), row('a', 'miss', 1)]).map((r) => r.cache)).toEqual(['Hits', 'Semantic hits', 'Misses']) })

test('what is to be purged', () => {
  const all = { project: '', model: '', tag: '', older: '' }
  expect(purgeOf(all)).toEqual({})
  expect(purgeOf({ project: ' care ', model: 'gpt-4o', tag: 'team = a=b', older: '15m' })).toEqual({ project: 'care', model: 'gpt-4o', 'tag.team': 'a=b', older_than: '15m' })
  expect(purgeOf({ ...all, tag: 'team' })).toMatch(/name=value/)
  expect(purgeOf({ ...all, older: 'yesterday' })).toMatch(/such as 15m/)
})
