import { describe, expect, test } from 'vitest'
import { chosen, choose, clear, drop, filterOf, leaveOut, left, nameOf, only, picked } from './filters'

const at = (search: string) => new URLSearchParams(search)

describe('filters', () => {
  test('what an address filters by', () => {
    expect(filterOf(at('model=a&model=b&model=a&user=&not.status=ok&tag.team=x&tag=y&not.q=z&q=words&range=7d&sort=cost&not.tag.team=y'))).toEqual({
      model: ['a', 'b'], 'not.status': ['ok'], 'tag.team': ['x'], q: ['words'], 'not.tag.team': ['y'],
    })
    expect(picked(filterOf(at('model=a&model=b&q=c&not.user=d')))).toEqual([{ param: 'model', value: 'a' }, { param: 'model', value: 'b' }, { param: 'not.user', value: 'd' }])
    expect([nameOf('price_status'), nameOf('tag.team.x')]).toEqual(['Price', 'Tag team.x'])
  })
  test('values are taken along, left out, and taken back', () => {
    const q = at('model=a&model=b&not.model=c')
    expect([chosen(q, 'model'), left(q, 'model'), chosen(q, 'user')]).toEqual([['a', 'b'], ['c'], []])
    expect(choose(q, 'model', 'd')).toEqual({ model: ['a', 'b', 'd'], 'not.model': ['c'] })
    expect(choose(q, 'model', 'a')).toEqual({ model: ['b'], 'not.model': ['c'] })
    expect(choose(q, 'model', 'c')).toEqual({ model: ['a', 'b', 'c'], 'not.model': [] })
    expect(leaveOut(q, 'model', 'a')).toEqual({ model: ['b'], 'not.model': ['c', 'a'] })
    expect(leaveOut(q, 'model', 'c')).toEqual({ model: ['a', 'b'], 'not.model': [] })
    expect(only('model', 'z')).toEqual({ model: 'z', 'not.model': undefined })
    expect(drop(q, 'not.model', 'c')).toEqual({ 'not.model': [] })
    expect(clear('tag.team')).toEqual({ 'tag.team': undefined, 'not.tag.team': undefined })
  })
})
