/** A series of traffic in detail: both distributions, its days, and what most of the change is of. */

import { useState } from 'preact/hooks'
import { useGet } from '../lib/api'
import { callsOf, classText, effectText, isLength, metrics, movedText, psiWord, type Class, type Detail, type Series } from '../lib/drift'
import { count } from '../lib/format'
import { BandChart } from './bandchart'
import { Icon } from './icons'
import { Problem, Segmented, SkeletonRows, Time } from './parts'

const share = (v: number): string => (v === 0 ? '0%' : v < 0.001 ? '<0.1%' : (v * 100).toFixed(1) + '%')

export function DriftDetail({ s, until }: { s: Series; until: string }) {
  const one = useGet<Detail>('/api/v1/drift/' + encodeURIComponent(s.id))
  const moved = movedText(s)
  return (
    <div class="drift-detail">
      <div class="stack" style={{ gap: '8px' }}>
        <p>{s.reason}.</p>
        {moved && <p>Most of the change is of {moved}. <a href={callsOf(s, until, s.moved)}>Its calls</a></p>}
        <dl class="drift-facts">
          {s.shift && <><dt>PSI</dt><dd>{s.shift.psi.toFixed(3)}, {psiWord(s.shift.psi)}; {s.shift.expected.toFixed(3)} would be chance</dd></>}
          {s.effect && <><dt>{s.effect.kind === 'ratio' ? 'Length' : s.effect.class ? `Share of ${s.effect.class}` : 'Share'}</dt><dd>{effectText(s.effect)[0]} (95%: {effectText(s.effect)[1]})</dd></>}
          {s.p_adjusted !== null && <><dt>Adjusted p</dt><dd>{s.p_adjusted < 0.0001 ? 'below 0.0001' : s.p_adjusted.toPrecision(2)}</dd></>}
          {s.noise !== null && <><dt>Days differ</dt><dd>{s.noise < 1.05 ? 'by no more than chance' : `${s.noise.toFixed(1)} times as much as by chance; that is counted in`}</dd></>}
          <dt>Calls</dt><dd>{count(s.n)} in the day, {count(s.reference_n)} in {s.weeks} weeks before</dd>
        </dl>
        <a class="btn small" style={{ justifySelf: 'start' }} href={callsOf(s, until)}>The day's calls</a>
      </div>
      {one.error ? <Problem error={one.error} retry={one.reload} /> : !one.data ? <SkeletonRows n={5} /> : <>
        <Distribution s={one.data} />
        <Daily s={one.data} />
      </>}
    </div>
  )
}

/** Distribution is a table whose rows are bars: what was, and what is. */
function Distribution({ s }: { s: Detail }) {
  const most = Math.max(0.0001, ...s.classes.flatMap((c) => [c.share, c.reference]))
  const bar = (c: Class) => <div class="pair-bars" aria-hidden="true"><i class="was" style={{ width: (c.reference / most) * 100 + '%' }} /><i class="is" style={{ width: (c.share / most) * 100 + '%' }} /></div>
  return (
    <section class="stack" style={{ gap: '6px' }} aria-label="Both distributions">
      <h3>{isLength(s.metric) ? 'Tokens, before and now' : 'Calls, before and now'}</h3>
      <ul class="legend"><li><i class="swatch was" />weeks before</li><li><i class="swatch is" />the day</li></ul>
      <div class="scroll" tabIndex={0} role="region" aria-label="Both distributions, table"><table class="mini shares pair">
        <thead class="sr"><tr><th scope="col">{isLength(s.metric) ? 'Tokens' : 'Which'}</th><th scope="col">As bars</th><th scope="col">Before</th><th scope="col">The day</th></tr></thead>
        <tbody>{s.classes.map((c) => <tr key={classText(c)}><td class="any">{classText(c)}</td><td class="bar">{bar(c)}</td><td class="num faint">{share(c.reference)}</td><td class="num">{share(c.share)}</td></tr>)}</tbody>
      </table></div>
    </section>
  )
}

/** Daily is the PSI of each day against the same weekday of the other weeks. */
function Daily({ s }: { s: Detail }) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const times = s.days.map((d) => Date.parse(d.until))
  const values = s.days.map((d) => d.psi)
  if (values.filter((v) => v !== null).length < 2) return null
  return (
    <section class="stack" style={{ gap: '6px' }} aria-label="PSI by day">
      <div class="row wrap">
        <h3 class="grow">PSI by day <span class="faint small">each against its weekday of the other weeks</span></h3>
        <Segmented small class="icons" label="View" value={view} onChange={setView} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />
      </div>
      {view === 'chart' ? (
        <>
          <BandChart label={`PSI of ${metrics[s.metric]} by day`} times={times} lines={[{ label: 'PSI', colour: 'c1', values }]} levels={[{ label: 'moderate', at: 0.1, colour: 'warn', dash: [4, 4] }, { label: 'large', at: 0.25, colour: 'bad', dash: [6, 4] }]} gaps format={(v) => v.toFixed(2)} height={180} />
          <ul class="legend"><li><span class="stroke" style={{ borderColor: 'var(--c1)' }} />PSI</li><li><span class="stroke dash" style={{ borderColor: 'var(--warn)' }} />0.1, moderate</li><li><span class="stroke dash" style={{ borderColor: 'var(--bad)' }} />0.25, large</li></ul>
        </>
      ) : (
        <div class="table-tall" tabIndex={0} role="region" aria-label="PSI by day, table"><table class="table dense">
          <thead><tr><th scope="col">24 hours until</th><th scope="col" class="num">Calls</th><th scope="col" class="num">PSI</th></tr></thead>
          <tbody>{[...s.days].reverse().map((d) => <tr key={d.until}><td class="nowrap"><Time iso={d.until} mode="full" /></td><td class="num">{count(d.n)}</td><td class="num">{d.psi === null ? '–' : d.psi.toFixed(3)}</td></tr>)}</tbody>
        </table></div>
      )}
    </section>
  )
}
