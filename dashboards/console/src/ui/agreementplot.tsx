/** Pairs of numbers, with the line on which both say the same; the same figures are in the table view. */

import { figure } from '../lib/scores'

interface P { points: { call_id: string; a: number; b: number }[]; a: string; b: string; mean: number; low: number | null; high: number | null }

export function AgreementPlot({ points, a, b, mean, low, high }: P) {
  const all = points.flatMap((p) => [p.a, p.b])
  const least = Math.min(...all), most = Math.max(...all), pad = (most - least || 1) * 0.08
  const from = least - pad, to = most + pad
  const x = (v: number) => ((v - from) / (to - from)) * 100, y = (v: number) => 100 - x(v)
  // a = b + d: a line of its own for a difference d.
  const line = (d: number, cls: string) => <line class={cls} x1={x(from)} x2={x(to)} y1={y(from + d)} y2={y(to + d)} vector-effect="non-scaling-stroke" />
  const seen = new Map<string, { a: number; b: number; n: number; id: string }>()
  for (const p of points) {
    const k = p.a + ' ' + p.b, s = seen.get(k)
    if (s) s.n++
    else seen.set(k, { a: p.a, b: p.b, n: 1, id: p.call_id })
  }
  const top = Math.max(...[...seen.values()].map((s) => s.n), 1)
  const marks = [0, 0.25, 0.5, 0.75, 1].map((k) => least + (most - least) * k)
  return (
    <>
      <div class="scatter agreement-plot" role="img" aria-label={`${a} against ${b}: ${points.length} calls, mean difference ${figure(mean)}. The same figures are in the table view.`}>
        <div class="scatter-y" aria-hidden="true">{marks.map((v) => <span key={v} style={{ top: y(v) + '%' }}>{figure(v)}</span>)}</div>
        <div class="scatter-plot">
          <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{line(0, 'same-line')}{low !== null && line(low, 'limit-line')}{high !== null && line(high, 'limit-line')}</svg>
          {[...seen.values()].map((s) => <i key={s.a + ' ' + s.b} class="pair-dot" style={{ left: x(s.b) + '%', top: y(s.a) + '%', width: 7 + 11 * Math.sqrt((s.n - 1) / top) + 'px' }} title={`${figure(s.a)} and ${figure(s.b)}${s.n > 1 ? `, ${s.n} calls` : ', ' + s.id}`} />)}
        </div>
        <div class="scatter-x" aria-hidden="true">{marks.map((v) => <span key={v} style={{ left: x(v) + '%' }}>{figure(v)}</span>)}</div>
      </div>
      <ul class="legend"><li><span class="pair-key" />a call; larger: several</li><li><span class="stroke" style={{ borderColor: 'var(--muted)' }} />both say the same</li>{low !== null && <li><span class="stroke dash" style={{ borderColor: 'var(--c4)' }} />limits of agreement</li>}<li>up: {a}; to the right: {b}</li></ul>
    </>
  )
}
