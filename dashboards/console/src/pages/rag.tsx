/** RAG: the pipelines, what they answer from, and how well they find. */

import { useMemo } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { count, ms, percent, plural } from '../lib/format'
import { pixels } from '../lib/money'
import { api, buckets, room, short, type Pipeline, type Summary } from '../lib/rag'
import { useLocation } from '../lib/router'
import { resolve, type Range } from '../lib/time'
import { Icon } from '../ui/icons'
import { Card, Empty, Money, Problem, SkeletonRows, Spark } from '../ui/parts'
import { StageTimes } from '../ui/ragquestions'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'
import { Code } from '../ui/text'

export const useRange = (): Range => {
  const { params } = useLocation()
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  return useMemo(() => resolve(params, '7d', minute), [params.get('range'), params.get('since'), params.get('until'), minute])
}

export function RAGPage() {
  const range = useRange()
  const list = useGet<{ pipelines: Pipeline[] }>('/api/v1/rag')
  const all = list.data?.pipelines
  return (
    <Page title="RAG" sub="Pipelines that answer from your documents, and say what each statement rests on." actions={all && all.length > 0 && <RangePicker range={range} />}>
      {list.error ? <Problem error={list.error} retry={list.reload} /> : !all ? <Card label="Pipelines"><SkeletonRows n={8} /></Card> : !all.length ? <First /> : all.map((p) => <PipelineCard key={p.name} p={p} range={range} />)}
    </Page>
  )
}

const config = `rag:
  - name: handbook
    embedding: {model: text-embedding-3-small, dimensions: 512}
    model: gpt-4o-mini`

function First() {
  return (
    <Card label="No pipelines">
      <Empty icon="prompts" title="No pipeline is configured">
        <p>A pipeline answers questions from documents and cites them. Add one to weir.yaml and start weir again. To try it without an embedding model, write <code>embedding: {'{model: hashing}'}</code>.</p>
        <div class="first"><Code lang="yaml" text={config} /></div>
        <p>Then index documents, and ask:</p>
        <div class="first"><Code lang="shell" text={'weir rag index handbook ./docs\nweir rag query handbook "How many days of leave do I have?"'} /></div>
        <p>Clients ask for the model <code>rag/handbook</code> with any OpenAI library.</p>
      </Empty>
    </Card>
  )
}

function PipelineCard({ p, range }: { p: Pipeline; range: Range }) {
  const sums = useGet<Summary>(p.error ? '' : query(api(p.name, '/summary'), { since: range.since, until: range.until }))
  const s = sums.data
  const costs = useMemo(() => (s ? buckets(s.hours, range.grain).filter((b) => b.per).map((b) => pixels(b.per)) : []), [s, range.grain])
  return (
    <Card label={'Pipeline ' + p.name}>
      <header class="card-head" data-pipeline={p.name}>
        <h2><a href={room(p.name)}>{p.name}</a></h2>
        <span class="sub">{short(p)}</span>
        {p.collection && p.target !== p.collection && <span class="badge accent" title={`The configuration makes ${p.target}; swap to it once it is filled`}>swap pending</span>}
        <span class="grow" />
        <a class="btn small" href={room(p.name, '/documents')}>Documents</a>
        <a class="btn small" href={room(p.name, '/bench')}><Icon name="search" size={13} />Query bench</a>
      </header>
      <div class="card-body stack" style={{ gap: '12px' }}>
        {p.error && <div class="notice bad" role="alert"><Icon name="warn" /><div>{p.error}. {p.index === 'qdrant' ? 'Is the Qdrant server running, and is its address right in weir.yaml?' : 'System shows what ClickHouse says.'} <a href="/system">System</a></div></div>}
        {!p.error && !p.collection && <div class="stack" style={{ gap: '8px' }}><p>Nothing is indexed yet, so that it answers nothing. Index documents on the machine where they are:</p><Code lang="shell" text={`weir rag index ${p.name} ./docs`} /></div>}
        <dl class="rag-facts">
          <div><dt>Collection</dt><dd class="any">{p.collection || '–'}</dd></div><div><dt>Embedding</dt><dd class="any">{p.embedding}</dd></div><div><dt>Splitter</dt><dd class="any">{p.splitter}</dd></div><div><dt>Answers</dt><dd class="any">{p.model}</dd></div><div><dt>Kept in</dt><dd>{p.index}</dd></div>
        </dl>
        {sums.error && <Problem error={sums.error} retry={sums.reload} />}
        {!s && !sums.error && p.collection && <SkeletonRows n={2} />}
        {s && s.questions > 0 && (
          <div class="rag-card">
            <dl class="rag-figures">
              <div><dt>Questions</dt><dd>{count(s.questions)}</dd></div>
              <div><dt>Hit rate</dt><dd>{percent(s.questions - s.empty, s.questions)}</dd></div>
              <div><dt>Empty</dt><dd><a href={query(room(p.name), { only: 'empty', range: range.preset })}>{count(s.empty)}</a></dd></div>
              <div><dt title={`from ${ms(s.slow_ms)} on`}>Slow</dt><dd><a href={query(room(p.name), { only: 'slow', range: range.preset })}>{count(s.slow)}</a></dd></div>
              <div><dt>Not in the sources</dt><dd><a href={query(room(p.name), { only: 'not_in_sources', range: range.preset })}>{percent(s.not_in_sources, s.questions)}</a></dd></div>
              <div><dt>Retrieval p50, p95</dt><dd>{ms(s.retrieval_p50_ms)}, {ms(s.retrieval_p95_ms)}</dd></div>
              {s.context_relevance !== null && <div><dt title="mean of the questions that were scored">Context relevance</dt><dd>{s.context_relevance.toFixed(2)}</dd></div>}
              {s.response_quality !== null && <div><dt title="mean of the answers that were scored">Response quality</dt><dd>{s.response_quality.toFixed(2)}</dd></div>}
              {p.approximate_recall !== null && <div><dt title={`of what is nearest by meaning, what the approximate search finds: the mean of ${plural(p.approximate_measured, 'question')} searched exactly too`}>Approximate recall</dt><dd>{p.approximate_recall.toFixed(3)}</dd></div>}
              <div class="rag-cost"><dt>Cost per answer</dt><dd>{s.cost_per_answer_usd ? <Money value={s.cost_per_answer_usd} /> : <span class="faint">–</span>}<Spark values={costs} color="var(--c2)" /></dd></div>
            </dl>
            <details class="how"><summary><Icon name="right" size={12} />Time by stage</summary><StageTimes s={s} small /></details>
          </div>
        )}
        {s && !s.questions && p.collection && <p class="muted">{plural(0, 'question')} in the {range.label}. Ask one in the <a href={room(p.name, '/bench')}>query bench</a>, or have a client ask for the model <code>rag/{p.name}</code>.</p>}
      </div>
    </Card>
  )
}
