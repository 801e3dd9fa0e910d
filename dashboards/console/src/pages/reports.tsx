/** Reports: a week or a month on paper, and who is sent it. */

import { useGet, type Facets } from '../lib/api'
import { path, periods, today, type Kind, type ScheduleList } from '../lib/reports'
import { patch, useLocation } from '../lib/router'
import { Paper } from '../ui/paper'
import { Segmented } from '../ui/parts'
import { Schedules } from '../ui/reportschedules'
import { Page } from '../ui/shell'

export function ReportsPage() {
  const { params } = useLocation()
  const list = useGet<ScheduleList>('/api/v1/reports/schedules')
  const facets = useGet<Facets>('/api/v1/facets?since=90d')
  const kind: Kind = params.get('period') === 'month' ? 'month' : 'week'
  const project = params.get('project') ?? '', timezone = params.get('timezone') ?? ''
  const choices = periods(kind, today(timezone || list.data?.timezone || 'UTC'))
  const of = params.get('of') || choices[1]![0]
  if (!choices.some(([name]) => name === of)) choices.push([of, of])
  const projects = (facets.data?.project ?? []).map((p) => p.value)
  if (project && !projects.includes(project)) projects.push(project)
  const known = list.data || list.error // the zone that the periods are of
  return (
    <Page title="Reports" sub="A week or a month on paper: spend against the one before and the budgets, savings, forecast, scores, incidents and what moved most.">
      <div class="row wrap no-print" style={{ gap: '8px 12px' }}>
        <Segmented label="Period" value={kind} onChange={(v) => patch({ period: v === 'week' ? undefined : v, of: undefined }, true)} options={[['week', 'Week'], ['month', 'Month']]} />
        <label class="sr" for="report-of">Which</label>
        <select id="report-of" class="field small-field" value={of} onChange={(e) => patch({ of: e.currentTarget.value }, true)}>{choices.map(([name, text]) => <option key={name} value={name}>{text}</option>)}</select>
        <label class="sr" for="report-project">Project</label>
        <select id="report-project" class="field small-field" value={project} onChange={(e) => patch({ project: e.currentTarget.value || undefined }, true)}><option value="">all projects</option>{projects.map((p) => <option key={p} value={p}>{p}</option>)}</select>
      </div>
      {known && <Paper at={path(kind, { of, project, timezone, format: 'html' })} title={of} project={project} file={`weir-${of}${project && '-' + project.replace(/[^\w.-]+/g, '_')}.html`} />}
      <Schedules list={list} />
    </Page>
  )
}
