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
export interface Score { state: State; value: number; passed?: boolean; reason?: string; cost_usd?: Decimal; votes?: number[] }
export interface Answer {
  text: string; tool_calls?: { name: string; arguments?: Json }[]; contexts?: string[]; citations?: { id: string; document: string; quote: string }[]; error?: string; call_id?: string; model?: string; prompt?: string
  cost_usd?: Decimal; latency_ms: number; input_tokens?: number; output_tokens?: number; tries: number; at: string
}
export interface Result { target: string; item: string; repeat: number; item_hash: string; answer: Answer; scores: Record<string, Score>; input: string; expected: string }

export interface ScoreSummary {
  scorer: string; metric: string; lower: boolean; scored: number; failed: number; unscorable: number; coverage: number
  mean: number | null; sd: number | null; min: number | null; p50: number | null; max: number | null; passed: number | null; pass_rate: number | null
  corpus: number | null; signature: string; repeats_sd: number | null; reasons: Record<string, number>
  interval?: Interval | null; pass_rate_interval?: Interval | null; variance?: Variance | null; cost_usd?: Decimal // of runs from before there were these: none
}
export interface Variance { judge_sd: number | null; generation_sd: number | null; judge_share: number | null; answers: number; votes: number }
export interface Progress { done: number; total: number; failed: number; spent_usd: Decimal; to_come_usd: Decimal; known: boolean }
export interface TargetSummary {
  target: string; asked: number; failed: number; missing: number; cost_usd: Decimal; priced: number; score_cost_usd?: Decimal; latency_p50_ms: number; latency_p95_ms: number
  input_tokens: number; output_tokens: number; prompts: string[]; models: string[]; reasons: Record<string, number>; scores: ScoreSummary[]
}
export type RunState = 'running' | 'stopped' | 'done'
export interface Run {
  id: string; name: string; state: RunState; reason?: string; snapshot: string; items: number
  definition: { dataset: string; split?: string; repeat: number; max_cost_usd?: Decimal; targets: { name: string }[]; scorers: { name: string; metric: string }[] }
  summary: { targets: TargetSummary[] }; progress?: Progress; served?: boolean; author?: string; created_at: string; updated_at: string
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

export interface Interval { low: number; high: number; level: number; method: string }

/** scoreSpend is what judges and vectors took, beside the answers; null when nothing is known of it. */
export function scoreSpend(r: Run): Decimal {
  const all = r.summary.targets.flatMap((t) => t.scores.map((s) => s.cost_usd ?? null)).filter((v) => v !== null)
  return all.length ? sum(all) : null
}

export interface Estimate {
  calls: number; cost_usd: Decimal; unpriced: string[]
  targets: { target: string; model: string; calls: number; cost_usd: Decimal; basis: string }[]; scorers: { scorer: string; calls: number; cost_usd: Decimal }[]
}
export interface NewTarget { kind: 'model' | 'prompt' | 'rag'; of: string; model: string }
export interface NewForm { name: string; dataset: string; targets: NewTarget[]; metrics: string[]; judge: { rubric: string; model: string; votes: string }; vectors: string; repeat: string; limit: string; most: string }

/** METRICS are those that need no setting of their own. */
export const METRICS = ['exact', 'contains', 'numeric', 'json_valid', 'levenshtein', 'bleu', 'chrf', 'rougeL', 'cosine', 'latency', 'cost', 'tokens'] as const

/** canRead says whether a text is an amount of dollars above zero, or none. */
export const canRead = (s: string): boolean => s.trim() === '' || (/^\d{1,9}(\.\d{1,9})?$/.test(s.trim()) && Number(s) > 0)

const whole = (s: string, most: number): number | null => (/^\d{1,9}$/.test(s.trim()) && Number(s) >= 1 && Number(s) <= most ? Number(s) : null)

/** definitionOf is what a form says, as the API takes it; lacks says what is not yet said. */
export function definitionOf(f: NewForm): { ready: boolean; lacks: string; definition: Record<string, unknown> } {
  const used = new Set<string>()
  const targets = f.targets.map((t) => {
    const of = t.of.trim(), model = t.model.trim()
    const base = (t.kind === 'model' ? model : of + (model && t.kind === 'prompt' ? '-' + model : '')).replace(/[^\w.-]+/g, '-').slice(0, 60)
    let name = base
    for (let n = 2; used.has(name); n++) name = base + '-' + n
    used.add(name)
    return { name, ...(t.kind === 'prompt' ? { prompt: of } : t.kind === 'rag' ? { rag: of } : {}), ...(model && t.kind !== 'rag' ? { model } : {}) }
  })
  const scorers: Record<string, unknown>[] = f.metrics.map((m) => ({ name: m, metric: m, ...(m === 'cosine' ? { model: f.vectors.trim() } : {}) }))
  if (f.judge.rubric) scorers.push({ name: f.judge.rubric, metric: 'judge', judge: { rubric: f.judge.rubric, model: f.judge.model.trim(), ...(f.judge.votes !== '1' ? { votes: Number(f.judge.votes) } : {}) } })
  const repeat = whole(f.repeat, 100), limit = f.limit.trim() ? whole(f.limit, 1e9) : 0
  const lacks = !/^[\w.-]{1,64}$/.test(f.name) ? 'The evaluation needs a name of letters, digits, dots, dashes and underscores.' : f.targets.some((t) => (t.kind === 'model' ? !t.model.trim() : !t.of.trim())) ? 'Say who is asked, and what it is likely to cost stands here.' : !scorers.length ? 'Choose who scores.'
    : f.metrics.includes('cosine') && !f.vectors.trim() ? 'cosine needs a model that makes vectors.' : f.judge.rubric && !f.judge.model.trim() ? 'The judge needs a model.' : repeat === null ? 'Each item is asked 1 to 100 times.' : limit === null ? 'Items at most is a whole number.' : !canRead(f.most) ? 'Dollars at most is an amount above 0.' : ''
  return { ready: !lacks, lacks, definition: { name: f.name, dataset: f.dataset, targets, scorers, repeat: repeat ?? 1, ...(limit ? { limit } : {}), ...(f.most.trim() ? { max_cost_usd: f.most.trim() } : {}) } }
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
