import { describe, expect, test } from 'vitest'
import { heightOf, inView, lineOf, rowAt, topOf, upTo, type Lines } from './virtual'

const days: Lines = { count: 10, row: 30, head: 20, breaks: [0, 4, 5] }

describe('a list with headings', () => {
  test('places', () => {
    expect([0, 1, 3, 4, 5, 9].map((i) => topOf(days, i))).toEqual([20, 50, 110, 160, 210, 330])
    expect(heightOf(days)).toBe(360)
    expect([0, 3, 4, 5].map((i) => lineOf(days, i))).toEqual([1, 4, 6, 8])
    expect([-1, 0, 3, 4, 99].map((n) => upTo(days.breaks, n))).toEqual([0, 1, 1, 2, 3])
  })
  test('a row is found where it stands', () => {
    for (let y = 0; y < heightOf(days); y++) {
      const i = rowAt(days, y)
      expect(topOf(days, i) + days.row).toBeGreaterThan(y)
      if (i > 0) expect(topOf(days, i - 1) + days.row).toBeLessThanOrEqual(y)
    }
    expect(rowAt(days, heightOf(days))).toBe(10)
    expect(rowAt(days, -50)).toBe(0)
  })
  test('everything that is seen is in view, and little more', () => {
    const long: Lines = { count: 10_000, row: 32, head: 28, breaks: Array.from({ length: 50 }, (_, i) => i * 200) }
    for (const from of [-100, 0, 1, 31, 6400, 6428, 160_000, heightOf(long) - 800, heightOf(long), heightOf(long) + 5000]) {
      const [a, b] = inView(long, from, from + 800, 4)
      expect(b).toBeGreaterThan(a)
      expect(b - a).toBeLessThanOrEqual(800 / 32 + 2 + 8)
      for (let i = 0; i < long.count; i++) {
        const seen = topOf(long, i) < from + 800 && topOf(long, i) + long.row > from
        if (seen) expect(i >= a && i < b).toBe(true)
      }
    }
  })
  test('edges', () => {
    expect(inView({ ...days, count: 0, breaks: [] }, 0, 800)).toEqual([0, 0])
    expect(inView(days, 0, 0, 0)).toEqual([0, 1])
    expect(inView(days, 9999, 10_500, 0)).toEqual([9, 10])
    expect(inView({ count: 5000, row: 30, head: 0, breaks: [] }, 3000, 3300, 2)).toEqual([98, 113])
  })
})
