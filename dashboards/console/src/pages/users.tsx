/** Users: who spends what, and how it goes. */

import { useMemo } from 'preact/hooks'
import { query } from '../lib/api'
import type { CostRow } from '../lib/api'
import { filterOf } from '../lib/filters'
import { count, percent, plural, short } from '../lib/format'
import { parse, pixels, type Decimal } from '../lib/money'
import { usePages } from '../lib/pages'
import { patch, useLocation } from '../lib/router'
import { resolve } from '../lib/time'
import { Errors, More } from '../ui/bundles'
import { CostCell } from '../ui/costtable'
import { Filters } from '../ui/filters'
import { Card, Empty, Money, Problem, Segmented, SkeletonRows, Spark, Time } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'

export interface EndUser extends CostRow { user: string; last_seen: string | null; sessions: number; trend: string[] }
export interface UserList { users: EndUser[]; count: number; total: CostRow; trend_since: string | null; step_seconds: number; next: string }

const orders = [['cost', 'Cost'], ['calls', 'Calls'], ['tokens', 'Tokens'], ['errors', 'Errors']] as const

/** ratio is a share of dollars, for figures and bars. */
const ratio = (part: Decimal, whole: Decimal): [number, number] => [pixels(part), parse(whole) ? pixels(whole) : 0]

export function UsersPage() {
  const { params } = useLocation()
  const hour = Math.floor(Date.now() / 3_600_000)
  const range = useMemo(() => resolve(params, '30d'), [params.toString(), hour])
  const order = orders.find(([o]) => o === params.get('order'))?.[0] ?? 'cost'
  const filters = filterOf(params)
  const span = { since: range.since, until: range.until }
  const list = usePages<UserList>(query('/api/v1/users', { ...filters, ...span, order, limit: 50 }))
  const users = list.pages.flatMap((p) => p.users), first = list.pages[0]
  const keep = params.get('since') ? { since: range.since, until: range.until } : { range: params.get('range') ?? '' }
  const filtered = Object.keys(filters).length > 0
  const named = users.reduce((s, u) => s + pixels(u.cost_usd), 0)
  return (
    <Page title="Users" sub={first && first.count > 0 ? <>{plural(first.count, 'user')} in the {range.label}. A call names its user by <code>X-Weir-User</code>, or by <code>user</code> in the request.</> : undefined} actions={<RangePicker range={range} />}>
      <Filters params={params} span={span}><Segmented label="Order" value={order} options={orders} onChange={(o) => patch({ order: o === 'cost' ? undefined : o }, true)} /></Filters>
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {!list.error && (
        <Card label="Users">
          {!first ? <SkeletonRows n={10} /> : !users.length ? (
            <Empty icon="users" title={filtered ? 'No user matches' : 'No users in this range'}>
              <p>{filtered ? `No user of the ${range.label} has a call that these filters pick.` : <>Calls that carry <code>X-Weir-User</code>, or <code>user</code> in their request, are counted for that user here.</>}</p>
              {filtered && <a class="btn" href="/users?range=90d">All users of 90 days</a>}
            </Empty>
          ) : (
            <div class="scroll"><table class="table bundles" data-users>
              <thead><tr><th scope="col">User</th><th scope="col" class="num">Cost</th><th scope="col" class="wide">Share of spend</th><th scope="col" class="wide">Trend</th><th scope="col" class="num">Calls</th><th scope="col" class="num wide">Tokens</th><th scope="col" class="num wide">Errors</th><th scope="col" class="num wide">Sessions</th><th scope="col" class="num">Last seen</th></tr></thead>
              <tbody>{users.map((u) => {
                const [part, whole] = ratio(u.cost_usd, first.total.cost_usd)
                return (
                  <tr key={u.user}>
                    <td class="cut" style={{ maxWidth: '220px' }}><a href={query('/users/' + encodeURIComponent(u.user), keep)} title={u.user}>{u.user}</a></td>
                    <td class="num nowrap"><CostCell row={u} small /></td>
                    <td class="wide barcell" style={{ '--w': whole ? part / whole : 0, minWidth: '110px' }}><span>{whole ? percent(part, whole) : '—'}</span></td>
                    <td class="wide"><Spark values={u.trend.map(pixels)} /></td>
                    <td class="num">{short(u.calls)}</td><td class="num wide">{short(u.input_tokens + u.output_tokens)}</td><td class="num wide"><Errors n={u.errors} /></td><td class="num wide">{u.sessions ? count(u.sessions) : <span class="faint">–</span>}</td>
                    <td class="num nowrap"><Time iso={u.last_seen} mode="ago" /></td>
                  </tr>
                )
              })}</tbody>
              <tfoot><tr><td>All calls, with and without a user</td><td class="num"><Money value={first.total.cost_usd} /></td><td class="wide">{users.length === first.count && parse(first.total.cost_usd) ? percent(named, pixels(first.total.cost_usd)) + ' by users' : ''}</td><td class="wide" /><td class="num">{short(first.total.calls)}</td><td class="num wide">{short(first.total.input_tokens + first.total.output_tokens)}</td><td class="num wide">{first.total.errors || ''}</td><td class="wide" /><td /></tr></tfoot>
            </table></div>
          )}
        </Card>
      )}
      {users.length > 0 && <More {...list} end={`${plural(users.length, 'user')}, all of the ${range.label}.`} />}
    </Page>
  )
}
