/** A run that this server makes of a dataset: what is asked, who scores, and what it is likely to cost. */

import { useEffect, useState } from 'preact/hooks'
import { request, useGet, type Facets, type Failure } from '../lib/api'
import { canRead, definitionOf, METRICS, runRoom, type Estimate, type NewTarget, type Run, type Version } from '../lib/evals'
import { count, plural } from '../lib/format'
import type { PromptRow } from '../lib/prompts'
import { go } from '../lib/router'
import { Icon } from './icons'
import { Modal, Money, Problem, toast } from './parts'

const bases: Record<string, string> = { previous_run: 'as in the run before', max_tokens: 'if answers are as long as max_tokens lets them be', assumed: 'if answers have 256 tokens', unknown: 'it says no cost' }

export function NewRun({ at, onClose }: { at: Version; onClose: () => void }) {
  const prompts = useGet<{ prompts: PromptRow[] }>('/api/v1/prompts')
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const [name, setName] = useState(at.name)
  const [targets, setTargets] = useState<NewTarget[]>([{ kind: 'model', of: '', model: '' }])
  const [metrics, setMetrics] = useState<string[]>(['exact'])
  const [judge, setJudge] = useState({ rubric: '', model: '', votes: '1' })
  const [vectors, setVectors] = useState('')
  const [repeat, setRepeat] = useState('1')
  const [limit, setLimit] = useState('')
  const [most, setMost] = useState('1')
  const [estimate, setEstimate] = useState<{ of: string; e?: Estimate; error?: Failure } | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const made = definitionOf({ name, dataset: `${at.name}@${at.version}`, targets, metrics, judge, vectors, repeat, limit, most })
  const key = made.ready ? JSON.stringify(made.definition) : ''
  useEffect(() => {
    if (!key) return
    const stop = new AbortController()
    const timer = setTimeout(() => {
      request<Estimate>('POST', '/api/v1/evals/estimate', { definition: JSON.parse(key) as unknown }, stop.signal).then((e) => setEstimate({ of: key, e }), (x: unknown) => { if (!stop.signal.aborted) setEstimate({ of: key, error: x as Failure }) })
    }, 500)
    return () => { clearTimeout(timer); stop.abort() }
  }, [key])
  const begin = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setError(null)
    try {
      const run = await request<Run>('POST', '/api/v1/evals', { definition: made.definition })
      toast('The run has begun')
      go(runRoom(run.id))
    } catch (x) { setError(x as Failure); setBusy(false) }
  }
  const change = (i: number, by: Partial<NewTarget>) => setTargets(targets.map((t, k) => (k === i ? { ...t, ...by } : t)))
  const toggle = (m: string) => setMetrics(metrics.includes(m) ? metrics.filter((x) => x !== m) : [...metrics, m])
  const shown = estimate?.of === key ? estimate : null
  return (
    <Modal title={`New run of ${at.name}, version ${at.version}`} onClose={onClose}>
      <form class="stack" onSubmit={begin} noValidate data-new-run>
        {error && <Problem error={error} />}
        <label class="label">Evaluation<input class="field" name="name" maxLength={64} value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <fieldset class="stack plain-set"><legend class="label">Who is asked</legend>
          {targets.map((t, i) => (
            <div class="row wrap target-row" key={i}>
              <select class="field small-field" aria-label={`Kind of target ${i + 1}`} name={'kind-' + i} value={t.kind} onChange={(e) => change(i, { kind: e.currentTarget.value as NewTarget['kind'], of: '' })}><option value="model">Model</option><option value="prompt">Prompt</option><option value="rag">RAG pipeline</option></select>
              {t.kind === 'prompt' && <input class="field grow" aria-label={`Prompt of target ${i + 1}`} name={'prompt-' + i} list="run-prompts" placeholder="name@label or name@version" value={t.of} onInput={(e) => change(i, { of: e.currentTarget.value })} />}
              {t.kind === 'rag' && <input class="field grow" aria-label={`Pipeline of target ${i + 1}`} name={'rag-' + i} placeholder="name of the pipeline" value={t.of} onInput={(e) => change(i, { of: e.currentTarget.value })} />}
              {t.kind !== 'rag' && <input class="field grow" aria-label={`Model of target ${i + 1}`} name={'model-' + i} list="run-models" placeholder={t.kind === 'prompt' ? "the prompt's own model" : 'model'} value={t.model} onInput={(e) => change(i, { model: e.currentTarget.value })} />}
              {targets.length > 1 && <button type="button" class="btn icon quiet" aria-label={`Remove target ${i + 1}`} onClick={() => setTargets(targets.filter((_, k) => k !== i))}><Icon name="close" size={13} /></button>}
            </div>
          ))}
          {targets.length < 8 && <div><button type="button" class="btn small" onClick={() => setTargets([...targets, { kind: 'model', of: '', model: '' }])}><Icon name="plus" size={12} />Another target</button></div>}
        </fieldset>
        <datalist id="run-models">{facets.data?.model?.map((m) => <option key={m.value} value={m.value} />)}</datalist>
        <datalist id="run-prompts">{prompts.data?.prompts.map((p) => <option key={p.name} value={p.name} />)}</datalist>
        <fieldset class="stack plain-set"><legend class="label">Who scores</legend>
          <div class="row wrap">{METRICS.map((m) => <label class="check" key={m}><input type="checkbox" name="metric" value={m} checked={metrics.includes(m)} onChange={() => toggle(m)} />{m}</label>)}</div>
          <div class="fields">
            <label class="label">Judge's rubric<select class="field" name="rubric" value={judge.rubric} onChange={(e) => setJudge({ ...judge, rubric: e.currentTarget.value })}><option value="">no judge</option>{['correctness', 'relevance', 'helpfulness', 'faithfulness', 'conciseness', 'tone', 'toxicity'].map((x) => <option key={x}>{x}</option>)}</select></label>
            {judge.rubric && <label class="label">Judge's model<input class="field" name="judge-model" list="run-models" value={judge.model} onInput={(e) => setJudge({ ...judge, model: e.currentTarget.value })} /></label>}
            {judge.rubric && <label class="label">Votes<select class="field" name="votes" value={judge.votes} onChange={(e) => setJudge({ ...judge, votes: e.currentTarget.value })}>{['1', '3', '5'].map((x) => <option key={x}>{x}</option>)}</select></label>}
            {metrics.includes('cosine') && <label class="label">Model that makes vectors<input class="field" name="vectors" list="run-models" value={vectors} onInput={(e) => setVectors(e.currentTarget.value)} /></label>}
          </div>
        </fieldset>
        <div class="fields">
          <label class="label">Times each item is asked<input class="field" name="repeat" inputMode="numeric" value={repeat} onInput={(e) => setRepeat(e.currentTarget.value)} /></label>
          <label class="label">Items at most<input class="field" name="limit" inputMode="numeric" placeholder={'all ' + count(at.items)} value={limit} onInput={(e) => setLimit(e.currentTarget.value)} /></label>
          <label class="label">Dollars at most<input class="field" name="most" inputMode="decimal" placeholder="no limit" value={most} aria-invalid={canRead(most) ? undefined : true} onInput={(e) => setMost(e.currentTarget.value)} /></label>
        </div>
        <div class="notice plain" role="status" data-estimate>{!key ? <span class="muted">{made.lacks}</span> : !shown ? <span class="muted">Counting…</span> : shown.error ? <span class="bad-text any">{shown.error.message}</span> : <EstimateText e={shown.e!} />}</div>
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={busy || !key}>Begin</button></div>
      </form>
    </Modal>
  )
}

function EstimateText({ e }: { e: Estimate }) {
  return (
    <div class="small grow">
      <b>{plural(e.calls, 'call')}, about <Money value={e.cost_usd} />{e.unpriced.length > 0 && <> and what {e.unpriced.join(', ')} will cost</>}</b>
      {e.targets.map((t) => <div key={t.target} class="any">{t.target}: {plural(t.calls, 'call')}, {t.cost_usd === null ? 'at a price that is not known' : <Money value={t.cost_usd} />} <span class="faint">{bases[t.basis] ?? ''}</span></div>)}
      {e.scorers.map((s) => <div key={s.scorer} class="any">{s.scorer}: at most {plural(s.calls, 'call')}, {s.cost_usd === null ? 'at a price that is not known' : <Money value={s.cost_usd} />}</div>)}
    </div>
  )
}
