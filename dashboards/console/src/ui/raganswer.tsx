/** An answer with its citations marked in the passages it was given, and how long each stage took. */

import { useEffect, useRef, useState } from 'preact/hooks'
import { count, ms, plural } from '../lib/format'
import { cited, cut, documentRoom, named, parts, waterfall, type Citation, type Passage, type Stage } from '../lib/rag'
import { Icon } from './icons'
import { Card } from './parts'

export interface Said { answer: string; not_in_sources: boolean; citations: Citation[]; passages: Passage[] }

export function AnswerCard({ title = 'Answer', said, pipeline, collection }: { title?: string; said: Said; pipeline: string; collection: string }) {
  const [at, setAt] = useState<number | null>(null)
  const list = useRef<HTMLOListElement>(null)
  const one = at === null ? undefined : said.citations[at]
  useEffect(() => {
    if (!one) return
    const p = list.current?.querySelector<HTMLElement>(`[data-source="${one.source}"]`)
    ;(p?.querySelector('mark') ?? p)?.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' })
  }, [at])
  const bad = said.citations.filter((c) => !c.verified).length
  return (
    <Card title={title} sub={said.citations.length ? `${plural(said.citations.length, 'citation')}${bad ? `, ${bad} not verified` : ', all verified'}` : undefined}>
      <div class="card-body rag-answer">
        {said.answer && <div class="stack" style={{ gap: '10px', alignContent: 'start' }}>
          {said.not_in_sources && <p><span class="badge warn">not in the sources</span></p>}
          <p class="rag-said" data-answer>{parts(said.answer).map((p, i) => 'text' in p ? p.text : <Mark key={i} source={p.source} i={cited(said.citations, p.source, p.nth)} said={said} at={at} onAt={setAt} />)}</p>
          {said.citations.length > 0 && (
            <ul class="rag-cites" aria-label="Citations">{said.citations.map((c, i) => (
              <li key={i}><button type="button" aria-pressed={i === at} onClick={() => setAt(i)} data-cite={i}>
                <span class={'badge ' + (c.verified ? 'ok' : 'warn')}><Icon name={c.verified ? 'check' : 'warn'} size={12} />{c.verified ? 'verified' : 'not verified'}</span>
                <span class="any">[{c.source}] {c.quote ? `“${c.quote}”` : 'no words of the passage'} <span class="faint">{c.document || 'a source that there is not'}</span></span>
              </button></li>
            ))}</ul>
          )}
          {one?.verified && !marked(one, said.passages) && <p class="notice plain" role="status"><Icon name="warn" />The quote was found when the question was asked. The passage is not as it was then, so that it cannot be shown there.</p>}
          {one && !one.verified && <p class="notice" role="status"><Icon name="warn" />{one.id ? `These words are not in the passage [${one.source}]. The model may have made them up, or put them in words of its own.` : `The answer cites [${one.source}], and there is no such passage.`}</p>}
        </div>}
        <div>
          <h3>{said.answer ? 'Passages that the model was given' : 'Passages that a model would be given'}</h3>
          {!said.passages.length ? <p class="muted">None: nothing was found that could be given to a model.</p> : (
            <ol class="rag-passages" ref={list} tabIndex={0} aria-label="Passages">{said.passages.map((p) => <PassageItem key={p.source} p={p} at={one?.source === p.source ? one : undefined} pipeline={pipeline} collection={collection} />)}</ol>
          )}
        </div>
      </div>
    </Card>
  )
}

function Mark({ source, i, said, at, onAt }: { source: number; i: number; said: Said; at: number | null; onAt: (i: number) => void }) {
  const c = said.citations[i]
  if (!c) return <>[{source}]</>
  return <button type="button" class={'rag-mark' + (c.verified ? '' : ' not')} aria-pressed={i === at} title={c.verified ? 'Verified: the quoted words are in the passage' : 'Not verified'} onClick={() => onAt(i)}>[{source}]<span class="sr">{c.verified ? ', verified' : ', not verified'}: show it in the passage</span></button>
}

/** marked splits a passage around a verified quote; null when it is not there. */
function marked(c: Citation, passages: Passage[]): [string, string, string] | null {
  const p = passages.find((x) => x.source === c.source && x.document === c.document), split = p && c.verified ? cut(p.text, c.start - p.start, c.end - p.start) : null
  return split && split[1] === c.quote ? split : null
}

function PassageItem({ p, at, pipeline, collection }: { p: Passage; at: Citation | undefined; pipeline: string; collection: string }) {
  const split = at ? marked(at, [p]) : null
  return (
    <li data-source={p.source} aria-current={at ? 'true' : undefined}>
      <p class="rag-where"><b>[{p.source}]</b> <a class="any" href={documentRoom(pipeline, p.document, collection, p.id)}>{p.document}</a> <span class="faint any">{p.headings.length ? p.headings.join(' › ') : p.title} · {count(p.tokens)} tokens</span></p>
      <p class="rag-text">{split ? <>{split[0]}<mark>{split[1]}</mark>{split[2]}</> : p.text || <span class="faint">Its text is not in the collection any more.</span>}</p>
    </li>
  )
}

/** Times is the stages one behind another, as bars and as a table at once. */
export function Times({ stages, total, retrieval, children }: { stages: Stage[]; total: number; retrieval: number; children?: preact.ComponentChildren }) {
  return (
    <Card title="Stages" sub={`${ms(retrieval)} to find, ${ms(total)} in all`}>
      <div class="scroll" tabIndex={0} role="region" aria-label="Time of each stage, table"><table class="table dense rag-times" data-times>
        <thead><tr><th scope="col">Stage</th><th scope="col" class="num">Took</th><th scope="col" class="num">Chunks out</th><th scope="col" class="rag-fall"><span class="sr">Share</span></th></tr></thead>
        <tbody>{waterfall(stages).map((b) => (
          <tr key={b.stage.stage}>
            <td class="rag-cell">{named[b.stage.stage] ?? b.stage.stage}{(b.stage.error || b.stage.note) && <><br /><span class={'rag-note' + (b.stage.error ? ' bad' : '')}>{b.stage.error || b.stage.note}</span></>}</td><td class="num nowrap">{ms(b.stage.took_ms)}</td><td class="num">{b.stage.out || <span class="faint">–</span>}</td>
            <td class="rag-fall"><span class="rag-bar" aria-hidden="true"><i style={{ left: b.from * 100 + '%', width: `max(2px, ${b.width * 100}%)` }} /></span></td>
          </tr>
        ))}</tbody>
      </table></div>
      {children}
    </Card>
  )
}
