/** What changed lately, of prompts, experiments, prices, budgets and alerts. */

import { useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { EVERY, useEvery } from './alertdetail'
import { Icon, type IconName } from './icons'
import { Card, Problem, SkeletonRows, Time } from './parts'

interface Event { at: string; kind: 'prompt' | 'experiment' | 'price' | 'budget' | 'alert'; name: string; text: string; by: string; bad: boolean; url: string }

const icons: Record<Event['kind'], IconName> = { prompt: 'prompts', experiment: 'experiments', price: 'models', budget: 'budgets', alert: 'bell' }
const few = 6

/** Happened lists the changes of the last 24 hours. */
export function Happened() {
  const list = useGet<{ events: Event[]; more: boolean }>(query('/api/v1/happened', { since: '24h' }))
  useEvery(EVERY, list.reload, [list.reload])
  const [all, setAll] = useState(false)
  if (list.error) return <Card title="Last 24 hours"><div class="card-body"><Problem error={list.error} retry={list.reload} /></div></Card>
  if (!list.data) return <Card title="Last 24 hours"><SkeletonRows n={3} /></Card>
  const events = list.data.events
  return (
    <Card title="Last 24 hours" sub={events.length ? plural(events.length, 'change') + (list.data.more ? ' and more' : '') : 'prompts, experiments, prices, budgets and alerts'}>
      {!events.length ? <p class="card-body muted">Nothing changed.</p> : (
        <ul class="happened" data-happened={events.length}>
          {(all ? events : events.slice(0, few)).map((e) => (
            <li key={e.kind + e.at + e.name + e.text}>
              <span class="when"><Time iso={e.at} mode="full" /></span>
              <span class={'happened-kind' + (e.bad ? ' bad' : '')} title={e.kind}><Icon name={icons[e.kind]} size={14} /><span class="sr">{e.kind}</span></span>
              <span class="grow"><a class="who" href={e.url}>{e.name}</a>{e.text}{e.by && <span class="faint"> by {e.by}</span>}</span>
            </li>
          ))}
        </ul>
      )}
      {!all && events.length > few && <div class="more"><button type="button" class="btn small" onClick={() => setAll(true)}>Show {events.length - few} older</button></div>}
    </Card>
  )
}
