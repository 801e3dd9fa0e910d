import { expect, test } from 'vitest'
import { after, choicesOf, couple, kindsOf, missing, readQuestions, sides, type Question } from './annotations'

const questions: Question[] = [{ name: 'kind', kind: 'number', min: 1, max: 5 }, { name: 'style', kind: 'category', categories: ['warm', 'cold'] }, { name: 'safe', kind: 'boolean', optional: true }]

test('choices have keys', () => {
  expect(choicesOf(questions[0]!).map((c) => c.key + '=' + c.text)).toEqual(['1=1', '2=2', '3=3', '4=4', '5=5'])
  expect(choicesOf(questions[1]!).map((c) => c.key + '=' + c.text)).toEqual(['1=warm', '2=cold'])
  expect(choicesOf(questions[2]!).map((c) => c.value)).toEqual([true, false])
  expect(choicesOf({ name: 'x', kind: 'number', min: 0, max: 100 })).toEqual([])
  expect(choicesOf({ name: 'x', kind: 'number' })).toEqual([])
  expect(choicesOf({ name: 'x', kind: 'category', categories: [...'abcdefghijk'] }).at(-1)!.key).toBe('')
})

test('what is asked next', () => {
  expect(missing(questions, { kind: 3 })).toBe(1)
  expect(missing(questions, { kind: 3, style: 'warm' })).toBe(-1)
  expect(after(questions, { kind: 3 }, 0)).toBe(1)
  expect(after(questions, { style: 'warm', safe: false }, 2)).toBe(0)
  expect(after(questions, { kind: 1, style: 'warm', safe: false }, 2)).toBe(2)
})

test('questions are read from lines', () => {
  expect(readQuestions('kind: 1..5\n\nstyle: warm | cold\nsafe?: yes/no\nn: number')).toEqual({ questions: [questions[0], questions[1], { name: 'safe', kind: 'boolean', optional: true }, { name: 'n', kind: 'number' }] })
  expect(readQuestions('what')).toHaveProperty('wrong')
  expect(readQuestions('a: maybe')).toHaveProperty('wrong')
  expect(readQuestions(' ')).toHaveProperty('wrong')
})

test('sides to compare', () => {
  const rows = [{ name: 'ok', type: 'boolean', n: 3, group: { source: 'judge' } }, { name: 'ok', type: 'boolean', n: 2, group: { source: 'human' } }, { name: 'bleu', type: 'number', n: 9, group: { source: 'metric' } }]
  const all = sides(rows)
  expect(all).toEqual(['bleu:metric', 'ok:judge', 'ok:human'])
  expect(couple(all, kindsOf(rows))).toEqual(['ok:judge', 'ok:human'])
  const others = [...rows.slice(0, 1), ...rows.slice(2), { name: 'chrf', type: 'number', n: 1, group: { source: 'metric' } }]
  expect(couple(sides(others), kindsOf(others))).toEqual(['bleu:metric', 'chrf:metric'])
  expect(couple(['a:x', 'b:y'], new Map([['a:x', 'number'], ['b:y', 'category']]))).toEqual(['', ''])
  expect(couple([], new Map())).toEqual(['', ''])
})
