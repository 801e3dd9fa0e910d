/** Every stage of a question side by side, a chunk's way through them, and the same as a table. */

import { useMemo, useRef, useState } from 'preact/hooks'
import { count } from '../lib/format'
import { about, columns, documentRoom, GAP, layout, named, ROW, score, way, type Chunk, type Column, type Step } from '../lib/rag'
import { Icon } from './icons'
import { Card, Segmented } from './parts'

const LANE = 24

export function Stages({ title, chunks, pipeline, collection }: { title: string; chunks: Chunk[]; pipeline: string; collection: string }) {
  const [view, setView] = useState<'columns' | 'table'>('columns')
  const [more, setMore] = useState(false)
  const [at, setAt] = useState('')
  const cols = useMemo(() => columns(chunks), [chunks])
  const ran = cols.map((c) => c.step)
  const shown = chunks.find((c) => c.id === at) ?? chunks.find((c) => c.cited) ?? chunks[0]
  if (!chunks.length) return <Card title={title}><p class="card-body muted">The search found no chunk. Look whether the documents are indexed, and whether labels or the tenant leave any of them.</p></Card>
  return (
    <Card title={title} sub={`${count(chunks.length)} chunks`} actions={<>
      <button type="button" class="btn small" aria-pressed={more} onClick={() => setMore(!more)}>{more ? 'Fewer rows' : 'More rows'}</button>
      <Segmented small class="icons" label="View" value={view} onChange={setView} options={[['columns', <Icon name="diff" size={14} />, 'Side by side'], ['table', <Icon name="table" size={14} />, 'Table']]} />
    </>}>
      {view === 'columns' ? <Columns cols={cols} first={more ? 60 : 8} at={shown?.id ?? ''} onAt={setAt} ran={ran} /> : <Table chunks={chunks} cols={cols} ran={ran} most={more ? chunks.length : 25} pipeline={pipeline} collection={collection} />}
      {shown && <Shown chunk={shown} ran={ran} pipeline={pipeline} collection={collection} />}
    </Card>
  )
}

/** Columns is one stop of the keyboard: the arrows move within it. */
function Columns({ cols, first, at, onAt, ran }: { cols: Column[]; first: number; at: string; onAt: (id: string) => void; ran: Step[] }) {
  const box = useRef<HTMLDivElement>(null)
  const laid = cols.map((c) => layout(c.chunks, first, (x) => x.packed || x.cited || x.id === at))
  const height = Math.max(...laid.map((l) => l.height))
  const here = laid.findIndex((l) => l.y.has(at))
  const move = (e: KeyboardEvent) => {
    const b = (e.target as HTMLElement).closest<HTMLElement>('[data-chunk]')
    if (!b || !e.key.startsWith('Arrow')) return
    e.preventDefault()
    e.stopPropagation()
    const col = Number(b.dataset.col), id = b.dataset.chunk!
    const find = (c: number, want?: string) => [...box.current!.querySelectorAll<HTMLElement>(`[data-col="${c}"]`)].find((x) => want === undefined || x.dataset.chunk === want)
    let next: HTMLElement | undefined
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      const all = [...box.current!.querySelectorAll<HTMLElement>(`[data-col="${col}"]`)]
      next = all[all.indexOf(b) + (e.key === 'ArrowDown' ? 1 : -1)]
    } else {
      const step = e.key === 'ArrowRight' ? 1 : -1
      for (let c = col + step; c >= 0 && c < cols.length && !next; c += step) next = find(c, id)
      next ??= find(col + step)
    }
    next?.focus()
  }
  return (
    <>
      <p class="sr" id="rag-keys">The arrow keys move between ranks and between stages.</p>
      <div class="scroll rag-cols" ref={box} onKeyDown={move} role="group" aria-label="Stages side by side" aria-describedby="rag-keys" data-stages={ran.join(' ')}>
        {cols.map((c, i) => [
          i > 0 && <Lane key={c.step + '-lane'} laid={laid} cols={cols} i={i} height={height} at={at} />,
          <section class="rag-col" key={c.step} aria-label={named[c.step]}>
            <h3>{named[c.step]} <span class="faint">{count(c.chunks.length)}</span></h3>
            <p class="faint cut">{about[c.step]}</p>
            <ol style={{ height: height + 'px' }}>
              {laid[i]!.rows.map((r) => 'hidden' in r ? <li key={'gap' + r.y} class="rag-gap" style={{ height: GAP + 'px' }}>{count(r.hidden)} more</li> : (
                <li key={r.chunk.id} style={{ height: ROW + 'px' }}>
                  <button type="button" class={'rag-chunk' + (r.chunk.id === at ? ' on' : '') + (r.chunk.cited ? ' cited' : r.chunk.packed ? ' packed' : '')} data-chunk={r.chunk.id} data-col={i} aria-pressed={r.chunk.id === at} tabIndex={r.chunk.id === at && i === here ? 0 : -1}
                    onMouseEnter={() => onAt(r.chunk.id)} onFocus={() => onAt(r.chunk.id)} onClick={() => onAt(r.chunk.id)}>
                    <span class="rag-rank">{r.chunk.places[c.step]!.rank}</span>
                    <span class="rag-two-lines"><span class="cut rag-name">{heading(r.chunk)}</span><span class="rag-under faint"><span class="cut">{r.chunk.document}</span> <span class="num">{score(c.step, r.chunk.places[c.step])}</span></span></span>
                    <span class="sr">{way(r.chunk, ran)}</span>
                  </button>
                </li>
              ))}
            </ol>
          </section>,
        ])}
      </div>
    </>
  )
}

/** heading is what a chunk is known by: the nearest heading above it, else its document's title. */
const heading = (c: Chunk): string => [...c.headings].reverse().find((h) => /\p{L}/u.test(h)) || c.title || c.document

type Laid = ReturnType<typeof layout>

/** Lane draws the lines from one column to the next; a chunk whose way ends there has a stub with a bar. A line runs behind the column of words where only the one by meaning has the chunk. */
function Lane({ laid, cols, i, height, at }: { laid: Laid[]; cols: Column[]; i: number; height: number; at: string }) {
  const before = laid[i - 2], from = laid[i - 1]!, to = laid[i]!, laidFuse = laid[i + 1]
  const both = cols[i - 1]!.step === 'dense' && cols[i]!.step === 'sparse'
  const lines: { id: string; d: string; end?: string; past?: boolean }[] = []
  if (i > 1 && cols[i - 1]!.step === 'sparse') { // what only the list by meaning has goes past the list by words
    for (const c of cols[i - 2]!.chunks) {
      const y = before?.y.get(c.id), z = to.y.get(c.id)
      if (!c.places.sparse && y !== undefined && z !== undefined) lines.push({ id: c.id, d: `M0 ${y}C${LANE / 2} ${y} ${LANE / 2} ${z} ${LANE} ${z}`, past: true })
    }
  }
  for (const c of cols[i - 1]!.chunks) {
    const y = from.y.get(c.id), z = to.y.get(c.id)
    if (y === undefined) continue
    if (z !== undefined) lines.push({ id: c.id, d: `M0 ${y}C${LANE / 2} ${y} ${LANE / 2} ${z} ${LANE} ${z}` })
    else if (both && !c.places.sparse && laidFuse?.y.has(c.id)) lines.push({ id: c.id, d: `M0 ${y}H${LANE}`, past: true })
    else if (!both && c.dropped_at === cols[i]!.step) lines.push({ id: c.id, d: `M0 ${y}H8`, end: `M8 ${y - 5}V${y + 5}` })
  }
  const packed = new Set(cols.flatMap((c) => c.chunks).filter((c) => c.packed).map((c) => c.id))
  const kind = (id: string) => (id === at ? 'on' : packed.has(id) ? 'packed' : '')
  return (
    <svg class="rag-lane" width={LANE} height={height} viewBox={`0 0 ${LANE} ${height}`} aria-hidden="true">
      {[...lines].sort((a, b) => Number(a.id === at) - Number(b.id === at)).map((l) => <g key={l.id} class={kind(l.id) + (l.past ? ' past' : '')}><path d={l.d} />{l.end && <path d={l.end} />}</g>)}
    </svg>
  )
}

function Shown({ chunk, ran, pipeline, collection }: { chunk: Chunk; ran: Step[]; pipeline: string; collection: string }) {
  return (
    <div class="rag-shown" data-shown={chunk.id}>
      <p><b class="any">{chunk.headings.length ? chunk.headings.join(' › ') : chunk.title || chunk.document}</b> <a class="any" href={documentRoom(pipeline, chunk.document, collection, chunk.id)}>{chunk.document}</a></p>
      <p class="rag-way">{way(chunk, ran)}</p>
      {chunk.text ? <p class="rag-text">{chunk.text}</p> : <p class="faint">Its text is not in the collection any more.</p>}
    </div>
  )
}

function Table({ chunks, cols, ran, most, pipeline, collection }: { chunks: Chunk[]; cols: Column[]; ran: Step[]; most: number; pipeline: string; collection: string }) {
  return (
    <div class="scroll table-tall" tabIndex={0} role="region" aria-label="The way of each chunk, table"><table class="table dense" data-way>
      <thead><tr><th scope="col">Chunk</th>{cols.map((c) => <th scope="col" class="num" key={c.step}>{named[c.step]}</th>)}<th scope="col">Its way</th></tr></thead>
      <tbody>{chunks.slice(0, most).map((c) => (
        <tr key={c.id}>
          <td class="rag-cell"><a href={documentRoom(pipeline, c.document, collection, c.id)}>{heading(c)}</a><br /><span class="faint">{c.document}</span></td>
          {cols.map((col) => { const p = c.places[col.step]; return <td class="num nowrap" key={col.step}>{p ? <>{p.rank}{score(col.step, p) && <span class="faint"> · {score(col.step, p)}</span>}</> : <span class="faint">–</span>}</td> })}
          <td class="rag-cell">{way(c, ran)}</td>
        </tr>
      ))}</tbody>
      {chunks.length > most && <tfoot><tr><td colSpan={cols.length + 2} class="muted">{count(chunks.length - most)} more: press "More rows"</td></tr></tfoot>}
    </table></div>
  )
}
