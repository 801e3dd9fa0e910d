/** What a budget's window has spent so far, against its limit and an even pace: as a picture and as a table. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import type { Ahead } from '../lib/ahead'
import { query, useGet, type Costs } from '../lib/api'
import { amount, burn, grainOf, kinds, limits, pace, rolling, type Budget, type Burn, type Kind, type Limit } from '../lib/budgets'
import { percent, plural, short, span } from '../lib/format'
import { axis, cmp, parse, pixels } from '../lib/money'
import { token, useTheme } from '../lib/theme'
import { clock, DAY, HOUR, shortDate } from '../lib/time'
import { Icon } from './icons'
import { Problem, Segmented, SkeletonRows } from './parts'

const moment = (t: number): string => `${shortDate(t)}, ${clock(new Date(t).toISOString())}`

function Plot({ x, l, label }: { x: Burn; l: Limit; label: string }) {
  const box = useRef<HTMLDivElement>(null)
  const { dark, theme } = useTheme()
  const [at, set] = useState<{ i: number; left: number; wide: number } | null>(null)
  const shown = useMemo(() => {
    const times = x.points.map((p) => p.at), spent: (number | null)[] = x.points.map((p) => pixels(p.sum))
    if (x.end !== null && x.end > x.now) { times.push(x.end); spent.push(null) }
    const last = x.points.length - 1
    const even = times.map((t) => { const v = pace(x, l.limit, t); return v === null ? null : pixels(v) })
    const ahead = times.map((_, i) => (x.forecast === null || i < last ? null : i === last ? pixels(l.spent) : pixels(x.forecast)))
    return [times.map((t) => t / 1000), spent, times.map(() => pixels(l.limit)), even, ahead] as uPlot.AlignedData
  }, [x, l])
  useEffect(() => {
    const el = box.current!
    const height = innerWidth < 820 ? 190 : 230
    const top = Math.max(pixels(l.limit), pixels(l.spent))
    const high = Math.min(Math.max(top, pixels(x.forecast)), top * 1.5) * 1.08 || 1
    const long = (x.end ?? x.now) - x.from > 2 * DAY
    const two = (v: number) => String(v).padStart(2, '0')
    const font = `11px ${token('--sans')}`
    const common = { font, stroke: token('--faint'), ticks: { show: false } }
    const fill = token('--c1') + '22'
    const u = new uPlot({
      width: el.clientWidth, height, padding: [12, 22, 0, 0], legend: { show: false },
      cursor: { points: { show: false }, drag: { x: false, y: false, setScale: false } },
      scales: { x: { time: true, range: [x.from / 1000, Math.max((x.end ?? x.now) / 1000, x.from / 1000 + 1)] }, y: { range: [0, high] } },
      axes: [
        { ...common, grid: { show: false }, space: 72, size: 28, values: (_u, list) => list.map((s) => { const d = new Date(s * 1000); return long ? shortDate(s * 1000) : two(d.getHours()) + ':' + two(d.getMinutes()) + ((x.end ?? x.now) - x.from < HOUR / 10 ? ':' + two(d.getSeconds()) : '') }), ...(long ? { incrs: [1, 2, 3, 7, 14, 30, 90, 180, 365].map((n) => n * 86_400) } : {}) },
        { ...common, grid: { stroke: token('--line'), width: 1 }, size: 58, space: 38, values: (_u, list) => list.map((v) => (l.kind === 'usd' ? axis(v) : short(v))) },
      ],
      series: [
        {},
        { stroke: token('--c1'), fill, width: 2, points: { show: false } },
        { stroke: token('--c6'), width: 1.5, points: { show: false } },
        { stroke: token('--c7'), width: 1.5, dash: [5, 5], points: { show: false } },
        { stroke: token('--c1'), width: 1.5, dash: [2, 4], points: { show: false } },
      ],
      hooks: { setCursor: [(u) => { const i = u.cursor.idx ?? null; set(i === null || i >= x.points.length ? null : { i, left: u.valToPos(x.points[i]!.at / 1000, 'x') + u.bbox.left / devicePixelRatio, wide: u.width }) }] },
    }, shown, el)
    const watch = new ResizeObserver(() => { if (el.clientWidth && el.clientWidth !== u.width) u.setSize({ width: el.clientWidth, height }) })
    watch.observe(el)
    return () => { watch.disconnect(); u.destroy(); set(null) }
  }, [shown, dark, theme])
  const p = at && x.points[at.i]
  const even = p && pace(x, l.limit, p.at)
  return (
    <div class="chart" role="img" aria-label={label}>
      <div ref={box} />
      {p && (
        <div class="tip" style={at.left > at.wide / 2 ? { right: at.wide - at.left + 18 + 'px' } : { left: at.left + 18 + 'px' }}>
          <b>{moment(p.at)}</b>
          <dl>
            <span class="swatch" style={{ background: 'var(--c1)' }} /><dt>Spent so far</dt><dd>{amount(l.kind, p.sum)}</dd>
            {even !== null && <><span class="swatch" style={{ background: 'var(--c7)' }} /><dt>Even pace</dt><dd>{amount(l.kind, even)}</dd></>}
            <span class="swatch" style={{ background: 'var(--c6)' }} /><dt>Limit</dt><dd>{amount(l.kind, l.limit)}</dd>
          </dl>
        </div>
      )}
    </div>
  )
}

/** BurnDown reads what the calls of a budget's scope cost in its present window, and draws it. */
export function BurnDown({ b, now }: { b: Budget; now: number }) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const list = limits(b)
  // The limit that is spent the furthest is looked at first.
  const [kind, setKind] = useState<Kind>(() => [...list].sort((p, q) => pixels(q.spent) / pixels(q.limit) - pixels(p.spent) / pixels(p.limit))[0]?.kind ?? 'usd')
  const l = list.find((x) => x.kind === kind) ?? list[0]
  const minute = Math.floor(now / 60_000) * 60_000
  const roll = rolling(b.window)
  const since = roll ? new Date(minute - roll).toISOString() : b.began_at ?? ''
  const grain = grainOf(roll || (b.began_at && b.resets_at ? Date.parse(b.resets_at) - Date.parse(b.began_at) : 366 * DAY))
  const costs = useGet<Costs>(query('/api/v1/costs', { by: 'status,' + grain, ...b.scope, since }))
  const ahead = useGet<Ahead>(b.limit_usd === null ? '' : `/api/v1/budgets/${encodeURIComponent(b.id)}/forecast`)
  const spent = [b.spent_usd, b.spent_tokens, b.spent_calls].join()
  useEffect(() => { if (costs.data) costs.reload(); if (ahead.data) ahead.reload() }, [spent])
  const own = l?.kind === 'usd' && ahead.data && parse(ahead.data.expected_usd) !== null ? ahead.data : undefined
  const x = useMemo(() => {
    if (!costs.data || !l) return undefined
    const out = burn(costs.data.rows, grain, b, l, Math.max(now, Date.parse(b.began_at ?? '') || 0))
    // What is spent stays spent: calls are refused from here on, so there is nothing to look ahead to.
    if (b.at_limit === 'refuse' && cmp(l.spent, l.limit) >= 0) return { ...out, forecast: null, full: null, how: 'The limit is reached, and further calls are refused until the window ends or the limit is raised.' }
    // weir's own forecast knows nights and weekends; without one the pace so far goes on.
    return own && out.end !== null ? { ...out, forecast: own.expected_usd!, full: own.reaches_at ? Date.parse(own.reaches_at) : null, how: own.how } : out
  }, [costs.data, own, grain, b, l?.kind, l?.spent, now])
  if (costs.error) return <Problem error={costs.error} retry={costs.reload} />
  if (!x || !l) return <SkeletonRows n={6} />
  const over = x.forecast !== null && cmp(x.forecast, l.limit) > 0
  const unpriced = l.kind === 'usd' ? costs.data?.total.unpriced_calls ?? 0 : 0
  const label = `${amount(l.kind, l.spent)} of ${amount(l.kind, l.limit)} spent` + (x.forecast ? `, ${amount(l.kind, x.forecast)} expected at the window's end` : '') + '. The same figures are in the table view.'
  const rows = x.points.filter((p, i) => i > 0 && (p.step !== '0' || i === x.points.length - 1)).reverse()
  return (
    <div class="burn stack">
      <div class="row wrap">
        <h3 class="grow">Burn-down, {x.end === null ? `since ${moment(x.from)}` : `${moment(x.from)} to ${moment(x.end)}`}</h3>
        {list.length > 1 && <Segmented small label="Limit" value={l.kind} onChange={setKind} options={list.map((k) => [k.kind, kinds[k.kind]] as const)} />}
        <Segmented small class="icons" label="View" value={view} onChange={setView} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />
      </div>
      {view === 'chart' ? (
        <>
          <Plot x={x} l={l} label={label} />
          <ul class="legend">
            <li><span class="stroke" style={{ borderColor: 'var(--c1)' }} />Spent {amount(l.kind, l.spent)}</li>
            <li><span class="stroke" style={{ borderColor: 'var(--c6)' }} />Limit {amount(l.kind, l.limit)}</li>
            {x.end !== null && <li><span class="stroke dash" style={{ borderColor: 'var(--c7)' }} />Even pace</li>}
            {x.forecast !== null && <li><span class="stroke dots" style={{ borderColor: 'var(--c1)' }} />Forecast {amount(l.kind, x.forecast)}</li>}
          </ul>
        </>
      ) : (
        <div class="table-tall" tabIndex={0} role="region" aria-label={`Burn-down of ${b.name}, table`}>
          <table class="table dense">
            <thead><tr><th scope="col">Up to</th><th scope="col" class="num">Spent in the {grain}</th><th scope="col" class="num">So far</th><th scope="col" class="num">Of the limit</th>{x.end !== null && <th scope="col" class="num">Even pace</th>}</tr></thead>
            <tbody>
              {rows.map((p, i) => (
                <tr key={p.at}>
                  <td class="nowrap">{moment(p.at)}{i === 0 && <span class="faint"> now</span>}</td><td class="num">{amount(l.kind, p.step, false)}</td>
                  <td class="num"><b>{amount(l.kind, p.sum, false)}</b></td><td class="num">{percent(pixels(p.sum), pixels(l.limit))}</td>
                  {x.end !== null && <td class="num">{amount(l.kind, pace(x, l.limit, p.at), false)}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="said">
        {x.forecast !== null ? <p><b>Forecast: {amount(l.kind, x.forecast)}</b> at the window's end, {percent(pixels(x.forecast), pixels(l.limit))} of the limit{own && parse(own.low_usd) !== null && <>, in {Math.round(own.level * 100)} of 100 cases between {amount(l.kind, own.low_usd)} and {amount(l.kind, own.high_usd)}</>}.{own && own.over_percent !== null && cmp(l.spent, l.limit) < 0 && <> The limit is passed in {Math.round(own.over_percent)} of 100 cases.</>}{over && x.full !== null && <> The limit is reached in about {span((x.full - x.now) / 1000)}, {moment(x.full)}.</>}</p>
          : x.full !== null && x.end === null && <p>At the pace since {shortDate(x.from)} the limit is reached about {moment(x.full)}.</p>}
        {parse(l.spent) === 0n && <p class="muted">Nothing is spent in this window yet.</p>}
        {unpriced > 0 && <p class="muted">{plural(unpriced, 'call')} of this scope {unpriced === 1 ? 'has' : 'have'} no known price and {unpriced === 1 ? 'is' : 'are'} not in the line.</p>}
        <details class="how"><summary>How it is computed<Icon name="down" size={12} /></summary><p>{x.how}</p></details>
      </div>
    </div>
  )
}
