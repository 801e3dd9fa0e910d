/** Models & prices: the price book, and what it does not know. */

import { useEffect, useMemo, useState } from 'preact/hooks'
import { query, useGet, type Price } from '../lib/api'
import { count, plural, short } from '../lib/format'
import { exact, type Decimal } from '../lib/money'
import { patch, useLocation } from '../lib/router'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows } from '../ui/parts'
import { Code } from '../ui/text'
import { Page } from '../ui/shell'

interface UnpricedModel { provider: string; model: string; calls: number; closest: string }

export function ModelsPage() {
  const { params } = useLocation()
  const q = params.get('q') ?? ''
  const [text, setText] = useState(q)
  const [provider, setProvider] = useState('')
  const [shown, more] = useState(150)
  const book = useGet<{ version: string; prices: Price[] }>(query('/api/v1/prices', { q }))
  const unpriced = useGet<{ models: UnpricedModel[] }>('/api/v1/prices/unpriced')
  useEffect(() => {
    const t = setTimeout(() => patch({ q: text.trim() || undefined }, true), 250)
    return () => clearTimeout(t)
  }, [text])
  const providers = useMemo(() => [...new Set((book.data?.prices ?? []).map((p) => p.provider))].sort(), [book.data])
  const list = useMemo(() => (book.data?.prices ?? []).filter((p) => !provider || p.provider === provider), [book.data, provider])
  const missing = unpriced.data?.models ?? []
  return (
    <Page title="Models & prices" sub={book.data ? `Price book of ${book.data.version}. A call keeps the price of its day.` : undefined}>
      {missing.length > 0 && (
        <Card title="Without a price" sub={plural(missing.length, 'model')}>
          <div class="card-body stack" style={{ gap: '10px' }}>
            <p class="muted">These models were called, and their cost is not known. It is shown as unpriced and counted in no sum.</p>
            <div class="scroll"><table class="mini" style={{ width: 'auto', minWidth: 'min(560px, 100%)' }}>
              <thead><tr><th scope="col">Model</th><th scope="col" class="num">Calls</th><th scope="col">Closest in the book</th></tr></thead>
              <tbody>{missing.map((m) => <tr key={m.provider + m.model}><td><a href={query('/calls', { model: m.model, range: '30d' })}>{m.provider}/{m.model}</a></td><td class="num">{count(m.calls)}</td><td class="muted">{m.closest || '–'}</td></tr>)}</tbody>
            </table></div>
            <Code lang="shell" text={`weir prices set --help\nweir prices reprice   # a dry run first`} />
          </div>
        </Card>
      )}
      <div class="filters">
        <div class="search" role="search"><Icon name="search" size={14} /><input id="search" class="field" type="search" placeholder="Find a model" aria-label="Find a model" value={text} onInput={(e) => { setText(e.currentTarget.value); more(150) }} /></div>
        <select class="field" aria-label="Provider" value={provider} onChange={(e) => setProvider(e.currentTarget.value)}><option value="">All providers</option>{providers.map((p) => <option key={p}>{p}</option>)}</select>
        <span class="grow" />{book.data && <span class="faint">{plural(list.length, 'price')}</span>}
      </div>
      {book.error ? <Problem error={book.error} retry={book.reload} /> : (
        <Card label="Prices">
          {!book.data ? <SkeletonRows n={10} /> : !list.length ? <Empty icon="models" title="No such model in the book"><p>Set its price with <code>weir prices set</code>; calls recorded before can be repriced.</p></Empty> : (
            <div class="scroll"><table class="table">
              <thead>
                <tr><th scope="col">Model</th><th scope="col">Provider</th><th scope="col" class="wide">From</th><th scope="col" class="num">Input</th><th scope="col" class="num">Cache read</th><th scope="col" class="num">Write 5 min</th><th scope="col" class="num">Write 1 h</th><th scope="col" class="num">Output</th><th scope="col" class="num wide">Context</th><th scope="col" class="wide">Sources</th></tr>
              </thead>
              <tbody>
                {list.slice(0, shown).map((p, i) => (
                  <tr key={i}>
                    <td class="nowrap"><b style={{ fontWeight: 540 }}>{p.model}</b>{p.mode && p.mode !== 'chat' && <span class="faint"> {p.mode}</span>}</td>
                    <td class="muted">{p.provider}</td><td class="muted nowrap wide">{p.effective_from || <span class="faint" title="No first day is known: it holds until the next dated price">always</span>}</td>
                    <Cell v={p.input_usd_per_mtok} /><Cell v={p.cache_read_usd_per_mtok} /><Cell v={p.cache_write_5m_usd_per_mtok} /><Cell v={p.cache_write_1h_usd_per_mtok} /><Cell v={p.output_usd_per_mtok} />
                    <td class="num muted wide" title={p.context_window ? count(p.context_window) + ' tokens' : undefined}>{p.context_window ? short(p.context_window) : <span class="faint">–</span>}</td>
                    <td class="wide">{p.status && <span class={'badge' + (p.status === 'agreed' ? ' ok' : p.status === 'single' ? ' warn' : '')} title={said[p.status]}>{p.status}</span>}</td>
                  </tr>
                ))}
              </tbody>
            </table></div>
          )}
          {list.length > 0 && <p class="card-body faint" style={{ paddingTop: '10px' }}>US dollars per million tokens. An empty field is a price that is not known or not offered.</p>}
          {list.length > shown && <div class="more"><button type="button" class="btn" onClick={() => more(shown + 300)}>Show more</button>{count(shown)} of {count(list.length)}</div>}
        </Card>
      )}
    </Page>
  )
}

const said: Record<string, string> = { agreed: 'All catalogues that name it agree', majority: 'Most catalogues agree', newest: 'Catalogues differ: the newest holds', single: 'One catalogue names it', override: 'Set on this weir' }

const Cell = ({ v }: { v: Decimal }) => <td class="num">{v === null || v === undefined || v === '' ? <span class="faint">–</span> : exact(v)}</td>
