import { describe, expect, test } from 'vitest'
import { Failure, type Call } from './api'
import { daysOf, mingle, narrower } from './calls'

const call = (id: string, minute: number): Call => ({ id, start_time: new Date(Date.UTC(2026, 10, 24, 8, minute)).toISOString() }) as Call
const ids = (list: readonly Call[]): string => list.map((c) => c.id).join('')

describe('new calls in a list', () => {
  const list = [call('d', 40), call('c', 30), call('b', 20)]
  test('the newest stand on top', () => {
    expect(ids(mingle(list, [call('e', 50), call('f', 60)], false))).toBe('fedcb')
    expect(ids(mingle([], [call('e', 50), call('f', 60)], false))).toBe('fe')
  })
  test('one that began earlier stands where it belongs', () => {
    expect(ids(mingle(list, [call('x', 35), call('e', 50), call('y', 30)], false))).toBe('edxycb')
  })
  test('one of a page that is not read yet comes with that page', () => {
    expect(ids(mingle(list, [call('a', 10)], false))).toBe('dcb')
    expect(ids(mingle(list, [call('a', 10)], true))).toBe('dcba')
  })
  test('none stands twice, and nothing new changes nothing', () => {
    expect(ids(mingle(list, [call('c', 30), call('e', 50), call('e', 50)], true))).toBe('edcb')
    expect(mingle(list, [call('c', 30)], true)).toBe(list)
  })
})

test('days begin where the date changes', () => {
  const at = (id: string, day: number) => ({ id, start_time: new Date(2026, 10, day, 12).toISOString() }) as Call
  expect(daysOf([])).toEqual([])
  expect(daysOf([at('a', 24), at('b', 24), at('c', 23), at('d', 20)])).toEqual([0, 2, 3])
})

test('what a refused search would be allowed', () => {
  const at = (param: string, message: string) => narrower(new Failure(400, 'weir_invalid_request', message, param))
  expect(at('since', 'the search would read 4 GB; begin at 2026-11-20T10:00:00Z or later')).toBe('2026-11-20T10:00:00Z')
  expect(at('since', 'since is not a time')).toBe('')
  expect(at('q', 'begin at 2026-11-20T10:00:00Z')).toBe('')
  expect(narrower(undefined)).toBe('')
})
