/** Targets of runs side by side: what to take, what became worse, and what quality costs. */

import { useMemo, useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { oneLine, plain, regressions, runRoom, useResults, type Comparison, type Pair, type System } from '../lib/evals'
import { count, ms, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { usd } from '../lib/money'
import { figure } from '../lib/scores'
import { go, useLocation } from '../lib/router'
import { Coverage, RunBadge } from '../ui/evalparts'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, Segmented, SkeletonRows } from '../ui/parts'
import { Scatter } from '../ui/scatter'
import { Page } from '../ui/shell'

const dollars = (v: number | null): string => (v === null ? 'not known' : usd(v.toFixed(12)))
const signed = (v: number): string => (v > 0 ? '+' : '') + figure(v)

export function ComparePage() {
  const { params } = useLocation()
  const ids = (params.get('runs') ?? '').split(',').filter(Boolean)
  const c = useGet<Comparison>(ids.length ? query('/api/v1/evals/compare', { runs: ids.join(',') }) : '')
  useShortcuts({ r: c.reload, u: () => go('/datasets?tab=runs') })
  const crumbs = <span class="crumbs"><a href="/datasets?tab=runs">Runs</a></span>
  const d = c.data && ids.every((id) => c.data!.systems.some((s) => s.run === id)) ? c.data : undefined
  return (
    <Page title="Comparison" crumbs={crumbs} sub={d && d.systems[0] ? <>each held against <b class="any">{d.systems[0].label}</b>, item by item</> : undefined}>
      {!ids.length ? <Card label="Comparison"><Empty icon="diff" title="Pick runs to compare"><a class="btn" href="/datasets?tab=runs">Runs</a></Empty></Card>
        : c.error ? <Problem error={c.error} retry={c.reload} /> : !d ? <><Card label="Advice"><SkeletonRows n={3} /></Card><Card label="Targets"><SkeletonRows n={6} /></Card></> : (
          <>
            {d.notes.map((n) => <div class="notice plain" key={n}><Icon name="help" /><div class="any">{n}</div></div>)}
            <Card title="What to take"><div class="card-body stack advice-body" data-advice={d.advice.system}>{d.advice.system ? <p class="take any"><Icon name="check" size={15} /> {d.advice.system}</p> : <p class="muted">Nothing can be advised.</p>}<ul>{d.advice.reason.map((x) => <li class="any muted" key={x}>{x}</li>)}</ul></div></Card>
            <Pairs d={d} />
            {d.systems.length > 1 && <Worse d={d} />}
            <Systems d={d} />
          </>
        )}
    </Page>
  )
}

const rank: Record<string, number> = { worse: 0, 'no difference shown': 1, better: 2 }
const signs: Record<string, [string, 'down' | 'up' | 'help']> = { worse: ['bad', 'down'], better: ['ok', 'up'], 'no difference shown': ['', 'help'] }

/** Pairs are the paired tests, what became worse first. */
function Pairs({ d }: { d: Comparison }) {
  const rows = d.scorers.flatMap((s) => s.pairs.map((p) => ({ s, p }))).sort((a, b) => (rank[a.p.verdict] ?? 1) - (rank[b.p.verdict] ?? 1))
  if (!rows.length) return <Card title="Differences"><p class="card-body muted">{d.systems.length < 2 ? 'There is one target only: nothing is held against it.' : 'No two targets share an item with a score.'}</p></Card>
  const said = (p: Pair) => (p.interval ? `${signed(p.interval.low)} to ${signed(p.interval.high)}` : '')
  return (
    <Card title="Differences" sub="what became worse first; p is two-sided, adjusted for how many were looked at">
      <div class="scroll" tabIndex={0} role="region" aria-label="Differences, table"><table class="table" data-pairs>
        <thead><tr><th scope="col">Target</th><th scope="col">Scorer</th><th scope="col">Verdict</th><th scope="col" class="num">Difference</th><th scope="col" class="num wide">First</th><th scope="col" class="num wide">This</th><th scope="col" class="num">p</th><th scope="col" class="num wide" title="better, worse and equal, of items that both have a score of">Won, lost, tied</th><th scope="col" class="num wide" title="the smallest difference that so many items show nine times in ten">Would show</th></tr></thead>
        <tbody>{rows.map(({ s, p }) => (
          <tr key={s.scorer + '\n' + p.system} data-pair={p.system} data-scorer={s.scorer} data-verdict={p.verdict} data-delta={p.delta}>
            <td class="name">{p.system}</td><td class="any">{s.scorer}{s.lower && <div class="faint small">the least is best</div>}</td>
            <td><span class={'badge ' + (signs[p.verdict]?.[0] ?? '')}><Icon name={signs[p.verdict]?.[1] ?? 'help'} size={11} />{p.verdict === 'no difference shown' ? 'none shown' : p.verdict}</span></td>
            <td class="num"><b>{signed(p.delta)}</b>{p.interval && <div class="faint small nowrap">{said(p)}</div>}</td><td class="num wide">{figure(p.base)}</td><td class="num wide">{figure(p.mean)}</td>
            <td class="num nowrap" title={`${p.test}, not adjusted: ${figure(p.p)}`}>{p.p_adjusted < 0.001 ? '< 0.001' : figure(p.p_adjusted)}</td>
            <td class="num wide nowrap">{count(p.won)}, {count(p.lost)}, {count(p.tied)}</td><td class="num wide">{p.detectable === null ? '–' : figure(p.detectable)}</td>
          </tr>
        ))}</tbody>
      </table></div>
    </Card>
  )
}

const PAGE = 25

/** Worse are the items that became worse from the first target to another. */
function Worse({ d }: { d: Comparison }) {
  const [to, setTo] = useState(1)
  const [name, setName] = useState('')
  const [shown, show] = useState(PAGE)
  const base = d.systems[0]!, is = d.systems[to] ?? d.systems[1]!
  const scorer = d.scorers.find((s) => s.scorer === (name || d.advice.scorer)) ?? d.scorers[0]
  const [a, b] = useResults([{ id: base.run, target: base.target }, { id: is.run, target: is.target }])
  const list = useMemo(() => (a!.results && b!.results && scorer ? regressions(a!.results, b!.results, scorer.scorer, scorer.lower) : undefined), [a!.results, b!.results, scorer?.scorer])
  const failed = a!.error ?? b!.error
  return (
    <Card title="Regressions" sub={list && `${plural(list.length, 'item')} worse than with the first`} actions={<>
      {d.systems.length > 2 && <select class="field small-field" aria-label="Target" name="against" value={String(to)} onChange={(e) => { show(PAGE); setTo(Number(e.currentTarget.value)) }}>{d.systems.slice(1).map((s, i) => <option key={s.label} value={String(i + 1)}>{s.label}</option>)}</select>}
      {d.scorers.length > 1 && <select class="field small-field" aria-label="Scorer" name="by" value={scorer?.scorer} onChange={(e) => { show(PAGE); setName(e.currentTarget.value) }}>{d.scorers.map((s) => <option key={s.scorer}>{s.scorer}</option>)}</select>}
    </>}>
      {failed ? <div class="card-body"><Problem error={failed} retry={() => { a!.reload(); b!.reload() }} /></div> : !list ? <SkeletonRows n={5} /> : !list.length ? <p class="card-body muted">No item that both have a score of became worse.</p> : (
        <>
          <div class="scroll" tabIndex={0} role="region" aria-label="Regressions, table"><table class="table" data-regressions>
            <thead><tr><th scope="col">Item</th><th scope="col" class="wide">Input</th><th scope="col" class="num">First</th><th scope="col" class="num">{d.systems.length > 2 ? 'Target' : 'Second'}</th><th scope="col" class="num">Worse by</th></tr></thead>
            <tbody>{list.slice(0, shown).map((x) => <tr key={x.item} data-item={x.item}><td class="name"><a href={query(runRoom(is.run), { item: x.item, target: is.target })}>{x.item}</a></td><td class="wide said-cell">{oneLine(plain(x.input), 120)}</td><td class="num">{figure(x.base)}</td><td class="num">{figure(x.is)}</td><td class="num"><b>{figure(x.worse)}</b></td></tr>)}</tbody>
          </table></div>
          {list.length > shown && <div class="more"><button type="button" class="btn" onClick={() => show(shown + PAGE)}>Show more</button></div>}
        </>
      )}
      {(a!.more || b!.more) && <p class="card-body faint small">The runs have more results than this page reads: the list is of the first.</p>}
    </Card>
  )
}

/** Systems are all targets: cost against quality as a picture, and all figures as a table. */
function Systems({ d }: { d: Comparison }) {
  const priced = d.systems.filter((s) => s.cost_per_ask !== null && s.quality !== null)
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const scorers = [...new Set(d.systems.flatMap((s) => s.scores.map((x) => x.scorer)))]
  const lower = d.scorers.find((s) => s.scorer === d.advice.scorer)?.lower ?? false
  const drawn = view === 'chart' && priced.length > 0
  return (
    <Card title="Cost and quality" sub={d.advice.scorer && `quality is ${d.advice.scorer}; the front is what no other beats in quality, cost and latency`} actions={priced.length > 0 && <Segmented small class="icons" label="View" value={view} onChange={setView} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />}>
      {drawn ? <Scatter label={`Cost against ${d.advice.scorer}`} x="cost of an ask" y={d.advice.scorer} lower={lower} points={priced.map((s) => ({ label: s.label, x: s.cost_per_ask!, y: s.quality!, front: s.front }))} left={d.systems.length - priced.length} /> : (
        <>
          {!priced.length && <p class="card-body muted">No target has both a known cost and a quality, so that there is nothing to draw. A cost that is not known is not zero.</p>}
          <div class="scroll" tabIndex={0} role="region" aria-label="Targets, table"><table class="table" data-systems>
            <thead><tr><th scope="col">Target</th><th scope="col">Front</th><th scope="col" class="num">Cost of an ask</th><th scope="col" class="num">p50</th><th scope="col" class="num wide">p95</th><th scope="col" class="num wide">Failed</th>{scorers.map((s) => <th scope="col" class="num" key={s}>{s}</th>)}</tr></thead>
            <tbody>{d.systems.map((s) => <SystemRow key={s.label} s={s} scorers={scorers} />)}</tbody>
          </table></div>
        </>
      )}
    </Card>
  )
}

const SystemRow = ({ s, scorers }: { s: System; scorers: string[] }) => (
  <tr data-system={s.label}>
    <td class="name"><a class="strong" href={query(runRoom(s.run), { target: s.target })}>{s.label}</a><div class="small"><RunBadge r={s} /></div></td>
    <td>{s.front ? <span class="badge accent"><Icon name="check" size={11} />front</span> : <span class="faint">–</span>}</td>
    <td class={'num ' + (s.cost_per_ask === null ? 'faint' : '')}>{dollars(s.cost_per_ask)}</td><td class="num">{ms(s.latency_p50_ms)}</td><td class="num wide">{ms(s.latency_p95_ms)}</td><td class="num wide">{count(s.failed)} of {count(s.asked)}</td>
    {scorers.map((n) => { const x = s.scores.find((y) => y.scorer === n); return <td class="num" key={n}>{x ? <><b>{x.mean === null ? '—' : figure(x.mean)}</b> <Coverage s={x} /></> : '–'}</td> })}
  </tr>
)
