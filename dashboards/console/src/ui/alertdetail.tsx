/** A rule in detail: its value against its thresholds, its groups, and what happened to it. */

import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { callsOf, labelsText, opWord, pastless, severities, valueText, type Alert, type AlertEvent, type Contributor, type Replay, type Severity, type State, type Unit } from '../lib/alerts'
import { query, useGet } from '../lib/api'
import { count } from '../lib/format'
import { BandChart, type Level, type Line } from './bandchart'
import { Icon } from './icons'
import { Problem, Segmented, SkeletonRows, Time } from './parts'

export const SeverityBadge = ({ s, pending = '' }: { s: Severity; pending?: '' | Severity }) => <span class={'badge ' + severities[s][0]} data-severity={s}><span class="dot" />{severities[s][1]}{pending && <span class="faint"> soon {severities[pending][1]}</span>}</span>

/** How often what is shown is read again, in milliseconds. */
export const EVERY = 10_000

/** useEvery does something again and again while the page is looked at. */
export function useEvery(ms: number, act: () => void, of: unknown[]) {
  useEffect(() => {
    const t = setInterval(() => { if (!document.hidden) act() }, ms)
    return () => clearInterval(t)
  }, of)
}

const spans = [['1', '24h', 'last 24 hours'], ['7', '7d', 'last 7 days'], ['30', '30d', 'last 30 days']] as const
const mostLines = 5
const few = 10 // of a history

export function AlertDetail({ a, may, onAck, onSilence, children }: { a: Alert; may: boolean; onAck: (s: State) => void; onSilence: (s: State) => void; children?: ComponentChildren }) {
  return (
    <div class="stack" style={{ gap: '14px' }}>
      {a.error && <div class="notice bad" role="alert"><Icon name="warn" /><div><b>It could not be looked at</b><div>{a.error}</div></div></div>}
      <Past a={a} />
      <Groups a={a} may={may} onAck={onAck} onSilence={onSilence} />
      <History rule={a} />
      {children}
    </div>
  )
}

/** Past draws the value over time. */
function Past({ a }: { a: Alert }) {
  const [days, setDays] = useState<'1' | '7' | '30'>('7')
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const now = pastless(a.metric)
  const past = useGet<Replay>(now ? '' : query(`/api/v1/alerts/${encodeURIComponent(a.name)}/past`, { days }))
  if (now) return <p class="muted small">What is looked at here is as it is now; nothing is kept of what it was. {a.metric === 'budget_used' && <a href="/budgets">The budgets' own burn-down</a>}{a.metric === 'drift_psi' && <a href={callsOf(a, {}, '')}>The series, day by day</a>}</p>
  const groups = (past.data?.groups ?? []).slice(0, mostLines)
  const times = (groups[0]?.points ?? []).map((p) => Date.parse(p.at))
  const lines: Line[] = groups.map((g, i) => ({ label: labelsText(g.labels) || a.title, colour: 'c' + (i + 1), values: align(times, g.points) }))
  const levels: Level[] = [...(a.warning !== undefined ? [{ label: 'warning', at: a.warning, colour: 'warn', dash: [4, 4] }] : []), ...(a.alert !== undefined ? [{ label: 'alert', at: a.alert, colour: 'bad', dash: [6, 4] }] : [])]
  const some = lines.some((l) => l.values.some((v) => v !== null))
  return (
    <section class="stack" style={{ gap: '8px' }} aria-label={`Value of ${a.name} over time`}>
      <div class="row wrap">
        <h3 class="grow">Value over time{past.data && a.metric !== 'spend_anomaly' && <span class="faint small"> every {past.data.step_seconds >= 3600 ? past.data.step_seconds / 3600 + ' h' : past.data.step_seconds / 60 + ' min'}</span>}</h3>
        <Segmented small label="Range" value={days} onChange={setDays} options={spans.map(([v, t, long]) => [v, t, long] as const)} />
        <Segmented small class="icons" label="View" value={view} onChange={setView} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />
      </div>
      {past.error ? <Problem error={past.error} retry={past.reload} /> : !past.data ? <SkeletonRows n={5} /> : !some ? <p class="muted">Nothing was seen in this time.</p> : view === 'chart' ? (
        <>
          <BandChart label={`${a.title} against its thresholds`} times={times} lines={lines} levels={levels} gaps format={(v) => valueText(a.unit, v)} height={200} />
          <ul class="legend">
            {lines.map((l) => <li key={l.label}><span class="stroke" style={{ borderColor: `var(--${l.colour})` }} />{l.label}</li>)}
            {levels.map((l) => <li key={l.label}><span class="stroke dash" style={{ borderColor: `var(--${l.colour})` }} />{l.label} {opWord(a.op)} {valueText(a.unit, l.at)}</li>)}
            {past.data.groups.length > mostLines && <li class="faint">and {past.data.groups.length - mostLines} more groups</li>}
          </ul>
        </>
      ) : (
        <div class="table-tall" tabIndex={0} role="region" aria-label={`Values of ${a.name}, table`}>
          <table class="table dense">
            <thead><tr><th scope="col">At</th>{lines.map((l) => <th scope="col" class="num" key={l.label}>{l.label}</th>)}</tr></thead>
            <tbody>{times.map((t, i) => ({ t, i })).reverse().slice(0, 500).map(({ t, i }) => <tr key={t}><td class="nowrap"><Time iso={new Date(t).toISOString()} mode="full" /></td>{lines.map((l) => <td class="num" key={l.label}>{valueText(a.unit, l.values[i])}</td>)}</tr>)}</tbody>
          </table>
        </div>
      )}
    </section>
  )
}

/** align puts a group's values to the times of the first one. */
function align(times: number[], points: { at: string; value: number | null }[]): (number | null)[] {
  const by = new Map(points.map((p) => [Date.parse(p.at), p.value]))
  return times.map((t) => by.get(t) ?? null)
}

function Groups({ a, may, onAck, onSilence }: { a: Alert; may: boolean; onAck: (s: State) => void; onSilence: (s: State) => void }) {
  if (!a.states.length) return <p class="muted">{a.disabled ? 'It is disabled, and not looked at.' : a.looked_at ? 'There is nothing to look at: no group has calls, and no budget fits.' : 'It has not been looked at yet; that takes a minute at most.'}</p>
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`States of ${a.name}, table`}><table class="table alert-groups">
      <thead><tr><th scope="col">State</th><th scope="col">Group</th><th scope="col" class="num">Value</th><th scope="col">Since</th><th scope="col" class="wide">Told</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
      <tbody>{a.states.map((s) => (
        <tr key={labelsText(s.labels)} data-group={labelsText(s.labels)}>
          <td><SeverityBadge s={s.severity} pending={s.pending} /></td>
          <td class="name">{labelsText(s.labels) || <span class="faint">all calls</span>}{s.silenced && <> <span class="badge">silenced</span></>}{s.ack_by && <> <span class="badge accent" title="It is not told again until it gets worse or is over.">taken by {s.ack_by}</span></>}</td>
          <td class="num"><b>{valueText(a.unit, s.value)}</b></td>
          <td><Time iso={s.since} mode="ago" /></td>
          <td class="wide"><Time iso={s.told_at} mode="ago" /></td>
          <td class="num nowrap">
            {!a.metric.startsWith('spool_') && a.metric !== 'budget_used' && <a class="btn small" href={callsOf(a, s.labels, s.at)}>{a.metric === 'drift_psi' ? 'Series' : 'Calls'}</a>}
            {may && s.severity !== 'OK' && <> <button type="button" class="btn small" onClick={() => onAck(s)}>{s.ack_by ? 'Give back' : 'Take it on'}</button></>}
            {may && !s.silenced && <> <button type="button" class="btn small" onClick={() => onSilence(s)}>Silence</button></>}
          </td>
        </tr>
      ))}</tbody>
    </table></div>
  )
}

/** History lists changes of severity, of one rule or of all. */
export function History({ rule, units = {} }: { rule?: Alert; units?: Record<string, Unit> }) {
  const list = useGet<{ events: AlertEvent[]; next: string }>(query('/api/v1/alerts/history', { rule: rule?.name, limit: 50 }))
  useEvery(EVERY, list.reload, [list.reload])
  const [all, setAll] = useState(false)
  const events = list.data?.events
  if (list.error) return <div class="card-body"><Problem error={list.error} retry={list.reload} /></div>
  if (!events) return <SkeletonRows n={3} />
  if (!events.length) return <p class={rule ? 'muted' : 'card-body muted'}>{rule ? 'Its state has never changed.' : 'Nothing has changed its state yet.'}</p>
  return (
    <>
      {rule && <h3>What happened</h3>}
      <ul class="happened" data-history>
        {(all ? events : events.slice(0, few)).map((e) => {
          const unit = rule?.unit ?? units[e.rule] ?? 'number'
          return (
            <li key={e.id}>
              <span class="when"><Time iso={e.at} mode="full" /></span>
              <SeverityBadge s={e.to} />
              <span class="grow">
                {!rule && <a class="who" href={query('/alerts', { rule: e.rule })}>{e.rule}</a>}{labelsText(e.labels)} <span>{e.value === null ? 'no data' : valueText(unit, e.value)}{e.threshold !== null && <span class="faint"> {e.to === 'OK' ? 'back from' : 'past'} {valueText(unit, e.threshold)}</span>}</span>
                {e.top.length > 0 && <span class="faint small" style={{ display: 'block' }}>{topText(e.top, unit)}</span>}
              </span>
              {e.silenced && <span class="badge">silenced</span>}
            </li>
          )
        })}
      </ul>
      {!all && events.length > few && <div class="more"><button type="button" class="btn small" onClick={() => setAll(true)}>Show {events.length - few} older</button></div>}
      {(all || events.length <= few) && list.data!.next && <p class="card-body faint small">Older ones: <code>weir alerts history{rule ? ' ' + rule.name : ''} --limit 1000</code></p>}
    </>
  )
}

/** topText names the first contributor of each kind. */
function topText(top: Contributor[], unit: Unit): string {
  const first = top.filter((c, i) => top.findIndex((o) => o.by === c.by) === i)
  const of = unit === 'share' ? 'count' : unit === 'deviations' ? 'usd' : unit
  return 'most of it: ' + first.map((c) => `${c.by} ${c.name || '(none)'} ${valueText(of, c.value)} in ${count(c.calls)} calls`).join(', ')
}
