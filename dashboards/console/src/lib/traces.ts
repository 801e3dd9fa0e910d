/** Spans that belong together: as the API has them, as a tree, and what of a trace took the time. */

import type { Call, Usage } from './api'
import { ms, percent } from './format'
import type { Decimal } from './money'

/** A trace or a session, summed up; what describes it is of its first span. */
export interface Bundle {
  id: string; project: string; key: string; user: string; session: string; trace_id: string; kind: string; name: string; model: string
  status: string; http_status: number; error_code: string; input_preview: string; first_id: string
  start_time: string; last_time: string; end_time: string; duration_ms: number
  spans: number; calls: number; errors: number; unpriced_calls: number; cost_usd: Decimal; saved_usd: Decimal
  input_tokens: number; output_tokens: number; usage: Usage; models: string[]; users: string[]; scores: number
}

export interface Span {
  id: string; span_id: string; parent_id: string; kind: string; name: string; model: string; provider: string
  status: string; http_status: number; error: string; offset_ms: number; duration_ms: number; ttft_ms: number | null
  input_tokens: number; output_tokens: number; cost_usd: Decimal; cache: string
}

export interface Outline { trace: Bundle; spans: Span[]; more: boolean }

export interface SessionTurn extends Call { error: { type: string; message: string } | null; request: unknown; response: unknown }
export interface SessionPart { session: Bundle; turns: SessionTurn[]; next: string }

/** Node is a span in its tree. key tells nodes apart even where spans have one id. */
export interface Node { key: string; span: Span; depth: number; parent: Node | null; children: Node[]; critical: boolean; index: number; of: number }

/** arrange makes the tree; a span whose parent is not there, or is its own descendant, is a root. */
export function arrange(spans: Span[]): Node[] {
  const nodes = spans.map((span, i): Node => ({ key: String(i), span, depth: 0, parent: null, children: [], critical: false, index: 1, of: 1 }))
  const bySpan = new Map<string, Node>()
  for (const n of nodes) if (n.span.span_id && !bySpan.has(n.span.span_id)) bySpan.set(n.span.span_id, n)
  const roots: Node[] = []
  for (const n of nodes) {
    let parent = bySpan.get(n.span.parent_id) ?? null
    for (let up = parent; up; up = up.parent) if (up === n) { parent = null; break }
    n.parent = parent
    ;(parent ? parent.children : roots).push(n)
  }
  const order = (list: Node[]) => {
    list.sort((a, b) => a.span.offset_ms - b.span.offset_ms || b.span.duration_ms - a.span.duration_ms)
    list.forEach((n, i) => { n.index = i + 1; n.of = list.length })
  }
  order(roots)
  const todo = [...roots]
  for (let n = todo.pop(); n; n = todo.pop()) {
    order(n.children)
    for (const c of n.children) { c.depth = n.depth + 1; todo.push(c) }
  }
  markCritical(roots)
  return roots
}

const end = (n: Node): number => n.span.offset_ms + n.span.duration_ms

/** markCritical marks the spans that the end of the trace waited for: from the last one back, each time what ended last before. */
function markCritical(roots: Node[]): void {
  const todo: { list: Node[]; until: number }[] = [{ list: roots, until: Infinity }]
  for (let step = todo.pop(); step; step = todo.pop()) {
    let until = step.until
    for (const n of [...step.list].sort((a, b) => end(b) - end(a))) {
      // A child that outlives its parent is waited for as well: what it says of time is clipped, not dropped.
      if (n.span.offset_ms >= until || (until !== step.until && end(n) > until + 0.5)) continue
      n.critical = true
      todo.push({ list: n.children, until: Math.min(end(n), until) })
      until = n.span.offset_ms
    }
  }
}

/** flatten lists the nodes that are to be seen, top to bottom. */
export function flatten(roots: Node[], closed: ReadonlySet<string>): Node[] {
  const out: Node[] = []
  const todo = [...roots].reverse()
  for (let n = todo.pop(); n; n = todo.pop()) {
    out.push(n)
    if (!closed.has(n.key)) for (let i = n.children.length - 1; i >= 0; i--) todo.push(n.children[i]!)
  }
  return out
}

/** callOf is the call that a span belongs to: itself, or the nearest above it. */
export function callOf(n: Node): Node | null {
  for (let up: Node | null = n; up; up = up.parent) if (up.span.kind === 'call') return up
  return null
}

const kinds: Record<string, string> = { call: 'Call', attempt: 'Attempt', chain: 'Pipeline', generation: 'Generation', embedding: 'Embedding', retrieval: 'Retrieval', reranker: 'Reranking' }
/** kindName says what a span stands for. */
export const kindName = (kind: string): string => kinds[kind] ?? kind

/** spanName is what a span is called in a tree. */
export function spanName(s: { kind: string; name: string; model: string; provider?: string }): string {
  if (s.kind === 'call') return s.model || s.name || 'call'
  if (s.kind === 'attempt') return s.provider || 'attempt'
  return s.name || kindName(s.kind)
}

export const failed = (status: string): boolean => status !== 'ok'

/** summary says in words what took the time of a trace. */
export function summary(roots: Node[], whole: number): string {
  const all = flatten(roots, new Set())
  // The time of a span that none of its children accounts for.
  const own = all.filter((n) => n.critical).map((n) => ({ n, ms: ownTime(n) })).sort((a, b) => b.ms - a.ms)
  const top = own[0]
  if (!top || whole <= 0) return ''
  const wrong = all.filter((n) => failed(n.span.status) && n.span.kind !== 'attempt').length
  return `${kindName(top.n.span.kind)} ${spanName(top.n.span)} took ${ms(top.ms)} by itself, ${percent(top.ms, whole)} of the whole.` + (wrong ? ` ${wrong === 1 ? 'One span' : wrong + ' spans'} went wrong.` : '')
}

/** ownTime is how long a span ran while none of its children did. */
export function ownTime(n: Node): number {
  const from = n.span.offset_ms, to = end(n)
  let covered = 0, at = from
  for (const c of [...n.children].sort((a, b) => a.span.offset_ms - b.span.offset_ms)) {
    const lo = Math.max(at, c.span.offset_ms), hi = Math.min(to, end(c))
    if (hi > lo) { covered += hi - lo; at = hi }
  }
  return Math.max(0, n.span.duration_ms - covered)
}
