/** The price book as a table: a line for each model, and behind it its history, its tiers and what was agreed for projects. */

import { useMemo, useState } from 'preact/hooks'
import { Failure, query, request } from '../lib/api'
import { count, plural, short } from '../lib/format'
import { exact, type Decimal } from '../lib/money'
import { byHand, change, known, listPrice, matches, rate, rates, services, signed, unit, type BookModel, type Entry, type RateName } from '../lib/prices'
import { Icon } from './icons'
import { Card, Empty, Modal, Problem, SkeletonRows, toast } from './parts'

const said: Record<string, string> = {
  agreed: 'All catalogues that name it agree', single: 'One catalogue names it', disputed: 'Catalogues differ', set: 'Set on this weir',
}
const kinds: Record<string, string> = { agreed: 'ok', single: 'warn', disputed: 'warn', set: 'accent' }

export const Dollars = ({ v }: { v: Decimal }) => (known(v) ? <span title="US dollars per million tokens">{exact(v)}</span> : <span class="faint">–</span>)
const Cell = ({ v, wide = false }: { v: Decimal; wide?: boolean }) => <td class={'num' + (wide ? ' wide' : '')}><Dollars v={v} /></td>

const StatusBadge = ({ e }: { e: Entry }) => (byHand(e) ? <span class="badge accent" title={said.set}>set here</span> : e.status ? <span class={'badge ' + (kinds[e.status] ?? '')} title={said[e.status]}>{e.status}</span> : null)

/** Rates is an entry's five most asked for prices as cells, or the one it has when it is not priced by token. */
function Rates({ e }: { e: Entry | undefined }) {
  if (!e) return <td class="num faint" colSpan={5}>no price yet</td>
  const u = unit(e)
  if (u) return <td class="num" colSpan={5}>{u === 'free' ? 'free' : <>{exact(e.unit_usd)} <span class="faint">a {u}</span></>}</td>
  return <><Cell v={rate(e, 'input')} /><Cell v={rate(e, 'cache_read')} wide /><Cell v={rate(e, 'cache_write_5m')} wide /><Cell v={rate(e, 'cache_write_1h')} wide /><Cell v={rate(e, 'output')} /></>
}

export function PriceBook({ models, text, provider, now, onSet, onChanged }: { models: BookModel[] | undefined; text: string; provider: string; now: number; onSet: (start: Partial<Entry>) => void; onChanged: () => void }) {
  const [shown, more] = useState(120)
  const [open, setOpen] = useState('')
  const [leaving, setLeaving] = useState<Entry | null>(null)
  const list = useMemo(() => (models ?? []).filter((m) => (!provider || m.provider === provider) && matches(m, text)).sort((a, b) => Number(own(b)) - Number(own(a))), [models, text, provider])
  return (
    <Card label="Prices">
      {!models ? <SkeletonRows n={12} /> : !list.length ? (
        <Empty icon="models" title="No such model in the book">
          <p>Set its price here; calls recorded before can be repriced afterwards.</p>
          <button type="button" class="btn primary" onClick={() => onSet({ provider, model: text.trim() })}>Set a price</button>
        </Empty>
      ) : (
        <>
          <div class="scroll" tabIndex={0} role="region" aria-label="Prices, table"><table class="table book">
            <thead>
              <tr><th scope="col">Model</th><th scope="col" class="wide">Provider</th><th scope="col" class="num">Input</th><th scope="col" class="num wide">Cache read</th><th scope="col" class="num wide">Write 5 min</th><th scope="col" class="num wide">Write 1 h</th><th scope="col" class="num">Output</th><th scope="col" class="num wide">Context</th><th scope="col" class="wide">Sources</th></tr>
            </thead>
            <tbody>
              {list.slice(0, shown).map((m) => {
                const key = m.provider + '/' + m.model, e = m.now ?? m.history[0] ?? m.overrides[0]!
                return [
                  <tr key={key} class={open === key ? 'here' : ''}>
                    <td class="name">
                      <button type="button" class="fold-btn" aria-expanded={open === key} onClick={() => setOpen(open === key ? '' : key)}><Icon name={open === key ? 'down' : 'right'} size={12} /><b>{m.model}</b></button>
                      <span class="notes">
                        <span class="narrow faint">{m.provider}</span>
                        {e.mode && e.mode !== 'chat' && <span class="faint">{e.mode}</span>}
                        {e.tier && <span class="faint" title={`Another price from ${count(e.tier.threshold_tokens)} input tokens on`}>tier over {short(e.tier.threshold_tokens)}</span>}
                        {!!e.peak?.length && <span class="faint" title="Another price at peak hours">peak hours</span>}
                        {m.overrides.length > 0 && <span class="badge accent">{plural(m.overrides.length, 'override')}</span>}
                        {m.now && byHand(m.now) && <span class="narrow badge accent">set here</span>}
                      </span>
                    </td>
                    <td class="muted wide">{m.provider}</td>
                    <Rates e={m.now} />
                    <td class="num muted wide" title={e.context_window ? count(e.context_window) + ' tokens' : undefined}>{e.context_window ? short(e.context_window) : <span class="faint">–</span>}</td>
                    <td class="wide">{m.now && <StatusBadge e={m.now} />}</td>
                  </tr>,
                  open === key && <tr key={key + ' more'} class="inside"><td colSpan={9}><Details m={m} now={now} onSet={onSet} remove={setLeaving} /></td></tr>,
                ]
              })}
            </tbody>
          </table></div>
          <p class="card-body faint" style={{ paddingTop: '10px' }}>US dollars per million tokens, as of now. An empty field is a price that is not known or not offered.</p>
          {list.length > shown && <div class="more"><button type="button" class="btn" onClick={() => more(shown + 300)}>Show more</button>{count(shown)} of {count(list.length)}</div>}
        </>
      )}
      {leaving && <Remove e={leaving} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); toast('Price removed'); onChanged() }} />}
    </Card>
  )
}

const own = (m: BookModel): boolean => m.overrides.length > 0 || m.history.some(byHand)

function Details({ m, now, onSet, remove }: { m: BookModel; now: number; onSet: (start: Partial<Entry>) => void; remove: (e: Entry) => void }) {
  const e = m.now ?? m.history[0] ?? m.overrides[0]!
  const tiers = services.map(([k, name]) => ({ name, input: rate(e, k + '_input'), output: rate(e, k + '_output') })).filter((t) => known(t.input) || known(t.output))
  const also = rates.filter(([k]) => !['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'].includes(k) && known(rate(e, k)))
  const onSide = rates.filter(([k]) => ['cache_read', 'cache_write_5m', 'cache_write_1h'].includes(k) && known(rate(e, k)))
  return (
    <div class="details">
      <div class="details-cols">
        <section>
          <h3>From which day on</h3>
          <History list={m.history} m={m} now={now} remove={remove} />
        </section>
        <section>
          <h3>For single projects</h3>
          {m.overrides.length ? <History list={m.overrides} m={m} now={now} remove={remove} projects /> : <p class="muted small">Every project pays the price of the book.</p>}
        </section>
        {!unit(e) && (
          <section>
            <h3>Other prices of the same model</h3>
            {!(tiers.length || e.tier || e.peak?.length || also.length || onSide.length) ? <p class="muted small">None is known: every call pays input and output as above.</p> : (
              <table class="mini">
                <thead><tr><th scope="col">When</th><th scope="col" class="num">Input</th><th scope="col" class="num">Output</th></tr></thead>
                <tbody>
                  {e.tier && <tr><td>over {count(e.tier.threshold_tokens)} input tokens</td><td class="num"><Dollars v={e.tier.input_usd_per_mtok} /></td><td class="num"><Dollars v={e.tier.output_usd_per_mtok} /></td></tr>}
                  {tiers.map((t) => <tr key={t.name}><td>{t.name}</td><td class="num"><Dollars v={t.input} /></td><td class="num"><Dollars v={t.output} /></td></tr>)}
                  {e.peak?.map((p) => <tr key={p.hours_utc + p.from}><td>{p.days} {p.hours_utc} UTC{p.until && <span class="faint"> until {p.until.slice(0, 10)}</span>}</td><td class="num"><Dollars v={p.input_usd_per_mtok} /></td><td class="num"><Dollars v={p.output_usd_per_mtok} /></td></tr>)}
                  {onSide.map(([k, name]) => <tr key={k} class="narrow-row"><td>{name}</td><td class="num"><Dollars v={rate(e, k)} /></td><td class="num faint">–</td></tr>)}
                  {also.map(([k, name]) => <tr key={k}><td>{name}</td>{k === 'input_audio' ? <><td class="num"><Dollars v={rate(e, k)} /></td><td class="num faint">–</td></> : <><td class="num faint">–</td><td class="num"><Dollars v={rate(e, k)} /></td></>}</tr>)}
                </tbody>
              </table>
            )}
          </section>
        )}
        <section>
          <h3>Where it is from</h3>
          <dl class="pairs-list">
            <dt>Sources</dt><dd>{e.sources?.length ? e.sources.join(', ') : byHand(e) ? 'set on this weir' : '–'}{!byHand(e) && e.status && <span class="faint"> · {said[e.status]?.toLowerCase() ?? e.status}</span>}</dd>
            {!!e.context_window && <><dt>Context</dt><dd>{count(e.context_window)} tokens</dd></>}
            {!!e.max_output_tokens && <><dt>Most output</dt><dd>{count(e.max_output_tokens)} tokens</dd></>}
            {e.tokenizer && <><dt>Tokens by</dt><dd>{e.tokenizer}</dd></>}
          </dl>
        </section>
      </div>
      <div class="row wrap">
        <button type="button" class="btn small" onClick={() => onSet({ ...pick(e), provider: m.provider, model: m.model })}><Icon name="plus" size={13} />Set another price</button>
        <a class="btn small" href={query('/models', { tab: 'simulator', models: m.provider + '/' + m.model })}>Simulate</a>
        <a class="btn small" href={query('/calls', { model: m.model, range: '30d' })}>Calls of this model</a>
      </div>
    </div>
  )
}

/** pick leaves what a price set by hand has not: where it is from, and from when on. */
const pick = (e: Entry): Partial<Entry> => ({ kind: e.kind ?? 'token', unit_usd: e.unit_usd, ...Object.fromEntries(rates.map(([k]) => [k + '_usd_per_mtok', rate(e, k)])) })

function History({ list, m, now, remove, projects = false }: { list: Entry[]; m: BookModel; now: number; remove: (e: Entry) => void; projects?: boolean }) {
  if (!list.length) return <p class="muted small">Nobody but single projects has a price of it.</p>
  const cell = (e: Entry, name: RateName) => {
    const v = rate(e, name), c = byHand(e) ? change(v, listPrice(m, e, now)?.[`${name}_usd_per_mtok`]) : null
    return <td class="num nowrap"><Dollars v={v} />{c !== null && c !== 0 && <span class={'delta ' + (c < 0 ? 'good' : 'bad')} title="against the catalogue's price of that time"> {signed(c)}</span>}</td>
  }
  return (
    <div class="scroll"><table class="mini">
      <thead><tr>{projects && <th scope="col">Project</th>}<th scope="col">From</th><th scope="col" class="num">Input</th><th scope="col" class="num">Output</th><th scope="col"><span class="sr">State</span></th></tr></thead>
      <tbody>
        {list.map((e, i) => (
          <tr key={i}>
            {projects && <td class="cut" style={{ maxWidth: '140px' }} title={e.project}>{e.project}</td>}
            <td class="nowrap">{e.effective_from ? e.effective_from.slice(0, 10) : <span class="faint" title="No first day is known: it holds until the next dated price">always</span>}</td>
            {unit(e) ? <td class="num" colSpan={2}>{unit(e) === 'free' ? 'free' : `${exact(e.unit_usd)} a ${unit(e)}`}</td> : <>{cell(e, 'input')}{cell(e, 'output')}</>}
            <td class="num nowrap">
              {e === m.now ? <span class="badge ok">in force</span> : e.effective_from && Date.parse(e.effective_from) > now ? <span class="badge">to come</span> : null}
              {byHand(e) && <> <button type="button" class="btn small quiet danger" aria-label={`Remove the price of ${m.model}${e.project ? ' for ' + e.project : ''}${e.effective_from ? ' from ' + e.effective_from.slice(0, 10) : ''}`} onClick={() => remove(e)}>Remove</button></>}
            </td>
          </tr>
        ))}
      </tbody>
    </table></div>
  )
}

function Remove({ e, onClose, onDone }: { e: Entry; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const go = async () => {
    setBusy(true)
    try {
      await request('DELETE', query('/api/v1/prices', { provider: e.provider, model: e.model, project: e.project, effective_from: e.effective_from }))
      onDone()
    } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title="Remove this price?" onClose={onClose}>
      {error && <Problem error={error} />}
      <p>Calls of <b>{e.provider}/{e.model}</b>{e.project && <> by project <b>{e.project}</b></>} are priced by what stands under it from now on. What recorded calls cost stays until they are repriced.</p>
      <div class="actions"><button type="button" class="btn" onClick={onClose}>Keep it</button><button type="button" class="btn danger solid" disabled={busy} onClick={go}>Remove the price</button></div>
    </Modal>
  )
}
