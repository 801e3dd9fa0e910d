/** Stacked bars over time, and the same as a table. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { short } from '../lib/format'
import { axis, exact, usd } from '../lib/money'
import { money, type Measure, type Pivot } from '../lib/pivot'
import { bucketName } from '../lib/time'
import { token, useTheme } from '../lib/theme'
import { Icon } from './icons'
import { Card, Money, Segmented, Unpriced } from './parts'

/** colour of the i-th series; the fold of all others is grey. */
export const colour = (i: number, folded: boolean): string => (folded ? 'c7' : 'c' + ((i % 6) + 1))

const figure = (m: Measure, v: string): string => (money(m) ? usd(v) : short(Number(v)))

function paint(p: Pivot, m: Measure, grain: string, width: number, height: number, onIndex: (i: number | null, u: uPlot) => void, onSelect?: (from: number, to: number) => void): { opts: uPlot.Options; data: uPlot.AlignedData } {
  const n = p.times.length
  // Bars overlap: the whole height is drawn first, then each lower sum over it.
  const sums: number[][] = []
  p.series.forEach((s, i) => sums.push(s.values.map((v, k) => v + (i ? sums[i - 1]![k]! : 0))))
  const utc = grain === 'day' || grain === 'month'
  const step = n > 1 ? (p.times[1]! - p.times[0]!) / 1000 : 86_400
  const font = `11px ${token('--sans')}`
  const two = (v: number) => String(v).padStart(2, '0')
  const tick = (sec: number): string => {
    const d = new Date(sec * 1000)
    if (utc) return bucketName(d.getTime(), grain).replace(/^\w+, /, '')
    return d.getHours() === 0 && d.getMinutes() === 0 ? bucketName(d.getTime(), 'hour').replace(/,.*/, '') : two(d.getHours()) + ':' + two(d.getMinutes())
  }
  const size = uPlot.paths.bars!({ size: [n > 60 ? 0.82 : 0.68, 46], radius: 0 })
  const top = uPlot.paths.bars!({ size: [n > 60 ? 0.82 : 0.68, 46], radius: n > 60 ? 0 : 0.1 })
  const first = p.times[0]! / 1000 - step * 0.5, last = p.times[n - 1]! / 1000 + step * 0.5
  const common = { font, stroke: token('--faint'), ticks: { show: false } }
  return {
    data: [p.times.map((t) => t / 1000), ...sums.reverse()] as uPlot.AlignedData,
    opts: {
      width, height, padding: [12, 8, 0, 0], legend: { show: false },
      tzDate: (ts) => (utc ? uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC') : new Date(ts * 1000)),
      cursor: { points: { show: false }, drag: { x: !!onSelect, y: false, setScale: false } },
      scales: { x: { time: true, range: [first, last] }, y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [
        { ...common, grid: { show: false }, space: 64, size: 28, values: (_u, list) => list.map((t) => (t < first || t > last ? '' : tick(t))), incrs: utc ? [86400, 2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400] : [60, 300, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 2 * 86400] },
        { ...common, grid: { stroke: token('--line'), width: 1 }, size: 58, space: 42, values: (_u, list) => list.map((v) => (money(m) ? axis(v) : short(v))) },
      ],
      series: [{}, ...p.series.map((_, k) => {
        const i = p.series.length - 1 - k
        return { paths: k === 0 ? top : size, fill: token('--' + colour(i, p.folded > 0 && i === p.series.length - 1)), stroke: token('--surface'), width: n > 60 ? 0 : 1, points: { show: false } }
      })],
      hooks: {
        setCursor: [(u) => onIndex(u.cursor.idx ?? null, u)],
        setSelect: [(u) => {
          if (!onSelect || u.select.width < 6) return
          const at = (px: number) => Math.max(0, Math.min(n - 1, u.posToIdx(px)))
          onSelect(p.times[at(u.select.left)]!, p.times[at(u.select.left + u.select.width)]! + step * 1000)
        }],
      },
    },
  }
}

function Plot({ p, m, grain, label, onSelect }: { p: Pivot; m: Measure; grain: string; label: string; onSelect?: ((from: number, to: number) => void) | undefined }) {
  const box = useRef<HTMLDivElement>(null)
  const select = useRef(onSelect)
  select.current = onSelect
  const { dark, theme } = useTheme()
  const [at, set] = useState<{ i: number; left: number; band: [number, number]; h: number; top: number; wide: number } | null>(null)
  useEffect(() => {
    const el = box.current!
    const height = innerWidth < 820 ? 210 : 264
    const { opts, data } = paint(p, m, grain, el.clientWidth, height, (i, u) => {
      if (i === null) return set(null)
      const x = u.valToPos(p.times[i]! / 1000, 'x'), w = u.bbox.width / devicePixelRatio / p.times.length
      const off = u.bbox.left / devicePixelRatio
      set({ i, left: x + off, band: [x + off - w / 2, w], h: u.bbox.height / devicePixelRatio, top: u.bbox.top / devicePixelRatio, wide: u.width })
    }, select.current ? (a, b) => select.current?.(a, b) : undefined)
    const u = new uPlot(opts, data, el)
    const watch = new ResizeObserver(() => { if (el.clientWidth && el.clientWidth !== u.width) u.setSize({ width: el.clientWidth, height }) })
    watch.observe(el)
    return () => { watch.disconnect(); u.destroy(); set(null) }
  }, [p, m, grain, dark, theme])
  const others = at ? p.series.map((s, i) => ({ s, i })).filter(({ s }) => s.values[at.i]! > 0).reverse() : []
  return (
    <div class="chart" role="img" aria-label={label + '. The same figures are in the table view.'}>
      {at && <div class="chart-band" style={{ left: at.band[0] + 'px', width: at.band[1] + 'px', top: at.top + 'px', height: at.h + 'px' }} />}
      <div ref={box} />
      {at && (
        <div class="tip" style={at.left > at.wide / 2 ? { right: at.wide - at.left + 18 + 'px' } : { left: at.left + 18 + 'px' }}>
          <b>{bucketName(p.times[at.i]!, grain)}{grain === 'day' ? ' UTC' : ''}</b>
          <dl>
            {others.map(({ s, i }) => [
              <span class="swatch" style={{ background: `var(--${colour(i, p.folded > 0 && i === p.series.length - 1)})` }} />,
              <dt>{s.label}</dt>, <dd>{figure(m, s.exact[at.i]!)}</dd>,
            ])}
            <span /><dt><b>Total</b></dt><dd><b>{figure(m, p.totals[at.i]!)}</b></dd>
          </dl>
        </div>
      )}
    </div>
  )
}

/** TimeChart is a card with the chart, its legend and the same figures as a table. */
export function TimeChart(x: { title: string; sub?: string; pivot: Pivot; measure: Measure; grain: string; actions?: preact.ComponentChildren; onSelect?: (from: number, to: number) => void }) {
  const [view, set] = useState<'chart' | 'table'>('chart')
  const { pivot: p, measure: m } = x
  const rows = useMemo(() => p.times.map((t, i) => ({ t, i })).filter(({ i }) => p.totals[i] !== '0').reverse(), [p])
  const toggle = <Segmented small class="icons" label="View" value={view} onChange={set} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />
  return (
    <Card title={x.title} sub={x.sub} actions={<>{x.actions}{toggle}</>}>
      {view === 'chart' ? (
        <>
          <Plot p={p} m={m} grain={x.grain} label={x.title} onSelect={x.onSelect} />
          <ul class="legend">
            {p.series.map((s, i) => (
              <li key={s.label}><span class="swatch" style={{ background: `var(--${colour(i, p.folded > 0 && i === p.series.length - 1)})` }} /><span class="cut">{s.label}</span><span class="faint num" title={money(m) ? exact(s.total) : s.total}>{m === 'cost' && s.total === '0' && s.unpriced ? '' : figure(m, s.total)}</span>{m === 'cost' && <Unpriced calls={s.unpriced} small={s.total !== '0'} />}</li>
            ))}
          </ul>
        </>
      ) : (
        <div class="table-tall" tabIndex={0} role="region" aria-label={x.title + ', table'}>
          <table class="table dense">
            <thead><tr><th scope="col">{x.grain === 'hour' || x.grain === 'minute' ? 'Time' : 'Time (UTC)'}</th><th scope="col" class="num">Total</th>{p.series.map((s) => <th scope="col" class="num" key={s.label}>{s.label}</th>)}</tr></thead>
            <tbody>
              {rows.map(({ t, i }) => (
                <tr key={t}><td class="nowrap">{bucketName(t, x.grain)}</td><td class="num"><b>{money(m) ? <Money value={p.totals[i]!} /> : figure(m, p.totals[i]!)}</b></td>{p.series.map((s) => <td class="num" key={s.label}>{s.exact[i] === '0' ? <span class="faint">–</span> : money(m) ? <Money value={s.exact[i]!} /> : figure(m, s.exact[i]!)}</td>)}</tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  )
}
