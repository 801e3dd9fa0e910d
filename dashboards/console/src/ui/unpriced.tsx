/** Models that answered calls and have no price, and the calls that were priced before a price was known or mended. */

import { useState } from 'preact/hooks'
import { Failure, query, request, useGet, type Costs, type Loaded } from '../lib/api'
import { count, plural, short } from '../lib/format'
import { exact, parse, usd } from '../lib/money'
import type { BookModel, Entry } from '../lib/prices'
import { Icon } from './icons'
import { Card, Empty, Modal, Problem, Segmented, SkeletonRows, Time, toast } from './parts'

export interface UnpricedModel { provider: string; price_as: string; model: string; calls: number; last_seen: string; closest: string }

export function Unpriced({ list, models, onSet }: { list: Loaded<{ models: UnpricedModel[] }>; models: BookModel[] | undefined; onSet: (start: Partial<Entry>, from?: string) => void }) {
  const missing = list.data?.models
  // The tokens are in the sums over the same calls.
  const sums = useGet<Costs>(missing?.length ? query('/api/v1/costs', { by: 'provider,model', unpriced: 'true', since: '30d' }) : '')
  const tokens = new Map((sums.data?.rows ?? []).map((r) => [`${r.provider}/${r.model}`, r]))
  const since = (m: UnpricedModel) => models?.find((b) => b.provider === m.price_as && b.model === m.model)?.now
  const near = (m: UnpricedModel) => models?.find((b) => b.provider + '/' + b.model === m.closest)?.now
  return (
    <Card title="Without a price" sub={missing && `${plural(missing.length, 'model')} of the last 30 days`}>
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !missing ? <SkeletonRows n={3} /> : !missing.length ? (
        <Empty icon="check" title="Every model that was called has a price"><p>A call whose model has none is shown as unpriced and counted in no sum; it would be listed here.</p></Empty>
      ) : (
        <>
          <p class="card-body muted">These models were called, and their cost is not known. It is shown as unpriced and counted in no sum, which is not zero.</p>
          <div class="scroll" tabIndex={0} role="region" aria-label="Models without a price, table"><table class="table">
            <thead><tr><th scope="col">Model</th><th scope="col" class="num">Calls</th><th scope="col" class="num wide">Tokens in</th><th scope="col" class="num wide">Tokens out</th><th scope="col" class="wide">Last call</th><th scope="col" class="wide">Nearest name with a price</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
            <tbody>
              {missing.map((m) => {
                const t = tokens.get(m.provider + '/' + m.model), like = near(m)
                return (
                  <tr key={m.provider + '/' + m.model}>
                    <td class="name"><a class="cut" href={query('/calls', { model: m.model, range: '30d' })}>{m.model}</a> <span class="faint">{m.provider}{m.price_as !== m.provider && `, priced as ${m.price_as}`}</span></td>
                    <td class="num">{count(m.calls)}</td>
                    <td class="num wide">{t ? short(t.input_tokens) : <span class="faint">–</span>}</td><td class="num wide">{t ? short(t.output_tokens) : <span class="faint">–</span>}</td>
                    <td class="muted wide"><Time iso={m.last_seen} mode="ago" /></td>
                    <td class="muted wide">{m.closest ? <span class="cut" style={{ display: 'block', maxWidth: '230px' }} title={m.closest}>{m.closest}</span> : <span class="faint">–</span>}</td>
                    <td class="num">{since(m) ? <span class="badge ok" title="Calls from now on cost that. Those recorded before keep their unknown cost until they are repriced.">priced now, to be repriced</span> : <button type="button" class="btn small" onClick={() => onSet({ ...(like ?? {}), provider: m.price_as, model: m.model, status: undefined, project: undefined, sources: undefined } as Partial<Entry>, like ? m.closest : undefined)}>Set a price</button>}</td>
                  </tr>
                )
              })}
            </tbody>
          </table></div>
        </>
      )}
    </Card>
  )
}

interface Sums { calls: number; changed: number; newly_priced: number; no_price: number; recorded_usd: string; present_usd: string; difference_usd: string }
interface Repriced { models: (Sums & { provider: string; model: string })[]; total: Sums; applied: boolean; version: string }

/** signedUSD writes a difference with its sign. */
const Difference = ({ v }: { v: string }) => {
  const n = parse(v) ?? 0n
  return <span title={exact(v)} class={n === 0n ? 'faint' : ''}>{n > 0n ? '+' : n < 0n ? '−' : ''}{usd(v).replace('-', '')}</span>
}

/** Reprice shows what recorded calls would cost by the book in force, and adds the difference when told to. */
export function Reprice({ onApplied }: { onApplied: () => void }) {
  const [since, setSince] = useState<'7d' | '30d' | '90d'>('30d')
  const [out, setOut] = useState<Repriced | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const [asking, setAsking] = useState(false)
  const run = async (apply: boolean) => {
    setBusy(true)
    setError(null)
    try {
      setOut(await request<Repriced>('POST', '/api/v1/prices/reprice', { since, apply }))
      setAsking(false)
      if (apply) { toast('The differences are added'); onApplied() }
    } catch (x) { setError(x as Failure); setAsking(false) }
    setBusy(false)
  }
  return (
    <Card title="Reprice recorded calls" sub="by the book in force"
      actions={<>
        <Segmented small label="Calls of the last" value={since} onChange={(v) => { setSince(v); setOut(null) }} options={[['7d', '7d', 'last 7 days'], ['30d', '30d', 'last 30 days'], ['90d', '90d', 'last 90 days']]} />
        <button type="button" class="btn small" disabled={busy} onClick={() => run(false)}><Icon name="refresh" size={14} />{busy ? 'Reading the calls…' : 'Dry run'}</button>
      </>}>
      {error && <div class="card-body"><Problem error={error} /></div>}
      {!out ? <p class="card-body muted">A dry run reads every call of that time, prices it again and shows the difference by model. Nothing is changed by it.</p> : !out.models.length ? (
        <p class="card-body">{plural(out.total.calls, 'call')} looked at: each costs what the book of {out.version} says.</p>
      ) : (
        <>
          <div class="scroll" tabIndex={0} role="region" aria-label="Differences, table"><table class="table" data-reprice>
            <thead><tr><th scope="col">Model</th><th scope="col" class="num wide">Calls</th><th scope="col" class="num">Changed</th><th scope="col" class="num wide">Newly priced</th><th scope="col" class="num wide">No price</th><th scope="col" class="num wide">Recorded</th><th scope="col" class="num wide">By the book</th><th scope="col" class="num">Difference</th></tr></thead>
            <tbody>{out.models.map((m) => <Line key={m.provider + m.model} s={m} name={<span class="cut" style={{ display: 'block', maxWidth: '300px' }} title={m.provider + '/' + m.model}>{m.model} <span class="faint">{m.provider}</span></span>} />)}</tbody>
            <tfoot><Line s={out.total} name="All calls looked at" /></tfoot>
          </table></div>
          <div class="card-body row wrap" style={{ paddingTop: '12px' }}>
            <span class="grow muted">{out.applied ? `Added as adjustments, by the book of ${out.version}. Sums of costs and budgets have them; the calls stay as they were recorded.` : out.total.changed ? `A dry run by the book of ${out.version}: nothing is changed yet.` : 'Nothing differs where a price is known.'}</span>
            {!out.applied && out.total.changed > 0 && <button type="button" class="btn primary" onClick={() => setAsking(true)}>Apply the difference</button>}
          </div>
        </>
      )}
      {asking && out && (
        <Modal title="Apply the difference?" onClose={() => setAsking(false)}>
          <p>{plural(out.total.changed, 'adjustment')} of <b>{usd(out.total.difference_usd)}</b> together {out.total.changed === 1 ? 'is' : 'are'} added to what the calls cost. Sums of costs and the windows of budgets that are still open count them. They are not taken back, but a later reprice can correct them.</p>
          <div class="actions"><button type="button" class="btn" onClick={() => setAsking(false)}>Not now</button><button type="button" class="btn primary" disabled={busy} onClick={() => run(true)}>{busy ? 'Adding…' : 'Add the difference'}</button></div>
        </Modal>
      )}
    </Card>
  )
}

const Line = ({ s, name }: { s: Sums; name: preact.ComponentChildren }) => (
  <tr><td>{name}</td><td class="num wide">{count(s.calls)}</td><td class="num">{count(s.changed)}</td><td class="num wide">{count(s.newly_priced)}</td><td class="num wide">{s.no_price ? count(s.no_price) : <span class="faint">0</span>}</td><td class="num wide" title={exact(s.recorded_usd)}>{usd(s.recorded_usd)}</td><td class="num wide" title={exact(s.present_usd)}>{usd(s.present_usd)}</td><td class="num" data-difference={s.difference_usd}><Difference v={s.difference_usd} /></td></tr>
)
