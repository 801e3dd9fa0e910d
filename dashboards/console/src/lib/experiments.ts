/** Experiments as the API tells them, and what the rooms make of that. */

import type { Failure } from './api'
import type { Json } from './assemble'
import { count, plural } from './format'
import { DAY } from './time'
import type { Document } from './yaml'

export type Status = 'draft' | 'running' | 'stopped' | 'concluded'
export type State = 'waiting' | 'no_data' | 'frozen' | 'ship' | 'stop_for_harm' | 'no_difference' | 'keep_going'
export type Direction = 'lower' | 'higher'
export type Amount = number | string // a share of the control's value is written "5%"

export interface Arm { name: string; prompt?: string; model?: string; parameters?: Record<string, Json>; weight?: number }
export interface Metric { metric: string; direction: Direction; per?: 'unit' | 'call'; slo_ms?: number; margin?: Amount; winsorize?: number; covariate?: string }
export interface Term { metric: string; weight: number; slo_ms?: number }
export interface Epoch { number: number; start_time: string; traffic: number; weights: number[] }
export interface Experiment {
  id: string; name: string; unit: string; prompt?: string; arms: Arm[]; metrics: { primary?: Metric; guardrails?: Metric[]; utility?: Term[] }
  target?: string; layer?: { name: string; from: number; to: number }; overrides?: Record<string, string>; traffic?: number; hash?: string; planned_units?: number; alpha?: number; correction?: string; worth?: Amount
  auto?: { stop_for_harm?: boolean; promote?: boolean; ramp?: { steps?: number[]; min_units?: number; min_hours?: number } }
  status: Status; created_at: string; started_at: string | null; stopped_at: string | null; reason?: string; winner?: string; epochs: Epoch[]; revision: number; updated_at: string; updated_by: string
}

export interface Interval { value: number; low: number; high: number }
export type Role = 'primary' | 'guardrail' | 'shown'
export interface Effect {
  arm: string; metric: string; role: Role; per: 'unit' | 'call'; direction: Direction; slo_ms?: number; data: boolean; control_units: number; units: number; control: number; value: number
  difference: Interval; relative?: Interval; geometric?: Interval; log_e: number; p: number; spared?: number; detectable: number; margin?: Amount; accepted?: boolean; harmful?: boolean
}
export interface Money { arm: string; calls_per_month: number; per_call_usd: Interval; per_month_usd: Interval }
export interface Analysis {
  at: string; unit: string; arms: { arm: string; units: number; calls: number }[]; srm: { log_e: number; alarm: boolean; chi2: number; p: number; counts: number[]; shares: number[] }
  effects: Effect[]; units_per_day: number; calls_per_day: number; money: Money[]; days: number
}
export interface Verdict {
  state: State; arm?: string; text: string; meaning?: string; reasons: string[]; units_needed?: number; expected_end: string | null; arms?: { arm: string; state: State; reasons: string[]; units_needed?: number }[]
}
export interface PointValue extends Interval { arm: string; metric: string; role: Role; per: string; slo_ms?: number }
export interface Point { at: string; units: number; effects: PointValue[] }
export interface Deed { revision: number; at: string; author: string; did: string; detail: string; reason: string }
export interface Detail { experiment: Experiment; analysis: Analysis; verdict: Verdict; next: { do: string; reason: string } | null; over_time: Point[]; history: Deed[] }
export interface Promotion { experiment: Experiment; arm: string; prompt: string; label: string; change: { id: string } | null; moved: boolean }

export const experimentPath = (name: string): string => '/api/v1/experiments/' + encodeURIComponent(name)
export const experimentRoom = (name: string): string => '/experiments/' + encodeURIComponent(name)

export type Sign = 'check' | 'warn' | 'stop' | 'help' | 'lock' | 'swap' | 'play'
/** What each state of a verdict is called, its badge, its sign, and what one does about it. Colour is never the only difference. */
export const states: Record<State, { word: string; badge: '' | 'ok' | 'bad' | 'warn' | 'accent'; sign: Sign; short: string }> = {
  waiting: { word: 'No verdict yet', badge: '', sign: 'help', short: 'too early' }, no_data: { word: 'No verdict: a metric has no values', badge: 'warn', sign: 'warn', short: 'no data' },
  frozen: { word: 'Frozen: the split is not as planned', badge: 'bad', sign: 'lock', short: 'frozen' }, ship: { word: 'Ship', badge: 'ok', sign: 'check', short: 'ship' },
  stop_for_harm: { word: 'Stop: it does harm', badge: 'bad', sign: 'stop', short: 'harm: stop' }, no_difference: { word: 'No difference worth having', badge: '', sign: 'swap', short: 'no difference' },
  keep_going: { word: 'Keep going', badge: 'accent', sign: 'play', short: 'keep going' },
}
export const statuses: Record<Status, { word: string; badge: '' | 'ok' | 'warn' | 'accent' }> = {
  draft: { word: 'draft', badge: 'warn' }, running: { word: 'running', badge: 'ok' }, stopped: { word: 'stopped', badge: '' }, concluded: { word: 'concluded', badge: 'accent' },
}
/** headline is a verdict in a few words, with the arm that it is about. */
export const headline = (v: Verdict): string => (v.state === 'ship' && v.arm ? `Ship ${v.arm}` : v.state === 'stop_for_harm' && v.arm ? `Stop ${v.arm}: it does harm` : states[v.state]?.word ?? v.state)

/** unitsWord counts units by their own name: 3 users, 1 value of X-Team. */
export const unitsWord = (unit: string, n: number): string => (unit.startsWith('header:') ? `${count(n)} ${n === 1 ? 'value' : 'values'} of ${unit.slice(7)}` : plural(n, unit))

const shares = ['latency', 'errors']
type Named = Pick<Effect, 'metric' | 'per' | 'slo_ms'>
/** key tells the effects of one challenger apart. */
export const key = (m: { metric: string; role: string; per?: string; slo_ms?: number }): string => [m.role, m.metric, m.per ?? '', m.slo_ms ?? ''].join(' ')

/** metricName is what a metric is in words. */
export function metricName(m: { metric: string; per?: string | undefined; slo_ms?: number | undefined }): string {
  switch (m.metric) {
    case 'utility': return 'Utility'
    case 'latency': return `Calls over ${count(m.slo_ms ?? 0)} ms`
    case 'errors': return 'Failed calls'
    case 'calls': return 'Calls per unit'
  }
  const score = /^score:([\s\S]+)$/.exec(m.metric)
  const name = score ? `Score ${score[1]}` : m.metric.replaceAll('_', ' ').replace(/^./, (c) => c.toUpperCase())
  return m.per ? `${name} per ${m.per}` : name
}

/** number has three digits that count. */
export function number(x: number): string {
  const abs = Math.abs(x)
  const text = abs >= 1000 ? (abs >= 1e15 ? abs.toPrecision(3) : Math.round(abs).toLocaleString('en-US')) : String(Number(abs.toPrecision(3)))
  return (x < 0 ? '−' : '') + text
}

/** dollars are whole from a thousand on, cents from ten on, else three digits that count, to a tenth of a nanodollar. They are estimates, not amounts of a bill. */
export function dollars(x: number): string {
  const abs = Math.abs(x)
  const text = abs >= 1000 ? Math.round(abs).toLocaleString('en-US') : abs >= 10 ? abs.toFixed(2) : abs === 0 || abs >= 0.001 ? Number(abs.toPrecision(3)).toString() : abs.toFixed(Math.min(10, 2 - Math.floor(Math.log10(abs)))).replace(/\.?0+$/, '')
  return (x < 0 ? '−$' : '$') + (text === '' ? '0' : text)
}

/** amount is a value of a metric in its own unit. */
export const amount = (m: Named, x: number): string => (shares.includes(m.metric) ? number(x * 100) + '%' : m.metric === 'cost' ? dollars(x) : number(x))

/** signed is a difference of two values; those of shares are in points. */
export function signed(m: Named, x: number): string {
  const points = number(Math.abs(x) * 100), text = shares.includes(m.metric) ? points + (points === '1' ? ' point' : ' points') : amount(m, Math.abs(x))
  return (x < 0 ? '−' : x > 0 ? '+' : '±') + text
}

/** tick labels an axis of differences. */
export const tick = (m: Named, x: number): string => (x === 0 ? '0' : signed(m, x).replace(/ points?$/, ' pt'))

/** percentOf is a relative difference. */
export const percentOf = (x: number): string => (x < 0 ? '−' : x > 0 ? '+' : '±') + (Math.abs(x) >= 10 ? 'more than 1000' : (Math.abs(x) * 100).toFixed(1)) + '%'

/** size is an amount as a difference in the metric's own unit, for a control of a value; null when it means nothing. */
export function size(a: Amount | undefined, control: number): number | null {
  if (a === undefined) return null
  if (typeof a === 'number') return a
  const m = /^\s*([-+.\deE]+)\s*(%?)\s*$/.exec(a), v = m ? Number(m[1]) : NaN
  if (!Number.isFinite(v)) return null
  return m![2] ? (control > 0 ? (v / 100) * control : null) : v
}

/** marginAt is where a guardrail's margin lies among differences: the worse side of it is harm. */
export function marginAt(f: Effect): number | null {
  const m = f.data ? size(f.margin, f.control) : null
  return m === null ? null : f.direction === 'lower' ? m : -m
}
/** worthAt is where a difference of the primary begins to be worth having. */
export function worthAt(e: Pick<Experiment, 'worth'>, f: Effect): number | null {
  const w = f.data && f.role === 'primary' ? size(e.worth, f.control) : null
  return w === null ? null : f.direction === 'lower' ? -w : w
}

/** standing is what an effect says so far, as a badge and in words. */
export function standing(f: Effect): ['' | 'ok' | 'bad' | 'warn', string] {
  if (!f.data) return ['warn', 'no values']
  if (f.role === 'guardrail') return f.harmful ? ['bad', 'worse than the margin'] : f.accepted ? ['ok', 'within the margin'] : ['', 'not yet known']
  const good = f.direction === 'lower' ? f.difference.high < 0 : f.difference.low > 0
  const bad = f.direction === 'lower' ? f.difference.low > 0 : f.difference.high < 0
  return good ? ['ok', 'better'] : bad ? ['bad', 'worse'] : ['', 'not yet known']
}

/** days is how long an experiment has run, or ran. */
export function days(e: Pick<Experiment, 'started_at' | 'stopped_at'>, now: number): number | null {
  if (!e.started_at) return null
  return Math.max(0, ((e.stopped_at ? Date.parse(e.stopped_at) : now) - Date.parse(e.started_at)) / DAY)
}
/** daysWord says it in words. */
export const daysWord = (d: number): string => (d >= 2 ? `${Math.floor(d)} days` : d >= 1 ? '1 day' : d * 24 >= 1 ? plural(Math.floor(d * 24), 'hour') : d * 1440 >= 1 ? plural(Math.floor(d * 1440), 'minute') : 'less than a minute')

/** split is what share of all units each arm gets now, and the rest, which gets the control unanalysed. */
export function split(e: Pick<Experiment, 'arms' | 'epochs' | 'traffic'>): { arm: string; weight: number; share: number }[] {
  const epoch = e.epochs.at(-1)
  const total = e.arms.reduce((s, a) => s + (a.weight ?? 0), 0)
  return e.arms.map((a, i) => {
    const weight = epoch ? epoch.weights[i] ?? 0 : total ? (a.weight ?? 0) / total : 1 / e.arms.length
    return { arm: a.name, weight, share: weight * (epoch?.traffic ?? e.traffic ?? 1) }
  })
}

/** steps are the traffics of a ramp that are more than what is served now. */
export function steps(e: Pick<Experiment, 'arms' | 'epochs' | 'auto' | 'traffic'>): number[] {
  const now = e.epochs.at(-1)?.traffic ?? e.traffic ?? 1
  return (e.auto?.ramp?.steps?.length ? e.auto.ramp.steps : [0.01, 0.05, 0.25, 0.5]).map((s) => Math.min(1, s * e.arms.length)).filter((t) => t > now + 1e-9)
}

/** share writes a part of one in percent. */
export const share = (x: number): string => number(Math.round(x * 1e6) / 1e4) + '%'

/** Series are what was known over time of one metric, by challenger. */
export function series(over: Point[], m: { metric: string; role: string; per?: string; slo_ms?: number }, arm: string): { values: (number | null)[]; low: (number | null)[]; high: (number | null)[] } {
  const own = over.map((p) => p.effects.find((f) => f.arm === arm && key(f) === key(m)) ?? null)
  return { values: own.map((f) => f?.value ?? null), low: own.map((f) => f?.low ?? null), high: own.map((f) => f?.high ?? null) }
}

/** reach is the part of differences worth drawing: early intervals are much wider than what is known now. */
export function reach(list: { low: (number | null)[]; high: (number | null)[] }[], levels: number[]): [number, number] | undefined {
  const lows = list.flatMap((s) => s.low.filter((v): v is number => v !== null)), highs = list.flatMap((s) => s.high.filter((v): v is number => v !== null))
  if (!lows.length) return undefined
  const last = list.flatMap((s) => { const i = s.low.findLastIndex((v) => v !== null); return i < 0 ? [] : [s.low[i]!, s.high[i]!] })
  const core = [0, ...levels, ...last], low = Math.min(...core), high = Math.max(...core), span = high - low || 1
  const from = Math.max(Math.min(...lows, low), low - span * 1.2), to = Math.min(Math.max(...highs, high), high + span * 1.2)
  return [from - (to - from) * 0.05, to + (to - from) * 0.05]
}

export interface Fault { text: string; line: number } // 0: of no line
const members = ['name', 'unit', 'prompt', 'arms', 'metrics', 'target', 'layer', 'overrides', 'traffic', 'hash', 'planned_units', 'alpha', 'correction', 'worth', 'auto', 'status', 'id', 'created_at', 'started_at', 'stopped_at', 'reason', 'winner', 'epochs']

/** faultsOf takes the API's refusal apart, and finds the line of the description that each fault is about. */
export function faultsOf(e: Failure, doc: Document): Fault[] {
  const begins = new RegExp(`; (?=(?:${members.join('|')})(?:: |:? "| ))`)
  return e.message.replace(/^not an experiment: /, '').split(begins).map((text) => ({ text, line: lineOf(text, doc) }))
}

function lineOf(text: string, doc: Document): number {
  const at = (path: string) => doc.lines.get(path) ?? 0
  const paths = [...doc.lines.keys()]
  const json = /unknown field "([^"]+)"|struct field \w+\.([\w.]+) of type/.exec(text)
  if (json) {
    const name = (json[1] ?? json[2])!
    const path = paths.find((p) => p === name || p.endsWith('.' + name)) ?? paths.find((p) => p.replace(/\.\d+/g, '') === name) ?? ''
    return path ? at(path) : 0
  }
  let path = '', line = 0
  for (const part of text.split(/: ?/).slice(0, 5)) {
    const words = /^"?([\w.-]+)"?/.exec(part.trim())
    const guard = /^guardrail "([^"]+)"/.exec(part.trim()), nth = /^name (\d+)$/.exec(part.trim()), quoted = /^"([^"]*)"/.exec(part.trim())
    const own = (sub: string) => (path ? path + '.' + sub : sub)
    let next = ''
    if (guard) next = child(own('guardrails'), 'metric', guard[1]!)
    else if (nth) next = own(String(Number(nth[1]) - 1))
    else if (quoted) next = child(path, 'name', quoted[1]!) || child(path, 'metric', quoted[1]!) || own(quoted[1]!)
    else if (words) next = own(words[1]!)
    if (!next || !doc.lines.has(next)) break
    path = next
    line = at(path)
  }
  return line

  /** child is the element of a list whose member has a value. */
  function child(list: string, member: string, value: string): string {
    let v: unknown = doc.value
    for (const p of list.split('.').filter(Boolean)) v = typeof v === 'object' && v !== null ? (v as Record<string, unknown>)[p] : undefined
    const i = Array.isArray(v) ? v.findIndex((x) => typeof x === 'object' && x !== null && String((x as Record<string, unknown>)[member]) === value) : -1
    return i < 0 ? '' : `${list}.${i}`
  }
}

/** description is what one wrote of an experiment, without what weir sets, to be changed and sent again. */
export function description(e: Experiment): string {
  const { id: _i, status: _s, created_at: _c, started_at: _b, stopped_at: _e, reason: _r, winner: _w, epochs: _p, revision: _v, updated_at: _u, updated_by: _y, ...own } = e
  return JSON.stringify(own, null, 2)
}
