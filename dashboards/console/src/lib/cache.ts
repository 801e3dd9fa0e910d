/** What the response cache did, summed up from the recorded calls. */

import type { CostRow } from './api'
import { parse, render } from './money'
import { name } from './pivot'

/** What became of calls: answered by an equal call, by one alike, by nobody before, or never asked. */
export const states: Record<string, string> = { hit: 'Hits', semantic: 'Semantic hits', miss: 'Misses', off: 'Not asked' }

export interface Tally { name: string; value: string; hit: number; semantic: number; miss: number; off: number; saved: string }

/** hits are the calls that were answered from the cache. */
export const hits = (t: Tally): number => t.hit + t.semantic
/** asked are the calls that the cache was asked for. */
export const asked = (t: Tally): number => hits(t) + t.miss

/** tally adds rows (by cache, and by dim unless it is "") up: most saved first, then most hits, then most asked. */
export function tally(rows: CostRow[], dim: string): Tally[] {
  const all = new Map<string, Tally & { sum: bigint }>()
  for (const r of rows) {
    const value = dim ? String(r[dim] ?? '') : ''
    let t = all.get(value)
    if (!t) all.set(value, (t = { name: dim ? name(value) : 'all', value, hit: 0, semantic: 0, miss: 0, off: 0, saved: '0', sum: 0n }))
    const state = String(r.cache) as 'hit'
    t[['hit', 'semantic', 'miss'].includes(state) ? state : 'off'] += r.calls
    t.sum += parse(r.saved_usd) ?? 0n
  }
  const list = [...all.values()].map(({ sum, ...t }) => ({ ...t, saved: render(sum), sum }))
  list.sort((a, b) => (a.sum === b.sum ? hits(b) - hits(a) || asked(b) - asked(a) || b.off - a.off || a.name.localeCompare(b.name) : a.sum < b.sum ? 1 : -1))
  return list.map(({ sum: _, ...t }) => t)
}

/** series keeps the calls that asked, each under the name of what became of it. */
export const series = (rows: CostRow[]): CostRow[] => rows.filter((r) => r.cache === 'hit' || r.cache === 'semantic' || r.cache === 'miss').map((r) => ({ ...r, cache: states[String(r.cache)]! }))

export interface Wanted { project: string; model: string; tag: string; older: string }

/** purgeOf writes what is to be purged as the API's parameters; a text says what is wrong with it. */
export function purgeOf(w: Wanted): Record<string, string> | string {
  const out: Record<string, string> = {}
  if (w.project.trim()) out.project = w.project.trim()
  if (w.model.trim()) out.model = w.model.trim()
  if (w.tag.trim()) {
    const m = /^([^=:\s]+)\s*[=:]\s*(.+)$/.exec(w.tag.trim())
    if (!m) return 'Write the tag as name=value, such as team=care.'
    out['tag.' + m[1]] = m[2]!.trim()
  }
  if (w.older.trim()) {
    if (!/^\d+[smhdw]$/.test(w.older.trim())) return 'Write the age as a number and s, m, h, d or w, such as 15m or 24h.'
    out.older_than = w.older.trim()
  }
  return out
}
