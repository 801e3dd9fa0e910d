/** What needs a look: budgets, slow calls, experiments, and what changed since yesterday. */

import { useState } from 'preact/hooks'
import type { Ahead } from '../lib/ahead'
import { query, useGet, type Call } from '../lib/api'
import { amount, limits, order, type Budget } from '../lib/budgets'
import { experimentPath, experimentRoom, headline, type Detail, type Experiment } from '../lib/experiments'
import { ms, plural } from '../lib/format'
import { danger, gather, type Danger, type Event } from '../lib/glance'
import { usd } from '../lib/money'
import { Icon, type IconName } from './icons'
import { Card, Skeleton, SkeletonRows, Time } from './parts'

const icons: Record<Event['kind'], IconName> = { prompt: 'prompts', experiment: 'experiments', price: 'models', budget: 'budgets', alert: 'bell' }
const few = 7

/** Lately lists what changed in the last 24 hours, an alert in one line however often it spoke. */
export function Lately() {
  const list = useGet<{ events: Event[]; more: boolean }>(query('/api/v1/happened', { since: '24h' }))
  const [all, setAll] = useState(false)
  if (list.error) return <Card title="What changed"><p class="card-body muted">Not known: {list.error.message}</p></Card>
  const events = list.data && gather(list.data.events)
  return (
    <Card title="What changed" sub="in the last 24 hours" class="lately" actions={<a class="btn quiet small" href="/drift">Drift<Icon name="right" size={13} /></a>}>
      {!events ? <SkeletonRows n={5} /> : !events.length ? <p class="card-body muted">No label, experiment, price, budget or alert changed.</p> : (
        <ul class="happened" data-lately={events.length}>
          {(all ? events : events.slice(0, few)).map((e) => (
            <li key={e.kind + e.at + e.name + e.text}>
              <span class="when"><Time iso={e.at} mode="full" /></span>
              <span class={'happened-kind' + (e.bad ? ' bad' : '')} title={e.kind}><Icon name={icons[e.kind]} size={14} /><span class="sr">{e.kind}</span></span>
              <span class="grow"><a class="who" href={e.url}>{e.name}</a> {e.text}{e.kind === 'alert' ? e.by && <> <Time iso={e.by} mode="clock" /></> : e.by && <span class="faint"> by {e.by}</span>}{e.more > 0 && <span class="faint"> · {plural(e.more, 'more event')}</span>}</span>
            </li>
          ))}
        </ul>
      )}
      {events && !all && events.length > few && <div class="more"><button type="button" class="btn small" onClick={() => setAll(true)}>Show {events.length - few} more</button></div>}
    </Card>
  )
}

/** Looks lists what somebody may want to act on; without any of it there is no card. */
export function Looks() {
  const budgets = useGet<{ budgets: Budget[] }>('/api/v1/budgets')
  const trials = useGet<{ experiments: Experiment[] }>('/api/v1/experiments')
  const slow = useGet<{ calls: Call[] }>(query('/api/v1/calls', { sort: 'duration', since: '24h', status: 'ok', limit: '1' }))
  const list = [...(budgets.data?.budgets ?? [])].sort(order)
  const running = (trials.data?.experiments ?? []).filter((e) => e.status === 'running')
  const over = (trials.data?.experiments ?? []).filter((e) => e.status === 'concluded').sort((a, b) => (b.stopped_at ?? '').localeCompare(a.stopped_at ?? ''))
  const call = slow.data?.calls[0]
  const ready = budgets.data && trials.data && (slow.data || slow.error)
  return (
    <Card title="Needs a look" sub="budgets, experiments, slow calls">
      {!ready && !budgets.error && !trials.error ? <SkeletonRows n={5} /> : (
        <ul class="looks" data-looks>
          {list.slice(0, 3).map((b) => <BudgetLine key={b.id} b={b} />)}
          {running.slice(0, 2).map((e) => <TrialLine key={e.name} e={e} />)}
          {over.slice(0, 1).map((e) => <li key={e.name}><Icon name="experiments" size={14} /><span class="grow"><a class="who" href={experimentRoom(e.name)}>{e.name}</a> <span class="muted">{e.winner ? `was decided for ${e.winner}` : 'ended without a winner'}{e.reason && ': ' + e.reason}</span></span></li>)}
          {call && <li><Icon name="clock" size={14} /><span class="grow"><a class="who" href={'/calls/' + call.id}>{ms(call.duration_ms)}</a> <span class="muted">the slowest answer of the last 24 hours, by {call.model}{call.attempts > 1 ? `, in ${plural(call.attempts, 'attempt')}` : ''}</span></span><a class="btn small" href={'/calls/' + call.id}>Why</a></li>}
          {!list.length && !running.length && !over.length && !call && <li><span class="muted">Nothing: no budgets, no experiments and no calls in the last 24 hours.</span></li>}
        </ul>
      )}
    </Card>
  )
}

const badges: Record<Danger, [string, string]> = { spent: ['bad', 'spent'], soon: ['warn', 'will not last'], high: ['warn', 'much is used'], ok: ['ok', 'will last'] }

function BudgetLine({ b }: { b: Budget }) {
  const ahead = useGet<Ahead>('/api/v1/budgets/' + encodeURIComponent(b.id) + '/forecast')
  const a = ahead.data
  const state = danger(b, a)
  const [kind, word] = badges[state]
  const limit = limits(b)[0]
  const share = Math.min(100, b.percent)
  return (
    <li data-budget={b.name}>
      <Icon name="budgets" size={14} />
      <span class="grow">
        <a class="who" href={'/budgets?budget=' + encodeURIComponent(b.id)}>{b.name}</a>{' '}
        <span class="muted">{b.percent}%{limit && <> of {amount(limit.kind, limit.limit)}</>}
          {state === 'soon' && a?.reaches_at && <>, likely spent on <Time iso={a.reaches_at} mode="date" /></>}
          {state !== 'soon' && state !== 'spent' && a?.expected_usd && limit?.kind === 'usd' && <>, {usd(a.expected_usd)} expected at the end</>}
          {state === 'spent' && <>{b.at_limit === 'refuse' ? ', calls are refused' : ''}{b.resets_at && <> until <Time iso={b.resets_at} mode="date" /></>}</>}
        </span>
        <span class={'track-line ' + state} aria-hidden="true"><i style={{ width: share + '%' }} /></span>
      </span>
      {a || ahead.error ? <span class={'badge ' + kind}>{word}</span> : <Skeleton w="70px" />}
    </li>
  )
}

function TrialLine({ e }: { e: Experiment }) {
  const detail = useGet<Detail>(experimentPath(e.name) + '?points=0')
  const d = detail.data
  const primary = d?.analysis.effects.find((x) => x.role === 'primary' && x.data)
  return (
    <li>
      <Icon name="experiments" size={14} />
      <span class="grow">
        <a class="who" href={experimentRoom(e.name)}>{e.name}</a>{' '}
        <span class="muted">{primary?.relative ? <>{primary.arm}: {primary.metric.replace('score:', '')} {signed(primary.relative.value)} ({signed(primary.relative.low)} to {signed(primary.relative.high)})</> : detail.error ? 'not known' : e.prompt}</span>
      </span>
      {d ? <span class={'badge ' + (d.verdict.state === 'ship' ? 'ok' : d.verdict.state === 'stop_for_harm' || d.verdict.state === 'frozen' ? 'bad' : 'accent')}>{headline(d.verdict)}</span> : !detail.error && <Skeleton w="70px" />}
    </li>
  )
}

const signed = (v: number): string => `${v < 0 ? '−' : '+'}${Math.abs(v * 100).toFixed(1)}%`
