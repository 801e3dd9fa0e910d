/** The values that calls have, with how many have each. */

import { bare, filterOf } from './filters'

export interface FacetValues { field: string; since: string | null; values: { value: string; calls: number }[]; others: { values: number; calls: number } }
export interface FacetAnswer { since: string | null; until: string | null; fields: FacetValues[] }

/** What one may narrow by, in the order of the panel. The values of tag are names of tags, each of which is a field tag.NAME. */
export const facets: readonly { field: string; name: string }[] = [
  { field: 'project', name: 'Project' }, { field: 'model', name: 'Model' }, { field: 'provider', name: 'Provider' }, { field: 'status', name: 'Status' },
  { field: 'endpoint', name: 'Endpoint' }, { field: 'cache', name: 'Cache' }, { field: 'key', name: 'Key' }, { field: 'user', name: 'User' },
  { field: 'error_code', name: 'Error code' }, { field: 'price_status', name: 'Price' }, { field: 'tag', name: 'Tags' },
]

/** Which stand open at first. */
export const openAtFirst: readonly string[] = ['project', 'model', 'status']
/** The service counts by so many fields at a time. */
const together = 20

/** pickedTags are the tags that one filters by. */
export const pickedTags = (params: URLSearchParams): string[] => [...new Set(Object.keys(filterOf(params)).map(bare))].filter((k) => k.startsWith('tag.'))

/** asked is the parameter fields for what stands open; what is closed costs nothing. Tags that one picks are named as long as Tags is open. */
export function asked(open: readonly string[], params: URLSearchParams): string {
  const fields = facets.map((f) => f.field).filter((f) => open.includes(f))
  if (open.includes('tag')) {
    fields.push(...open.filter((f) => f.startsWith('tag.')))
    for (const k of pickedTags(params)) if (!fields.includes(k)) fields.push(k)
  }
  return fields.slice(0, together).join(',')
}

const words: Record<string, Record<string, string>> = {
  status: { client_closed: 'client closed', rate_limited: 'rate limited' }, cache: { semantic: 'semantic hit' }, price_status: { default: 'by the default price' },
}
/** said is a value as people say it. */
export const said = (field: string, value: string): string => words[field]?.[value] ?? value

/** found keeps the values that have a text in them. */
export const found = <T extends { value: string }>(field: string, values: readonly T[], text: string): T[] => {
  const t = text.trim().toLowerCase()
  return t ? values.filter((v) => v.value.toLowerCase().includes(t) || said(field, v.value).includes(t)) : [...values]
}
