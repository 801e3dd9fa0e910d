/** Calls: the dense list, newest first. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Call, Usage } from '../lib/api'
import { remember, useCalls } from '../lib/calls'
import { count, ms, short } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { parse } from '../lib/money'
import { go, useLocation } from '../lib/router'
import { DAY, resolve, shortDate } from '../lib/time'
import { Filters, filterOf } from '../ui/filters'
import { FirstCall } from '../ui/first'
import { Icon } from '../ui/icons'
import { Card, Empty, Money, Problem, Skeleton, Status, Time } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'

const add = (c: Call, ...buckets: (keyof Usage)[]): number => buckets.reduce((s, b) => s + (c.usage?.[b] ?? 0), 0)
const tokensIn = (c: Call): number => add(c, 'input_uncached', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'input_audio')
const tokensOut = (c: Call): number => add(c, 'output_text', 'reasoning', 'output_audio')

export function CallsPage() {
  const { params, search } = useLocation()
  const hour = Math.floor(Date.now() / 3_600_000)
  const range = useMemo(() => resolve(params, '7d'), [params.toString(), hour])
  const filters = filterOf(params)
  const span = { since: range.since, until: range.until }
  const [live, setLive] = useState(false)
  const list = useCalls({ ...filters, since: range.since, ...(range.until ? { until: range.until } : {}) }, search, live && !range.until)
  const { calls, selected } = list
  const end = useRef<HTMLDivElement>(null)

  useEffect(() => {
    const el = end.current
    if (!el) return
    const watch = new IntersectionObserver((e) => { if (e.some((x) => x.isIntersecting)) list.more() }, { rootMargin: '600px' })
    watch.observe(el)
    return () => watch.disconnect()
  }, [list.next, list.loading])

  const move = (by: number) => {
    if (!calls.length) return
    const i = calls.findIndex((c) => c.id === selected)
    const id = calls[i < 0 ? 0 : Math.max(0, Math.min(calls.length - 1, i + by))]!.id
    list.select(id)
    document.getElementById('call-' + id)?.scrollIntoView({ block: 'nearest' })
  }
  useShortcuts({
    j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
    Enter: () => { if (selected) go('/calls/' + encodeURIComponent(selected)) },
    Escape: () => list.select(''), '/': () => document.getElementById('search')?.focus(), r: () => list.reload(), l: () => setLive(!live),
  })

  const filtered = Object.keys(filters).length > 0 || params.has('range') || params.has('since')
  return (
    <Page title="Calls" actions={<RangePicker range={range} />}>
      <Filters params={params} span={span}>
        <button type="button" class="btn live" aria-pressed={live && !range.until} disabled={!!range.until} title="Look for new calls every few seconds (l)" onClick={() => setLive(!live)}><span class="dot" />Live</button>
        <button type="button" class="btn icon" aria-label="Read again" title="Read again (r)" onClick={list.reload}><Icon name="refresh" size={15} /></button>
      </Filters>
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {!list.loading && !calls.length && !list.error ? (
        <Card>{filtered ? (
          <Empty icon="search" title="No call matches">
            <p>No call in the {range.label} matches these filters. Widen the range, or take a filter away.</p>
            <div class="row"><a class="btn" href="/calls?range=90d">All calls of 90 days</a></div>
          </Empty>
        ) : <FirstCall />}</Card>
      ) : (!list.error || calls.length > 0) && (
        <div class="card list" role="table" aria-label="Calls" aria-rowcount={-1}>
          <div role="rowgroup">
            <div class="lrow lhead" role="row">
              {['Time', 'Model', 'Project and user', 'Status', 'Tokens in → out', 'Cost', 'Latency', 'First', 'Cache'].map((h, i) => (
                <span key={h} role="columnheader" class={['c-time', 'c-model', 'c-who', 'c-status', 'c-tokens num', 'c-cost num', 'c-lat num', 'c-ttft num', 'c-cache'][i]} title={h === 'First' ? 'Time to the first token' : undefined}>{h}</span>
              ))}
            </div>
          </div>
          <div class="lbody" role="rowgroup">
            {list.loading && !calls.length && Array.from({ length: 14 }, (_, i) => <div class="lrow" key={i} aria-hidden="true"><Skeleton w="80%" /><Skeleton w={90 - ((i * 13) % 40) + '%'} /><Skeleton w="70%" /><Skeleton w="60%" /><Skeleton /><Skeleton /><Skeleton /></div>)}
            {calls.map((c, i) => {
              const day = new Date(c.start_time).toDateString()
              const head = i === 0 || day !== new Date(calls[i - 1]!.start_time).toDateString()
              return [head && <div class="lday" role="row" key={day}><span role="cell">{dayName(c.start_time)}</span></div>, <Row key={c.id} c={c} here={c.id === selected} fresh={list.fresh.has(c.id)} />]
            })}
          </div>
        </div>
      )}
      {calls.length > 0 && (
        <div class="more" ref={list.next && !list.error ? end : undefined}>
          {list.next ? <button type="button" class="btn" disabled={list.loading} onClick={list.more}>{list.loading ? 'Reading…' : 'Load more'}</button> : <span>{count(calls.length)} calls, the {range.label} in full.</span>}
        </div>
      )}
    </Page>
  )
}

function dayName(iso: string): string {
  const d = new Date(iso), today = new Date().toDateString()
  if (d.toDateString() === today) return 'Today'
  if (d.toDateString() === new Date(Date.now() - DAY).toDateString()) return 'Yesterday'
  return d.toLocaleDateString('en-US', { weekday: 'long' }) + ', ' + shortDate(iso)
}

function Row({ c, here, fresh }: { c: Call; here: boolean; fresh: boolean }) {
  const model = c.model || c.model_requested
  const into = tokensIn(c), out = tokensOut(c)
  return (
    <div class={'lrow' + (here ? ' here' : '') + (fresh ? ' new' : '')} role="row" id={'call-' + c.id} aria-current={here ? 'true' : undefined}>
      <span role="cell" class="c-time nowrap"><Time iso={c.start_time} /></span>
      <span role="cell" class="c-model cut"><a class="hit" href={'/calls/' + encodeURIComponent(c.id)} onClick={() => remember(c.id)} title={`${model}${c.model_requested && c.model_requested !== model ? ', asked for as ' + c.model_requested : ''} · ${c.endpoint}${c.stream ? ', stream' : ''}`}>{model}</a></span>
      <span role="cell" class="c-who cut" title={`project ${c.project}, key ${c.key}${c.user ? ', user ' + c.user : ''}`}>{c.project}{c.user && <span class="sub"> / {c.user}</span>}</span>
      <span role="cell" class="c-status"><Status status={c.status} http={c.http_status} /></span>
      <span role="cell" class="c-tokens num nowrap" title={c.usage_source === 'estimated' ? 'counted by weir, the provider did not say' : undefined}>{into + out > 0 ? <>{c.usage_source === 'estimated' && '≈ '}{short(into)} <span class="faint">→</span> {short(out)}</> : <span class="faint">–</span>}</span>
      <span role="cell" class="c-cost num nowrap">{c.price_status === 'unpriced' && (c.cost_usd === null || !parse(c.cost_usd)) ? (into + out > 0 || c.cost_usd === null) ? <Money value={null} /> : <span class="faint">–</span> : <Money value={c.cost_usd} unknown="unknown" />}</span>
      <span role="cell" class="c-lat num nowrap">{ms(c.duration_ms)}</span>
      <span role="cell" class="c-ttft num nowrap">{c.ttft_ms ? ms(c.ttft_ms) : <span class="faint">–</span>}</span>
      <span role="cell" class="c-cache">{c.cache === 'hit' || c.cache === 'semantic' ? <span class="badge accent" title={c.cache === 'semantic' ? 'answered from a similar request' : 'answered from memory'}>{c.cache}</span> : <span class="faint">{c.cache === 'miss' ? 'miss' : '–'}</span>}</span>
    </div>
  )
}
