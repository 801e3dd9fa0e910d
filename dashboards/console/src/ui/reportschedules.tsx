/** Which reports are sent, when, and to whom. */

import { useState } from 'preact/hooks'
import { Failure, request, type Facets, type Loaded, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { schedulePath, wordsOf, type Kind, type Schedule, type ScheduleList } from '../lib/reports'
import { useSession } from '../lib/session'
import { Ask } from './ask'
import { Icon } from './icons'
import { Card, Problem, Segmented, SkeletonRows, Time, toast } from './parts'

export function Schedules({ list }: { list: Loaded<ScheduleList> }) {
  const may = useSession().may('developer')
  const [making, setMaking] = useState<Schedule | 'new' | null>(null)
  const [leaving, setLeaving] = useState<Schedule | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const send = async (s: Schedule) => {
    try {
      const sent = await request<{ deliveries: unknown[] }>('POST', schedulePath(s.name) + '/send')
      setError(null)
      toast(`On its way to ${plural(sent.deliveries.length, 'channel')}`)
    } catch (x) { setError(x as Failure) }
  }
  const d = list.data
  return (
    <Card title="Sent by schedule" sub={d && d.schedules.length > 0 ? String(d.schedules.length) : undefined} actions={may && d && <button type="button" class="btn small no-print" onClick={() => setMaking('new')}><Icon name="plus" size={14} />New schedule</button>}>
      {error && <div class="card-body"><Problem error={error} /></div>}
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !d ? <SkeletonRows n={2} /> : (
        <>
          {!d.channels.length && <p class="card-body small muted">Nobody is sent a report: the configuration lists no channels. Add a mail address, a webhook or Slack under <code>alerts.notify</code>; <a href="/alerts">alerts</a> use the same.</p>}
          {!d.schedules.length ? d.channels.length > 0 && <p class="card-body muted">No schedule yet. A weekly report is sent on Mondays, a monthly one on the first.</p> : (
            <div class="scroll" tabIndex={0} role="region" aria-label="Schedules, table"><table class="table" data-schedules>
              <thead><tr><th scope="col">Name</th><th scope="col">Of</th><th scope="col">When</th><th scope="col" class="wide">To</th><th scope="col" class="wide">Next</th><th scope="col" class="wide">Last</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
              <tbody>{d.schedules.map((s) => (
                <tr key={s.name}>
                  <td style={{ overflowWrap: 'anywhere', minWidth: '100px' }}>{s.name}{s.source === 'file' && <> <span class="badge" title="It stands in the configuration file, and is changed there.">file</span></>}{s.disabled && <> <span class="badge">by hand only</span></>}{s.error && <> <span class="badge bad" title={s.error}>not sent, tried again</span></>}</td>
                  <td style={{ overflowWrap: 'anywhere', minWidth: '60px' }}>{s.project || 'all projects'}</td>
                  <td>{wordsOf(s, d.timezone)}</td>
                  <td class="wide">{s.notify?.length ? s.notify.join(', ') : d.channels.length ? 'every channel' : 'nobody'}</td>
                  <td class="wide nowrap">{s.next_at ? <Time iso={s.next_at} mode="full" /> : '–'}</td>
                  <td class="wide nowrap">{s.last ? <span title={s.last.at}>{s.last.period}</span> : <span class="faint">none yet</span>}</td>
                  <td class="num"><span class="row" style={{ justifyContent: 'flex-end' }}>
                    {may && <button type="button" class="btn small" disabled={!d.channels.length} title={d.channels.length ? 'Send the report of the last period that is over' : 'The configuration lists no channels'} onClick={() => void send(s)} aria-label={'Send now: ' + s.name}>Send now</button>}
                    {may && s.source === 'api' && <button type="button" class="btn small" onClick={() => setMaking(s)} aria-label={'Edit ' + s.name}>Edit</button>}
                    {may && s.source === 'api' && <button type="button" class="btn small quiet icon" onClick={() => setLeaving(s)} aria-label={'Remove ' + s.name} title="Remove"><Icon name="close" size={14} /></button>}
                  </span></td>
                </tr>
              ))}</tbody>
            </table></div>
          )}
        </>
      )}
      {making && d && <ScheduleForm s={making === 'new' ? null : making} channels={d.channels} zone={d.timezone} onClose={() => setMaking(null)} onDone={() => { toast(making === 'new' ? 'Schedule made' : 'Schedule changed'); setMaking(null); list.reload() }} />}
      {leaving && <Ask title={`Remove "${leaving.name}"?`} yes="Remove the schedule" no="Keep it" danger act={() => request('DELETE', schedulePath(leaving.name))} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); toast('Schedule removed'); list.reload() }}><p>Its report is sent no more. It can still be read here.</p></Ask>}
    </Card>
  )
}

function ScheduleForm({ s, channels, zone, onClose, onDone }: { s: Schedule | null; channels: string[]; zone: string; onClose: () => void; onDone: () => void }) {
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const [name, setName] = useState(s?.name ?? '')
  const [period, setPeriod] = useState<Kind>(s?.period ?? 'week')
  const [project, setProject] = useState(s?.project ?? '')
  const [at, setAt] = useState(s?.at ?? '08:00')
  const [timezone, setTimezone] = useState(s?.timezone ?? '')
  const [to, setTo] = useState<string[]>(s?.notify ?? [])
  const body = { name: name.trim(), period, project: project.trim() || undefined, at: at.trim(), timezone: timezone.trim() || undefined, notify: to.length ? to : undefined, disabled: s?.disabled || undefined }
  return (
    <Ask title={s ? 'Change ' + s.name : 'A new schedule'} yes={s ? 'Change it' : 'Make it'} ready={name.trim() !== ''} onClose={onClose} onDone={onDone}
      act={() => (s ? request('PUT', schedulePath(s.name), body) : request('POST', '/api/v1/reports/schedules', body))}>
      <label class="label">Name<input class="field" name="name" autoFocus maxLength={64} placeholder="support-weekly" value={name} disabled={!!s} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <div class="label"><span>Sent</span><Segmented label="Sent" value={period} onChange={setPeriod} options={[['week', 'Every Monday'], ['month', 'On the first']]} /></div>
      <label class="label">Of the project<input class="field" name="project" list="report-projects" placeholder="all projects" value={project} onInput={(e) => setProject(e.currentTarget.value)} /></label>
      <datalist id="report-projects">{(facets.data?.project ?? []).map((p) => <option key={p.value} value={p.value} />)}</datalist>
      <div class="fields">
        <label class="label">At<input class="field" name="at" placeholder="08:00" value={at} onInput={(e) => setAt(e.currentTarget.value)} /></label>
        <label class="label">Time zone<input class="field" name="timezone" placeholder={zone} value={timezone} onInput={(e) => setTimezone(e.currentTarget.value)} /></label>
      </div>
      <fieldset class="label report-to"><legend>To</legend>
        {channels.length ? channels.map((c) => <label class="row" key={c}><input type="checkbox" checked={to.includes(c)} onChange={(e) => setTo(e.currentTarget.checked ? [...to, c] : to.filter((o) => o !== c))} />{c}</label>) : <span class="faint small">The configuration lists no channels yet; the schedule waits for one.</span>}
        {channels.length > 0 && <span class="faint small">None chosen: every channel.</span>}
      </fieldset>
    </Ask>
  )
}
