/** The columns of the list of calls: which there are, which are shown, in which order. */

/** The orders of the list: the newest first, or the largest of a figure. */
export const sorts = ['time', 'cost', 'duration', 'ttft', 'tokens'] as const
export type Sort = (typeof sorts)[number]

export interface Column {
  id: string; name: string
  about?: string // what the heading does not say
  min: number; grow: number // the least width in pixels, and the share of what is left
  num?: boolean; sort?: Sort
}

export const columns: readonly Column[] = [
  { id: 'time', name: 'Time', min: 56, grow: 0, sort: 'time' },
  { id: 'model', name: 'Model', min: 150, grow: 1.8 },
  { id: 'who', name: 'Project and user', min: 108, grow: 1.2 },
  { id: 'status', name: 'Status', min: 92, grow: 0 },
  { id: 'tokens', name: 'Tokens', about: 'Tokens in → out', min: 92, grow: 0, num: true, sort: 'tokens' },
  { id: 'cost', name: 'Cost', min: 78, grow: 0, num: true, sort: 'cost' },
  { id: 'latency', name: 'Latency', min: 60, grow: 0, num: true, sort: 'duration' },
  { id: 'ttft', name: 'First', about: 'Time to the first token', min: 56, grow: 0, num: true, sort: 'ttft' },
  { id: 'cache', name: 'Cache', min: 62, grow: 0 },
  { id: 'project', name: 'Project', min: 96, grow: 1 },
  { id: 'user', name: 'User', min: 80, grow: 1 },
  { id: 'key', name: 'Key', min: 80, grow: 0.6 },
  { id: 'provider', name: 'Provider', min: 76, grow: 0.4 },
  { id: 'endpoint', name: 'Endpoint', min: 120, grow: 0.4 },
  { id: 'prompt', name: 'Prompt', about: 'Prompt and its version', min: 96, grow: 0.8 },
  { id: 'arm', name: 'Arm', about: 'Arm of an experiment', min: 60, grow: 0.4 },
  { id: 'session', name: 'Session', min: 96, grow: 0.8 },
  { id: 'trace', name: 'Trace', min: 84, grow: 0.3 },
  { id: 'finish', name: 'Finish', about: 'Why the answer ended', min: 74, grow: 0.3 },
  { id: 'error', name: 'Error code', min: 120, grow: 0.8 },
  { id: 'tags', name: 'Tags', min: 140, grow: 1.4 },
  { id: 'cached', name: 'Cached', about: 'Tokens read from the provider’s cache', min: 66, grow: 0, num: true },
  { id: 'reasoning', name: 'Reasoning', about: 'Reasoning tokens', min: 76, grow: 0, num: true },
  { id: 'saved', name: 'Saved', about: 'What the response cache saved', min: 78, grow: 0, num: true },
  { id: 'attempts', name: 'Tries', about: 'Attempts at providers', min: 44, grow: 0, num: true },
  { id: 'question', name: 'Question', about: 'The beginning of the last message', min: 200, grow: 2.6 },
  { id: 'answer', name: 'Answer', about: 'The beginning of the answer', min: 200, grow: 2.6 },
]

const byId = new Map(columns.map((c) => [c.id, c]))
export const column = (id: string): Column | undefined => byId.get(id)

/** What is shown unless somebody chooses. */
export const usual: readonly string[] = ['time', 'model', 'who', 'status', 'tokens', 'cost', 'latency', 'ttft']

/** A call is opened by its model, so that this column always stays. */
export const fixed = 'model'

/** known keeps the columns that there are, each once, with the one that always stays; none at all is the usual ones. */
export function known(ids: readonly string[]): string[] {
  const out = [...new Set(ids)].filter((id) => byId.has(id))
  if (!out.length) return [...usual]
  return out.includes(fixed) ? out : [fixed, ...out]
}

/** readColumns reads the parameter columns. */
export const readColumns = (text: string | null): string[] | undefined => (text ? known(text.split(',')) : undefined)

export const isUsual = (ids: readonly string[]): boolean => ids.join() === usual.join()

/** toggle shows a column where it would stand among those that are shown, or hides it. */
export function toggle(ids: readonly string[], id: string): string[] {
  if (id === fixed || !byId.has(id)) return [...ids]
  if (ids.includes(id)) return ids.filter((x) => x !== id)
  const order = columns.map((c) => c.id), place = order.indexOf(id)
  const before = ids.findLastIndex((x) => order.indexOf(x) < place)
  return ids.toSpliced(before + 1, 0, id)
}

/** move puts a column one place on or back. */
export function move(ids: readonly string[], id: string, by: 1 | -1): string[] {
  const at = ids.indexOf(id), to = at + by
  if (at < 0 || to < 0 || to >= ids.length) return [...ids]
  const out = [...ids]
  ;[out[at], out[to]] = [out[to]!, out[at]!]
  return out
}

export const GAP = 9, SIDES = 28

/** tracks are the widths as a grid takes them, and the least width of them all in pixels; dated says that times have their day. */
export function tracks(ids: readonly string[], dated = false): { grid: string; least: number } {
  const list = ids.map((id) => { const c = byId.get(id)!; return dated && id === 'time' ? { ...c, min: 82 } : dated && id === 'who' ? { ...c, min: 82 } : c })
  return {
    grid: list.map((c) => (c.grow ? `minmax(${c.min}px, ${c.grow}fr)` : c.min + 'px')).join(' '),
    least: list.reduce((s, c) => s + c.min, 0) + GAP * Math.max(0, list.length - 1) + SIDES,
  }
}

export const densities = ['compact', 'comfortable'] as const
export type Density = (typeof densities)[number]
export const readDensity = (v: unknown): Density | undefined => densities.find((d) => d === v)
/** readUp says whether an address asks for the smallest first. */
export const readUp = (v: string | null): boolean => v === 'asc'
export const readSort = (v: string | null): Sort => sorts.find((s) => s === v) ?? 'time'
