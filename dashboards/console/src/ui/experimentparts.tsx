/** Parts of an experiment: where it stands, what is said of it, its units, arms, epochs and history. */

import { count, plural } from '../lib/format'
import { days, daysWord, dollars, headline, number, share, split, states, statuses, unitsWord, type Analysis, type Detail, type Experiment, type Status, type Verdict } from '../lib/experiments'
import { roomOf } from '../lib/prompts'
import { Forest } from './effects'
import { Icon } from './icons'
import { Card, Time } from './parts'

export const StatusBadge = ({ status }: { status: Status }) => <span class={'badge ' + statuses[status].badge}><span class="dot" />{statuses[status].word}</span>

/** VerdictBadge is a verdict in a word, with a sign of its own. */
export function VerdictBadge({ v }: { v: Pick<Verdict, 'state' | 'arm'> }) {
  const s = states[v.state]
  return <span class={'badge ' + s.badge} data-state={v.state}><Icon name={s.sign} size={12} />{s.short}{v.state === 'ship' && v.arm ? ' ' + v.arm : ''}</span>
}

/** Progress says how many of the planned units are there. */
export function Progress({ units, planned }: { units: number; planned: number }) {
  return <div class="progress"><span class="num">{count(units)} <span class="faint">of {count(planned)}</span></span><div class="track-line" role="img" aria-label={`${count(units)} of ${count(planned)} planned units`}><i style={{ width: Math.min(100, (units / Math.max(1, planned)) * 100) + '%', minWidth: units ? '2px' : '0' }} /></div></div>
}

const refRoom = (ref: string): string => { const [name = '', at = ''] = ref.split('@'); return /^\d+$/.test(at) ? roomOf(name, { v: at }) : roomOf(name) }

export const did: Record<string, string> = { created: 'described it', changed: 'changed the description', started: 'started it', stopped: 'stopped it', shifted: 'changed the shares', concluded: 'concluded it', promoted: 'promoted the winner', deleted: 'deleted it' }
const doing: Record<string, string> = { stop: 'stops the experiment', take_out: 'takes the arm that does harm out', raise: 'goes on to the next step of the ramp', promote: 'promotes the winner' }

/** VerdictCard says what is known in plain words. What forbids trust or does harm stands out by its frame and its sign, not only by its colour. */
export function VerdictCard({ d, now }: { d: Detail; now: number }) {
  const { experiment: e, analysis: a, verdict: v } = d
  const s = states[v.state], units = a.arms.reduce((n, x) => n + x.units, 0), bad = s.badge === 'bad', long = days(e, now)
  const money = a.money.find((m) => m.arm === v.arm) ?? (a.money.length === 1 ? a.money[0] : undefined)
  const over = e.status === 'concluded'
  return (
    <section class={'card verdict ' + s.badge} aria-label="Verdict" data-verdict={v.state}>
      <div class="verdict-main">
        <div class="verdict-head"><span class="seal"><Icon name={s.sign} size={20} /></span><div><h2>{headline(v)}</h2>{over && <p class="small">Concluded {e.winner ? <>for <b>{e.winner}</b></> : 'for no arm'}{e.reason && <span class="any">: {e.reason}</span>}</p>}{e.status === 'stopped' && <p class="small">It is stopped: every call gets what it asks for{e.reason && <span class="any">. {e.reason}</span>}</p>}</div></div>
        <p class="any" role={bad ? 'alert' : undefined} data-verdict-text>{v.text}</p>
        {v.meaning && <p class="meaning"><b>A decision today.</b> {v.meaning}</p>}
        {d.next && <div class="notice plain"><Icon name="bolt" /><div class="any"><b>By itself weir {doing[d.next.do] ?? d.next.do} next.</b> {d.next.reason}</div></div>}
      </div>
      <dl class="verdict-side">
        <dt>{e.unit.startsWith('header:') ? 'Units' : e.unit.replace(/^./, (c) => c.toUpperCase()) + 's'}</dt><dd data-units={units}><Progress units={units} planned={e.planned_units ?? 0} /></dd>
        {e.status === 'running' && (v.units_needed ?? 0) > 0 && <><dt>Still needed</dt><dd>{unitsWord(e.unit, v.units_needed!)}{v.expected_end && <span class="small muted">about <Time iso={v.expected_end} mode="date" /></span>}</dd></>}
        {money && <><dt>Money at stake</dt><dd data-money={money.per_month_usd.value}>{money.per_month_usd.value < 0 ? 'saves ' : 'costs '}{dollars(Math.abs(money.per_month_usd.value))} <span class="small muted">a month, {dollars(money.per_month_usd.low)} to {dollars(money.per_month_usd.high)}</span></dd></>}
        {long !== null && <><dt>{e.status === 'running' ? 'Running for' : 'Ran for'}</dt><dd>{daysWord(long)} <span class="small muted">{long >= 1 / 24 && a.units_per_day >= 1 ? `${unitsWord(e.unit, Math.round(a.units_per_day))} a day` : ''}</span></dd></>}
      </dl>
      {(v.arms?.length ?? 0) > 1 && (
        <div class="scroll verdict-arms"><table class="table dense"><thead><tr><th scope="col">Challenger</th><th scope="col">Verdict</th><th scope="col">Why</th></tr></thead>
          <tbody>{v.arms!.map((x) => <tr key={x.arm}><td class="strong">{x.arm}</td><td><VerdictBadge v={{ state: x.state }} /></td><td class="any">{x.reasons.join('; ')}{!!x.units_needed && <span class="muted"> About {unitsWord(e.unit, x.units_needed)} more.</span>}</td></tr>)}</tbody></table></div>
      )}
    </section>
  )
}

/** UnitsCard is the split as it is beside the one that was planned. */
export function UnitsCard({ e, a }: { e: Experiment; a: Analysis }) {
  const epoch = a.srm.counts.reduce((s, n) => s + n, 0), several = e.epochs.length > 1
  const evidence = Math.exp(Math.min(700, a.srm.log_e))
  return (
    <Card title="Units per arm" sub={several ? 'shares in the epoch of now' : undefined} class={a.srm.alarm ? 'alarmed' : ''}>
      {a.srm.alarm ? <div class="notice bad in-card" role="alert"><Icon name="lock" /><div><b>Sample ratio alarm.</b> The arms do not have the units that their weights say, so no figure here can be trusted.</div></div>
        : epoch > 0 && <p class="card-body muted small" style={{ paddingBottom: '6px' }}><Icon name="check" size={12} /> The split is as planned. <span title={`χ² ${number(a.srm.chi2)}, p ${number(a.srm.p)} for one look`}>Evidence against it: {number(evidence)}, the alarm is at 1,000.</span></p>}
      <table class="table units" data-units-table>
        <thead><tr><th scope="col">Arm</th><th scope="col" class="num">Units</th><th scope="col" class="num wide">Calls</th><th scope="col" class="num">Share</th><th scope="col" class="num">Planned</th><th scope="col" class="bar-cell"><span class="sr">Share and plan as a bar</span></th></tr></thead>
        <tbody>
          {a.arms.map((x, i) => {
            const is = epoch ? (a.srm.counts[i] ?? 0) / epoch : null, want = a.srm.shares[i]
            return (
              <tr key={x.arm} data-arm={x.arm}>
                <td class="any"><b class="strong">{x.arm}</b>{i === 0 && x.arm !== 'control' && <span class="faint small"> the control</span>}</td><td class="num"><b>{count(x.units)}</b></td><td class="num wide">{count(x.calls)}</td>
                <td class="num">{is === null ? '–' : share(is)}</td><td class="num muted">{want === undefined ? '–' : share(want)}</td>
                <td class="bar-cell"><div class="plan" title={want === undefined ? undefined : `${is === null ? 'nobody yet' : share(is)}, planned ${share(want)}`}>{is !== null && <i style={{ width: is * 100 + '%' }} />}{want !== undefined && <u style={{ left: want * 100 + '%' }} />}</div></td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </Card>
  )
}

/** MoneyCard is what serving each challenger to all would change in a month's bill. */
export function MoneyCard({ a }: { a: Analysis }) {
  const ends = a.money.flatMap((m) => [m.per_month_usd.low, m.per_month_usd.high])
  const low = Math.min(0, ...ends), high = Math.max(0, ...ends)
  return (
    <Card title="Money at stake" sub={a.money[0] ? `a month of ${count(Math.round(a.money[0].calls_per_month))} calls` : undefined}>
      {!a.money.length ? <p class="card-body muted">Not known yet: it takes priced calls of two units in each arm.</p> : (
        <>
          <table class="table" data-money-table><thead><tr><th scope="col">Served to all</th><th scope="col" class="num">A month</th><th scope="col" class="num wide">A call</th><th scope="col" class="spread-cell">Interval</th></tr></thead>
            <tbody>{a.money.map((m) => <tr key={m.arm}><td class="any"><b class="strong">{m.arm}</b></td><td class="num"><b>{m.per_month_usd.value > 0 ? '+' : ''}{dollars(m.per_month_usd.value)}</b><div class="faint small">{dollars(m.per_month_usd.low)} to {dollars(m.per_month_usd.high)}</div></td><td class="num wide">{m.per_call_usd.value > 0 ? '+' : ''}{dollars(m.per_call_usd.value)}</td><td class="spread-cell"><Forest x={m.per_month_usd} low={low} high={high} said={`${dollars(m.per_month_usd.low)} to ${dollars(m.per_month_usd.high)} a month`} /></td></tr>)}</tbody></table>
          <p class="card-body faint small" style={{ paddingTop: '8px' }}>The difference in dollars a call, times the calls at the pace of the last week. Below zero is saved.</p>
        </>
      )}
    </Card>
  )
}

export function ArmsCard({ e }: { e: Experiment }) {
  const now = split(e)
  return (
    <Card title="Arms" sub="the first is the control">
      <div class="scroll" tabIndex={0} role="region" aria-label="Arms, table"><table class="table" data-arms>
        <thead><tr><th scope="col">Arm</th><th scope="col">Serves</th><th scope="col" class="num">Weight</th><th scope="col" class="num" title="of all units">Of all units</th></tr></thead>
        <tbody>{e.arms.map((a, i) => (
          <tr key={a.name}>
            <td class="any"><b class="strong">{a.name}</b>{e.winner === a.name && <span class="badge ok winner"><Icon name="check" size={11} />winner</span>}</td>
            <td class="any">{a.prompt && <a href={refRoom(a.prompt)}>{a.prompt}</a>}{a.model && <div><span class="faint small">model</span> <span class="mono">{a.model}</span></div>}{Object.entries(a.parameters ?? {}).map(([k, v]) => <div key={k} class="small"><span class="mono">{k}</span> <span class="muted mono any">{JSON.stringify(v)}</span></div>)}{!a.prompt && !a.model && !Object.keys(a.parameters ?? {}).length && <span class="faint">what the call asks for</span>}</td>
            <td class="num">{share(now[i]!.weight)}</td><td class="num">{share(now[i]!.share)}</td>
          </tr>
        ))}</tbody>
      </table></div>
    </Card>
  )
}

export function EpochsCard({ e }: { e: Experiment }) {
  return (
    <Card title="Epochs" sub="times with the same shares; arms are compared within each">
      {!e.epochs.length ? <p class="card-body muted">It has not started.</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Epochs, table"><table class="table dense" data-epochs><thead><tr><th scope="col">Epoch</th><th scope="col">From</th><th scope="col" class="num">Traffic</th>{e.arms.map((a) => <th scope="col" class="num" key={a.name}>{a.name}</th>)}</tr></thead>
          <tbody>{[...e.epochs].reverse().map((x) => <tr key={x.number}><td>{x.number}</td><td><Time iso={x.start_time} mode="full" /></td><td class="num">{share(x.traffic)}</td>{e.arms.map((a, i) => <td class="num" key={a.name}>{share(x.weights[i] ?? 0)}</td>)}</tr>)}</tbody></table></div>
      )}
    </Card>
  )
}

export function HistoryCard({ d }: { d: Detail }) {
  return (
    <Card title="History" sub={plural(d.history.length, 'action')}>
      <ul class="happened" data-history>
        {d.history.map((h) => <li key={h.revision + h.did}><span class="when"><Time iso={h.at} mode="full" /></span><span class="grow"><span class="who">{h.author || 'somebody'}</span>{did[h.did] ?? h.did}{h.detail && <span class="muted">: {h.detail}</span>}{h.reason && <div class="muted small any">{h.reason}</div>}</span></li>)}
      </ul>
    </Card>
  )
}

/** SettingsCard lists what was declared before the start, beside arms and metrics. */
export function SettingsCard({ e }: { e: Experiment }) {
  const auto = [e.auto?.stop_for_harm && 'stop for harm', e.auto?.promote && 'promote the winner', e.auto?.ramp && 'ramp ' + (e.auto.ramp.steps?.length ? e.auto.ramp.steps : [0.01, 0.05, 0.25, 0.5]).map(share).join(', ') + ' an arm'].filter(Boolean)
  const rows: [string, preact.ComponentChildren][] = [
    ['Who takes part', e.target ? <code class="any">{e.target}</code> : 'everyone'], ['Counted by', e.unit], ['Planned units', count(e.planned_units ?? 0)], ['Chance of a false verdict', share(e.alpha ?? 0.05) + ', over all looks'],
    ...(e.worth !== undefined ? [['Worth having', String(e.worth)] as [string, string]] : []), ...(e.arms.length > 2 ? [['Several challengers', e.correction ?? ''] as [string, string]] : []),
    ...(e.layer ? [['Layer', `${e.layer.name}, ${share(e.layer.from)} to ${share(e.layer.to)}`] as [string, string]] : []), ...(Object.keys(e.overrides ?? {}).length ? [['Set by hand', Object.entries(e.overrides!).slice(0, 8).map(([u, a]) => `${u}: ${a}`).join(', ')] as [string, string]] : []),
    ['By itself', auto.length ? auto.join(', ') : 'nothing'],
  ]
  return <Card title="As declared"><dl class="facts card-body">{rows.map(([k, v]) => [<dt key={k}>{k}</dt>, <dd key={k + 'v'} class="any">{v}</dd>])}</dl></Card>
}
