/** Findings about what calls cost more than they need to. */

import { count, plural, short } from './format'
import { usd } from './money'

export interface Figure { name: string; value: string; unit: string }
export interface Finding { kind: string; title: string; filter: Record<string, string>; evidence: Figure[]; saving_usd_30d: string; how: string; do: string; calls: string[] }
export interface Advice {
  since: string; until: string; first_call: string | null; texts_since: string; calls: number; cost_usd: string; floor_usd: string; below_floor: number
  findings: Finding[]; left_out: { kind: string; why: string }[]
}

const kinds: Record<string, string> = {
  prompt_caching: 'Prompt caching', response_cache: 'Response cache', unread_writes: 'Unread cache writes', long_inputs: 'Long inputs', long_histories: 'Long histories',
  paid_failures: 'Paid failures', heavy_users: 'Heavy users', cut_answers: 'Cut answers', tiny_answers: 'Tiny answers',
}

/** kindName is a kind of finding in words. */
export const kindName = (k: string): string => kinds[k] ?? k.replaceAll('_', ' ')

const things: Record<string, string> = { calls: 'call', sessions: 'session', users: 'user', tokens: 'token', bytes: 'byte', seconds: 'second' }

/** figure writes a figure of the evidence with its unit. */
export function figure(f: Figure): string {
  const n = Number(f.value)
  if (f.unit === 'usd') return usd(f.value)
  if (f.value.trim() === '' || Number.isNaN(n)) return `${f.value} ${f.unit}`.trim()
  if (f.unit === 'percent') return f.value + '%'
  if (f.unit === 'times') return f.value + '×'
  const one = things[f.unit]
  if (!one) return `${count(n)} ${f.unit}`.trim()
  return Math.abs(n) >= 100_000 ? `${short(n)} ${f.unit}` : Number.isInteger(n) ? plural(n, one) : `${count(n)} ${f.unit}`
}
