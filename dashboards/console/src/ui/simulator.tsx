/** The simulator: what an amount of tokens, or the calls of the last days, would cost on other models. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Failure, query, request, useGet, type Facets } from '../lib/api'
import { count, percent, plural } from '../lib/format'
import { cmp, exact, parse, pixels, render, usd } from '../lib/money'
import { bucketName, buckets, split, tokens, type BookModel, type Bucket, type Quote, type RecordedSpan, type Simulation } from '../lib/prices'
import { patch, useLocation } from '../lib/router'
import { Icon } from './icons'
import { Card, Money, Problem, Segmented, SkeletonRows } from './parts'

const MOST = 6
const start = ['openai/gpt-4o-mini', 'anthropic/claude-haiku-4-5', 'gemini/gemini-2.5-flash']
const example: Partial<Record<Bucket, string>> = { input_uncached: '2,000', cache_read: '6,000', output_text: '500' }
const tiers = [['', 'Standard'], ['batch', 'Batch'], ['flex', 'Flex'], ['priority', 'Priority'], ['fast', 'Fast']] as const

/** named reads the models of the address; without any, those of the example that the book has. */
function named(params: URLSearchParams, models: BookModel[] | undefined): string[] {
  const given = params.get('models')
  if (given !== null) return given.split(',').map((s) => s.trim()).filter((s, i, all) => split(s) && all.indexOf(s) === i).slice(0, MOST)
  return start.filter((s) => models?.some((m) => m.provider + '/' + m.model === s))
}

export function Simulator({ models }: { models: BookModel[] | undefined }) {
  const { params } = useLocation()
  const chosen = named(params, models)
  const [amounts, setAmounts] = useState<Record<string, string>>(() => Object.fromEntries(buckets.map(([b]) => [b, example[b] ?? ''])))
  const [more, setMore] = useState(false)
  const [tier, setTier] = useState('')
  const [day, setDay] = useState('')
  const [project, setProject] = useState('')
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const wrong = buckets.filter(([b]) => Number.isNaN(tokens(amounts[b]!))).map(([b]) => b)
  const asked = useMemo(() => (chosen.length && !wrong.length ? JSON.stringify({
    models: chosen.map((m) => split(m)!), usage: Object.fromEntries(buckets.map(([b]) => [b, tokens(amounts[b]!)]).filter(([, n]) => n)), service_tier: tier || undefined, project: project.trim() || undefined, at: day || undefined,
  }) : ''), [chosen.join(), amounts, tier, project, day])
  const { out, error } = useSimulation(asked)
  return (
    <>
      <div class="sim">
        <Card title="What is priced" class="sim-form">
          <div class="card-body stack" style={{ gap: '12px' }}>
            <Models models={models} chosen={chosen} />
            <fieldset class="pairs">
              <legend>Tokens of one call</legend>
              <div class="fields">
                {buckets.slice(0, more ? buckets.length : 6).map(([b, name, hint]) => (
                  <label class="label" key={b} title={hint}>{name}<input class="field num" name={b} inputMode="decimal" placeholder="0" value={amounts[b]} aria-invalid={wrong.includes(b) || undefined} aria-describedby={wrong.includes(b) ? 'wrong-' + b : undefined} onInput={(e) => setAmounts({ ...amounts, [b]: e.currentTarget.value })} />
                    {wrong.includes(b) && <span class="wrong" id={'wrong-' + b}>a whole number, such as 1200 or 50k</span>}</label>
                ))}
              </div>
              {!more && <div><button type="button" class="btn small quiet" onClick={() => setMore(true)}>Audio</button></div>}
            </fieldset>
            <div class="fields">
              <label class="label">Service tier<select class="field" name="tier" value={tier} onChange={(e) => setTier(e.currentTarget.value)}>{tiers.map(([v, text]) => <option key={v} value={v}>{text}</option>)}</select></label>
              <label class="label">Prices of the day<input class="field" type="date" name="day" value={day} onInput={(e) => setDay(e.currentTarget.value)} /></label>
            </div>
            <label class="label">Prices of the project<input class="field" name="project" list="sim-projects" placeholder="those for everybody" value={project} onInput={(e) => setProject(e.currentTarget.value)} /></label>
            <datalist id="sim-projects">{facets.data?.project?.map((p) => <option key={p.value} value={p.value} />)}</datalist>
          </div>
        </Card>
        <div class="stack">
          {error ? <Problem error={error} /> : !chosen.length ? <Card label="Costs"><p class="card-body muted" style={{ paddingTop: '14px' }}>Choose at least one model to see what the tokens cost on it.</p></Card> : !out ? <Card title="Costs"><SkeletonRows n={6} /></Card> : <Quotes quotes={out.quotes} at={day} />}
        </div>
      </div>
      <Recorded chosen={chosen} tier={tier} facets={facets.data} />
    </>
  )
}

/** useSimulation asks a short while after the last change; what was answered stands until the next answer. */
function useSimulation(asked: string): { out: Simulation | null; error: Failure | null } {
  const [state, set] = useState<{ out: Simulation | null; error: Failure | null }>({ out: null, error: null })
  useEffect(() => {
    if (!asked) return
    const stop = new AbortController()
    const t = setTimeout(() => request<Simulation>('POST', '/api/v1/prices/simulate', JSON.parse(asked), stop.signal).then((out) => set({ out, error: null }), (e: unknown) => { if (!stop.signal.aborted) set({ out: null, error: e as Failure }) }), 150)
    return () => { clearTimeout(t); stop.abort() }
  }, [asked])
  return state
}

function Models({ models, chosen }: { models: BookModel[] | undefined; chosen: string[] }) {
  const [text, setText] = useState('')
  const names = useMemo(() => (models ?? []).map((m) => m.provider + '/' + m.model), [models])
  const put = (list: string[]) => patch({ models: list.join(',') || ' ' }, true)
  const add = (name: string) => { if (split(name) && !chosen.includes(name) && chosen.length < MOST) { put([...chosen, name]); setText('') } }
  const plain = text.trim()
  const full = plain.includes('/') ? plain : names.find((n) => n.slice(n.indexOf('/') + 1) === plain) ?? plain
  return (
    <div class="stack" style={{ gap: '8px' }}>
      <div class="chips">
        {chosen.map((m) => <span class="chip" key={m}><b class="cut" style={{ paddingLeft: '9px' }} title={m}>{m}</b><button type="button" aria-label={'Remove ' + m} onClick={() => put(chosen.filter((x) => x !== m))}><Icon name="close" size={12} /></button></span>)}
      </div>
      <form class="row" onSubmit={(e) => { e.preventDefault(); add(full) }}>
        <input class="field grow" name="add-model" list="sim-models" aria-label="Add a model" placeholder={chosen.length < MOST ? 'Add a model, such as openai/gpt-5' : `At most ${MOST} models`} disabled={chosen.length >= MOST} value={text}
          onInput={(e) => { const v = e.currentTarget.value; if (names.includes(v) && (e as InputEvent).inputType !== 'insertText') add(v); else setText(v) }} />
        <button class="btn" disabled={!split(full) || chosen.includes(full) || chosen.length >= MOST}>Add</button>
      </form>
      <datalist id="sim-models">{names.map((n) => <option key={n} value={n} />)}</datalist>
    </div>
  )
}

/** Quotes compares what the models ask, the cheapest first, then shows how each amount came about. */
function Quotes({ quotes, at }: { quotes: Quote[]; at: string }) {
  const sorted = [...quotes].sort((a, b) => Number(a.cost_usd === null) - Number(b.cost_usd === null) || cmp(a.cost_usd, b.cost_usd))
  const low = sorted.find((q) => parse(q.cost_usd))?.cost_usd
  const max = Math.max(...quotes.map((q) => pixels(q.cost_usd)), 1e-18)
  const times = (q: Quote) => { const a = parse(q.cost_usd), b = parse(low); return a && b && a > b ? `${(Number((a * 100n) / b) / 100).toFixed(a > 10n * b ? 0 : 1)}×` : '' }
  return (
    <>
      <Card title="Costs of one call" sub={at ? `by the prices of ${at}` : 'by the prices of today'}>
        <div class="scroll" tabIndex={0} role="region" aria-label="Costs of one call, table"><table class="table" data-quotes>
          <thead><tr><th scope="col">Model</th><th scope="col" class="num">Cost</th><th scope="col" class="num">1,000 calls</th><th scope="col" class="num wide">To the cheapest</th></tr></thead>
          <tbody>
            {sorted.map((q) => (
              <tr key={q.provider + q.model} data-model={q.provider + '/' + q.model}>
                <td class="barcell name" style={{ '--w': pixels(q.cost_usd) / max }}><b class="cut" style={{ display: 'block' }} title={q.provider + '/' + q.model}>{q.model} <span class="faint">{q.provider}</span></b></td>
                <td class="num" data-cost={q.cost_usd ?? ''}><Money value={q.cost_usd} unknown="no price" /></td>
                <td class="num">{q.cost_usd === null ? <span class="faint">–</span> : usd(render((parse(q.cost_usd) ?? 0n) * 1000n))}</td>
                <td class="num muted wide">{times(q) || <span class="faint">–</span>}</td>
              </tr>
            ))}
          </tbody>
        </table></div>
      </Card>
      {sorted.map((q) => (
        <Card key={q.provider + q.model} title={<span class="cut">{q.model}</span>} label={q.provider + '/' + q.model} sub={q.provider} actions={<span class="amount" title={exact(q.cost_usd)}>{q.cost_usd === null ? 'no price' : usd(q.cost_usd)}</span>}>
          {q.lines.length ? <CostLines q={q} /> : <p class="card-body muted">No tokens, no cost.</p>}
          {q.price_status === 'default' && <p class="card-body muted small">Priced by the policy for models without a price.</p>}
          {q.cost_usd === null && q.closest && <p class="card-body muted">The book does not have it. The nearest name that has a price is <b>{q.closest}</b>. <a href={query('/models', { q: q.model })}>Look in the book</a></p>}
          {q.clamped && <p class="card-body"><span class="badge warn">The cost is larger than can be recorded, and was cut to that</span></p>}
        </Card>
      ))}
    </>
  )
}

const CostLines = ({ q }: { q: Quote }) => (
  <div class="card-body">
    <table class="mini lines-of-cost">
      <thead><tr><th scope="col">Counted</th><th scope="col" class="num">Tokens</th><th scope="col" class="num">A million</th><th scope="col" class="num">Amount</th></tr></thead>
      <tbody>
        {q.lines.map((l) => [
          <tr key={l.bucket}><td>{bucketName(l.bucket)}</td><td class="num">{count(l.tokens)}</td><td class="num">{l.price_usd_per_mtok ? exact(l.price_usd_per_mtok) : <span class="faint">–</span>}</td><td class="num">{l.amount_usd === null ? <span class="faint">unknown</span> : exact(l.amount_usd)}</td></tr>,
          l.rule !== l.bucket.replaceAll('_', ' ') && <tr key={l.bucket + ' rule'} class="rule"><td colSpan={4}>{l.rule}</td></tr>,
        ])}
      </tbody>
      <tfoot><tr><td colSpan={3}>Cost, rounded once to nine decimals</td><td class="num">{q.cost_usd === null ? 'unknown' : exact(q.cost_usd)}</td></tr></tfoot>
    </table>
    <p class="faint small" style={{ marginTop: '6px', overflowWrap: 'anywhere' }}>{q.price_rule}</p>
  </div>
)

/** Recorded asks what the calls of the last days would have cost. It reads every call, so it waits to be told. */
function Recorded({ chosen, tier, facets }: { chosen: string[]; tier: string; facets: Facets | undefined }) {
  const [since, setSince] = useState<'7d' | '30d' | '90d'>('7d')
  const [model, setModel] = useState('')
  const [project, setProject] = useState('')
  const [today, setToday] = useState<'own' | 'today'>('own')
  const [state, set] = useState<{ r: RecordedSpan; asked: string } | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const stop = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => stop.current?.abort(), [])
  const body = { models: chosen.map((m) => split(m)!), service_tier: tier || undefined, at: today === 'today' ? '0s' : undefined, recorded: { since, model: model || undefined, project: project || undefined } }
  const asked = JSON.stringify(body)
  const run = async () => {
    setBusy(true)
    setError(null)
    stop.current = new AbortController()
    try {
      const out = await request<Simulation>('POST', '/api/v1/prices/simulate', body, stop.current.signal)
      set({ r: out.recorded!, asked })
    } catch (x) { if (!stop.current.signal.aborted) setError(x as Failure) }
    setBusy(false)
  }
  return (
    <Card title="Recorded calls on these models" sub="each call's own tokens, priced again">
      <div class="card-body row wrap" style={{ gap: '8px' }}>
        <Segmented label="Calls of the last" value={since} onChange={setSince} options={[['7d', '7d', 'last 7 days'], ['30d', '30d', 'last 30 days'], ['90d', '90d', 'last 90 days']]} />
        <select class="field" aria-label="Calls of the model" name="of-model" value={model} onChange={(e) => setModel(e.currentTarget.value)}><option value="">Every model</option>{facets?.model?.map((f) => <option key={f.value} value={f.value}>{f.value}</option>)}</select>
        <select class="field" aria-label="Calls of the project" name="of-project" value={project} onChange={(e) => setProject(e.currentTarget.value)}><option value="">Every project</option>{facets?.project?.map((f) => <option key={f.value} value={f.value}>{f.value}</option>)}</select>
        <Segmented label="Prices of" value={today} onChange={setToday} options={[['own', 'Prices of their day', 'each call by the price of its own day'], ['today', 'Of today', 'all calls by the prices of today']]} />
        <span class="grow" />
        <button type="button" class="btn primary" disabled={busy || !chosen.length} onClick={run}>{busy ? 'Pricing the calls…' : 'Price the calls'}</button>
      </div>
      {error ? <div class="card-body"><Problem error={error} /></div> : busy && !state ? <SkeletonRows n={4} /> : !state ? (
        <p class="card-body muted">Every recorded call of that time is read and priced on each model by itself, with what it read from and wrote to the provider's cache. Other models count other tokens for the same text, and may not cache what another did: take it for an estimate.</p>
      ) : <Outcome r={state.r} stale={state.asked !== asked} />}
    </Card>
  )
}

function Outcome({ r, stale }: { r: RecordedSpan; stale: boolean }) {
  if (!r.calls) return <p class="card-body muted">No call of that time bought anything{r.skipped ? `: ${plural(r.skipped, 'call was', 'calls were')} answered from the cache or refused` : ''}.</p>
  const sorted = r.models.map((m, i) => ({ m, i })).sort((a, b) => Number(!a.m.calls) - Number(!b.m.calls) || cmp(a.m.simulated_usd, b.m.simulated_usd))
  const max = Math.max(pixels(r.recorded_usd), ...r.models.map((m) => pixels(m.simulated_usd)), 1e-12)
  const sign = (v: string) => { const n = parse(v) ?? 0n; return (n > 0n ? '+' : n < 0n ? '−' : '') + usd(v).replace('-', '') }
  return (
    <div class={stale ? 'stale' : ''}>
      {stale && <p class="card-body muted">These figures are of what was asked before. Price the calls again.</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label="Recorded calls on these models, table"><table class="table" data-recorded>
        <thead><tr><th scope="col">Model</th><th scope="col" class="num">Would cost</th><th scope="col" class="num">Difference</th><th scope="col" class="num wide">Of what they cost</th><th scope="col" class="num wide">Calls</th></tr></thead>
        <tbody>
          <tr><td class="barcell" style={{ '--w': pixels(r.recorded_usd) / max }}><b>As recorded</b></td><td class="num" data-cost={r.recorded_usd}><Money value={r.recorded_usd} /></td><td class="num faint">–</td><td class="num wide faint">–</td><td class="num wide">{count(r.calls)}{r.unpriced_calls > 0 && <span class="badge warn" title="their cost is not known, and is in no recorded sum" style={{ marginLeft: '6px' }}>{count(r.unpriced_calls)} unpriced</span>}</td></tr>
          {sorted.map(({ m }) => (
            <tr key={m.provider + m.model} data-model={m.provider + '/' + m.model}>
              <td class="barcell name" style={{ '--w': pixels(m.simulated_usd) / max }}><span class="cut" style={{ display: 'block' }} title={m.provider + '/' + m.model}>{m.model} <span class="faint">{m.provider}</span></span></td>
              <td class="num" data-cost={m.calls ? m.simulated_usd : ''}><Money value={m.calls ? m.simulated_usd : null} unknown="no price" /></td>
              <td class="num" title={exact(m.difference_usd)}>{m.compared ? sign(m.difference_usd) : <span class="faint">–</span>}</td>
              <td class="num wide muted">{m.compared && parse(m.recorded_usd) ? percent(pixels(render((parse(m.recorded_usd) ?? 0n) + (parse(m.difference_usd) ?? 0n))), pixels(m.recorded_usd)) : <span class="faint">–</span>}</td>
              <td class="num wide">{count(m.calls)}{m.no_price > 0 && <span class="faint" title="calls that this model has no price for at that time"> {count(m.no_price)} without</span>}</td>
            </tr>
          ))}
        </tbody>
      </table></div>
      {r.from.length > 1 && (
        <details class="how card-body" style={{ paddingTop: '12px' }}><summary>By the model that answered<Icon name="down" size={12} /></summary>
          <div class="scroll" tabIndex={0} role="region" aria-label="By the model that answered, table" style={{ marginTop: '8px' }}><table class="table dense">
            <thead><tr><th scope="col">Answered by</th><th scope="col" class="num">Calls</th><th scope="col" class="num">Cost</th>{sorted.map(({ m }) => <th scope="col" class="num" key={m.provider + m.model}>{m.model}</th>)}</tr></thead>
            <tbody>{r.from.map((f) => <tr key={f.provider + f.model}><td class="nowrap">{f.model} <span class="faint">{f.provider}</span></td><td class="num">{count(f.calls)}</td><td class="num">{usd(f.recorded_usd)}</td>{sorted.map(({ m, i }) => <td class="num" key={m.provider + m.model}>{f.simulated[i]!.calls ? usd(f.simulated[i]!.simulated_usd) : <span class="faint">–</span>}</td>)}</tr>)}</tbody>
          </table></div>
          {r.truncated && <p>The first 100 models are listed; the sums above are of all.</p>}
        </details>
      )}
      <p class="card-body faint small" style={{ paddingTop: '10px' }}>{plural(r.calls, 'call')} that bought something{r.skipped ? `, without ${plural(r.skipped, 'call')} answered from the cache or never counted` : ''}. The difference is of the calls whose cost is known on both sides.</p>
    </div>
  )
}
