/** The price book as the API has it, put in order: one line a model, its history, and what was agreed by hand. */

import { parse, type Decimal } from './money'
import { Failure } from './api'

export interface Tier { threshold_tokens: number; input_usd_per_mtok?: string; output_usd_per_mtok?: string }
export interface Peak { from?: string; until?: string; days: string; hours_utc: string; input_usd_per_mtok?: string; cache_read_usd_per_mtok?: string; output_usd_per_mtok?: string }

/** An entry as the API writes it; what is not known is not there. */
export interface Entry {
  provider: string; model: string; project?: string; mode?: string; kind?: string; effective_from?: string | null
  unit_usd?: Decimal; tier?: Tier; peak?: Peak[]
  context_window?: number; max_output_tokens?: number; tokenizer?: string; sources?: string[]; status?: string
  [rate: `${string}_usd_per_mtok`]: Decimal
}

/** What is counted, in the order people read it: the rate's name in an entry without its ending, and in words. */
export const rates = [
  ['input', 'Input'], ['cache_read', 'Cache read'], ['cache_write_5m', 'Cache write, 5 min'], ['cache_write_1h', 'Cache write, 1 h'],
  ['output', 'Output'], ['reasoning', 'Reasoning'], ['input_audio', 'Audio in'], ['output_audio', 'Audio out'],
] as const
export type RateName = (typeof rates)[number][0]

/** The service tiers that have an input and an output price of their own. */
export const services = [['batch', 'Batch'], ['flex', 'Flex'], ['priority', 'Priority'], ['fast', 'Fast']] as const

export const rate = (e: Entry, name: string): Decimal => e[`${name}_usd_per_mtok`]
export const known = (v: Decimal): v is string => v !== null && v !== undefined && v !== ''

/** byHand says whether an entry was set on this weir, by command, form or file. */
export const byHand = (e: Entry): boolean => e.status === 'set' || !!e.project

export interface BookModel {
  provider: string; model: string
  now: Entry | undefined // for everybody, in force at the moment
  history: Entry[] // for everybody, latest first
  overrides: Entry[] // of single projects, by project, latest first
}

const begins = (e: Entry): number => (e.effective_from ? Date.parse(e.effective_from) : 0)
const latest = (a: Entry, b: Entry): number => Number(byHand(b)) - Number(byHand(a)) || begins(b) - begins(a)

/** book groups entries by provider and model. One set by hand goes before the catalogue's, the latest that has begun within each. */
export function book(entries: Entry[], now: number): BookModel[] {
  const all = new Map<string, BookModel>()
  for (const e of entries) {
    const key = e.provider + '/' + e.model
    let m = all.get(key)
    if (!m) all.set(key, (m = { provider: e.provider, model: e.model, now: undefined, history: [], overrides: [] }))
    ;(e.project ? m.overrides : m.history).push(e)
  }
  for (const m of all.values()) {
    m.history.sort(latest)
    m.overrides.sort((a, b) => a.project!.localeCompare(b.project!) || latest(a, b))
    m.now = m.history.find((e) => begins(e) <= now)
  }
  return [...all.values()]
}

/** matches says whether provider/model has all words. */
export const matches = (m: { provider: string; model: string }, text: string): boolean => {
  const name = (m.provider + '/' + m.model).toLowerCase()
  return text.toLowerCase().split(/\s+/).every((w) => name.includes(w))
}

/** listPrice is what an entry set by hand stands over: the catalogue's that is in force when it begins (an undated one: now). */
export function listPrice(m: BookModel, e: Entry, now: number): Entry | undefined {
  const at = e.effective_from ? begins(e) : now
  return m.history.find((h) => !byHand(h) && begins(h) <= at)
}

/** change is the difference of two rates in percent of the second, to one decimal; null when either is unknown or free. */
export function change(v: Decimal, of: Decimal): number | null {
  const a = parse(v), b = parse(of)
  if (a === null || b === null || b === 0n || !known(v) || !known(of)) return null
  return Number(((a - b) * 10_000n) / b) / 100
}

/** signed writes a percentage with its sign: −20 % · +12.5 %. */
export const signed = (p: number): string => (p > 0 ? '+' : p < 0 ? '−' : '±') + Math.abs(Math.round(p * 10) / 10) + '%'

/** unit says what an entry that is not priced by token costs; "" for one that is. */
export function unit(e: Entry): 'free' | 'second' | 'call' | '' {
  return e.kind === 'free' || e.kind === 'second' || e.kind === 'call' ? e.kind : ''
}

/** split reads provider/model, where the model may have slashes of its own. */
export function split(name: string): { provider: string; model: string } | null {
  const at = name.indexOf('/')
  const provider = name.slice(0, at).trim(), model = name.slice(at + 1).trim()
  return at > 0 && model ? { provider, model } : null
}

/** An amount of tokens, by the buckets of the API. */
export const buckets = [
  ['input_uncached', 'Input', 'not read from or written to the provider\'s cache'], ['cache_read', 'Cache read', 'input the provider had cached'],
  ['cache_write_5m', 'Cache write, 5 min', 'input put into the provider\'s cache'], ['cache_write_1h', 'Cache write, 1 h', 'input put into the provider\'s cache'],
  ['output_text', 'Output', 'without reasoning'], ['reasoning', 'Reasoning', 'thinking, billed as output'],
  ['input_audio', 'Audio in', ''], ['output_audio', 'Audio out', ''],
] as const
export type Bucket = (typeof buckets)[number][0]

/** bucketName is a bucket or unit of a cost line in words. */
export const bucketName = (b: string): string => buckets.find(([k]) => k === b)?.[1] ?? b.replaceAll('_', ' ')

export interface QuoteLine { bucket: string; tokens: number; price_usd_per_mtok: Decimal; amount_usd: Decimal; rule: string }
export interface Quote { provider: string; model: string; cost_usd: Decimal; price_status: string; price_version: string; price_rule: string; clamped: boolean; lines: QuoteLine[]; closest: string }
export interface SimulatedSums { calls: number; no_price: number; simulated_usd: string; compared: number; recorded_usd: string; difference_usd: string }
export interface RecordedSpan {
  since: string; until: string; calls: number; skipped: number; unpriced_calls: number; recorded_usd: string; truncated: boolean
  models: (SimulatedSums & { provider: string; model: string })[]
  from: { provider: string; model: string; calls: number; recorded_usd: string; simulated: SimulatedSums[] }[]
}
export interface Simulation { version: string; at: string; quotes: Quote[]; recorded: RecordedSpan | null }

/** tokens reads an amount as people type it: 1,200 · 1200 · 50k · 1.5M; NaN for anything else. */
export function tokens(text: string): number {
  const m = /^(\d{1,3}(?:[ ,_']\d{3})+|\d+)(\.\d+)?\s*([kKmM]?)$/.exec(text.trim())
  if (text.trim() === '') return 0
  if (!m) return NaN
  const n = Number(m[1]!.replace(/[ ,_']/g, '') + (m[2] ?? '')) * (m[3] ? { k: 1e3, m: 1e6 }[m[3].toLowerCase() as 'k']! : 1)
  const whole = Math.round(n)
  return Math.abs(n - whole) < 1e-6 && whole <= 1e12 ? whole : NaN
}

export const priceFields = ['provider', 'model', 'project', 'effective_from', 'unit_usd', ...rates.map(([k]) => k)] as const

/** fault finds the field of the price form that an error of the API is about; '' when it is about none. */
export function faultOf(e: Failure): { field: string; text: string } {
  const text = e.message.replace(/^invalid price of [^:]*: /, '').replace(/^the body is not what this request wants: /, '')
  const param = e.param.replace(/_usd_per_mtok$/, '')
  if ((priceFields as readonly string[]).includes(param)) return { field: param, text }
  const named = priceFields.find((f) => new RegExp(`(^|[^a-z_])${f}(_usd_per_mtok)?\\b`).test(text) && f !== 'input' && f !== 'output' && f !== 'reasoning')
  return { field: named ?? '', text }
}
