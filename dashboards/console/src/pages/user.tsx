/** One end user: what they cost over time, their sessions, the budgets that count their calls, and what they ask by. */

import { useMemo } from 'preact/hooks'
import { query, useGet, type Costs } from '../lib/api'
import { amount, limits, windowName, type Budget } from '../lib/budgets'
import { count, ms, percent, plural, short } from '../lib/format'
import { exact, parse, pixels, usd } from '../lib/money'
import { pivot } from '../lib/pivot'
import { roomOf } from '../lib/prompts'
import { useLocation } from '../lib/router'
import { resolve } from '../lib/time'
import type { Bundle } from '../lib/traces'
import { BundleCost } from '../ui/bundles'
import { TimeChart } from '../ui/chart'
import { TopCosts } from '../ui/costtable'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows, Time } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'
import { sessionRoom } from './sessions'
import type { UserList } from './users'

/** counts says whether a budget may count calls of a user: all that its scope names is the user, or what their calls had. */
export function counts(b: Budget, user: string, had: Record<string, Set<string>>): boolean {
  return Object.entries(b.scope ?? {}).every(([k, v]) => (k === 'user' ? v === '*' || v === user : had[k] ? v === '*' || had[k]!.has(v) : false))
}

export function UserPage({ user }: { user: string }) {
  const { params } = useLocation()
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const range = useMemo(() => resolve(params, '30d', minute), [params.toString(), minute])
  const span = { since: range.since, until: range.until }
  const costs = (by: string) => query('/api/v1/costs', { user, by, ...span })
  const list = useGet<UserList>(query('/api/v1/users', { user, ...span, limit: 1 }))
  const over = useGet<Costs>(costs('model,' + range.grain))
  const prompts = useGet<Costs>(costs('prompt'))
  const models = useGet<Costs>(costs('model'))
  const projects = useGet<Costs>(costs('project,key'))
  const sessions = useGet<{ sessions: Bundle[]; next: string }>(query('/api/v1/sessions', { user, ...span, limit: 8 }))
  const budgets = useGet<{ budgets: Budget[] }>('/api/v1/budgets')
  const u = list.data?.users[0]?.user === user ? list.data.users[0] : undefined
  const since = Date.parse(range.since), until = range.until ? Date.parse(range.until) : minute
  const chart = useMemo(() => over.data && pivot(over.data.rows, ['model'], range.grain, 'cost', since, until), [over.data, range.grain, since, until])
  const had = { project: new Set((projects.data?.rows ?? []).map((r) => String(r.project))), key: new Set((projects.data?.rows ?? []).map((r) => String(r.key))), model: new Set((models.data?.rows ?? []).map((r) => String(r.model))) }
  const matching = (budgets.data?.budgets ?? []).filter((b) => counts(b, user, had))
  const keep = params.get('since') ? span : { range: params.get('range') ?? '30d' }
  const calls = (more: Record<string, string>) => query('/calls', { user, ...keep, ...more })
  const tile = (k: string, v: preact.ComponentChildren, s: preact.ComponentChildren) => <div class="card tile" style={{ paddingBottom: '9px' }}><span class="k">{k}</span><span class="v" style={{ fontSize: '20px' }}>{v}</span><span class="s">{s}</span></div>
  return (
    <Page title={user} crumbs={<span class="crumbs"><a href="/users">Users</a><Icon name="right" size={12} /><span class="cut">{user}</span></span>} actions={<RangePicker range={range} />}>
      {list.error ? <Problem error={list.error} retry={list.reload} /> : list.data && !u && !list.loading ? (
        <Card label="User"><Empty icon="users" title="No calls in this range"><p>{user} made no call in the {range.label}. Choose a longer range.</p><a class="btn" href={query('/users/' + encodeURIComponent(user), { range: '90d' })}>The last 90 days</a></Empty></Card>
      ) : (
        <>
          <div class="tiles" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))' }}>
            {tile('Cost', u ? u.cost_usd === null ? <span class="badge warn">unpriced</span> : <span title={exact(u.cost_usd)}>{usd(u.cost_usd)}</span> : '…', u && parse(list.data!.total.cost_usd) ? percent(pixels(u.cost_usd), pixels(list.data!.total.cost_usd)) + ' of all spend' : '')}
            {tile('Calls', u ? count(u.calls) : '…', u ? u.errors ? plural(u.errors, 'error') : 'none failed' : '')}
            {tile('Tokens', u ? <>{short(u.input_tokens)} <span class="faint">→</span> {short(u.output_tokens)}</> : '…', u?.saved_usd && parse(u.saved_usd) ? usd(u.saved_usd) + ' saved by the cache' : '')}
            {tile('Latency', u ? ms(u.latency_p50_ms) : '…', u ? 'p95 ' + ms(u.latency_p95_ms) : '')}
            {tile('Last seen', u ? <Time iso={u.last_seen} mode="ago" /> : '…', u ? plural(u.sessions, 'session') : '')}
          </div>
          {chart ? chart.series.length > 0 && <TimeChart title="Cost by model" sub={range.label} pivot={chart} measure="cost" grain={range.grain} /> : over.error ? <Problem error={over.error} retry={over.reload} /> : <Card title="Cost by model"><SkeletonRows n={6} /></Card>}
          <div class="three">
            <TopCosts title="By model" dim="model" rows={models.data?.rows} link={(model) => calls({ model })} all={query('/costs', { by: 'model', ...keep })} />
            <TopCosts title="By prompt" dim="prompt" rows={prompts.data?.rows} link={(p) => roomOf(p.replace(/@\d+$/, ''))} all={query('/costs', { by: 'prompt', ...keep })} />
            <Card title="Budgets that count their calls" actions={<a class="btn quiet small" href="/budgets">All<Icon name="right" size={13} /></a>}>
              {budgets.error ? <div class="card-body"><Problem error={budgets.error} retry={budgets.reload} /></div> : !budgets.data || !projects.data ? <SkeletonRows n={3} /> : !matching.length ? <p class="card-body muted">No budget counts the calls of {user}. A budget of the scope <code>user</code> would bound what they spend.</p> : (
                <ul class="lines">{matching.slice(0, 8).map((b) => { const l = limits(b)[0]; return <li key={b.id}><a class="cut grow" href="/budgets">{b.name}</a><span class="faint nowrap">{l ? `${amount(l.kind, l.spent)} of ${amount(l.kind, l.limit)} ${windowName(b.window)}` : windowName(b.window)}</span></li> })}</ul>
              )}
            </Card>
          </div>
          <Card title="Sessions" sub={sessions.data?.next ? 'the newest' : undefined} actions={<a class="btn quiet small" href={query('/sessions', { user, ...keep })}>All<Icon name="right" size={13} /></a>}>
            {sessions.error ? <div class="card-body"><Problem error={sessions.error} retry={sessions.reload} /></div> : !sessions.data ? <SkeletonRows n={4} /> : !sessions.data.sessions.length ? <p class="card-body muted">Their calls belong to no session. <a href={calls({})}>All their calls</a></p> : (
              <div class="scroll"><table class="table bundles">
                <thead><tr><th scope="col">Last call</th><th scope="col">Session</th><th scope="col" class="num">Calls</th><th scope="col" class="num">Cost</th></tr></thead>
                <tbody>{sessions.data.sessions.map((s) => <tr key={s.project + s.id}><td class="nowrap"><Time iso={s.last_time} mode="ago" /></td><td class="opening" style={{ width: '70%' }}><a class="cut" href={sessionRoom(s)}>{s.input_preview || s.id}</a><span class="cut sub mono">{s.id}</span></td><td class="num">{count(s.calls)}</td><td class="num"><BundleCost b={s} /></td></tr>)}</tbody>
              </table></div>
            )}
          </Card>
          <p><a href={calls({})}>All calls of {user}</a></p>
        </>
      )}
    </Page>
  )
}
