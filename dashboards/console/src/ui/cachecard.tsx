/** The response cache: what it answered and what it holds. */

import { useState } from 'preact/hooks'
import { Failure, request, useGet } from '../lib/api'
import { bytes, count, percent, plural } from '../lib/format'
import type { Decimal } from '../lib/money'
import { Card, Modal, Money, Problem, toast } from './parts'

interface Cache { hits: number; misses: number; fills: number; saved_usd: Decimal; entries: number; bytes: number; max_bytes: number; evictions: number; expired: number }

/** CacheCard stands only where the API has a cache to tell of. */
export function CacheCard() {
  const cache = useGet<Cache>('/api/v1/cache')
  const [purging, setPurging] = useState(false)
  const c = cache.data
  if (!c) return null
  const asked = c.hits + c.misses
  return (
    <Card title="Response cache" sub="since this weir was started" actions={<button type="button" class="btn small danger" disabled={!c.entries} onClick={() => setPurging(true)}>Purge</button>}>
      <dl class="figures" data-cache>
        <div><dt>Hits</dt><dd>{count(c.hits)}</dd></div>
        <div><dt>Misses</dt><dd>{count(c.misses)}</dd></div>
        <div><dt>Hit rate</dt><dd title={`of ${plural(asked, 'call')} that asked the cache`}>{percent(c.hits, asked)}</dd></div>
        <div><dt>Saved</dt><dd><Money value={c.saved_usd} /></dd></div>
        <div><dt>Entries</dt><dd title={`${plural(c.evictions, 'entry', 'entries')} made room for others, ${count(c.expired)} expired`}>{count(c.entries)}</dd></div>
        <div><dt>In memory</dt><dd>{bytes(c.bytes)} <span class="muted">of {bytes(c.max_bytes)}</span></dd></div>
      </dl>
      {purging && <Purge c={c} onClose={() => setPurging(false)} onDone={(n) => { setPurging(false); toast(`${plural(n, 'answer')} purged`); cache.reload() }} />}
    </Card>
  )
}

function Purge({ c, onClose, onDone }: { c: Cache; onClose: () => void; onDone: (n: number) => void }) {
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const go = async () => {
    setBusy(true)
    try { onDone((await request<{ purged: number }>('DELETE', '/api/v1/cache')).purged) } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title="Purge the cache?" onClose={onClose}>
      {error && <Problem error={error} />}
      <p>All {plural(c.entries, 'answer')} of every project {c.entries === 1 ? 'is' : 'are'} dropped, and equal calls go to the providers again and cost. To purge less, <code>weir cache purge</code> takes a project, model, tag or age.</p>
      <div class="actions"><button type="button" class="btn" onClick={onClose}>Keep them</button><button type="button" class="btn danger solid" disabled={busy} onClick={go}>Purge the cache</button></div>
    </Modal>
  )
}
