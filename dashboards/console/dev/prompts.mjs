// Made-up prompts, change requests and members for the stand-in API.

const content = (rules, model = 'gpt-4o-mini') => ({
  messages: [{ role: 'system', content: 'You answer the customers of a bicycle shop.\n' + rules + '\nSign as {{shop}}.' }, { role: 'user', content: '{{name}} asks: {{question}}\n{{#orders}}\n- order {{id}} is {{state}}\n{{/orders}}' }],
  model, settings: { temperature: 0.2 }, defaults: { shop: 'Velo & Co', orders: [] },
  variables: { type: 'object', properties: { shop: { type: 'string' }, name: { type: 'string', description: 'Who asks' }, question: { type: 'string' }, orders: { type: 'array', items: { type: 'object', properties: { id: { type: 'string' }, state: { type: 'string' } } } } }, required: ['name', 'question'] },
})

export function createPrompts(calls, mode, now, fail) {
  const ago = (h) => new Date(now - h * 3_600_000).toISOString()
  const texts = ['Be friendly.', 'Be friendly, and say what to do next.', 'Be brief, and say what to do next.']
  const versions = mode === 'empty' ? [] : texts.map((t, i) => ({ version: i + 1, hash: 'sha256:' + String(i + 1).repeat(64), kind: 'chat', model: 'gpt-4o-mini', labels: [], author: i ? 'ann' : 'bob', message: ['the first one', 'says what to do next', 'brief'][i], created_at: ago(200 - i * 60), deleted_at: null, deleted_by: '' }))
  let at = 2
  const moves = [{ revision: 4, label: 'production', from: 1, to: 2, author: 'bob', reason: 'approved', change: 'c1', moved_at: ago(100) }, { revision: 2, label: 'production', from: 0, to: 1, author: 'bob', reason: '', change: '', moved_at: ago(199) }]
  const members = [['ann', 'developer'], ['bob', 'approver']].map(([name, role]) => ({ id: name, name, email: name + '@example.org', role, created_at: ago(900), removed_at: null }))
  const change = (id, from, to, status) => ({ id, prompt: 'support-answer', label: 'production', from, to, author: 'ann', reason: texts[to - 1], opened_at: ago(101), status, stale: false, reviews: status === 'merged' ? [{ author: 'bob', verdict: 'approve', comment: 'Tried it.', at: ago(100) }] : [], approved_by: status === 'merged' ? ['bob'] : [], rejected_by: [], approvals_needed: 1, gate: '', closed_at: status === 'merged' ? ago(100) : null, closed_by: status === 'merged' ? 'bob' : '', revision: status === 'merged' ? 4 : 0 })
  const changes = versions.length ? [change('c2', 2, 3, 'open'), change('c1', 1, 2, 'merged')] : []
  const diff = (a, b) => ({
    from: { name: 'support-answer', version: a, hash: 'a' }, to: { name: 'support-answer', version: b, hash: 'b' }, same: a === b, members: [], text: '', recent_error: '',
    messages: [{ op: 'changed', role: 'system', from: 1, to: 1, lines: [{ op: 'same', from: 1, to: 1, text: 'You answer the customers of a bicycle shop.' }, { op: 'removed', from: 2, text: texts[a - 1] }, { op: 'added', to: 2, text: texts[b - 1] }, { op: 'same', from: 3, to: 3, text: 'Sign as {{shop}}.' }] }, { op: 'same', role: 'user', from: 2, to: 2 }],
    recent: { calls: 25, inputs: 25, unusable: 0, refused: 0, refusal: '', estimated: false, from_tokens: 1800, to_tokens: 1950, from_usd: '0.000270000', to_usd: '0.000292500' },
  })
  const ok = (body) => ({ status: 200, body })
  return (method, path, q) => {
    if (path === '/api/v1/session' && method === 'GET') return ok({ signed_in: true, name: 'admin', role: 'admin' })
    if (path === '/api/v1/members') return ok({ members })
    if (path === '/api/v1/changes' || path === '/api/v1/prompts/support-answer/changes') return ok({ changes: changes.filter((c) => !q.get('status') || c.status === q.get('status')) })
    if (path === '/api/v1/scores/summary') return ok({ rows: [] })
    const c = /^\/api\/v1\/changes\/(\w+)$/.exec(path)
    if (c) { const x = changes.find((y) => y.id === c[1]); return x ? ok({ ...x, blocked: x.status === 'open' ? ['0 of the 1 approvals that it needs'] : [], gate_passed: null, gate_report: '', diff: diff(x.from, x.to) }) : fail(404, 'weir_not_found', 'no such change') }
    if (path === '/api/v1/prompts' && method === 'GET') return ok({ revision: 4, prompts: versions.length ? [{ name: 'support-answer', kind: 'chat', model: 'gpt-4o-mini', versions: 3, labels: { production: at, latest: 3 }, protected: ['production'], message: 'brief', author: 'ann', updated_at: ago(80) }] : [] })
    const p = /^\/api\/v1\/prompts\/support-answer(?:\/(.*))?$/.exec(path)
    if (!p || !versions.length) return path.startsWith('/api/v1/prompts') ? fail(404, 'weir_prompt_not_found', 'no such prompt') : null
    const labels = [{ label: 'latest', version: 3, revision: 0, moved_at: ago(80), protected: false }, { label: 'production', version: at, revision: 4, moved_at: ago(100), protected: true }]
    const one = (n) => ({ ...versions[n - 1], name: 'support-answer', revision: 0, content: content(texts[n - 1]) })
    const v = /^versions\/(\d)$/.exec(p[1] ?? '')
    if (v && method === 'GET') return ok(one(Number(v[1])))
    switch (p[1]) {
      case undefined: return ok({ name: 'support-answer', revision: 4, versions: [...versions].reverse(), labels, protections: [{ label: 'production', approvals: 1, gate: '', author: 'admin', set_at: ago(150) }] })
      case 'fetch': return ok(one(Number(q.get('ref')) || at))
      case 'moves': return ok({ moves })
      case 'diff': return ok(diff(Number(q.get('from')), Number(q.get('to'))))
      case 'usage': return ok({ name: 'support-answer', since: ago(720), until: ago(0), total: {}, versions: [3, 2, 1].map((n) => ({ version: n, calls: 40 * n, errors: n - 1, unpriced_calls: 0, cache_hits: 0, cost_usd: (0.004 * n).toFixed(9), saved_usd: '0.000000000', input_tokens: 4000 * n, output_tokens: 2400 * n, latency_p50_ms: 900 - n * 60, latency_p95_ms: 2100, ttft_p50_ms: 300 })) })
      case 'render': return ok({ name: 'support-answer', version: 0, hash: '', revision: 0, messages: content(texts[1]).messages })
    }
    return fail(501, 'weir_not_found', `${method} ${path}: the stand-in only shows prompts.`)
  }
}
