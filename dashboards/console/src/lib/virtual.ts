/** Which lines of a long list are in sight: rows of one height, with headings of another above some of them. */

export interface Lines {
  count: number; row: number // how many rows, and how high one is
  head: number; breaks: readonly number[] // how high a heading is, and the rows that one stands above, ascending
}

/** upTo counts the values of an ascending list that are not above n. */
export function upTo(list: readonly number[], n: number): number {
  let lo = 0, hi = list.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    list[mid]! <= n ? (lo = mid + 1) : (hi = mid)
  }
  return lo
}

/** topOf is where a row begins, below its heading if it has one. */
export const topOf = (l: Lines, i: number): number => i * l.row + l.head * upTo(l.breaks, i)

/** heightOf is the height of all rows and headings. */
export const heightOf = (l: Lines): number => l.count * l.row + l.breaks.length * l.head

/** rowAt is the first row that ends below a height; count when there is none. */
export function rowAt(l: Lines, y: number): number {
  let lo = 0, hi = l.count
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    topOf(l, mid) + l.row > y ? (hi = mid) : (lo = mid + 1)
  }
  return lo
}

/** inView gives the rows [first, last) that are seen between two heights, with some more on both sides; of a list with rows at least one. */
export function inView(l: Lines, from: number, to: number, spare = 8): [number, number] {
  if (!l.count) return [0, 0]
  const first = Math.max(0, Math.min(rowAt(l, from), l.count - 1) - spare)
  const last = Math.min(l.count, rowAt(l, Math.max(from, to)) + 1 + spare)
  return [first, Math.max(last, first + 1)]
}

/** lineOf is the place of a row among rows and headings, from 0. */
export const lineOf = (l: Lines, i: number): number => i + upTo(l.breaks, i)
