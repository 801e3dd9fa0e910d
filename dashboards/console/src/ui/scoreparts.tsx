/** How scores are spread: of one name in a row, in bins, over categories. */

import { count, percent, plural } from '../lib/format'
import { figure, meanOf, valueOf, words, type Bin, type Figures, type Score, type Word } from '../lib/scores'

/** ScoreValue is one score's value; a word and a truth are marked as such, not only by colour. */
export function ScoreValue({ s }: { s: Pick<Score, 'type' | 'value'> }) {
  if (s.type === 'number') return <b class="score-num">{valueOf(s)}</b>
  if (s.type === 'boolean') return <span class={'badge ' + (s.value ? 'ok' : 'bad')}><span class="dot" />{valueOf(s)}</span>
  return <span class="tag score-word" title={String(s.value)}><b>{valueOf(s)}</b></span>
}

/** Spread shows where the scores of a row lie between two ends: all of them, one standard deviation about the mean, the mean. */
export function Spread({ r, low, high, order }: { r: Figures; low: number; high: number; order?: string[] }) {
  if (r.type === 'category') {
    const all = words(r, order)
    return <div class="stackbar" role="img" aria-label={all.map((w) => `${w.word}: ${percent(w.n, r.n)}`).join(', ')}>{all.map((w) => <i key={w.word} title={`${w.word}: ${percent(w.n, r.n)}`} style={{ flexGrow: w.n, background: `var(--${w.colour})` }} />)}</div>
  }
  if (r.type === 'boolean') return <div class="track-line" role="img" aria-label={`${meanOf(r)} yes`}><i style={{ width: r.mean * 100 + '%', minWidth: r.mean ? undefined : '0' }} /></div>
  const span = high - low || 1
  const at = (v: number) => Math.max(0, Math.min(100, ((v - low) / span) * 100))
  const from = at(Math.max(r.min, r.mean - r.sd)), to = at(Math.min(r.max, r.mean + r.sd))
  return (
    <div class="spread" role="img" aria-label={`from ${figure(r.min)} to ${figure(r.max)}, mean ${figure(r.mean)}, standard deviation ${figure(r.sd)}`} title={`from ${figure(r.min)} to ${figure(r.max)}, mean ${figure(r.mean)} ± ${figure(r.sd)}`}>
      <i class="whole" style={{ left: at(r.min) + '%', width: at(r.max) - at(r.min) + '%' }} /><i class="sd" style={{ left: from + '%', width: Math.max(0, to - from) + '%' }} /><u style={{ left: at(r.mean) + '%' }} />
    </div>
  )
}

/** Histogram is a picture; the same bins stand in the table view. */
export function Histogram({ bins, label }: { bins: Bin[]; label: string }) {
  const most = Math.max(...bins.map((b) => b.n), 1), whole = bins.reduce((s, b) => s + b.n, 0)
  const single = bins.every((b) => b.low === b.high)
  const every = Math.ceil(bins.length / 6)
  return (
    <div class={'hist' + (single ? ' single' : '')} role="img" aria-label={`${label}: ${plural(bins.length, 'bin')}, most scores at ${bins.find((b) => b.n === most)?.label ?? ''}. The same figures are in the table view.`}>
      <div class="bars">{bins.map((b) => <div key={b.low} class="bin" title={`${b.label}: ${plural(b.n, 'score')}, ${percent(b.n, whole)}`}>{single && <span>{count(b.n)}</span>}<i style={{ height: `calc((100% - ${single ? 20 : 2}px) * ${b.n / most})`, minHeight: b.n ? '2px' : '0' }} /></div>)}</div>
      <div class="ends">{single ? bins.map((b) => <span key={b.low}>{figure(b.low)}</span>) : bins.map((b, i) => <span key={b.low}>{i % every === 0 ? figure(b.low) : ''}{i === bins.length - 1 && <em>{figure(b.high)}</em>}</span>)}</div>
    </div>
  )
}

/** Shares are categories, or yes and no, with a bar each. */
export function Shares({ list, whole }: { list: Word[]; whole: number }) {
  return (
    <table class="mini shares">
      <thead class="sr"><tr><th scope="col">Value</th><th scope="col">Share, as a bar</th><th scope="col">Share</th><th scope="col">Scores</th></tr></thead>
      <tbody>{list.map((w) => <tr key={w.word}><td class="any">{w.word}</td><td class="bar"><div class="track-line"><i style={{ width: (w.n / Math.max(1, whole)) * 100 + '%', background: `var(--${w.colour})`, minWidth: w.n ? '2px' : '0' }} /></div></td><td class="num">{w.n ? percent(w.n, whole) : '0%'}</td><td class="num faint">{count(w.n)}</td></tr>)}</tbody>
    </table>
  )
}
