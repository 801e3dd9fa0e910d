/** The scores of one name: how they are spread, how they go over time, how they differ by prompt, model and arm. */

import { useMemo, useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { count, percent, plural } from '../lib/format'
import { patch } from '../lib/router'
import { byDay, categoryDays, figure, filterOfGroup, groupings, histogram, meanOf, words, type Figures, type ScorePage, type Summary, type Word } from '../lib/scores'
import { utcDay } from '../lib/time'
import { BandChart } from './bandchart'
import { TimeChart } from './chart'
import { Icon } from './icons'
import { Card, Problem, Segmented, SkeletonRows } from './parts'
import { Histogram, Shares, Spread } from './scoreparts'

/** The API gives so many scores at once; a picture of more is one of the newest. */
const SAMPLE = 1000

const View = ({ value, onChange }: { value: 'chart' | 'table'; onChange: (v: 'chart' | 'table') => void }) => <Segmented small class="icons" label="View" value={value} onChange={onChange} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />

export function ScoreFigures({ r }: { r: Figures }) {
  const tile = (k: string, v: string, s: preact.ComponentChildren) => <div class="card tile" style={{ paddingBottom: '9px' }}><span class="k">{k}</span><span class="v any" data-figure={k}>{v}</span><span class="s">{s}</span></div>
  if (r.type === 'category') {
    const all = words(r)
    return <div class="tiles">{tile('Scores', count(r.n), 'in this range')}{tile('Most frequent', all[0]?.word ?? '—', percent(all[0]?.n ?? 0, r.n) + ' of them')}{tile('Categories', count(all.length), 'different words')}</div>
  }
  if (r.type === 'boolean') return <div class="tiles">{tile('Scores', count(r.n), 'in this range')}{tile('Yes', meanOf(r), plural(Math.round(r.mean * r.n), 'score'))}{tile('No', r.mean === 1 ? '0%' : percent(1 - r.mean, 1), plural(r.n - Math.round(r.mean * r.n), 'score'))}</div>
  return <div class="tiles">{tile('Scores', count(r.n), 'in this range')}{tile('Mean', figure(r.mean), <>standard deviation {figure(r.sd)}</>)}{tile('Median', figure(r.p50), 'half are below it')}{tile('From', figure(r.min), <>to {figure(r.max)}</>)}</div>
}

export function Distribution({ r, params }: { r: Figures; params: Record<string, string> }) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const list = useGet<ScorePage>(r.type === 'number' ? query('/api/v1/scores', { ...params, limit: SAMPLE }) : '')
  const bins = useMemo(() => histogram((list.data?.scores ?? []).flatMap((s) => (typeof s.value === 'number' ? [s.value] : []))), [list.data])
  const shown = bins.reduce((s, b) => s + b.n, 0)
  if (r.type !== 'number') {
    const yes = Math.round(r.mean * r.n)
    const all: Word[] = r.type === 'boolean' ? [{ word: 'yes', n: yes, colour: 'c3' }, { word: 'no', n: r.n - yes, colour: 'c6' }] : words(r)
    return <Card title="Distribution" sub={plural(r.n, 'score')}><div class="card-body"><Shares list={all} whole={r.n} /></div></Card>
  }
  const sub = list.data ? (list.data.next ? `of the newest ${count(shown)}` : plural(shown, 'score')) : undefined
  return (
    <Card title="Distribution" sub={sub} actions={<View value={view} onChange={setView} />}>
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !list.data ? <SkeletonRows n={6} /> : view === 'chart' ? <Histogram bins={bins} label={'Distribution of ' + r.name} /> : (
        <div class="table-tall" tabIndex={0} role="region" aria-label={`Distribution of ${r.name}, table`}>
          <table class="table dense" data-bins><thead><tr><th scope="col">{bins.every((b) => b.low === b.high) ? 'Value' : 'From, to below'}</th><th scope="col" class="num">Scores</th><th scope="col" class="num">Share</th></tr></thead>
            <tbody>{bins.map((b) => <tr key={b.low}><td>{b.label}</td><td class="num">{count(b.n)}</td><td class="num">{b.n ? percent(b.n, shown) : '0%'}</td></tr>)}</tbody></table>
        </div>
      )}
    </Card>
  )
}

export function OverTime({ r, params, since, until }: { r: Figures; params: Record<string, string>; since: number; until: number }) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const sums = useGet<Summary>(query('/api/v1/scores/summary', { ...params, by: 'day' }))
  const d = useMemo(() => sums.data && byDay(sums.data.rows.filter((x) => x.name === r.name), r.type, since, until), [sums.data, r.name, r.type, since, until])
  if (sums.error) return <Card title="Over time"><div class="card-body"><Problem error={sums.error} retry={sums.reload} /></div></Card>
  if (!d) return <Card title="Over time"><SkeletonRows n={6} /></Card>
  if (r.type === 'category') return <TimeChart title="Over time" sub="scores by the day of their call, UTC" pivot={categoryDays(d, words(r).map((w) => w.word))} measure="calls" grain="day" />
  const yes = r.type === 'boolean'
  const say = (v: number): string => (yes ? (v === 0 ? '0%' : percent(v, 1)) : figure(v))
  const rows = d.rows.flatMap((x, i) => (x ? [{ x, t: d.times[i]! }] : [])).reverse()
  return (
    <Card title={yes ? 'Yes, over time' : 'Mean over time'} sub="by the day of the call, UTC" actions={<View value={view} onChange={setView} />}>
      {view === 'chart' ? (
        <div class="band-body"><BandChart label={`${yes ? 'Share of yes' : 'Mean'} of ${r.name} by day`} times={d.times} days dots format={say} {...(yes ? { range: [0, 1] as [number, number] } : {})}
          lines={[{ label: yes ? 'Yes' : 'Mean', colour: 'c1', values: d.rows.map((x) => x?.mean ?? null), said: (i) => <><b>{say(d.rows[i]!.mean)}</b><span class="of">of {plural(d.rows[i]!.n, 'score')}</span></> }]} /></div>
      ) : (
        <div class="table-tall" tabIndex={0} role="region" aria-label={`${r.name} over time, table`}>
          <table class="table dense" data-days><thead><tr><th scope="col">Day (UTC)</th><th scope="col" class="num">Scores</th><th scope="col" class="num">{yes ? 'Yes' : 'Mean'}</th>{!yes && <><th scope="col" class="num">SD</th><th scope="col" class="num">Min</th><th scope="col" class="num">Max</th></>}</tr></thead>
            <tbody>{rows.map(({ x, t }) => <tr key={t}><td class="nowrap">{utcDay(t)}</td><td class="num">{count(x.n)}</td><td class="num"><b>{say(x.mean)}</b></td>{!yes && <><td class="num">{figure(x.sd)}</td><td class="num">{figure(x.min)}</td><td class="num">{figure(x.max)}</td></>}</tr>)}</tbody></table>
        </div>
      )}
    </Card>
  )
}

type Grouping = keyof typeof groupings & string

export function Compared({ r, params }: { r: Figures; params: Record<string, string> }) {
  const [by, setBy] = useState<Grouping>('prompt')
  const g = groupings[by]!
  const sums = useGet<Summary>(query('/api/v1/scores/summary', { ...params, by: g.by.join(',') }))
  const rows = (sums.data?.rows ?? []).filter((x) => x.name === r.name && x.type === r.type && g.by.every((k) => k in x.group)).sort((a, b) => b.n - a.n)
  const order = words(r).map((w) => w.word)
  const number = r.type === 'number'
  return (
    <Card title="Compared" sub={number ? 'bar: all scores, one standard deviation, mean' : undefined} actions={<Segmented small class="fit" label="By" value={by} onChange={setBy} options={Object.entries(groupings).map(([k, v]) => [k, v.name] as const)} />}>
      {sums.error ? <div class="card-body"><Problem error={sums.error} retry={sums.reload} /></div> : !sums.data ? <SkeletonRows n={4} /> : (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${r.name} by ${g.name.toLowerCase()}, table`}><table class="table" data-compared={by}>
          <thead><tr><th scope="col">{g.name}</th><th scope="col" class="num">Scores</th><th scope="col" class="num">{number ? 'Mean' : r.type === 'boolean' ? 'Yes' : 'Most frequent'}</th>{number && <th scope="col" class="num wide">SD</th>}<th scope="col" class="spread-cell">Spread</th></tr></thead>
          <tbody>
            {rows.map((x) => {
              const filter = filterOfGroup(x.group)
              const text = g.by.map((k) => x.group[k]).filter(Boolean).join(': ') || '(none)'
              return <tr key={text}><td class="name">{filter ? <button type="button" class="linklike any" title="Only these scores" onClick={() => patch(filter)}>{text}</button> : <span class="faint">{text}</span>}</td><td class="num">{count(x.n)}</td><td class="num any"><b>{meanOf(x)}</b></td>{number && <td class="num wide">{figure(x.sd)}</td>}<td class="spread-cell"><Spread r={x} low={r.min} high={r.max} order={order} /></td></tr>
            })}
          </tbody>
        </table></div>
      )}
    </Card>
  )
}
