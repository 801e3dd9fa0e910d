/** One pipeline: what it was asked, the query bench, its documents and its collections. */

import { useGet } from '../lib/api'
import { api, room, type Detail } from '../lib/rag'
import { Icon } from '../ui/icons'
import { Card, Problem, SkeletonRows } from '../ui/parts'
import { BenchRoom } from '../ui/ragbench'
import { Collections } from '../ui/ragcollections'
import { Documents } from '../ui/ragdocuments'
import { QuestionPage, Questions } from '../ui/ragquestions'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'
import { Tabs } from '../ui/tabs'
import { useRange } from './rag'

export function RAGPipelinePage({ name, tab, question }: { name: string; tab: string; question: string }) {
  const range = useRange()
  const of = useGet<Detail>(api(name))
  const p = of.data?.name === name ? of.data : undefined
  const crumbs = <span class="crumbs"><a href="/rag">RAG</a>{question && <> / <a href={room(name)}>{name}</a></>}</span>
  if (of.error) return <Page title={name} crumbs={crumbs}><Problem error={of.error} retry={of.reload} /><p><a href="/rag">All pipelines</a></p></Page>
  const tabs = [['', 'Questions'], ['/bench', 'Bench'], ['/documents', 'Documents'], ['/collections', 'Collections']].map(([rest, text]) => ({ href: room(name, rest), text: text!, here: '/' + tab === (rest || '/') || (tab === 'questions' && rest === '') }))
  return (
    <Page title={question ? 'Question' : name} crumbs={crumbs} actions={tab === '' && <RangePicker range={range} />}>
      <Tabs label="Parts of the pipeline" tabs={tabs} />
      {p?.error && <div class="notice bad" role="alert"><Icon name="warn" /><div>{p.error}. What was asked can be read; documents and collections cannot.</div></div>}
      {question ? <QuestionPage key={question} name={name} id={question} /> : tab === '' ? <Questions name={name} range={range} /> : !p ? <Card label="Pipeline"><SkeletonRows n={8} /></Card> : tab === 'bench' ? <BenchRoom p={p} /> : tab === 'documents' ? <Documents p={p} /> : <Collections p={p} reload={of.reload} />}
    </Page>
  )
}
