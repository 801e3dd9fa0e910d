/** Datasets and runs of evaluations as the API tells them, and the figures made of them. */

import { useCallback, useEffect, useState } from 'preact/hooks'
import { Failure, get, query } from './api'
import type { Decimal } from './money'
import { sum } from './money'

export type Json = unknown
export interface Item { id: string; input: Json; expected?: Json; context?: Json; metadata?: Record<string, Json> }
export interface Split { name: string; share: number }
export interface Version { name: string; version: number; hash: string; items: number; splits: Split[]; message: string; author: string; created_at: string }
export interface Items { name: string; version: number; hash: string; splits: Split[]; items: Item[] }
export interface Difference { from: Version; to: Version; added: Item[]; removed: Item[]; changed: { id: string; was: Item; is: Item }[]; unchanged: number }

export type State = 'scored' | 'failed' | 'unscorable'
export interface Score { state: State; value: number; passed?: boolean; reason?: string; cost_usd?: Decimal }
export interface Answer {
  text: string; tool_calls?: { name: string; arguments?: Json }[]; error?: string; call_id?: string; model?: string; prompt?: string
  cost_usd?: Decimal; latency_ms: number; input_tokens?: number; output_tokens?: number; tries: number; at: string
}
export interface Result { target: string; item: string; repeat: number; item_hash: string; answer: Answer; scores: Record<string, Score>; input: string; expected: string }

export interface ScoreSummary {
  scorer: string; metric: string; lower: boolean; scored: number; failed: number; unscorable: number; coverage: number
  mean: number | null; sd: number | null; min: number | null; p50: number | null; max: number | null; passed: number | null; pass_rate: number | null
  corpus: number | null; signature: string; repeats_sd: number | null; reasons: Record<string, number>
}
export interface TargetSummary {
  target: string; asked: number; failed: number; missing: number; cost_usd: Decimal; priced: number; latency_p50_ms: number; latency_p95_ms: number
  input_tokens: number; output_tokens: number; prompts: string[]; models: string[]; reasons: Record<string, number>; scores: ScoreSummary[]
}
export type RunState = 'running' | 'stopped' | 'done'
export interface Run {
  id: string; name: string; state: RunState; reason?: string; snapshot: string; items: number
  definition: { dataset: string; split?: string; repeat: number; targets: { name: string }[]; scorers: { name: string; metric: string }[] }
  summary: { targets: TargetSummary[] }; author?: string; created_at: string; updated_at: string
}

export interface System {
  label: string; run: string; name: string; target: string; state: RunState; asked: number; failed: number
  quality: number | null; cost_per_ask: number | null; latency_p50_ms: number; latency_p95_ms: number; front: boolean; scores: ScoreSummary[]
}
export interface Pair {
  system: string; n: number; base: number; mean: number; delta: number; p: number; p_adjusted: number; test: string
  interval: { low: number; high: number; level: number } | null; effect: number | null; detectable: number | null; won: number; lost: number; tied: number; verdict: string
}
export interface Comparison { systems: System[]; scorers: { scorer: string; lower: boolean; pairs: Pair[] }[]; advice: { system: string; scorer: string; reason: string[] }; notes: string[] }

export const datasetRoom = (name: string): string => '/datasets/' + encodeURIComponent(name)
export const datasetPath = (name: string): string => '/api/v1/datasets/' + encodeURIComponent(name)
export const runRoom = (id: string): string => '/datasets/runs/' + encodeURIComponent(id)
export const compareRoom = (ids: string[]): string => query('/datasets/runs/compare', { runs: ids.join(',') })

/** textOf is a JSON value as a reader sees it: a text without its quotes, else JSON; nothing of none. */
export const textOf = (v: Json): string => (typeof v === 'string' ? v : v === undefined || v === null ? '' : JSON.stringify(v))

/** plain is a result's input or expected value, which the API gives as JSON in a text; what is not JSON stands as it is. */
export function plain(s: string): string {
  try { return textOf(JSON.parse(s)) } catch { return s }
}

/** oneLine is the beginning of a text, for a row of a table. */
export const oneLine = (s: string, most = 160): string => { const t = s.slice(0, most * 2).replace(/\s+/g, ' ').trim(); return t.length > most ? t.slice(0, most) + '…' : t }

/** matches says whether an item has the words, in whatever it says. */
export function matches(it: Item, words: string): boolean {
  const q = words.trim().toLowerCase()
  return !q || (it.id + ' ' + textOf(it.input) + ' ' + textOf(it.expected) + ' ' + textOf(it.context) + ' ' + textOf(it.metadata)).toLowerCase().includes(q)
}

/** spend is what a run's answers cost, and how many of them have no known cost. */
export function spend(r: Run): { usd: Decimal; unknown: number } {
  const t = r.summary.targets
  const priced = t.reduce((n, x) => n + x.priced, 0), answered = t.reduce((n, x) => n + x.asked - x.failed, 0)
  return { usd: priced ? sum(t.map((x) => x.cost_usd)) : null, unknown: answered - priced }
}

/** took is how long a run has been worked on, in milliseconds. */
export const took = (r: Run): number => Math.max(0, Date.parse(r.updated_at) - Date.parse(r.created_at))

export interface Interval { low: number; high: number }

/** t975 is the 97.5 % point of Student's t for so many degrees of freedom, to three digits (Abramowitz and Stegun 26.7.5). */
export function t975(df: number): number {
  const exact = [12.706, 4.303, 3.182, 2.776]
  if (df < 1) return Infinity
  if (df <= exact.length) return exact[df - 1]!
  const x = 1.959964, x3 = x ** 3, x5 = x ** 5
  return x + (x3 + x) / (4 * df) + (5 * x5 + 16 * x3 + 3 * x) / (96 * df * df) + (3 * x ** 7 + 19 * x5 + 17 * x3 - 15 * x) / (384 * df ** 3)
}

/** interval is that of a mean at 95 %: Wilson's of a share, else Student's t. Repeats of an item are one value, their mean. */
export function interval(perItem: number[]): Interval | null {
  const n = perItem.length
  if (n < 2) return null
  const mean = perItem.reduce((a, b) => a + b, 0) / n
  if (perItem.every((v) => v === 0 || v === 1)) {
    const z2 = 1.959964 ** 2, mid = (mean + z2 / (2 * n)) / (1 + z2 / n)
    const half = (1.959964 / (1 + z2 / n)) * Math.sqrt((mean * (1 - mean)) / n + z2 / (4 * n * n))
    return { low: Math.max(0, mid - half), high: Math.min(1, mid + half) }
  }
  const sd = Math.sqrt(perItem.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1))
  const half = (t975(n - 1) * sd) / Math.sqrt(n)
  return { low: mean - half, high: mean + half }
}

/** values are all that a scorer said of a target's answers; byItem are the means of each item's repeats. */
export function values(list: Result[], target: string, scorer: string): { values: number[]; byItem: Map<string, number> } {
  const own: number[] = [], sums = new Map<string, [number, number]>()
  for (const r of list) {
    const s = r.target === target ? r.scores[scorer] : undefined
    if (s?.state !== 'scored') continue
    own.push(s.value)
    const at = sums.get(r.item) ?? [0, 0]
    sums.set(r.item, [at[0] + s.value, at[1] + 1])
  }
  return { values: own, byItem: new Map([...sums].map(([id, [total, n]]) => [id, total / n])) }
}

export type Only = '' | 'failures' | 'failed' | 'unscorable' | 'below'
/** shows says whether a result is one of those asked for, by one scorer. A score that is not there has failed. */
export function shows(r: Result, scorer: string, only: Only): boolean {
  const s = r.scores[scorer], state = s?.state ?? 'failed'
  switch (only) {
    case 'failures': return state !== 'scored' || s?.passed === false
    case 'failed': return state === 'failed'
    case 'unscorable': return state === 'unscorable'
    case 'below': return state === 'scored' && s?.passed === false
  }
  return true
}

export interface Regression { item: string; input: string; base: number; is: number; worse: number }
/** regressions are the items that became worse, the worst first; only items that say the same in both are held against each other. */
export function regressions(base: Result[], is: Result[], scorer: string, lower: boolean): Regression[] {
  const hashes = new Map(base.map((r) => [r.item, r.item_hash])), inputs = new Map(is.map((r) => [r.item, r]))
  const a = values(base, base[0]?.target ?? '', scorer).byItem, b = values(is, is[0]?.target ?? '', scorer).byItem
  const out: Regression[] = []
  for (const [item, was] of a) {
    const now = b.get(item), r = inputs.get(item)
    if (now === undefined || !r || hashes.get(item) !== r.item_hash) continue
    const worse = lower ? now - was : was - now
    if (worse > 0) out.push({ item, input: r.input, base: was, is: now, worse })
  }
  return out.sort((x, y) => y.worse - x.worse || x.item.localeCompare(y.item))
}

/** MOST is how many results a page reads; a larger run says that there are more. */
export const MOST = 10_000
export interface Read { results: Result[] | undefined; more: boolean; error: Failure | undefined; reload: () => void }

/** useResults reads a run's results page by page. A part is shown only when all of it, or MOST, is there. */
export function useResults(runs: { id: string; target?: string }[]): Read[] {
  const key = JSON.stringify(runs)
  const [state, set] = useState<{ key: string; list: { results?: Result[]; more: boolean; error?: Failure }[] }>({ key: '', list: [] })
  const [round, again] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    set((s) => (s.key === key ? s : { key, list: runs.map(() => ({ more: false })) }))
    runs.forEach(async ({ id, target }, i) => {
      let one: { results?: Result[]; more: boolean; error?: Failure }
      try {
        const all: Result[] = []
        let cursor = ''
        do {
          const page = await get<{ results: Result[]; next: string }>(query(`/api/v1/evals/${encodeURIComponent(id)}/results`, { target, cursor, limit: 1000 }), stop.signal)
          all.push(...page.results)
          cursor = page.next
        } while (cursor && all.length < MOST)
        one = { results: all, more: cursor !== '' }
      } catch (e) {
        if (stop.signal.aborted) return
        one = { more: false, error: e instanceof Failure ? e : new Failure(0, 'bug', String(e)) }
      }
      set((s) => (s.key === key ? { key, list: s.list.map((x, k) => (k === i ? one : x)) } : s))
    })
    return () => stop.abort()
  }, [key, round])
  const reload = useCallback(() => again((n) => n + 1), [])
  return runs.map((_, i) => { const x = state.key === key ? state.list[i] : undefined; return { results: x?.results, more: x?.more ?? false, error: x?.error, reload } })
}
