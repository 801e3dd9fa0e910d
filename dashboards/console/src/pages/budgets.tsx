/** Budgets: what may be spent, what is, how the window will end, and what is held for calls under way. */

import { useEffect, useState } from 'preact/hooks'
import { Failure, request, useGet, type Loaded } from '../lib/api'
import { amount, limits, order, windowName, type Budget, type Hold, type Limit } from '../lib/budgets'
import { percent, plural, span } from '../lib/format'
import { parse, pixels } from '../lib/money'
import { patch, useLocation } from '../lib/router'
import { BudgetEvents } from '../ui/budgetevents'
import { BudgetForm } from '../ui/budgetform'
import { BurnDown } from '../ui/burn'
import { Icon } from '../ui/icons'
import { Card, Empty, Modal, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { Page } from '../ui/shell'
import { Code } from '../ui/text'

const states: Record<string, [string, string, string]> = {
  ok: ['ok', 'ok', 'below every threshold'], soft: ['warn', 'soft limit', 'a soft threshold is reached'], spent: ['bad', 'spent', 'the limit is reached'],
  filling: ['', 'filling', 'what was spent in this window before is not all counted yet'],
}
const ends: Record<string, string> = { refuse: 'refuses calls', downgrade: 'downgrades calls', alert: 'only tells' }

const EVERY = 5000

export function BudgetsPage() {
  const list = useGet<{ budgets: Budget[] }>('/api/v1/budgets')
  const holds = useGet<{ holds: Hold[] }>('/api/v1/budgets/holds')
  const { params } = useLocation()
  const [form, setForm] = useState<Budget | 'new' | null>(null)
  const [leaving, setLeaving] = useState<Budget | null>(null)
  const [now, setNow] = useState(Date.now())
  const again = () => { setNow(Date.now()); list.reload(); holds.reload() }
  useEffect(() => {
    const t = setInterval(() => { if (!document.hidden) again() }, EVERY)
    return () => clearInterval(t)
  }, [])
  const budgets = [...(list.data?.budgets ?? [])].sort(order)
  const open = params.get('budget') ?? budgets[0]?.id
  const make = <button type="button" class="btn primary" onClick={() => setForm('new')}><Icon name="plus" size={14} />New budget</button>
  return (
    <Page title="Budgets" sub="A call is held against every budget it matches before it is sent, and settled at what it cost." actions={make}>
      {list.error ? <Problem error={list.error} retry={again} /> : !list.data ? <Card label="Budgets"><SkeletonRows n={6} /></Card> : !budgets.length ? (
        <Card label="Budgets">
          <Empty icon="budgets" title="No budgets yet">
            <p>A budget bounds what a project, key, user, model or tag may spend in a window of time, in dollars, tokens or calls. Make the first one here, or from a shell:</p>
            <div class="first"><Code lang="shell" text={`weir budgets set team-a --scope tag.team=a --window day --usd 20 --soft 50,80`} /></div>
            <button type="button" class="btn primary" onClick={() => setForm('new')}>Make the first budget</button>
          </Empty>
        </Card>
      ) : budgets.map((b) => <Row key={b.id} b={b} now={now} open={b.id === open} toggle={() => patch({ budget: b.id === open ? 'none' : b.id }, true)} edit={() => setForm(b)} remove={() => setLeaving(b)} />)}
      {!list.error && budgets.length > 0 && <BudgetEvents budgets={budgets} only={params.get('events') ?? ''} now={now} />}
      {!list.error && budgets.length > 0 && <Holds holds={holds} budgets={budgets} now={now} changed={again} />}
      {form && <BudgetForm b={form === 'new' ? null : form} onClose={() => setForm(null)} onDone={(b) => { toast(form === 'new' ? 'Budget made' : 'Budget changed'); setForm(null); patch({ budget: b.id }, true); again() }} />}
      {leaving && <Remove b={leaving} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); toast('Budget deleted'); patch({ budget: undefined }, true); again() }} />}
    </Page>
  )
}

function Row({ b, now, open, toggle, edit, remove }: { b: Budget; now: number; open: boolean; toggle: () => void; edit: () => void; remove: () => void }) {
  const [kind, word, why] = states[b.state] ?? ['', b.state, '']
  return (
    <Card label={'Budget ' + b.name} class="budget">
      <header class="card-head">
        <h2 class="cut">{b.name}</h2>
        <span class={'badge ' + kind} title={why}><span class="dot" />{word} {b.percent}%</span>
        <span class="grow" />
        <button type="button" class="btn small" aria-expanded={open} onClick={toggle}><Icon name="chart" size={14} />Burn-down</button>
        <button type="button" class="btn small" onClick={edit} aria-label={'Edit ' + b.name}>Edit</button>
        <button type="button" class="btn small danger" onClick={remove} aria-label={'Delete ' + b.name}>Delete</button>
      </header>
      <div class="card-body stack" style={{ gap: '10px' }}>
        <div class="row wrap">
          {Object.entries(b.scope).map(([k, v]) => <span class="tag" key={k} title={`${k} = ${v}`}>{k}<b>{v}</b></span>)}
          {!Object.keys(b.scope).length && <span class="tag">every call</span>}
        </div>
        {limits(b).map((l) => <Gauge key={l.kind} b={b} l={l} />)}
        <div class="meta">
          <span>{windowName(b.window)}{!['lifetime'].includes(b.window) && !b.window.startsWith('rolling:') && <span class="faint"> {b.timezone}</span>}</span>
          {b.resets_at ? <span>resets in {span((Date.parse(b.resets_at) - now) / 1000)}, <Time iso={b.resets_at} mode="full" /></span> : <span>{b.window === 'lifetime' ? 'never resets' : 'resets bit by bit'}</span>}
          <span>{b.policy} holds</span><span>at the limit {ends[b.at_limit] ?? b.at_limit}</span>
          {told(b).length > 0 && <span>told at {told(b).map((p) => p + '%').join(', ')}</span>}
          <Overshoot b={b} />
        </div>
        {b.state === 'filling' && <div class="notice plain"><Icon name="refresh" /><div>What was spent in this window before is still being counted, so the figures may be too small. Calls are held meanwhile.</div></div>}
        {open && <BurnDown key={b.id} b={b} now={now} />}
      </div>
    </Card>
  )
}

const told = (b: Budget): number[] => b.thresholds ?? b.soft

/** Overshoot says by how much the limit in dollars can be overspent, as far as that is known. */
function Overshoot({ b }: { b: Budget }) {
  if (b.unbounded_calls) return <span class="badge warn" title="They were admitted without a known most, so what they can overspend is not known either.">{plural(b.unbounded_calls, 'call')} without a bound</span>
  if (b.overshoot_bound_usd === null || b.overshoot_bound_usd === undefined) return null
  if (!parse(b.overshoot_bound_usd)) return b.policy === 'strict' ? <span>cannot be overspent</span> : null
  return <span data-overshoot={b.overshoot_bound_usd} title="The most that the calls admitted in this window can have cost beyond what was held for them, together at one time.">overspent by {amount('usd', b.overshoot_bound_usd)} at most</span>
}

/** Gauge is a limit as a bar: spent, held, and the soft thresholds. */
function Gauge({ b, l }: { b: Budget; l: Limit }) {
  const limit = pixels(l.limit), spent = Math.min(1, pixels(l.spent) / limit), held = Math.min(1 - spent, pixels(l.held) / limit)
  const share = (pixels(l.spent) / limit) * 100
  const state = share >= 100 ? 'spent' : b.soft.some((p) => share >= p) ? 'soft' : ''
  return (
    <div class="gauge" data-kind={l.kind}>
      <div class="row wrap">
        <span class="grow"><b title={l.kind === 'usd' ? l.spent : undefined} data-spent={l.spent}>{amount(l.kind, l.spent, false)}</b> <span class="muted">of {amount(l.kind, l.limit)} spent</span></span>
        {parse(l.held)! > 0n && <span class="muted"><span class="swatch held" />{amount(l.kind, l.held)} held</span>}
        <span data-left={l.left}>{amount(l.kind, l.left)} <span class="muted">left</span></span>
        {parse(l.overrun)! > 0n && <span class="badge warn" title="spent by calls beyond what was held for them">{amount(l.kind, l.overrun)} overrun</span>}
      </div>
      <div class={'track ' + state} role="img" aria-label={`${percent(pixels(l.spent), limit)} of ${amount(l.kind, l.limit)} spent, ${percent(pixels(l.held), limit)} held${b.soft.length ? `; told at ${b.soft.join(', ')} percent` : ''}`}>
        <i class="done" style={{ width: spent * 100 + '%' }} /><i class="held" style={{ left: spent * 100 + '%', width: held * 100 + '%' }} />
        {b.soft.map((p) => <u key={p} style={{ left: p + '%' }} title={`told at ${p}%`} />)}
      </div>
    </div>
  )
}

const holdStates: Record<string, [string, string]> = { open: ['', 'not sent yet'], sent: ['accent', 'at the provider'], presumed: ['warn', 'sent, and not heard of since: counts as spent'] }

function Holds({ holds, budgets, now, changed }: { holds: Loaded<{ holds: Hold[] }>; budgets: Budget[]; now: number; changed: () => void }) {
  const [leaving, setLeaving] = useState<Hold | null>(null)
  const rows = holds.data?.holds ?? []
  const names = new Map(budgets.map((b) => [b.id, b]))
  const what = (h: Hold) => h.budgets.map((c) => {
    const b = names.get(c.id)
    return <div key={c.id}>{b ? limits(b).map((l) => amount(l.kind, String(c[l.kind] ?? 0))).join(', ') : amount('usd', c.usd)} <span class="faint">{b?.name ?? c.id}</span></div>
  })
  return (
    <Card title="Holds in flight" sub={holds.data && String(rows.length)}>
      {holds.error ? <div class="card-body"><Problem error={holds.error} retry={holds.reload} /></div> : !holds.data ? <SkeletonRows n={2} /> : !rows.length ? <p class="card-body muted">Nothing is held: no call under way matches a budget.</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Holds, table"><table class="table">
          <thead><tr><th scope="col">Call</th><th scope="col" class="wide">Project, key</th><th scope="col" class="wide">Model</th><th scope="col">Age</th><th scope="col">Holds</th><th scope="col">State</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
          <tbody>
            {rows.map((h) => (
              <tr key={h.id}>
                <td class="mono"><a class="cut" style={{ display: 'block', maxWidth: '150px' }} title={h.call} href={'/calls/' + encodeURIComponent(h.call)}>{h.call}</a>{h.attempt > 1 && <span class="faint"> attempt {h.attempt}</span>}</td>
                <td class="wide">{h.project} <span class="faint">{h.key}</span></td><td class="wide">{h.model} <span class="faint">{h.provider}</span></td>
                <td class="nowrap"><time dateTime={h.began} title={`began ${h.began}, expires ${h.expires_at}`}>{span((now - Date.parse(h.began)) / 1000)}</time></td>
                <td>{what(h)}</td>
                <td><span class={'badge ' + (holdStates[h.state]?.[0] ?? '')} title={holdStates[h.state]?.[1]}>{h.state}</span></td>
                <td class="num"><button type="button" class="btn small danger" onClick={() => setLeaving(h)}>Release</button></td>
              </tr>
            ))}
          </tbody>
        </table></div>
      )}
      {leaving && (
        <Confirm title="Release this hold?" yes="Release the hold" act={() => request('POST', `/api/v1/budgets/holds/${encodeURIComponent(leaving.id)}/release`)} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); toast('Hold released'); changed() }}>
          <p>What the call <code>{leaving.call}</code> holds is given back to {plural(leaving.budgets.length, 'budget')} at once, so that other calls can spend it. Should the call be settled after all, it is charged all the same.{leaving.state === 'sent' && ' It is at the provider now and will be settled when it ends.'}</p>
        </Confirm>
      )}
    </Card>
  )
}

const Remove = ({ b, onClose, onDone }: { b: Budget; onClose: () => void; onDone: () => void }) => (
  <Confirm title={`Delete "${b.name}"?`} yes="Delete the budget" act={() => request('DELETE', '/api/v1/budgets/' + encodeURIComponent(b.id))} onClose={onClose} onDone={onDone}>
    <p>It bounds nothing from the next call on. Recorded calls and their costs stay; a budget made later counts them in again.</p>
  </Confirm>
)

/** Confirm asks before something that cannot be taken back. */
function Confirm({ title, yes, act, onClose, onDone, children }: { title: string; yes: string; act: () => Promise<unknown>; onClose: () => void; onDone: () => void; children: preact.ComponentChildren }) {
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const go = async () => {
    setBusy(true)
    try { await act(); onDone() } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title={title} onClose={onClose}>
      {error && <Problem error={error} />}
      {children}
      <div class="actions"><button type="button" class="btn" onClick={onClose}>Keep it</button><button type="button" class="btn danger solid" disabled={busy} onClick={go}>{yes}</button></div>
    </Modal>
  )
}
