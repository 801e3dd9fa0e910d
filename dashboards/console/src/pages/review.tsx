/** A queue's calls, one at a time: what was said, and what one thinks of it. Everything can be done by keys. */

import { useCallback, useEffect, useState } from 'preact/hooks'
import { Failure, query, request, useGet, type CallDetail } from '../lib/api'
import { after, choicesOf, missing, queuePath, type NextItem, type Question, type Queue } from '../lib/annotations'
import { count, plural } from '../lib/format'
import { useShortcuts, type Shortcuts } from '../lib/keys'
import { runRoom } from '../lib/evals'
import { go } from '../lib/router'
import type { Value } from '../lib/scores'
import { useSession } from '../lib/session'
import { Conversation } from '../ui/conversation'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows, Time } from '../ui/parts'
import { AddCalls } from '../ui/queueforms'
import { Page } from '../ui/shell'
import { Bar } from './annotate'

export function ReviewPage({ name }: { name: string }) {
  const { may, known } = useSession()
  const queue = useGet<Queue>(queuePath(name))
  const [next, setNext] = useState<NextItem | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const [adding, setAdding] = useState(false)
  const take = useCallback(() => {
    setError(null)
    setNext(null)
    request<NextItem>('POST', queuePath(name, '/next')).then((n) => { setNext(n); queue.reload() }, (e: unknown) => setError(e as Failure))
  }, [name, queue.reload])
  const mine = may('developer')
  useEffect(() => { if (mine) take() }, [mine, name])
  const q = queue.data, p = q?.progress
  const crumbs = <span class="crumbs"><a href="/scores/annotate">Annotate</a></span>
  return (
    <Page title={name} crumbs={crumbs} sub={q?.instructions || undefined} actions={<span class="row no-print">{p && <span class="muted small" data-left>{count(p.waiting)} left</span>}{mine && <button type="button" class="btn small" onClick={() => setAdding(true)}><Icon name="plus" size={14} />Calls</button>}</span>}>
      {p && <Bar p={p} />}
      {queue.error && <Problem error={queue.error} retry={queue.reload} />}
      {error && <Problem error={error} retry={take} />}
      {q && known && !mine && <Card label="Review"><Empty icon="lock" title="Scoring takes the role developer"><p>You can see how far the queue is; ask an admin for the role to score its calls.</p></Empty></Card>}
      {q && mine && !next && !error && <div class="call"><Card title="Conversation"><SkeletonRows n={10} /></Card><Card title="Your view"><SkeletonRows n={5} /></Card></div>}
      {q && next && (next.item ? <Review key={next.item.call_id} q={q} next={next} onDone={take} /> : <Card label="Review"><Done q={q} /></Card>)}
      {q && p && p.people.length > 0 && <People q={q} />}
      {adding && <AddCalls name={name} onClose={() => setAdding(false)} onDone={() => { setAdding(false); take() }} />}
    </Page>
  )
}

function Done({ q }: { q: Queue }) {
  return <Empty icon="check" title={q.progress.items ? 'Nothing is left for you' : 'The queue is empty'}><p>{q.progress.items ? `${plural(q.progress.done, 'call')} ${q.progress.done === 1 ? 'is' : 'are'} scored${q.progress.waiting ? `, and ${count(q.progress.waiting)} wait for other people` : ''}.` : 'Add calls to it, then people can score them.'}</p><p><a href={query('/scores', { source: 'human' })}>What people scored</a></p></Empty>
}

function Review({ q, next, onDone }: { q: Queue; next: NextItem; onDone: () => void }) {
  const item = next.item!
  const call = useGet<CallDetail>('/api/v1/calls/' + encodeURIComponent(item.call_id))
  const [given, setGiven] = useState<Record<string, Value>>({})
  const [at, setAt] = useState(0)
  const [comment, setComment] = useState('')
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const left = missing(q.questions, given)
  const give = (i: number, v: Value | undefined, on = true) => {
    const name = q.questions[i]!.name, all = { ...given }
    if (v === undefined || given[name] === v) delete all[name]
    else all[name] = v
    setGiven(all)
    if (on) setAt(all[name] === undefined ? i : after(q.questions, all, i))
  }
  const send = async (path: string, body: unknown) => {
    if (busy) return
    setBusy(true)
    setError(null)
    try { await request('POST', queuePath(q.name, `/items/${encodeURIComponent(item.call_id)}/${path}`), body); onDone() } catch (e) { setError(e as Failure); setBusy(false) }
  }
  const save = () => {
    if (left >= 0) { setAt(left); setError(new Failure(400, 'missing', `Say something to ${q.questions[left]!.name} first, or skip.`, q.questions[left]!.name)); return }
    void send('scores', { scores: given, ...(comment.trim() ? { comment: comment.trim() } : {}) })
  }
  const skip = () => void send('skip', comment.trim() ? { reason: comment.trim() } : {})
  const keys: Shortcuts = {
    Enter: save, s: skip, c: () => document.querySelector<HTMLElement>('[name=review-comment]')?.focus(), u: () => go('/scores/annotate'),
    ArrowDown: () => setAt((at + 1) % q.questions.length), ArrowUp: () => setAt((at + q.questions.length - 1) % q.questions.length),
    Escape: () => (document.activeElement as HTMLElement | null)?.blur(),
  }
  for (const c of choicesOf(q.questions[at]!)) if (c.key) keys[c.key] = () => give(at, c.value)
  useShortcuts(keys)
  const c = call.data?.id === item.call_id ? call.data : undefined
  return (
    <div class="call review" data-review={item.call_id}>
      {call.error ? <Card title="Conversation"><div class="card-body"><Problem error={call.error} retry={call.reload} /></div></Card> : !c ? <Card title="Conversation"><SkeletonRows n={10} /></Card> : <Conversation request={c.request} response={c.response} recorded="Nothing of what was said is recorded for this call. Skip it." />}
      <div class="stack review-side">
        <Card title="Your view">
          <form class="card-body stack" onSubmit={(e) => { e.preventDefault(); save() }} noValidate>
            {error && <Problem error={error} />}
            {q.questions.map((x, i) => <Asked key={x.name} q={x} here={i === at} wrong={error?.param === x.name} value={given[x.name]} give={(v, on) => give(i, v, on)} enter={() => setAt(i)} save={save} />)}
            <label class="label">Comment <textarea class="field area" name="review-comment" rows={2} maxLength={5000} value={comment} onInput={(e) => setComment(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); save() } if (e.key === 'Escape') e.currentTarget.blur() }} /></label>
            <div class="row wrap"><button class="btn primary" disabled={busy}>Save and go on<kbd>⏎</kbd></button><button type="button" class="btn" disabled={busy} onClick={skip}>Skip<kbd>S</kbd></button></div>
            <p class="faint small">1 to 9 choose, ↑ ↓ change the question, C is for the comment.</p>
          </form>
        </Card>
        <Card title="About the call"><dl class="facts card-body">
          <dt>Call</dt><dd class="line"><a class="mono cut" href={'/calls/' + encodeURIComponent(item.call_id)}>{item.call_id}</a></dd>
          {c && <><dt>When</dt><dd><Time iso={c.start_time} mode="full" /></dd></>}
          {item.run && <><dt>Run</dt><dd class="line"><a class="cut" href={query(runRoom(item.run), { item: item.item, target: item.target })}>{item.item}</a></dd></>}
          <dt>Yours until</dt><dd><Time iso={next.until} /></dd>
        </dl></Card>
      </div>
    </div>
  )
}

/** Asked is one question: buttons for what one may choose, or a field for a number. */
function Asked({ q, here, wrong, value, give, enter, save }: { q: Question; here: boolean; wrong: boolean; value: Value | undefined; give: (v: Value | undefined, on?: boolean) => void; enter: () => void; save: () => void }) {
  const choices = choicesOf(q)
  const span = q.min !== undefined || q.max !== undefined ? ` ${q.min ?? ''} to ${q.max ?? ''}` : ''
  return (
    <fieldset class={'asked' + (here ? ' here' : '') + (wrong ? ' bad' : '')} data-question={q.name} data-here={String(here)} onFocusCapture={enter}>
      <legend>{q.name}{q.optional && <span class="faint small"> may be left out</span>}</legend>
      {q.description && <p class="faint small">{q.description}</p>}
      {choices.length ? (
        <div class="choices" role="group" aria-label={q.name}>{choices.map((c) => (
          <button type="button" key={c.text} class="btn" aria-pressed={value === c.value} data-choice={c.text} onClick={() => give(c.value)} onKeyDown={(e) => { if (e.key === 'Enter') { e.preventDefault(); save() } }}>{c.key && c.key !== c.text && <kbd>{c.key}</kbd>}<span class="any">{c.text}</span></button>
        ))}</div>
      ) : <input class="field" inputMode="decimal" aria-label={q.name + span} placeholder={'a number' + span} onInput={(e) => { const n = Number(e.currentTarget.value.trim().replace(/^−/, '-')); give(e.currentTarget.value.trim() && Number.isFinite(n) ? n : undefined, false) }} onKeyDown={(e) => { if (e.key === 'Escape') e.currentTarget.blur() }} />}
    </fieldset>
  )
}

function People({ q }: { q: Queue }) {
  const p = q.progress
  const [one, other] = p.people.filter((x) => x.done > 0).sort((a, b) => b.done - a.done)
  const asked = q.questions.find((x) => !x.optional)
  const both = one && other && asked && query('/scores/agreement', { a: `${asked.name}:human:${one.name}`, b: `${asked.name}:human:${other.name}` })
  return (
    <Card title="Who did what" actions={both && <a class="btn quiet small" href={both}>How far {one.name} and {other.name} agree<Icon name="right" size={13} /></a>}><table class="table" data-people>
      <thead><tr><th scope="col">Person</th><th scope="col" class="num">Scored</th><th scope="col" class="num">Skipped</th><th scope="col">Last</th></tr></thead>
      <tbody>{p.people.map((x) => <tr key={x.name}><td class="any">{x.name}</td><td class="num">{count(x.done)}</td><td class="num">{count(x.skipped)}</td><td class="muted"><Time iso={x.last_at} mode="ago" /></td></tr>)}</tbody>
    </table></Card>
  )
}
