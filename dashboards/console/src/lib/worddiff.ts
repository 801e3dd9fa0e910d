/** What differs between two texts, word by word. */

export interface Piece { op: 'same' | 'gone' | 'come'; text: string }

/** Beyond this many comparisons, words are compared within lines that differ only by their ends. */
const MOST = 4_000_000

const words = (s: string): string[] => s.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? []
const lines = (s: string): string[] => s.match(/[^\n]*\n|[^\n]+/g) ?? []

/** diffWords gives pieces whose same and gone are a, and whose same and come are b. */
export function diffWords(a: string, b: string): Piece[] {
  if (a === b) return a ? [{ op: 'same', text: a }] : []
  let x = words(a), y = words(b)
  if (middle(x, y) > MOST) { x = lines(a); y = lines(b) }
  return merge(diff(x, y))
}

function ends(x: string[], y: string[]): [number, number] {
  let head = 0, tail = 0
  while (head < x.length && head < y.length && x[head] === y[head]) head++
  while (tail < x.length - head && tail < y.length - head && x[x.length - 1 - tail] === y[y.length - 1 - tail]) tail++
  return [head, tail]
}

function middle(x: string[], y: string[]): number {
  const [head, tail] = ends(x, y)
  return (x.length - head - tail) * (y.length - head - tail)
}

/** diff finds a longest common subsequence between the ends that are the same. */
function diff(x: string[], y: string[]): Piece[] {
  const [head, tail] = ends(x, y)
  const p = x.slice(head, x.length - tail), q = y.slice(head, y.length - tail)
  const out: Piece[] = x.slice(0, head).map((text) => ({ op: 'same', text }))
  if (p.length * q.length > MOST) {
    out.push({ op: 'gone', text: p.join('') }, { op: 'come', text: q.join('') })
  } else {
    const w = q.length + 1, long = new Uint32Array((p.length + 1) * w)
    for (let i = p.length - 1; i >= 0; i--) for (let k = q.length - 1; k >= 0; k--) long[i * w + k] = p[i] === q[k] ? long[(i + 1) * w + k + 1]! + 1 : Math.max(long[(i + 1) * w + k]!, long[i * w + k + 1]!)
    let i = 0, k = 0
    while (i < p.length && k < q.length) {
      if (p[i] === q[k]) { out.push({ op: 'same', text: p[i]! }); i++; k++ } else if (long[(i + 1) * w + k]! >= long[i * w + k + 1]!) out.push({ op: 'gone', text: p[i++]! })
      else out.push({ op: 'come', text: q[k++]! })
    }
    while (i < p.length) out.push({ op: 'gone', text: p[i++]! })
    while (k < q.length) out.push({ op: 'come', text: q[k++]! })
  }
  out.push(...x.slice(x.length - tail).map((text): Piece => ({ op: 'same', text })))
  return out
}

/** merge joins pieces of one kind, and what is gone before what has come. */
function merge(list: Piece[]): Piece[] {
  const out: Piece[] = []
  let gone = '', come = ''
  const flush = () => {
    if (gone) out.push({ op: 'gone', text: gone })
    if (come) out.push({ op: 'come', text: come })
    gone = come = ''
  }
  for (const p of list) {
    if (p.op === 'gone') gone += p.text
    else if (p.op === 'come') come += p.text
    else {
      flush()
      const last = out.at(-1)
      if (last?.op === 'same') last.text += p.text
      else out.push({ ...p })
    }
  }
  flush()
  return out
}
