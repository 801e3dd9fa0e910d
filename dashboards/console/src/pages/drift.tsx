/** Drift: how the last day's traffic, and its scores, compare with what was before. */

import { Fragment } from 'preact'
import { query, useGet } from '../lib/api'
import { effectText, metrics, movedText, callsOf, ofText, psiWord, states, valueText, type DriftList, type Metric, type Row } from '../lib/drift'
import { count, plural } from '../lib/format'
import { driftWords, type Drift as ScoreDrift } from '../lib/online'
import { patch, useLocation } from '../lib/router'
import { figure } from '../lib/scores'
import { utcDay } from '../lib/time'
import { DriftDetail } from '../ui/driftdetail'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, Segmented, SkeletonRows, Time } from '../ui/parts'
import { Page } from '../ui/shell'

const many = 60 // rows that are shown at first

export function DriftPage() {
  const { params } = useLocation()
  const project = params.get('project') ?? '', metric = params.get('metric') ?? '', show = params.get('show') ?? ''
  const list = useGet<DriftList>('/api/v1/drift')
  const all = list.data?.series ?? []
  const projects = [...new Set(all.map((s) => s.project))].sort()
  if (project && !projects.includes(project)) projects.push(project)
  const rows = all.filter((s) => (!project || s.project === project) && (!metric || s.metric === metric) && (show === 'all' || (show === 'drifted' ? s.state === 'drifted' : s.state === 'drifted' || (!s.prompt && !s.model))))
  const d = list.data
  return (
    <Page title="Drift" sub="The last 24 hours against the same weekday of the four weeks before." actions={<button type="button" class="btn" onClick={list.reload}><Icon name="refresh" size={14} />Read again</button>}>
      {list.error ? <Problem error={list.error} retry={list.reload} /> : !d ? <Card label="Series"><SkeletonRows n={8} /></Card> : !d.calls ? (
        <Card label="Series"><Empty icon="drift" title="Nothing to compare yet"><p>Drift compares a day of calls with the same weekday of the weeks before: after two weeks of calls the first series appear here, by themselves.</p></Empty></Card>
      ) : (
        <>
          <div class={'notice ' + (d.drifted ? 'bad' : 'plain')} role="status" data-drifted={d.drifted}>
            <Icon name={d.drifted ? 'warn' : 'check'} />
            <div>
              <b>{d.drifted ? `${d.drifted} of ${plural(d.compared, 'series', 'series')} ${d.drifted === 1 ? 'has' : 'have'} drifted` : d.compared ? `Nothing has drifted: ${plural(d.compared, 'series is', 'series are')} as before` : 'Nothing can be compared yet: two weeks of calls are needed'}</b>
              <div class="small">24 hours until <Time iso={d.until} mode="full" />{d.sample < 1 && `, a sample of ${Math.round(d.sample * 100)}% of ${count(d.calls)} calls`}{d.left > 0 && `; ${plural(d.left, 'series', 'series')} with fewer calls left out`}. <a href="/alerts">Be told by an alert</a> on drift_psi.</div>
            </div>
          </div>
          <Card title="Traffic" sub={plural(rows.length, 'series', 'series')} actions={
            <div class="row wrap">
              <label class="sr" for="drift-project">Project</label>
              <select id="drift-project" class="field small-field" value={project} onChange={(e) => patch({ project: e.currentTarget.value || undefined }, true)}><option value="">every project</option>{projects.map((p) => <option key={p} value={p}>{p}</option>)}</select>
              <label class="sr" for="drift-metric">What</label>
              <select id="drift-metric" class="field small-field" value={metric} onChange={(e) => patch({ metric: e.currentTarget.value || undefined }, true)}><option value="">everything</option>{(Object.keys(metrics) as Metric[]).map((m) => <option key={m} value={m}>{metrics[m]}</option>)}</select>
              <Segmented small label="Which" value={show || 'some'} onChange={(v) => patch({ show: v === 'some' ? undefined : v }, true)} options={[['drifted', 'Drifted', 'only what has drifted'], ['some', 'Projects', 'whole projects, and what has drifted'], ['all', 'All', 'prompts and models too']]} />
            </div>
          }>
            {rows.length ? <Table rows={rows} until={d.until} open={params.get('series')} all={params.get('rows') === 'all'} /> : <p class="card-body muted">{show === 'drifted' ? 'Nothing of this has drifted.' : 'Nothing fits: choose another project, or everything.'}</p>}
          </Card>
        </>
      )}
      <Scores />
    </Page>
  )
}

function Table({ rows, until, open, all }: { rows: Row[]; until: string; open: string | null; all: boolean }) {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Series, table"><table class="table drift-table">
        <thead><tr><th scope="col">Series</th><th scope="col">State</th><th scope="col" class="num">PSI</th><th scope="col" class="wide">28 days</th><th scope="col" class="num">Now</th><th scope="col" class="num wide">Before</th><th scope="col" class="num">Change</th><th scope="col" class="wide">Most of it</th></tr></thead>
        <tbody>{(all ? rows : rows.slice(0, many)).map((s) => (
          <Fragment key={s.id}>
            <tr data-series={s.id} data-metric={s.metric}>
              <td class="name"><button type="button" class="linklike drift-toggle" aria-expanded={s.id === open} onClick={() => patch({ series: s.id === open ? undefined : s.id }, true)}><Icon name={s.id === open ? 'down' : 'right'} size={12} />{metrics[s.metric]}</button><span class="faint small drift-of">{ofText(s)}</span></td>
              <td><span class={'badge ' + states[s.state][0]} title={s.reason}><span class="dot" />{states[s.state][1]}</span></td>
              <td class="num" title={s.shift ? psiWord(s.shift.psi) : undefined}>{s.shift ? s.shift.psi.toFixed(2) : '–'}</td>
              <td class="wide"><Psi values={s.daily_psi} /></td>
              <td class="num nowrap">{valueText(s.metric, s.value)}{s.effect?.class && <span class="faint small drift-of">{s.effect.class}</span>}</td>
              <td class="num nowrap wide">{valueText(s.metric, s.reference_value)}</td>
              <td class="num nowrap">{s.effect ? <>{effectText(s.effect)[0]}<span class="faint small drift-of">{effectText(s.effect)[1]}</span></> : '–'}</td>
              <td class="wide">{s.moved ? <a href={callsOf(s, until, s.moved)} title={movedText(s)}>{s.moved.by} {s.moved.name || '(none)'}</a> : <span class="faint">–</span>}</td>
            </tr>
            {s.id === open && <tr class="drift-open"><td colSpan={8}><DriftDetail s={s} until={until} /></td></tr>}
          </Fragment>
        ))}</tbody>
      </table></div>
      {!all && rows.length > many && <div class="more"><button type="button" class="btn small" onClick={() => patch({ rows: 'all' }, true)}>Show {rows.length - many} more</button></div>}
    </>
  )
}

/** Psi is a small line of the days; the details have them as a table. */
function Psi({ values }: { values: (number | null)[] }) {
  const top = Math.max(0.25, ...values.map((v) => v ?? 0))
  const points = values.map((v, i) => (v === null ? null : `${((i / (values.length - 1)) * 100).toFixed(1)},${(28 - (v / top) * 26).toFixed(1)}`)).filter(Boolean)
  if (points.length < 2) return <svg class="drift-spark" aria-hidden="true" />
  return (
    <svg class="drift-spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <line x1="0" x2="100" y1={28 - (0.1 / top) * 26} y2={28 - (0.1 / top) * 26} stroke="var(--line-strong)" stroke-dasharray="3 3" vector-effect="non-scaling-stroke" />
      <polyline points={points.join(' ')} fill="none" stroke="var(--accent)" stroke-width="1.5" vector-effect="non-scaling-stroke" stroke-linejoin="round" />
    </svg>
  )
}

/** Scores shows the last day of each score of online evaluation. */
function Scores() {
  const list = useGet<{ rows: ScoreDrift[] }>(query('/api/v1/scores/drift', { since: '14d' }))
  if (list.error) return <Card title="Scores"><div class="card-body"><Problem error={list.error} retry={list.reload} /></div></Card>
  if (!list.data) return <Card title="Scores"><SkeletonRows n={3} /></Card>
  const last = list.data.rows.filter((r, i, all) => all.findIndex((o) => o.rule === r.rule && o.scorer === r.scorer) === i)
  return (
    <Card title="Scores" sub="each day's scores of online evaluation against up to 28 days before it">
      {!last.length ? <p class="card-body muted">No scores are compared yet: <a href="/scores/online">a rule of online evaluation</a> scores live calls, and an hour after midnight (UTC) its day is compared.</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Drift of scores, table"><table class="table">
          <thead><tr><th scope="col">Score</th><th scope="col">State</th><th scope="col" class="num">PSI</th><th scope="col" class="num">Mean</th><th scope="col" class="num wide">Before</th><th scope="col" class="num">Change</th><th scope="col" class="wide">Day</th></tr></thead>
          <tbody>{last.map((r) => (
            <tr key={r.rule + ' ' + r.scorer}>
              <td class="name"><a href={query('/scores', { name: r.scorer, config_version: r.config_version })}>{r.scorer}</a><span class="faint small drift-of">{r.rule}</span></td>
              <td><span class={'badge ' + driftWords[r.state][0]} title={r.reason}><span class="dot" />{driftWords[r.state][1]}</span></td>
              <td class="num">{r.shift ? r.shift.psi.toFixed(2) : '–'}</td>
              <td class="num">{r.mean === null ? '–' : figure(r.mean)}</td>
              <td class="num wide">{r.reference_mean === null ? '–' : figure(r.reference_mean)}</td>
              <td class="num nowrap">{r.difference ? <>{figure(r.difference.difference)}<span class="faint small drift-of">{figure(r.difference.low)} to {figure(r.difference.high)}</span></> : '–'}</td>
              <td class="wide nowrap">{utcDay(Date.parse(r.day))}</td>
            </tr>
          ))}</tbody>
        </table></div>
      )}
    </Card>
  )
}
