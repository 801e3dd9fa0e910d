/** Change requests: which labels are asked to move, what that would change, who has said what. */

import { useState } from 'preact/hooks'
import { Failure, request, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { promptPath, roomOf, type Change, type ChangeDetail, type Move, type Prompt } from '../lib/prompts'
import { patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { Ask } from '../ui/ask'
import { ChangeState, ChangeTable } from '../ui/changetable'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, Segmented, SkeletonRows, Time, toast } from '../ui/parts'
import { DiffView, RecentView } from '../ui/promptdiff'
import { LabelChip, Rollback } from '../ui/promptlabels'
import { Page } from '../ui/shell'
import { PromptTabs } from './prompts'

const kinds = [['open', 'Open'], ['merged', 'Merged'], ['closed', 'Closed'], ['', 'All']] as const

export function ChangesPage() {
  const { params } = useLocation()
  const status = params.get('status') ?? 'open'
  const kind = kinds.some(([k]) => k === status) ? status : ''
  const list = useGet<{ changes: Change[] }>('/api/v1/changes')
  const all = list.data?.changes
  const some = (all ?? []).filter((c) => !kind || c.status === kind)
  return (
    <Page title="Change requests" sub="A protected label moves when a request for it is approved and its evaluation, if it has one, has passed.">
      <PromptTabs here="changes" open={all?.filter((c) => c.status === 'open').length} />
      <div class="row"><Segmented label="State" value={kind} options={kinds} onChange={(v) => patch({ status: v === 'open' ? undefined : v || 'all' }, true)} /></div>
      {list.error ? <Problem error={list.error} retry={list.reload} /> : (
        <Card label="Change requests">{!all ? <SkeletonRows n={5} /> : some.length ? <ChangeTable list={some} /> : (
          <Empty icon="label" title={all.length ? `No ${kind} request` : 'No change requests yet'}>
            <p>{all.length ? 'None is in this state.' : 'Protect a label in the room of a prompt, under Labels. From then on moving it asks somebody else to look first.'}</p>
            {!all.length && <a class="btn" href="/prompts">To the prompts</a>}
          </Empty>
        )}</Card>
      )}
    </Page>
  )
}

export function ChangePage({ id }: { id: string }) {
  const path = '/api/v1/changes/' + encodeURIComponent(id)
  const change = useGet<ChangeDetail>(path)
  const c = change.data?.id === id ? change.data : undefined
  const crumbs = <span class="crumbs"><a href="/prompts">Prompts</a><Icon name="right" size={12} /><a href="/changes">Change requests</a></span>
  if (change.error) return <Page title="Change request" crumbs={crumbs}><Problem error={change.error} retry={change.reload} /><p><a href="/changes">All change requests</a></p></Page>
  if (!c) return <Page title="Change request" crumbs={crumbs}><div class="call"><Card title="Difference"><SkeletonRows n={10} /></Card><Card title="State"><SkeletonRows n={5} /></Card></div></Page>
  const from = c.from ? `v${c.from}` : 'nothing'
  return (
    <Page title={`${c.prompt}: ${c.label} to v${c.to}`} crumbs={crumbs}>
      <div class="row wrap" style={{ marginTop: '-8px' }}>
        <ChangeState c={c} /><LabelChip label={c.label} /><span>{c.from ? <a href={roomOf(c.prompt, { v: c.from })}>v{c.from}</a> : <span class="faint">not there</span>} → <a href={roomOf(c.prompt, { v: c.to })}><b>v{c.to}</b></a></span>
        <span class="muted any">asked by {c.author}, <Time iso={c.opened_at} mode="ago" /></span>
      </div>
      {c.reason && <p class="quote any">{c.reason}</p>}
      {c.stale && <div class="notice" role="alert"><Icon name="warn" /><div><b>This request is stale.</b> {c.label} has moved since it was asked for, so what you see is not what would change. Close it, and open another.</div></div>}
      <div class="call">
        <div class="stack">
          <Card title="Difference">{c.diff ? <DiffView d={c.diff} from={from} to={`v${c.to}`} /> : <p class="card-body muted">There is nothing to compare: a version was deleted.</p>}</Card>
          {c.diff && c.from > 0 && <Card title="On recent inputs" sub="tokens and cost of what is sent"><RecentView d={c.diff} from={from} to={`v${c.to}`} /></Card>}
        </div>
        <div class="stack">
          <StateCard c={c} path={path} changed={change.reload} />
          <Reviews c={c} path={path} changed={change.reload} />
        </div>
      </div>
    </Page>
  )
}

/** Step is one thing that a merge takes: there, not there yet, or in the way. */
const Step = ({ state, children }: { state: 'done' | 'pending' | 'bad'; children: preact.ComponentChildren }) => <li class={state}><Icon name={state === 'done' ? 'check' : state === 'pending' ? 'clock' : 'close'} size={14} /><span class="any">{children}</span></li>

/** What the steps above say already of what blocks a merge. */
const shown = /^(\d+ of the \d+ approvals|rejected by |the evaluation |label \S+ has moved)/

function StateCard({ c, path, changed }: { c: ChangeDetail; path: string; changed: () => void }) {
  const { may } = useSession()
  const [doing, set] = useState<'merge' | 'close' | 'back' | null>(null)
  const prompt = useGet<Prompt>(c.status === 'merged' ? promptPath(c.prompt) : '')
  const moves = useGet<{ moves: Move[] }>(c.status === 'merged' ? promptPath(c.prompt) + '/moves' : '')
  const now = prompt.data?.labels.find((l) => l.label === c.label)
  const done = (word: string) => { set(null); toast(word); changed(); prompt.reload(); moves.reload() }
  return (
    <Card title="State">
      {c.status === 'open' ? (
        <div class="card-body stack" style={{ gap: '12px' }}>
          <ul class="steps">
            <Step state={c.approved_by.length >= c.approvals_needed ? 'done' : 'pending'}>{c.approvals_needed ? <>{c.approved_by.length} of {plural(c.approvals_needed, 'approval')}{c.approved_by.length > 0 && <span class="faint">, by {c.approved_by.join(', ')}</span>}</> : 'needs no approval: the label is not protected any more'}</Step>
            {c.rejected_by.length > 0 && <Step state="bad">rejected by {c.rejected_by.join(', ')}</Step>}
            {c.gate ? <Step state={c.gate_passed ? 'done' : c.gate_passed === false ? 'bad' : 'pending'}>the evaluation <b>{c.gate}</b> {c.gate_passed ? 'has passed' : c.gate_passed === false ? 'has failed' : 'is not known to have passed'} for v{c.to}{c.gate_report && <span class="faint">: {c.gate_report}</span>}</Step> : <Step state="done">no evaluation is asked for</Step>}
            <Step state={c.stale ? 'bad' : 'done'}>{c.stale ? 'the label has moved since' : 'the label is where it was when this was asked'}</Step>
          </ul>
          {c.blocked.some((b) => !shown.test(b)) && <p class="muted small any">{c.blocked.filter((b) => !shown.test(b)).join('; ')}.</p>}
          <div class="row wrap">
            {may('approver') && <button type="button" class="btn primary" disabled={c.blocked.length > 0} onClick={() => set('merge')}>Merge</button>}
            {may('developer') && <button type="button" class="btn" onClick={() => set('close')}>Close without a move</button>}
          </div>
          {!may('approver') && <p class="faint small">An approver or admin merges it.</p>}
        </div>
      ) : (
        <div class="card-body stack" style={{ gap: '10px' }}>
          <p>{c.status === 'merged' ? <>Merged by <b>{c.closed_by}</b> <Time iso={c.closed_at} mode="ago" />: {c.label} was moved to v{c.to}.</> : <>Closed by <b>{c.closed_by}</b> <Time iso={c.closed_at} mode="ago" /> without a move.</>}</p>
          {c.status === 'merged' && now && (now.version === c.to
            ? c.from > 0 && may('developer') && <div><button type="button" class="btn" onClick={() => set('back')}><Icon name="undo" size={14} />Roll {c.label} back</button></div>
            : <p class="muted">{c.label} points to <a href={roomOf(c.prompt, { v: now.version })}>v{now.version}</a> by now.</p>)}
        </div>
      )}
      {doing === 'merge' && <Ask title={`Move ${c.label} to v${c.to}?`} yes="Merge" act={() => request('POST', path + '/merge')} onClose={() => set(null)} onDone={() => done(`${c.label} points to version ${c.to}`)}><p class="muted">Calls of <code>{c.prompt}@{c.label}</code> that start afterwards use v{c.to}{c.from > 0 && <> in place of v{c.from}</>}. It can be rolled back at any time, without an approval.</p></Ask>}
      {doing === 'close' && <Ask danger title="Close without a move?" yes="Close it" no="Keep it open" act={() => request('POST', path + '/close')} onClose={() => set(null)} onDone={() => done('Change request closed')}><p class="muted">{c.label} stays where it is. A closed request cannot be opened again; the versions stay, so another one can be.</p></Ask>}
      {doing === 'back' && now && <Rollback name={c.prompt} label={c.label} at={now.version} moves={moves.data?.moves ?? []} onClose={() => set(null)} onDone={() => done(`${c.label} was rolled back`)} />}
    </Card>
  )
}

function Reviews({ c, path, changed }: { c: ChangeDetail; path: string; changed: () => void }) {
  const { name, may } = useSession()
  const [comment, setComment] = useState('')
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const own = name === c.author
  const say = async (verdict: 'approve' | 'reject') => {
    setBusy(true)
    setError(null)
    try {
      await request('POST', path + '/reviews', { verdict, comment: comment.trim() })
      setComment('')
      toast(verdict === 'approve' ? 'Approved' : 'Rejected')
      changed()
    } catch (x) { setError(x as Failure) }
    setBusy(false)
  }
  return (
    <Card title="Reviews" sub={c.reviews.length ? String(c.reviews.length) : undefined}>
      {!c.reviews.length && <p class="card-body muted">Nobody has said anything yet.</p>}
      {c.reviews.length > 0 && (
        <ul class="reviews">{c.reviews.map((r, i) => <li key={i}><div class="row"><b class="cut">{r.author}</b><span class={'badge ' + (r.verdict === 'approve' ? 'ok' : 'bad')}>{r.verdict === 'approve' ? 'approved' : 'rejected'}</span><span class="grow" /><span class="faint small"><Time iso={r.at} mode="ago" /></span></div>{r.comment && <p class="any">{r.comment}</p>}</li>)}</ul>
      )}
      {c.status === 'open' && (may('approver') && !own ? (
        <div class="card-body stack" style={{ gap: '8px' }}>
          {error && <Problem error={error} />}
          <label class="label">Comment<textarea class="field area" name="comment" rows={2} maxLength={5000} value={comment} onInput={(e) => setComment(e.currentTarget.value)} /></label>
          <div class="row wrap"><button type="button" class="btn" disabled={busy} onClick={() => say('approve')}><Icon name="check" size={14} />Approve</button><button type="button" class="btn danger" disabled={busy} onClick={() => say('reject')}>Reject</button></div>
        </div>
      ) : <p class="card-body faint small">{own ? 'You asked for this: somebody else has to approve it.' : 'Approvers and admins review it.'}</p>)}
    </Card>
  )
}
