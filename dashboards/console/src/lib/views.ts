/** Saved views: a list's address under a name. */

/** Rooms are the lists that have views. */
export type Room = 'calls' | 'traces' | 'sessions'

export interface View {
  id: string; room: Room; name: string; query: string; owner: string
  shared: boolean; own: boolean; may_change: boolean; created_at: string; changed_at: string
}
export interface Named { name: string; query: string; about?: string }

const errors: Named = { name: 'Errors', query: 'status=error', about: 'With a call that failed' }
const unpriced: Named = { name: 'Unpriced', query: 'price_status=unpriced', about: 'With a call whose model has no price' }

/** What everybody has from the start, by the list that it is of. */
export const builtIn: Record<Room, readonly Named[]> = { calls: [
  { name: 'Errors', query: 'status=error', about: 'Calls that failed' },
  { name: 'Most expensive', query: 'sort=cost', about: 'The dearest calls first' },
  { name: 'Slow first token', query: 'sort=ttft', about: 'Streams that were slow to begin' },
  { name: 'Unpriced', query: 'price_status=unpriced', about: 'Calls whose model has no price' },
  { name: 'Cache hits', query: 'cache=hit', about: 'Calls answered from memory' },
], traces: [errors, { name: 'Cut or closed early', query: 'status=client_closed&status=cut', about: 'With a call whose answer did not come to its end' }, unpriced], sessions: [errors, unpriced] }

const span = ['range', 'since', 'until']
/** What an address holds that is no part of a view. */
const passing = ['signin', 'cursor']

/** canonical writes a query with its parameters in order, without empty ones and what is no part of a view. */
export function canonical(query: string): string {
  const pairs = [...new URLSearchParams(query)].filter(([k, v]) => v !== '' && !passing.includes(k))
  const by = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return new URLSearchParams(pairs.sort(([k, v], [l, w]) => by(k, l) || by(v, w))).toString()
}

const hasSpan = (query: string): boolean => { const q = new URLSearchParams(query); return span.some((k) => q.has(k)) }

/** isShown says whether a list stands as a view has it. A view without a range is the same in any. */
export function isShown(view: string, search: string): boolean {
  if (hasSpan(view)) return canonical(view) === canonical(search)
  const q = new URLSearchParams(search)
  for (const k of span) q.delete(k)
  return canonical(view) === canonical(q.toString())
}

/** opened is the query to open a view with: a view without a range keeps the one that is shown. */
export function opened(view: string, search: string): string {
  const q = new URLSearchParams(view), now = new URLSearchParams(search)
  if (!hasSpan(view)) for (const k of span) { const v = now.get(k); if (v) q.set(k, v) }
  return canonical(q.toString())
}
