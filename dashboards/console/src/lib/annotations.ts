/** Queues of calls that people score, and how far two scores agree, as the API tells them. */

import type { Kind, Value } from './scores'

export interface Question { name: string; kind: Kind; min?: number; max?: number; categories?: string[]; description?: string; optional?: boolean }
export interface QueuePerson { name: string; done: number; skipped: number; last_at: string }
export interface Queue {
  name: string; project: string; questions: Question[]; instructions: string; reviewers: number; author: string; created_at: string
  progress: { items: number; waiting: number; taken: number; done: number; skipped: number; people: QueuePerson[] }
}
export interface QueueItem { call_id: string; state: string; run: string; target: string; item: string; repeat: number; added_by: string; added_at: string }
export interface NextItem { item: QueueItem | null; until: string | null }
export interface Added { added: number; there: number; skipped: Record<string, number> }

export const queueRoom = (name: string): string => '/scores/annotate/' + encodeURIComponent(name)
export const queuePath = (name: string, rest = ''): string => '/api/v1/annotations/' + encodeURIComponent(name) + rest

export interface Choice { value: Value; text: string; key: string }

/** choicesOf are what one may choose from, each with its key; none for a number that has to be written. */
export function choicesOf(q: Question): Choice[] {
  if (q.kind === 'boolean') return [{ value: true, text: 'Yes', key: '1' }, { value: false, text: 'No', key: '2' }]
  if (q.kind === 'category') return (q.categories ?? []).map((c, i) => ({ value: c, text: c, key: i < 9 ? String(i + 1) : '' }))
  const { min, max } = q
  if (min === undefined || max === undefined || !Number.isInteger(min) || !Number.isInteger(max) || max - min > 10) return []
  return Array.from({ length: max - min + 1 }, (_, i) => ({ value: min + i, text: String(min + i), key: min + i >= 0 && min + i <= 9 ? String(min + i) : '' }))
}

/** missing is the first question that has to be answered and is not, or -1. */
export const missing = (questions: Question[], given: Record<string, Value>): number => questions.findIndex((q) => !q.optional && given[q.name] === undefined)

/** after is the question that one answers behind one: the next that has no answer, from there on and then from the first. */
export function after(questions: Question[], given: Record<string, Value>, at: number): number {
  for (let i = 1; i <= questions.length; i++) {
    const k = (at + i) % questions.length
    if (given[questions[k]!.name] === undefined) return k
  }
  return at
}

/** readQuestions reads one question a line: name: yes/no, name: 1..5, or name: word | word; a ? behind the name of one that may be left out. */
export function readQuestions(text: string): { questions: Question[] } | { wrong: string } {
  const questions: Question[] = []
  for (const line of text.split('\n').map((l) => l.trim()).filter(Boolean)) {
    const m = /^([\w.-]{1,64})(\?)?\s*:\s*(.+)$/.exec(line)
    if (!m) return { wrong: `“${line.slice(0, 40)}” is no question: write name: 1..5, name: yes/no or name: good | bad` }
    const [, name = '', optional, kind = ''] = m
    const q: Question = { name, kind: 'boolean', ...(optional ? { optional: true } : {}) }
    const span = /^(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)$/.exec(kind)
    if (span) Object.assign(q, { kind: 'number', min: Number(span[1]), max: Number(span[2]) })
    else if (/^number$/i.test(kind)) q.kind = 'number'
    else if (kind.includes('|')) Object.assign(q, { kind: 'category', categories: kind.split('|').map((c) => c.trim()).filter(Boolean) })
    else if (!/^yes\s*\/\s*no$/i.test(kind)) return { wrong: `“${kind.slice(0, 40)}” of ${name} is no kind of answer: write 1..5, number, yes/no or good | bad` }
    questions.push(q)
  }
  return questions.length ? { questions } : { wrong: 'Write at least one question.' }
}

export interface Interval { low: number; high: number; level: number }
export interface Disagreement { call_id: string; trace_id: string; start_time: string; a: Value; b: Value; a_comment: string; b_comment: string }
export interface Side { name: string; source: string; author: string; scores: number; capped: boolean }
export interface Agreement {
  a: Side; b: Side; kind: Kind | ''; pairs: number; only_a: number; only_b: number; disagreed: number; disagreements: Disagreement[]; notes: Record<string, string>
  classes: { names: string[]; matrix: number[][]; agreement: number; agreement_interval: Interval | null; kappa: number | null; kappa_interval: Interval | null; base_rate: number; base_name: string } | null
  numbers: {
    mean_a: number; mean_b: number; pearson: number | null; pearson_interval: Interval | null; spearman: number | null; spearman_interval: Interval | null
    mean_difference: number; mean_difference_interval: Interval | null; sd_difference: number | null; limit_low: number | null; limit_high: number | null; equal: number
  } | null
  weighted: { kappa: number; interval: Interval | null } | null
  points: { call_id: string; a: number; b: number }[]
}

/** sides are the scores that can be compared, as the API names them, the most frequent first. */
export function sides(rows: { name: string; n: number; group: Record<string, string> }[]): string[] {
  const n = new Map<string, number>()
  for (const r of rows) {
    const id = r.name + ':' + (r.group.source ?? '')
    n.set(id, (n.get(id) ?? 0) + r.n)
  }
  return [...n].sort(([a, x], [b, y]) => y - x || a.localeCompare(b)).map(([id]) => id)
}

/** couple is what one likely wants to compare: a name that a person and something else scored, or the first two of one kind. */
export function couple(all: string[], kinds: Map<string, string>): [string, string] {
  const alike = (a: string, b: string) => kinds.get(a) === kinds.get(b)
  for (const id of all) {
    const [name, source] = id.split(':')
    const human = name + ':human'
    if (source !== 'human' && all.includes(human) && alike(id, human)) return [id, human]
  }
  for (const [i, a] of all.entries()) {
    const b = all.slice(i + 1).find((x) => alike(a, x))
    if (b) return [a, b]
  }
  return ['', '']
}

/** kindsOf says of each side whether its scores are numbers, truths or categories. */
export const kindsOf = (rows: { name: string; type: string; group: Record<string, string> }[]): Map<string, string> =>
  new Map(rows.map((r) => [r.name + ':' + (r.group.source ?? ''), r.type]))

/** strength says in a word what a kappa is usually taken for (Landis and Koch). */
export const strength = (k: number): string => (k < 0 ? 'worse than chance' : k <= 0.2 ? 'slight' : k <= 0.4 ? 'fair' : k <= 0.6 ? 'moderate' : k <= 0.8 ? 'substantial' : 'almost perfect')
