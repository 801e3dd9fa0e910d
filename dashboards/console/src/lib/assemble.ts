/** Streams put back together: recorded events become the body the provider would have sent unstreamed. */

import { looksLikeSSE, parseSSE } from './sse'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Obj = { [key: string]: Json | undefined }

/** A recorded body, read. `note` says what is wrong with it, for people. */
export interface Body { value: Json | undefined; text: string; streamed: boolean; note: string; error: Obj | null }

export const isObj = (v: unknown): v is Obj => typeof v === 'object' && v !== null && !Array.isArray(v)
export const arr = (v: unknown): Json[] => (Array.isArray(v) ? v : [])
export const objs = (v: unknown): Obj[] => arr(v).filter((x) => isObj(x)) as Obj[]
export const str = (v: unknown): string => (typeof v === 'string' ? v : '')

/** readBody takes a recorded body (an object, JSON text, an event stream or other text) and never throws. */
export function readBody(raw: unknown): Body {
  const none: Body = { value: undefined, text: '', streamed: false, note: '', error: null }
  if (raw === null || raw === undefined || raw === '') return none
  if (typeof raw !== 'string') {
    return { ...none, value: raw as Json, text: JSON.stringify(raw, null, 2), error: isObj(raw) ? errorOf(raw) : null }
  }
  if (looksLikeSSE(raw)) return { ...none, ...assemble(raw), text: raw, streamed: true }
  try {
    const value = JSON.parse(raw) as Json
    return { ...none, value, text: raw, error: isObj(value) ? errorOf(value) : null }
  } catch {
    return { ...none, text: raw, note: 'The body is not JSON; it is shown as it came.' }
  }
}

function errorOf(o: Obj): Obj | null {
  if (isObj(o.error)) return o.error
  return typeof o.error === 'string' ? { message: o.error, code: o.code ?? null } : null
}

/** assemble folds the events of a stream; the dialect is told by the events themselves. */
export function assemble(raw: string): { value: Json | undefined; note: string; error: Obj | null } {
  const { events, tail } = parseSSE(raw)
  const list: Obj[] = []
  let broken = 0, done = false
  for (const e of events) {
    if (e.data.trim() === '[DONE]') { done = true; continue }
    try {
      const v = JSON.parse(e.data) as Json
      if (isObj(v)) list.push(typeof v.type === 'string' || e.event === 'message' ? v : { type: e.event, ...v })
    } catch { broken++ }
  }
  const error = list.map(errorIn).find((e) => e !== null) ?? null
  const types = list.map((v) => str(v.type))
  let value: Json | undefined, complete = done
  if (types.some((t) => t.startsWith('response.'))) {
    value = foldResponses(list)
    complete ||= types.some((t) => /^response\.(completed|incomplete|failed)$/.test(t))
  } else if (types.includes('message_start')) {
    value = foldMessages(list)
    complete ||= types.includes('message_stop')
  } else if (list.some((v) => objs(v.choices).some((c) => 'text' in c && !('delta' in c)))) {
    value = foldChoices(list, 'text_completion')
    complete ||= allFinished(value)
  } else if (list.some((v) => 'choices' in v)) {
    value = foldChoices(list, 'chat.completion')
    complete ||= allFinished(value)
  }
  const notes: string[] = []
  if (!complete && !error && value !== undefined) notes.push('The stream ends before its closing event: the answer is cut.')
  if (tail !== '') notes.push('The last event is incomplete and left out.')
  if (broken) notes.push(`${broken} event${broken > 1 ? 's are' : ' is'} not JSON and left out.`)
  return { value, note: notes.join(' '), error }
}

function errorIn(v: Obj): Obj | null {
  if (v.type === 'error') return isObj(v.error) ? v.error : v
  if (v.type === 'response.failed' && isObj(v.response)) return errorOf(v.response) ?? { message: 'The response failed.' }
  return v.type === undefined || v.type === 'message' ? errorOf(v) : null
}

const allFinished = (v: Json | undefined): boolean => {
  const choices = isObj(v) ? objs(v.choices) : []
  return choices.length > 0 && choices.every((c) => !!c.finish_reason)
}

/** foldChoices joins chat and legacy completion chunks, choice by choice; tool fragments join by index, never by id. */
function foldChoices(list: Obj[], object: string): Json {
  const out: Obj = { object }
  const choices = new Map<number, Obj>()
  for (const chunk of list) {
    for (const k of ['id', 'model', 'created', 'service_tier', 'system_fingerprint', 'usage'] as const) {
      if (chunk[k] !== undefined && chunk[k] !== null && chunk[k] !== '') out[k] = chunk[k]
    }
    for (const c of objs(chunk.choices)) {
      const index = typeof c.index === 'number' ? c.index : 0
      const choice = choices.get(index) ?? { index, finish_reason: null }
      choices.set(index, choice)
      if (c.finish_reason) choice.finish_reason = c.finish_reason
      if ('text' in c) choice.text = str(choice.text) + str(c.text)
      if (isObj(c.delta)) choice.message = foldDelta(isObj(choice.message) ? choice.message : {}, c.delta) as Json
    }
  }
  out.choices = [...choices.values()].sort((a, b) => Number(a.index) - Number(b.index)) as Json[]
  return out as Json
}

function foldDelta(message: Obj, delta: Obj): Obj {
  for (const [k, v] of Object.entries(delta)) {
    if (v === null || v === undefined) continue
    if (k === 'tool_calls') message.tool_calls = foldTools(arr(message.tool_calls), objs(v)) as Json
    else if (isObj(v)) message[k] = foldDelta(isObj(message[k]) ? (message[k] as Obj) : {}, v) as Json
    else if (typeof v === 'string' && k !== 'role' && k !== 'id') message[k] = str(message[k]) + v
    else message[k] = v
  }
  return message
}

function foldTools(have: Json[], parts: Obj[]): Json[] {
  for (const p of parts) {
    const index = typeof p.index === 'number' ? p.index : have.length
    const tool = (isObj(have[index]) ? have[index] : { type: 'function', function: { name: '', arguments: '' } }) as Obj
    if (p.id) tool.id = p.id
    if (p.type) tool.type = p.type
    const fn = tool.function as Obj, part = isObj(p.function) ? p.function : {}
    tool.function = { name: str(fn.name) + str(part.name), arguments: str(fn.arguments) + str(part.arguments) }
    have[index] = tool as Json
  }
  return have
}

/** foldResponses prefers the closing event's whole response, and else what the deltas gave. */
function foldResponses(list: Obj[]): Json {
  let out: Obj = {}
  const items: Obj[] = []
  const at = (v: Obj): Obj => {
    const i = typeof v.output_index === 'number' ? v.output_index : 0
    return (items[i] ??= { type: 'message', role: 'assistant', content: [] })
  }
  const slot = (item: Obj, field: 'content' | 'summary', v: Obj, blank: Obj): Obj => {
    const i = Number(v.content_index ?? v.summary_index ?? 0)
    const parts = (Array.isArray(item[field]) ? item[field] : (item[field] = [])) as Json[]
    parts[i] ??= blank as Json
    return parts[i] as Obj
  }
  for (const v of list) {
    const type = str(v.type)
    if (isObj(v.response)) out = { ...out, ...v.response }
    if (/output_item\.(added|done)$/.test(type) && isObj(v.item)) items[Number(v.output_index ?? 0)] = structuredClone(v.item) as Obj
    else if (/output_text\.delta$/.test(type)) { const p = slot(at(v), 'content', v, { type: 'output_text', text: '' }); p.text = str(p.text) + str(v.delta) }
    else if (/refusal\.delta$/.test(type)) { const p = slot(at(v), 'content', v, { type: 'refusal', refusal: '' }); p.refusal = str(p.refusal) + str(v.delta) }
    else if (/reasoning_summary_text\.delta$/.test(type)) { const p = slot(at(v), 'summary', v, { type: 'summary_text', text: '' }); p.text = str(p.text) + str(v.delta) }
    else if (/reasoning_text\.delta$/.test(type)) { const p = slot(at(v), 'content', v, { type: 'reasoning_text', text: '' }); p.text = str(p.text) + str(v.delta) }
    else if (/function_call_arguments\.delta$/.test(type)) { const item = at(v); item.arguments = str(item.arguments) + str(v.delta) }
  }
  if (arr(out.output).length === 0) out.output = items.filter((i) => i !== undefined) as Json[]
  return out as Json
}

/** foldMessages joins Anthropic's content blocks. */
function foldMessages(list: Obj[]): Json {
  let out: Obj = {}
  const blocks: Obj[] = []
  const json = new Map<number, string>()
  for (const v of list) {
    const i = Number(v.index ?? 0)
    if (v.type === 'message_start' && isObj(v.message)) out = { ...v.message }
    else if (v.type === 'content_block_start' && isObj(v.content_block)) blocks[i] = { ...v.content_block }
    else if (v.type === 'content_block_delta' && isObj(v.delta)) {
      const b = (blocks[i] ??= { type: 'text', text: '' }), d = v.delta
      if (d.type === 'text_delta') b.text = str(b.text) + str(d.text)
      else if (d.type === 'thinking_delta') b.thinking = str(b.thinking) + str(d.thinking)
      else if (d.type === 'input_json_delta') json.set(i, (json.get(i) ?? '') + str(d.partial_json))
    } else if (v.type === 'message_delta') {
      if (isObj(v.delta)) out = { ...out, ...v.delta }
      if (isObj(v.usage)) out.usage = { ...(isObj(out.usage) ? out.usage : {}), ...v.usage } as Json
    }
  }
  for (const [i, text] of json) {
    const b = blocks[i]
    if (!b) continue
    try { b.input = JSON.parse(text || '{}') as Json } catch { b.input = text }
  }
  out.content = blocks.filter((b) => b !== undefined) as Json[]
  return out as Json
}
