import { describe, expect, test } from 'vitest'
import { asked, found, said } from './facets'

describe('facets', () => {
  test('only what stands open is counted', () => {
    const q = new URLSearchParams('not.tag.env=prod&model=a&tag.env=dev')
    expect(asked([], q)).toBe('')
    expect(asked(['status', 'project', 'nonsense'], q)).toBe('project,status')
    expect(asked(['tag', 'tag.team'], q)).toBe('tag,tag.team,tag.env')
    expect(asked(['tag.team'], q)).toBe('') // its group is closed
    expect(asked(['tag', ...Array.from({ length: 30 }, (_, i) => 'tag.t' + i)], q).split(',')).toHaveLength(20)
  })
  test('words', () => {
    expect([said('status', 'rate_limited'), said('model', 'rate_limited')]).toEqual(['rate limited', 'rate_limited'])
    expect(found('status', [{ value: 'client_closed' }, { value: 'ok' }], 'client c').map((v) => v.value)).toEqual(['client_closed'])
    expect(found('model', [{ value: 'GPT-4o' }, { value: 'o3' }], ' gpt')).toEqual([{ value: 'GPT-4o' }])
  })
})
