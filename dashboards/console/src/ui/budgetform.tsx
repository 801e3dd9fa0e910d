/** The form that makes and changes budgets. What the API does not take is said beside the field. */

import { useState } from 'preact/hooks'
import { Failure, request, useGet, type Facets } from '../lib/api'
import { faults, windowName, windowNames, type Budget, type Field } from '../lib/budgets'
import { exact } from '../lib/money'
import { Icon } from './icons'
import { Modal, Problem } from './parts'

interface Pair { name: string; tag: string; value: string }

const names = ['project', 'key', 'user', 'session', 'model', 'provider']
const pairOf = ([name, value]: [string, string]): Pair => (name.startsWith('tag.') ? { name: 'tag', tag: name.slice(4), value } : { name, tag: '', value })
const plain = (usd: string): string => exact(usd).replace(/[$,]/g, '').replace(/(\.\d\d\d*?)0+$/, '$1')
/** whole sends what is no whole number as it is: the API says what is wrong with it. */
const whole = (s: string): number | string => (/^\d+$/.test(s.trim()) ? Number(s) : s.trim())

export function BudgetForm({ b, onClose, onDone }: { b: Budget | null; onClose: () => void; onDone: (b: Budget) => void }) {
  const [name, setName] = useState(b?.name ?? '')
  const [pairs, setPairs] = useState<Pair[]>(Object.entries(b?.scope ?? {}).map(pairOf))
  const [window, setWindow] = useState(b ? (b.window.startsWith('rolling:') ? 'rolling' : b.window) : 'month')
  const [length, setLength] = useState(b?.window.startsWith('rolling:') ? b.window.slice(8) : '24h')
  const [zone, setZone] = useState(b?.timezone ?? 'UTC')
  const [usd, setUsd] = useState(b?.limit_usd ? plain(b.limit_usd) : '')
  const [tokens, setTokens] = useState(b?.limit_tokens ? String(b.limit_tokens) : '')
  const [calls, setCalls] = useState(b?.limit_calls ? String(b.limit_calls) : '')
  const [policy, setPolicy] = useState(b?.policy ?? 'expected')
  const [atLimit, setAtLimit] = useState(b?.at_limit ?? 'refuse')
  const [soft, setSoft] = useState(b ? b.soft.join(', ') : '50, 80')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Failure | null>(null)
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const wrong = error && error.status >= 400 && error.status < 500 ? faults(error) : {}
  const general = error && (error.status < 400 || error.status >= 500 ? error : wrong[''] ? new Failure(error.status, error.code, wrong['']) : null)
  const change = (i: number, to: Partial<Pair>) => setPairs(pairs.map((p, k) => (k === i ? { ...p, ...to } : p)))
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setError(null)
    const percents = soft.split(/[\s,;%]+/).filter(Boolean)
    const body = {
      name: name.trim(), scope: Object.fromEntries(pairs.map((p) => [p.name === 'tag' ? 'tag.' + p.tag.trim() : p.name, p.value.trim()])),
      window: window === 'rolling' ? 'rolling:' + length.trim() : window, timezone: zone.trim() || 'UTC', policy, at_limit: atLimit, thresholds: percents.map(whole),
      ...(usd.trim() ? { limit_usd: usd.trim() } : {}), ...(tokens.trim() ? { limit_tokens: whole(tokens) } : {}), ...(calls.trim() ? { limit_calls: whole(calls) } : {}),
    }
    const twice = pairs.length !== Object.keys(body.scope).length
    try {
      if (twice) throw new Failure(400, 'twice', 'the same name stands here twice; a call has one value of each', 'scope')
      onDone(await request<Budget>(b ? 'PUT' : 'POST', '/api/v1/budgets' + (b ? '/' + encodeURIComponent(b.id) : ''), body))
    } catch (x) { setError(x as Failure); setBusy(false) }
  }
  const said = (f: Field) => wrong[f] && <span class="wrong" id={'wrong-' + f} role="alert">{wrong[f]}</span>
  const on = (f: Field) => ({ 'aria-invalid': wrong[f] ? true : undefined, 'aria-describedby': wrong[f] ? 'wrong-' + f : undefined })
  return (
    <Modal title={b ? `Change "${b.name}"` : 'New budget'} onClose={onClose}>
      <form class="stack" onSubmit={submit} noValidate>
        {general && <Problem error={general} />}
        <label class="label">Name<input class="field" name="name" autoFocus placeholder="such as care team" value={name} onInput={(e) => setName(e.currentTarget.value)} {...on('name')} />{said('name')}</label>
        <fieldset class="pairs">
          <legend>Scope <span class="faint">{pairs.length ? 'a call must have all of these' : 'every call of this installation'}</span></legend>
          {pairs.map((p, i) => (
            <div class="row" key={i}>
              <select class="field" aria-label={`What, ${i + 1}`} value={p.name} onChange={(e) => change(i, { name: e.currentTarget.value })}>{[...names, 'tag'].map((n) => <option key={n} value={n}>{n}</option>)}</select>
              {p.name === 'tag' && <input class="field" style={{ width: '84px' }} aria-label={`Tag name, ${i + 1}`} placeholder="team" value={p.tag} onInput={(e) => change(i, { tag: e.currentTarget.value })} />}
              <span class="faint">=</span>
              <input class="field grow" aria-label={`Value, ${i + 1}`} list={'scope-' + p.name} value={p.value} onInput={(e) => change(i, { value: e.currentTarget.value })} {...on('scope')} />
              <button type="button" class="btn quiet icon" aria-label={`Remove ${p.name === 'tag' ? 'tag ' + p.tag : p.name}`} onClick={() => setPairs(pairs.filter((_, k) => k !== i))}><Icon name="close" size={14} /></button>
            </div>
          ))}
          {names.map((n) => facets.data?.[n] && <datalist key={n} id={'scope-' + n}>{facets.data[n].map((f) => <option key={f.value} value={f.value} />)}</datalist>)}
          <div><button type="button" class="btn small" onClick={() => setPairs([...pairs, { name: names.find((n) => !pairs.some((p) => p.name === n)) ?? 'tag', tag: '', value: '' }])}><Icon name="plus" size={13} />Narrow it</button></div>
          {said('scope')}
        </fieldset>
        <div class="fields">
          <label class="label">Window<select class="field" name="window" value={window} onChange={(e) => setWindow(e.currentTarget.value)} {...on('window')}>{windowNames.map((w) => <option key={w} value={w}>{windowName(w)}</option>)}<option value="rolling">rolling</option></select></label>
          {window === 'rolling' ? <label class="label">Length<input class="field" name="length" placeholder="24h" value={length} onInput={(e) => setLength(e.currentTarget.value)} {...on('window')} /></label>
            : <label class="label">Time zone<input class="field" name="timezone" list="zones" value={zone} onInput={(e) => setZone(e.currentTarget.value)} {...on('timezone')} /></label>}
        </div>
        {said('window')}{said('timezone')}
        <datalist id="zones">{['UTC', ...zones].map((z) => <option key={z} value={z} />)}</datalist>
        <div class="fields three-up">
          <label class="label">Limit in dollars<input class="field" name="limit_usd" inputMode="decimal" placeholder="no limit" value={usd} onInput={(e) => setUsd(e.currentTarget.value)} {...on('limit')} /></label>
          <label class="label">In tokens<input class="field" name="limit_tokens" inputMode="numeric" placeholder="no limit" value={tokens} onInput={(e) => setTokens(e.currentTarget.value)} {...on('limit')} /></label>
          <label class="label">In calls<input class="field" name="limit_calls" inputMode="numeric" placeholder="no limit" value={calls} onInput={(e) => setCalls(e.currentTarget.value)} {...on('limit')} /></label>
        </div>
        {said('limit')}
        <div class="fields">
          <label class="label">Held for a call<select class="field" name="policy" value={policy} onChange={(e) => setPolicy(e.currentTarget.value)} {...on('policy')}><option value="expected">expected: the usual cost</option><option value="strict">strict: the most it can cost</option></select>{said('policy')}</label>
          <label class="label">At the limit<select class="field" name="at_limit" value={atLimit} onChange={(e) => setAtLimit(e.currentTarget.value)} {...on('at_limit')}><option value="refuse">refuse: answer 429</option><option value="downgrade">downgrade: the route's next target</option><option value="alert">alert: let calls pass and tell</option></select>{said('at_limit')}</label>
        </div>
        <label class="label">Told at, in percent, and at the limit itself<input class="field" name="soft" placeholder="50, 80" value={soft} onInput={(e) => setSoft(e.currentTarget.value)} {...on('soft')} />{said('soft')}</label>
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={busy}>{b ? 'Save' : 'Make the budget'}</button></div>
      </form>
    </Modal>
  )
}

const zones = Intl.supportedValuesOf('timeZone')
