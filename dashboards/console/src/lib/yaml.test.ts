import { describe, expect, test } from 'vitest'
import { Malformed, parse } from './yaml'

const value = (s: string) => parse(s).value
const fault = (s: string): string => { try { return 'read: ' + JSON.stringify(value(s)) } catch (e) { return e instanceof Malformed ? `${e.line}: ${e.message}` : 'not Malformed: ' + String(e) } }

const example = `# what is compared
name: greet-tone
unit: user                     # who is assigned
prompt: greet
arms:                          # the first is the control
  - {name: control, prompt: greet@3, weight: 50}
  - name: "terse"
    prompt: greet@4
    weight: 50
    parameters:
      temperature: 0.2
      stop: ["\\n", END]
metrics:
  primary: {metric: cost, direction: lower}
  guardrails:
  - {metric: errors, direction: lower, margin: 0.01}
  - {metric: "score:helpful", direction: higher, margin: "2%"}
target: 'project == "shop" and tags.plan != ''free'''
worth: 5%
auto:
`

test('the example of the documentation', () => {
  expect(value(example)).toEqual({
    name: 'greet-tone', unit: 'user', prompt: 'greet',
    arms: [{ name: 'control', prompt: 'greet@3', weight: 50 }, { name: 'terse', prompt: 'greet@4', weight: 50, parameters: { temperature: 0.2, stop: ['\n', 'END'] } }],
    metrics: { primary: { metric: 'cost', direction: 'lower' }, guardrails: [{ metric: 'errors', direction: 'lower', margin: 0.01 }, { metric: 'score:helpful', direction: 'higher', margin: '2%' }] },
    target: 'project == "shop" and tags.plan != \'free\'', worth: '5%', auto: null,
  })
})

test('each value has its line', () => {
  const { lines } = parse(example)
  expect(['name', 'arms', 'arms.0', 'arms.0.weight', 'arms.1', 'arms.1.name', 'arms.1.prompt', 'arms.1.parameters.stop', 'metrics.guardrails.1', 'worth'].map((p) => lines.get(p))).toEqual([2, 5, 6, 6, 7, 7, 8, 12, 17, 19])
})

test('JSON is read as it is', () => {
  const v = { a: [1, -2.5, 1e3, true, null, 'x: y # z'], 'b c': { d: [], e: {} }, f: 'é\n"\\', '1': '07' }
  for (const s of [JSON.stringify(v), JSON.stringify(v, null, 2)]) expect(value(s)).toEqual(v)
  expect(parse('{\n "a": 1,\n "b": [\n  2\n ]\n}').lines.get('b.0')).toBe(4)
})

describe('scalars', () => {
  test('kinds', () => { expect(value('[1, +1, .5, -0.5e-3, 1_000, 1.2.3, ~, True, no, 07x, greet@3, http://x/y, -, 2%]')).toEqual([1, 1, 0.5, -0.0005, 1000, '1.2.3', null, true, 'no', '07x', 'greet@3', 'http://x/y', '-', '2%']) })
  test('nothing at all, one word, a list of lists', () => { expect([value(''), value('# only\n'), value('---\nword'), value('- - 1\n  - 2\n- 3\n')]).toEqual([null, null, 'word', [[1, 2], 3]]) })
  test('a colon without a space is text, a hash without one too', () => { expect(value('a: b:c\nd: e#f\n"g:h": 1')).toEqual({ a: 'b:c', d: 'e#f', 'g:h': 1 }) })
  test('a name like __proto__ is a name', () => {
    expect(JSON.stringify(value('__proto__: {x: 1}'))).toBe('{"__proto__":{"x":1}}')
    expect(({} as { x?: number }).x).toBeUndefined()
  })
})

test('what cannot be read is said with its line', () => {
  for (const [text, want] of [
    ['a: 1\n\tb: 2', '2: a line begins with a tab'], ['a: 1\n   b: 2', '2: the line is indented further'], ['a: 1\na: 2', '2: a stands here twice'], ['a: {b: 1\nc: 2', '2: a comma or }'], ['a: [1, 2', '1: the [ is never closed'],
    ['a: "b\nc: 1', '1: a text that begins with " does not end'], ['x: 1\na: |\n  b', '2: texts of several lines'], ['a: *b', '1: aliases'], ['a: &b 1', '1: anchors'], ['a: b: c', '1: a second colon'], ['a: "b" c', '1: there is more on the line'],
    ['a:\n  - 1\n b: 2', '3: the line is indented further'], ['a: 1\nword', '2: a name with a colon'], ['a: 1\n---\nb: 2', '2: a name with a colon'], ['{a}', '1: a name with a colon'], ['a: "\\q"', '1: \\q means nothing'], ['a: 1\n- 2', '2: a list stands where'], ['['.repeat(60), '1: it is nested too deeply'],
  ] as const) expect(fault(text).slice(0, want.length), text).toBe(want)
})

test('whatever is typed ends in a value or a fault', () => {
  let seed = 7
  const r = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n
  const bits = ['a', ': ', ':', '- ', '-', '\n', '  ', '{', '}', '[', ']', ',', '"', "'", '#', ' #', '1', '\t', '|', '\\', '\r\n', '---']
  for (let i = 0; i < 4000; i++) expect(fault(Array.from({ length: r(24) }, () => bits[r(bits.length)]).join(''))).not.toContain('not Malformed')
})
