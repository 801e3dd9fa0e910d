// Deterministic, believable calls for developing the console without a running weir.

const DAY = 86_400_000

/** rng is mulberry32: the same seed gives the same history. */
export function rng(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

// Dollars per million tokens; a model without a price is unpriced.
export const models = [
  { provider: 'openai', model: 'gpt-4o-2024-11-20', asked: 'smart', share: 14, price: { input_uncached: '2.5', cache_read: '1.25', output_text: '10' }, ttft: 420, tps: 85 },
  { provider: 'openai', model: 'gpt-4o-mini-2024-07-18', asked: 'fast', share: 34, price: { input_uncached: '0.15', cache_read: '0.075', output_text: '0.6' }, ttft: 310, tps: 110 },
  { provider: 'openai', model: 'gpt-5-mini-2025-08-07', asked: 'reason', share: 11, price: { input_uncached: '0.25', cache_read: '0.025', output_text: '2', reasoning: '2' }, ttft: 1900, tps: 95, api: 'responses', thinks: true },
  { provider: 'anthropic', model: 'claude-sonnet-4-5-20250929', asked: 'anthropic/claude-sonnet-4-5', share: 12, price: { input_uncached: '3', cache_read: '0.3', cache_write_5m: '3.75', cache_write_1h: '6', output_text: '15' }, ttft: 640, tps: 70 },
  { provider: 'gemini', model: 'gemini-2.5-flash', asked: 'gemini-2.5-flash', share: 9, price: { input_uncached: '0.3', cache_read: '0.075', output_text: '2.5', reasoning: '2.5' }, ttft: 380, tps: 150 },
  { provider: 'openai', model: 'text-embedding-3-small', asked: 'text-embedding-3-small', share: 14, price: { input_uncached: '0.02' }, ttft: 90, tps: 0, api: 'embeddings' },
  { provider: 'local', model: 'qwen3-32b-awq', asked: 'local/qwen3-32b-awq', share: 4, price: null, ttft: 520, tps: 42 },
  { provider: 'openai', model: 'gpt-3.5-turbo-instruct', asked: 'gpt-3.5-turbo-instruct', share: 2, price: { input_uncached: '1.5', output_text: '2' }, ttft: 200, tps: 120, api: 'completions' },
]
const projects = [['support-bot', 44], ['search', 26], ['code-review', 18], ['internal-tools', 8], ['research', 4]]
const people = ['mira', 'jonas', 'aiko', 'pavel', 'lucia', 'tomás', 'ines', 'obi', 'freya', 'wei', 'nadia', 'sam', 'kofi', 'elif']
const prompts = { 'support-bot': ['triage@7', 'triage@8', 'answer@12'], search: ['rewrite@3'], 'code-review': ['review@21'], 'internal-tools': [''], research: [''] }
const buckets = ['input_uncached', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output_text', 'reasoning', 'input_audio', 'output_audio']

const pick = (r, list) => {
  let n = r() * list.reduce((s, [, w]) => s + w, 0)
  for (const [v, w] of list) if ((n -= w) <= 0) return v
  return list[0][0]
}
const hex = (r, n) => Array.from({ length: n }, () => Math.floor(r() * 16).toString(16)).join('')

/** pico reads a price per million tokens as 10⁻¹² dollars per token. */
const pico = (s) => { const [w, f = ''] = s.split('.'); return BigInt(w + f.padEnd(6, '0')) }
/** nano rounds 10⁻¹² dollars to 10⁻⁹, half to even. */
const nano = (p) => { const q = p / 1000n, r = p % 1000n; return r > 500n || (r === 500n && q % 2n) ? q + 1n : q }
export const dollars = (n) => { const s = n.toString().padStart(10, '0'); return s.slice(0, -9) + '.' + s.slice(-9) }

export function priceOf(call) {
  const m = models.find((x) => x.model === call.model)
  if (!m?.price) return null
  return buckets.filter((b) => call.usage[b]).map((b) => {
    const rate = m.price[b] ?? m.price[b === 'reasoning' ? 'output_text' : 'input_uncached']
    const amount = pico(rate) * BigInt(call.usage[b])
    return { bucket: b, tokens: call.usage[b], price_usd_per_mtok: rate, amount, rule: m.price[b] ? `${m.provider}/${m.model} from 2025-09-01` : `${b} billed as output` }
  })
}

function makeCall(r, t, i) {
  const m = pick(r, models.map((x) => [x, x.share]))
  const project = m.api === 'embeddings' ? (r() < 0.8 ? 'search' : 'research') : pick(r, projects)
  const roll = r()
  let status = roll < 0.963 ? 'ok' : roll < 0.981 ? 'error' : roll < 0.988 ? 'client_closed' : roll < 0.993 ? 'rate_limited' : roll < 0.997 ? 'budget' : 'cut'
  if (m.api === 'embeddings' && status !== 'ok') status = 'error'
  const refused = ['budget', 'rate_limited'].includes(status)
  const hit = status === 'ok' && r() < 0.11
  const input = Math.round(m.api === 'embeddings' ? 40 + r() * 900 : 180 + Math.exp(r() * 4.2) * 60)
  const cached = m.price?.cache_read && r() < 0.45 ? Math.floor((input * (0.3 + r() * 0.55)) / 128) * 128 : 0
  const output = m.api === 'embeddings' ? 0 : Math.round(20 + Math.exp(r() * 3.6) * 22)
  const usage = Object.fromEntries(buckets.map((b) => [b, 0]))
  if (!refused && status !== 'error') {
    usage.input_uncached = input - cached
    usage.cache_read = cached
    usage.output_text = status === 'ok' ? output : Math.ceil(output / 3)
    if (m.thinks) usage.reasoning = Math.round(64 + r() * 900)
    if (m.provider === 'anthropic' && r() < 0.3) usage.cache_write_5m = 1024 + Math.floor(r() * 2000)
  }
  const stream = m.api !== 'embeddings' && m.api !== 'completions' && r() < 0.7
  const ttft = hit ? 2 + r() * 3 : m.ttft * (0.6 + r() * r() * 2.4)
  const tail = hit || !m.tps ? 1 : ((usage.output_text + usage.reasoning) / m.tps) * 1000
  const user = people[Math.floor(people.length * r() * r())]
  const prompt = m.api ? '' : pick(r, prompts[project].map((p) => [p, 1]))
  const attempts = refused || hit ? 0 : status === 'error' ? 1 + Math.floor(r() * 3) : r() < 0.05 ? 2 : 1
  const call = {
    id: '01k' + t.toString(32).padStart(9, '0') + hex(r, 14), trace_id: hex(r, 32),
    start_time: new Date(t).toISOString().replace(/Z$/, String(100 + Math.floor(r() * 900)) + 'Z'),
    duration_ms: Math.round((refused ? 1.2 + r() * 2 : ttft + tail) * 10) / 10, ttft_ms: stream && !refused && status !== 'error' ? Math.round(ttft * 10) / 10 : null,
    project, key: project === 'support-bot' ? pick(r, [['prod', 8], ['staging', 1]]) : 'default', user, session: r() < 0.6 ? 's-' + user.slice(0, 2) + Math.floor(t / DAY).toString(36) : '',
    tags: project === 'support-bot' ? { team: 'care', env: r() < 0.9 ? 'prod' : 'staging' } : project === 'code-review' ? { team: 'platform', repo: pick(r, [['web', 3], ['api', 2], ['infra', 1]]) } : { team: project === 'search' ? 'discovery' : 'labs' },
    endpoint: m.api ?? 'chat.completions', stream, provider: refused ? '' : m.provider, model_requested: m.asked, model: refused ? '' : m.model, status,
    http_status: status === 'error' ? pick(r, [[429, 3], [500, 2], [529, 1], [504, 1], [400, 2]]) : refused ? 429 : status === 'client_closed' ? 499 : 200, error_code: '',
    usage, usage_source: refused || status === 'error' ? 'none' : status === 'ok' ? 'provider' : 'estimated', cost_usd: null, saved_usd: '0.000000000',
    price_status: m.price ? 'exact' : 'unpriced', price_version: '2026-11-23', cache: m.api === 'embeddings' || refused ? 'off' : hit ? (r() < 0.2 ? 'semantic' : 'hit') : 'miss',
    attempts, prompt, arm: prompt.startsWith('triage') ? (prompt.endsWith('8') ? 'b' : 'a') : '',
  }
  call.error_code = { error: { 429: 'rate_limit_exceeded', 500: 'server_error', 529: 'overloaded_error', 504: 'weir_upstream_timeout', 400: 'invalid_request_error' }[call.http_status], budget: 'weir_budget_exceeded', rate_limited: 'weir_rate_limited', cut: 'weir_budget_exceeded' }[status] ?? ''
  const lines = priceOf(call)
  if (refused || (status === 'error' && m.price)) call.cost_usd = '0.000000000'
  else if (lines) {
    const total = dollars(nano(lines.reduce((s, l) => s + l.amount, 0n)))
    call.cost_usd = hit ? '0.000000000' : total
    if (hit) call.saved_usd = total
  }
  Object.defineProperty(call, 'seq', { value: i, enumerable: false })
  return call
}

/** history makes the calls of `days` days up to now, newest first; nights and weekends are quieter and use grows slowly. */
export function history(now, days = 62, perDay = 320) {
  const r = rng(20261123), out = []
  const first = Math.floor(now / DAY) * DAY - (days - 1) * DAY
  for (let d = 0; d < days; d++) {
    const day = first + d * DAY, week = new Date(day).getUTCDay()
    const n = Math.round(perDay * (week === 0 || week === 6 ? 0.34 : 1) * (0.72 + 0.5 * (d / days)) * (0.85 + r() * 0.3))
    for (let i = 0; i < n; i++) {
      const hour = Math.min(23.99, Math.max(0, 13 + (r() + r() + r() - 1.5) * 9))
      const t = Math.floor(day + hour * 3_600_000)
      if (t < now) out.push(t)
    }
  }
  for (let i = 0; i < 40; i++) out.push(Math.floor(now - 2000 - i * 41_000 * (0.5 + r())))
  return out.sort((a, b) => a - b).map((t, i) => makeCall(r, t, i)).reverse()
}

/** live makes one new call. */
export const live = (now, i) => makeCall(rng(i * 7919 + 13), now, i)
