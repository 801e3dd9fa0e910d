/** Spend to the end of a window: what is spent, what is expected, and the interval, as a picture and as a table. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { grainFor, hasBand, line, type Ahead, type Step } from '../lib/ahead'
import { query, useGet, type Costs } from '../lib/api'
import { axis, cents, exact, pixels, usd } from '../lib/money'
import { token, useTheme } from '../lib/theme'
import { clock, DAY, shortDate } from '../lib/time'
import { Icon } from './icons'
import { Card, Money, Problem, Segmented, SkeletonRows } from './parts'

const windows = [['day', 'Day'], ['week', 'Week'], ['month', 'Month'], ['quarter', 'Quarter'], ['year', 'Year']] as const
type Window = (typeof windows)[number][0]

const moment = (t: number): string => `${shortDate(t)}, ${clock(new Date(t).toISOString()).slice(0, 5)}`

function Plot({ steps, label }: { steps: Step[]; label: string }) {
  const box = useRef<HTMLDivElement>(null)
  const { dark, theme } = useTheme()
  const [at, set] = useState<{ i: number; left: number; wide: number } | null>(null)
  const data = useMemo(() => {
    const col = (k: 'spent' | 'expected' | 'low' | 'high') => steps.map((s) => (s[k] === null ? null : pixels(s[k])))
    return [steps.map((s) => s.at / 1000), col('spent'), col('expected'), col('low'), col('high')] as uPlot.AlignedData
  }, [steps])
  useEffect(() => {
    const el = box.current!
    const height = innerWidth < 820 ? 190 : 220
    const first = steps[0]!.at, last = steps.at(-1)!.at, long = last - first > 2 * DAY
    const top = Math.max(...steps.map((s) => Math.max(pixels(s.spent), pixels(s.expected), pixels(s.high)))) * 1.08 || 1
    const two = (v: number) => String(v).padStart(2, '0')
    const common = { font: `11px ${token('--sans')}`, stroke: token('--faint'), ticks: { show: false } }
    const none = { points: { show: false } }
    const u = new uPlot({
      width: el.clientWidth, height, padding: [12, 22, 0, 0], legend: { show: false },
      cursor: { points: { show: false }, drag: { x: false, y: false, setScale: false } },
      scales: { x: { time: true, range: [first / 1000, last / 1000] }, y: { range: [0, top] } },
      axes: [
        { ...common, grid: { show: false }, space: 72, size: 28, values: (_u, list) => list.map((s) => { const d = new Date(s * 1000); return long ? shortDate(s * 1000) : two(d.getHours()) + ':' + two(d.getMinutes()) }), ...(long ? { incrs: [1, 2, 3, 7, 14, 30, 60, 90].map((n) => n * 86_400) } : {}) },
        { ...common, grid: { stroke: token('--line'), width: 1 }, size: 58, space: 38, values: (_u, list) => list.map((v) => axis(v)) },
      ],
      bands: [{ series: [4, 3], fill: token('--c1') + '26' }],
      series: [
        {},
        { stroke: token('--c1'), fill: token('--c1') + '22', width: 2, ...none },
        { stroke: token('--c1'), width: 2, dash: [5, 4], ...none },
        { stroke: token('--c1') + '80', width: 1, ...none },
        { stroke: token('--c1') + '80', width: 1, ...none },
      ],
      hooks: { setCursor: [(u) => { const i = u.cursor.idx ?? null; set(i === null || !steps[i] ? null : { i, left: u.valToPos(steps[i].at / 1000, 'x') + u.bbox.left / devicePixelRatio, wide: u.width }) }] },
    }, data, el)
    const watch = new ResizeObserver(() => { if (el.clientWidth && el.clientWidth !== u.width) u.setSize({ width: el.clientWidth, height }) })
    watch.observe(el)
    return () => { watch.disconnect(); u.destroy(); set(null) }
  }, [data, dark, theme])
  const s = at && steps[at.i]
  return (
    <div class="chart" role="img" aria-label={label + ' The same figures are in the table view.'}>
      <div ref={box} />
      {s && (
        <div class="tip" style={at.left > at.wide / 2 ? { right: at.wide - at.left + 18 + 'px' } : { left: at.left + 18 + 'px' }}>
          <b>{moment(s.at)}</b>
          <dl>
            {s.spent !== null && <><span class="swatch" style={{ background: 'var(--c1)' }} /><dt>Spent by then</dt><dd>{usd(s.spent)}</dd></>}
            {s.spent === null && <><span class="swatch" style={{ background: 'var(--c1)' }} /><dt>Expected by then</dt><dd>{usd(s.expected)}</dd><span /><dt>Interval</dt><dd>{usd(s.low)} – {usd(s.high)}</dd></>}
          </dl>
        </div>
      )}
    </div>
  )
}

/** ForecastCard is about the whole installation, or about what filter picks of it. */
export function ForecastCard({ filter = {} }: { filter?: Record<string, string> }) {
  const [window, setWindow] = useState<Window>('month')
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const ahead = useGet<Ahead>(query('/api/v1/costs/forecast', { window, ...filter }))
  const a = ahead.data?.window === window ? ahead.data : undefined
  const grain = grainFor(window)
  const past = useGet<Costs>(a?.began_at ? query('/api/v1/costs', { by: grain, since: a.began_at, ...filter }) : '')
  const steps = useMemo(() => (a && past.data && !past.loading ? line(past.data.rows, grain, a) : undefined), [a, past.data, past.loading, grain])
  const error = ahead.error ?? past.error
  const end = a?.ends_at ? shortDate(Date.parse(a.ends_at) - 1) : ''
  return (
    <Card title="Spend to the end of the window" label="Forecast" sub={a && a.timezone !== 'UTC' ? a.timezone : 'UTC'} actions={<>
      <Segmented small label="Window" value={window} onChange={setWindow} options={windows} />
      <Segmented small class="icons" label="View of the forecast" value={view} onChange={setView} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />
    </>}>
      {error ? <div class="card-body"><Problem error={error} retry={() => { ahead.reload(); past.reload() }} /></div> : !a || !steps ? <SkeletonRows n={5} /> : (
        <>
          <dl class="figures" data-forecast>
            <div><dt>Spent so far</dt><dd title={exact(a.spent_usd)}>{cents(a.spent_usd)}</dd></div>
            <div><dt>Expected by {end}</dt><dd title={a.expected_usd ? exact(a.expected_usd) : undefined}>{a.expected_usd ? cents(a.expected_usd) : <span class="muted">not known yet</span>}</dd></div>
            {hasBand(a) && <div><dt>{Math.round(a.level * 100)}% interval</dt><dd>{cents(a.low_usd)} – {cents(a.high_usd)}</dd></div>}
          </dl>
          {view === 'chart' ? steps.length > 1 && (
            <>
              <Plot steps={steps} label={`${cents(a.spent_usd)} spent so far${a.expected_usd ? `, ${cents(a.expected_usd)} expected by ${end}` : ''}.`} />
              <ul class="legend">
                <li><span class="stroke" style={{ borderColor: 'var(--c1)' }} />Spent</li>
                {a.course.length > 0 && <><li><span class="stroke dash" style={{ borderColor: 'var(--c1)' }} />Expected</li>{hasBand(a) && <li><span class="swatch band" />{Math.round(a.level * 100)} of 100 outcomes</li>}</>}
              </ul>
            </>
          ) : (
            <div class="table-tall" tabIndex={0} role="region" aria-label="Forecast, table">
              <table class="table dense">
                <thead><tr><th scope="col">By</th><th scope="col" class="num">Spent</th><th scope="col" class="num">Expected</th><th scope="col" class="num">Low</th><th scope="col" class="num">High</th></tr></thead>
                <tbody>{[...steps].reverse().map((s) => <tr key={s.at}><td class="nowrap">{moment(s.at)}</td>{([s.spent, s.spent === null ? s.expected : null, s.spent === null ? s.low : null, s.spent === null ? s.high : null] as const).map((v, i) => <td class="num" key={i}>{v === null ? <span class="faint">–</span> : <Money value={v} />}</td>)}</tr>)}</tbody>
              </table>
            </div>
          )}
          <details class="how card-body"><summary>How it is computed<Icon name="down" size={12} /></summary><p>{a.how}</p></details>
        </>
      )}
    </Card>
  )
}
