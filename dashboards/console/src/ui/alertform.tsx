/** The form that makes and changes rules, and tries them on the past. */

import { useState } from 'preact/hooks'
import { faultsOf, filterOf, filterPairs, labelsText, metrics, pastless, typed, valueText, type Alert, type Replay, type Rule } from '../lib/alerts'
import { Failure, request, useGet, type Facets } from '../lib/api'
import { metrics as driftMetrics } from '../lib/drift'
import { plural } from '../lib/format'
import { Icon } from './icons'
import { Modal, Problem, Spark, Time } from './parts'

const driftSeries = Object.entries(driftMetrics)
const names = ['project', 'model', 'provider', 'user', 'key', 'prompt', 'status']

export function AlertForm({ a, channels, onClose, onDone }: { a: Alert | null; channels: string[]; onClose: () => void; onDone: (name: string) => void }) {
  const [name, setName] = useState(a?.name ?? '')
  const [metric, setMetric] = useState(a?.metric ?? 'error_rate')
  const [op, setOp] = useState(a?.op ?? 'gt')
  const [text, setText] = useState<Record<string, string>>(() => start(a))
  const [pairs, setPairs] = useState<[string, string][]>(filterPairs(a?.filter))
  const [noData, setNoData] = useState(a?.no_data ?? 'ok')
  const [notify, setNotify] = useState<string[]>(a?.notify ?? [])
  const [disabled, setDisabled] = useState(!!a?.disabled)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Failure | null>(null)
  const [past, setPast] = useState<Replay | null>(null)
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const m = metrics[metric] ?? { word: metric, unit: 'number' as const }
  const wrong = error && error.status >= 400 && error.status < 500 ? faultsOf(error) : {}
  const general = error && (error.status < 400 || error.status >= 500 ? error : wrong[''] ? new Failure(error.status, error.code, wrong['']) : null)
  const field = (f: string) => ({ value: text[f] ?? '', onInput: (e: { currentTarget: HTMLInputElement }) => setText({ ...text, [f]: e.currentTarget.value }), 'aria-invalid': wrong[f] ? true : undefined, 'aria-describedby': wrong[f] ? 'wrong-' + f : undefined })
  const said = (f: string) => wrong[f] && <span class="wrong" id={'wrong-' + f} role="alert">{wrong[f]}</span>
  const rule = (): Rule => {
    const word = (f: string) => text[f]?.trim() || undefined
    const out: Record<string, unknown> = {
      name: name.trim(), metric, op, no_data: noData, about: word('about'), for: word('for'), every: word('every'), renotify: word('renotify'), timezone: word('timezone'),
      warning: typed(m.unit, text.warning ?? ''), alert: typed(m.unit, text.alert ?? ''), filter: m.groups ? filterOf(pairs) : undefined,
      window: m.window ? word('window') : undefined, score: m.score ? word('score') : undefined, series: m.series ? word('series') : undefined, budget: m.budget ? word('budget') : undefined,
      group_by: m.groups ? (text.group_by ?? '').split(/[\s,]+/).filter(Boolean) : undefined, notify: notify.length ? notify : undefined, disabled: disabled || undefined,
      min_calls: word('min_calls') === undefined ? undefined : Number(text.min_calls) || text.min_calls,
    }
    return Object.fromEntries(Object.entries(out).filter(([, v]) => v !== undefined)) as unknown as Rule
  }
  const run = async (act: () => Promise<void>) => {
    setBusy(true)
    setError(null)
    try { await act() } catch (x) { setError(x as Failure) }
    setBusy(false)
  }
  const submit = (e: Event) => {
    e.preventDefault()
    void run(async () => {
      await request(a ? 'PUT' : 'POST', '/api/v1/alerts' + (a ? '/' + encodeURIComponent(a.name) : ''), rule())
      onDone(name.trim())
    })
  }
  const preview = () => void run(async () => {
    setPast(null)
    const r = rule()
    setPast(await request<Replay>('POST', '/api/v1/alerts/preview', { ...r, name: r.name || 'preview' }))
  })
  return (
    <Modal title={a ? `Change "${a.name}"` : 'New rule'} onClose={onClose}>
      <form class="stack" onSubmit={submit} noValidate>
        {general && <Problem error={general} />}
        <label class="label">Name<input class="field" name="name" autoFocus={!a} disabled={!!a} placeholder="such as errors" value={name} onInput={(e) => setName(e.currentTarget.value)} aria-invalid={wrong.name ? true : undefined} />{said('name')}</label>
        <label class="label">What is looked at<select class="field" name="metric" value={metric} onChange={(e) => { setMetric(e.currentTarget.value); setPast(null) }}>{Object.entries(metrics).map(([k, v]) => <option key={k} value={k}>{v.word}</option>)}</select>{said('metric')}</label>
        {m.score && <label class="label">{m.score}<input class="field" name="score" {...field('score')} />{said('score')}</label>}
        {m.series && <label class="label">Of<select class="field" name="series" value={text.series ?? ''} onChange={(e) => setText({ ...text, series: e.currentTarget.value })}><option value="">all that is compared</option>{driftSeries.map(([k, v]) => <option key={k} value={k}>{v}</option>)}</select>{said('series')}</label>}
        {m.budget && <label class="label">Budget<input class="field" name="budget" placeholder="each of them" {...field('budget')} />{said('budget')}</label>}
        <div class={m.window ? 'fields three-up' : 'fields'}>
          {m.window && <label class="label">Over<input class="field" name="window" placeholder="5m, 1h, 7d" {...field('window')} /></label>}
          <label class="label">Bad when<select class="field" name="op" value={op} onChange={(e) => setOp(e.currentTarget.value)}><option value="gt">above</option><option value="gte">at or above</option><option value="lt">below</option><option value="lte">at or below</option></select></label>
          <label class="label">For at least<input class="field" name="for" placeholder="at once" {...field('for')} /></label>
        </div>
        {said('window')}{said('op')}{said('for')}
        <div class="fields">
          <label class="label">Warning{unitHint(m.unit)}<input class="field" name="warning" inputMode="decimal" placeholder="none" {...field('warning')} /></label>
          <label class="label">Alert{unitHint(m.unit)}<input class="field" name="alert" inputMode="decimal" placeholder="none" {...field('alert')} /></label>
        </div>
        {said('warning')}{said('alert')}
        {m.groups && (
          <fieldset class="pairs">
            <legend>Of <span class="faint">{pairs.length ? 'calls that have all of these' : 'every call'}</span></legend>
            {pairs.map(([k, v], i) => (
              <div class="row" key={i}>
                <input class="field" style={{ width: '110px' }} aria-label={`What, ${i + 1}`} list="alert-names" value={k} onInput={(e) => setPairs(pairs.map((p, n) => (n === i ? [e.currentTarget.value.trim(), p[1]] : p)))} />
                <span class="faint">=</span>
                <input class="field grow" aria-label={`Value, ${i + 1}`} list={'alert-' + k} value={v} onInput={(e) => setPairs(pairs.map((p, n) => (n === i ? [p[0], e.currentTarget.value] : p)))} />
                <button type="button" class="btn quiet icon" aria-label={'Remove ' + k} onClick={() => setPairs(pairs.filter((_, n) => n !== i))}><Icon name="close" size={14} /></button>
              </div>
            ))}
            <datalist id="alert-names">{[...names, 'tag.team'].map((n) => <option key={n} value={n} />)}</datalist>
            {names.map((n) => facets.data?.[n] && <datalist key={n} id={'alert-' + n}>{facets.data[n].map((f) => <option key={f.value} value={f.value} />)}</datalist>)}
            <div><button type="button" class="btn small" onClick={() => setPairs([...pairs, [names.find((n) => !pairs.some(([k]) => k === n)) ?? 'tag.team', '']])}><Icon name="plus" size={13} />Narrow it</button></div>
            {said('filter')}
          </fieldset>
        )}
        <div class="fields">
          {m.groups && <label class="label">One state for each<input class="field" name="group_by" placeholder="none; or model, project" {...field('group_by')} /></label>}
          <label class="label">Fewest calls<input class="field" name="min_calls" inputMode="numeric" placeholder="any" {...field('min_calls')} /></label>
        </div>
        {said('group_by')}{said('min_calls')}
        <div class="fields">
          <label class="label">When there is nothing to look at<select class="field" name="no_data" value={noData} onChange={(e) => setNoData(e.currentTarget.value)}><option value="ok">it is fine</option><option value="no_data">say that there is no data</option><option value="alert">it is an alert</option></select></label>
          <label class="label">Tell again every<input class="field" name="renotify" placeholder="never" {...field('renotify')} /></label>
        </div>
        {said('no_data')}{said('renotify')}{said('every')}{said('timezone')}
        <fieldset class="pairs">
          <legend>Who is told</legend>
          {channels.length ? <div class="row wrap">{channels.map((c) => <label class="row" key={c}><input type="checkbox" checked={notify.includes(c)} onChange={(e) => setNotify(e.currentTarget.checked ? [...notify, c] : notify.filter((x) => x !== c))} />{c}</label>)}<span class="faint">{notify.length ? '' : 'none chosen: all of them'}</span></div>
            : <p class="faint">Nobody yet: the configuration lists no channels under alerts.notify. States and history are kept all the same.</p>}
          {said('notify')}
        </fieldset>
        <label class="label">What to do about it<input class="field" name="about" placeholder="told with the alert" {...field('about')} />{said('about')}</label>
        <label class="row"><input type="checkbox" checked={disabled} onChange={(e) => setDisabled(e.currentTarget.checked)} />Do not look for now</label>
        {past && <Preview past={past} />}
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Cancel</button><span class="grow" />{!pastless(metric) && <button type="button" class="btn" disabled={busy} onClick={preview}>Try on the last 30 days</button>}<button class="btn primary" disabled={busy}>{a ? 'Save' : 'Make the rule'}</button></div>
      </form>
    </Modal>
  )
}

/** start fills the fields from a rule; a new one begins with an example. */
function start(a: Alert | null): Record<string, string> {
  if (!a) return { window: '5m', warning: '2%', alert: '10%', for: '2m' }
  const limit = (v: number | undefined) => (v === undefined ? '' : a.unit === 'share' ? Math.round(v * 1e6) / 1e4 + '%' : String(v))
  return {
    window: a.window ?? '', warning: limit(a.warning), alert: limit(a.alert), for: a.for ?? '', every: a.every ?? '', renotify: a.renotify ?? '', timezone: a.timezone ?? '', about: a.about ?? '',
    score: a.score ?? '', series: a.series ?? '', budget: a.budget ?? '', group_by: (a.group_by ?? []).join(', '), min_calls: a.min_calls ? String(a.min_calls) : '',
  }
}

const unitHint = (unit: string) => <span class="faint"> {({ usd: 'in dollars', share: 'as 5%', seconds: 'in seconds', deviations: 'in deviations' } as Record<string, string>)[unit] ?? ''}</span>

/** Preview says how often the rule would have fired. */
function Preview({ past }: { past: Replay }) {
  const events = past.groups.flatMap((g) => g.events.filter((e) => e.to !== 'OK')).sort((a, b) => b.at.localeCompare(a.at))
  const values = (past.groups[0]?.points ?? []).map((p) => p.value ?? 0)
  return (
    <div class="notice plain alert-preview" role="status" data-fired={past.fired}>
      <Icon name="clock" />
      <div class="grow stack" style={{ gap: '6px' }}>
        <div><b>{past.fired === 0 ? 'It would not have fired' : `It would have fired ${plural(past.fired, 'time')}`}</b> over the last 30 days{past.groups.length > 1 ? `, in ${plural(past.groups.filter((g) => g.fired > 0).length, 'group')} of ${past.groups.length}` : ''}.{past.left > 0 && <span class="faint"> {plural(past.left, 'group')} with fewer calls {past.left === 1 ? 'was' : 'were'} not looked at.</span>}</div>
        {values.length > 1 && <Spark values={values} />}
        {events.length > 0 && <ul class="reasons small">{events.slice(0, 5).map((e, i) => <li key={i}><Time iso={e.at} mode="full" />: {e.to.toLowerCase().replace('_', ' ')}{Object.keys(e.labels).length > 0 && ` of ${labelsText(e.labels)}`}, {valueText(past.unit, e.value)}</li>)}{events.length > 5 && <li>and {events.length - 5} more</li>}</ul>}
      </div>
    </div>
  )
}
