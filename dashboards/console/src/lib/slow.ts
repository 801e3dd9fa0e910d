/** Where the time of one call went. */

import type { Attempt, CallDetail } from './api'
import { ms, percent } from './format'

/** One stretch of a call's time. kind chooses its colour. */
export interface Stretch { kind: 'own' | 'failed' | 'wait' | 'gen' | 'cache' | 'gap'; text: string; ms: number; detail: string }

const startOf = (a: Attempt, c: CallDetail): number => { const t = Date.parse(a.start_time) - Date.parse(c.start_time); return Number.isNaN(t) ? 0 : Math.max(0, t) }
const wentWrong = (a: Attempt): boolean => a.status === 'error' || (a.http_status ?? 0) >= 400
const reason = (a: Attempt): string => (typeof a.error === 'string' ? a.error : a.error?.message || a.error?.type || '')

/** stretches divides a call's time; they add up to its duration. */
export function stretches(c: CallDetail): Stretch[] {
  const out: Stretch[] = []
  const add = (kind: Stretch['kind'], text: string, length: number, detail = '') => { if (length > 0.05) out.push({ kind, text, ms: length, detail }) }
  const whole = Math.max(0, c.duration_ms)
  const tries = [...(c.attempts ?? [])].map((a) => ({ a, at: startOf(a, c) })).sort((x, y) => x.at - y.at)
  if (!tries.length) {
    if (c.cache === 'hit' || c.cache === 'semantic') add('cache', 'Answered from the cache', whole, 'no provider was asked')
    else add('own', 'weir itself', whole, c.status === 'ok' ? 'no provider was asked' : 'it was refused before a provider was asked')
    return out
  }
  let at = 0
  tries.forEach(({ a, at: begin }, i) => {
    const start = Math.min(whole, Math.max(at, begin)), stop = Math.min(whole, Math.max(start, begin + a.duration_ms))
    if (i === 0) add('own', 'Before the provider', start - at, 'reading the request, limits, budgets and the cache')
    else add('gap', 'Between attempts', start - at, 'waiting before trying again')
    const name = tries.length > 1 ? `Attempt ${i + 1}, ${a.provider}` : a.provider
    if (wentWrong(a)) add('failed', name + ' failed', stop - start, [a.http_status ? 'HTTP ' + a.http_status : '', reason(a)].filter(Boolean).join(': '))
    else if (i === tries.length - 1 && c.ttft_ms && c.ttft_ms > start && c.ttft_ms < stop) {
      add('wait', name + ' until the first token', c.ttft_ms - start, 'the network, the provider’s queue and reading the input')
      add('gen', 'Streaming the answer', stop - c.ttft_ms, rate(c, stop - c.ttft_ms))
    } else add('gen', name, stop - start, c.stream ? '' : 'not a stream: waiting and answering cannot be told apart')
    at = Math.max(at, stop)
  })
  add('own', 'After the provider', whole - at, 'relaying the last of the answer')
  return out
}

function rate(c: CallDetail, length: number): string {
  const tokens = (c.usage?.output_text ?? 0) + (c.usage?.reasoning ?? 0) + (c.usage?.output_audio ?? 0)
  return tokens > 1 && length > 5 ? `${(tokens / (length / 1000)).toFixed(0)} tokens a second` : ''
}

/** why says in a sentence or two what took the time. */
export function why(list: Stretch[], whole: number): string {
  if (!list.length || whole <= 0) return 'It took no time that could be measured.'
  const sums = new Map<string, { s: Stretch; ms: number; n: number }>()
  for (const s of list) {
    const key = s.kind === 'failed' || s.kind === 'gap' ? s.kind : s.text
    const old = sums.get(key)
    sums.set(key, { s: old?.s ?? s, ms: (old?.ms ?? 0) + s.ms, n: (old?.n ?? 0) + 1 })
  }
  const top = [...sums.values()].sort((a, b) => b.ms - a.ms)[0]!
  const share = `${ms(top.ms)}, ${percent(top.ms, whole)} of it,`
  const tries = sums.get('failed')
  const others = top.s.kind !== 'failed' && tries ? ` ${tries.n === 1 ? 'A failed attempt' : tries.n + ' failed attempts'} cost ${ms(tries.ms)} before.` : ''
  switch (top.s.kind) {
    case 'cache': return `The cache answered in ${ms(top.ms)}; no provider was asked.`
    case 'failed': return `${share} went into ${top.n === 1 ? 'an attempt' : top.n + ' attempts'} that failed.${top.s.detail ? ' The first: ' + top.s.detail + '.' : ''}`
    case 'gap': return `${share} passed between attempts, waiting to try again.${others}`
    case 'wait': return `${share} passed until the first token: the provider was slow to begin.${others}`
    case 'gen': return `${share} went into ${top.s.text === 'Streaming the answer' ? 'streaming the answer' + (top.s.detail ? ', at ' + top.s.detail : '') : 'the provider’s answer'}.${others}`
    default: return `${share} passed in weir itself${top.s.detail ? ': ' + top.s.detail : ''}.${others}`
  }
}
