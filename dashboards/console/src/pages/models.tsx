/** Models & prices: the book, what it does not know, and what other models would cost. */

import { useEffect, useMemo, useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { book, byHand, matches, type Entry } from '../lib/prices'
import { patch, useLocation } from '../lib/router'
import { Icon } from '../ui/icons'
import { Problem, toast } from '../ui/parts'
import { PriceBook } from '../ui/pricebook'
import { PriceForm } from '../ui/priceform'
import { Page } from '../ui/shell'
import { Simulator } from '../ui/simulator'
import { Tabs } from '../ui/tabs'
import { Reprice, Unpriced, type UnpricedModel } from '../ui/unpriced'

interface List { version: string; prices: Entry[]; truncated: boolean }

export function ModelsPage() {
  const { params } = useLocation()
  const tab = ['unpriced', 'simulator'].includes(params.get('tab') ?? '') ? params.get('tab')! : ''
  const q = params.get('q') ?? '', provider = params.get('provider') ?? ''
  const [text, setText] = useState(q)
  const [form, setForm] = useState<{ start: Partial<Entry>; from?: string | undefined } | null>(null)
  const [own, setOwn] = useState(false)
  const all = useGet<List>('/api/v1/prices')
  // A book too large for one answer is searched by the API, any other here.
  const part = useGet<List>(all.data?.truncated && (q || provider) ? query('/api/v1/prices', { q, provider }) : '')
  const unpriced = useGet<{ models: UnpricedModel[] }>('/api/v1/prices/unpriced')
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const whole = useMemo(() => all.data && book(all.data.prices, minute), [all.data, minute])
  const found = useMemo(() => (part.data ? book(part.data.prices, minute) : whole), [part.data, whole, minute])
  const listed = useMemo(() => (own ? found?.filter((m) => m.overrides.length > 0 || m.history.some(byHand)) : found), [own, found])
  useEffect(() => { setText(q) }, [q])
  useEffect(() => {
    const t = setTimeout(() => { if (text.trim() !== q) patch({ q: text.trim() || undefined }, true) }, 200)
    return () => clearTimeout(t)
  }, [text])
  const providers = useMemo(() => [...new Set((whole ?? []).map((m) => m.provider))].sort(), [whole])
  const shown = useMemo(() => (listed ?? []).filter((m) => (!provider || m.provider === provider) && matches(m, text)).length, [listed, provider, text])
  const missing = unpriced.data?.models.length ?? 0
  const again = () => { all.reload(); part.reload(); unpriced.reload() }
  const set = (start: Partial<Entry>, from?: string) => setForm({ start, from })
  const to = (t: string) => query('/models', { tab: t })
  return (
    <Page title="Models & prices" sub={all.data ? `Price book of ${all.data.version}. A call keeps the price of its day.` : undefined}
      actions={<button type="button" class="btn primary" onClick={() => set({})}><Icon name="plus" size={14} />Set a price</button>}>
      <Tabs label="Parts of this room" tabs={[
        { href: to(''), text: 'Book', here: !tab },
        { href: to('unpriced'), text: 'Unpriced', here: tab === 'unpriced', mark: missing > 0 && <span class="badge warn">{missing}</span> },
        { href: to('simulator'), text: 'Simulator', here: tab === 'simulator' },
      ]} />
      {all.error ? <Problem error={all.error} retry={again} /> : tab === 'simulator' ? <Simulator models={whole} /> : tab === 'unpriced' ? (
        <>
          <Unpriced list={unpriced} models={whole} onSet={set} />
          <Reprice onApplied={again} />
        </>
      ) : (
        <>
          {missing > 0 && <div class="notice"><Icon name="warn" /><div>{plural(missing, 'model')} that {missing === 1 ? 'was' : 'were'} called {missing === 1 ? 'has' : 'have'} no price, so the cost of {missing === 1 ? 'its' : 'their'} calls is not known. <a href={to('unpriced')}>See which</a></div></div>}
          <div class="filters">
            <div class="search" role="search"><Icon name="search" size={14} /><input id="search" class="field" type="search" placeholder="Find a model" aria-label="Find a model" value={text} onInput={(e) => setText(e.currentTarget.value)} /></div>
            <select class="field" aria-label="Provider" value={provider} onChange={(e) => patch({ provider: e.currentTarget.value || undefined }, true)}><option value="">All providers</option>{providers.map((p) => <option key={p}>{p}</option>)}</select>
            <button type="button" class="btn" aria-pressed={own} onClick={() => setOwn(!own)}>Set here</button>
            <span class="grow" />{listed && <span class="faint">{plural(shown, 'model')}</span>}
          </div>
          {all.data?.truncated && !q && !provider && <div class="notice plain"><Icon name="search" /><div>The book is larger than one answer holds: search it to see all of it.</div></div>}
          <PriceBook models={listed} text={text} provider={provider} now={minute} onSet={set} onChanged={again} />
        </>
      )}
      {form && <PriceForm start={form.start} from={form.from} providers={providers} onClose={() => setForm(null)} onDone={(e) => { setForm(null); toast(`Price of ${e.model} set`); again() }} />}
    </Page>
  )
}
