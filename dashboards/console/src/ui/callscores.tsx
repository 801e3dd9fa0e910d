/** What is thought of one call: its scores, one more, and taking one's word back. */

import { useState } from 'preact/hooks'
import { Failure, query, request, useGet } from '../lib/api'
import { typed, type Kind, type Score, type ScorePage, type Summary } from '../lib/scores'
import { useSession } from '../lib/session'
import { Ask } from './ask'
import { Icon } from './icons'
import { Card, Problem, Segmented, SkeletonRows, Time, toast } from './parts'
import { ScoreValue } from './scoreparts'

export function CallScores({ id }: { id: string }) {
  const { may } = useSession()
  const list = useGet<ScorePage>(query('/api/v1/scores', { call: id, limit: 200 }))
  const [adding, setAdding] = useState(false)
  const [leaving, setLeaving] = useState<Score | null>(null)
  const scores = list.data?.scores
  const done = (text: string) => { setAdding(false); setLeaving(null); toast(text); list.reload() }
  return (
    <Card title="Scores" sub={scores?.length ? String(scores.length) : undefined} actions={may('developer') && !adding && <button type="button" class="btn small no-print" onClick={() => setAdding(true)}><Icon name="plus" size={14} />Score it</button>}>
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !scores ? <SkeletonRows n={2} /> : !scores.length ? !adding && <p class="card-body muted">Nobody has said what they think of this call.</p> : (
        <ul class="call-scores" data-call-scores>
          {scores.map((s) => (
            <li key={s.id} data-score={s.id}>
              <div class="row wrap"><a class="strong any" href={query('/scores', { name: s.name })}>{s.name}</a><ScoreValue s={s} /><span class="grow" />
                {may('developer') && <button type="button" class="btn quiet small icon" aria-label={`Take the score ${s.name} back`} title="Take it back" onClick={() => setLeaving(s)}><Icon name="close" size={13} /></button>}</div>
              {s.comment && <p class="any">{s.comment}</p>}
              <p class="faint small any">{s.source}{s.author && <>, {s.author}</>}{s.config_version && <> · {s.config_version}</>} · <Time iso={s.created_at} mode="ago" /></p>
            </li>
          ))}
        </ul>
      )}
      {adding && <NewScore id={id} onClose={() => setAdding(false)} onDone={() => done('Scored')} />}
      {leaving && <Ask danger title="Take this score back?" yes="Take it back" no="Keep it" act={() => request('DELETE', '/api/v1/scores/' + encodeURIComponent(leaving.id))} onClose={() => setLeaving(null)} onDone={() => done('Taken back')}><p class="muted any"><b>{leaving.name}</b>, given by {leaving.author || leaving.source}: it counts in no figure from then on, in experiments neither.</p></Ask>}
    </Card>
  )
}

function NewScore({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) {
  const known = useGet<Summary>('/api/v1/scores/summary?since=90d')
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<{ kind: Kind; name: string }>({ kind: 'number', name: '' }) // by hand, when the name was that
  const [given, setGiven] = useState<{ kind: Kind; text: string }>({ kind: 'number', text: '' })
  const [comment, setComment] = useState('')
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const rows = known.data?.rows ?? []
  // A name that is there already says how its value is meant, unless one chooses otherwise; a value of another kind is none.
  const kind = (chosen.name !== name && rows.find((r) => r.name === name)?.type) || chosen.kind
  const value = given.kind === kind ? given.text : ''
  const setValue = (text: string) => setGiven({ kind, text })
  const submit = async (e: Event) => {
    e.preventDefault()
    const v = typed(kind, value)
    if ('wrong' in v) return setError(new Failure(400, 'value', v.wrong, 'value'))
    setBusy(true)
    setError(null)
    try {
      await request('POST', '/api/v1/scores', { call_id: id, name: name.trim(), value: v.value, source: 'human', ...(comment.trim() ? { comment: comment.trim() } : {}) })
      onDone()
    } catch (x) { setError(x as Failure); setBusy(false) }
  }
  const beside = (f: string) => (error && error.param === f ? <span class="wrong" id={'wrong-' + f} role="alert">{error.message}</span> : null)
  const on = (f: string) => ({ 'aria-invalid': error?.param === f ? true : undefined, 'aria-describedby': error?.param === f ? 'wrong-' + f : undefined })
  const categories = Object.keys(rows.find((r) => r.name === name && r.type === 'category')?.categories ?? {})
  return (
    <form class="card-body stack new-score" onSubmit={submit} noValidate>
      {error && !['name', 'value', 'comment'].includes(error.param) && <Problem error={error} />}
      <label class="label">What is judged<input class="field" name="score-name" autoFocus maxLength={64} placeholder="helpful" list="score-names" value={name} onInput={(e) => setName(e.currentTarget.value)} {...on('name')} />{beside('name')}</label>
      <datalist id="score-names">{[...new Set(rows.map((r) => r.name))].map((n) => <option key={n} value={n} />)}</datalist>
      <div class="label"><span class="row">Value<span class="grow" /><Segmented small label="Kind of value" value={kind} onChange={(k) => setChosen({ kind: k, name })} options={[['number', 'Number'], ['boolean', 'Yes or no'], ['category', 'Word']]} /></span>
        {kind === 'boolean' ? <Segmented label="Value" value={value} onChange={setValue} options={[['yes', 'Yes'], ['no', 'No']]} />
          : <><input class="field" name="score-value" aria-label="Value" inputMode={kind === 'number' ? 'decimal' : 'text'} maxLength={100} placeholder={kind === 'number' ? '0.8' : 'warm'} list={categories.length ? 'score-words' : undefined} value={value} onInput={(e) => setValue(e.currentTarget.value)} {...on('value')} /><datalist id="score-words">{categories.map((w) => <option key={w} value={w} />)}</datalist></>}
        {beside('value')}</div>
      <label class="label">Comment<textarea class="field area" name="score-comment" rows={2} maxLength={5000} value={comment} onInput={(e) => setComment(e.currentTarget.value)} {...on('comment')} />{beside('comment')}</label>
      <div class="row end"><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={busy}>Score the call</button></div>
    </form>
  )
}
