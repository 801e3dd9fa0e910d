/** Scores as the API tells them, and the figures and pictures made of them. */

import type { Pivot } from './pivot'
import { plural, percent } from './format'
import { bucketTime, buckets } from './time'

export type Kind = 'number' | 'boolean' | 'category'
export type Value = number | boolean | string

export interface Score {
  id: string; call_id: string; trace_id: string; start_time: string; project: string; user: string; session: string; model: string; prompt: string; experiment: string; arm: string
  name: string; type: Kind; value: Value; comment: string; source: string; author: string; config_version: string; created_at: string
}
export interface ScorePage { scores: Score[]; next: string }

/** Figures are those of the scores of one name, type and group. */
export interface Figures {
  name: string; type: Kind; group: Record<string, string>; n: number; mean: number; sd: number; min: number; max: number; p50: number; categories: Record<string, number> | null
}
export interface Summary { rows: Figures[] }

/** figure writes a score's number with three digits that count, and no more than it has. */
export function figure(v: number): string {
  if (!Number.isFinite(v)) return '—'
  const abs = Math.abs(v)
  if (abs >= 1e6) return v.toExponential(2).replace('e+', 'e').replace('-', '−')
  const text = abs >= 1000 ? Math.round(v).toLocaleString('en-US') : String(Number(v.toPrecision(3)))
  return text.replace('-', '−')
}

/** valueOf writes one score's value, with all its digits. */
export const valueOf = (s: Pick<Score, 'value'>): string => (typeof s.value === 'boolean' ? (s.value ? 'yes' : 'no') : typeof s.value === 'number' ? String(s.value).replace('-', '−') : s.value)

/** meanOf is the middle of many scores in a word: a mean, the share that is true, or the most frequent category. */
export function meanOf(r: Figures): string {
  if (r.type === 'number') return figure(r.mean)
  if (r.type === 'boolean') return r.mean === 0 ? '0%' : percent(r.mean, 1)
  const first = words(r)[0]
  return first ? `${first.word} ${percent(first.n, r.n)}` : '—'
}

export interface Word { word: string; n: number; colour: string }
/** words are a category's words, the most frequent first; each keeps the colour it has in order, those after the sixth share grey. */
export function words(r: Pick<Figures, 'categories'>, order?: string[]): Word[] {
  const own = Object.entries(r.categories ?? {}).filter(([, n]) => n > 0).sort(([a, n], [b, m]) => m - n || a.localeCompare(b))
  const at = (w: string, i: number) => { const k = order ? order.indexOf(w) : i; return k < 0 ? 6 : k }
  const all = own.map(([word, n], i) => ({ word, n, colour: at(word, i) < 6 ? 'c' + (at(word, i) + 1) : 'c7' }))
  return order ? all.sort((a, b) => order.indexOf(a.word) - order.indexOf(b.word)) : all
}

export interface Bin { low: number; high: number; n: number; label: string }

/** histogram counts values in bins of one round width, or value by value when there are few different ones. */
export function histogram(values: number[], most = 20): Bin[] {
  const list = values.filter(Number.isFinite)
  if (!list.length) return []
  const own = new Map<number, number>()
  for (const v of list) own.set(v, (own.get(v) ?? 0) + 1)
  if (own.size <= 11) return [...own].sort(([a], [b]) => a - b).map(([v, n]) => ({ low: v, high: v, n, label: figure(v) }))
  const min = Math.min(...own.keys()), max = Math.max(...own.keys())
  const width = round((max - min) / most)
  const first = Math.floor(min / width + 1e-9)
  const bins = Math.max(1, Math.floor(max / width + 1e-9) - first + (Math.abs(max / width - Math.round(max / width)) < 1e-9 ? 0 : 1))
  const out: Bin[] = Array.from({ length: bins }, (_, i) => {
    const low = clean((first + i) * width), high = clean((first + i + 1) * width)
    return { low, high, n: 0, label: `${figure(low)} to ${figure(high)}` }
  })
  for (const [v, n] of own) out[Math.min(bins - 1, Math.max(0, Math.floor(v / width + 1e-9) - first))]!.n += n
  return out
}

const clean = (v: number): number => Number(v.toPrecision(12))

/** round is the next round number from x up: 1, 2, 2.5 or 5 times a power of ten. */
function round(x: number): number {
  const unit = 10 ** Math.floor(Math.log10(x))
  return clean((([1, 2, 2.5, 5, 10].find((k) => k * unit >= x * (1 - 1e-9)) ?? 10)) * unit)
}

export interface Days { times: number[]; rows: (Figures | null)[] }
/** byDay lays the figures of one name and type out over all days of a range; days without scores have none. */
export function byDay(rows: Figures[], type: Kind, since: number, until: number): Days {
  const times = buckets(since, until, 'day')
  const at = new Map(rows.filter((r) => r.type === type).map((r) => [bucketTime(r.group.day ?? ''), r]))
  return { times, rows: times.map((t) => at.get(t) ?? null) }
}

/** categoryDays are the words of a category over days, as the chart of stacked bars takes them. */
export function categoryDays(d: Days, order: string[]): Pivot {
  const shown = order.length > 7 ? order.slice(0, 6) : order, rest = order.slice(shown.length)
  const series = (label: string, of: (r: Figures) => number) => {
    const values = d.rows.map((r) => (r ? of(r) : 0))
    return { label, values, exact: values.map(String), total: String(values.reduce((a, b) => a + b, 0)), unpriced: 0 }
  }
  return {
    times: d.times, folded: rest.length, totals: d.rows.map((r) => String(r?.n ?? 0)),
    series: [...shown.map((w) => series(w, (r) => r.categories?.[w] ?? 0)), ...(rest.length ? [series(plural(rest.length, 'other'), (r) => rest.reduce((s, w) => s + (r.categories?.[w] ?? 0), 0))] : [])],
  }
}

/** What scores are picked by, beside name and time: the parameter, its name, what one writes. */
export const fields: Record<string, { name: string; hint: string; fixed?: string[]; facet?: string }> = {
  source: { name: 'Source', hint: 'human', fixed: ['api', 'human', 'judge', 'metric'] }, prompt: { name: 'Prompt', hint: 'name or name@version' }, model: { name: 'Model', hint: 'model', facet: 'model' },
  experiment: { name: 'Experiment', hint: 'name' }, arm: { name: 'Arm', hint: 'arm of an experiment' }, project: { name: 'Project', hint: 'project', facet: 'project' }, config_version: { name: 'Made by version', hint: 'judge@3' },
}

/** filterOf keeps the parameters of an address that scores are picked by. */
export const filterOf = (params: URLSearchParams): Record<string, string> => Object.fromEntries([...params].filter(([k, v]) => v && k in fields))

/** What figures are compared by: the groups asked for, and the filter that each is. */
export const groupings: Record<string, { name: string; by: string[] }> = {
  prompt: { name: 'Prompt', by: ['prompt'] }, model: { name: 'Model', by: ['model'] }, arm: { name: 'Arm', by: ['experiment', 'arm'] }, source: { name: 'Source', by: ['source'] }, project: { name: 'Project', by: ['project'] }, config_version: { name: 'Version', by: ['config'] },
}

/** filterOfGroup is the filter that picks the scores behind a group; null when a part of it is empty, which nothing can be picked by. */
export function filterOfGroup(group: Record<string, string>): Record<string, string> | null {
  const out: Record<string, string> = {}
  for (const [k, v] of Object.entries(group)) {
    if (!v) return null
    out[k === 'config' ? 'config_version' : k] = v
  }
  return out
}

/** typed reads what one wrote as a score's value of a type; a text says what is wrong with it. */
export function typed(kind: Kind, text: string): { value: Value } | { wrong: string } {
  const s = text.trim()
  if (kind === 'boolean') return s === 'yes' || s === 'no' ? { value: s === 'yes' } : { wrong: 'Choose yes or no.' }
  if (kind === 'category') return s ? { value: s } : { wrong: 'Write the word of a category.' }
  const n = Number(s.replace(/^−/, '-'))
  return s && Number.isFinite(n) ? { value: n } : { wrong: 'Write a number, such as 0.8 or 4.' }
}
