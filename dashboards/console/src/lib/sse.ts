/** Server-sent events, read from a body as it was recorded. */

export interface Event { event: string; data: string }

/** looksLikeSSE tells a recorded event stream from other text. */
export function looksLikeSSE(body: string): boolean {
  return /^\uFEFF?\s*(:|(data|event|id|retry):)/.test(body)
}

/** parseSSE follows WHATWG's rules; an unfinished last event is dropped, but for a closing [DONE]. */
export function parseSSE(body: string): { events: Event[]; tail: string } {
  const events: Event[] = []
  let name = '', data: string[] = []
  const flush = () => {
    const text = data.join('\n')
    if (text !== '') events.push({ event: name || 'message', data: text })
    name = ''
    data = []
  }
  const lines = body.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  const rest = lines.pop() ?? ''
  for (const line of rest === '' ? lines : [...lines, rest]) {
    if (line === '') { flush(); continue }
    if (line.startsWith(':')) continue
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') name = value
  }
  const tail = data.join('\n')
  if (tail.trim() === '[DONE]') { flush(); return { events, tail: '' } }
  return { events, tail }
}
