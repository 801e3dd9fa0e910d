import { afterEach, describe, expect, test, vi } from 'vitest'
import { Failure } from './api'
import { ask, blank, bodyOf, fromRequest, meaning, splitter, take, type Answer } from './playground'

const turn = (role: string, text: string, json = false) => ({ role, text, json })

describe('the request', () => {
  test('of messages', () => {
    expect(bodyOf({ model: 'm', turns: [turn('system', ' '), turn('user', 'Hi'), turn('tool', '{"role":"tool","tool_call_id":"a","content":"1"}', true)], settings: { temperature: 0 } })).toEqual({
      temperature: 0, model: 'm', messages: [{ role: 'user', content: 'Hi' }, { role: 'tool', tool_call_id: 'a', content: '1' }], stream: true, stream_options: { include_usage: true },
    })
  })
  test('of a prompt, with its own model', () => {
    expect(bodyOf({ model: '', prompt: { id: 'greet@2', variables: { name: '{{x}}' } }, turns: [], settings: {} })).toEqual({ prompt: { id: 'greet@2', variables: { name: '{{x}}' } }, stream: true, stream_options: { include_usage: true } })
  })
  test('a message that is no JSON', () => { expect(() => bodyOf({ model: 'm', turns: [turn('user', 'a'), turn('tool', '[1]', true)], settings: {} })).toThrow('Message 2') })
})

describe('a recorded request', () => {
  test('of a chat keeps what it has', () => {
    const got = fromRequest({ model: 'gpt-4o', stream: true, user: 'u', temperature: 0, seed: null, tools: [{ type: 'function' }], prompt: { id: 'greet@1' }, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: [{ type: 'text', text: 'a' }] }, { role: 'tool', tool_call_id: 'x', content: '1' }] }, 'chat.completions')
    expect(got.model).toBe('gpt-4o')
    expect(got.turns.map((t) => [t.role, t.json])).toEqual([['system', false], ['user', true], ['tool', true]])
    expect(got.settings).toEqual({ temperature: 0, tools: [{ type: 'function' }] })
  })
  test('of other dialects gives its words, and says what is missing', () => {
    const got = fromRequest(JSON.stringify({ model: 'claude', system: 'Be brief.', max_tokens: 9, tools: [{ name: 'f' }], messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image', source: {} }] }] }), 'messages')
    expect(got.turns).toEqual([turn('system', 'Be brief.'), turn('user', 'a')])
    expect(got.settings).toEqual({ max_completion_tokens: 9 })
    expect(got.left.length).toBe(2)
    expect(fromRequest({ model: 'm', instructions: 'x', input: 'y', max_output_tokens: 5 }, 'responses')).toMatchObject({ turns: [turn('system', 'x'), turn('user', 'y')], settings: { max_completion_tokens: 5 }, left: [] })
  })
  test('that is not there', () => { for (const r of [null, undefined, '', 'no json', 5]) expect(fromRequest(r, 'chat.completions').turns).toEqual([]) })
})

describe('events', () => {
  test('cut anywhere give the same', () => {
    const text = ': hello\n\ndata: {"a":1}\n\ndata:{"b":\ndata: 2}\r\n\r\nevent: x\rdata: [DONE]\r\r'
    const want = ['{"a":1}', '{"b":\n2}', '[DONE]']
    for (let i = 0; i <= text.length; i++) for (let k = i; k <= text.length; k += 3) {
      const cut = splitter()
      expect([...cut(text.slice(0, i)), ...cut(text.slice(i, k)), ...cut(text.slice(k))]).toEqual(want)
    }
  })
  test('fold into an answer', () => {
    const a = blank()
    const events = ['{"model":"m-1","choices":[{"delta":{"role":"assistant","content":"He"}}]}', '{"choices":[{"delta":{"content":"llo","reasoning_content":"hm"}}]}', 'not json', '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}}]}}]}', '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]},"finish_reason":"tool_calls"}]}', '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}']
    expect(events.map((e) => take(a, e))).toEqual([false, false, false, false, false, false])
    expect(take(a, '[DONE]')).toBe(true)
    expect(a).toMatchObject({ model: 'm-1', text: 'Hello', reasoning: 'hm', tools: [{ name: 'f', args: '{}' }], finish: 'tool_calls', input: 3, output: 2, error: null })
  })
  test('an error in the stream', () => {
    const a = blank()
    take(a, '{"error":{"message":"the budget ran out","code":"weir_stream_cut"}}')
    expect([a.error?.code, meaning(a.error!)]).toEqual(['weir_stream_cut', 'Cut: the budget ran out'])
  })
})

describe('ask', () => {
  afterEach(() => { vi.unstubAllGlobals() })
  const run = async (res: () => Response | Promise<Response>, stop = new AbortController()): Promise<Answer> => {
    vi.stubGlobal('fetch', vi.fn(res))
    let last = blank()
    await ask({}, stop.signal, (a) => { last = a })
    return last
  }
  const sse = { 'Content-Type': 'text/event-stream', 'X-Weir-Call-Id': 'c1', 'X-Weir-Cache': 'miss' }
  test('a stream', async () => {
    expect(await run(() => new Response('data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n', { headers: sse }))).toMatchObject({ state: 'done', text: 'Hi', call: 'c1', cache: 'miss', note: '', finish: 'stop' })
  })
  test('a stream that ends too early', async () => {
    const a = await run(() => new Response('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n', { headers: sse }))
    expect([a.state, a.text, a.note !== '']).toEqual(['done', 'Hi', true])
  })
  test('a refusal', async () => {
    const a = await run(() => new Response('{"error":{"message":"budget care is spent","code":"weir_budget_exceeded"}}', { status: 429, headers: { 'Retry-After': '60', 'X-Weir-Call-Id': 'c2' } }))
    expect([a.state, meaning(a.error!), a.error!.message, a.retryAfter, a.call]).toEqual(['failed', 'A budget is spent', 'budget care is spent', '60', 'c2'])
  })
  test('an answer in one piece, and one that is no JSON', async () => {
    expect(await run(() => Response.json({ model: 'm', choices: [{ message: { content: 'whole' }, finish_reason: 'stop' }] }))).toMatchObject({ state: 'done', text: 'whole' })
    expect((await run(() => new Response('<html>', { status: 502 }))).error?.status).toBe(502)
  })
  test('nobody there, and stopped', async () => {
    expect((await run(() => Promise.reject(new TypeError('x')))).error?.code).toBe('unreachable')
    const stop = new AbortController()
    stop.abort()
    expect((await run(() => Promise.reject(new DOMException('x', 'AbortError')), stop)).state).toBe('stopped')
  })
  test('every code has words', () => { expect([meaning(new Failure(400, 'x', '')), meaning(new Failure(500, 'x', ''))]).toEqual(['Not accepted', 'The provider failed']) })
})
