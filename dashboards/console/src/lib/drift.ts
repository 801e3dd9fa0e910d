/** Drift of the traffic as the API gives it, and the words for it. */

import { count } from './format'

export type Metric = 'input_tokens' | 'output_tokens' | 'models' | 'ends' | 'refusals' | 'errors'
export type State = 'drifted' | 'steady' | 'too_few' | 'too_early'

export interface Effect { kind: 'ratio' | 'difference'; class: string; value: number; low: number; high: number }
export interface Segment { by: 'prompt' | 'model'; name: string; part: number; within: number; n: number; reference_n: number; value: number; reference_value: number }
export interface Series {
  id: string; metric: Metric; project: string; prompt: string; model: string; state: State; reason: string
  n: number; reference_n: number; weeks: number; value: number | null; reference_value: number | null
  shift: { psi: number; expected: number; bins: number } | null; noise: number | null; effect: Effect | null; p: number | null; p_adjusted: number | null; moved: Segment | null
}
export interface Row extends Series { daily_psi: (number | null)[] }
export interface DriftList { until: string; since: string; sample: number; calls: number; compared: number; drifted: number; left: number; series: Row[] }
export interface Class { name: string; from: number; to: number; share: number; reference: number }
export interface Detail extends Series { days: { until: string; n: number; psi: number | null }[]; classes: Class[] }

export const metrics: Record<Metric, string> = {
  input_tokens: 'Length of what is asked', output_tokens: 'Length of answers', models: 'Models that answer', ends: 'How calls end', refusals: 'Refusals', errors: 'Errors',
}
export const states: Record<State, [string, string]> = { drifted: ['bad', 'drifted'], steady: ['ok', 'steady'], too_few: ['', 'too few calls'], too_early: ['', 'too early to say'] }

const three = (v: number): string => (Math.abs(v) >= 1000 ? count(Math.round(v)) : String(Number(v.toPrecision(3))))
const percent = (v: number): string => Number((v * 100).toPrecision(3)) + '%'
const points = (v: number): string => (v > 0 ? '+' : v < 0 ? '−' : '') + Number(Math.abs(v * 100).toPrecision(2))

export const isLength = (m: Metric): boolean => m === 'input_tokens' || m === 'output_tokens'

/** valueText is a figure of a metric as people read it. */
export const valueText = (m: Metric, v: number | null): string => (v === null ? '–' : isLength(m) ? three(v) + ' tokens' : percent(v))

/** effectText is how much has changed, and between what. */
export function effectText(e: Effect): [string, string] {
  if (e.kind === 'ratio') return ['× ' + three(e.value), `${three(e.low)} to ${three(e.high)}`]
  return [points(e.value) + ' points', `${points(e.low)} to ${points(e.high)}`]
}

/** psiWord is what PSI is taken to mean by custom. */
export const psiWord = (psi: number): string => (psi < 0.1 ? 'small' : psi < 0.25 ? 'moderate' : 'large')

/** ofText names what a series is of. */
export const ofText = (s: Pick<Series, 'project' | 'prompt' | 'model'>): string => s.project + (s.prompt ? ` · prompt ${s.prompt}` : s.model ? ` · model ${s.model}` : '')

/** classText names a class: a range of lengths, or what it is called. */
export const classText = (c: Class): string => c.name || `${three(c.from)} to ${three(c.to)}`

/** callsOf is the list of the day's calls that a series, or the segment of it that moved, is about. */
export function callsOf(s: Series, until: string, segment?: Segment | null): string {
  const q = new URLSearchParams({ project: s.project })
  const set = (k: string, v: string) => { if (v && v !== '(others)') q.set(k, v) }
  set('prompt', s.prompt)
  set('model', s.model)
  if (segment) set(segment.by, segment.name)
  if (s.metric === 'errors') q.set('status', 'error')
  else if (s.metric === 'models' && s.effect) set('model', s.effect.class)
  const end = Date.parse(until)
  q.set('since', new Date(end - 86_400_000).toISOString())
  q.set('until', new Date(end).toISOString())
  return '/calls?' + q.toString()
}

/** movedText says in a sentence what most of a change is of. */
export function movedText(s: Series): string {
  const m = s.moved
  if (!m) return ''
  const name = m.name || (m.by === 'prompt' ? 'calls without a prompt' : 'no model')
  const part = m.part >= 0.995 ? 'all of it' : m.part >= 0.5 ? `${Math.round(m.part * 100)}% of it` : `${Math.round(m.part * 100)}% of it, and others the rest`
  const why = m.within / m.part >= 0.5 ? `its own went from ${valueText(s.metric, m.reference_value)} to ${valueText(s.metric, m.value)}` : `it has ${m.n / Math.max(1, m.reference_n) > s.n / Math.max(1, s.reference_n) ? 'more' : 'fewer'} of the calls than before`
  return `${m.name ? `the ${m.by} ${name}` : name}: ${part}; ${why}`
}
