/** How far two scores agree on the calls that have both: a judge and people, say. */

import { useMemo, useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { couple, kindsOf, sides, strength, type Agreement, type Disagreement, type Interval } from '../lib/annotations'
import { count, percent, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { patch, useLocation } from '../lib/router'
import { figure, type Summary } from '../lib/scores'
import { resolve } from '../lib/time'
import { Card, Empty, Problem, Segmented, SkeletonRows, Time } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { AgreementPlot } from '../ui/agreementplot'
import { ScoreTabs } from '../ui/scoretabs'
import { ScoreValue } from '../ui/scoreparts'
import { Page } from '../ui/shell'

export function AgreementPage() {
  const { params } = useLocation()
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const range = useMemo(() => resolve(params, '30d', minute), [params.toString(), minute])
  const span = { since: range.since, ...(range.until ? { until: range.until } : {}), project: params.get('project') }
  const known = useGet<Summary>(query('/api/v1/scores/summary', { ...span, by: 'source' }))
  const all = useMemo(() => sides(known.data?.rows ?? []), [known.data])
  const [first, second] = useMemo(() => couple(all, kindsOf(known.data?.rows ?? [])), [all])
  const a = params.get('a') || first, b = params.get('b') || second
  const got = useGet<Agreement>(a && b ? query('/api/v1/scores/agreement', { a, b, ...span, threshold: params.get('threshold') }) : '')
  useShortcuts({ r: got.reload, x: () => patch({ a: b, b: a }) })
  const pick = (name: 'a' | 'b', value: string, label: string) => (
    <label class="label pick-side">{label}<select class="field" name={name} value={value} onChange={(e) => patch({ [name]: e.currentTarget.value })}>{[...new Set([...all, value])].filter(Boolean).map((s) => <option key={s} value={s}>{s.replace(':', ', by ')}</option>)}</select></label>
  )
  const d = got.data
  return (
    <Page title="Scores" sub="How far two scores agree on the calls that have both." actions={<RangePicker range={range} />}>
      <ScoreTabs here="agreement" />
      {known.error ? <Problem error={known.error} retry={known.reload} /> : !known.data ? <Card label="Agreement"><SkeletonRows n={6} /></Card> : !a || !b ? (
        <Card label="Agreement"><Empty icon="score" title="There are no two scores to compare"><p>People score calls in a <a href="/scores/annotate">queue</a> or on a call's page, judges in <a href="/datasets?tab=runs">runs</a> and online; where a call has both, this page says how far they agree.</p></Empty></Card>
      ) : (
        <>
          <div class="row wrap no-print sides">{pick('a', a, 'Compare')}{pick('b', b, 'With')}
            <label class="label pick-side">Yes from<input class="field" name="threshold" inputMode="decimal" placeholder="no threshold" defaultValue={params.get('threshold') ?? ''} onChange={(e) => patch({ threshold: e.currentTarget.value.trim() || undefined })} /></label>
          </div>
          {got.error ? <Problem error={got.error} retry={got.reload} /> : !d ? <Card label="Agreement"><SkeletonRows n={8} /></Card> : !d.pairs ? (
            <Card label="Agreement"><Empty icon="search" title="No call has both scores"><p>{plural(d.only_a, 'call')} in this range {d.only_a === 1 ? 'has' : 'have'} only {a.replace(':', ' by ')}, {count(d.only_b)} only {b.replace(':', ' by ')}.</p></Empty></Card>
          ) : <Shown d={d} a={a} b={b} />}
        </>
      )}
    </Page>
  )
}

const within = (i: Interval | null, f: (v: number) => string): string => (i ? `${f(i.low)} to ${f(i.high)}` : 'interval not known')
const share = (v: number): string => (v * 100).toFixed(1) + '%'

function Tile({ k, v, s, name }: { k: string; v: string; s: string; name: string }) {
  return <div class="card tile" data-figure={name}><span class="k">{k}</span><span class="v">{v}</span><span class="s">{s}</span></div>
}

function Shown({ d, a, b }: { d: Agreement; a: string; b: string }) {
  const [view, setView] = useState<'picture' | 'table'>('picture')
  const c = d.classes, n = d.numbers
  const capped = d.a.capped || d.b.capped
  return (
    <>
      <p class="faint small" data-pairs={d.pairs}>{plural(d.pairs, 'call')} with both; {count(d.only_a)} with only the one, {count(d.only_b)} with only the other.{capped && ' There are more scores than are compared: these are the newest.'}</p>
      <div class="tiles">
        {c && <>
          <Tile name="agreement" k="Agreement" v={share(c.agreement)} s={within(c.agreement_interval, share)} />
          <Tile name="kappa" k="Cohen's kappa" v={c.kappa === null ? 'not defined' : c.kappa.toFixed(2)} s={c.kappa === null ? d.notes.kappa ?? '' : `${within(c.kappa_interval, (v) => v.toFixed(2))}, ${strength(c.kappa)}`} />
          <Tile name="base" k="Base rate" v={share(c.base_rate)} s={`reached by always saying ${say(c.base_name)}`} />
        </>}
        {n && <>
          <Tile name="pearson" k="Pearson" v={n.pearson === null ? 'not defined' : n.pearson.toFixed(2)} s={n.pearson === null ? d.notes.pearson ?? '' : within(n.pearson_interval, (v) => v.toFixed(2))} />
          <Tile name="spearman" k="Spearman" v={n.spearman === null ? 'not defined' : n.spearman.toFixed(2)} s={n.spearman === null ? '' : within(n.spearman_interval, (v) => v.toFixed(2))} />
          <Tile name="difference" k="Mean difference" v={figure(n.mean_difference)} s={within(n.mean_difference_interval, figure)} />
          <Tile name="limits" k="Limits of agreement" v={n.limit_low === null || n.limit_high === null ? 'not known' : `${figure(n.limit_low)} to ${figure(n.limit_high)}`} s={`19 of 20 differences; ${share(n.equal)} are the same`} />
          {d.weighted && <Tile name="weighted" k="Weighted kappa" v={d.weighted.kappa.toFixed(2)} s={`${within(d.weighted.interval, (v) => v.toFixed(2))}, quadratic`} />}
        </>}
      </div>
      {c && <Card title="Confusion" sub={`down: ${a.replace(':', ' by ')}; across: ${b.replace(':', ' by ')}`}><Matrix names={c.names} matrix={c.matrix} whole={d.pairs} /></Card>}
      {n && (
        <Card title="Call by call" sub={d.points.length < d.pairs ? `${count(d.points.length)} of ${count(d.pairs)}, evenly taken` : undefined} actions={<Segmented small label="View" value={view} onChange={setView} options={[['picture', 'Picture'], ['table', 'Table']]} />}>
          {view === 'picture' ? <AgreementPlot points={d.points} a={a.replace(':', ' by ')} b={b.replace(':', ' by ')} mean={n.mean_difference} low={n.limit_low} high={n.limit_high} /> : (
            <div class="table-tall" tabIndex={0} role="region" aria-label="Pairs, table"><table class="table dense"><thead><tr><th scope="col">Call</th><th scope="col" class="num">{a}</th><th scope="col" class="num">{b}</th><th scope="col" class="num">Difference</th></tr></thead>
              <tbody>{d.points.map((p) => <tr key={p.call_id}><td><a class="mono" href={'/calls/' + encodeURIComponent(p.call_id)}>{p.call_id}</a></td><td class="num">{figure(p.a)}</td><td class="num">{figure(p.b)}</td><td class="num">{figure(p.a - p.b)}</td></tr>)}</tbody></table></div>
          )}
        </Card>
      )}
      <Card title={d.numbers ? 'Furthest apart' : 'Where they disagree'} sub={d.disagreed > d.disagreements.length ? `${count(d.disagreements.length)} of ${count(d.disagreed)}` : count(d.disagreed)}>
        {d.disagreements.length ? <Apart list={d.disagreements} kind={d.kind || 'number'} a={a} b={b} /> : <p class="card-body muted">They agree on every call.</p>}
      </Card>
    </>
  )
}

/** say writes a class as people read it. */
const say = (x: string): string => ({ true: 'yes', false: 'no' })[x] ?? x

function Matrix({ names, matrix, whole }: { names: string[]; matrix: number[][]; whole: number }) {
  const most = Math.max(...matrix.flat(), 1)
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Confusion, table"><table class="table confusion" data-matrix>
      <thead><tr><td />{names.map((x) => <th scope="col" key={x} class="num any">{say(x)}</th>)}<th scope="col" class="num">All</th></tr></thead>
      <tbody>{matrix.map((row, i) => (
        <tr key={names[i]}><th scope="row" class="any">{say(names[i]!)}</th>
          {row.map((n, j) => <td key={j} class={'num cell' + (i === j ? ' same' : '')} style={{ '--w': n / most }} title={percent(n, whole)}><b>{count(n)}</b></td>)}
          <td class="num faint">{count(row.reduce((s, v) => s + v, 0))}</td></tr>
      ))}</tbody>
      <tfoot><tr><th scope="row">All</th>{names.map((x, j) => <td key={x} class="num faint">{count(matrix.reduce((s, row) => s + row[j]!, 0))}</td>)}<td class="num">{count(whole)}</td></tr></tfoot>
    </table></div>
  )
}

function Apart({ list, kind, a, b }: { list: Disagreement[]; kind: 'number' | 'boolean' | 'category'; a: string; b: string }) {
  const [shown, show] = useState(15)
  const said = (v: Disagreement['a'], note: string) => <><ScoreValue s={{ type: kind, value: v }} />{note && <div class="faint small any">{note.slice(0, 200)}</div>}</>
  return (
    <><div class="scroll" tabIndex={0} role="region" aria-label="Disagreements, table"><table class="table" data-apart>
      <thead><tr><th scope="col">Call</th><th scope="col">{a.replace(':', ' by ')}</th><th scope="col">{b.replace(':', ' by ')}</th><th scope="col" class="wide">When</th></tr></thead>
      <tbody>{list.slice(0, shown).map((p) => <tr key={p.call_id || p.trace_id}><td>{p.call_id ? <a class="mono" href={'/calls/' + encodeURIComponent(p.call_id)}>{p.call_id.length > 14 ? '…' + p.call_id.slice(-12) : p.call_id}</a> : <span class="mono any">trace {p.trace_id.slice(0, 12)}…</span>}</td><td>{said(p.a, p.a_comment)}</td><td>{said(p.b, p.b_comment)}</td><td class="wide muted"><Time iso={p.start_time} mode="full" /></td></tr>)}</tbody>
    </table></div>
    {list.length > shown && <div class="more"><button type="button" class="btn" onClick={() => show(list.length)}>Show more</button>{count(list.length - shown)} are not shown</div>}</>
  )
}
