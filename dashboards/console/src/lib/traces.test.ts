import { describe, expect, test } from 'vitest'
import type { CallDetail } from './api'
import { stretches, why } from './slow'
import { arrange, callOf, flatten, ownTime, summary, type Span } from './traces'
import { thread } from './turns'
import { diffWords } from './worddiff'

const span = (span_id: string, parent_id: string, offset_ms: number, duration_ms: number, more: Partial<Span> = {}): Span => ({
  id: 'id-' + span_id, span_id, parent_id, kind: 'call', name: 'chat.completions', model: 'm', provider: 'p', status: 'ok', http_status: 200, error: '', offset_ms, duration_ms,
  ttft_ms: null, input_tokens: 1, output_tokens: 1, cost_usd: '0', cache: 'off', ...more,
})

describe('the tree of a trace', () => {
  test('children stand under their parents, the earliest first', () => {
    const roots = arrange([span('c', 'a', 5, 1), span('a', '', 0, 10), span('b', 'a', 1, 3), span('d', 'b', 2, 1), span('lost', 'not-here', 3, 1)])
    const all = flatten(roots, new Set())
    expect(all.map((n) => n.span.span_id + n.depth)).toEqual(['a0', 'b1', 'd2', 'c1', 'lost0'])
    expect(all.map((n) => `${n.index}/${n.of}`)).toEqual(['1/2', '1/2', '1/1', '2/2', '2/2'])
    expect(flatten(roots, new Set([all[1]!.key])).map((n) => n.span.span_id)).toEqual(['a', 'b', 'c', 'lost'])
  })
  test('spans that are each other’s parents, or their own, still stand somewhere', () => {
    const all = flatten(arrange([span('a', 'b', 0, 1), span('b', 'a', 0, 1), span('s', 's', 0, 1), span('', '', 0, 1)]), new Set())
    expect(all.map((n) => n.span.span_id).sort()).toEqual(['', 'a', 'b', 's'])
  })
  test('spans of one id are all there', () => {
    expect(flatten(arrange([span('a', '', 0, 9), span('x', 'a', 1, 1), span('x', 'a', 2, 1), span('y', 'x', 3, 1)]), new Set())).toHaveLength(4)
  })
  test('what the end waited for is the critical path', () => {
    const roots = arrange([span('root', '', 0, 100), span('fast', 'root', 0, 20), span('slow', 'root', 0, 40), span('last', 'root', 45, 50), span('beside', 'root', 50, 10), span('in-last', 'last', 60, 30)])
    const on = flatten(roots, new Set()).filter((n) => n.critical).map((n) => n.span.span_id)
    expect(on).toEqual(['root', 'slow', 'last', 'in-last'])
    expect(summary(roots, 100)).toBe('Call m took 40 ms by itself, 40% of the whole.')
  })
  test('own time leaves out what children did, once', () => {
    const roots = arrange([span('a', '', 0, 100), span('b', 'a', 10, 40), span('c', 'a', 30, 40), span('d', 'a', 90, 50)])
    expect(ownTime(roots[0]!)).toBe(30)
  })
  test('an attempt belongs to its call, a retrieval to none', () => {
    const all = flatten(arrange([span('a', '', 0, 9), span('t', 'a', 1, 1, { kind: 'attempt' }), span('r', '', 10, 1, { kind: 'retrieval' })]), new Set())
    expect(all.map((n) => callOf(n)?.span.span_id ?? '-')).toEqual(['a', 'a', '-'])
  })
  test('five thousand spans, and a chain of them, are arranged at once', () => {
    const wide = Array.from({ length: 5000 }, (_, i) => span('s' + i, i ? 's' + Math.floor((i - 1) / 3) : '', i, 5000 - i))
    const deep = Array.from({ length: 5000 }, (_, i) => span('s' + i, i ? 's' + (i - 1) : '', i, 5000 - i))
    expect(flatten(arrange(wide), new Set())).toHaveLength(5000)
    expect(flatten(arrange(deep), new Set()).at(-1)).toMatchObject({ depth: 4999, critical: true })
  })
})

const call = (over: Partial<CallDetail>): CallDetail => ({
  start_time: '2026-11-23T08:00:00.000000Z', duration_ms: 1000, ttft_ms: null, stream: false, status: 'ok', cache: 'off', attempts: [],
  usage: { input_uncached: 1, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, input_audio: 0, output_text: 80, reasoning: 0, output_audio: 0 }, ...over,
} as CallDetail)
const attempt = (at: number, duration_ms: number, over = {}) => ({ id: '', provider: 'p', model: 'm', status: 'ok', http_status: 200, error: null, start_time: new Date(Date.parse('2026-11-23T08:00:00Z') + at).toISOString(), duration_ms, cost_usd: null, ...over })

describe('why a call was slow', () => {
  test('stretches add up to the whole', () => {
    const list = stretches(call({ stream: true, ttft_ms: 700, attempts: [attempt(20, 200, { status: 'error', http_status: 429, error: { message: 'slow down' } }), attempt(320, 660)] }))
    expect(list.map((s) => [s.kind, Math.round(s.ms)])).toEqual([['own', 20], ['failed', 200], ['gap', 100], ['wait', 380], ['gen', 280], ['own', 20]])
    expect(list.reduce((s, x) => s + x.ms, 0)).toBeCloseTo(1000)
    expect(why(list, 1000)).toBe('380 ms, 38% of it, passed until the first token: the provider was slow to begin. A failed attempt cost 200 ms before.')
  })
  test('what failed most is said with its reason', () => {
    expect(why(stretches(call({ attempts: [attempt(0, 800, { status: 'error', http_status: 503, error: 'overloaded' }), attempt(800, 200)] })), 1000)).toBe('800 ms, 80% of it, went into an attempt that failed. The first: HTTP 503: overloaded.')
  })
  test('streaming is said with its rate', () => {
    expect(why(stretches(call({ stream: true, ttft_ms: 200, attempts: [attempt(0, 1000)] })), 1000)).toBe('800 ms, 80% of it, went into streaming the answer, at 100 tokens a second.')
  })
  test('no provider was asked', () => {
    expect(why(stretches(call({ cache: 'hit', duration_ms: 2 })), 2)).toBe('The cache answered in 2 ms; no provider was asked.')
    expect(why(stretches(call({ status: 'budget', duration_ms: 2 })), 2)).toContain('refused before a provider was asked')
    expect(why(stretches(call({ duration_ms: 0 })), 0)).toBe('It took no time that could be measured.')
  })
  test('clocks that disagree make no negative time', () => {
    const list = stretches(call({ attempts: [attempt(-500, 4000), attempt(100, 10)] }))
    expect(list.every((s) => s.ms > 0)).toBe(true)
    expect(list.reduce((s, x) => s + x.ms, 0)).toBeCloseTo(1000)
  })
})

describe('words that differ', () => {
  const show = (a: string, b: string) => diffWords(a, b).map((p) => ({ same: '', gone: '-', come: '+' })[p.op] + p.text).join('|')
  test.each([
    ['', '', ''], ['a b', 'a b', 'a b'], ['', 'new', '+new'], ['old', '', '-old'],
    ['the quick fox', 'the slow fox', 'the |-quick|+slow| fox'],
    ['Wo ist sie?', 'Wo ist die Bestellung?', 'Wo ist |-sie|+die Bestellung|?'],
  ])('%j and %j', (a, b, want) => { expect(show(a, b)).toBe(want) })
  test('both texts can be read out of the pieces, however long they are', () => {
    const make = (seed: number, n: number) => Array.from({ length: n }, (_, i) => 'w' + ((i * seed) % 97)).join(' ')
    for (const [a, b] of [[make(3, 400), make(5, 300)], [make(3, 9000), make(7, 9000)], [make(3, 20) + '\n' + make(2, 5000), make(9, 5000) + '\n' + make(3, 20)]] as const) {
      const list = diffWords(a, b)
      expect(list.filter((p) => p.op !== 'come').map((p) => p.text).join('')).toBe(a)
      expect(list.filter((p) => p.op !== 'gone').map((p) => p.text).join('')).toBe(b)
    }
  })
})

describe('a session as one conversation', () => {
  const says = (content: string, more = {}) => ({ choices: [{ index: 0, message: { role: 'assistant', content, ...more }, finish_reason: 'stop' }] })
  const m = (role: string, content: string) => ({ role, content })
  const text = (list: ReturnType<typeof thread>) => list.map((s) => s.messages.map((x) => x.role[0] + ':' + x.parts.map((p) => ('text' in p ? p.text : p.kind)).join()).join(' ') + (s.hidden ? ` (${s.hidden})` : '') + (s.branched ? ' branched' : ''))
  test('history is said once', () => {
    expect(text(thread([
      { request: { messages: [m('system', 'be kind'), m('user', 'one')] }, response: says('1', { reasoning_content: 'hm' }) },
      { request: { messages: [m('system', 'be kind'), m('user', 'one'), m('assistant', '1 '), m('user', 'two')] }, response: says('2') },
      { request: { messages: [m('system', 'be curt'), m('user', 'one'), m('assistant', '1'), m('user', 'two'), m('assistant', '2'), m('user', 'three')] }, response: says('3') },
    ]))).toEqual(['s:be kind u:one a:hm,1', 'u:two a:2 (3)', 's:be curt u:three a:3 (4)'])
  })
  test('a window of the history, a client that sends none, and the same question again', () => {
    expect(text(thread([
      { request: { messages: [m('user', 'one')] }, response: says('1') },
      { request: { messages: [m('user', 'one'), m('assistant', '1'), m('user', 'two')] }, response: says('2') },
      { request: { messages: [m('assistant', '1'), m('user', 'two'), m('assistant', '2'), m('user', 'three')] }, response: says('3') },
      { request: { messages: [m('user', 'four')] }, response: says('4') },
      { request: { messages: [m('user', 'four')] }, response: says('4b') },
    ]))).toEqual(['u:one a:1', 'u:two a:2 (2)', 'u:three a:3 (3)', 'u:four a:4', 'u:four a:4b'])
  })
  test('an earlier turn asked anew goes on from there', () => {
    expect(text(thread([
      { request: { messages: [m('user', 'one')] }, response: says('1') },
      { request: { messages: [m('user', 'one'), m('assistant', '1'), m('user', 'two')] }, response: says('2') },
      { request: { messages: [m('user', 'one'), m('assistant', '1'), m('user', 'other')] }, response: says('3') },
    ]))[2]).toBe('u:other a:3 (2) branched')
  })
  test('nothing recorded', () => { expect(text(thread([{ request: null, response: null }, { request: 'not json', response: 'x' }]))).toEqual(['', '']) })
})

test('the prompt that calls of a session name is no turn', () => {
  const ask = (...said: string[]) => ({ request: { prompt: { id: 'support@3' }, messages: said.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content })) }, response: { choices: [{ message: { role: 'assistant', content: 'answer ' + said.length } }] } })
  const [first, second] = thread([ask('one'), ask('one', 'answer 1', 'two')])
  expect(first!.messages.map((m) => m.role)).toEqual(['prompt', 'user', 'assistant'])
  expect(second!.messages.map((m) => m.parts)).toEqual([[{ kind: 'text', text: 'two' }], [{ kind: 'text', text: 'answer 3' }]])
})
