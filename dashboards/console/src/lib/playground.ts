/** The playground: requests put together, and their answers read as they come. */

import { Failure } from './api'
import { arr, isObj, objs, str, type Json, type Obj } from './assemble'
import { read } from './transcript'

/** Turn is a message as one edits it. What is not a plain text is the JSON of the whole message. */
export interface Turn { role: string; text: string; json: boolean }

export interface Asked { model: string; prompt?: { id: string; variables: Record<string, Json> }; turns: Turn[]; settings: Obj }

/** bodyOf writes the request; it throws a Failure that says which message is no JSON. */
export function bodyOf(a: Asked): Obj {
  const messages = a.turns.filter((t) => t.text.trim() !== '').map((t, i): Json => {
    if (!t.json) return { role: t.role, content: t.text }
    let v: unknown
    try { v = JSON.parse(t.text) } catch { v = undefined }
    if (!isObj(v)) throw new Failure(400, 'not_json', `Message ${i + 1} is not the JSON of a message.`)
    return v as Json
  })
  return {
    ...a.settings, ...(a.model ? { model: a.model } : {}), ...(a.prompt ? { prompt: a.prompt as unknown as Json } : {}), ...(messages.length || !a.prompt ? { messages } : {}),
    stream: true, stream_options: { include_usage: true },
  }
}

/** Members of a recorded request that the playground has a place of its own for, or that are the caller's own. */
const own = new Set(['model', 'messages', 'prompt', 'stream', 'stream_options', 'user', 'metadata', 'system', 'input', 'instructions', 'safety_identifier', 'n', 'store'])

/** fromRequest reads a recorded request, of any dialect, as messages and settings; left says what could not be taken over. */
export function fromRequest(request: unknown, endpoint: string): { model: string; turns: Turn[]; settings: Obj; left: string[] } {
  let q: unknown = request
  if (typeof q === 'string') { try { q = JSON.parse(q) } catch { q = undefined } }
  if (!isObj(q)) return { model: '', turns: [], settings: {}, left: ['The request is not recorded.'] }
  if (Array.isArray(q.messages) && endpoint !== 'messages') {
    const turns = objs(q.messages).map((m): Turn => (typeof m.content === 'string' && Object.keys(m).every((k) => k === 'role' || k === 'content') && isRole(m.role)
      ? { role: str(m.role), text: m.content, json: false } : { role: str(m.role), text: JSON.stringify(m, null, 2), json: true }))
    return { model: str(q.model), turns, settings: Object.fromEntries(Object.entries(q).filter(([k, v]) => !own.has(k) && v !== undefined && v !== null)), left: [] }
  }
  // Another dialect: its words, as the messages of a chat.
  const left: string[] = []
  const turns = read(q, undefined).messages.map((m): Turn => {
    const words = m.parts.flatMap((p) => (p.kind === 'text' ? [p.text] : []))
    if (m.parts.some((p) => p.kind !== 'text')) left.push(`A message of the role ${m.role} has more than text; only its text is here.`)
    return { role: isRole(m.role) ? m.role : 'user', text: words.join('\n\n'), json: false }
  }).filter((t) => t.text !== '')
  const settings: Obj = {}
  for (const k of ['temperature', 'top_p']) if (typeof q[k] === 'number') settings[k] = q[k]
  const most = q.max_output_tokens ?? q.max_tokens
  if (typeof most === 'number') settings.max_completion_tokens = most
  if (arr(q.tools).length) left.push('Its tools are written another way for a chat, and are left out.')
  return { model: str(q.model), turns, settings, left: [...new Set(left)] }
}

export const roles = ['system', 'developer', 'user', 'assistant']
const isRole = (r: unknown): boolean => typeof r === 'string' && roles.includes(r)

export interface Answer {
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'
  text: string; reasoning: string; refusal: string; tools: { name: string; args: string }[]; finish: string; note: string
  error: Failure | null; retryAfter: string; call: string; model: string; provider: string; cache: string; prompt: string
  ttft: number | null; ms: number | null; input: number | null; output: number | null
}

export const blank = (): Answer => ({ state: 'waiting', text: '', reasoning: '', refusal: '', tools: [], finish: '', note: '', error: null, retryAfter: '', call: '', model: '', provider: '', cache: '', prompt: '', ttft: null, ms: null, input: null, output: null })

/** splitter cuts a stream of text into the data of its events, as the pieces come. */
export function splitter(): (piece: string) => string[] {
  let rest = '', data: string[] = [], cr = false
  return (piece) => {
    const out: string[] = []
    let text = piece
    if (cr && text.startsWith('\n')) text = text.slice(1)
    if (text !== '') cr = text.endsWith('\r')
    const lines = (rest + text).split(/\r\n|\r|\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') { if (data.length) out.push(data.join('\n')); data = []; continue }
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    }
    return out
  }
}

/** take folds one event into an answer; true means that it is the last. */
export function take(a: Answer, data: string): boolean {
  if (data.trim() === '[DONE]') return true
  let v: unknown
  try { v = JSON.parse(data) } catch { return false }
  if (!isObj(v)) return false
  if (isObj(v.error) || typeof v.error === 'string') {
    const e = isObj(v.error) ? v.error : { message: v.error }
    a.error = new Failure(200, str(e.code) || str(e.type) || 'stream_error', str(e.message) || 'The stream ended in an error.')
    return false
  }
  fold(a, v)
  return false
}

/** fold adds a chunk, or a whole answer, to what is there. */
function fold(a: Answer, v: Obj): void {
  if (str(v.model)) a.model = str(v.model)
  if (isObj(v.usage)) {
    if (typeof v.usage.prompt_tokens === 'number') a.input = v.usage.prompt_tokens
    if (typeof v.usage.completion_tokens === 'number') a.output = v.usage.completion_tokens
  }
  const c = objs(v.choices)[0]
  if (!c) return
  if (c.finish_reason) a.finish = str(c.finish_reason)
  const d = isObj(c.delta) ? c.delta : isObj(c.message) ? c.message : {}
  a.text += str(d.content)
  a.reasoning += str(d.reasoning_content) || str(d.reasoning)
  a.refusal += str(d.refusal)
  objs(d.tool_calls).forEach((t, i) => {
    const at = typeof t.index === 'number' ? t.index : i
    const f = isObj(t.function) ? t.function : {}
    const tool = (a.tools[at] ??= { name: '', args: '' })
    tool.name += str(f.name)
    tool.args += str(f.arguments)
  })
}

/** ask sends a request through the gateway and tells of its answer as it grows; it never throws. */
export async function ask(body: Obj, stop: AbortSignal, tell: (a: Answer) => void): Promise<void> {
  const a = blank(), began = performance.now()
  const end = (state: Answer['state']) => { a.state = state; a.ms = performance.now() - began; tell({ ...a, tools: [...a.tools] }) }
  const fail = (e: Failure) => { a.error = e; end('failed') }
  let res: Response
  try {
    res = await fetch('/api/v1/playground/chat', { method: 'POST', signal: stop, credentials: 'same-origin', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  } catch {
    return stop.aborted ? end('stopped') : fail(new Failure(0, 'unreachable', 'weir does not answer. Is it still running?'))
  }
  const head = (name: string) => res.headers.get(name) ?? ''
  Object.assign(a, { call: head('x-weir-call-id'), provider: head('x-weir-provider'), model: head('x-weir-model'), cache: head('x-weir-cache'), prompt: head('x-weir-prompt'), retryAfter: head('retry-after') })
  try {
    if (!res.ok || !/event-stream/.test(head('content-type'))) {
      const text = await res.text()
      let v: unknown
      try { v = JSON.parse(text) } catch { v = undefined }
      if (res.ok && isObj(v)) { fold(a, v); return end('done') }
      const e = isObj(v) && isObj(v.error) ? v.error : {}
      return fail(new Failure(res.status, str(e.code) || str(e.type) || 'http_' + res.status, str(e.message) || `The answer is ${res.status} and says no more.`, str(e.param)))
    }
    const reader = res.body!.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader()
    const cut = splitter()
    let whole = false
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      for (const data of cut(value)) whole = take(a, data) || whole
      if (a.ttft === null && (a.text || a.reasoning || a.refusal || a.tools.length)) a.ttft = performance.now() - began
      a.state = 'streaming'
      tell({ ...a, tools: [...a.tools] })
    }
    if (a.error) return end('failed')
    if (!whole) a.note = 'The stream ended before its closing event: the answer is cut.'
    end('done')
  } catch {
    if (stop.aborted) return end('stopped')
    a.note = 'The connection broke before the end: the answer is cut.'
    end(a.text ? 'done' : 'failed')
  }
}

/** meaning says what a refusal is in a word, by its code. */
export function meaning(e: Failure): string {
  const known: Record<string, string> = {
    weir_budget_exceeded: 'A budget is spent', weir_rate_limited: 'Too many requests', weir_model_unknown: 'No such model', weir_unpriced: 'The model has no price', weir_prompt_not_found: 'No such prompt',
    weir_prompt_invalid: 'The variables do not fit', weir_forbidden: 'Not allowed', weir_upstream_unavailable: 'No provider answers', weir_upstream_timeout: 'The provider took too long', weir_stream_cut: 'Cut: the budget ran out', unreachable: 'Not reached', weir_invalid_request: 'Not accepted',
  }
  if (e.code === 'model_not_found') return known.weir_model_unknown!
  return known[e.code] ?? (e.status >= 400 && e.status < 500 ? 'Not accepted' : 'The provider failed')
}
