/** Alerts as the API gives them, and the words for them. */

import type { Failure } from './api'

export type Severity = 'OK' | 'NO_DATA' | 'WARNING' | 'ALERT'
export type Unit = 'usd' | 'share' | 'seconds' | 'count' | 'number' | 'deviations'
export type Labels = Record<string, string>

export interface Filter { project?: string; model?: string; provider?: string; user?: string; prompt?: string; key?: string; status?: string; tags?: Labels }
export interface Rule {
  name: string; about?: string; metric: string; filter?: Filter; score?: string; budget?: string; series?: string; window?: string; timezone?: string; op: string
  warning?: number; alert?: number; for?: string; every?: string; no_data?: string; renotify?: string; group_by?: string[]; min_calls?: number; notify?: string[]; disabled?: boolean
}
export interface State {
  labels: Labels; severity: Severity; since: string; value: number | null; at: string; pending: '' | Severity; silenced: boolean; ack_by: string; ack_at: string | null; told_at: string | null
}
export interface Alert extends Rule { source: 'api' | 'file'; title: string; unit: Unit; severity: Severity; states: State[]; looked_at: string | null; error: string; silenced: boolean }
export interface AlertList { alerts: Alert[]; channels: string[] }
export interface Contributor { by: string; name: string; value: number; calls: number }
export interface AlertEvent { id: string; rule: string; labels: Labels; at: string; from: Severity; to: Severity; value: number | null; threshold: number | null; silenced: boolean; top: Contributor[] }
export interface Silence { id: string; rule: string; labels: Labels; from: string; until: string; by: string; why: string }
export interface Delivery { id: string; channel: string; rule: string; kind: string; severity: Severity; subject: string; at: string; state: 'waiting' | 'delivered' | 'failed'; tries: number; tried_at: string | null; next_at: string | null; error: string }
export interface Point { at: string; value: number | null; severity: Severity }
export interface Replay { since: string; until: string; step_seconds: number; fired: number; title: string; unit: Unit; groups: { labels: Labels; fired: number; points: Point[]; events: AlertEvent[] }[]; left: number }

/** Each severity with its badge's class and its word. */
export const severities: Record<Severity, [string, string]> = { OK: ['ok', 'OK'], NO_DATA: ['', 'no data'], WARNING: ['warn', 'warning'], ALERT: ['bad', 'alert'] }

/** Each metric with its word, its unit, and what else it wants to know. */
export const metrics: Record<string, { word: string; unit: Unit; window?: boolean; score?: string; budget?: boolean; series?: boolean; groups?: boolean }> = {
  spend: { word: 'spend', unit: 'usd', window: true, groups: true },
  spend_forecast: { word: 'spend expected at the end of the month', unit: 'usd', groups: true },
  spend_anomaly: { word: 'spend of the last hour against that hour of the week', unit: 'deviations', groups: true },
  error_rate: { word: 'share of errors', unit: 'share', window: true, groups: true },
  latency_p95: { word: 'latency, p95', unit: 'seconds', window: true, groups: true },
  ttft_p95: { word: 'time to the first token, p95', unit: 'seconds', window: true, groups: true },
  cache_hit_rate: { word: 'share of cache hits', unit: 'share', window: true, groups: true },
  budget_used: { word: 'used share of a budget', unit: 'share', budget: true },
  score_mean: { word: 'mean of a score', unit: 'number', window: true, score: 'Score', groups: true },
  judge_coverage: { word: 'share of picked calls that were scored', unit: 'share', window: true, score: 'Rule of online evaluation' },
  unpriced_calls: { word: 'calls without a price', unit: 'count', window: true, groups: true },
  calls: { word: 'calls', unit: 'count', window: true, groups: true },
  errors: { word: 'errors', unit: 'count', window: true, groups: true },
  tokens: { word: 'tokens', unit: 'count', window: true, groups: true },
  spool_waiting: { word: 'records that wait to be stored', unit: 'count' },
  spool_oldest: { word: 'age of the oldest record that waits', unit: 'seconds' },
  drift_psi: { word: 'drift of the last day (PSI)', unit: 'number', series: true, groups: true },
}

/** pastless says that nothing is kept of what a metric was. */
export const pastless = (metric: string): boolean => metric === 'budget_used' || metric === 'drift_psi' || metric.startsWith('spool_')

const ops: Record<string, string> = { gt: 'above', gte: 'at or above', lt: 'below', lte: 'at or below' }
export const opWord = (op: string): string => ops[op] ?? op

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 })

/** valueText is a value as people read it. */
export function valueText(unit: Unit, v: number | null | undefined): string {
  if (v === null || v === undefined) return 'no data'
  switch (unit) {
    case 'usd': {
      const abs = Math.abs(v)
      const places = abs > 0 && abs < 1 ? Math.min(9, 2 - Math.floor(Math.log10(abs))) : 2
      return (v < 0 ? '−$' : '$') + abs.toLocaleString('en-US', { minimumFractionDigits: abs >= 1 || abs === 0 ? 2 : 0, maximumFractionDigits: places })
    }
    case 'share': return grouped.format(Math.round(v * 10_000) / 100) + '%'
    case 'seconds': return grouped.format(v) + ' s'
    case 'deviations': return (Math.round(v * 10) / 10) + 'σ'
  }
  return grouped.format(v)
}

/** labelsText names a group; the rule as a whole has no labels. */
export const labelsText = (l: Labels): string => Object.entries(l).sort(([a], [b]) => a.localeCompare(b)).map(([k, v]) => `${k}=${v || '(none)'}`).join(' ')

/** ruleText says in a sentence what a rule looks at. */
export function ruleText(r: Rule): string {
  const m = metrics[r.metric]
  const unit = m?.unit ?? 'number'
  const of = [r.score && `of ${r.score}`, r.budget && `${r.budget}`, r.series && `of ${r.series.replace('_', ' ')}`].filter(Boolean).join(' ')
  const limits = ([['warning', r.warning], ['alert', r.alert]] as const).filter(([, v]) => v !== undefined).map(([w, v]) => `${w} ${opWord(r.op)} ${valueText(unit, v)}`)
  return [(m?.word ?? r.metric) + (of ? ' ' + of : '') + (r.window ? ` over ${r.window}` : ''), ...limits, r.for && `for ${r.for}`, r.group_by?.length ? `by ${r.group_by.join(', ')}` : ''].filter(Boolean).join(', ')
}

/** filterPairs are a filter's conditions by name. */
export function filterPairs(f: Filter | undefined): [string, string][] {
  const { tags, ...rest } = f ?? {}
  return [...Object.entries(rest), ...Object.entries(tags ?? {}).map(([k, v]) => ['tag.' + k, v] as [string, string])].filter((p): p is [string, string] => !!p[1])
}

/** filterOf is the opposite. */
export function filterOf(pairs: [string, string][]): Filter | undefined {
  const out: Record<string, unknown> = {}, tags: Labels = {}
  for (const [k, v] of pairs) {
    if (!v) continue
    if (k.startsWith('tag.')) tags[k.slice(4)] = v
    else out[k] = v
  }
  if (Object.keys(tags).length) out.tags = tags
  return Object.keys(out).length ? out as Filter : undefined
}

/** faultsOf sorts what the API says of a rule by field; '' is what belongs to none. */
export function faultsOf(f: Failure): Record<string, string> {
  const list = /^the rule has \d+ faults?: (.*)$/s.exec(f.message)
  if (!list) return { [f.param]: f.message }
  const out: Record<string, string> = {}
  for (const one of list[1]!.split(/; (?=[a-z_]+: )/)) {
    const at = one.indexOf(': ')
    const field = one.slice(0, at)
    out[field] = out[field] ? `${out[field]}; ${one.slice(at + 2)}` : one.slice(at + 2)
  }
  return out
}

/** typed reads a threshold as it is typed: a share may be given in percent. */
export function typed(unit: Unit, text: string): number | string | undefined {
  const t = text.trim().replace(/^\$/, '').replace(/,/g, '')
  if (!t) return undefined
  const percent = unit === 'share' && t.endsWith('%')
  const v = Number(percent ? t.slice(0, -1) : t)
  return Number.isFinite(v) && t !== '%' ? (percent ? v / 100 : v) : text
}

/** worst orders rules: the worst first, then by name. */
const rank: Severity[] = ['OK', 'NO_DATA', 'WARNING', 'ALERT']
export const worst = (a: Alert, b: Alert): number => rank.indexOf(b.severity) - rank.indexOf(a.severity) || a.name.localeCompare(b.name)

/** callsOf is the list of calls that an event or a state is about. */
export function callsOf(r: Rule, l: Labels, at: string): string {
  const q = new URLSearchParams()
  if (r.metric === 'drift_psi') {
    for (const [k, v] of [['project', l.project ?? r.filter?.project], ['metric', l.series ?? r.series]] as const) if (v) q.set(k, v)
    if (l.prompt || l.model || r.filter?.prompt || r.filter?.model) q.set('show', 'all')
    return '/drift?' + q.toString()
  }
  for (const [k, v] of filterPairs(r.filter)) q.set(k, v)
  for (const [k, v] of Object.entries(l)) if (v && k !== 'budget') q.set(k, v)
  if (r.metric === 'error_rate' || r.metric === 'errors') q.set('status', 'error')
  if (r.metric === 'unpriced_calls') q.set('unpriced', 'true')
  const until = Date.parse(at), back = spanOf(r.window ?? '1h')
  q.set('since', new Date(until - back).toISOString())
  q.set('until', new Date(until).toISOString())
  return '/calls?' + q.toString()
}

/** spanOf reads 30s, 5m, 1h30m, 7d in milliseconds; what it cannot read is an hour. */
export function spanOf(s: string): number {
  const unit: Record<string, number> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 }
  let sum = 0
  for (const m of s.matchAll(/(\d+)([smhdw])/g)) sum += Number(m[1]) * unit[m[2]!]!
  return sum || 3.6e6
}
