/** The documents of a collection, and the chunks of one in their order. */

import { useEffect, useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { bytes, count, plural } from '../lib/format'
import { api, cut, documentRoom, overlaps, roles, room, type Detail, type Document, type Held } from '../lib/rag'
import { patch, useLocation } from '../lib/router'
import { Icon } from './icons'
import { Card, Copy, Empty, Problem, SkeletonRows, Time } from './parts'
import { Code } from './text'

const PAGE = 50

export function Documents({ p }: { p: Detail }) {
  const { params } = useLocation()
  const collection = params.get('collection') ?? '', document = params.get('document')
  const q = params.get('q') ?? '', cursor = params.get('cursor') ?? ''
  const [words, setWords] = useState(q)
  useEffect(() => setWords(q), [q])
  const list = useGet<{ documents: Document[]; next: string }>(document ? '' : query(api(p.name, '/documents'), { collection, q, cursor, limit: PAGE }))
  if (document) return <Chunks p={p} document={document} collection={collection} chunk={params.get('chunk') ?? ''} />
  const docs = list.data?.documents
  return (
    <Card title="Documents" sub={collection || p.collection} actions={<form class="row rag-find" onSubmit={(e) => { e.preventDefault(); patch({ q: words.trim() || undefined, cursor: undefined }) }}>
      {p.collections.length > 1 && <select class="field" aria-label="Collection" value={collection} onChange={(e) => patch({ collection: e.currentTarget.value || undefined, cursor: undefined })}><option value="">the one that answers</option>{p.collections.filter((c) => c.role !== 'answers').map((c) => <option key={c.name} value={c.name}>{c.name} ({roles[c.role][1]})</option>)}</select>}
      <label class="search item-search"><span class="sr">Search by id or title</span><Icon name="search" size={14} /><input class="field" type="search" name="q" placeholder="Id or title" value={words} onInput={(e) => setWords(e.currentTarget.value)} /></label>
      <button class="btn small">Search</button>
    </form>}>
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !docs ? <SkeletonRows n={8} /> : !docs.length && !q && !cursor ? (
        <Empty icon="datasets" title="No documents yet"><p>Index files, folders, patterns or addresses on the machine where they are:</p><div class="first"><Code lang="shell" text={`weir rag index ${p.name} ./docs`} /></div></Empty>
      ) : !docs.length && !list.data!.next ? (
        <Empty icon="search" title="No document has these words in its id or title"><button type="button" class="btn" onClick={() => patch({ q: undefined, cursor: undefined })}>All documents</button></Empty>
      ) : (
        <>
          <div class="scroll" tabIndex={0} role="region" aria-label="Documents, table"><table class="table" data-documents>
            <thead><tr><th scope="col">Document</th><th scope="col" class="num">Size</th><th scope="col" class="num">Chunks</th><th scope="col" class="wide">Labels</th><th scope="col" class="wide">Tenant</th><th scope="col">Last changed</th></tr></thead>
            <tbody>{docs.map((d) => (
              <tr key={d.id} data-document={d.id}>
                <td class="rag-cell"><a class="strong" href={documentRoom(p.name, d.id, collection || undefined)}>{d.id}</a>{d.title && d.title !== d.id && <><br /><span class="faint">{d.title}</span></>}</td>
                <td class="num nowrap">{bytes(d.bytes)}</td><td class="num">{count(d.chunks)}</td>
                <td class="wide"><Labels of={d.labels} /></td><td class="wide muted">{d.tenant || 'everybody’s'}</td>
                <td class="nowrap muted">{d.indexed_at ? <Time iso={d.indexed_at} mode="ago" /> : <span title="This store does not keep when a document was indexed">–</span>}</td>
              </tr>
            ))}</tbody>
          </table></div>
          {(list.data!.next || cursor) && <div class="more">{cursor && <button type="button" class="btn" onClick={() => patch({ cursor: undefined })}>To the first</button>}{list.data!.next && <button type="button" class="btn" onClick={() => patch({ cursor: list.data!.next })}>{docs.length ? 'Next page' : 'Look further'}</button>}</div>}
        </>
      )}
    </Card>
  )
}

const Labels = ({ of }: { of: Record<string, string> }) => <span class="row wrap">{Object.entries(of).map(([k, v]) => <span class="tag" key={k}>{k}<b>{v}</b></span>)}</span>

function Chunks({ p, document, collection, chunk }: { p: Detail; document: string; collection: string; chunk: string }) {
  const list = useGet<{ chunks: Held[] }>(query(api(p.name, '/chunks'), { document, collection }))
  const chunks = list.data?.chunks
  useEffect(() => { if (chunks && chunk) globalThis.document.getElementById('chunk-' + chunk)?.scrollIntoView({ block: 'center' }) }, [chunks, chunk])
  const back = query(room(p.name, '/documents'), { collection })
  const first = chunks?.[0], shared = overlaps(chunks ?? [])
  if (list.error) return <Problem error={list.error} retry={list.reload} />
  if (!chunks) return <Card label="Chunks"><SkeletonRows n={8} /></Card>
  return (
    <Card title={<span class="any">{document}</span>} label="Chunks of the document" sub={first && `${plural(chunks.length, 'chunk')}, ${count(chunks.reduce((n, c) => n + c.tokens, 0))} tokens`} actions={<a class="btn small" href={back}><Icon name="left" size={13} />All documents</a>}>
      {!first ? <Empty icon="datasets" title="This collection has no such document"><p>It may have been removed, or have another id. <a href={back}>All documents</a></p></Empty> : (
        <>
          <div class="card-body row wrap">{first.title && <b class="any">{first.title}</b>}<span class="muted">{first.tenant ? `documents of the project ${first.tenant}` : 'everybody’s'}</span><Labels of={first.labels} /></div>
          <ol class="rag-held" data-chunks>{chunks.map((c, i) => <HeldChunk key={c.id} c={c} shared={shared[i]!} here={c.id === chunk} />)}</ol>
          {shared.some((n) => n > 0) && <p class="card-body faint"><span class="rag-over">Shaded</span>: what the chunk before it ends with, too.</p>}
        </>
      )}
    </Card>
  )
}

function HeldChunk({ c, shared, here }: { c: Held; shared: number; here: boolean }) {
  const split = shared ? cut(c.text, 0, shared) : null
  return (
    <li id={'chunk-' + c.id} aria-current={here ? 'true' : undefined}>
      <p class="rag-where"><b>{c.ordinal + 1}</b> <span class="any">{c.headings.join(' › ')}</span> <span class="faint nowrap">{count(c.tokens)} tokens · bytes {count(c.start)}–{count(c.end)}{c.parent_end - c.parent_start > c.end - c.start && ` · in ${count(c.parent_start)}–${count(c.parent_end)}`}{shared > 0 && ` · ${plural(shared, 'byte')} shared`}</span><Copy text={c.id} label="the chunk's id" /></p>
      <p class="rag-text">{split ? <><span class="rag-over">{split[1]}</span>{split[2]}</> : c.text}</p>
    </li>
  )
}
