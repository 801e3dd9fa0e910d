/** The query bench: ask a pipeline, and see what each stage makes of the question; two at once where they are to be compared. */

import { useState } from 'preact/hooks'
import { Failure, request, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { api, both, documentRoom, readLabels, room, type Answer, type Detail, type Passage, type Pipeline } from '../lib/rag'
import { patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { Icon } from './icons'
import { Card, Money, Problem, Segmented, SkeletonRows, toast } from './parts'
import { AnswerCard, Times } from './raganswer'
import { Stages } from './ragstages'

type Mode = 'find' | 'rank' | 'answer'
interface Target { pipeline: string; collection: string; name: string }
type Got = { of: Target; answer?: Answer; error?: Failure }

export function Bench({ p, all }: { p: Detail; all: Pipeline[] }) {
  const { params } = useLocation()
  const { may, known } = useSession()
  const models = !!(p.settings.rewrite || p.settings.rerank_model)
  const [mode, setMode] = useState<Mode>('find')
  const [question, setQuestion] = useState(params.get('q') ?? '')
  const [k, setK] = useState('')
  const [lists, setLists] = useState<'both' | 'dense' | 'sparse'>('both')
  const [exact, setExact] = useState(false)
  const [labels, setLabels] = useState('')
  const [project, setProject] = useState('')
  const [collection, setCollection] = useState(params.get('collection') ?? '')
  const [other, setOther] = useState('')
  const [got, setGot] = useState<Got[]>([])
  const [busy, setBusy] = useState(false)
  const said = readLabels(labels)
  const wrong = typeof said === 'string' ? said : k && !(Number(k) >= 1 && Number(k) <= 1000 && Number.isInteger(Number(k))) ? 'Chunks of each list: a whole number from 1 to 1000.' : ''
  const others = [
    ...p.collections.filter((c) => c.name !== (collection || p.collection)).map((c) => ({ value: 'c:' + c.name, text: `collection ${c.name}${c.role === 'answers' ? ', which answers' : ''}` })),
    ...all.filter((x) => x.name !== p.name).map((x) => ({ value: 'p:' + x.name, text: `pipeline ${x.name}` })),
  ]
  const ask = async (e: Event) => {
    e.preventDefault()
    if (!question.trim() || wrong || busy) return
    setBusy(true)
    patch({ q: question.trim() }, true)
    const of: Target[] = [{ pipeline: p.name, collection, name: collection || p.name }]
    if (other.startsWith('c:')) of.push({ pipeline: p.name, collection: other.slice(2), name: other.slice(2) })
    if (other.startsWith('p:')) of.push({ pipeline: other.slice(2), collection: '', name: other.slice(2) })
    const body = { question: question.trim(), explain: true, labels: said, top_k: Number(k) || undefined, lists: lists === 'both' ? undefined : [lists], exact: exact || undefined, project: project.trim() || undefined, bare: mode === 'find' || undefined, answer: mode === 'answer' }
    const all = await Promise.all(of.map(async (t): Promise<Got> => {
      try { return { of: t, answer: await request<Answer>('POST', api(t.pipeline, '/query'), { ...body, collection: t.collection || undefined }) } } catch (x) { return { of: t, error: x as Failure } }
    }))
    setGot(all)
    setBusy(false)
    if (all.some((g) => g.answer)) toast(mode === 'answer' ? 'Answered' : 'Found')
  }
  if (known && !may('developer')) return <Card title="Query bench"><p class="card-body muted">Asking a pipeline is for the role developer and above: it may cost money. What was asked is under <a href={room(p.name)}>Questions</a>.</p></Card>
  return (
    <>
      <Card title="Query bench" sub="see what every stage makes of a question">
        <form class="card-body stack" style={{ gap: '12px' }} onSubmit={ask} noValidate data-bench>
          <label class="label">Question<textarea class="field rag-question" name="question" rows={2} maxLength={8000} value={question} placeholder="What would a reader ask?" onInput={(e) => setQuestion(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) void ask(e) }} /></label>
          <div class="row wrap">
            <Segmented label="How far" value={mode} onChange={setMode} options={[['find', 'Passages only', 'Asks no model but the one that embeds'], ...(models ? [['rank', p.settings.rewrite ? 'Rewrite and rank' : 'Rank by model', 'The models of rewriting and reranking are asked, no answer is made'] as const] : []), ['answer', 'Answer', 'All stages, with an answer and its citations']]} />
            <button class="btn primary" disabled={busy || !question.trim() || !!wrong}><Icon name="search" size={14} />{busy ? 'Searching…' : 'Ask'}</button>
            <span class="faint small">{mode === 'find' ? 'Costs nothing but the question’s embedding.' : mode === 'rank' ? `Asks ${[p.settings.rewrite, p.settings.rerank_model].filter(Boolean).join(' and ')}.` : `Asks ${p.model}${models ? ' and the models before it' : ''}.`}</span>
          </div>
          <details class="how" open={!!(labels || project || k || other || collection)}>
            <summary><Icon name="right" size={12} />Options</summary>
            <div class="rag-options">
              <label class="label">Chunks of each list<input class="field" name="top_k" inputMode="numeric" placeholder={String(p.settings.top_k)} value={k} onInput={(e) => setK(e.currentTarget.value)} /></label>
              <label class="label">Search<select class="field" name="lists" value={lists} onChange={(e) => setLists(e.currentTarget.value as typeof lists)}><option value="both">by meaning and by words</option><option value="dense">by meaning alone</option><option value="sparse">by words alone</option></select></label>
              <label class="label">Labels<input class="field" name="labels" placeholder="year=2026, lang=en" value={labels} onInput={(e) => setLabels(e.currentTarget.value)} /></label>
              <label class="label">{p.settings.own_tenant ? 'Project: pays, and sees its documents' : 'Project that pays'}<input class="field" name="project" placeholder="default" value={project} onInput={(e) => setProject(e.currentTarget.value)} /></label>
              <label class="label">Collection<select class="field" name="collection" value={collection} onChange={(e) => setCollection(e.currentTarget.value)}><option value="">the one that answers</option>{p.collections.filter((c) => c.role !== 'answers').map((c) => <option key={c.name} value={c.name}>{c.name}</option>)}</select></label>
              <label class="label">Compare with<select class="field" name="other" value={other} onChange={(e) => setOther(e.currentTarget.value)}><option value="">nothing</option>{others.map((o) => <option key={o.value} value={o.value}>{o.text}</option>)}</select></label>
              <label class="row"><input type="checkbox" name="exact" checked={exact} onChange={(e) => setExact(e.currentTarget.checked)} />Compare with every point</label>
            </div>
          </details>
          {wrong && <span class="badge bad" role="alert">{wrong}</span>}
        </form>
      </Card>
      {busy ? <Card label="Searching"><SkeletonRows n={8} /></Card> : got.length === 2 ? <Two got={got} /> : got.map((g) => <One key={g.of.name} g={g} />)}
    </>
  )
}

function One({ g, name }: { g: Got; name?: string }) {
  if (g.error) return <Problem error={g.error} />
  const a = g.answer!
  return (
    <>
      <Stages title={name ? `Stages of ${name}` : 'Every stage'} chunks={a.chunks ?? []} pipeline={a.pipeline} collection={a.collection} />
      <AnswerCard title={(a.answer ? 'Answer' : 'Passages') + (name ? ` of ${name}` : '')} said={{ answer: a.answer, not_in_sources: a.not_in_sources, citations: a.citations, passages: a.passages ?? [] }} pipeline={a.pipeline} collection={a.collection} />
      <Times stages={a.stages} total={a.total_ms} retrieval={a.retrieval_ms}>
        <p class="card-body muted rag-foot">Cost <b data-cost><Money value={a.cost_usd} unknown="not known" /></b> · collection {a.collection}{a.stages.some((s) => s.stage === 'rewrite') && <> · searched with “{a.searched}”</>} · <a href={room(a.pipeline, '/questions/' + encodeURIComponent(a.id))}>this question</a></p>
      </Times>
    </>
  )
}

/** Two shows answers side by side, what the two have in common, and the stages of each. */
function Two({ got }: { got: Got[] }) {
  const [a, b] = [got[0]!, got[1]!]
  const [at, setAt] = useState('0')
  const rows = a.answer && b.answer ? both(a.answer.passages ?? [], b.answer.passages ?? []) : []
  const common = rows.filter((r) => r.a !== null && r.b !== null).length
  return (
    <>
      {a.answer && b.answer && (
        <Card title="Side by side" sub={`${plural(rows.length, 'passage')}, ${common} in both`}>
          <div class="rag-two">{[a, b].map((g, i) => (
            <section key={i} aria-label={g.of.name}>
              <h3 class="any">{g.of.name}</h3>
              {g.answer!.answer && <p class="rag-said">{g.answer!.answer}</p>}
              <p class="muted"><Money value={g.answer!.cost_usd} unknown="not known" /> · {Math.round(g.answer!.retrieval_ms * 10) / 10} ms to find · {plural(g.answer!.citations.length, 'citation')}</p>
            </section>
          ))}</div>
          <div class="scroll" tabIndex={0} role="region" aria-label="Passages of both, table"><table class="table dense" data-both>
            <thead><tr><th scope="col">Passage</th><th scope="col" class="num">{a.of.name}</th><th scope="col" class="num">{b.of.name}</th></tr></thead>
            <tbody>{rows.map((r, i) => <tr key={i}><td class="rag-cell"><PassageName p={r.passage} of={r.a === null ? b : a} /></td><td class="num">{r.a ?? <span class="faint">–</span>}</td><td class="num">{r.b ?? <span class="faint">–</span>}</td></tr>)}</tbody>
          </table></div>
        </Card>
      )}
      <Segmented class="rag-which" label="Stages of" value={at} onChange={setAt} options={[['0', a.of.name], ['1', b.of.name]]} />
      <One key={at} g={at === '0' ? a : b} name={at === '0' ? a.of.name : b.of.name} />
    </>
  )
}

const PassageName = ({ p, of }: { p: Passage; of: Got }) => <><a href={documentRoom(of.of.pipeline, p.document, of.answer!.collection, p.id)}>{[...p.headings].reverse().find((h) => /\p{L}/u.test(h)) || p.title || p.document}</a> <span class="faint">{p.document}</span></>

/** BenchRoom reads the pipelines that one can be compared with. */
export function BenchRoom({ p }: { p: Detail }) {
  const list = useGet<{ pipelines: Pipeline[] }>('/api/v1/rag')
  return <Bench p={p} all={list.data?.pipelines ?? []} />
}
