// Requests and answers for the mock's calls, in each dialect the console reads.

const PNG = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC'

const talks = [
  {
    system: 'You are the support assistant of Halden Outdoor. Answer in at most five sentences. Use `lookup_order` before you speak about an order. Never promise a date the system did not give you.',
    user: 'Hi, my tent (order HO-48213) was due last Friday and tracking has not moved since. What is going on?',
    tool: ['lookup_order', '{"order_id":"HO-48213","include":["shipment","events"]}', '{"order_id":"HO-48213","status":"in_transit","carrier":"Nordfrakt","shipment":{"id":"NF882731","promised":"2026-11-20","estimate":"2026-11-26"},"events":[{"at":"2026-11-19T16:04:00Z","text":"Arrived at hub Kiel"},{"at":"2026-11-20T05:10:00Z","text":"Held: missing customs line"}]}'],
    answer: 'I am sorry about the wait. Your tent is **held at the hub in Kiel** because one customs line was missing on the label.\n\nWhat happens next:\n\n1. We sent the missing line to the carrier this morning.\n2. The carrier now estimates delivery on **26 November**.\n3. If it has not moved by tomorrow noon, reply here and I will open a replacement.\n\nYou do not need to do anything.',
  },
  {
    system: 'You review pull requests. Point out bugs first, then style. Quote the line.',
    user: 'Review this change:\n\n```go\nfunc (c *Cache) Get(k string) ([]byte, bool) {\n\tc.mu.RLock()\n\te, ok := c.m[k]\n\tif !ok || e.expires.Before(time.Now()) {\n\t\tdelete(c.m, k)\n\t\treturn nil, false\n\t}\n\tc.mu.RUnlock()\n\treturn e.body, true\n}\n```',
    answer: '### Two bugs\n\n- `delete(c.m, k)` writes to the map under a **read lock**: another reader can crash the program (`concurrent map read and map write`).\n- The early return never releases the lock. The next writer waits for ever.\n\n```go\nfunc (c *Cache) Get(k string) ([]byte, bool) {\n\tc.mu.RLock()\n\te, ok := c.m[k]\n\tc.mu.RUnlock()\n\tif !ok || e.expires.Before(time.Now()) {\n\t\treturn nil, false // the sweeper deletes it\n\t}\n\treturn e.body, true\n}\n```\n\n### Style\n\nPass the clock in, so that a test can move it.',
  },
  {
    system: 'Rewrite the user\'s search into at most three short queries. Answer with JSON only.',
    user: 'something like the green jacket my sister had, waterproof but not plasticky, under 150',
    answer: '{"queries":["green waterproof jacket women","soft shell rain jacket green","breathable waterproof jacket"],"max_price_eur":150}',
  },
  {
    system: 'Describe pictures for the catalogue in one sentence.',
    user: 'What colour is this swatch? <img src=x onerror=alert(1)> <script>alert("not run")</script>',
    image: true,
    answer: 'A flat **teal** swatch, close to `#0B6E8F`, with no texture and no visible text.',
  },
  {
    system: 'You are a careful analyst. Use only the passages given.\n\n' + Array.from({ length: 9 }, (_, i) => `[${i + 1}] Gauge ${['Kew', 'Sunbury', 'Teddington'][i % 3]}, reading ${i + 1}: level ${(3.1 + i * 0.07).toFixed(2)} m, flow ${(210 + i * 13)} m³/s, crest ${(2.4 + i * 0.02).toFixed(2)} m. The station was inspected in spring and its zero was moved by two millimetres; older readings are corrected.`).join('\n\n'),
    user: 'Which gauge shows the steepest rise, and by how much?',
    answer: 'Teddington rises most: from 3.24 m [3] to 3.66 m [9], which is **0.42 m** over the window. Kew and Sunbury rise by the same step, but over fewer readings.',
  },
]

const chunks = (text, n = 14) => text.match(new RegExp(`[\\s\\S]{1,${n}}`, 'g')) ?? []
const sse = (list, done = true) => list.map((v) => 'data: ' + JSON.stringify(v) + '\n\n').join('') + (done ? 'data: [DONE]\n\n' : '')

/** bodies gives the request and the recorded response of a call. */
export function bodies(call, seq) {
  const talk = talks[seq % talks.length]
  const failed = call.status === 'error' || call.status === 'budget' || call.status === 'rate_limited'
  const created = Math.floor(Date.parse(call.start_time) / 1000)
  const error = failed ? { error: { message: errorOf(call).message, type: call.error_code, code: call.error_code, param: null } } : null
  const u = call.usage
  const usage = { prompt_tokens: u.input_uncached + u.cache_read + u.cache_write_5m, completion_tokens: u.output_text + u.reasoning, total_tokens: 0, prompt_tokens_details: { cached_tokens: u.cache_read }, completion_tokens_details: { reasoning_tokens: u.reasoning } }
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
  if (call.endpoint === 'embeddings') {
    const input = ['waterproof jacket, soft shell, green', 'three-layer rain shell for women', 'packable anorak']
    return { request: { model: call.model_requested, input, encoding_format: 'float' }, response: error ?? { object: 'list', model: call.model, data: input.map((_, i) => ({ object: 'embedding', index: i, embedding: Array.from({ length: 1536 }, (_, k) => Math.round(Math.sin(k * (i + 1.7) + i) * 1e6) / 2.5e7) })), usage: { prompt_tokens: u.input_uncached, total_tokens: u.input_uncached } }, raw: usage }
  }
  if (call.endpoint === 'completions') {
    return { request: { model: call.model_requested, prompt: 'The head over a weir is measured', max_tokens: 64, temperature: 0.4 }, response: error ?? { id: 'cmpl-1', object: 'text_completion', created, model: call.model, choices: [{ index: 0, text: ' well upstream of the crest, where the surface is still level; close to the crest it falls and the reading is low.', finish_reason: 'length', logprobs: null }], usage }, raw: usage }
  }
  if (call.endpoint === 'responses') {
    const thought = '**Weighing the readings**\n\nThe question asks for the steepest rise. I compare first and last levels per gauge before answering.'
    const output = [{ id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: thought }] }, { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: talk.answer, annotations: [] }] }]
    const body = { id: 'resp_1', object: 'response', created_at: created, status: 'completed', model: call.model, output, usage: { input_tokens: usage.prompt_tokens, input_tokens_details: { cached_tokens: u.cache_read }, output_tokens: usage.completion_tokens, output_tokens_details: { reasoning_tokens: u.reasoning }, total_tokens: usage.total_tokens } }
    const request = { model: call.model_requested, instructions: talk.system, input: [{ role: 'user', content: [{ type: 'input_text', text: talk.user }] }], reasoning: { effort: 'medium', summary: 'auto' }, stream: call.stream }
    if (error || !call.stream) return { request, response: error ?? body, raw: body.usage }
    const named = (list) => list.map((v) => `event: ${v.type}\ndata: ${JSON.stringify(v)}\n\n`).join('')
    return { request, raw: body.usage, response: named([
      { type: 'response.created', response: { ...body, output: [], status: 'in_progress', usage: null } },
      { type: 'response.output_item.added', output_index: 0, item: { id: 'rs_1', type: 'reasoning', summary: [] } },
      ...chunks(thought, 20).map((delta) => ({ type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta })),
      { type: 'response.output_item.added', output_index: 1, item: { id: 'msg_1', type: 'message', role: 'assistant', content: [] } },
      ...chunks(talk.answer).map((delta) => ({ type: 'response.output_text.delta', output_index: 1, content_index: 0, delta })),
      { type: 'response.completed', response: body },
    ]) }
  }
  const messages = [{ role: 'system', content: talk.system }, { role: 'user', content: talk.image ? [{ type: 'text', text: talk.user }, { type: 'image_url', image_url: { url: PNG } }, { type: 'image_url', image_url: { url: 'https://cdn.example.com/swatch-large.jpg' } }] : talk.user }]
  const request = { model: call.model_requested, messages, temperature: 0.2, max_tokens: 800, ...(call.stream ? { stream: true, stream_options: { include_usage: true } } : {}), user: call.user }
  if (talk.tool) {
    messages.push({ role: 'assistant', content: null, tool_calls: [{ id: 'call_q7Gd', type: 'function', function: { name: talk.tool[0], arguments: talk.tool[1] } }] }, { role: 'tool', tool_call_id: 'call_q7Gd', content: talk.tool[2] })
    request.tools = [{ type: 'function', function: { name: talk.tool[0], description: 'Looks an order up by its number.', parameters: { type: 'object', properties: { order_id: { type: 'string' }, include: { type: 'array', items: { enum: ['shipment', 'events', 'invoice'] } } }, required: ['order_id'] } } }]
  }
  if (error) return { request, response: error, raw: null }
  const base = { id: 'chatcmpl-CvnB', created, model: call.model }
  if (!call.stream) return { request, raw: usage, response: { ...base, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: talk.answer, refusal: null }, finish_reason: 'stop' }], usage } }
  const cut = call.status !== 'ok'
  const parts = chunks(talk.answer)
  const list = (cut ? parts.slice(0, Math.ceil(parts.length / 3)) : parts).map((content, i) => ({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: i ? { content } : { role: 'assistant', content }, finish_reason: null }], usage: null }))
  if (!cut) list.push({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null }, { ...base, object: 'chat.completion.chunk', choices: [], usage })
  return { request, response: sse(list, !cut), raw: usage }
}

/** errorOf is the error a call carries. */
export function errorOf(call) {
  const say = {
    rate_limit_exceeded: 'Rate limit reached for gpt-4o in organization org-weir on tokens per min (TPM): limit 30000, used 29120, requested 1480. Please try again in 1.2s.',
    server_error: 'The server had an error while processing your request. Sorry about that!',
    overloaded_error: 'Overloaded',
    weir_upstream_timeout: 'openai sent no first byte within 30 s (3 attempts). Raise timeouts.first_byte or add a fallback target to the route "smart".',
    invalid_request_error: "Invalid value for 'temperature': must be at most 2.",
    weir_budget_exceeded: 'Budget "support daily" has $0.00 of $25.00 left in project support-bot. It opens again at 2026-11-25T00:00:00Z.',
    weir_rate_limited: 'Key "prod" may send 600 requests a minute and sent 601. Retry in 2 s.',
  }
  if (!call.error_code) return null
  return { type: call.error_code, message: say[call.error_code] ?? 'The provider failed.', status: call.http_status, retryable: [429, 500, 529, 504].includes(call.http_status) && call.status === 'error' }
}

/** attemptsOf splits a call's time over its attempts. */
export function attemptsOf(call) {
  const start = Date.parse(call.start_time)
  const out = []
  let at = 1.4
  for (let i = 0; i < call.attempts; i++) {
    const last = i === call.attempts - 1
    const bad = !last || call.status === 'error'
    const took = last ? call.duration_ms - at - 0.3 : Math.min(call.duration_ms / 4, 240 + i * 90)
    out.push({
      id: call.id + '-' + (i + 1), provider: !last && i === 0 ? call.provider : call.provider, model: call.model, status: bad ? 'error' : call.status,
      http_status: bad ? (last ? call.http_status : 503) : 200, error: bad ? (last ? errorOf(call)?.message ?? '' : 'The server is overloaded or not ready yet.') : '',
      start_time: new Date(start + at).toISOString(), duration_ms: Math.max(0.2, Math.round(took * 10) / 10), cost_usd: bad ? '0.000000000' : call.cost_usd,
    })
    at += took + (last ? 0 : 60)
  }
  return out
}
