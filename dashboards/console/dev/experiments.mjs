// Experiments and scores of the stand-in API.

import { rng } from './data.mjs'

const DAY = 86_400_000
const iso = (t) => new Date(t).toISOString().replace('Z', '000Z')

const mean = (v) => v.reduce((a, b) => a + b, 0) / v.length

function figures(name, type, group, list) {
  const v = list.map((s) => (type === 'boolean' ? Number(s.value) : s.value)).sort((a, b) => a - b), m = type === 'category' ? 0 : mean(v)
  const categories = {}
  if (type === 'category') for (const s of list) categories[s.value] = (categories[s.value] ?? 0) + 1
  return { name, type, group, n: list.length, mean: m, sd: v.length > 1 && type !== 'category' ? Math.sqrt(v.reduce((s, x) => s + (x - m) ** 2, 0) / (v.length - 1)) : 0, min: type === 'category' ? 0 : v[0], max: type === 'category' ? 0 : v.at(-1), p50: type === 'category' ? 0 : v[v.length >> 1], categories }
}

export function createExperiments(calls, mode, now, fail) {
  const r = rng(11)
  let made = 0
  const scored = mode === 'empty' ? [] : calls.filter((c) => c.status === 'ok' && c.prompt).filter(() => r() < 0.35)
  const one = (c, name, type, value, more = {}) => ({ id: 'score-' + ++made, call_id: c.id, trace_id: c.trace_id, start_time: c.start_time, project: c.project, user: c.user, session: c.session, model: c.model, prompt: c.prompt, experiment: /^triage/.test(c.prompt) ? 'triage-tone' : '', arm: c.prompt === 'triage@8' ? 'terse' : /^triage/.test(c.prompt) ? 'control' : '', name, type, value, comment: '', source: 'api', author: 'admin', config_version: '', created_at: c.start_time, ...more })
  let scores = scored.flatMap((c) => {
    const better = c.prompt === 'triage@8' ? 0.06 : 0
    const out = [one(c, 'helpful', 'number', Math.round(Math.min(1, Math.max(0, 0.72 + better + (r() + r() + r() - 1.5) * 0.36)) * 1000) / 1000, { source: 'judge', author: 'helpfulness', config_version: 'judge@3' })]
    if (r() < 0.4) out.push(one(c, 'thumbs', 'boolean', r() < 0.82 + better, { comment: r() < 0.2 ? 'Solved it on the first try, and told me why the parcel was held.' : '' }))
    if (r() < 0.3) out.push(one(c, 'tone', 'category', ['warm', 'warm', 'warm', 'neutral', 'neutral', 'curt', 'rude'][Math.floor(r() * 7)], { source: 'human', author: 'mira' }))
    if (r() < 0.2) out.push(one(c, 'stars', 'number', 1 + Math.floor(Math.sqrt(r()) * 5), { source: 'human', author: 'jonas', comment: r() < 0.1 ? '<img src=x onerror=alert(1)>' : '' }))
    return out
  })
  const keys = { source: 'source', config: 'config_version', project: 'project', model: 'model', prompt: 'prompt', experiment: 'experiment', arm: 'arm' }
  const pick = (q) => scores.filter((s) => {
    const t = Date.parse(s.start_time), since = q.get('since')
    const from = since && /^\d+d$/.test(since) ? now - parseInt(since) * DAY : Date.parse(since ?? '') || 0
    return t >= from && t < (Date.parse(q.get('until') ?? '') || Infinity) && ['name', 'source', 'config_version', 'project', 'model', 'experiment', 'arm'].every((k) => !q.get(k) || s[k] === q.get(k)) && (!q.get('call') || s.call_id === q.get('call')) && (!q.get('prompt') || s.prompt === q.get('prompt') || s.prompt.startsWith(q.get('prompt') + '@'))
  }).sort((a, b) => (a.start_time < b.start_time ? 1 : -1))

  function answerScores(method, path, q, body) {
    if (path === '/api/v1/scores/summary') {
      const by = (q.get('by') ?? '').split(',').filter(Boolean), groups = new Map()
      for (const s of pick(q)) {
        const group = Object.fromEntries(by.map((k) => [k, k === 'day' ? s.start_time.slice(0, 10) : s[keys[k]]])), key = JSON.stringify([s.name, s.type, group])
        groups.set(key, [...(groups.get(key) ?? []), s])
      }
      return { status: 200, body: { rows: [...groups].map(([k, list]) => { const [name, type, group] = JSON.parse(k); return figures(name, type, group, list) }).sort((a, b) => a.name.localeCompare(b.name)) } }
    }
    if (path === '/api/v1/scores' && method === 'POST') {
      if (!/^[\w.-]{1,64}$/.test(body.name ?? '')) return fail(400, 'weir_invalid_request', `the name "${body.name ?? ''}" is none: want 1 to 64 letters, digits, dots, dashes and underscores`, 'name')
      const s = one(calls.find((c) => c.id === body.call_id), body.name, { number: 'number', boolean: 'boolean', string: 'category' }[typeof body.value], body.value, { comment: body.comment ?? '', source: body.source ?? 'api', created_at: iso(Date.now()) })
      scores = [s, ...scores]
      return { status: 201, body: { id: s.id, ids: [s.id] } }
    }
    if (path === '/api/v1/scores') {
      const list = pick(q), limit = Number(q.get('limit') ?? 50), at = Number(q.get('cursor') ?? 0)
      return { status: 200, body: { scores: list.slice(at, at + limit), next: at + limit < list.length ? String(at + limit) : '' } }
    }
    const gone = /^\/api\/v1\/scores\/([^/]+)$/.exec(path)
    if (gone && method === 'DELETE') { scores = scores.filter((s) => s.id !== gone[1]); return { status: 204 } }
    return undefined
  }

  const H = 3_600_000, metric = (m, direction, per, more = {}) => ({ metric: m, direction, per, covariate: 'none', ...more })
  const seed = (name, status, days, over = {}) => ({
    id: 'exp-' + name, name, unit: 'user', prompt: 'triage', arms: [{ name: 'control', prompt: 'triage@7', weight: 50 }, { name: 'terse', prompt: 'triage@8', weight: 50 }],
    metrics: { primary: metric('cost', 'lower', 'unit'), guardrails: [metric('errors', 'lower', 'call', { margin: 0.01 }), metric('score:helpful', 'higher', 'call', { margin: '2%' })] }, worth: '5%', hash: 'sha256', planned_units: 10_000, alpha: 0.05, correction: 'bonferroni', traffic: 1, auto: { stop_for_harm: true },
    status, created_at: iso(now - (days + 1) * DAY), started_at: days ? iso(now - days * DAY) : null, stopped_at: null, epochs: days ? [{ number: 1, start_time: iso(now - days * DAY), traffic: 0.1, weights: [0.5, 0.5] }, { number: 2, start_time: iso(now - days * DAY + 30 * H), traffic: 0.5, weights: [0.5, 0.5] }].map((x) => ({ ...x, weights: (over.arms ?? [1, 2]).map((_, i, all) => 1 / all.length) })) : [], revision: 41, updated_at: iso(now - 5 * H), updated_by: 'mira', ...over,
  })
  // What is true of each: units a day, and by arm the difference of cost, errors and helpfulness.
  const truth = { 'triage-tone': [610, { terse: [-0.0021, 0.0006, 0.011] }], 'answer-models': [880, { mini: [-0.0081, 0.002, -0.006], nano: [-0.0116, 0.004, -0.061] }], 'rewrite-harm': [420, { verbose: [0.0064, 0.031, 0.002] }], 'review-split': [700, { warm: [-0.001, 0, 0.02] }], 'triage-new': [130, { terse: [-0.001, 0, 0] }], 'summary-utility': [300, { short: [0.02, 0, 0] }], 'tone-of-2025': [500, { terse: [-0.002, 0, 0.01] }] }
  let list = mode === 'empty' ? [] : [
    seed('triage-tone', 'running', 6.4),
    seed('answer-models', 'running', 11, { prompt: undefined, unit: 'session', target: 'project == "support-bot" and tags.plan != "free"', layer: { name: 'models', from: 0, to: 0.5 }, arms: [{ name: 'control', model: 'smart', weight: 34 }, { name: 'mini', model: 'fast', weight: 33 }, { name: 'nano', model: 'gpt-5-nano', parameters: { temperature: 0.2, reasoning_effort: 'low' }, weight: 33 }], auto: { promote: true, ramp: {} }, correction: 'ebh', overrides: { 'session-of-mira': 'nano' } }),
    seed('rewrite-harm', 'running', 4, { prompt: 'rewrite', arms: [{ name: 'control', prompt: 'rewrite@3', weight: 50 }, { name: 'verbose', prompt: 'rewrite@4', weight: 50 }], auto: {} }),
    seed('review-split', 'running', 5, { prompt: 'review', arms: [{ name: 'control', prompt: 'review@21', weight: 50 }, { name: 'warm', prompt: 'review@22', weight: 50 }] }),
    seed('triage-new', 'running', 0.4, { unit: 'header:X-Team' }),
    seed('triage-next', 'draft', 0, { arms: [{ name: 'control', prompt: 'triage@production', weight: 50 }, { name: 'kinder', prompt: 'triage@staging', weight: 50 }] }),
    seed('tone-of-2025', 'concluded', 40, { stopped_at: iso(now - 20 * DAY), winner: 'terse', reason: 'cheaper, and nobody minds' }),
  ]

  function look(e, at, points) {
    const [perDay, arms] = truth[e.name] ?? [0, {}], days = e.started_at ? Math.max(0, (at - Date.parse(e.started_at)) / DAY) : 0, w = e.epochs.at(-1)?.weights ?? [], skew = e.name === 'review-split' ? 1.16 : 1
    const units = e.arms.map((_, i) => Math.round(perDay * days * (w[i] ?? 0) * (i ? 1 / skew : skew)))
    const rho = Math.sqrt((-2 * Math.log(0.05) + Math.log(1 - 2 * Math.log(0.05))) / 10_000)
    const effects = e.arms.slice(1).flatMap((arm, k) => [['primary', e.metrics.primary], ...e.metrics.guardrails.map((g) => ['guardrail', g])].map(([role, m], i) => {
      const n = units[0] + units[k + 1], sd = [0.021, 0.09, 0.24][i], control = [0.0312, 0.011, 0.7421][i], t = (arms[arm.name] ?? [0, 0, 0])[i]
      const noise = sd * Math.sqrt(4 / Math.max(8, n)) * 1.1 * Math.sin(n / 180 + i * 2 + k), h = Math.sqrt((n * (4 * sd * sd / Math.max(1, n)) * 2 * (n * rho * rho + 1)) / (n * n * rho * rho) * Math.log(Math.sqrt(n * rho * rho + 1) / 0.05)), v = t + noise
      const out = { arm: arm.name, metric: m.metric, role, per: m.per, direction: m.direction, data: n > 8, control_units: units[0], units: units[k + 1], control, value: control + v, difference: { value: v, low: v - h, high: v + h }, relative: { value: v / control, low: (v - h) / control, high: (v + h) / control }, log_e: 3, p: 0.02, detectable: 0.001 }
      if (role === 'guardrail') { const margin = m.margin === '2%' ? 0.02 * control : m.margin, worse = m.direction === 'lower' ? v : -v; Object.assign(out, { margin: m.margin, accepted: worse + h * 0.93 < margin, harmful: worse - h > margin }) }
      return out
    }))
    return { units, effects, days, perDay, points }
  }

  function detail(e, points) {
    const at = e.stopped_at ? Date.parse(e.stopped_at) : Date.now(), x = look(e, at), n = x.units.reduce((a, b) => a + b, 0), first = x.effects[0], alarm = e.name === 'review-split'
    const state = !e.started_at ? 'waiting' : alarm ? 'frozen' : Math.min(...x.units) < 100 ? 'waiting' : { 'rewrite-harm': 'stop_for_harm', 'answer-models': 'ship', 'tone-of-2025': 'ship' }[e.name] ?? 'keep_going', arm = state === 'waiting' || state === 'frozen' ? undefined : e.arms[1].name
    const money = e.started_at && !alarm ? e.arms.slice(1).map((a) => { const f = x.effects.find((y) => y.arm === a.name), calls = x.perDay * 3.1 * 30.4, d = f.difference; return { arm: a.name, calls_per_month: calls, per_call_usd: { value: d.value / 3, low: d.low / 3, high: d.high / 3 }, per_month_usd: { value: (d.value / 3) * calls, low: (d.low / 3) * calls, high: (d.high / 3) * calls } } }) : []
    const text = { waiting: e.started_at ? `No verdict yet: "terse" has 26 values of X-Team, and each arm needs 100.` : 'The experiment has not started.', frozen: 'No verdict: the arms do not have the units that their weights say. In this epoch control 2,030, warm 1,509, planned 50 : 50 %. Something treats the arms differently before they are counted: calls that fail or are not recorded in one arm, a client that repeats, a target that depends on the arm. Find it, and start a new experiment.', stop_for_harm: `Stop "verbose" and go back to "control": worse on cost per unit: $0.0381 against $0.0312, +21.9 % (+12.0 % to +31.8 %); worse than the margin on failed calls: 4.31 % against 1.1 %, +3.21 points (+1.1 points to +5.3 points).`, ship: `Ship "${e.arms[1].name}": better on cost per unit: $0.0231 against $0.0312, −26.0 % (−31.1 % to −20.9 %); no guardrail is worse than its margin. Not known yet: "nano".`, keep_going: `Keep going: "terse" is better on cost per unit: $0.0291 against $0.0312, −6.7 % (−11.0 % to −2.4 %); not yet shown to be within the margin on score "helpful" per call: 0.753 against 0.742, +1.5 % (−2.6 % to +5.6 %). About 3,800 users more are needed if the effect stays as it is, at the present pace until 2026-12-01 08:00 UTC.` }[state]
    return {
      experiment: e, verdict: { state, arm, text, meaning: money[0] ? `Serving "${money[0].arm}" to all would save $21 a month (between $4 and $38) at 57,000 calls a month.` : '', reasons: [], units_needed: state === 'keep_going' ? 3800 : 0, expected_end: state === 'keep_going' ? iso(now + 6.3 * DAY) : null, arms: state === 'ship' && e.arms.length > 2 ? [{ arm: 'mini', state: 'ship', reasons: ['better on cost per unit: $0.0231 against $0.0312, −26.0 % (−31.1 % to −20.9 %)'] }, { arm: 'nano', state: 'stop_for_harm', reasons: ['worse than the margin on score "helpful" per call: 0.681 against 0.742, −8.2 % (−11 % to −5.4 %)'] }] : [] },
      analysis: { experiment: e.name, at: iso(at), unit: e.unit, arms: e.arms.map((a, i) => ({ arm: a.name, units: x.units[i], calls: Math.round(x.units[i] * 3.1) })), srm: { log_e: alarm ? 21.4 : -1.2, alarm, chi2: alarm ? 76.7 : 0.4, p: alarm ? 1e-17 : 0.53, counts: x.units.map((u) => Math.round(u * 0.8)), shares: e.epochs.length ? e.epochs.at(-1).weights : [] }, effects: x.effects, units_per_day: x.perDay, calls_per_day: x.perDay * 3.1, money, days: x.days },
      next: e.name === 'answer-models' ? { do: 'promote', reason: 'Ship "mini": better on cost per unit.' } : null,
      over_time: e.started_at ? Array.from({ length: points }, (_, i) => { const t = Date.parse(e.started_at) + ((at - Date.parse(e.started_at)) * (i + 1)) / points, y = look(e, t); return { at: iso(t), units: y.units.reduce((a, b) => a + b, 0), effects: y.effects.filter((f) => f.data).map((f) => ({ arm: f.arm, metric: f.metric, role: f.role, per: f.per, ...f.difference })) } }) : [],
      history: [...(e.winner ? [{ revision: 52, at: iso(now - 20 * DAY), author: 'mira', did: 'promoted', detail: 'asked for production of triage to be triage@8: change request 01kb', reason: '' }, { revision: 51, at: iso(now - 20 * DAY), author: 'mira', did: 'concluded', detail: 'for "terse"', reason: 'cheaper, and nobody minds' }] : []), ...(e.started_at ? [{ revision: 44, at: iso(Date.parse(e.started_at) + 30 * H), author: 'weir', did: 'shifted', detail: e.arms.map((a) => a.name + ' 25 %').join(', '), reason: 'each arm had at least 100 units in 30h0m0s at 10 % of the traffic, and none does harm' }, { revision: 42, at: e.started_at, author: 'mira', did: 'started', detail: e.arms.map((a) => a.name + ' 5 %').join(', '), reason: 'shorter answers may be enough' }] : []), { revision: 41, at: e.created_at, author: 'mira', did: 'created', detail: 'a draft', reason: '' }],
    }
  }

  function answerExperiments(method, path, q, body) {
    if (path === '/api/v1/experiments' && method === 'GET') return { status: 200, body: { experiments: list } }
    if (path === '/api/v1/experiments') {
      const wrong = []
      if (!['user', 'session', 'key'].includes(body.unit)) wrong.push(`unit: "${body.unit ?? ''}" is none of user, session, key, header:NAME`)
      if ((body.arms ?? []).length < 2) wrong.push(`arms: ${(body.arms ?? []).length}: want at least two, the first is the control`)
      for (const a of body.arms ?? []) if (a.prompt && !a.prompt.includes('@')) wrong.push(`arms: "${a.name}": prompt "${a.prompt}": want name@version or name@label`)
      if (!body.metrics?.primary?.direction) wrong.push('metrics: primary: direction is missing: lower or higher, whichever is better')
      if (wrong.length) return fail(400, 'weir_invalid_request', wrong.join('; '))
      const e = seed(body.name, 'draft', 0, body)
      list = [e, ...list]
      return { status: 201, body: e }
    }
    const m = /^\/api\/v1\/experiments\/([^/]+)(?:\/(\w+))?$/.exec(path), e = m && list.find((x) => x.name === decodeURIComponent(m[1]))
    if (!m) return undefined
    if (!e) return fail(404, 'weir_not_found', `no such experiment: "${m[1]}"; GET /api/v1/experiments lists them`)
    if (method === 'GET') return { status: 200, body: detail(e, Number(q.get('points') ?? 10)) }
    if (method === 'DELETE') { list = list.filter((x) => x !== e); return { status: 204 } }
    if (m[2] === 'start') Object.assign(e, { status: 'running', started_at: e.started_at ?? iso(Date.now()), stopped_at: null, epochs: [...e.epochs, { number: e.epochs.length + 1, start_time: iso(Date.now()), traffic: 1, weights: e.arms.map(() => 1 / e.arms.length) }] })
    if (m[2] === 'stop') Object.assign(e, { status: 'stopped', stopped_at: iso(Date.now()), reason: body.reason })
    if (m[2] === 'conclude' || m[2] === 'promote') Object.assign(e, { status: 'concluded', stopped_at: iso(Date.now()), winner: body.winner ?? body.arm ?? '', reason: body.reason })
    return { status: 200, body: m[2] === 'promote' ? { experiment: e, arm: body.arm, prompt: 'triage@8', label: body.label, change: null, moved: true } : e }
  }
  return (method, path, q, body) => answerScores(method, path, q, body) ?? answerExperiments(method, path, q, body)
}
