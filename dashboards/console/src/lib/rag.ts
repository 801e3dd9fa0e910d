/** RAG pipelines as the console reads them, and the way of a chunk through the stages in words and columns. */

import { query } from './api'
import { plural } from './format'
import { render, parse, type Decimal } from './money'
import { startOfDay } from './time'

export interface Pipeline {
  name: string; model: string; index: string; embedding: string; splitter: string; target: string; alias: string; collection: string; previous: string
  points: number; documents: number; questions: number; hit_rate: number | null; cost_per_answer_usd: Decimal; approximate_recall: number | null; approximate_measured: number; error: string
}
export interface Collection { name: string; embedding: string; dimensions: number; splitter: string; points: number; documents: number; role: 'answers' | 'previous' | 'target' | 'none' }
export interface Settings {
  top_k: number; limit: number; rrf_k: number; dense: number; sparse: number; min_similarity: number; rewrite: string; mmr_lambda: number; rerank_model: string; rerank_top_n: number
  parents: boolean; context_tokens: number; order: string; own_tenant: boolean; recall_share: number
}
export interface Detail extends Pipeline { collections: Collection[]; settings: Settings }

export interface Totals {
  questions: number; empty: number; slow: number; not_in_sources: number; hit_rate: number | null; citations: number; verified: number; priced_answers: number; cost_usd: Decimal
  cost_per_answer_usd: Decimal; context_tokens: number; retrieval_p50_ms: number | null; retrieval_p95_ms: number | null; context_relevance: number | null; response_quality: number | null
}
export interface Hour extends Totals { hour: string }
export interface Timing { stage: Step; runs: number; p50_ms: number; p95_ms: number }
export interface Summary extends Totals { slow_ms: number; hours: Hour[]; stages: Timing[] }

export type Step = 'rewrite' | 'embed' | 'dense' | 'sparse' | 'search' | 'fuse' | 'mmr' | 'rerank' | 'parents' | 'pack' | 'generate' | 'cite'
export interface Place { rank: number; score: number }
export interface Chunk { id: string; document: string; title: string; headings: string[]; text: string; places: Partial<Record<Step, Place>>; packed: boolean; cited: boolean; dropped_at?: Step | ''; why?: string }
export interface Stage { stage: Step; took_ms: number; out: number; note?: string; error?: string }
export interface Citation { id: string; document: string; title?: string; source: number; quote: string; start: number; end: number; verified: boolean }
export interface Passage { source: number; id: string; document: string; title: string; headings: string[]; start: number; end: number; tokens: number; text: string }
export interface Answer {
  id: string; trace_id: string; pipeline: string; collection: string; searched: string; answer: string; not_in_sources: boolean; citations: Citation[]; stages: Stage[]
  retrieval_ms: number; total_ms: number; cost_usd: Decimal; chunks?: Chunk[]; passages?: Passage[]
}
export interface Asked {
  id: string; time: string; trace_id: string; call_id: string; project: string; pipeline: string; collection: string; question: string; took_ms: Partial<Record<Step, number>>; counts: Partial<Record<Step, number>>
  retrieval_time: number; total_ms: number; empty: boolean; top_score: number; not_in_sources: boolean; citations: number; verified: number; context_tokens: number; generation_cost: Decimal
  context_relevance: number | null; response_quality: number | null; chunks: Chunk[]
}
export interface AskedDetail extends Asked { passages: Passage[]; cited: Citation[] }
export interface Document { id: string; title: string; hash: string; chunks: number; bytes: number; tenant: string; labels: Record<string, string>; indexed_at: string | null }
export interface Held { id: string; document: string; title: string; headings: string[]; ordinal: number; start: number; end: number; parent_start: number; parent_end: number; tokens: number; text: string; labels: Record<string, string>; tenant: string }

export const api = (name: string, rest = ''): string => '/api/v1/rag/' + encodeURIComponent(name) + rest
export const room = (name: string, rest = ''): string => '/rag/' + encodeURIComponent(name) + rest
export const documentRoom = (name: string, document: string, collection?: string, chunk?: string): string => query(room(name, '/documents'), { document, collection, chunk })

/** order is the stages as they run. */
export const order: Step[] = ['rewrite', 'embed', 'dense', 'sparse', 'search', 'fuse', 'mmr', 'rerank', 'parents', 'pack', 'generate', 'cite']

/** named says each stage in the console's words. */
export const named: Record<Step, string> = {
  rewrite: 'Rewrite', embed: 'Embed', dense: 'By meaning', sparse: 'By words', search: 'Search', fuse: 'Fused', mmr: 'MMR', rerank: 'Reranked', parents: 'Parents', pack: 'Packed', generate: 'Generate', cite: 'Cited',
}

/** about says what each stage's column means. */
export const about: Partial<Record<Step, string>> = {
  dense: 'cosine to the question', sparse: 'BM25 score', fuse: 'sum of 1 / (k + rank)', mmr: 'near, and unlike each other', rerank: 'scored by a model', parents: 'larger passages', pack: 'what fits the prompt', cite: 'what the answer rests on',
}

const lists: Step[] = ['dense', 'sparse', 'fuse', 'mmr', 'rerank', 'parents', 'pack', 'cite']

export interface Column { step: Step; chunks: Chunk[] }

/** columns gives each stage that some chunk came through, its chunks by rank. A stage that only passes on the order before it is left out. */
export function columns(chunks: Chunk[]): Column[] {
  return lists.map((step) => ({ step, chunks: chunks.filter((c) => c.places[step]).sort((a, b) => a.places[step]!.rank - b.places[step]!.rank) }))
    .filter((c) => c.chunks.length > 0 && (c.step !== 'parents' || chunks.some((x) => x.dropped_at === 'parents')))
}

/** ordinal writes 1st, 2nd, 3rd, 11th. */
export function ordinal(n: number): string {
  const tens = n % 100, ones = n % 10
  return n + (tens > 10 && tens < 14 ? 'th' : ones === 1 ? 'st' : ones === 2 ? 'nd' : ones === 3 ? 'rd' : 'th')
}

const after: Partial<Record<Step, string>> = { dense: 'by meaning', sparse: 'by words', fuse: 'fused', mmr: 'after MMR', rerank: 'reranked', parents: 'as a passage', pack: 'in the prompt' }
const gone: Partial<Record<Step, string>> = { fuse: 'cut at fusion', mmr: 'dropped by MMR', rerank: 'dropped at rerank', parents: 'within another passage', pack: 'cut for want of tokens' }

/** way tells a chunk's way through the stages that ran: "never recalled by meaning, 3rd by words, 2nd fused, dropped at rerank". */
export function way(c: Chunk, ran: readonly Step[]): string {
  const said: string[] = []
  for (const step of ran) {
    const p = c.places[step]
    if (c.dropped_at === step) {
      said.push((gone[step] ?? 'dropped at ' + step) + (c.why ? ' (' + c.why + ')' : ''))
      break
    }
    if (step === 'cite') said.push(c.cited ? 'cited' : 'not cited')
    else if (p) said.push(ordinal(p.rank) + ' ' + (after[step] ?? step))
    else if (step === 'dense' || step === 'sparse') said.push('never recalled ' + after[step])
  }
  if (c.dropped_at && !ran.includes(c.dropped_at)) said.push((gone[c.dropped_at] ?? 'dropped at ' + c.dropped_at) + (c.why ? ' (' + c.why + ')' : ''))
  return said.join(', ')
}

/** score writes a stage's score as it means something: a cosine, a BM25 score, points of a model. */
export function score(step: Step, p: Place | undefined): string {
  if (!p) return ''
  if (step === 'dense' || step === 'mmr') return p.score.toFixed(3)
  if (step === 'fuse') return p.score.toFixed(4)
  if (step === 'sparse') return p.score.toFixed(2)
  return step === 'rerank' ? String(Math.round(p.score * 100) / 100) : ''
}

export type Row = { chunk: Chunk; y: number } | { hidden: number; y: number }
export const ROW = 46, GAP = 22

/** layout places the first chunks of a column and those that are kept; what is left out between them is a gap. y is a row's middle. */
export function layout(chunks: Chunk[], first: number, keep: (c: Chunk) => boolean): { rows: Row[]; height: number; y: Map<string, number> } {
  const rows: Row[] = [], y = new Map<string, number>()
  let at = 0, hidden = 0
  const close = () => { if (hidden) { rows.push({ hidden, y: at + GAP / 2 }); at += GAP; hidden = 0 } }
  chunks.forEach((c, i) => {
    if (i >= first && !keep(c)) { hidden++; return }
    close()
    rows.push({ chunk: c, y: at + ROW / 2 })
    y.set(c.id, at + ROW / 2)
    at += ROW
  })
  close()
  return { rows, height: at, y }
}

/** asStages makes the stages of a kept question, which has only their times and counts. */
export const asStages = (a: Asked): Stage[] => order.filter((s) => a.took_ms[s] !== undefined).map((s) => ({ stage: s, took_ms: a.took_ms[s]!, out: a.counts[s] ?? 0 }))

export interface Bar { stage: Stage; from: number; width: number }

/** waterfall lays stages one behind another, as shares of all of it. */
export function waterfall(stages: Stage[]): Bar[] {
  const all = stages.reduce((n, s) => n + s.took_ms, 0) || 1
  let at = 0
  return stages.map((stage) => { const from = at / all; at += stage.took_ms; return { stage, from, width: stage.took_ms / all } })
}

/** cut splits a text at byte offsets of its UTF-8: before, within, behind; null when they are not within it or cut a character. */
export function cut(text: string, from: number, to: number): [string, string, string] | null {
  const b = new TextEncoder().encode(text)
  const edge = (i: number) => i === b.length || (b[i]! & 0xc0) !== 0x80
  if (!(from >= 0 && from <= to && to <= b.length) || !edge(from) || !edge(to)) return null
  const d = new TextDecoder('utf-8', { ignoreBOM: true }), say = (x: number, y?: number) => d.decode(b.subarray(x, y))
  return [say(0, from), say(from, to), say(to)]
}

export type Part = { text: string } | { source: number; nth: number }

/** parts splits an answer at its marks [1], [2, 3]; nth counts the marks of a source from 0. */
export function parts(answer: string): Part[] {
  const out: Part[] = [], seen = new Map<number, number>()
  let at = 0
  for (const m of answer.matchAll(/\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g)) {
    if (m.index > at) out.push({ text: answer.slice(at, m.index) })
    for (const n of m[1]!.match(/\d+/g)!.map(Number)) {
      const nth = seen.get(n) ?? 0
      seen.set(n, nth + 1)
      out.push({ source: n, nth })
    }
    at = m.index + m[0].length
  }
  if (at < answer.length) out.push({ text: answer.slice(at) })
  return out
}

/** cited is the place in the list of the citation that a mark stands for, or -1. */
export function cited(list: Citation[], source: number, nth: number): number {
  const own = list.map((c, i) => (c.source === source ? i : -1)).filter((i) => i >= 0)
  return own.length ? own[Math.min(nth, own.length - 1)]! : -1
}

/** readLabels reads "year=2026, lang=en, lang=de"; a text is what is wrong with it. */
export function readLabels(text: string): Record<string, string[]> | string {
  const out: Record<string, string[]> = {}
  for (const pair of text.split(',').map((s) => s.trim()).filter(Boolean)) {
    const i = pair.indexOf('=')
    if (i < 1 || i === pair.length - 1) return `"${pair}" is no label: write name=value, several with commas between`
    ;(out[pair.slice(0, i).trim()] ??= []).push(pair.slice(i + 1).trim())
  }
  return out
}

export interface Bucket { t: number; questions: number; empty: number; slow: number; not_in_sources: number; priced: number; cost: string; per: Decimal }

/** buckets joins hours to days where that is the grain; the cost per answer is null where no answer has a known cost. */
export function buckets(hours: Hour[], grain: 'hour' | 'day'): Bucket[] {
  const by = new Map<number, Bucket>()
  for (const h of hours) {
    const t = grain === 'day' ? startOfDay(Date.parse(h.hour)) : Date.parse(h.hour)
    const b = by.get(t) ?? { t, questions: 0, empty: 0, slow: 0, not_in_sources: 0, priced: 0, cost: '0', per: null }
    b.questions += h.questions; b.empty += h.empty; b.slow += h.slow; b.not_in_sources += h.not_in_sources; b.priced += h.priced_answers
    b.cost = render((parse(b.cost) ?? 0n) + (parse(h.cost_usd) ?? 0n))
    b.per = b.priced ? render((parse(b.cost) ?? 0n) / BigInt(b.priced)) : null
    by.set(t, b)
  }
  return [...by.values()].sort((a, b) => a.t - b.t)
}

/** overlaps gives, for each chunk in order, how many bytes of its beginning the one before it ends with. */
export const overlaps = (chunks: Held[]): number[] => chunks.map((c, i) => { const before = chunks[i - 1]; return before && before.end > c.start && before.start < c.end ? Math.min(before.end, c.end) - c.start : 0 })

/** both compares what two questions packed: the chunks in either, with the rank in each. Chunks of two collections are the same when they are of one document and begin alike. */
export function both(a: Passage[], b: Passage[]): { passage: Passage; a: number | null; b: number | null }[] {
  const same = (x: Passage, y: Passage) => x.id === y.id || (x.document === y.document && x.start < y.end && y.start < x.end)
  const out = a.map((p) => ({ passage: p, a: p.source as number | null, b: (b.find((q) => same(p, q))?.source ?? null) as number | null }))
  for (const q of b) if (!a.some((p) => same(p, q))) out.push({ passage: q, a: null, b: q.source })
  return out
}

/** roles says what a collection is for. */
export const roles: Record<Collection['role'], [string, string]> = {
  answers: ['ok', 'answers'], previous: ['', 'answered before'], target: ['accent', 'being filled'], none: ['', 'not used'],
}

/** short is a pipeline's state in a sentence. */
export const short = (p: Pipeline): string => (p.error ? 'its store cannot be read' : !p.collection ? 'nothing is indexed yet' : `${plural(p.documents, 'document')}, ${plural(p.points, 'chunk')}`)
