/** Calls: the dense list, newest first or the largest of a figure first, with counts beside it. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { narrower, useCalls } from '../lib/calls'
import { isUsual, known, readColumns, readDensity, readSort, readUp, sorts, usual, type Density, type Sort } from '../lib/columns'
import { filterOf, picked } from '../lib/filters'
import { count, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { useMedia } from '../lib/media'
import { isNames, isTruth, usePref } from '../lib/prefs'
import { go, patch, useLocation } from '../lib/router'
import { useTail, type Tail } from '../lib/tail'
import { clock, resolve, shortDate } from '../lib/time'
import { CallTable, type ListHandle } from '../ui/calllist'
import { ColumnChooser } from '../ui/columnchooser'
import { ExportMenu } from '../ui/exportmenu'
import { FacetDrawer, FacetPanel } from '../ui/facets'
import { Filters } from '../ui/filters'
import { FirstCall } from '../ui/first'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'
import { ViewsMenu } from '../ui/viewsmenu'

/** The orders by name, largest first and smallest first. */
const orders: Record<Sort, [string, string]> = { time: ['Newest', 'Oldest'], cost: ['Most expensive', 'Cheapest'], duration: ['Slowest', 'Fastest'], ttft: ['Slow to begin', 'Quick to begin'], tokens: ['Most tokens', 'Fewest tokens'] }

export function CallsPage() {
  const { params, search } = useLocation()
  const hour = Math.floor(Date.now() / 3_600_000)
  const range = useMemo(() => resolve(params, '7d'), [params.toString(), hour])
  const filters = filterOf(params)
  const span = { since: range.since, until: range.until }
  const sort = readSort(params.get('sort')), up = readUp(params.get('order'))
  const list = useCalls({ ...filters, since: range.since, ...(range.until ? { until: range.until } : {}), ...(sort === 'time' ? {} : { sort }), ...(up ? { order: 'asc' } : {}) }, search)
  const { calls, selected } = list

  // How the list is shown: as its address says, else as one likes it.
  const [ownColumns, setOwnColumns] = usePref<readonly string[]>('calls.columns', usual, (v) => { const ids = isNames(v); return ids && known(ids) })
  const [ownDensity, setOwnDensity] = usePref<Density>('calls.density', 'compact', readDensity)
  const said = params.get('columns'), dense = readDensity(params.get('density'))
  const shown = readColumns(said) ?? ownColumns, density = dense ?? ownDensity
  const setColumns = (ids: string[] | undefined) => (said ? patch({ columns: ids?.join() }, true) : setOwnColumns(ids && isUsual(ids) ? undefined : ids))
  const setDensity = (d: Density) => (dense ? patch({ density: d }, true) : setOwnDensity(d === 'compact' ? undefined : d))
  const look = { ...(isUsual(shown) ? {} : { columns: shown.join() }), ...(density === 'compact' ? {} : { density }) }

  // New calls as they come.
  const [live, setLive] = useState(false)
  const why = sort !== 'time' || up ? 'New calls come on top of a list that has the newest first' : range.until ? 'The range ends in the past' : filters.q ? 'New calls are not searched for words' : ''
  const on = live && !why
  const { q: _, ...comes } = filters
  const tail = useTail(comes, on)
  const [top, setTop] = useState(true)
  useEffect(() => { if (tail.state === 'live') list.catchUp() }, [tail.state])
  const present = useRef({ tail, top, list })
  present.current = { tail, top, list }
  const due = useRef(0)
  const take = () => { const p = present.current; if (p.tail.calls.length) { p.list.put(p.tail.calls); p.tail.clear() } }
  useEffect(() => {
    if (!tail.calls.length || !top || list.loading || due.current) return
    due.current = window.setTimeout(() => { due.current = 0; if (present.current.top) take() }, 250)
  }, [tail.calls, top, list.loading])
  useEffect(() => () => clearTimeout(due.current), [])

  // Counts.
  const wide = useMedia('(min-width: 1101px)')
  const [panel, setPanel] = usePref('calls.panel', true, isTruth)
  const [drawer, setDrawer] = useState(false)
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (!on) return
    const timer = setInterval(() => { if (!document.hidden) setRound((n) => n + 1) }, 30_000)
    return () => clearInterval(timer)
  }, [on])
  const again = () => { list.reload(); setRound((n) => n + 1) }
  const facets = { params, filters, span, round }
  const narrowed = picked(filters).length

  const table = useRef<ListHandle>(null)
  const move = (by: number) => {
    if (!calls.length) return
    const i = calls.findIndex((c) => c.id === selected)
    const to = i < 0 ? 0 : Math.max(0, Math.min(calls.length - 1, i + by))
    list.select(calls[to]!.id)
    table.current?.show(to)
  }
  const toggleFilters = () => (wide ? setPanel(!panel) : setDrawer(true))
  useShortcuts({
    j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
    Enter: () => { if (selected) go('/calls/' + encodeURIComponent(selected)) },
    Escape: () => list.select(''), '/': () => document.getElementById('search')?.focus(), r: again, l: () => { if (!why) setLive(!live) }, f: toggleFilters,
  })

  const filtered = Object.keys(filters).length > 0 || params.has('range') || params.has('since')
  const within = narrower(list.error)
  const longer = (() => { const p = new URLSearchParams(search); p.delete('since'); p.delete('until'); p.set('range', '90d'); return p.toString() })()
  return (
    <Page title="Calls" class="calls" actions={
      <div class="calls-bar no-print">
        <ViewsMenu room="calls" search={search} look={look} />
        <button type="button" class="btn live" aria-pressed={on} data-tail={tail.state} disabled={!!why} title={why || 'New calls as they come (l)'} onClick={() => setLive(!live)}><span class="dot" />{tail.state === 'connecting' ? 'Connecting' : tail.state === 'broken' ? 'Reconnecting' : 'Live'}</button>
        <button type="button" class="btn icon" aria-label="Read again" title="Read again (r)" onClick={again}><Icon name="refresh" size={15} /></button>
        <RangePicker range={range} />
        <ColumnChooser shown={shown} onChange={setColumns} density={density} onDensity={setDensity} />
        <ExportMenu filters={filters} span={span} label={range.label} />
      </div>
    }>
      <Filters params={params} span={span} before={
        <button type="button" class="btn" aria-expanded={wide ? panel : drawer} title="Filters with counts (f)" onClick={toggleFilters}><Icon name="filter" size={14} />Filters{narrowed > 0 && <><span class="badge count">{narrowed}</span><span class="sr"> set</span></>}</button>
      }>
        <select class="field narrow-only" aria-label="Order" value={sort + (up ? ' asc' : '')} onChange={(e) => { const [s, way] = e.currentTarget.value.split(' '); patch({ sort: s === 'time' ? undefined : s, order: way }) }}>{sorts.flatMap((s) => [<option key={s} value={s}>{orders[s][0]}</option>, <option key={s + ' asc'} value={s + ' asc'}>{orders[s][1]}</option>])}</select>
      </Filters>
      <div class={'with-facets' + (wide && panel ? '' : ' closed')}>
        {wide && panel && <FacetPanel {...facets} />}
        <div class="stack">
          {list.error && <Problem error={list.error} retry={list.reload} />}
          {within && <div class="said-once"><button type="button" class="btn primary" data-within={within} onClick={() => patch({ since: within, range: undefined })}><Icon name="search" size={14} />Search since {shortDate(within)}, {clock(within).slice(0, 5)}</button><span class="muted">or narrow it by a project or a user</span></div>}
          <TailWords tail={tail} again={() => { tail.clear(); list.reload() }} retry={() => { setLive(false); setTimeout(() => setLive(true)) }} />
          {!list.loading && !calls.length && !list.error ? (
            <Card>{filtered ? (
              <Empty icon="search" title="No call matches">
                <p>No call in the {range.label} matches these filters. Widen the range, or take a filter away.</p>
                <div class="row wrap">{narrowed > 0 && <button type="button" class="btn" onClick={() => patch(Object.fromEntries(Object.keys(filters).map((k) => [k, undefined])))}>Without filters</button>}<a class="btn" href={'/calls?' + longer}>The same in 90 days</a></div>
              </Empty>
            ) : <FirstCall />}</Card>
          ) : (!list.error || calls.length > 0) && (
            <CallTable calls={calls} shown={shown} sort={sort} up={up} density={density} selected={selected} fresh={list.fresh} sliding={on} loading={list.loading} whole={!list.next && !list.cut} onEnd={() => { if (!list.error) list.more() }} onTop={setTop} handle={table} />
          )}
          {calls.length > 0 && (
            <div class="more" data-loaded={calls.length}>
              {list.next ? <><span>{count(calls.length)} read</span><button type="button" class="btn" disabled={list.loading} onClick={list.more}>{list.loading ? 'Reading…' : 'Load more'}</button></>
                : list.cut ? <><span>The newest {count(calls.length)}: older ones made room.</span><button type="button" class="btn" onClick={again}>Read again</button></>
                : <span>{plural(calls.length, 'call')}, the {range.label} in full.</span>}
            </div>
          )}
        </div>
      </div>
      {on && !top && tail.calls.length > 0 && <button type="button" class="btn primary newcalls" onClick={() => { take(); scrollTo(0, 0) }}><Icon name="up" size={13} />{tail.calls.length >= 500 ? '500 or more new calls' : plural(tail.calls.length, 'new call')}</button>}
      <div class="sr" role="status">{on && !top && tail.calls.length > 0 && `${plural(tail.calls.length, 'new call')} above`}</div>
      {drawer && !wide && <FacetDrawer {...facets} onClose={() => setDrawer(false)} />}
    </Page>
  )
}

/** TailWords says what is to be known of the tail. */
function TailWords({ tail, again, retry }: { tail: Tail; again: () => void; retry: () => void }) {
  const reason = tail.reason ?? ''
  if (tail.state === 'ended' && reason !== 'signed_out') {
    return <div class="notice" role="status"><Icon name="warn" /><div class="grow"><b>No new calls are shown any more.</b> {reason === 'too_many' ? 'As many consoles follow the calls as weir serves. Close one, or read again by hand.' : reason}</div><button type="button" class="btn small" onClick={retry}>Follow again</button></div>
  }
  if (tail.state === 'broken') return <div class="notice plain" role="status"><Icon name="clock" /><div>{reason === 'stopping' ? 'weir is being stopped or restarted.' : reason || 'The connection broke.'} It is tried again by itself.</div></div>
  if (tail.skipped > 0) return <div class="notice plain" role="status"><Icon name="bolt" /><div class="grow">{plural(tail.skipped, 'call')} came faster than this page could take them.</div><button type="button" class="btn small" onClick={again}>Read again</button></div>
  return null
}
