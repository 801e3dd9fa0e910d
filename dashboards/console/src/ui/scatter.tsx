/** Points of two figures, with those marked that no other beats. */

import { usd } from '../lib/money'
import { figure } from '../lib/scores'

export interface Point { label: string; x: number; y: number; front: boolean }

/** ticks are round values from low to high, about four of them. */
function ticks(low: number, high: number): number[] {
  const raw = (high - low) / 4, unit = 10 ** Math.floor(Math.log10(raw)), step = ([1, 2, 2.5, 5, 10].find((k) => k * unit >= raw) ?? 10) * unit
  const out: number[] = []
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9 && out.length < 12; v += step) out.push(Number(v.toPrecision(10)))
  return out
}

const ends = (list: number[], pad: number): [number, number] => {
  const low = Math.min(...list), high = Math.max(...list), span = high - low || Math.abs(high) || 1
  return [low - span * pad, high + span * pad]
}

/** Scatter draws cost to the right and quality up; the same figures are in the table view. */
export function Scatter({ label, x, y, lower, points, left }: { label: string; x: string; y: string; lower: boolean; points: Point[]; left: number }) {
  const [xl, xh] = ends(points.map((p) => p.x), 0.18), [yl, yh] = ends(points.map((p) => p.y), 0.18)
  const low = Math.max(0, xl)
  const px = (v: number) => ((v - low) / (xh - low || 1)) * 100, py = (v: number) => 100 - ((v - yl) / (yh - yl)) * 100
  // A point may be on the front for its latency alone: the line joins those that no other beats in what is drawn.
  const better = (a: number, b: number) => (lower ? a < b : a > b)
  const front = points.filter((p) => p.front && !points.some((o) => o !== p && o.x <= p.x && !better(p.y, o.y) && (o.x < p.x || o.y !== p.y))).sort((a, b) => a.x - b.x)
  return (
    <>
      <div class="scatter" role="img" aria-label={`${label}: ${points.map((p) => `${p.label} costs ${usd(p.x.toFixed(12))} for ${figure(p.y)}${p.front ? ', on the front' : ''}`).join('; ')}`}>
        <div class="scatter-y" aria-hidden="true">{ticks(yl, yh).map((v) => <span key={v} style={{ top: py(v) + '%' }}>{figure(v)}</span>)}</div>
        <div class="scatter-plot">
          <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
            {ticks(yl, yh).map((v) => <line key={v} class="grid" x1="0" x2="100" y1={py(v)} y2={py(v)} vector-effect="non-scaling-stroke" />)}
            {front.length > 1 && <polyline class="front" points={front.map((p) => `${px(p.x)},${py(p.y)}`).join(' ')} vector-effect="non-scaling-stroke" />}
          </svg>
          {points.map((p) => <div key={p.label} class={'point' + (p.front ? ' front' : '') + (px(p.x) > 60 ? ' turned' : '')} data-point={p.label} data-front={String(p.front)} style={{ left: px(p.x) + '%', top: py(p.y) + '%' }} title={`${p.label}: ${usd(p.x.toFixed(12))}, ${figure(p.y)}`}><i /><span class="cut">{p.label}</span></div>)}
        </div>
        <div class="scatter-x" aria-hidden="true">{ticks(low, xh).slice(0, 5).map((v) => <span key={v} style={{ left: px(v) + '%' }}>{usd(v.toFixed(12))}</span>)}</div>
      </div>
      <ul class="legend"><li><span class="point-key front" />on the front</li><li><span class="point-key" />another beats it</li>{front.length > 1 && <li><span class="stroke dash" style={{ borderColor: 'var(--accent)' }} />no other is better in both</li>}<li>up: {y}{lower && ', the least is best'}; to the right: {x}</li>{left > 0 && <li>{left} not drawn: cost or quality not known</li>}</ul>
    </>
  )
}
