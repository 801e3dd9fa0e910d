/** Online evaluation: the rules that score live calls, what became of each call, what judges cost, and whether scores drift. */

import { useEffect, useState } from 'preact/hooks'
import { Failure, query, request, useGet } from '../lib/api'
import { count, percent, span } from '../lib/format'
import { parse, pixels, usd } from '../lib/money'
import { driftWords, hoursOf, ledgerLine, pairsOf, rateName, reasonName, total, type Drift, type Rule, type RuleScore, type Totals } from '../lib/online'
import { figure, type Summary } from '../lib/scores'
import { HOUR } from '../lib/time'
import { patch, useLocation } from '../lib/router'
import { TimeChart } from '../ui/chart'
import { Icon } from '../ui/icons'
import { OnlineForm } from '../ui/onlineform'
import { Card, Empty, Modal, Problem, Segmented, SkeletonRows, Spark, Time, toast } from '../ui/parts'
import { ScoreTabs } from '../ui/scoretabs'
import { Page } from '../ui/shell'
import { Code } from '../ui/text'

const EVERY = 5000
const spans = [['24h', '24h', 'last 24 hours', 24], ['7d', '7d', 'last 7 days', 168]] as const

export function OnlinePage() {
  const { params } = useLocation()
  const range = spans.find(([v]) => v === params.get('range')) ?? spans[0]
  const list = useGet<{ since: string; rules: Rule[] }>(query('/api/v1/evals/online', { since: range[0] }))
  const [form, setForm] = useState<Rule | 'new' | null>(null)
  const [leaving, setLeaving] = useState<Rule | null>(null)
  const again = list.reload
  useEffect(() => {
    const t = setInterval(() => { if (!document.hidden) again() }, EVERY)
    return () => clearInterval(t)
  }, [again])
  const rules = list.data?.rules
  const open = params.get('rule') ?? rules?.[0]?.name
  const make = <button type="button" class="btn primary" onClick={() => setForm('new')}><Icon name="plus" size={14} />New rule</button>
  return (
    <Page title="Scores" sub="Rules score a sample of live calls in the background; a ledger says what became of each." actions={<>{rules?.length ? <Segmented label="Range" value={range[0]} onChange={(v) => patch({ range: v === '24h' ? undefined : v }, true)} options={spans.map(([v, l, t]) => [v, l, t] as const)} /> : null}{make}</>}>
      <ScoreTabs here="online" />
      {list.error ? <Problem error={list.error} retry={again} /> : !rules ? <Card label="Rules"><SkeletonRows n={6} /></Card> : !rules.length ? (
        <Card label="Rules">
          <Empty icon="score" title="No rules yet">
            <p>A rule says which live calls are scored, by which metrics and judges, and how many of them. Judges ask through this weir, on a budget of their own. Make the first one here, or from a shell:</p>
            <div class="first"><Code lang="shell" text="weir eval online set helpful.yaml" /></div>
            <button type="button" class="btn primary" onClick={() => setForm('new')}>Make the first rule</button>
          </Empty>
        </Card>
      ) : rules.map((r) => <RuleCard key={r.name} r={r} open={r.name === open} hours={range[3]} toggle={() => patch({ rule: r.name === open ? 'none' : r.name }, true)} edit={() => setForm(r)} remove={() => setLeaving(r)} />)}
      {form && <OnlineForm r={form === 'new' ? null : form} onClose={() => setForm(null)} onDone={(name) => { toast(form === 'new' ? 'Rule made' : 'Rule changed'); setForm(null); patch({ rule: name }, true); again() }} />}
      {leaving && <Remove r={leaving} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); toast('Rule removed'); patch({ rule: undefined }, true); again() }} />}
    </Page>
  )
}

function RuleCard({ r, open, hours, toggle, edit, remove }: { r: Rule; open: boolean; hours: number; toggle: () => void; edit: () => void; remove: () => void }) {
  const drifted = r.scores.filter((s) => s.drift?.state === 'drifted')
  const until = Math.floor(Date.now() / HOUR) * HOUR + HOUR
  return (
    <Card label={'Rule ' + r.name}>
      <header class="card-head" data-rule={r.name}>
        <h2 class="cut">{r.name}</h2>
        {drifted.length > 0 && <span class="badge bad" title={drifted.map((s) => s.drift!.reason).join('; ')}><span class="dot" />{drifted.map((s) => s.name).join(', ')} drifted</span>}
        <span class="grow" />
        <button type="button" class="btn small" aria-expanded={open} onClick={toggle}><Icon name="chart" size={14} />Details</button>
        <button type="button" class="btn small" onClick={edit} aria-label={'Edit ' + r.name}>Edit</button>
        <button type="button" class="btn small danger" onClick={remove} aria-label={'Remove ' + r.name}>Remove</button>
      </header>
      <div class="card-body stack" style={{ gap: '10px' }}>
        <div class="row wrap">
          <span class="tag"><b>{rateName(r)}</b></span>
          {pairsOf(r).map(([k, v]) => <span class="tag" key={k} title={`${k} = ${v}`}>{k}<b>{v}</b></span>)}
          {!pairsOf(r).length && <span class="tag">every chat</span>}
          {r.condition && <span class="tag" title={r.condition}>if<b class="cut">{r.condition}</b></span>}
        </div>
        <Ledger t={r.totals} label={`Ledger of ${r.name}`} />
        {r.budget_usd && <Budget r={r} />}
        <div class="meta">
          <span><b>{count(r.waiting)}</b> waiting</span>
          {!r.budget_usd && <span>judges cost <b>{usd(r.spent_today_usd)}</b> today{r.totals.unpriced > 0 && <span class="faint">, and {count(r.totals.unpriced)} questions without a price</span>}</span>}
          {r.max_per_minute ? <span>up to {count(r.max_per_minute)} a minute</span> : null}
          {r.delay && <span>scored {r.delay} after they came</span>}
          {r.looked_until ? <span>looked at calls until <Time iso={r.looked_until} mode="ago" /></span> : <span>begins in a moment</span>}
        </div>
        {open && <>
          <ScoreRows r={r} />
          {r.totals.eligible > 0 && <TimeChart title="Calls by what became of them" sub="each under each scorer, by the hour in which it was decided" pivot={hoursOf(r, until - hours * HOUR, until)} measure="calls" grain="hour" />}
        </>}
      </div>
    </Card>
  )
}

const parts = (t: Totals): [string, number, string][] => [['scored', t.scored, 'var(--ok)'], ['skipped', total(t.skipped), 'var(--c7)'], ['failed', total(t.failed), 'var(--bad)']]

/** Ledger shows that eligible is the sum of scored, skipped and failed. */
function Ledger({ t, label, small = false }: { t: Totals; label: string; small?: boolean }) {
  return (
    <div class="stack" style={{ gap: '5px' }} data-ledger data-eligible={t.eligible} data-scored={t.scored}>
      <div class="stackbar" role="img" aria-label={`${label}: ${ledgerLine(t)}`} title={ledgerLine(t)}>{parts(t).filter(([, n]) => n > 0).map(([w, n, c]) => <i key={w} style={{ flexGrow: n, background: c }} />)}</div>
      {!small && <div class="meta"><span><b>{count(t.eligible)}</b> eligible</span>{parts(t).map(([w, n, c]) => <span key={w}><i class="swatch" style={{ background: c }} /> <b>{count(n)}</b> {w}{t.eligible > 0 && n > 0 && <span class="faint"> {percent(n, t.eligible)}</span>}</span>)}</div>}
    </div>
  )
}

function Budget({ r }: { r: Rule }) {
  const limit = parse(r.budget_usd!) ?? 0n, spent = parse(r.spent_today_usd) ?? 0n
  const share = limit > 0n ? Math.min(1, pixels(r.spent_today_usd) / pixels(r.budget_usd!)) : 0
  const left = 86_400 - (Date.now() / 1000) % 86_400
  return (
    <div class="gauge">
      <div class="row wrap"><span><b>{usd(r.spent_today_usd)}</b> of {usd(r.budget_usd!)} for judges today</span><span class="faint">begins anew in {span(left)}</span></div>
      <div class={'track' + (spent >= limit ? ' spent' : share > 0.8 ? ' soft' : '')} role="img" aria-label={`${Math.round(share * 100)}% of the day's budget is spent`}><i class="done" style={{ width: share * 100 + '%' }} /></div>
    </div>
  )
}

function ScoreRows({ r }: { r: Rule }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Scores of ${r.name}, table`}><table class="table">
      <thead><tr><th scope="col">Score</th><th scope="col" class="spread-cell">Ledger</th><th scope="col" class="num">Scored</th><th scope="col" class="num">Mean by day</th><th scope="col">Drift</th><th scope="col" class="wide">Without a score</th></tr></thead>
      <tbody>{r.scores.map((s) => <ScoreRow key={s.name} r={r} s={s} />)}</tbody>
    </table></div>
  )
}

function ScoreRow({ r, s }: { r: Rule; s: RuleScore }) {
  const days = useGet<Summary>(query('/api/v1/scores/summary', { name: s.name, config_version: r.config_version, by: 'day', since: '30d' }))
  const again = days.reload, behind = days.data !== undefined && days.data.rows.reduce((n, d) => n + d.n, 0) < s.totals.scored
  useEffect(() => { if (behind) again() }, [s, behind, again]) // s is another whenever the rules were asked for again
  const rows = [...(days.data?.rows ?? [])].sort((a, b) => (a.group.day ?? '').localeCompare(b.group.day ?? ''))
  const last = rows[rows.length - 1]
  return (
    <tr data-scorer={s.name}>
      <td class="name nowrap"><a href={query('/scores', { name: s.name, config_version: r.config_version })}><b>{s.name}</b></a></td>
      <td class="spread-cell"><Ledger t={s.totals} label={s.name} small /></td>
      <td class="num" title={ledgerLine(s.totals)}>{count(s.totals.scored)}<span class="faint"> of {count(s.totals.eligible)}</span></td>
      <td class="num nowrap">{last ? <>{rows.length > 1 && <Spark values={rows.map((d) => d.mean)} />} <b>{figure(last.mean)}</b></> : <span class="faint">–</span>}</td>
      <td><DriftBadge d={s.drift} /></td>
      <td class="wide">{s.why.length ? <ul class="reasons small">{s.why.map((y) => <li key={y.outcome + y.reason} title={y.detail || undefined}>{count(y.calls)} {y.outcome}: {reasonName(y.reason)}</li>)}</ul> : <span class="faint">none</span>}</td>
    </tr>
  )
}

function DriftBadge({ d }: { d: Drift | null }) {
  if (!d) return <span class="faint" title="Each whole day is compared with up to 28 days before it.">not compared yet</span>
  const [kind, word] = driftWords[d.state]
  const moved = d.mean !== null && d.reference_mean !== null && d.difference
  return <span class="stack" style={{ gap: '2px' }}><span class={'badge ' + kind} style={{ justifySelf: 'start' }} title={d.reason}><span class="dot" />{word}</span>{moved && <span class="faint small nowrap" title={`${d.day.slice(0, 10)}: 95% interval of the difference ${figure(d.difference!.low)} to ${figure(d.difference!.high)}`}>{figure(d.reference_mean!)} → {figure(d.mean!)}</span>}</span>
}

function Remove({ r, onClose, onDone }: { r: Rule; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const remove = async () => {
    setBusy(true)
    try { await request('DELETE', query('/api/v1/evals/online', { name: r.name })); onDone() } catch (e) { setError(e as Failure); setBusy(false) }
  }
  return (
    <Modal title={`Remove "${r.name}"?`} onClose={onClose}>
      <div class="stack">
        {error && <Problem error={error} />}
        <p>No more calls are scored by it. {r.waiting > 0 && `${count(r.waiting)} that wait are skipped. `}Its scores stay.</p>
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Keep it</button><button type="button" class="btn danger" disabled={busy} onClick={() => void remove()}>Remove the rule</button></div>
      </div>
    </Modal>
  )
}
