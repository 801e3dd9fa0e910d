/** The form that sets a price by hand. */

import { useState } from 'preact/hooks'
import { Failure, request } from '../lib/api'
import { faultOf, known, rate, rates, type Entry } from '../lib/prices'
import { Modal, Problem } from './parts'

const kinds = [['token', 'per million tokens'], ['call', 'per call'], ['second', 'per second of audio'], ['free', 'free']] as const

export function PriceForm({ start, from, providers, onClose, onDone }: { start: Partial<Entry>; from?: string | undefined; providers: string[]; onClose: () => void; onDone: (e: Entry) => void }) {
  const [provider, setProvider] = useState(start.provider ?? '')
  const [model, setModel] = useState(start.model ?? '')
  const [project, setProject] = useState(start.project ?? '')
  const [day, setDay] = useState('')
  const [kind, setKind] = useState(start.kind || 'token')
  const [unit, setUnit] = useState(String(start.unit_usd ?? ''))
  const [values, setValues] = useState<Record<string, string>>(Object.fromEntries(rates.map(([k]) => { const v = rate(start as Entry, k); return [k, known(v) ? v : ''] })))
  const [all, setAll] = useState(rates.slice(5).some(([k]) => known(rate(start as Entry, k))))
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Failure | null>(null)
  const wrong = error && error.status >= 400 && error.status < 500 ? faultOf(error) : null
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setError(null)
    const body: Record<string, unknown> = { provider: provider.trim(), model: model.trim(), kind }
    if (project.trim()) body.project = project.trim()
    if (day) body.effective_from = day
    if (kind === 'token') for (const [k] of rates) if (values[k]!.trim()) body[k + '_usd_per_mtok'] = values[k]!.trim().replace(/^\$/, '')
    if (kind === 'call' || kind === 'second') body.unit_usd = unit.trim().replace(/^\$/, '') || '0'
    try {
      for (const [k, name] of rates) {
        const v = body[k + '_usd_per_mtok'] as string | undefined
        if (v !== undefined && !/^\d+(\.\d+)?$/.test(v)) throw new Failure(400, 'not_a_rate', `${name}: "${v}" is no price: write dollars per million tokens, such as 0.15`, k)
      }
      onDone(await request<Entry>('POST', '/api/v1/prices', body))
    } catch (x) { setError(x as Failure); setBusy(false) }
  }
  const said = (f: string) => wrong?.field === f && <span class="wrong" id={'wrong-' + f} role="alert">{wrong.text}</span>
  const on = (f: string) => (wrong?.field === f ? { 'aria-invalid': true, 'aria-describedby': 'wrong-' + f } : {})
  return (
    <Modal title={start.model ? `Set a price of ${start.model}` : 'Set a price'} onClose={onClose}>
      <form class="stack" onSubmit={submit} noValidate>
        {error && !wrong?.field && <Problem error={wrong ? new Failure(error.status, error.code, wrong.text) : error} />}
        {from && <p class="notice plain">Filled in from {from}, the nearest name that has a price. Check it against the provider's own list.</p>}
        <div class="fields">
          <label class="label">Provider<input class="field" name="provider" list="book-providers" autoFocus value={provider} onInput={(e) => setProvider(e.currentTarget.value)} {...on('provider')} />{said('provider')}</label>
          <label class="label">Model<input class="field" name="model" value={model} onInput={(e) => setModel(e.currentTarget.value)} {...on('model')} />{said('model')}</label>
        </div>
        <datalist id="book-providers">{providers.map((p) => <option key={p} value={p} />)}</datalist>
        <div class="fields">
          <label class="label">For the project<input class="field" name="project" placeholder="every project" value={project} onInput={(e) => setProject(e.currentTarget.value)} {...on('project')} />{said('project')}</label>
          <label class="label">From the day (UTC)<input class="field" name="effective_from" type="date" value={day} onInput={(e) => setDay(e.currentTarget.value)} {...on('effective_from')} />{said('effective_from')}</label>
        </div>
        <label class="label">Billed<select class="field" name="kind" value={kind} onChange={(e) => setKind(e.currentTarget.value)}>{kinds.map(([k, text]) => <option key={k} value={k}>{text}</option>)}</select></label>
        {kind === 'token' && (
          <div class="fields">
            {rates.slice(0, all ? rates.length : 5).map(([k, name]) => <label class="label" key={k}>{name}<input class="field" name={k} inputMode="decimal" placeholder={k === 'input' || k === 'output' ? '0.00' : 'not known'} value={values[k]} onInput={(e) => setValues({ ...values, [k]: e.currentTarget.value })} {...on(k)} />{said(k)}</label>)}
          </div>
        )}
        {kind === 'token' && !all && <div><button type="button" class="btn small quiet" onClick={() => setAll(true)}>Reasoning and audio</button></div>}
        {(kind === 'call' || kind === 'second') && <label class="label">Dollars a {kind}<input class="field" name="unit_usd" inputMode="decimal" value={unit} onInput={(e) => setUnit(e.currentTarget.value)} {...on('unit_usd')} />{said('unit_usd')}</label>}
        <p class="muted small">{day ? 'Calls from that day on' : 'Calls from now on'} cost this. What was recorded keeps its cost until it is repriced.</p>
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={busy}>Set the price</button></div>
      </form>
    </Modal>
  )
}
