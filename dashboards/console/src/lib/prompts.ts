/** Prompts as the API tells them, and what the rooms make of that. */

import type { CostRow, Failure } from './api'
import { arr, isObj, objs, str, type Json, type Obj } from './assemble'
import { sum, type Decimal } from './money'

export interface Message { role: string; content: string }
/** Content is what a version says: a text or messages, and how a model is to be asked with it. */
export interface Content { text?: string; messages?: Message[]; model?: string; settings?: Json; variables?: Json; defaults?: Json; response_format?: Json; tools?: Json }

export interface PromptRow {
  name: string; kind: string; model: string; versions: number; labels: Record<string, number>; protected: string[]; message: string; author: string; updated_at: string
}
export interface VersionRow {
  version: number; hash: string; kind: string; model: string; labels: string[]; author: string; message: string; created_at: string; deleted_at: string | null; deleted_by: string
}
export interface Label { label: string; version: number; revision: number; moved_at: string; protected: boolean }
export interface Protection { label: string; approvals: number; gate: string; author: string; set_at: string }
export interface Prompt { name: string; revision: number; versions: VersionRow[]; labels: Label[]; protections: Protection[] }
export interface Version extends VersionRow { name: string; revision: number; content: Content }
export interface Pushed { name: string; version: number; hash: string; made: boolean; warnings: string[]; revision: number; converged: boolean }
export interface Move { revision: number; label: string; from: number; to: number; author: string; reason: string; change: string; moved_at: string }
export interface Moved extends Move { converged: boolean }
export interface Rendered {
  name: string; version: number; hash: string; revision: number; text?: string; messages?: Message[]; model?: string; settings?: Json; response_format?: Json; tools?: Json
  pins?: { ref: string; name: string; version: number; hash: string; revision: number }[]
}

export type Op = 'same' | 'added' | 'removed' | 'changed' | 'moved'
export interface WordDiff { op: Op; text: string }
export interface LineDiff { op: Op; from?: number; to?: number; text: string; words?: WordDiff[] }
export interface MessageDiff { op: Op; role: string; from?: number; to?: number; lines?: LineDiff[] }
export interface MemberDiff { member: string; path?: string[]; op: Op; from?: Json; to?: Json }
export interface Recent {
  calls: number; inputs: number; unusable: number; refused: number; refusal: string; estimated: boolean; from_tokens: number; to_tokens: number; from_usd: Decimal; to_usd: Decimal
}
export interface Diff {
  from: { name: string; version: number; hash: string }; to: { name: string; version: number; hash: string }; same: boolean
  messages: MessageDiff[]; members: MemberDiff[]; text: string; recent: Recent | null; recent_error: string
}

export interface Review { author: string; verdict: 'approve' | 'reject'; comment: string; at: string }
export interface Change {
  id: string; prompt: string; label: string; from: number; to: number; author: string; reason: string; opened_at: string; status: 'open' | 'merged' | 'closed'; stale: boolean
  reviews: Review[]; approved_by: string[]; rejected_by: string[]; approvals_needed: number; gate: string; closed_at: string | null; closed_by: string; revision: number
}
export interface ChangeDetail extends Change { blocked: string[]; gate_passed: boolean | null; gate_report: string; diff: Diff | null }

export interface VersionUsage extends CostRow { version: number }
export interface Usage { name: string; since: string; until: string; versions: VersionUsage[]; total: CostRow }
export interface ScoreRow { name: string; type: 'number' | 'boolean' | 'category'; group: Record<string, string>; n: number; mean: number; sd: number; min: number; max: number; p50: number; categories: Record<string, number> | null }

/** The label that moves by itself to each new version: it says nothing that the versions do not. */
export const LATEST = 'latest'

export const promptPath = (name: string): string => '/api/v1/prompts/' + encodeURIComponent(name)
/** roomOf is the console's address of a prompt, or of a part of its room. */
export function roomOf(name: string, at: Record<string, string | number | undefined> = {}): string {
  const q = new URLSearchParams(Object.entries(at).flatMap(([k, v]) => (v === undefined || v === '' ? [] : [[k, String(v)]])))
  return '/prompts/' + encodeURIComponent(name) + (q.size ? '?' + q : '')
}

export interface Sum { calls: number; errors: number; cost: Decimal; unpriced: number }

/** byName adds the rows of costs by prompt, whose prompts read name@7, up by name. */
export function byName(rows: CostRow[]): Map<string, Sum> {
  const out = new Map<string, Sum>()
  for (const r of rows) {
    const name = String(r.prompt ?? '').replace(/@[^@]*$/, '')
    if (!name) continue
    const s = out.get(name) ?? { calls: 0, errors: 0, cost: null, unpriced: 0 }
    out.set(name, { calls: s.calls + r.calls, errors: s.errors + r.errors, cost: r.cost_usd === null ? s.cost : sum([s.cost, r.cost_usd]), unpriced: s.unpriced + (r.unpriced_calls ?? 0) })
  }
  return out
}

/** versionOfScore reads the number behind the @ of a score's prompt; 0 when it has none. */
export const versionOfScore = (r: ScoreRow): number => Number(/@(\d+)$/.exec(r.group.prompt ?? '')?.[1] ?? 0)

/** fits says whether a prompt is meant by what was typed: each word in its name, labels, author, message or model. */
export function fits(p: PromptRow, text: string): boolean {
  const hay = [p.name, p.author, p.message, p.model, ...Object.keys(p.labels)].join('\n').toLowerCase()
  return text.toLowerCase().split(/\s+/).every((w) => hay.includes(w))
}

export interface Variable { name: string; type: string; about: string; required: boolean; fallback: Json | undefined; listed: boolean; used: boolean }

/** typeOf writes the type of a schema for people: string, number or null, list of object. */
export function typeOf(s: Json | undefined): string {
  if (!isObj(s)) return ''
  if (Array.isArray(s.enum)) return s.enum.map((v) => JSON.stringify(v)).join(' | ')
  const types = typeof s.type === 'string' ? [s.type] : arr(s.type).map(str).filter(Boolean)
  return types.map((t) => (t === 'array' ? 'list' + (typeOf(s.items) ? ' of ' + typeOf(s.items) : '') : t)).join(' or ')
}

/** variablesOf joins what the schema lists with what the templates ask for, those of the schema first. */
export function variablesOf(c: Content, used: string[]): Variable[] {
  const schema = isObj(c.variables) ? c.variables : {}
  const props = isObj(schema.properties) ? schema.properties : {}
  const needed = new Set(arr(schema.required).map(str))
  const defaults = isObj(c.defaults) ? c.defaults : {}
  const listed = Object.keys(props)
  return [...listed, ...[...used, ...Object.keys(defaults)].filter((n, i, all) => !listed.includes(n) && all.indexOf(n) === i)].map((name) => {
    const s = props[name]
    const own = Object.hasOwn(defaults, name)
    return {
      name, type: typeOf(s), about: isObj(s) ? str(s.description) : '', fallback: own ? defaults[name] : undefined, listed: listed.includes(name), used: used.includes(name),
      required: !own && (isObj(c.variables) && listed.includes(name) ? needed.has(name) : used.includes(name)),
    }
  })
}

export interface Fault { where: string; line: number; column: number; reason: string }

/** faultsOf reads what the API says is wrong with a content: one fault, or a list with a line each. */
export function faultsOf(message: string): Fault[] {
  const text = message.replace(/^not a prompt: /, '')
  const lines = /^it has \d+ faults:\n/.test(text) ? text.split('\n').slice(1) : [text]
  return lines.map((l) => {
    const m = /^\s*([a-z_]+(?:\[\d+\])?): (?:line (\d+), column (\d+): )?([\s\S]*)$/.exec(l)
    return m ? { where: m[1]!, line: Number(m[2] ?? 0), column: Number(m[3] ?? 0), reason: m[4]! } : { where: '', line: 0, column: 0, reason: l.trim() }
  })
}

/** variableOf names the variable that a refusal is about, "" when it is about all of them; null when it is about none. */
export function variableOf(e: Failure): string | null {
  const m = e.code === 'weir_prompt_invalid' ? /^(?:prompt\.)?variables(?:\.([\s\S]+))?$/.exec(e.param) : null
  return m ? m[1] ?? '' : null
}

/** pathOf writes where a value stands: tools[0].function.name. */
export const pathOf = (d: MemberDiff): string => (d.path ?? []).reduce((s, p) => s + (/^\d+$/.test(p) ? `[${p}]` : '.' + p), d.member)

export interface Pair { op: Op; left: LineDiff | null; right: LineDiff | null }

/** sideBySide puts removed lines beside the added ones that came in their place. */
export function sideBySide(lines: LineDiff[]): Pair[] {
  const out: Pair[] = []
  let gone: LineDiff[] = [], come: LineDiff[] = []
  const flush = () => {
    for (let i = 0; i < Math.max(gone.length, come.length); i++) {
      const left = gone[i] ?? null, right = come[i] ?? null
      out.push({ op: left && right ? 'changed' : left ? 'removed' : 'added', left, right })
    }
    gone = []
    come = []
  }
  for (const l of lines) {
    if (l.op === 'removed') gone.push(l)
    else if (l.op === 'added') come.push(l)
    else { flush(); out.push({ op: 'same', left: l, right: l }) }
  }
  flush()
  return out
}

/** toolsOf lists a version's tools with their schemas. */
export const toolsOf = (tools: Json | undefined): { name: string; about: string; schema: Json | undefined }[] =>
  objs(tools).map((t) => {
    const f: Obj = isObj(t.function) ? t.function : t
    return { name: str(f.name) || str(t.type), about: str(f.description), schema: f.parameters as Json | undefined }
  })

/** settingsOf lists members of settings as words. */
export const settingsOf = (settings: Json | undefined): [string, string][] =>
  isObj(settings) ? Object.entries(settings).map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)]) : []

/** newest is the newest version that is there; undefined when all were deleted. */
export const newest = (p: Prompt): VersionRow | undefined => p.versions.find((v) => !v.deleted_at)

/** standing is the version one wants to see first: production, else the newest. */
export function standing(p: Prompt): number {
  const at = p.labels.find((l) => l.label === 'production')?.version
  const there = p.versions.find((v) => v.version === at && !v.deleted_at)
  return there?.version ?? newest(p)?.version ?? p.versions[0]?.version ?? 0
}
