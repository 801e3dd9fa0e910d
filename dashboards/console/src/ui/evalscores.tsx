/** A run's scores: the mean of each target and scorer with its interval and coverage, and how they are spread. */

import { useMemo, useState } from 'preact/hooks'
import { values, type Read, type Run, type ScoreSummary } from '../lib/evals'
import { count, percent, plural } from '../lib/format'
import { patch } from '../lib/router'
import { figure, histogram } from '../lib/scores'
import { Coverage } from './evalparts'
import { Icon } from './icons'
import { Card, Money, Problem, Segmented, SkeletonRows } from './parts'
import { Histogram } from './scoreparts'

const share = (v: number) => (v <= 0 ? '0%' : percent(v, 1))

export function ScoreTable({ r, target, scorer }: { r: Run; target: string; scorer: string }) {
  const rows = r.summary.targets.flatMap((t) => t.scores.map((s) => ({ t, s, i: s.interval ?? null })))
  const ends = (name: string) => {
    const all = rows.filter((x) => x.s.scorer === name).flatMap((x) => [x.s.mean, x.i?.low, x.i?.high, x.s.min, x.s.max].filter((v): v is number => typeof v === 'number'))
    return { low: Math.min(...all), high: Math.max(...all) }
  }
  return (
    <Card title="Scores" sub="means with 95 % intervals over items">
      <div class="scroll" tabIndex={0} role="region" aria-label="Scores, table"><table class="table" data-eval-scores>
        <thead><tr><th scope="col">Target</th><th scope="col">Scorer</th><th scope="col" class="num">Mean</th><th scope="col" class="spread-cell wide">Interval</th><th scope="col" class="num">Coverage</th><th scope="col" class="num wide">Scored</th><th scope="col" class="num wide">Failed</th><th scope="col" class="num wide">Unscorable</th><th scope="col" class="num wide">Passed</th></tr></thead>
        <tbody>{rows.map(({ t, s, i }) => {
          const e = ends(s.scorer), span = e.high - e.low || 1, at = (v: number) => Math.max(0, Math.min(100, ((v - e.low) / span) * 100))
          const here = t.target === target && s.scorer === scorer
          const said = i ? `${figure(i.low)} to ${figure(i.high)}` : '', how = i ? said + ', ' + i.method : ''
          return (
            <tr key={t.target + '\n' + s.scorer} data-target={t.target} data-scorer={s.scorer} data-mean={s.mean ?? ''} data-low={i?.low ?? ''} data-high={i?.high ?? ''}>
              <td class="any">{t.target}</td>
              <td class="name"><button type="button" class="fold-btn strong" aria-pressed={here} title="Show its distribution and items by it" onClick={() => patch({ target: t.target, scorer: s.scorer, only: undefined }, true)}><b>{s.scorer}</b>{here && <Icon name="check" size={12} />}</button><div class="faint small any">{s.metric}{s.lower && ', the least is best'}{s.cost_usd !== null && s.cost_usd !== undefined && <span title="what its models took, beside the answers">, cost <Money value={s.cost_usd} /></span>}{s.signature && <span title={s.signature}>, over all answers {s.corpus === null ? '—' : figure(s.corpus)}</span>}</div></td>
              <td class="num"><b>{s.mean === null ? '—' : figure(s.mean)}</b>{said && <div class="faint small nowrap">{said}</div>}{s.repeats_sd !== null && <div class="faint small nowrap" title="standard deviation within an item, from repeat to repeat">repeats ± {figure(s.repeats_sd)}</div>}</td>
              <td class="spread-cell wide">{i && s.mean !== null && <div class="forest" role="img" aria-label={said} title={how}><i style={{ left: at(i.low) + '%', width: at(i.high) - at(i.low) + '%' }} /><b style={{ left: at(s.mean) + '%' }} /></div>}</td>
              <td class="num"><Coverage s={s} /></td><td class="num wide">{count(s.scored)}</td><td class="num wide">{count(s.failed)}</td><td class="num wide">{count(s.unscorable)}</td>
              <td class="num wide">{s.passed === null ? <span class="faint" title="the scorer has no bar">–</span> : <>{count(s.passed)} ({s.passed ? percent(s.passed, s.scored) : '0%'}){s.pass_rate_interval && <div class="faint small nowrap">{share(s.pass_rate_interval.low)} to {share(s.pass_rate_interval.high)}</div>}</>}</td>
            </tr>
          )
        })}</tbody>
      </table></div>
    </Card>
  )
}

/** Spreading is the distribution of one target's scores, as a picture and as a table. */
export function Spreading({ target, scorer, read }: { target: string; scorer: ScoreSummary; read: Read }) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const bins = useMemo(() => (read.results ? histogram(values(read.results, target, scorer.scorer).values) : []), [read.results])
  const whole = bins.reduce((n, b) => n + b.n, 0)
  return (
    <Card title="Distribution" sub={`${scorer.scorer} of ${target}${read.results ? ', ' + plural(whole, 'score') : ''}`} actions={<Segmented small class="icons" label="View" value={view} onChange={setView} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />}>
      {read.error ? <div class="card-body"><Problem error={read.error} retry={read.reload} /></div> : !read.results ? <SkeletonRows n={6} /> : !bins.length ? <p class="card-body muted">There is no score.</p> : view === 'chart' ? <Histogram bins={bins} label={`Distribution of ${scorer.scorer} of ${target}`} /> : (
        <div class="table-tall" tabIndex={0} role="region" aria-label="Distribution, table"><table class="table dense" data-bins>
          <thead><tr><th scope="col">{bins.every((b) => b.low === b.high) ? 'Value' : 'From, to below'}</th><th scope="col" class="num">Scores</th><th scope="col" class="num">Share</th></tr></thead>
          <tbody>{bins.map((b) => <tr key={b.low}><td>{b.label}</td><td class="num">{count(b.n)}</td><td class="num">{b.n ? percent(b.n, whole) : '0%'}</td></tr>)}</tbody>
        </table></div>
      )}
    </Card>
  )
}
