import { describe, expect, test } from 'vitest'
import { Failure, type CostRow } from './api'
import { byName, faultsOf, fits, pathOf, roomOf, settingsOf, sideBySide, standing, toolsOf, typeOf, variableOf, variablesOf, versionOfScore, type Prompt, type PromptRow, type ScoreRow, type VersionRow } from './prompts'
import { missing, slotsOf, valuesOf, withNamed, wrongOf } from './variables'
import { may } from './session'

const cost = (prompt: string, over: Partial<CostRow> = {}): CostRow => ({ prompt, calls: 1, errors: 0, cost_usd: '0.5', saved_usd: '0', input_tokens: 1, output_tokens: 1, latency_p50_ms: 1, latency_p95_ms: 1, ...over })
const row = (version: number, over: Partial<VersionRow> = {}): VersionRow => ({ version, hash: 'sha256:x', kind: 'text', model: '', labels: [], author: 'ann', message: '', created_at: '', deleted_at: null, deleted_by: '', ...over })
const prompt = (versions: VersionRow[], labels: Prompt['labels'] = []): Prompt => ({ name: 'greet', revision: 1, versions, labels, protections: [] })

test('costs of all versions of a prompt', () => {
  const m = byName([cost('greet@1'), cost('greet@2', { cost_usd: '0.25', errors: 1 }), cost('greet'), cost(''), cost('un@1', { cost_usd: null, unpriced_calls: 1 })])
  expect([...m]).toEqual([['greet', { calls: 3, errors: 1, cost: '1.25', unpriced: 0 }], ['un', { calls: 1, errors: 0, cost: null, unpriced: 1 }]])
})

test('a prompt is found by what is said of it', () => {
  const p: PromptRow = { name: 'Support-answer', kind: 'chat', model: 'gpt-4o', versions: 2, labels: { production: 1 }, protected: [], message: 'be brief', author: 'ann', updated_at: '' }
  expect(['support', 'ann BRIEF', 'prod gpt', ''].map((t) => fits(p, t))).toEqual([true, true, true, true])
  expect(fits(p, 'support bob')).toBe(false)
})

test('addresses keep names as they are', () => {
  expect(roomOf('a.b-c')).toBe('/prompts/a.b-c')
  expect(roomOf('x/"y', { tab: 'compare', from: 1, to: undefined })).toBe('/prompts/x%2F%22y?tab=compare&from=1')
})

describe('variables', () => {
  const schema = { type: 'object', properties: { name: { type: 'string', description: 'who' }, orders: { type: 'array', items: { type: 'object' } }, state: { enum: ['a', 'b'] }, n: { type: ['integer', 'null'] } }, required: ['name', 'orders'] }
  test('of a schema and of templates', () => {
    const list = variablesOf({ variables: schema, defaults: { orders: [], more: 1 } }, ['name', 'orders', 'extra'])
    expect(list.map((v) => [v.name, v.type, v.required, v.used])).toEqual([
      ['name', 'string', true, true], ['orders', 'list of object', false, true], ['state', '"a" | "b"', false, false], ['n', 'integer or null', false, false], ['extra', '', true, true], ['more', '', false, false],
    ])
  })
  test('without a schema every name is wanted', () => { expect(variablesOf({}, ['a']).map((v) => [v.name, v.required])).toEqual([['a', true]]) })
  test('types that are none', () => { expect([typeOf(null), typeOf(undefined), typeOf({ type: 5 }), typeOf('x')]).toEqual(['', '', '', '']) })

  const c = { messages: [{ role: 'user', content: '{{name}} {{state}} {{#orders}}{{id}}{{/orders}}' }], variables: schema }
  const slots = slotsOf(c)
  test('fields: texts as they are, the rest as JSON', () => {
    expect(slots.map((s) => [s.name, s.json])).toEqual([['name', false], ['orders', true], ['state', false], ['n', true]])
    expect(valuesOf(slots, { name: '{{admin}}', orders: '[1]', state: '' })).toEqual({ values: { name: '{{admin}}', orders: [1] }, wrong: {} })
    expect(Object.keys(valuesOf(slots, { orders: '[1' }).wrong)).toEqual(['orders'])
    expect(slotsOf({ text: '{{#list}}{{.}}{{/list}}{{x}}' }).map((s) => [s.name, s.json])).toEqual([['list', true], ['x', false]])
  })
  test('a refusal stands beside its field', () => {
    const e = new Failure(422, 'weir_prompt_invalid', 'prompt greet@3: the variable "orders.0.id" must be a string', 'variables.orders.0.id')
    expect(wrongOf(e, slots)).toEqual({ beside: { orders: 'the variable "orders.0.id" must be a string' }, general: null })
    const other = new Failure(422, 'weir_prompt_invalid', 'prompt greet@3: the variables must be an object', 'variables')
    expect(wrongOf(other, slots)).toEqual({ beside: {}, general: other })
    expect(variableOf(new Failure(422, 'weir_prompt_invalid', '', 'prompt.variables.a'))).toBe('a')
    expect(variableOf(new Failure(404, 'weir_prompt_not_found', '', 'prompt'))).toBeNull()
  })
  test('a partial\'s variable gets a field of its own', () => {
    const e = new Failure(422, 'weir_prompt_invalid', 'prompt mail@1: the variable "shop" is missing', 'variables.shop')
    expect(missing(e, slots)).toBe('shop')
    const more = withNamed(slots, ['shop'])
    expect(more.at(-1)).toMatchObject({ name: 'shop', json: false, required: true })
    expect([missing(e, more), missing(null, slots), withNamed(more, ['shop']).length]).toEqual(['', '', more.length])
  })
})

describe('what is wrong with a content', () => {
  test('one fault', () => { expect(faultsOf('not a prompt: messages[1]: line 2, column 7: the section "a" never ends')).toEqual([{ where: 'messages[1]', line: 2, column: 7, reason: 'the section "a" never ends' }]) })
  test('several', () => { expect(faultsOf('not a prompt: it has 2 faults:\n  text: it is empty\n  settings: model is none of the settings: write it as the prompt\'s model')).toEqual([{ where: 'text', line: 0, column: 0, reason: 'it is empty' }, { where: 'settings', line: 0, column: 0, reason: 'model is none of the settings: write it as the prompt\'s model' }]) })
  test('something else', () => { expect(faultsOf('prompt a@1: it contains itself')).toEqual([{ where: '', line: 0, column: 0, reason: 'prompt a@1: it contains itself' }]) })
})

test('lines side by side', () => {
  const got = sideBySide([{ op: 'same', from: 1, to: 1, text: 'a' }, { op: 'removed', from: 2, text: 'b' }, { op: 'removed', from: 3, text: 'c' }, { op: 'added', to: 2, text: 'B' }, { op: 'same', from: 4, to: 3, text: 'd' }, { op: 'added', to: 4, text: 'e' }])
  expect(got.map((p) => [p.op, p.left?.text, p.right?.text])).toEqual([['same', 'a', 'a'], ['changed', 'b', 'B'], ['removed', 'c', undefined], ['same', 'd', 'd'], ['added', undefined, 'e']])
})

test('where a value stands', () => { expect([pathOf({ member: 'model', op: 'changed' }), pathOf({ member: 'tools', path: ['0', 'function', 'name'], op: 'changed' })]).toEqual(['model', 'tools[0].function.name']) })

test('tools and settings', () => {
  expect(toolsOf([{ type: 'function', function: { name: 'f', description: 'd', parameters: {} } }, { type: 'web_search' }, 7])).toEqual([{ name: 'f', about: 'd', schema: {} }, { name: 'web_search', about: '', schema: undefined }])
  expect(settingsOf({ temperature: 0, stop: ['a'], user: 'x' })).toEqual([['temperature', '0'], ['stop', '["a"]'], ['user', 'x']])
  expect(settingsOf(null)).toEqual([])
})

test('the version that one sees first', () => {
  const label = (version: number) => [{ label: 'production', version, revision: 1, moved_at: '', protected: false }]
  expect(standing(prompt([row(3), row(2), row(1)], label(2)))).toBe(2)
  expect(standing(prompt([row(3, { deleted_at: 'x' }), row(2), row(1)], label(3)))).toBe(2)
  expect(standing(prompt([row(1, { deleted_at: 'x' })]))).toBe(1)
})

test('the version of a score', () => {
  const score = (p: string): ScoreRow => ({ name: 'x', type: 'number', group: { prompt: p }, n: 1, mean: 1, sd: 0, min: 1, max: 1, p50: 1, categories: null })
  expect(['greet@7', 'greet', 'a@b@12'].map((p) => versionOfScore(score(p)))).toEqual([7, 0, 12])
})

test('each role may what those before it may', () => {
  expect([may('approver', 'developer'), may('developer', 'approver'), may('admin', 'admin'), may(undefined, 'viewer')]).toEqual([true, false, true, false])
})
