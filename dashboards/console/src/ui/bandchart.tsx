/** Lines over time, each with a band around it, and levels that are meant to be passed or not. */

import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { token, useTheme } from '../lib/theme'
import { clock, DAY, shortDate, utcDay } from '../lib/time'

type Values = (number | null)[]
export interface Line { label: string; colour: string; values: Values; low?: Values; high?: Values; dash?: number[]; said?: (i: number) => ComponentChildren }
export interface Level { label: string; at: number; colour: string; dash?: number[] }

const moment = (t: number, days: boolean): string => (days ? utcDay(t) + ' UTC' : `${shortDate(t)}, ${clock(new Date(t).toISOString()).slice(0, 5)}`)

/** BandChart draws lines at moments in milliseconds. days says that they are UTC days; dots, that each value is a point of its own; gaps, that nothing is drawn over what is not known. */
export function BandChart(x: { label: string; times: number[]; lines: Line[]; levels?: Level[]; format: (v: number) => string; days?: boolean; dots?: boolean; gaps?: boolean; height?: number; range?: [number, number] }) {
  const box = useRef<HTMLDivElement>(null)
  const { dark, theme } = useTheme()
  const [at, set] = useState<{ i: number; left: number; wide: number } | null>(null)
  const key = useMemo(() => JSON.stringify([x.times, x.lines, x.levels, x.days, x.dots, x.range]), [x.times, x.lines, x.levels, x.days, x.dots, x.range])
  useEffect(() => {
    const el = box.current!
    const height = innerWidth < 820 ? Math.min(210, x.height ?? 210) : x.height ?? 240
    const font = `11px ${token('--sans')}`
    const common = { font, stroke: token('--faint'), ticks: { show: false } }
    const all = [...x.lines.flatMap((l) => [...l.values, ...(l.low ?? []), ...(l.high ?? [])]), ...(x.levels ?? []).map((l) => l.at)].filter((v): v is number => v !== null && Number.isFinite(v))
    const low = x.range?.[0] ?? Math.min(...all), high = x.range?.[1] ?? Math.max(...all)
    const room = (high - low || Math.abs(high) || 1) * 0.08
    const first = x.times[0]! / 1000, last = x.times.at(-1)! / 1000, pad = x.days ? 43_200 : Math.max((last - first) * 0.01, 30)
    const long = last - first > 2 * DAY / 1000
    const data: (number | null)[][] = [], series: uPlot.Series[] = [], bands: uPlot.Band[] = []
    for (const l of x.lines) {
      if (l.low && l.high) {
        const edge = { stroke: token('--' + l.colour) + '66', width: 1, points: { show: false } }
        bands.push({ series: [series.length + 1, series.length + 2], fill: token('--' + l.colour) + '26' })
        data.push(l.high, l.low)
        series.push(edge, edge)
      }
      data.push(l.values)
      series.push({ stroke: token('--' + l.colour), width: 2, ...(l.dash ? { dash: l.dash } : {}), spanGaps: !x.days && !x.gaps, points: x.dots ? { show: true, size: 6, fill: token('--' + l.colour), width: 0 } : { show: false } })
    }
    for (const l of x.levels ?? []) {
      data.push(x.times.map(() => l.at))
      series.push({ stroke: token('--' + l.colour), width: 1.5, ...(l.dash ? { dash: l.dash } : {}), points: { show: false } })
    }
    const two = (v: number) => String(v).padStart(2, '0')
    const u = new uPlot({
      width: el.clientWidth, height, padding: [10, 16, 0, 0], legend: { show: false }, bands,
      tzDate: (ts) => (x.days ? uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC') : new Date(ts * 1000)),
      cursor: { points: { show: false }, drag: { x: false, y: false, setScale: false } },
      scales: { x: { time: true, range: [first - pad, last + pad] }, y: { range: x.range ? [x.range[0], x.range[1]] : [low - room, high + room] } },
      axes: [
        { ...common, grid: { show: false }, space: 72, size: 28, values: (_u, list) => list.map((s) => { if (s < first - pad || s > last + pad) return ''; const d = new Date(s * 1000); return x.days ? utcDay(s * 1000).replace(/^\w+, /, '') : long ? shortDate(s * 1000) : two(d.getHours()) + ':' + two(d.getMinutes()) + (last - first < 300 ? ':' + two(d.getSeconds()) : '') }), ...(long || x.days ? { incrs: [1, 2, 3, 7, 14, 30, 90].map((n) => n * 86_400) } : {}) },
        { ...common, grid: { stroke: token('--line'), width: 1 }, size: 66, space: 38, values: (_u, list) => list.map(x.format) },
      ],
      series: [{}, ...series],
      hooks: { setCursor: [(u) => { const i = u.cursor.idx ?? null; set(i === null || x.times[i] === undefined ? null : { i, left: u.valToPos(x.times[i]! / 1000, 'x') + u.bbox.left / devicePixelRatio, wide: u.width }) }] },
    }, [x.times.map((t) => t / 1000), ...data] as uPlot.AlignedData, el)
    const watch = new ResizeObserver(() => { if (el.clientWidth && el.clientWidth !== u.width) u.setSize({ width: el.clientWidth, height }) })
    watch.observe(el)
    return () => { watch.disconnect(); u.destroy(); set(null) }
  }, [key, dark, theme])
  const some = at && x.lines.some((l) => l.values[at.i] !== null && l.values[at.i] !== undefined)
  return (
    <div class="chart" role="img" aria-label={x.label + '. The same figures are in the table view.'}>
      <div ref={box} />
      {at && (
        <div class="tip" style={at.left > at.wide / 2 ? { right: at.wide - at.left + 18 + 'px' } : { left: at.left + 18 + 'px' }}>
          <b>{moment(x.times[at.i]!, !!x.days)}</b>
          {some ? (
            <dl>
              {x.lines.filter((l) => l.values[at.i] !== null && l.values[at.i] !== undefined).map((l) => [<span class="swatch" style={{ background: `var(--${l.colour})` }} />, <dt>{l.label}</dt>, <dd>{l.said ? l.said(at.i) : x.format(l.values[at.i]!)}</dd>])}
            </dl>
          ) : <p class="faint">nothing known</p>}
        </div>
      )}
    </div>
  )
}
