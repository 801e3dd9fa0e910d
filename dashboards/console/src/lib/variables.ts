/** The fields of a prompt's variables: which there are, what was typed into them, which of them a refusal is about. */

import type { Failure } from './api'
import type { Json } from './assemble'
import { variableOf, variablesOf, type Content } from './prompts'
import { namesOf, templatesOf } from './template'

export interface Slot { name: string; json: boolean; type: string; about: string; required: boolean; fallback: Json | undefined }

/** slotsOf lists the fields of a content's variables. A text is typed as it is, any other value as JSON. */
export function slotsOf(c: Content): Slot[] {
  const names = namesOf(templatesOf(c))
  return variablesOf(c, names.names).map((v) => ({ name: v.name, type: v.type, about: v.about, required: v.required, fallback: v.fallback, json: v.type ? !/^(string|"[^"]*"(?: \| "[^"]*")*)$/.test(v.type) : names.sections.includes(v.name) }))
}

/** withNamed adds fields for variables that only a refusal has told of: those of partials. */
export const withNamed = (slots: Slot[], named: string[]): Slot[] =>
  [...slots, ...named.filter((n) => !slots.some((s) => s.name === n)).map((name): Slot => ({ name, json: false, type: '', about: 'A prompt that is taken in asks for it.', required: true, fallback: undefined }))]

/** missing names the variable that a refusal wants and no field is for; "" when there is none. */
export function missing(e: Failure | null, slots: Slot[]): string {
  const name = e ? (variableOf(e) ?? '').split('.')[0]! : ''
  return slots.some((s) => s.name === name) ? '' : name
}

/** valuesOf makes the variables of what was typed; what is left empty is left out, and what is no JSON is named. */
export function valuesOf(slots: Slot[], typed: Record<string, string>): { values: Record<string, Json>; wrong: Record<string, string> } {
  const values: Record<string, Json> = {}, wrong: Record<string, string> = {}
  for (const s of slots) {
    const text = typed[s.name] ?? ''
    if (!s.json) { if (text !== '') values[s.name] = text; continue }
    if (!text.trim()) continue
    try { values[s.name] = JSON.parse(text) as Json } catch { wrong[s.name] = 'This is not JSON: a list is written ["a", "b"], an object {"a": 1}, a text "a".' }
  }
  return { values, wrong }
}

/** wrongOf puts a refusal beside its variable: the part before the first dot is the field's. */
export function wrongOf(e: Failure | null, slots: Slot[]): { beside: Record<string, string>; general: Failure | null } {
  const name = e && variableOf(e)
  const slot = name ? slots.find((s) => s.name === name || name.startsWith(s.name + '.')) : undefined
  return slot && e ? { beside: { [slot.name]: e.message.replace(/^prompt \S+: /, '') }, general: null } : { beside: {}, general: e }
}
