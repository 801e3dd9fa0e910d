import { describe, expect, it } from 'vitest'
import { definitionOf, matches, plain, regressions, shows, values, type Result, type Score } from './evals'
import { faultOfAPI, readFile, rows } from './importfile'

const bytes = (s: string) => new TextEncoder().encode(s)
const result = (item: string, score: Partial<Score> | undefined, repeat = 1): Result => ({ target: 't', item, repeat, item_hash: 'h' + item, answer: { text: '', latency_ms: 1, tries: 1, at: '' }, scores: score ? { s: { state: 'scored', value: 0, ...score } } : {}, input: '"in"', expected: '' })

describe('a file', () => {
  it('is read line by line, with every fault', () => {
    const f = readFile('d.jsonl', bytes('{"id":1,"input":"a","team":"x"}\n\n{"id":\n{"id":"q"}\n{"id":"1","input":"b"}\n[1]\n'))
    expect(f.items).toEqual([{ id: '1', input: 'a', metadata: { team: 'x' } }])
    expect(f.lines).toEqual([1])
    expect(f.faults.map((x) => x.line)).toEqual([3, 4, 5, 6])
    expect(f.faults[2]!.reason).toBe('the id "1" is that of line 1')
  })
  it('names the line that is no UTF-8, and a file without items', () => {
    expect(readFile('d.jsonl', new Uint8Array([123, 125, 10, 0xff, 10])).faults).toEqual([{ line: 2, reason: 'it is not text in UTF-8' }])
    expect(readFile('d.csv', bytes('')).faults).toHaveLength(1)
  })
  it('may be CSV with quotes over several lines', () => {
    const f = readFile('d.CSV', bytes('\ufeffid,input,expected,lang\r\n1,"say ""hi"",\nplease",hi,en\n2,x\n,y,,de\n'))
    expect(f.items).toEqual([{ id: '1', input: 'say "hi",\nplease', expected: 'hi', metadata: { lang: 'en' } }, { id: '', input: 'y', metadata: { lang: 'de' } }])
    expect(f.faults).toEqual([{ line: 4, reason: 'it has 2 cells, the first line names 4' }])
    expect(rows('a,"b').fault?.line).toBe(1)
    expect(readFile('d.csv', bytes('id,question\n1,2\n')).faults[0]!.reason).toContain('no column input')
  })
  it("gets the API's fault on its line", () => {
    expect(faultOfAPI('item 2: the id is none', [1, 4])).toEqual({ line: 4, reason: 'the id is none' })
    expect(faultOfAPI('the id "x" stands twice', [1, 4])).toBeNull()
  })
})

describe('figures', () => {
  it('make a definition of a form', () => {
    const form = { name: 'faq', dataset: 'faq@2', targets: [{ kind: 'prompt' as const, of: 'greet@prod', model: 'gpt-4o' }, { kind: 'model' as const, of: '', model: 'gpt-4o' }, { kind: 'model' as const, of: '', model: 'gpt-4o' }, { kind: 'rag' as const, of: 'docs', model: 'x' }], metrics: ['exact'], judge: { rubric: 'tone', model: 'm', votes: '3' }, vectors: '', repeat: '2', limit: '', most: '1.5' }
    const d = definitionOf(form)
    expect(d.ready).toBe(true)
    expect(d.definition).toEqual({ name: 'faq', dataset: 'faq@2', repeat: 2, max_cost_usd: '1.5', targets: [{ name: 'greet-prod-gpt-4o', prompt: 'greet@prod', model: 'gpt-4o' }, { name: 'gpt-4o', model: 'gpt-4o' }, { name: 'gpt-4o-2', model: 'gpt-4o' }, { name: 'docs', rag: 'docs' }], scorers: [{ name: 'exact', metric: 'exact' }, { name: 'tone', metric: 'judge', judge: { rubric: 'tone', model: 'm', votes: 3 } }] })
    for (const [by, want] of [[{ targets: [{ kind: 'model' as const, of: '', model: ' ' }] }, 'Say who'], [{ metrics: ['cosine'] }, 'vectors'], [{ repeat: '0' }, '1 to 100'], [{ most: '-1' }, 'above 0'], [{ limit: '1.5' }, 'whole number'], [{ name: 'a b' }, 'a name']] as const) expect(definitionOf({ ...form, ...by, targets: 'targets' in by ? [...by.targets] : form.targets, metrics: 'metrics' in by ? [...by.metrics] : form.metrics }).lacks).toContain(want)
  })
  it('count repeats of an item once, and only what is scored', () => {
    const v = values([result('a', { value: 1 }), result('a', { value: 0 }, 2), result('b', { state: 'failed' }), result('c', undefined)], 't', 's')
    expect(v.values).toEqual([1, 0])
    expect([...v.byItem]).toEqual([['a', 0.5]])
  })
  it('pick failures', () => {
    expect(shows(result('a', { passed: false }), 's', 'failures')).toBe(true)
    expect(shows(result('a', { passed: true }), 's', 'failures')).toBe(false)
    expect(shows(result('a', { state: 'unscorable' }), 's', 'failed')).toBe(false)
    expect(shows(result('a', undefined), 's', 'failed')).toBe(true)
    expect(shows(result('a', { passed: false }), 's', 'below')).toBe(true)
  })
  it('find what became worse, the worst first, where the items say the same', () => {
    const other = { ...result('d', { value: 0 }), item_hash: 'changed' }
    const list = regressions([result('a', { value: 1 }), result('b', { value: 0.6 }), result('c', { value: 0 }), result('d', { value: 1 })], [result('a', { value: 0 }), result('b', { value: 0.5 }), result('c', { value: 1 }), other], 's', false)
    expect(list.map((x) => x.item)).toEqual(['a', 'b'])
    expect(regressions([result('a', { value: 1 })], [result('a', { value: 2 })], 's', true)[0]!.worse).toBe(1)
  })
  it('read texts', () => {
    expect(plain('"x"')).toBe('x')
    expect(plain('not json')).toBe('not json')
    expect(matches({ id: '1', input: { q: 'Weir' } }, ' weir')).toBe(true)
    expect(matches({ id: '1', input: 'a' }, 'b')).toBe(false)
  })
})
