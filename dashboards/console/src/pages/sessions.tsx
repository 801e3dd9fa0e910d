/** Sessions: conversations that callers mark with X-Weir-Session, newest first. */

import { useMemo } from 'preact/hooks'
import { query } from '../lib/api'
import { filterOf } from '../lib/filters'
import { count, plural, short, span } from '../lib/format'
import { usePages } from '../lib/pages'
import { useLocation } from '../lib/router'
import { resolve } from '../lib/time'
import type { Bundle } from '../lib/traces'
import { BundleCost, Errors, More } from '../ui/bundles'
import { Filters } from '../ui/filters'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows, Time } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'
import { ViewsMenu } from '../ui/viewsmenu'

/** sessionRoom is where a session stands. */
export const sessionRoom = (b: { id: string; project: string }): string => query('/sessions/' + encodeURIComponent(b.id), { project: b.project })

export function SessionsPage() {
  const { params, search } = useLocation()
  const hour = Math.floor(Date.now() / 3_600_000)
  const range = useMemo(() => resolve(params, '7d'), [params.toString(), hour])
  const filters = filterOf(params)
  const span_ = { since: range.since, until: range.until }
  const list = usePages<{ sessions: Bundle[]; next: string }>(query('/api/v1/sessions', { ...filters, ...span_, limit: 50 }))
  const sessions = list.pages.flatMap((p) => p.sessions)
  const filtered = Object.keys(filters).length > 0
  return (
    <Page title="Sessions" class="calls" actions={<div class="calls-bar no-print"><ViewsMenu room="sessions" search={search} /><RangePicker range={range} /></div>}>
      <Filters params={params} span={span_}><button type="button" class="btn icon" aria-label="Read again" title="Read again" onClick={list.reload}><Icon name="refresh" size={15} /></button></Filters>
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {!list.error && (
        <Card label="Sessions">
          {!list.pages.length ? <SkeletonRows n={10} /> : !sessions.length ? (
            <Empty icon="calls" title={filtered ? 'No session matches' : 'No sessions in this range'}>
              <p>{filtered ? `No session of the ${range.label} has a call that these filters pick.` : <>Calls belong to a session when they carry the header <code>X-Weir-Session</code> with a value of your own, such as the id of a chat. A session then stands here as one conversation.</>}</p>
              {filtered && <a class="btn" href="/sessions?range=90d">All sessions of 90 days</a>}
            </Empty>
          ) : (
            <div class="scroll"><table class="table bundles" data-sessions>
              <thead><tr><th scope="col">Last call</th><th scope="col">Session</th><th scope="col" class="wide">Project and user</th><th scope="col" class="num">Calls</th><th scope="col" class="num wide">Errors</th><th scope="col" class="num wide">Scores</th><th scope="col" class="num wide">Tokens</th><th scope="col" class="num">Cost</th><th scope="col" class="num">Length</th></tr></thead>
              <tbody>{sessions.map((s) => (
                <tr key={s.project + ' ' + s.id}>
                  <td class="nowrap"><Time iso={s.last_time} mode="ago" /></td>
                  <td class="opening"><a class="cut" href={sessionRoom(s)} title={s.id}>{s.input_preview || s.id}</a><span class="cut sub mono">{s.id}</span></td>
                  <td class="wide cut" style={{ maxWidth: '200px' }}>{s.project}{s.users.length > 0 && <span class="sub"> / {s.users.join(', ')}</span>}</td>
                  <td class="num">{count(s.calls)}</td><td class="num wide"><Errors n={s.errors} /></td><td class="num wide">{s.scores ? count(s.scores) : <span class="faint">–</span>}</td>
                  <td class="num wide">{short(s.input_tokens + s.output_tokens)}</td><td class="num nowrap"><BundleCost b={s} /></td><td class="num nowrap">{span(s.duration_ms / 1000)}</td>
                </tr>
              ))}</tbody>
            </table></div>
          )}
        </Card>
      )}
      {sessions.length > 0 && <More {...list} end={`${plural(sessions.length, 'session')}, the ${range.label} in full.`} />}
    </Page>
  )
}
