/** The live tail: calls as they are recorded, over server-sent events. */

import { useEffect, useRef, useState } from 'preact/hooks'
import { query, signedOut, type Call } from './api'
import type { Filters } from './filters'

/** TailState: connecting for the first time, live, broken between two attempts to connect, ended for good. */
export type TailState = 'off' | 'connecting' | 'live' | 'broken' | 'ended'

/**
 * Tail is what one follows. reason says why it is broken or ended: stopping, signed_out, too_many, or a sentence; while it is live, gap
 * says that it was broken for longer than weir makes up for, so that calls are missing.
 */
export interface Tail { calls: Call[]; state: TailState; skipped: number; reason?: string; clear(): void }

/** MOST is how many calls are kept, the newest. */
export const MOST = 500
/** MADE_UP is for how long, in milliseconds, weir makes up for a connection that broke. */
export const MADE_UP = 55_000
/** SILENT is how long, in milliseconds, nothing comes before a connection counts as broken; weir says something every 15 s. */
export const SILENT = 40_000
/** STEADY is how long, in milliseconds, a connection lasts before the pauses begin anew. */
const STEADY = 10_000

/** pause is how long to wait before the nth attempt to connect again, in milliseconds: a second, doubled each time up to half a minute. */
export const pause = (nth: number): number => Math.min(30_000, 1000 * 2 ** Math.max(0, nth - 1))

export interface Sent { id: string; event: string; data: string }

/** receiver cuts a stream of text into its events as the pieces come, by WHATWG's rules. An id that came alone is an event without a name. */
export function receiver(): (piece: string) => Sent[] {
  let rest = '', first = true, cr = false, id = '', told = '', event = '', data: string[] = []
  return (piece) => {
    const out: Sent[] = []
    let text = piece
    if (first && text !== '') { first = false; text = text.replace(/^\uFEFF/, '') }
    if (cr && text.startsWith('\n')) text = text.slice(1)
    if (piece !== '') cr = piece.endsWith('\r')
    const lines = (rest + text).split(/\r\n|\r|\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length) out.push({ id, event: event || 'message', data: data.join('\n') })
        else if (id !== told) out.push({ id, event: '', data: '' })
        told = id
        event = ''
        data = []
        continue
      }
      const colon = line.indexOf(':')
      const field = colon < 0 ? line : line.slice(0, colon), value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'data') data.push(value)
      else if (field === 'event') event = value
      else if (field === 'id' && !value.includes('\0')) id = value
    }
    return out
  }
}

/** News is what there is to tell at a time: calls in the order they came. */
export interface News { calls: Call[]; skipped: number; state: TailState; reason: string }

const parsed = (text: string): Record<string, unknown> => { try { const v: unknown = JSON.parse(text); return v !== null && typeof v === 'object' ? v as Record<string, unknown> : {} } catch { return {} } }

/** wait waits for as long as ms, less when stop is given the sign. */
const wait = (ms: number, stop: AbortSignal): Promise<void> => new Promise((done) => {
  const end = () => { clearTimeout(timer); stop.removeEventListener('abort', end); done() }
  const timer = setTimeout(end, ms)
  stop.addEventListener('abort', end)
})

/**
 * follow tells of calls until stop, connecting again with growing pauses; it never throws, and ends by itself only when weir says that
 * trying again is of no use. No call is told twice.
 */
export async function follow(filters: Filters, stop: AbortSignal, tell: (n: News) => void): Promise<void> {
  const seen = new Set<string>()
  let last = '', tries = 0, heard = 0
  while (!stop.aborted) {
    let state: TailState = 'broken', reason = '', began = 0
    const one = new AbortController()
    const cut = () => one.abort()
    stop.addEventListener('abort', cut)
    let watch = setTimeout(cut, SILENT)
    try {
      const res = await fetch(query('/api/v1/calls/tail', filters), { signal: one.signal, credentials: 'same-origin', headers: { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) } })
      if (!res.ok || !/event-stream/.test(res.headers.get('content-type') ?? '')) {
        const e = parsed(await res.text()).error as { message?: string } | undefined
        reason = e?.message || `weir answered ${res.status} to the request for new calls.`
        if (res.status === 401) [state, reason] = ['ended', 'signed_out']
        else if (res.status === 429) [state, reason] = ['ended', 'too_many']
        else if (res.status < 500) state = 'ended'
      } else {
        began = Date.now()
        const missed = heard > 0 && began - heard > MADE_UP ? 'gap' : ''
        heard = began
        tell({ calls: [], skipped: 0, state: 'live', reason: missed })
        const reader = res.body!.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader()
        const receive = receiver()
        for (;;) {
          const { done, value } = await reader.read()
          if (done) break
          clearTimeout(watch)
          watch = setTimeout(cut, SILENT)
          heard = Date.now()
          const news: News = { calls: [], skipped: 0, state: 'live', reason: missed }
          for (const e of receive(value)) {
            last = e.id || last
            const v = parsed(e.data)
            if (e.event === 'skipped') news.skipped += Number(v.calls) || 0
            if (e.event === 'end') [state, reason] = [v.reason === 'stopping' ? 'broken' : 'ended', String(v.reason ?? '')]
            if (e.event !== 'call' || typeof v.id !== 'string' || seen.has(v.id)) continue
            seen.add(v.id)
            if (seen.size > 20_000) seen.delete(seen.values().next().value!)
            news.calls.push(v as unknown as Call)
          }
          if (news.calls.length || news.skipped) tell(news)
          if (reason) break
        }
      }
    } catch {
      reason ||= 'weir does not answer. Is it still running?'
    } finally {
      clearTimeout(watch)
      stop.removeEventListener('abort', cut)
      one.abort()
    }
    if (stop.aborted) return
    tell({ calls: [], skipped: 0, state, reason: reason || 'The connection ended.' })
    if (state === 'ended') return
    tries = began && Date.now() - began >= STEADY ? 1 : tries + 1
    await wait(pause(tries), stop)
  }
}

const nothing = { calls: [] as Call[], state: 'off' as TailState, skipped: 0, reason: '' }

/**
 * useTail follows the calls that filters pick, the newest first and at most MOST, while on. Turning it off keeps what came; turning it on
 * again, or other filters, begins anew. filters are those of the list of calls without since, until, q, limit and cursor.
 */
export function useTail(filters: Filters, on: boolean): Tail {
  const key = JSON.stringify(Object.entries(filters).filter(([, v]) => v.length).sort())
  const [, redraw] = useState(0)
  const held = useRef({ key, ...nothing })
  if (held.current.key !== key) held.current = { key, ...nothing, state: on ? 'connecting' : 'off' }

  useEffect(() => {
    if (!on) return
    held.current = { key, ...nothing, state: 'connecting' }
    const stop = new AbortController()
    let due = 0
    const draw = () => { due ||= requestAnimationFrame(() => { due = 0; redraw((n) => n + 1) }) }
    draw()
    void follow(Object.fromEntries(JSON.parse(key) as [string, string[]][]), stop.signal, (n) => {
      const h = held.current
      held.current = { key, calls: n.calls.length ? [...n.calls.toReversed(), ...h.calls].slice(0, MOST) : h.calls, skipped: h.skipped + n.skipped, state: n.state, reason: n.reason }
      if (n.reason === 'signed_out') signedOut()
      draw()
    })
    return () => {
      stop.abort()
      cancelAnimationFrame(due)
      held.current = { ...held.current, state: 'off', reason: '' }
    }
  }, [key, on])

  const { calls, state, skipped, reason } = held.current
  return {
    calls, state: on && state === 'off' ? 'connecting' : on ? state : 'off', skipped, ...(on && reason ? { reason } : {}),
    clear: () => { held.current = { ...held.current, calls: [], skipped: 0 }; redraw((n) => n + 1) },
  }
}
