// The page of calls in the mock: counts, orders, saved views and the live tail.

const figures = {
  cost: (c) => (c.cost_usd === null ? -1 : Number(c.cost_usd)), duration: (c) => c.duration_ms, ttft: (c) => c.ttft_ms ?? -1,
  tokens: (c) => Object.values(c.usage).reduce((s, n) => s + n, 0),
}
const valueOf = (c, field) => (field.startsWith('tag.') ? c.tags[field.slice(4)] : field === 'model' ? c.model || c.model_requested : c[field]) ?? ''

/** createCalls answers for the calls that match picks of a query. add makes a new call. */
export function createCalls(calls, matcher, bodies, add, fail) {
  let views = [
    { id: 'v1', room: 'calls', name: 'Care, expensive', query: 'columns=time%2Cmodel%2Cuser%2Cprompt%2Ctokens%2Ccost%2Cquestion&project=support-bot&sort=cost', owner: 'admin', shared: true, created_at: '2026-11-20T08:00:00.000000Z', changed_at: '2026-11-20T08:00:00.000000Z' },
    { id: 'v2', room: 'calls', name: 'Cut off', query: 'status=cut', owner: 'mira', shared: true, created_at: '2026-11-21T08:00:00.000000Z', changed_at: '2026-11-21T08:00:00.000000Z' },
  ]
  const shown = (v) => ({ ...v, own: v.owner === 'admin', may_change: true })
  const told = (c) => {
    const messages = bodies(c, c.seq).request?.messages ?? []
    const last = messages.at(-1)?.content
    return { ...c, input_preview: typeof last === 'string' ? last.slice(0, 300) : '', output_preview: '', finish_reasons: c.status === 'ok' && c.endpoint !== 'embeddings' ? ['stop'] : [] }
  }
  const sorted = (list, by) => (figures[by] ? [...list].sort((a, b) => figures[by](b) - figures[by](a)) : list)

  function facets(q) {
    const fields = (q.get('fields') || 'project,model,status').split(','), limit = Number(q.get('limit') ?? 20)
    return { since: q.get('since'), until: q.get('until') || null, fields: fields.map((field) => {
      const own = new URLSearchParams(q)
      own.delete(field)
      const n = new Map()
      for (const c of calls.filter(matcher(own))) for (const v of field === 'tag' ? Object.keys(c.tags) : [valueOf(c, field)]) if (v) n.set(v, (n.get(v) ?? 0) + 1)
      const all = [...n].map(([value, count]) => ({ value, calls: count })).sort((a, b) => b.calls - a.calls)
      return { field, since: q.get('since'), values: all.slice(0, limit), others: { values: Math.max(0, all.length - limit), calls: all.slice(limit).reduce((s, v) => s + v.calls, 0) } }
    }) }
  }

  function answer(method, path, q, body) {
    if (path === '/api/v1/calls/facets') return { status: 200, body: facets(q) }
    if (path === '/api/v1/views' && method === 'GET') return { status: 200, body: { views: views.map(shown).sort((a, b) => (a.name < b.name ? -1 : 1)) } }
    if (path === '/api/v1/views') {
      if (views.some((v) => v.owner === 'admin' && v.name === body.name)) return fail(400, 'weir_invalid_request', 'a view of this name is there already, of the same owner: choose another name.', 'name')
      const at = new Date().toISOString(), v = { id: 'v' + Date.now(), room: 'calls', shared: false, ...body, owner: 'admin', created_at: at, changed_at: at }
      views.push(v)
      return { status: 201, body: shown(v) }
    }
    const m = /^\/api\/v1\/views\/([^/]+)$/.exec(path), v = m && views.find((x) => x.id === m[1])
    if (m && !v) return fail(404, 'weir_not_found', 'no view has this id.')
    if (m && method === 'DELETE') { views = views.filter((x) => x !== v); return { status: 204 } }
    if (m) return { status: 200, body: shown(Object.assign(v, body)) }
  }

  /** follow writes a call every second or so until the client leaves. */
  function follow(q, req, res) {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    res.write('id: 0\n\n')
    const timer = setInterval(() => {
      const c = add()
      if (matcher(q)(c)) res.write(`id: ${c.id}\nevent: call\ndata: ${JSON.stringify(told(c))}\n\n`)
    }, 900)
    req.on('close', () => clearInterval(timer))
  }
  return { answer, follow, sorted, told }
}
