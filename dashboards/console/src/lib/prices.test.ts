import { describe, expect, test } from 'vitest'
import { Failure } from './api'
import { book, bucketName, change, faultOf, listPrice, matches, signed, split, tokens, unit, type Entry } from './prices'

const now = Date.parse('2026-11-25T00:00:00Z')
const e = (over: Partial<Entry>): Entry => ({ provider: 'openai', model: 'gpt-4o', kind: 'token', status: 'agreed', input_usd_per_mtok: '2.5', output_usd_per_mtok: '10', ...over })

describe('book', () => {
  const list = [
    e({}), e({ effective_from: '2026-06-01', input_usd_per_mtok: '2' }), e({ effective_from: '2027-01-01', input_usd_per_mtok: '1' }),
    e({ project: 'lab', status: 'set', input_usd_per_mtok: '1.6' }), e({ project: 'care', status: 'set' }), e({ provider: 'azure' }),
  ]
  test('one line a model, with the price of now', () => {
    const [m, other] = book(list, now)
    expect([m!.now?.input_usd_per_mtok, other!.provider, other!.history.length]).toEqual(['2', 'azure', 1])
    expect(m!.history.map((h) => h.effective_from)).toEqual(['2027-01-01', '2026-06-01', undefined])
    expect(m!.overrides.map((h) => h.project)).toEqual(['care', 'lab'])
  })
  test('one set by hand goes before the catalogue, also when it began earlier', () => {
    const [m] = book([...list, e({ status: 'set', input_usd_per_mtok: '3', effective_from: '2026-01-01' })], now)
    expect(m!.now?.input_usd_per_mtok).toBe('3')
    expect(listPrice(m!, m!.now!, now)?.input_usd_per_mtok).toBe('2.5')
    expect(listPrice(m!, m!.overrides[1]!, now)?.input_usd_per_mtok).toBe('2')
  })
  test('a price that has not begun is not the price of now', () => { expect(book([e({ effective_from: '2027-01-01' })], now)[0]!.now).toBeUndefined() })
  test('is searched by words', () => { expect([matches(list[0]!, 'OPEN 4o'), matches(list[0]!, 'gpt mini'), matches(list[0]!, '')]).toEqual([true, false, true]) })
})

test('changes in percent', () => {
  expect([change('1.6', '2'), change('2', '2'), change('2.25', '2'), change(undefined, '2'), change('1', '0'), change('0', '2')]).toEqual([-20, 0, 12.5, null, null, -100])
  expect([signed(-20), signed(12.5), signed(0), signed(33.333)]).toEqual(['−20%', '+12.5%', '±0%', '+33.3%'])
})

test('units', () => { expect([unit(e({})), unit(e({ kind: 'free' })), unit(e({ kind: 'second' })), unit({ provider: 'a', model: 'b' })]).toEqual(['', 'free', 'second', '']) })

test('names', () => {
  expect([split('openai/gpt-4o'), split('groq/qwen/qwen3-32b'), split('gpt-4o'), split('/x'), split('x/')]).toEqual([{ provider: 'openai', model: 'gpt-4o' }, { provider: 'groq', model: 'qwen/qwen3-32b' }, null, null, null])
  expect([bucketName('cache_write_5m'), bucketName('audio_seconds')]).toEqual(['Cache write, 5 min', 'audio seconds'])
})

test('amounts of tokens as people type them', () => {
  expect(['', '0', '1200', '1,200', '12 000', '50k', '1.5M', '0.5k', ' 7 '].map(tokens)).toEqual([0, 0, 1200, 1200, 12000, 50_000, 1_500_000, 500, 7])
  expect(['-1', '1.5', 'many', '1,2', '1e9', '1.0001k', '2000000M'].map(tokens)).toEqual(Array(7).fill(NaN))
})

describe('what is wrong with a price', () => {
  test('stands beside its field', () => {
    expect(faultOf(new Failure(400, 'x', 'the field model cannot be a JSON number', 'model'))).toMatchObject({ field: 'model' })
    expect(faultOf(new Failure(400, 'x', 'effective_from "soon": want a day such as 2026-11-23, or a time'))).toMatchObject({ field: 'effective_from' })
    expect(faultOf(new Failure(400, 'x', 'invalid price of a/b: kind call needs unit_usd above zero'))).toEqual({ field: 'unit_usd', text: 'kind call needs unit_usd above zero' })
    expect(faultOf(new Failure(400, 'x', 'invalid price of a/b: no price is given: set input_usd_per_mtok and output_usd_per_mtok, or kind free')).field).toBe('')
  })
})
