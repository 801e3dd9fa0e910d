/** What happened to budgets: a time line, and the same as a list. */

import { useEffect, useState } from 'preact/hooks'
import { get, query, useGet, type Failure } from '../lib/api'
import type { Budget } from '../lib/budgets'
import { callsOf, kinds, lanes, said, told, type BudgetEvent } from '../lib/events'
import { count, plural } from '../lib/format'
import { patch } from '../lib/router'
import { clock, DAY, shortDate } from '../lib/time'
import { Icon } from './icons'
import { Card, Problem, Segmented, SkeletonRows, Time } from './parts'

interface List { events: BudgetEvent[]; next: string }
const spans = [['1d', '24h', 'last 24 hours', 1], ['7d', '7d', 'last 7 days', 7], ['30d', '30d', 'last 30 days', 30]] as const

export function BudgetEvents({ budgets, only, now }: { budgets: Budget[]; only: string; now: number }) {
  const [span, setSpan] = useState<'1d' | '7d' | '30d'>('7d')
  const b = budgets.find((x) => x.id === only)
  const path = query(b ? `/api/v1/budgets/${encodeURIComponent(b.id)}/events` : '/api/v1/budgets/events', { since: span, limit: 200 })
  const first = useGet<List>(path)
  // What happens shows in what is spent and in the state.
  const state = budgets.map((x) => [x.state, x.percent, x.spent_calls].join()).join(';')
  useEffect(() => { if (first.data) first.reload() }, [state])
  const [rest, setRest] = useState<{ path: string; list: BudgetEvent[]; next: string } | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const later = rest?.path === path ? rest : null
  const events = [...(first.data?.events ?? []), ...(later?.list ?? [])]
  const next = later ? later.next : first.data?.next ?? ''
  const more = async () => {
    try { const page = await get<List>(path + '&cursor=' + encodeURIComponent(next)); setError(null); setRest({ path, list: [...(later?.list ?? []), ...page.events], next: page.next }) } catch (e) { setError(e as Failure) }
  }
  const days = spans.find(([v]) => v === span)![3], since = now - days * DAY
  const named = new Map(budgets.map((x) => [x.id, x]))
  return (
    <Card title="What happened" label="What happened" sub={first.data && !first.loading ? `${plural(events.length, 'event')}${next ? ' and more' : ''}` : undefined} actions={<>
      <select class="field events-of" aria-label="Events of the budget" value={b?.id ?? ''} onChange={(e) => patch({ events: e.currentTarget.value || undefined }, true)}>
        <option value="">Every budget</option>{budgets.map((x) => <option key={x.id} value={x.id}>{x.name}</option>)}
      </select>
      <Segmented small label="Events of the" value={span} onChange={setSpan} options={spans.map(([v, t, long]) => [v, t, long] as const)} />
      <button type="button" class="btn small icon" aria-label="Read the events again" title="Read again" onClick={first.reload}><Icon name="refresh" size={14} /></button>
    </>}>
      {first.error ? <div class="card-body"><Problem error={first.error} retry={first.reload} /></div> : !first.data || first.loading ? <SkeletonRows n={3} /> : !events.length ? (
        <p class="card-body muted">Nothing happened in this time: no threshold was crossed, and no call was refused, downgraded or cut by {b ? 'this budget' : 'a budget'}.</p>
      ) : (
        <>
          <Lanes events={events} since={since} until={now} named={named} />
          <ul class="happened" data-events>
            {events.map((e) => {
              const b = named.get(e.budget_id), [kind, word] = kinds[e.kind] ?? ['', e.kind.replaceAll('_', ' ')], calls = callsOf(e, b), t = told(e.webhook)
              return (
                <li key={e.id} data-kind={e.kind}>
                  <span class="when"><Time iso={e.last_at} mode="full" /></span>
                  <span class={'badge ' + kind}>{word}</span>
                  <span class="grow"><b class="who">{e.budget}</b>{b && b.name !== e.budget && <span class="faint"> (now {b.name})</span>} <span>{said(e)}</span>{e.count > 1 && e.at !== e.last_at && <span class="faint">, since <Time iso={e.at} mode="full" /></span>}</span>
                  {t && <span class={'badge ' + t[0]} title={e.webhook.error || `the webhook, ${plural(e.webhook.tries, 'try', 'tries')}`}>{t[1]}</span>}
                  {calls && <a class="small nowrap" href={calls}>calls<span class="sr"> of {e.budget}</span></a>}
                </li>
              )
            })}
          </ul>
          {error && <div class="card-body"><Problem error={error} /></div>}
          {next && <div class="more"><button type="button" class="btn" onClick={more}>Show older</button></div>}
        </>
      )}
    </Card>
  )
}

/** Lanes draws when things happened; the list below has the same in words. */
function Lanes({ events, since, until, named }: { events: BudgetEvent[]; since: number; until: number; named: Map<string, Budget> }) {
  const list = lanes(events, since, until)
  const day = until - since <= 2 * DAY
  const tick = (t: number) => (day ? clock(new Date(t).toISOString()).slice(0, 5) : shortDate(t))
  return (
    <div class="lanes" role="img" aria-label={`Time line: ${list.map((l) => `${kinds[l.kind]?.[1] ?? l.kind} ${l.total} times`).join(', ')}. The same is in the list below.`}>
      {list.map((l) => (
        <div class="elane" key={l.kind}>
          <span>{kinds[l.kind]?.[1] ?? l.kind}</span>
          <div class="track">{l.marks.map((m) => <i key={m.event.id} style={{ left: m.left + '%', width: m.width + '%', background: `var(${kinds[l.kind]?.[2] ?? '--c7'})` }} title={`${named.get(m.event.budget_id)?.name ?? m.event.budget}: ${said(m.event)}`} />)}</div>
          <span class="num">{count(l.total)}</span>
        </div>
      ))}
      <div class="elane ends"><span /><div class="row"><span>{tick(since)}</span><span class="grow" /><span>{tick((since + until) / 2)}</span><span class="grow" /><span>now</span></div><span /></div>
    </div>
  )
}
