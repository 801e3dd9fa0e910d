/** The filters of lists of calls: parameters of the address, each of which may have several values. */

/** Filters are parameters that the API filters by; not.FIELD leaves calls with its values out. */
export type Filters = Record<string, string[]>
/** Change is what to do with parameters of the address. */
export type Change = Record<string, string | readonly string[] | undefined>

export const NOT = 'not.'

interface Field { name: string; facet?: boolean; hint?: string; fixed?: string[] }

export const fields: Record<string, Field> = {
  project: { name: 'Project', facet: true }, model: { name: 'Model', facet: true }, status: { name: 'Status', facet: true, fixed: ['ok', 'error', 'client_closed', 'budget', 'rate_limited', 'cut'] },
  user: { name: 'User', facet: true }, key: { name: 'Key', facet: true }, provider: { name: 'Provider', facet: true },
  endpoint: { name: 'Endpoint', hint: 'chat.completions' }, cache: { name: 'Cache', facet: true, fixed: ['off', 'miss', 'hit', 'semantic'] },
  session: { name: 'Session', hint: 'session id' }, prompt: { name: 'Prompt', hint: 'name@version' }, arm: { name: 'Arm', hint: 'arm of an experiment' }, tag: { name: 'Tag', hint: 'team=care' },
  error_code: { name: 'Error code', hint: 'rate_limit_exceeded' }, price_status: { name: 'Price', facet: true, fixed: ['exact', 'default', 'unpriced'] }, trace: { name: 'Trace', hint: 'trace id' },
}

/** nameOf is a field as people call it. */
export const nameOf = (field: string): string => fields[field]?.name ?? 'Tag ' + field.replace(/^tag\./, '')

/** bare is a parameter without what says that it leaves out. */
export const bare = (param: string): string => (param.startsWith(NOT) ? param.slice(NOT.length) : param)

const isField = (name: string): boolean => (name in fields && name !== 'tag') || /^tag\.[\w.-]+$/.test(name)

/** filterOf keeps the parameters that the API filters by. */
export function filterOf(params: URLSearchParams): Filters {
  const out: Filters = {}
  for (const [k, v] of params) if (v && (k === 'q' || isField(bare(k))) && !out[k]?.includes(v)) (out[k] ??= []).push(v)
  return out
}

/** picked are the filters one by one, without the words that are searched for. */
export const picked = (filters: Filters): { param: string; value: string }[] =>
  Object.entries(filters).flatMap(([param, values]) => (param === 'q' ? [] : values.map((value) => ({ param, value }))))

const values = (params: URLSearchParams, param: string): string[] => filterOf(params)[param] ?? []
/** chosen are the values one of which calls have, left the values that none has. */
export const chosen = (params: URLSearchParams, field: string): string[] => values(params, field)
export const left = (params: URLSearchParams, field: string): string[] => values(params, NOT + field)

const toggled = (list: readonly string[], value: string): string[] => (list.includes(value) ? list.filter((v) => v !== value) : [...list, value])
const less = (list: readonly string[], value: string): string[] => list.filter((v) => v !== value)

/** choose takes a value along, or no longer. */
export const choose = (params: URLSearchParams, field: string, value: string): Change => ({ [field]: toggled(chosen(params, field), value), [NOT + field]: less(left(params, field), value) })
/** leaveOut leaves a value out, or no longer. */
export const leaveOut = (params: URLSearchParams, field: string, value: string): Change => ({ [field]: less(chosen(params, field), value), [NOT + field]: toggled(left(params, field), value) })
/** only takes one value and no other. */
export const only = (field: string, value: string): Change => ({ [field]: value, [NOT + field]: undefined })
/** clear asks nothing of a field. */
export const clear = (field: string): Change => ({ [field]: undefined, [NOT + field]: undefined })
/** drop takes one value of a parameter away. */
export const drop = (params: URLSearchParams, param: string, value: string): Change => ({ [param]: less(values(params, param), value) })
