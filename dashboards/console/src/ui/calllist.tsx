/** The list of calls: a table with headings by day, of which only the rows in sight are drawn. */

import { useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Ref } from 'preact'
import type { Call } from '../lib/api'
import { daysOf } from '../lib/calls'
import { column, tracks, type Density, type Sort } from '../lib/columns'
import { useMedia } from '../lib/media'
import { patch } from '../lib/router'
import { DAY, shortDate } from '../lib/time'
import { heightOf, inView, lineOf, rowAt, topOf, type Lines } from '../lib/virtual'
import { cell, type Look } from './callcells'
import { Icon } from './icons'
import { Skeleton } from './parts'

const HEAD = 28, TABLE = 34, TOPBAR = 48
const heights: Record<Density, number> = { compact: 34, comfortable: 52 }
const NARROW = 62

/** ListHandle brings a call into sight. */
export interface ListHandle { show: (i: number) => void }

interface Props {
  calls: Call[]; shown: readonly string[]; sort: Sort; up: boolean; density: Density; selected: string; fresh: ReadonlySet<string>; sliding: boolean; loading: boolean
  whole: boolean // there are no further calls
  onEnd: () => void // the end is near
  onTop: (top: boolean) => void // whether the first row is in sight
  handle: Ref<ListHandle>
}

function dayName(iso: string): string {
  const d = new Date(iso), today = new Date().toDateString()
  if (d.toDateString() === today) return 'Today'
  if (d.toDateString() === new Date(Date.now() - DAY).toDateString()) return 'Yesterday'
  return d.toLocaleDateString('en-US', { weekday: 'long' }) + ', ' + shortDate(iso)
}

export function CallTable({ calls, shown, sort, up, density, selected, fresh, sliding, loading, whole, onEnd, onTop, handle }: Props) {
  const narrow = useMedia('(max-width: 820px)')
  const body = useRef<HTMLDivElement>(null), head = useRef<HTMLDivElement>(null)
  const [[first, last], setView] = useState<[number, number]>([0, 40])
  const [stuck, setStuck] = useState(-1)
  const [focused, setFocused] = useState('')
  const row = narrow ? NARROW : heights[density]
  const breaks = useMemo(() => (sort === 'time' ? daysOf(calls) : []), [calls, sort])
  const lines = useMemo<Lines>(() => ({ count: calls.length, row, head: HEAD, breaks }), [calls.length, row, breaks])
  const { grid, least } = useMemo(() => tracks(shown, sort !== 'time'), [shown.join(), sort === 'time'])
  const above = narrow ? TOPBAR : TABLE // what covers the rows at the top of the window

  useLayoutEffect(() => {
    const look = () => {
      const top = body.current!.getBoundingClientRect().top
      const [a, b] = inView(lines, above - top, innerHeight - top)
      setView((v) => (v[0] === a && v[1] === b ? v : [a, b]))
      setStuck(!narrow && breaks.length && top < above ? rowAt(lines, above - top) : -1)
      onTop(top >= above - row)
      if (!whole && b >= lines.count - 4) onEnd()
    }
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    const watch = new ResizeObserver(look) // what stands above the list may grow
    watch.observe(document.body)
    return () => { removeEventListener('scroll', look); removeEventListener('resize', look); watch.disconnect() }
  }, [lines, above, whole, loading])

  useImperativeHandle(handle, () => ({
    show: (i) => {
      const top = body.current!.getBoundingClientRect().top + scrollY + topOf(lines, i)
      if (top < scrollY + above + HEAD) scrollTo(0, Math.max(0, i === 0 ? top - above - HEAD - 200 : top - above - HEAD))
      else if (top + row > scrollY + innerHeight) scrollTo(0, top + row - innerHeight)
    },
  }), [lines, above])

  useEffect(() => { if (head.current && body.current) head.current.scrollLeft = body.current.scrollLeft }, [shown.join()])

  const look: Look = { preview: !narrow && density === 'comfortable' && !shown.includes('question'), cached: !shown.includes('cache'), dated: sort !== 'time' }
  const places: number[] = []
  for (let i = first; i < Math.min(last, calls.length); i++) places.push(i)
  // Who holds the focus stays, however far one scrolls.
  const held = focused ? calls.findIndex((c) => c.id === focused) : -1
  if (held >= 0 && held < first) places.unshift(held)
  else if (held >= last) places.push(held)
  const headings = breaks.filter((i) => i >= first && i < last)
  const cells = (ids: readonly string[], c: Call) => ids.map((id) => <span key={id} role="cell" class={'c-' + id + (column(id)!.num ? ' num' : '')}>{cell(id, c, look)}</span>)
  // Beside its model a narrow row has room for who, status, cost, time and latency.
  const ids = narrow ? ['model', 'status', 'cost', 'who', 'time', 'latency'] : shown

  return (
    <div class={'card list ' + density + (sliding ? ' sliding' : '')} role="table" aria-label="Calls" aria-rowcount={whole ? calls.length + breaks.length + 1 : -1} aria-busy={loading && !calls.length} style={{ '--cols': grid, '--least': least + 'px', '--row': row + 'px' }}>
      <div class="lhead" role="rowgroup">
        <div class="lheads" ref={head}><div class="lrow" role="row" aria-rowindex={1}>{shown.map((id) => <Heading key={id} id={id} sort={sort} up={up} />)}</div></div>
        {stuck > 0 && stuck < calls.length && <div class="lday stuck" aria-hidden="true">{dayName(calls[stuck]!.start_time)}</div>}
      </div>
      <div class="lbody" role="rowgroup" ref={body} style={{ height: calls.length ? heightOf(lines) + 'px' : undefined }}
        onScroll={(e) => { if (head.current) head.current.scrollLeft = e.currentTarget.scrollLeft }}
        onFocusIn={(e) => setFocused((e.target as HTMLElement).closest<HTMLElement>('.lrow')?.id.slice(5) ?? '')} onFocusOut={() => setFocused('')}>
        {loading && !calls.length && Array.from({ length: 16 }, (_, i) => <div class="lrow wait" key={i} role="row"><span role="cell"><Skeleton w={90 - ((i * 13) % 40) + '%'} /></span></div>)}
        {headings.map((i) => (
          <div class="lday" role="row" key={'day ' + calls[i]!.start_time.slice(0, 10)} aria-rowindex={lineOf(lines, i) + 1} style={{ transform: `translateY(${topOf(lines, i) - HEAD}px)` }}><span role="cell">{dayName(calls[i]!.start_time)}</span></div>
        ))}
        {places.map((i) => {
          const c = calls[i]!
          return (
            <div class={'lrow' + (c.id === selected ? ' here' : '') + (fresh.has(c.id) ? ' new' : '')} role="row" key={c.id} id={'call-' + c.id} aria-rowindex={lineOf(lines, i) + 2} aria-current={c.id === selected ? 'true' : undefined} style={{ transform: `translateY(${topOf(lines, i)}px)` }}>
              {cells(ids, c)}
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** Heading orders the list by its column, the largest first, and when it does already, the other way around. */
function Heading({ id, sort, up }: { id: string; sort: Sort; up: boolean }) {
  const c = column(id)!
  const here = c.sort === sort, toUp = here && !up
  const [most, least] = c.sort === 'time' ? ['newest', 'oldest'] : ['largest', 'smallest']
  return (
    <span role="columnheader" class={'c-' + id + (c.num ? ' num' : '')} title={c.about} aria-sort={c.sort ? (here ? (up ? 'ascending' : 'descending') : 'none') : undefined}>
      {c.sort ? (
        <button type="button" class={'sort' + (here ? ' on' : '')} title={`The ${toUp ? least : most} first`} onClick={() => patch({ sort: c.sort === 'time' ? undefined : c.sort, order: toUp ? 'asc' : undefined })}>
          {c.name}<Icon name={here && up ? 'up' : 'down'} size={11} />
        </button>
      ) : c.name}
    </span>
  )
}
