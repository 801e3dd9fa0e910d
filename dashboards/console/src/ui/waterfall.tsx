/** The spans of a trace as a tree with bars over time: a table that one walks through by keys, of which only what is in sight is drawn. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ms, short } from '../lib/format'
import { usd } from '../lib/money'
import { failed, flatten, kindName, spanName, type Node } from '../lib/traces'
import { inView } from '../lib/virtual'
import { Icon } from './icons'
import { Segmented } from './parts'

const ROW = 30

type View = 'waterfall' | 'table'
type Zoom = [number, number]

const clamp = (v: number, lo: number, hi: number): number => Math.min(hi, Math.max(lo, v))

/** steps gives round times for the ruler. */
function steps(from: number, to: number, most: number): number[] {
  const rough = (to - from) / most
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((f) => f * unit).find((s) => s >= rough) ?? rough
  const out: number[] = []
  for (let t = Math.ceil(from / step) * step; t <= to + step / 1000; t += step) out.push(t)
  return out
}

export function Waterfall({ roots, whole, selected, onSelect }: { roots: Node[]; whole: number; selected: string; onSelect: (n: Node) => void }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [view, setView] = useState<View>('waterfall')
  const [sort, setSort] = useState<'time' | 'duration' | 'tokens' | 'cost'>('time')
  const [zoom, setZoom] = useState<Zoom>([0, whole])
  const [active, setActive] = useState('')
  const [scroll, setScroll] = useState(0)
  const [height, setHeight] = useState(480)
  const box = useRef<HTMLDivElement>(null)

  const all = useMemo(() => flatten(roots, new Set()), [roots])
  const rows = useMemo(() => {
    if (view === 'waterfall') return flatten(roots, closed)
    const by = (n: Node): number => (sort === 'duration' ? n.span.duration_ms : sort === 'tokens' ? n.span.input_tokens + n.span.output_tokens : Number(n.span.cost_usd ?? -1))
    return sort === 'time' ? [...all].sort((a, b) => a.span.offset_ms - b.span.offset_ms) : [...all].sort((a, b) => by(b) - by(a))
  }, [roots, all, closed, view, sort])
  const at = Math.max(0, rows.findIndex((n) => n.key === (active || selected)))
  const here = rows[at]

  useEffect(() => setZoom([0, whole]), [whole])
  useLayoutEffect(() => {
    const el = box.current!
    const measure = () => setHeight(el.clientHeight)
    measure()
    const watch = new ResizeObserver(measure)
    watch.observe(el)
    return () => watch.disconnect()
  }, [])

  const show = (i: number) => {
    const el = box.current!
    const top = i * ROW, head = ROW
    if (top < el.scrollTop) el.scrollTop = top
    else if (top + ROW + head > el.scrollTop + el.clientHeight) el.scrollTop = top + ROW + head - el.clientHeight
  }
  const move = (i: number) => {
    const n = rows[clamp(i, 0, rows.length - 1)]
    if (!n) return
    setActive(n.key)
    show(rows.indexOf(n))
  }
  const toggle = (n: Node, open: boolean) => {
    const next = new Set(closed)
    open ? next.delete(n.key) : next.add(n.key)
    setClosed(next)
  }
  const around = (f: number) => {
    const length = clamp((zoom[1] - zoom[0]) * f, whole / 2000, whole)
    const middle = here && f < 1 ? here.span.offset_ms + here.span.duration_ms / 2 : (zoom[0] + zoom[1]) / 2
    const from = clamp(middle - length / 2, 0, whole - length)
    setZoom([from, from + length])
  }
  const key = (e: KeyboardEvent) => {
    if (!here || e.ctrlKey || e.metaKey || e.altKey) return
    const page = Math.max(1, Math.floor(height / ROW) - 2)
    const acts: Record<string, () => void> = {
      ArrowDown: () => move(at + 1), ArrowUp: () => move(at - 1), Home: () => move(0), End: () => move(rows.length - 1), PageDown: () => move(at + page), PageUp: () => move(at - page),
      ArrowRight: () => { if (view !== 'waterfall' || !here.children.length) return; closed.has(here.key) ? toggle(here, true) : move(at + 1) },
      ArrowLeft: () => { if (view !== 'waterfall') return; here.children.length && !closed.has(here.key) ? toggle(here, false) : here.parent && move(rows.indexOf(here.parent)) },
      '*': () => setClosed(new Set()), Enter: () => onSelect(here), ' ': () => onSelect(here),
      '+': () => around(0.5), '-': () => around(2), 0: () => setZoom([0, whole]),
    }
    const act = acts[e.key]
    if (!act) return
    e.preventDefault()
    e.stopPropagation()
    act()
  }

  const [first, last] = inView({ count: rows.length, row: ROW, head: 0, breaks: [] }, scroll, scroll + height)
  const seen = rows.slice(first, last)
  const length = Math.max(zoom[1] - zoom[0], 1e-6)
  const place = (v: number) => clamp(((v - zoom[0]) / length) * 100, 0, 100)
  const narrow = zoom[0] > 0 || zoom[1] < whole
  const ticks = steps(zoom[0], zoom[1], 5)

  const drag = (e: PointerEvent) => {
    const el = e.currentTarget as HTMLElement
    const r = el.getBoundingClientRect()
    const time = (x: number) => zoom[0] + clamp((x - r.left) / r.width, 0, 1) * length
    const from = time(e.clientX)
    el.setPointerCapture(e.pointerId)
    el.onpointerup = (u) => {
      el.onpointerup = null
      const [a, b] = [from, time(u.clientX)].sort((p, q) => p - q) as Zoom
      if (b - a > length / 50) setZoom([a, b])
    }
  }

  return (
    <div class="wf" data-spans={all.length}>
      <div class="row wrap wf-bar no-print">
        <Segmented small label="View of the spans" value={view} onChange={setView} options={[['waterfall', 'Waterfall'], ['table', 'Table']]} />
        {view === 'table' ? <Segmented small label="Order" value={sort} onChange={setSort} options={[['time', 'Time'], ['duration', 'Duration'], ['tokens', 'Tokens'], ['cost', 'Cost']]} /> : <>
          <button type="button" class="btn small icon" aria-label="Zoom in" title="Zoom in (+)" onClick={() => around(0.5)}><Icon name="plus" size={14} /></button>
          <button type="button" class="btn small icon" aria-label="Zoom out" title="Zoom out (-)" disabled={!narrow} onClick={() => around(2)}><span aria-hidden="true">−</span></button>
          <button type="button" class="btn small" disabled={!narrow} title="The whole trace (0)" onClick={() => setZoom([0, whole])}>Fit</button>
          <button type="button" class="btn small" onClick={() => setClosed(closed.size ? new Set() : new Set(all.filter((n) => n.children.length).map((n) => n.key)))}>{closed.size ? 'Unfold all' : 'Fold all'}</button>
        </>}
        <span class="grow" />
        <span class="key" style={{ margin: 0 }}><span><span class="swatch gen" />time</span><span><span class="swatch wait" />to the first token</span><span><span class="swatch failed" />failed</span><span><span class="swatch crit" />critical path</span></span>
      </div>
      <div class="wf-box" ref={box} role={view === 'waterfall' ? 'treegrid' : 'grid'} aria-label="Spans of the trace" aria-rowcount={rows.length + 1} aria-activedescendant={here ? 'span-' + here.key : undefined} aria-readonly="true" tabIndex={0}
        onScroll={(e) => setScroll(e.currentTarget.scrollTop)} onKeyDown={key} onFocus={() => { if (!active && here) setActive(here.key) }}>
        <div role="rowgroup" class="wf-headgroup"><div class={'wf-row wf-head ' + view} role="row" aria-rowindex={1}>
          <span role="columnheader">Span</span>
          {view === 'waterfall' ? <span role="columnheader" class="wf-ruler" aria-label="Time" onPointerDown={drag} title="Drag to zoom">{ticks.map((t) => <i key={t} style={{ left: place(t) + '%' }}>{ms(t)}</i>)}</span> : <><span role="columnheader">Status</span><span role="columnheader" class="num">Starts</span></>}
          <span role="columnheader" class="num">Time</span><span role="columnheader" class="num wf-tokens">Tokens</span><span role="columnheader" class="num">Cost</span>
        </div></div>
        <div role="rowgroup" style={{ height: rows.length * ROW + 'px', position: 'relative' }}>
          {seen.map((n, i) => <Row key={n.key} n={n} top={(first + i) * ROW} index={first + i} view={view} open={!closed.has(n.key)} active={n === here && !!active} selected={n.key === selected} place={place} zoom={zoom}
            onToggle={() => toggle(n, closed.has(n.key))} onPick={() => { setActive(n.key); onSelect(n) }} />)}
        </div>
      </div>
    </div>
  )
}

function Row({ n, top, index, view, open, active, selected, place, zoom, onToggle, onPick }: { n: Node; top: number; index: number; view: View; open: boolean; active: boolean; selected: boolean; place: (v: number) => number; zoom: Zoom; onToggle: () => void; onPick: () => void }) {
  const s = n.span, bad = failed(s.status)
  const from = place(s.offset_ms), to = place(s.offset_ms + s.duration_ms)
  const out = s.offset_ms + s.duration_ms < zoom[0] || s.offset_ms > zoom[1]
  const first = s.ttft_ms && !bad ? place(s.offset_ms + Math.min(s.ttft_ms, s.duration_ms)) : null
  const name = spanName(s)
  const tree = view === 'waterfall'
  return (
    <div class={'wf-row ' + view + (n.critical ? ' crit' : '') + (active ? ' active' : '') + (selected ? ' picked' : '')} role="row" id={'span-' + n.key} aria-rowindex={index + 2} aria-selected={selected} style={{ top: top + 'px' }} onClick={onPick}
      {...(tree ? { 'aria-level': n.depth + 1, 'aria-posinset': n.index, 'aria-setsize': n.of, ...(n.children.length ? { 'aria-expanded': open } : {}) } : {})}>
      <span role="gridcell" class="wf-name" style={{ paddingLeft: tree ? Math.min(n.depth, 24) * 14 + 'px' : 0 }}>
        {tree && (n.children.length ? <span class={'wf-fold' + (open ? ' open' : '')} aria-hidden="true" onClick={(e) => { e.stopPropagation(); onToggle() }}><Icon name="right" size={12} /></span> : <span class="wf-fold" />)}
        <span class={'wf-kind k-' + s.kind} title={kindName(s.kind)} aria-hidden="true" /><span class="cut" title={`${kindName(s.kind)} ${name}${s.name && s.name !== name ? ', ' + s.name : ''}`}><span class="sr">{kindName(s.kind)} </span>{name}</span>
        {bad && <span class="wf-bad" title={s.error || s.status}><Icon name="warn" size={13} /><span class="sr">, {s.status}</span></span>}
        {n.critical && <span class="sr">, on the critical path</span>}
      </span>
      {tree ? (
        <span role="gridcell" class="wf-lane"><span class="sr">from {ms(s.offset_ms)} for {ms(s.duration_ms)}</span>
          {!out && <span aria-hidden="true">{bad ? <i class="failed" style={{ left: from + '%', width: to - from + '%' }} /> : first === null ? <i class={s.kind === 'call' || s.kind === 'generation' ? 'gen' : 'other'} style={{ left: from + '%', width: to - from + '%' }} /> : <><i class="wait" style={{ left: from + '%', width: first - from + '%' }} /><i class="gen" style={{ left: first + '%', width: to - first + '%' }} /></>}{n.critical && <i class="crit-line" style={{ left: from + '%', width: to - from + '%' }} />}</span>}
        </span>
      ) : <><span role="gridcell" class="cut">{bad ? <span class="badge bad" title={s.error}>{s.status}</span> : <span class="faint">{s.cache === 'hit' || s.cache === 'semantic' ? 'cache ' + s.cache : s.status}</span>}</span><span role="gridcell" class="num faint">{ms(s.offset_ms)}</span></>}
      <span role="gridcell" class="num">{ms(s.duration_ms)}</span>
      <span role="gridcell" class="num wf-tokens">{s.input_tokens + s.output_tokens ? <>{short(s.input_tokens)} <span class="faint">→</span> {short(s.output_tokens)}</> : <span class="faint">–</span>}</span>
      <span role="gridcell" class="num">{s.kind !== 'call' ? <span class="faint">–</span> : s.cost_usd === null ? <span class="faint">unknown</span> : usd(s.cost_usd)}</span>
    </div>
  )
}
