// A stand-in for weir's API: `npm run dev` mounts it; `node dev/mock.mjs [port]` serves it with the built console.
// MOCK=empty: no calls yet · MOCK=alarm: a spool in trouble · MOCK=signin: answers 401 until signed in · MOCK=broken: every read fails.

import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { attemptsOf, bodies, errorOf } from './bodies.mjs'
import { createBudgets } from './budgets.mjs'
import { createCalls } from './calls.mjs'
import { dollars, history, live, models, priceOf } from './data.mjs'
import { createExperiments } from './experiments.mjs'
import { createMoney } from './money.mjs'
import { createPrompts } from './prompts.mjs'

const nanos = (s) => (s === null ? 0n : BigInt(s.replace('.', '')))
const dims = {
  project: (c) => c.project, key: (c) => c.key, user: (c) => c.user, model: (c) => c.model || c.model_requested, provider: (c) => c.provider, prompt: (c) => c.prompt, arm: (c) => c.arm,
  endpoint: (c) => c.endpoint, status: (c) => c.status, cache: (c) => c.cache || 'off', minute: (c) => c.start_time.slice(0, 16) + ':00Z', hour: (c) => c.start_time.slice(0, 13) + ':00:00Z', day: (c) => c.start_time.slice(0, 10), month: (c) => c.start_time.slice(0, 7),
}
const valueOf = (c, d) => (d.startsWith('tag.') ? c.tags[d.slice(4)] ?? '' : dims[d](c))
const quantile = (list, q) => (list.length ? list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))] : null)

function matcher(q) {
  const since = Date.parse(q.get('since') ?? '') || 0, until = Date.parse(q.get('until') ?? '') || Infinity
  const eq = ['project', 'key', 'provider', 'model', 'user', 'session', 'status', 'prompt', 'arm', 'endpoint', 'cache', 'error_code', 'price_status'].filter((k) => q.get(k))
  const tags = [...q.keys()].filter((k) => k.startsWith('tag.'))
  const text = (q.get('q') ?? '').toLowerCase()
  return (c) => {
    const t = Date.parse(c.start_time)
    return t >= since && t < until && eq.every((k) => c[k] === q.get(k) || (k === 'model' && c.model_requested === q.get(k))) && tags.every((k) => c.tags[k.slice(4)] === q.get(k)) &&
      (!text || JSON.stringify([c, bodies(c, c.seq).request]).toLowerCase().includes(text))
  }
}

function measure(list) {
  const cost = list.reduce((s, c) => s + nanos(c.cost_usd), 0n)
  const ran = list.filter((c) => !['budget', 'rate_limited'].includes(c.status)).map((c) => c.duration_ms)
  const inputs = (c) => c.usage.input_uncached + c.usage.cache_read + c.usage.cache_write_5m + c.usage.cache_write_1h + c.usage.input_audio
  return {
    calls: list.length, errors: list.filter((c) => c.status === 'error').length, cost_usd: list.length && list.every((c) => c.cost_usd === null) ? null : dollars(cost),
    saved_usd: dollars(list.reduce((s, c) => s + nanos(c.saved_usd), 0n)), input_tokens: list.reduce((s, c) => s + inputs(c), 0), output_tokens: list.reduce((s, c) => s + c.usage.output_text + c.usage.reasoning, 0),
    latency_p50_ms: quantile(ran, 0.5), latency_p95_ms: quantile(ran, 0.95), unpriced_calls: list.filter((c) => c.price_status === 'unpriced' && c.cost_usd === null).length,
    cache_hits: list.filter((c) => c.cache === 'hit' || c.cache === 'semantic').length, ttft_p50_ms: quantile(list.filter((c) => c.ttft_ms !== null).map((c) => c.ttft_ms), 0.5),
  }
}

export function createMock({ mode = '', now = Date.now() } = {}) {
  const calls = mode === 'empty' ? [] : history(now)
  const started = now - 3.4 * 86_400_000
  let keys = mode === 'empty' ? [] : [
    { id: 'k7q2m9xw3abt', project: 'support-bot', name: 'prod', created_at: '2026-08-02T09:12:44.120331Z', last_used_at: new Date(now - 4000).toISOString(), revoked_at: null, expires_at: null, prefix: 'sk-weir-k7q2m9xw3abt' },
    { id: 'p0d4hz81rt6v', project: 'support-bot', name: 'staging', created_at: '2026-08-02T09:13:10.000000Z', last_used_at: new Date(now - 5_400_000).toISOString(), revoked_at: null, expires_at: '2027-01-01T00:00:00.000000Z', prefix: 'sk-weir-p0d4hz81rt6v' },
    { id: 'x3f8s0c5n1ye', project: 'search', name: 'default', created_at: '2026-09-14T15:40:02.500000Z', last_used_at: new Date(now - 60_000).toISOString(), revoked_at: null, expires_at: null, prefix: 'sk-weir-x3f8s0c5n1ye' },
    { id: 'b6u1k4j9w2qa', project: 'research', name: 'notebook of lucia', created_at: '2026-10-30T08:00:00.000000Z', last_used_at: null, revoked_at: null, expires_at: null, prefix: 'sk-weir-b6u1k4j9w2qa' },
    { id: 'd5g7t2e8m0hz', project: 'code-review', name: 'old ci', created_at: '2026-05-11T10:00:00.000000Z', last_used_at: '2026-09-01T11:30:00.000000Z', revoked_at: '2026-09-02T07:00:00.000000Z', expires_at: null, prefix: 'sk-weir-d5g7t2e8m0hz' },
  ]
  const refused = [4711, 4712, 4790].map((number, i) => ({ id: i === 2 ? String(number) : calls[number % calls.length]?.id ?? 'x', number, since: new Date(now - 3_600_000 * (i + 1)).toISOString(), reason: i === 2 ? 'record does not decode: fields do not decode' : 'write clickhouse calls: code: 69, message: Cannot insert value 70000 into column http_status of type UInt16: out of bound', bytes: 4200, readable: i < 2, start_time: null, project: 'search', key: 'default', provider: 'openai', model: 'gpt-4o-mini', status: i < 2 ? 'ok' : null }))
  let extra = 0
  const fail = (status, code, message, param = null) => ({ status, body: { error: { message, type: code, param, code } } })
  const budgets = createBudgets(calls, mode, now, fail)
  const figures = createMoney(calls, mode)
  const registry = createPrompts(calls, mode, now, fail)
  const experiments = createExperiments(calls, mode, now, fail)
  const find = (id) => calls.find((c) => c.id === id)
  const added = () => { calls.unshift(live(Date.now(), ++extra + 20000)); return calls[0] }
  const page = createCalls(calls, matcher, bodies, added, fail)

  function answer(method, path, q, body, signedIn) {
    if (path === '/api/v1/session' && method === 'GET') return mode === 'signin' && !signedIn ? { status: 200, body: { signed_in: false } } : registry(method, path, q)
    if (path === '/api/v1/session') {
      if (method === 'GET' && mode !== 'signin') return { status: 200, body: { signed_in: true, name: 'admin', role: 'admin' } }
      if (method === 'DELETE') return { status: 204, cookie: 'weir_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict' }
      if (body.token === 'wrong' || (!body.token && body.code !== 'demo')) return fail(401, 'weir_unauthorized', 'This token is not the admin token of this weir. It stands in <data>/admin-token.')
      return { status: 200, body: { ok: true }, cookie: 'weir_session=mock; Path=/; HttpOnly; SameSite=Strict' }
    }
    if (mode === 'signin' && !signedIn) return fail(401, 'weir_unauthorized', 'Sign in with the admin token.')
    if (mode === 'broken') return fail(503, 'weir_store_unavailable', 'ClickHouse does not answer: dial unix engine.sock: connect: connection refused. The engine is being restarted; nothing is lost, calls wait in the spool.')
    const called = page.answer(method, path, q, body)
    if (called) return called
    if (path === '/api/v1/calls') {
      const list = page.sorted(calls.filter(matcher(q)), q.get('sort')), limit = Number(q.get('limit') ?? 50)
      const at = q.get('cursor') ? list.findIndex((c) => c.id === q.get('cursor')) + 1 : 0
      const some = list.slice(at, at + limit)
      return { status: 200, body: { calls: some.map(page.told), next: at + limit < list.length ? some.at(-1).id : '' } }
    }
    const m = /^\/api\/v1\/calls\/([^/]+)$/.exec(path)
    if (m) {
      const c = find(m[1])
      if (!c) return fail(404, 'weir_not_found', `No call ${m[1]} is recorded. It may have passed its retention.`)
      const { request, response, raw } = bodies(c, c.seq)
      const lines = priceOf(c)?.map((l) => ({ ...l, amount_usd: (Number(l.amount) / 1e12).toFixed(12).replace(/0{1,3}$/, '') , amount: undefined })) ?? []
      return { status: 200, body: { ...c, request, response, attempts: attemptsOf(c), cost_explained: c.cost_usd === null ? [] : lines, error: errorOf(c), finish_reasons: c.status === 'ok' && c.endpoint !== 'embeddings' ? ['stop'] : [], service_tier: c.provider === 'openai' ? 'default' : '', usage_raw: raw, flags: [] } }
    }
    if (path === '/api/v1/costs') {
      const by = (q.get('by') || 'model').split(',')
      const bad = by.find((d) => !(d in dims) && !d.startsWith('tag.'))
      if (bad) return fail(400, 'weir_invalid_request', `Costs cannot be grouped by "${bad}". Use project, key, user, model, provider, prompt, arm, endpoint, status, tag.NAME, minute, hour, day, month.`)
      const groups = new Map()
      const list = calls.filter(matcher(q))
      for (const c of list) {
        const k = JSON.stringify(by.map((d) => valueOf(c, d)))
        if (!groups.has(k)) groups.set(k, [])
        groups.get(k).push(c)
      }
      return { status: 200, body: { rows: [...groups].map(([k, g]) => ({ ...Object.fromEntries(by.map((d, i) => [d, JSON.parse(k)[i]])), ...measure(g) })), total: measure(list) } }
    }
    if (path === '/api/v1/facets') {
      const list = calls.filter(matcher(q))
      return { status: 200, body: Object.fromEntries(['project', 'model', 'provider', 'key', 'user', 'status'].map((d) => {
        const n = new Map()
        for (const c of list) n.set(c[d], (n.get(c[d]) ?? 0) + 1)
        return [d, [...n].filter(([v]) => v).map(([value, count]) => ({ value, calls: count })).sort((a, b) => b.calls - a.calls)]
      })) }
    }
    if (path === '/api/v1/keys' && method === 'POST') {
      if (!body.project || !body.name) return fail(400, 'weir_invalid_request', 'A key needs a project and a name.')
      const id = 'n' + (now + keys.length).toString(36).slice(-6) + 'a7k2q'
      keys = [{ id, project: body.project, name: body.name, created_at: new Date().toISOString(), last_used_at: null, revoked_at: null, expires_at: body.expires_at ?? null, prefix: 'sk-weir-' + id }, ...keys]
      return { status: 201, body: { id, key: `sk-weir-${id}-${'Zk3vQ9mT1xR7bN5cW0yH8pL2sD6fG4jA_uE-iO1aB3'}`, project: body.project, name: body.name } }
    }
    if (path === '/api/v1/keys') return { status: 200, body: { keys } }
    const k = /^\/api\/v1\/keys\/([^/]+)$/.exec(path)
    if (k && method === 'DELETE') { keys = keys.map((x) => (x.id === k[1] ? { ...x, revoked_at: new Date().toISOString() } : x)); return { status: 204 } }
    if (path === '/api/v1/prices/unpriced') return { status: 200, body: { models: mode === 'empty' ? [] : [{ provider: 'local', price_as: 'local', model: 'qwen3-32b-awq', last_seen: new Date(now - 5_400_000).toISOString(), calls: calls.filter((c) => c.price_status === 'unpriced').length, closest: 'together/qwen3-32b' }] } }
    if (path === '/api/v1/prices') {
      const more = ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano', 'o3', 'o4-mini', 'gpt-5', 'gpt-5-nano'].map((x, i) => ({ provider: 'openai', model: x, price: { input_uncached: String(2 - i * 0.25), cache_read: String((2 - i * 0.25) / 4), output_text: String(8 - i) } }))
      const list = [...models, ...more].filter((x) => x.price).map((x, i) => ({ provider: x.provider, model: x.model, mode: x.api === 'embeddings' ? 'embedding' : 'chat', effective_from: i % 3 ? '' : '2025-09-01', input_usd_per_mtok: x.price.input_uncached, cache_read_usd_per_mtok: x.price.cache_read ?? null, cache_write_5m_usd_per_mtok: x.price.cache_write_5m ?? null, cache_write_1h_usd_per_mtok: x.price.cache_write_1h ?? null, output_usd_per_mtok: x.price.output_text ?? null, context_window: x.provider === 'gemini' ? 1048576 : x.provider === 'anthropic' ? 200000 : 128000, status: ['agreed', 'agreed', 'majority', 'agreed', 'single'][i % 5] }))
      return { status: 200, body: { version: '2026-11-23', prices: list.filter((p) => (p.provider + '/' + p.model).includes((q.get('q') ?? '').toLowerCase())) } }
    }
    if (path === '/api/v1/spool') {
      const bad = mode === 'alarm'
      return { status: 200, body: { accepted: calls.length + (bad ? 1413 : 3), written: calls.length, waiting: bad ? 1400 : 3, quarantined: bad ? refused.length : 0, dropped: bad ? 13 - refused.length : 0, bodies_dropped: bad ? 40 : 0, oldest_waiting_seconds: bad ? 734 : 0.4, at_risk: 0, damaged: 0, discarded: 0, lost: 0, under_way: 2, segments: bad ? 61 : 1, bytes: bad ? 4.2e9 : 48_213, max_bytes: 2 ** 32, error: bad ? 'the spool has no room' : '',
        problems: bad ? [{ kind: 'store', message: 'records wait in the spool: write clickhouse calls: connection refused', action: 'Nothing is lost: the records wait on this disk and are written when ClickHouse takes them. See that it runs and can be reached: weir doctor.', past: false }, { kind: 'full', message: 'the spool data/spool has no room, records lose their bodies or are dropped', action: 'Free space on the disk of the data directory, raise spool.max_disk, or see why ClickHouse does not take records: weir doctor.', past: false }, { kind: 'quarantined', message: `Records that ClickHouse refuses, kept aside: ${refused.length}.`, action: 'weir spool quarantine says why. When the cause is mended, weir spool resend gives them back.', past: false }, { kind: 'bodies_dropped', message: 'Records kept without what was said, for want of room: 40.', action: 'Their tokens and costs are complete.', past: true }] : [] } }
    }
    const held = /^\/api\/v1\/spool\/quarantine\/(\d+)(\/resend)?$/.exec(path)
    if (held) {
      const one = refused.find((x) => x.number === Number(held[1]))
      if (!one) return fail(404, 'weir_not_found', 'no record in quarantine has this id; GET /api/v1/spool/quarantine lists them')
      if (method === 'GET') return { status: 200, body: { ...one, call: one.readable ? calls[one.number % calls.length] : null } }
      refused.splice(refused.indexOf(one), 1)
      return { status: held[2] ? 202 : 204 }
    }
    if (path === '/api/v1/spool/quarantine') return { status: 200, body: { records: refused, total: refused.length, truncated: false } }
    const money = figures(method, path, q, body) ?? budgets(method, path, body) ?? experiments(method, path, q, body) ?? registry(method, path, q)
    if (money) return money
    if (path === '/api/v1/system') return { status: 200, body: { version: 'v0.1.0-dev', started_at: new Date(started).toISOString(), clickhouse: { mode: 'embedded', ok: true, error: '' }, control: { kind: 'sqlite' }, providers: [{ name: 'openai', kind: 'openai', base_url: 'https://api.openai.com/v1', live: true }, { name: 'anthropic', kind: 'anthropic', base_url: 'https://api.anthropic.com', live: true }, { name: 'gemini', kind: 'gemini', base_url: 'https://generativelanguage.googleapis.com', live: true }, { name: 'local', kind: 'compatible', base_url: 'http://127.0.0.1:8000/v1', live: false }] } }
    return fail(404, 'weir_not_found', `${method} ${path} is not part of the API.`)
  }

  return (req, res, next) => {
    const url = new URL(req.url ?? '/', 'http://mock')
    if (!url.pathname.startsWith('/api/')) return next()
    if (url.pathname === '/api/v1/calls/tail' && mode === '') return page.follow(url.searchParams, req, res)
    const parts = []
    req.on('data', (d) => parts.push(d))
    req.on('end', () => {
      const text = Buffer.concat(parts).toString()
      const out = answer(req.method, url.pathname, url.searchParams, text ? JSON.parse(text) : {}, /weir_session=mock/.test(req.headers.cookie ?? ''))
      res.writeHead(out.status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...(out.cookie ? { 'set-cookie': out.cookie } : {}) })
      res.end(out.body === undefined ? '' : JSON.stringify(out.body))
    })
  }
}

/** The same policy as the Go handler's, so that a breach shows while developing. */
const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8' }

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist')
  const mock = createMock({ mode: process.env.MOCK ?? '' })
  const server = createServer((req, res) => mock(req, res, () => {
    const path = new URL(req.url, 'http://mock').pathname
    const file = join(dist, path)
    const found = extname(path) && file.startsWith(dist) && existsSync(file) && statSync(file).isFile()
    res.writeHead(200, { 'content-type': types[found ? extname(file) : '.html'] ?? 'application/octet-stream', 'content-security-policy': policy, 'x-content-type-options': 'nosniff' })
    createReadStream(found ? file : join(dist, 'index.html')).pipe(res)
  }))
  server.listen(Number(process.argv[2] ?? 4400), '127.0.0.1', () => console.log(`console with mock data: http://127.0.0.1:${server.address().port}`))
}
