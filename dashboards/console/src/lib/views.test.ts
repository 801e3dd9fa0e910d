import { describe, expect, test } from 'vitest'
import { builtIn, canonical, isShown, opened } from './views'

describe('views', () => {
  test('an address in one form', () => {
    expect(canonical('status=error&model=a&q=&signin=x')).toBe('model=a&status=error')
    expect(canonical('model=b&not.user=x&model=a')).toBe('model=a&model=b&not.user=x')
    expect(canonical('q=a+b&tag.team=a%26b')).toBe('q=a+b&tag.team=a%26b')
  })
  test('a view without a range is shown in any, one with a range in its own', () => {
    expect(isShown('status=error', 'range=30d&status=error')).toBe(true)
    expect(isShown('status=error', 'status=error&since=2026-11-01T00:00:00Z')).toBe(true)
    expect(isShown('status=error', 'status=error&model=a')).toBe(false)
    expect(isShown('status=error&range=7d', 'status=error')).toBe(false)
    expect(isShown('status=error&range=7d', 'range=7d&status=error')).toBe(true)
    expect(isShown('model=b&model=a', 'model=a&model=b&range=7d')).toBe(true)
    expect(isShown('model=b&model=a', 'model=a')).toBe(false)
    expect(isShown('', 'range=24h')).toBe(true)
    expect(isShown('', 'columns=model')).toBe(false)
  })
  test('opening keeps the range unless the view has one', () => {
    expect(opened('sort=cost', 'range=30d&status=error')).toBe('range=30d&sort=cost')
    expect(opened('model=b&model=a', 'range=7d')).toBe('model=a&model=b&range=7d')
    expect(opened('sort=cost&range=7d', 'since=2026-11-01T00:00:00Z')).toBe('range=7d&sort=cost')
  })
  test('those from the start can be told apart', () => {
    for (const list of Object.values(builtIn)) {
      expect(new Set(list.map((v) => v.query)).size).toBe(list.length)
      for (const v of list) expect(list.filter((o) => isShown(o.query, opened(v.query, 'range=30d')))).toEqual([v])
    }
  })
})
