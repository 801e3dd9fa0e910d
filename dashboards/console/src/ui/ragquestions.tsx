/** What a pipeline was asked: sums over a span of time, the list with its filters, and one question with all its stages. */

import { useMemo, useState } from 'preact/hooks'
import { query, useGet, type CallDetail } from '../lib/api'
import { count, ms, percent, plural } from '../lib/format'
import { exact, pixels, usd } from '../lib/money'
import { api, asStages, buckets, named, room, type Asked, type AskedDetail, type Bucket, type Citation, type Summary } from '../lib/rag'
import { patch, useLocation } from '../lib/router'
import { bucketName, type Range } from '../lib/time'
import { Icon } from './icons'
import { Card, Empty, Money, Problem, Segmented, Skeleton, SkeletonRows, Spark, Time } from './parts'
import { AnswerCard, Times } from './raganswer'
import { Stages } from './ragstages'

const PAGE = 50
const kinds = [['', 'All'], ['empty', 'Empty'], ['slow', 'Slow'], ['not_in_sources', 'Not in the sources'], ['unverified', 'Unverified']] as const

export function Questions({ name, range }: { name: string; range: Range }) {
  const sums = useGet<Summary>(query(api(name, '/summary'), { since: range.since, until: range.until }))
  const s = sums.data
  const over = useMemo(() => s && buckets(s.hours, range.grain), [s, range.grain])
  if (sums.error) return <Problem error={sums.error} retry={sums.reload} />
  return (
    <>
      <Sums s={s} over={over} />
      <div class="rag-half">
        <StageTimes s={s} />
        <Trend over={over} grain={range.grain} />
      </div>
      <List name={name} range={range} slow={s?.slow_ms ?? 500} any={!s || s.questions > 0} />
    </>
  )
}

function Sums({ s, over }: { s: Summary | undefined; over: Bucket[] | undefined }) {
  const list = over ?? []
  const tile = (k: string, v: string | undefined, sub: string, spark: number[], color?: string, title?: string) => (
    <div class="card tile" data-tile={k}><span class="k">{k}</span><span class="v" title={title}>{v ?? <Skeleton h={26} w="60%" />}</span><span class="s">{sub}</span><Spark values={spark} {...(color ? { color } : {})} /></div>
  )
  return (
    <div class="tiles rag-tiles">
      {tile('Questions', s && count(s.questions), s ? `${plural(s.slow, 'slow one')}, from ${ms(s.slow_ms)} on` : '', list.map((b) => b.questions))}
      {tile('Hit rate', s && (s.hit_rate === null ? '—' : percent(s.questions - s.empty, s.questions)), s ? `${plural(s.empty, 'question')} found nothing` : '', list.map((b) => (b.questions - b.empty) / b.questions), 'var(--c3)')}
      {tile('Not in the sources', s && percent(s.not_in_sources, s.questions), s ? `${count(s.not_in_sources)} of ${count(s.questions)}` : '', list.map((b) => b.not_in_sources / b.questions), 'var(--c6)')}
      {tile('Cost per answer', s && (s.cost_per_answer_usd ? usd(s.cost_per_answer_usd) : '—'), s ? (s.priced_answers ? `of ${plural(s.priced_answers, 'answer')}, without what came before` : 'no answer has a known cost') : '', list.filter((b) => b.per).map((b) => pixels(b.per)), 'var(--c2)', s && s.cost_per_answer_usd ? exact(s.cost_per_answer_usd) : undefined)}
      {tile('Retrieval, p95', s && ms(s.retrieval_p95_ms), s ? `p50 ${ms(s.retrieval_p50_ms)}` : '', [])}
      {tile('Verified', s && percent(s.verified, s.citations), s ? `of ${plural(s.citations, 'citation')}` : '', [])}
    </div>
  )
}

/** StageTimes is a bar chart that is a table. */
export function StageTimes({ s, small = false }: { s: Summary | undefined; small?: boolean }) {
  const max = Math.max(...(s?.stages.map((t) => t.p95_ms) ?? []), 1e-9)
  const table = !s ? <SkeletonRows n={4} /> : !s.stages.length ? <p class="card-body muted">No stage ran in this range.</p> : (
    <div class="scroll" tabIndex={0} role="region" aria-label="Time by stage, table"><table class="table dense" data-stage-times>
      <thead><tr><th scope="col">Stage</th><th scope="col" class="num">p50</th><th scope="col" class="num">p95</th><th scope="col" class="num wide">Ran</th></tr></thead>
      <tbody>{s.stages.map((t) => <tr key={t.stage}><td class="barcell" style={{ '--w': t.p95_ms / max }}><span>{named[t.stage] ?? t.stage}</span></td><td class="num nowrap">{ms(t.p50_ms)}</td><td class="num nowrap">{ms(t.p95_ms)}</td><td class="num wide muted">{count(t.runs)}</td></tr>)}</tbody>
    </table></div>
  )
  return small ? table : <Card title="Time by stage" sub="bars: p95">{table}</Card>
}

function Trend({ over, grain }: { over: Bucket[] | undefined; grain: 'hour' | 'day' }) {
  const [view, set] = useState<'chart' | 'table'>('chart')
  const max = Math.max(...(over ?? []).map((b) => pixels(b.per)), 1e-18)
  return (
    <Card title="Cost per answer" sub={grain === 'day' ? 'UTC days' : 'by hour'} actions={<Segmented small class="icons" label="View of costs" value={view} onChange={set} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />}>
      {!over ? <SkeletonRows n={4} /> : !over.length ? <p class="card-body muted">Nothing was asked in this range.</p> : view === 'chart' ? (
        <div class="card-body rag-trend" aria-hidden="true">{over.map((b) => (
          <span key={b.t} title={`${bucketName(b.t, grain)}: ${b.per ? usd(b.per) + ' an answer' : 'no known cost'}, ${plural(b.questions, 'question')}`}>{over.length < 9 && b.per && <b>{usd(b.per)}</b>}<i style={{ '--h': pixels(b.per) / max }} /><small class="cut">{bucketName(b.t, grain).replace(/^\w+, /, '').replace(/^\w+ \d+, /, '')}</small></span>
        ))}</div>
      ) : (
        <div class="table-tall" tabIndex={0} role="region" aria-label="Cost per answer, table"><table class="table dense">
          <thead><tr><th scope="col">{grain === 'day' ? 'Day (UTC)' : 'Hour'}</th><th scope="col" class="num">Per answer</th><th scope="col" class="num">Answers</th><th scope="col" class="num">Questions</th><th scope="col" class="num">Empty</th><th scope="col" class="num">Slow</th></tr></thead>
          <tbody>{[...over].reverse().map((b) => <tr key={b.t}><td class="nowrap">{bucketName(b.t, grain)}</td><td class="num">{b.per ? <Money value={b.per} /> : <span class="faint">–</span>}</td><td class="num">{count(b.priced)}</td><td class="num">{count(b.questions)}</td><td class="num">{count(b.empty)}</td><td class="num">{count(b.slow)}</td></tr>)}</tbody>
        </table></div>
      )}
    </Card>
  )
}

function List({ name, range, slow, any }: { name: string; range: Range; slow: number; any: boolean }) {
  const { params } = useLocation()
  const only = kinds.some(([k]) => k === params.get('only')) ? params.get('only')! : ''
  const cursor = params.get('cursor') ?? ''
  const bound = Number(params.get('slow')) > 0 ? Number(params.get('slow')) : slow
  const list = useGet<{ queries: Asked[]; next: string }>(query(api(name, '/queries'), { since: range.since, until: range.until, only, slow_ms: only === 'slow' ? bound : undefined, cursor, limit: PAGE }))
  const q = list.data?.queries
  return (
    <Card title="Questions" sub="newest first" actions={<div class="row wrap">
      <Segmented small class="rag-kinds" label="Which questions" value={only} options={kinds} onChange={(v) => patch({ only: v || undefined, cursor: undefined }, true)} />
      {only === 'slow' && <label class="row small">from <input class="field rag-slow" name="slow" inputMode="numeric" aria-label="Slow from, in milliseconds" value={String(bound)} onChange={(e) => patch({ slow: e.currentTarget.value, cursor: undefined }, true)} /> ms</label>}
    </div>}>
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !q ? <SkeletonRows n={6} /> : !q.length ? (
        <Empty icon="search" title={any && only ? 'No such question in this range' : 'Nothing was asked in this range'}>
          {any && only ? <button type="button" class="btn" onClick={() => patch({ only: undefined }, true)}>All questions</button> : <p>Clients ask for the model <code>rag/{name}</code>. Try one in the <a href={room(name, '/bench')}>query bench</a>, or choose a longer range.</p>}
        </Empty>
      ) : (
        <>
          <div class="scroll" tabIndex={0} role="region" aria-label="Questions, table"><table class="table" data-questions>
            <thead><tr><th scope="col">Question</th><th scope="col">Asked</th><th scope="col" class="num">Retrieval</th><th scope="col" class="num wide">Citations</th><th scope="col" class="num">Cost</th><th scope="col" class="wide">Project</th></tr></thead>
            <tbody>{q.map((a) => (
              <tr key={a.id} data-question={a.id}>
                <td class="rag-cell"><a href={room(name, '/questions/' + encodeURIComponent(a.id))}>{a.question || <span class="faint">its text is not kept</span>}</a> <Signs a={a} slow={bound} /></td>
                <td class="nowrap muted"><Time iso={a.time} mode="ago" /></td><td class="num nowrap">{ms(a.retrieval_time)}</td>
                <td class="num wide">{a.citations ? `${a.verified} of ${a.citations}` : <span class="faint">–</span>}</td>
                <td class="num">{a.generation_cost === null ? <span class="faint" title="No answer was made, or its cost is not known">–</span> : <Money value={a.generation_cost} />}</td><td class="wide muted">{a.project}</td>
              </tr>
            ))}</tbody>
          </table></div>
          {(list.data!.next || cursor) && <div class="more">{cursor && <button type="button" class="btn" onClick={() => patch({ cursor: undefined })}>To the newest</button>}{list.data!.next && <button type="button" class="btn" onClick={() => patch({ cursor: list.data!.next })}>Older ones</button>}</div>}
        </>
      )}
    </Card>
  )
}

const Signs = ({ a, slow }: { a: Asked; slow: number }) => <>
  {a.empty ? <span class="badge bad">empty</span> : a.not_in_sources && <span class="badge warn">not in the sources</span>}{' '}
  {a.retrieval_time >= slow && <span class="badge">slow</span>}{' '}
  {a.verified < a.citations && <span class="badge warn">{a.citations - a.verified} not verified</span>}
</>

export function QuestionPage({ name, id }: { name: string; id: string }) {
  const asked = useGet<AskedDetail>(api(name, '/queries/' + encodeURIComponent(id)))
  const a = asked.data
  const call = useGet<CallDetail>(a?.call_id ? '/api/v1/calls/' + encodeURIComponent(a.call_id) : '')
  if (asked.error) return <Problem error={asked.error} retry={asked.reload} />
  if (!a) return <Card label="Question"><SkeletonRows n={8} /></Card>
  const said = answerOf(call.data?.response)
  return (
    <>
      <Card title="Question" sub={<Time iso={a.time} mode="full" />} actions={<a class="btn small" href={query(room(name, '/bench'), { q: a.question })}><Icon name="refresh" size={13} />Ask it in the bench</a>}>
        <div class="card-body stack" style={{ gap: '8px' }}>
          <p class="rag-said" data-asked>{a.question || 'Its text is not kept.'}</p>
          <p class="row wrap"><Signs a={a} slow={500} /><span class="muted">collection {a.collection} · project {a.project} · best cosine {a.top_score.toFixed(3)} · {count(a.context_tokens)} tokens of passages · {a.citations ? `${a.verified} of ${plural(a.citations, 'citation')} verified` : 'no citations'}
            {a.generation_cost && <> · <Money value={a.generation_cost} /> for the answer</>}{a.context_relevance !== null && ` · context relevance ${a.context_relevance.toFixed(2)}`}{a.response_quality !== null && ` · response quality ${a.response_quality.toFixed(2)}`}</span></p>
          {a.call_id && <p><a href={'/calls/' + encodeURIComponent(a.call_id)}>The call, with what was sent and answered</a></p>}
        </div>
      </Card>
      <Stages title="Every stage" chunks={a.chunks} pipeline={name} collection={a.collection} />
      {said && <AnswerCard said={{ answer: said.content, not_in_sources: a.not_in_sources, citations: said.citations.length ? said.citations : a.cited, passages: a.passages }} pipeline={name} collection={a.collection} />}
      <Times stages={asStages(a)} total={a.total_ms} retrieval={a.retrieval_time} />
    </>
  )
}

/** answerOf reads the recorded answer of a call; anything else than a chat completion is none. */
function answerOf(response: unknown): { content: string; citations: Citation[] } | undefined {
  const m = (response as { choices?: { message?: { content?: unknown; citations?: unknown } }[] } | undefined)?.choices?.[0]?.message
  if (typeof m?.content !== 'string') return undefined
  return { content: m.content.replace(/\n*<quotes>[\s\S]*$/, ''), citations: Array.isArray(m.citations) ? (m.citations as Citation[]) : [] }
}
