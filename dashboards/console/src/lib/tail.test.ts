import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { follow, MADE_UP, pause, receiver, SILENT, type News } from './tail'

const call = (...ids: string[]): string => ids.map((id) => `id: ${id}\nevent: call\ndata: {"id":"${id}"}\n\n`).join('')
const end = (reason: string): string => `event: end\ndata: {"reason":"${reason}"}\n\n`

describe('events', () => {
  test('cut anywhere give the same', () => {
    const text = '\uFEFF: weir\n\nid: 7\n\nid: a\r\nevent: call\r\ndata: {"id":\r\ndata: "a"}\r\n\r\ndata:x\rid\r\revent: end\ndata: {}\n\ndata: half'
    const want = [{ id: '7', event: '', data: '' }, { id: 'a', event: 'call', data: '{"id":\n"a"}' }, { id: '', event: 'message', data: 'x' }, { id: '', event: 'end', data: '{}' }]
    for (let i = 0; i <= text.length; i++) for (let k = i; k <= text.length; k += 2) {
      const receive = receiver()
      expect([...receive(text.slice(0, i)), ...receive(text.slice(i, k)), ...receive(text.slice(k))]).toEqual(want)
    }
  })
})

test('pauses grow', () => { expect([1, 2, 3, 4, 5, 6, 99].map(pause)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) })

/** One connection: what it sends, and whether it stays open; or the status of a refusal. */
type Conn = { text?: string; open?: boolean; status?: number; message?: string }

describe('follow', () => {
  let asked: { url: string; last: string | null }[], told: News[], stop: AbortController
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('location', { origin: 'http://weir.test' })
    asked = []
    told = []
    stop = new AbortController()
  })
  afterEach(() => { stop.abort(); vi.useRealTimers(); vi.unstubAllGlobals() })

  const play = (...list: Conn[]) => vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push({ url, last: new Headers(init.headers).get('last-event-id') })
    const c = list.shift()
    if (!c) throw new TypeError('no connection')
    if (c.status) return new Response(JSON.stringify({ error: { message: c.message ?? 'refused so', code: 'x' } }), { status: c.status, headers: { 'content-type': 'application/json' } })
    const body = new ReadableStream<Uint8Array>({
      start(to) {
        to.enqueue(new TextEncoder().encode(c.text ?? ''))
        if (!c.open) to.close()
        init.signal!.addEventListener('abort', () => { try { to.error(new DOMException('aborted', 'AbortError')) } catch { /* it has ended */ } })
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  const run = (filters: Record<string, string[]> = {}) => follow(filters, stop.signal, (n) => told.push(n))
  const ids = () => told.flatMap((n) => n.calls.map((c) => c.id))
  const states = () => told.map((n) => n.state).filter((s, i, all) => s !== all[i - 1])

  test('each call once, over connections that break', async () => {
    play({ text: 'id: 0\n\n' }, { text: call('a', 'b') + 'event: skipped\ndata: {"calls":12}\n\n' }, { status: 503 }, { text: call('b', 'c') + end('stopping') }, { text: call('d'), open: true })
    const done = run({ project: ['p', 'q'], 'tag.team': ['x'], user: [] })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(ids()).toEqual(['a', 'b', 'c', 'd'])
    expect(asked[0]!.url).toBe('/api/v1/calls/tail?project=p&project=q&tag.team=x')
    expect(asked.map((a) => a.last)).toEqual([null, '0', 'b', 'b', 'c'])
    expect(told.reduce((s, n) => s + n.skipped, 0)).toBe(12)
    expect(states()).toEqual(['live', 'broken', 'live', 'broken', 'live', 'broken', 'live'])
    expect(told.filter((n) => n.state === 'broken').map((n) => n.reason)).toEqual(['The connection ended.', 'The connection ended.', 'refused so', 'stopping'])
    stop.abort()
    await done
  })

  test.each([[{ text: call('a') + end('signed_out'), open: true }, 'signed_out'], [{ status: 401 }, 'signed_out'], [{ status: 429 }, 'too_many'], [{ status: 400, message: 'q is no parameter' }, 'q is no parameter']] as [Conn, string][])('ends for good %#', async (conn, reason) => {
    play(conn, { text: call('z') })
    await run()
    expect(asked.length).toBe(1)
    expect(told.at(-1)).toMatchObject({ state: 'ended', reason })
  })

  test('a connection that is silent is made anew, and a long gap is told', async () => {
    play({ text: call('a'), open: true }, ...Array.from({ length: 6 }, () => ({ status: 502 })), { text: call('b'), open: true })
    const done = run()
    await vi.advanceTimersByTimeAsync(SILENT - 1)
    expect(states()).toEqual(['live'])
    await vi.advanceTimersByTimeAsync(2)
    expect(states()).toEqual(['live', 'broken'])
    await vi.advanceTimersByTimeAsync(MADE_UP + 60_000)
    expect(ids()).toEqual(['a', 'b'])
    expect(told.at(-1)).toMatchObject({ state: 'live', reason: 'gap' })
    stop.abort()
    await done
  })

  test('nothing is told, nor asked, after the end', async () => {
    play({ text: call('a'), open: true }, { text: call('b') })
    const done = run()
    await vi.advanceTimersByTimeAsync(1000)
    const n = told.length
    stop.abort()
    await done
    await vi.advanceTimersByTimeAsync(120_000)
    expect([asked.length, told.length]).toEqual([1, n])
  })

  test('weir is away', async () => {
    play()
    const done = run()
    await vi.advanceTimersByTimeAsync(62_000)
    expect(asked.length).toBe(7) // after 0, 1, 3, 7, 15, 31 and 61 seconds
    expect(told.every((n) => n.state === 'broken' && n.reason.startsWith('weir does not answer'))).toBe(true)
    stop.abort()
    await done
  })
})
