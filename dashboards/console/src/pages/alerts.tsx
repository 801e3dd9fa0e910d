/** Alerts: rules, where they stand, what happened, what is silenced, and what was told. */

import { useState } from 'preact/hooks'
import { labelsText, ruleText, filterPairs, pastless, severities, valueText, worst, type Alert, type AlertList, type Delivery, type Replay, type Severity, type Silence, type State, type Unit } from '../lib/alerts'
import { Failure, query, request, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { AlertDetail, EVERY, History, SeverityBadge, useEvery } from '../ui/alertdetail'
import { AlertForm } from '../ui/alertform'
import { Ask } from '../ui/ask'
import { Happened } from '../ui/happened'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { Page } from '../ui/shell'
import { Code } from '../ui/text'

const order: Severity[] = ['ALERT', 'WARNING', 'NO_DATA', 'OK']

export function AlertsPage() {
  const { params } = useLocation()
  const me = useSession()
  const may = me.may('developer')
  const list = useGet<AlertList>('/api/v1/alerts')
  const silences = useGet<{ silences: Silence[] }>('/api/v1/alerts/silences')
  const failed = useGet<{ deliveries: Delivery[] }>('/api/v1/alerts/deliveries?state=failed&limit=20')
  const [form, setForm] = useState<Alert | 'new' | null>(null)
  const [leaving, setLeaving] = useState<Alert | null>(null)
  const [quiet, setQuiet] = useState<{ a: Alert; s: State | null } | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const again = () => { list.reload(); silences.reload(); failed.reload() }
  useEvery(EVERY, again, [list.reload, silences.reload, failed.reload])
  const rules = list.data && [...list.data.alerts].sort(worst)
  const channels = list.data?.channels ?? []
  const open = params.get('rule')
  const act = async (what: () => Promise<unknown>, word: string) => {
    try { await what(); setError(null); toast(word); again() } catch (x) { setError(x as Failure) }
  }
  const acknowledge = (a: Alert, s: State) => act(() => request('POST', `/api/v1/alerts/${encodeURIComponent(a.name)}/ack`, { labels: s.labels, undo: !!s.ack_by }), s.ack_by ? 'Given back' : 'Taken on')
  const test = (a: Alert) => act(() => request('POST', `/api/v1/alerts/${encodeURIComponent(a.name)}/test`), 'A test is on its way')
  const make = may && <button type="button" class="btn primary" onClick={() => setForm('new')}><Icon name="plus" size={14} />New rule</button>
  return (
    <Page title="Alerts" sub="Rules over spend, errors, latency, scores and budgets, and who is told." actions={make}>
      {error && <Problem error={error} />}
      {failed.data && failed.data.deliveries.length > 0 && <Dead list={failed.data.deliveries} may={may} onResend={(d) => act(() => request('POST', `/api/v1/alerts/deliveries/${encodeURIComponent(d.id)}/resend`), 'Sent again')} />}
      {list.data && !channels.length && rules!.length > 0 && <div class="notice plain"><Icon name="warn" /><div>Nobody is told: the configuration lists no channels. Add a webhook, Slack or a mail address under <code>alerts.notify</code>.</div></div>}
      {list.error ? <Problem error={list.error} retry={list.reload} /> : !rules ? <Card label="Rules"><SkeletonRows n={6} /></Card> : !rules.length ? (
        <Card label="Rules">
          <Empty icon="bell" title="No rules yet">
            <p>A rule is looked at every minute, and tells by webhook, Slack or e-mail when a value is out of bounds. Make the first one here, or keep them in a file:</p>
            <div class="first"><Code lang="shell" text="weir alerts set rules.yaml" /></div>
            {may && <button type="button" class="btn primary" onClick={() => setForm('new')}>Make the first rule</button>}
          </Empty>
        </Card>
      ) : (
        <>
          <div class="row wrap" aria-label="States">{order.map((s) => { const n = rules.filter((r) => r.severity === s).length; return n > 0 && <span class={'badge ' + severities[s][0]} key={s}><span class="dot" />{n} {severities[s][1]}</span> })}</div>
          {rules.map((a) => <RuleCard key={a.name} a={a} open={a.name === open} may={may} toggle={() => patch({ rule: a.name === open ? undefined : a.name }, true)} edit={() => setForm(a)} remove={() => setLeaving(a)} test={() => void test(a)} onAck={(s) => void acknowledge(a, s)} onSilence={(s) => setQuiet({ a, s })} />)}
          <Card title="Alerts that changed"><History units={Object.fromEntries(rules.map((r) => [r.name, r.unit])) as Record<string, Unit>} /></Card>
        </>
      )}
      {list.data && <>
        <Silences list={silences.data?.silences} may={may} onEnd={(s) => void act(() => request('POST', `/api/v1/alerts/silences/${encodeURIComponent(s.id)}/end`), 'The silence is over')} />
        <Happened />
        <Told />
      </>}
      {form && <AlertForm a={form === 'new' ? null : form} channels={channels} onClose={() => setForm(null)} onDone={(name) => { toast(form === 'new' ? 'Rule made' : 'Rule changed'); setForm(null); patch({ rule: name }, true); again() }} />}
      {leaving && <Ask title={`Remove "${leaving.name}"?`} yes="Remove the rule" no="Keep it" danger act={() => request('DELETE', '/api/v1/alerts/' + encodeURIComponent(leaving.name))} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); toast('Rule removed'); again() }}><p>It is not looked at any more. Its history stays.</p></Ask>}
      {quiet && <SilenceForm a={quiet.a} s={quiet.s} onClose={() => setQuiet(null)} onDone={() => { setQuiet(null); toast('Silenced'); again() }} />}
    </Page>
  )
}

function RuleCard({ a, open, may, toggle, edit, remove, test, onAck, onSilence }: { a: Alert; open: boolean; may: boolean; toggle: () => void; edit: () => void; remove: () => void; test: () => void; onAck: (s: State) => void; onSilence: (s: State) => void }) {
  const bad = a.states.filter((s) => s.severity !== 'OK')
  const first = bad[0] ?? a.states[0]
  return (
    <Card label={'Rule ' + a.name}>
      <header class="card-head" data-rule={a.name}>
        <SeverityBadge s={a.severity} pending={bad.length ? '' : a.states.find((s) => s.pending)?.pending ?? ''} />
        <h2 class="cut">{a.name}</h2>
        {a.source === 'file' && <span class="badge" title="It stands in the configuration file, and is changed there.">file</span>}
        {a.disabled && <span class="badge">disabled</span>}
        {a.silenced && <span class="badge">silenced</span>}
        {a.error && <span class="badge warn" title={a.error}>not looked at</span>}
        <span class="grow" />
        <button type="button" class="btn small" aria-expanded={open} onClick={toggle}><Icon name="chart" size={14} />Details</button>
        {may && a.source === 'api' && <button type="button" class="btn small" onClick={edit} aria-label={'Edit ' + a.name}>Edit</button>}
      </header>
      <div class="card-body stack" style={{ gap: '10px' }}>
        <div class="alert-line">
          <div class="stack" style={{ gap: '4px' }}>
            <p>{ruleText(a)}</p>
            <div class="row wrap">{filterPairs(a.filter).map(([k, v]) => <span class="tag" key={k}>{k}<b>{v}</b></span>)}{a.about && <span class="faint small">{a.about}</span>}</div>
          </div>
          <AlertSpark a={a} />
          <div class="alert-now">
            <b>{first ? valueText(a.unit, first.value) : '–'}</b>
            {first && <span class="faint small">{bad.length > 1 ? `${plural(bad.length, 'group')} of ${a.states.length}, the worst ` : ''}{labelsText(first.labels)} since <Time iso={first.since} mode="ago" /></span>}
          </div>
        </div>
        {open && <AlertDetail a={a} may={may} onAck={onAck} onSilence={onSilence}>
          {may && <div class="row wrap"><button type="button" class="btn small" onClick={test}>Send a test</button>{a.source === 'api' ? <button type="button" class="btn small danger" onClick={remove}>Remove the rule</button> : <span class="faint small">It stands in the configuration file, and is changed there.</span>}</div>}
        </AlertDetail>}
      </div>
    </Card>
  )
}

/** AlertSpark is the last day's value against the thresholds; the details have the same as a table. */
function AlertSpark({ a }: { a: Alert }) {
  const none = pastless(a.metric) || a.disabled
  const past = useGet<Replay>(none ? '' : query(`/api/v1/alerts/${encodeURIComponent(a.name)}/past`, { days: 1 }))
  const worst = (a.states.find((s) => s.severity !== 'OK') ?? a.states[0])?.labels ?? {}
  const group = past.data?.groups.find((g) => labelsText(g.labels) === labelsText(worst)) ?? past.data?.groups[0]
  const points = group?.points ?? []
  const known = points.filter((p) => p.value !== null)
  if (known.length < 2) return <svg class="alert-spark" aria-hidden="true" />
  const limits = [a.warning, a.alert].filter((v): v is number => v !== undefined)
  const all = [...known.map((p) => p.value!), ...limits, 0], top = Math.max(...all) || 1, low = Math.min(...all)
  const y = (v: number) => (34 - ((v - low) / (top - low || 1)) * 30).toFixed(2), x = (i: number) => ((i / (points.length - 1)) * 100).toFixed(2)
  return (
    <svg class="alert-spark" viewBox="0 0 100 36" preserveAspectRatio="none" aria-hidden="true">
      {a.warning !== undefined && <line x1="0" x2="100" y1={y(a.warning)} y2={y(a.warning)} stroke="var(--warn)" stroke-dasharray="3 3" vector-effect="non-scaling-stroke" />}
      {a.alert !== undefined && <line x1="0" x2="100" y1={y(a.alert)} y2={y(a.alert)} stroke="var(--bad)" stroke-dasharray="3 3" vector-effect="non-scaling-stroke" />}
      <polyline points={points.map((p, i) => (p.value === null ? '' : `${x(i)},${y(p.value)}`)).join(' ')} fill="none" stroke="var(--accent)" stroke-width="1.5" vector-effect="non-scaling-stroke" stroke-linejoin="round" />
    </svg>
  )
}

/** Dead shows messages that nobody took. */
function Dead({ list, may, onResend }: { list: Delivery[]; may: boolean; onResend: (d: Delivery) => void }) {
  return (
    <div class="notice bad" role="alert" data-dead={list.length}>
      <Icon name="warn" />
      <div class="grow stack" style={{ gap: '6px' }}>
        <b>{plural(list.length, 'message')} could not be delivered</b>
        <ul class="stack" style={{ gap: '4px' }}>{list.slice(0, 5).map((d) => <li class="row wrap" key={d.id}><span class="grow">{d.channel}: {d.subject} <span class="faint">({d.error}; {plural(d.tries, 'try', 'tries')}, <Time iso={d.tried_at} mode="ago" />)</span></span>{may && <button type="button" class="btn small" onClick={() => onResend(d)}>Send again</button>}</li>)}</ul>
        {list.length > 5 && <span>and {list.length - 5} more; <code>weir alerts deliveries --state failed</code> lists all</span>}
      </div>
    </div>
  )
}

function Silences({ list, may, onEnd }: { list: Silence[] | undefined; may: boolean; onEnd: (s: Silence) => void }) {
  if (!list?.length) return null
  return (
    <Card title="Silences" sub={String(list.length)}>
      <ul class="happened">{list.map((s) => (
        <li key={s.id}>
          <span class="grow"><b class="who">{s.rule || 'every rule'}</b>{labelsText(s.labels)} <span class="muted">until <Time iso={s.until} mode="full" />, by {s.by}{s.why && `: ${s.why}`}</span></span>
          {may && <button type="button" class="btn small" onClick={() => onEnd(s)}>End it</button>}
        </li>
      ))}</ul>
    </Card>
  )
}

/** Told lists the last messages. */
function Told() {
  const list = useGet<{ deliveries: Delivery[] }>('/api/v1/alerts/deliveries?limit=20')
  useEvery(EVERY, list.reload, [list.reload])
  if (list.error) return <Problem error={list.error} retry={list.reload} />
  if (!list.data?.deliveries.length) return null
  const kinds: Record<string, string> = { delivered: 'ok', waiting: '', failed: 'bad' }
  return (
    <Card title="Told" sub="the last messages">
      <div class="scroll" tabIndex={0} role="region" aria-label="Messages, table"><table class="table">
        <thead><tr><th scope="col">At</th><th scope="col">To</th><th scope="col">What</th><th scope="col">State</th></tr></thead>
        <tbody>{list.data.deliveries.map((d) => <tr key={d.id}><td class="nowrap"><Time iso={d.at} mode="full" /></td><td>{d.channel}</td><td class="name">{d.subject}</td><td><span class={'badge ' + kinds[d.state]} title={d.error || plural(d.tries, 'try', 'tries')}>{d.state}</span></td></tr>)}</tbody>
      </table></div>
    </Card>
  )
}

function SilenceForm({ a, s, onClose, onDone }: { a: Alert; s: State | null; onClose: () => void; onDone: () => void }) {
  const [length, setLength] = useState('2h')
  return (
    <Ask title={`Silence "${a.name}"`} yes="Silence it" reason="Why" act={(why) => request('POST', '/api/v1/alerts/silences', { rule: a.name, labels: s?.labels ?? {}, for: length.trim(), why })} onClose={onClose} onDone={onDone}>
      <p>Nobody is told of {s && labelsText(s.labels) ? labelsText(s.labels) : 'it'} for this time. State and history go on, and what is still bad then is told.</p>
      <label class="label">For<input class="field" name="for" list="silences" value={length} onInput={(e) => setLength(e.currentTarget.value)} /></label>
      <datalist id="silences">{['30m', '2h', '8h', '1d', '7d'].map((v) => <option key={v} value={v} />)}</datalist>
    </Ask>
  )
}
