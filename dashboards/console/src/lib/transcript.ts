/** A call as a conversation: what was asked, what was answered, in one form for every dialect. */

import { arr, isObj, objs, readBody, str, type Body, type Json, type Obj } from './assemble'

export type Part =
  | { kind: 'text' | 'reasoning' | 'refusal'; text: string }
  | { kind: 'image'; src: string; note: string } // src is empty when the image may not be shown
  | { kind: 'note'; text: string }
  | { kind: 'call'; id: string; name: string; args: string }
  | { kind: 'result'; id: string; text: string }
  | { kind: 'vectors'; list: { index: number; dims: number; head: number[] }[] }
  | { kind: 'json'; value: Json }

export interface Message { role: string; name: string; parts: Part[]; answer: boolean; choice: number; finish: string }
export interface Tool { name: string; about: string; schema: Json | undefined }
export interface Transcript {
  messages: Message[]
  tools: Tool[]
  params: [string, string][]
  request: Body
  response: Body
}

const SAFE_IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$/

/** safeImage gives the URL back only when it is an inline picture of a harmless kind. */
export const safeImage = (url: string): string => (SAFE_IMAGE.test(url) ? url : '')

/** read makes the transcript of a recorded call; it takes whatever was recorded and never throws. */
export function read(request: unknown, response: unknown): Transcript {
  const req = readBody(request), res = readBody(response)
  const ask = isObj(req.value) ? req.value : {}
  const answers = answer(res)
  return {
    messages: [...question(ask), ...answers],
    tools: toolsOf(ask),
    params: paramsOf(ask),
    request: req,
    response: res,
  }
}

const message = (role: string, parts: Part[], more: Partial<Message> = {}): Message =>
  ({ role, name: '', parts, answer: false, choice: 0, finish: '', ...more })

function question(q: Obj): Message[] {
  const out: Message[] = []
  if (q.system !== undefined) out.push(message('system', content(q.system)))
  if (typeof q.instructions === 'string') out.push(message('system', content(q.instructions)))
  if (isObj(q.prompt)) out.push(message('prompt', [{ kind: 'json', value: q.prompt as Json }])) // of the registry: it stands before what is asked
  for (const m of objs(q.messages)) out.push(...turn(m))
  if (typeof q.prompt === 'string') out.push(message('prompt', content(q.prompt)))
  else arr(q.prompt).forEach((p, i) => out.push(message('prompt', typeof p === 'string' ? content(p) : [{ kind: 'json', value: p }], { name: '#' + i })))
  if (typeof q.input === 'string') out.push(message('messages' in q ? 'input' : 'user', content(q.input)))
  else {
    arr(q.input).forEach((item, i) => {
      if (isObj(item)) out.push(...inputItem(item))
      else if (typeof item === 'string') out.push(message('input', content(item), { name: '#' + i }))
      else out.push(message('input', [{ kind: 'json', value: item }], { name: '#' + i }))
    })
  }
  return out
}

/** turn reads one message of a chat; Anthropic's tool results stand inside user messages and become turns of their own. */
function turn(m: Obj): Message[] {
  const role = str(m.role) || 'message'
  if (role === 'tool' || role === 'function') {
    return [message('tool', [{ kind: 'result', id: str(m.tool_call_id), text: plain(m.content) }], { name: str(m.name) })]
  }
  const results = role === 'user' ? objs(m.content).filter((c) => c.type === 'tool_result') : []
  const rest = results.length ? (objs(m.content).filter((c) => c.type !== 'tool_result') as Json[]) : m.content
  const out: Message[] = results.map((r) => message('tool', [{ kind: 'result', id: str(r.tool_use_id), text: plain(r.content) }]))
  const parts = spoken(results.length ? { ...m, content: rest } : m)
  if (parts.length || !results.length) out.push(message(role, parts, { name: str(m.name) }))
  return out
}

/** spoken lists what a message says, in the order a reader wants it: reasoning, words, tool calls. */
function spoken(m: Obj): Part[] {
  const parts: Part[] = []
  const thought = str(m.reasoning_content) || str(m.reasoning)
  if (thought) parts.push({ kind: 'reasoning', text: thought })
  parts.push(...content(m.content))
  if (typeof m.refusal === 'string' && m.refusal) parts.push({ kind: 'refusal', text: m.refusal })
  if (isObj(m.audio)) parts.push({ kind: 'note', text: 'audio' }, ...(str(m.audio.transcript) ? [{ kind: 'text', text: str(m.audio.transcript) } as Part] : []))
  for (const t of objs(m.tool_calls)) {
    const fn = isObj(t.function) ? t.function : isObj(t.custom) ? t.custom : {}
    parts.push({ kind: 'call', id: str(t.id), name: str(fn.name), args: str(fn.arguments) || str(fn.input) })
  }
  if (isObj(m.function_call)) parts.push({ kind: 'call', id: '', name: str(m.function_call.name), args: str(m.function_call.arguments) })
  return parts
}

function content(c: unknown): Part[] {
  if (typeof c === 'string') return c === '' ? [] : [{ kind: 'text', text: c }]
  if (!Array.isArray(c)) return isObj(c) ? [{ kind: 'json', value: c as Json }] : []
  return (c as Json[]).flatMap((p): Part[] => {
    if (typeof p === 'string') return [{ kind: 'text', text: p }]
    return isObj(p) ? part(p) : []
  })
}

function part(p: Obj): Part[] {
  switch (p.type) {
    case 'text': case 'input_text': case 'output_text':
      return [{ kind: 'text', text: str(p.text) }]
    case 'refusal':
      return [{ kind: 'refusal', text: str(p.refusal) }]
    case 'thinking':
      return [{ kind: 'reasoning', text: str(p.thinking) }]
    case 'summary_text': case 'reasoning_text':
      return [{ kind: 'reasoning', text: str(p.text) }]
    case 'redacted_thinking':
      return [{ kind: 'note', text: 'reasoning withheld by the provider' }]
    case 'image_url': case 'input_image':
      return [image(isObj(p.image_url) ? str(p.image_url.url) : str(p.image_url) || str(p.file_id))]
    case 'image': {
      const s = isObj(p.source) ? p.source : {}
      return [image(s.type === 'base64' ? `data:${str(s.media_type)};base64,${str(s.data)}` : str(s.url))]
    }
    case 'input_audio': {
      const a = isObj(p.input_audio) ? p.input_audio : {}
      return [{ kind: 'note', text: `audio, ${str(a.format) || 'unknown format'}, ${Math.ceil((str(a.data).length * 3) / 4)} bytes` }]
    }
    case 'file': case 'input_file': case 'document':
      return [{ kind: 'note', text: 'file ' + (str(isObj(p.file) ? p.file.filename : p.filename) || str(p.title) || str(p.file_id)) }]
    case 'tool_use':
      return [{ kind: 'call', id: str(p.id), name: str(p.name), args: JSON.stringify(p.input ?? {}) }]
    default:
      return [{ kind: 'json', value: p as Json }]
  }
}

function image(url: string): Part {
  const src = safeImage(url)
  if (src) return { kind: 'image', src, note: '' }
  return { kind: 'image', src: '', note: url.startsWith('data:') ? 'inline data of a kind that is not shown: ' + url.slice(5, 40) : url }
}

/** plain is a tool result's text; parts are joined, other values are written as JSON. */
function plain(c: unknown): string {
  if (typeof c === 'string') return c
  const parts = objs(c)
  if (parts.length && parts.every((p) => typeof p.text === 'string')) return parts.map((p) => str(p.text)).join('\n')
  return c === null || c === undefined ? '' : JSON.stringify(c)
}

/** inputItem reads one item of a Responses input or output. */
function inputItem(i: Obj): Message[] {
  switch (i.type) {
    case 'function_call': case 'custom_tool_call':
      return [message('assistant', [{ kind: 'call', id: str(i.call_id), name: str(i.name), args: str(i.arguments) || str(i.input) }])]
    case 'function_call_output': case 'custom_tool_call_output':
      return [message('tool', [{ kind: 'result', id: str(i.call_id), text: plain(i.output) }])]
    case 'reasoning': {
      const parts = [...content(i.summary), ...content(i.content)]
      return parts.length ? [message('assistant', parts)] : []
    }
    case undefined: case 'message':
      return [message(str(i.role) || 'user', content(i.content))]
    default:
      return [message(str(i.role) || 'assistant', [{ kind: 'json', value: i as Json }])]
  }
}

function answer(body: Body): Message[] {
  const v = body.value
  if (!isObj(v)) return []
  if (Array.isArray(v.choices)) {
    return objs(v.choices).map((c, i) => message(
      'text' in c ? 'completion' : str(isObj(c.message) && c.message.role) || 'assistant',
      'text' in c ? content(c.text) : isObj(c.message) ? spoken(c.message) : [],
      { answer: true, choice: typeof c.index === 'number' ? c.index : i, finish: str(c.finish_reason) },
    ))
  }
  if (Array.isArray(v.output)) {
    // Reasoning, words and calls of one response are one turn.
    const parts = objs(v.output).flatMap((i) => inputItem(i).flatMap((m) => m.parts))
    const why = isObj(v.incomplete_details) ? str(v.incomplete_details.reason) : ''
    return parts.length ? [message('assistant', parts, { answer: true, finish: why || str(v.status) })] : []
  }
  if (v.object === 'list' && objs(v.data).some((d) => 'embedding' in d)) {
    return [message('embeddings', [{ kind: 'vectors', list: objs(v.data).map(vector) }], { answer: true })]
  }
  if (Array.isArray(v.content) && (v.type === 'message' || 'stop_reason' in v)) {
    return [message('assistant', content(v.content), { answer: true, finish: str(v.stop_reason) })]
  }
  return body.error ? [] : [message('answer', [{ kind: 'json', value: v as Json }], { answer: true })]
}

function vector(d: Obj, i: number): { index: number; dims: number; head: number[] } {
  const list = typeof d.embedding === 'string' ? floats(d.embedding) : arr(d.embedding).map(Number)
  return { index: typeof d.index === 'number' ? d.index : i, dims: list.length, head: list.slice(0, 8) }
}

/** floats decodes base64 little-endian float32. */
export function floats(b64: string): number[] {
  try {
    const bin = atob(b64)
    const bytes = Uint8Array.from(bin, (c) => c.charCodeAt(0))
    const view = new DataView(bytes.buffer)
    return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => view.getFloat32(i * 4, true))
  } catch { return [] }
}

function toolsOf(q: Obj): Tool[] {
  return objs(q.tools).map((t) => {
    const f = isObj(t.function) ? t.function : t
    return { name: str(f.name) || str(t.type) || 'tool', about: str(f.description), schema: (f.parameters ?? f.input_schema) as Json | undefined }
  })
}

const LONG = new Set(['messages', 'input', 'prompt', 'tools', 'system', 'instructions', 'functions'])

function paramsOf(q: Obj): [string, string][] {
  return Object.entries(q)
    .filter(([k, v]) => !LONG.has(k) && v !== undefined && v !== null)
    .map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)])
}
