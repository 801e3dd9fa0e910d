import { describe, expect, test } from 'vitest'
import { both, buckets, cited, columns, cut, layout, ordinal, overlaps, parts, readLabels, score, waterfall, way, GAP, ROW, type Chunk, type Citation, type Held, type Hour, type Passage, type Step } from './rag'

const chunk = (id: string, places: Partial<Record<Step, number>>, over: Partial<Chunk> = {}): Chunk => ({
  id, document: 'a.md', title: 'A', headings: [], text: 'x', packed: false, cited: false, ...over,
  places: Object.fromEntries(Object.entries(places).map(([s, rank]) => [s, { rank, score: 1 / rank }])),
})
const ran: Step[] = ['dense', 'sparse', 'fuse', 'rerank', 'pack', 'cite']

describe('the way of a chunk', () => {
  test('never recalled, and dropped', () => {
    expect(way(chunk('1', { sparse: 3, fuse: 2 }, { dropped_at: 'rerank', why: 'not among the best 6' }), ran)).toBe('never recalled by meaning, 3rd by words, 2nd fused, dropped at rerank (not among the best 6)')
  })
  test('to the end', () => { expect(way(chunk('1', { dense: 1, sparse: 11, fuse: 1, rerank: 2, pack: 2, cite: 1 }, { packed: true, cited: true }), ran)).toBe('1st by meaning, 11th by words, 1st fused, 2nd reranked, 2nd in the prompt, cited') })
  test('a stage without a column can drop it', () => { expect(way(chunk('1', { dense: 1 }, { dropped_at: 'mmr' }), ['dense'])).toBe('1st by meaning, dropped by MMR') })
  test('ordinals', () => { expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 112].map(ordinal)).toEqual(['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '112th']) })
  test('scores', () => { expect([score('dense', { rank: 1, score: 0.26775 }), score('fuse', { rank: 1, score: 1 / 61 }), score('rerank', { rank: 1, score: 5 }), score('pack', { rank: 1, score: 0 }), score('dense', undefined)]).toEqual(['0.268', '0.0164', '5', '', '']) })
})

describe('columns', () => {
  const list = [chunk('1', { dense: 2, fuse: 1 }), chunk('2', { dense: 1, sparse: 1, fuse: 2 }, { dropped_at: 'parents' })]
  test('by rank, without stages that did not run', () => {
    expect(columns(list).map((c) => [c.step, c.chunks.map((x) => x.id).join('')])).toEqual([['dense', '21'], ['sparse', '2'], ['fuse', '12']])
  })
  test('the first ones, those that are kept, and gaps', () => {
    const many = Array.from({ length: 8 }, (_, i) => chunk(String(i), { fuse: i + 1 }))
    const l = layout(many, 2, (c) => c.id === '5')
    expect(l.rows.map((r) => ('chunk' in r ? r.chunk.id : -r.hidden))).toEqual(['0', '1', -3, '5', -2])
    expect(l.y.get('5')).toBe(2 * ROW + GAP + ROW / 2)
    expect(l.height).toBe(3 * ROW + 2 * GAP)
  })
})

describe('quotes', () => {
  test('are cut at bytes', () => {
    expect(cut('Zoë zahlt 30 €.', 5, 10)).toEqual(['Zoë ', 'zahlt', ' 30 €.'])
    expect(cut('Zoë', 3, 4)).toBeNull()
    expect(cut('ab', 1, 9)).toBeNull()
    expect(cut('\ufeffab', 3, 4)).toEqual(['\ufeff', 'a', 'b'])
  })
  test('marks in an answer', () => {
    expect(parts('A [1]. B [2, 1].')).toEqual([{ text: 'A ' }, { source: 1, nth: 0 }, { text: '. B ' }, { source: 2, nth: 0 }, { source: 1, nth: 1 }, { text: '.' }])
    expect(parts('a[x] [1234]')).toEqual([{ text: 'a[x] [1234]' }])
  })
  test('the citation of a mark', () => {
    const c = (source: number): Citation => ({ id: '', document: '', source, quote: '', start: 0, end: 0, verified: true })
    expect([cited([c(1), c(2), c(1)], 1, 0), cited([c(1), c(2), c(1)], 1, 1), cited([c(1), c(2), c(1)], 1, 5), cited([c(1)], 3, 0)]).toEqual([0, 2, 2, -1])
  })
})

test('labels', () => {
  expect(readLabels('year=2026, lang=en,lang=de')).toEqual({ year: ['2026'], lang: ['en', 'de'] })
  expect(readLabels(' ')).toEqual({})
  expect([readLabels('year'), readLabels('=x'), readLabels('x=')].every((x) => typeof x === 'string')).toBe(true)
})

test('a waterfall', () => {
  const bars = waterfall([{ stage: 'embed', took_ms: 1, out: 0 }, { stage: 'search', took_ms: 3, out: 9 }])
  expect(bars.map((b) => [b.from, b.width])).toEqual([[0, 0.25], [0.25, 0.75]])
  expect(waterfall([{ stage: 'embed', took_ms: 0, out: 0 }])[0]!.width).toBe(0)
})

test('hours join to days, and costs stay exact', () => {
  const h = (hour: string, cost: string, priced: number) => ({ hour, questions: 2, empty: 1, slow: 0, not_in_sources: 0, priced_answers: priced, cost_usd: cost }) as Hour
  const days = buckets([h('2026-11-24T01:00:00Z', '0.1', 1), h('2026-11-24T22:00:00Z', '0.2', 2), h('2026-11-25T00:00:00Z', '0', 0)], 'day')
  expect(days.map((d) => [d.questions, d.cost, d.per])).toEqual([[4, '0.3', '0.1'], [2, '0', null]])
  expect(buckets([h('2026-11-24T01:00:00Z', '0.1', 1), h('2026-11-24T22:00:00Z', '0.2', 2)], 'hour')).toHaveLength(2)
})

test('overlaps of chunks', () => {
  const held = (start: number, end: number) => ({ start, end }) as Held
  expect(overlaps([held(0, 100), held(80, 200), held(200, 300)])).toEqual([0, 20, 0])
})

test('what two pipelines packed', () => {
  const p = (source: number, id: string, start: number, end: number) => ({ source, id, document: 'a', start, end }) as Passage
  expect(both([p(1, 'x', 0, 10), p(2, 'y', 10, 20)], [p(1, 'z', 15, 30), p(2, 'w', 40, 50)]).map((r) => [r.passage.id, r.a, r.b])).toEqual([['x', 1, null], ['y', 2, 1], ['w', null, 2]])
})
