/** One trace: its spans over time, and what was said in the one that is chosen. */

import { useEffect, useMemo, useState } from 'preact/hooks'
import { query, useGet, type CallDetail } from '../lib/api'
import { count, ms, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { exact, usd } from '../lib/money'
import { go, patch, useLocation } from '../lib/router'
import { arrange, callOf, failed, flatten, kindName, spanName, summary, type Node, type Outline } from '../lib/traces'
import { BundleCost } from '../ui/bundles'
import { Conversation } from '../ui/conversation'
import { Icon } from '../ui/icons'
import { Card, Copy, Problem, SkeletonRows, Status, Time } from '../ui/parts'
import { Page } from '../ui/shell'
import { Waterfall } from '../ui/waterfall'

export function TracePage({ id }: { id: string }) {
  const { params } = useLocation()
  const got = useGet<Outline>(`/api/v1/traces/${encodeURIComponent(id)}/outline`)
  const data = got.data?.trace.id === id ? got.data : undefined
  const roots = useMemo(() => arrange(data?.spans ?? []), [data])
  const all = useMemo(() => flatten(roots, new Set()), [roots])
  const wanted = params.get('span') ?? ''
  const node = all.find((n) => n.span.id === wanted && wanted !== '') ?? all[0]
  useShortcuts({ Escape: () => go('/traces'), u: () => go('/traces'), r: got.reload })
  const t = data?.trace
  const whole = Math.max(0.1, ...(data?.spans ?? []).map((s) => s.offset_ms + s.duration_ms))
  const crumbs = <span class="crumbs"><a href="/traces">Traces</a><Icon name="right" size={12} /><span class="cut mono" title={id}>{id.length > 20 ? '…' + id.slice(-14) : id}</span><Copy text={id} label="the trace's id" /></span>
  const tile = (k: string, v: preact.ComponentChildren, s: preact.ComponentChildren) => <div class="card tile" style={{ paddingBottom: '9px' }}><span class="k">{k}</span><span class="v" style={{ fontSize: '20px' }}>{v}</span><span class="s">{s}</span></div>
  return (
    <Page title={t ? spanName(t) : 'Trace'} crumbs={crumbs} actions={t && <a class="btn small no-print" href={query('/calls', { trace: id, range: '90d' })}><Icon name="calls" size={14} />Its calls</a>}>
      {got.error && <><Problem error={got.error} retry={got.reload} /><p><a href="/traces">Back to the traces</a></p></>}
      {!t && !got.error && <Card title="Spans"><SkeletonRows n={10} /></Card>}
      {t && data && (
        <>
          <div class="row" style={{ flexWrap: 'wrap', marginTop: '-8px' }}>
            <Status status={t.status} http={t.http_status} /><span class="muted"><Time iso={t.start_time} mode="full" /></span>
            <span class="faint">·</span><span class="muted">{t.project}</span>{t.user && <><span class="faint">·</span><a href={'/users/' + encodeURIComponent(t.user)}>{t.user}</a></>}
            {t.session && <><span class="faint">·</span><a href={query('/sessions/' + encodeURIComponent(t.session), { project: t.project })}>its session</a></>}
          </div>
          <div class="tiles" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))' }}>
            {tile('Duration', ms(whole), plural(t.spans, 'span'))}
            {tile('Calls', count(t.calls), t.errors ? <span class="badge bad">{plural(t.errors, 'error')}</span> : 'none failed')}
            {tile('Tokens', <>{count(t.input_tokens)} <span class="faint">→</span> {count(t.output_tokens)}</>, t.models.join(', '))}
            {tile('Cost', <span class="row" style={{ justifyContent: 'flex-start' }} title={t.cost_usd === null ? undefined : exact(t.cost_usd)}>{t.cost_usd === null ? <BundleCost b={t} /> : usd(t.cost_usd)}</span>, t.unpriced_calls && t.cost_usd !== null ? plural(t.unpriced_calls, 'call') + ' without a price' : 'of its calls')}
          </div>
          {data.more && <div class="notice"><Icon name="warn" /><span>This trace has more than {count(data.spans.length)} spans. The earliest are shown; the figures above are of all of them.</span></div>}
          <div class="trace">
            <Card title="Spans" sub={summary(roots, whole)}><Waterfall roots={roots} whole={whole} selected={node?.key ?? ''} onSelect={(n) => patch({ span: n.span.id || undefined }, true)} /></Card>
            {node && <Chosen key={node.key} n={node} />}
          </div>
        </>
      )}
    </Page>
  )
}

/** Chosen is what is known of one span, and what was said in the call it belongs to. */
function Chosen({ n }: { n: Node }) {
  const owner = callOf(n)
  const [id, setId] = useState('')
  // Walking through the tree by keys asks for the bodies of the span one stops at.
  useEffect(() => {
    const timer = setTimeout(() => setId(owner?.span.id ?? ''), 120)
    return () => clearTimeout(timer)
  }, [owner?.span.id])
  const call = useGet<CallDetail>(id ? '/api/v1/calls/' + encodeURIComponent(id) : '')
  const c = call.data && call.data.id === owner?.span.id ? call.data : undefined
  const s = n.span
  return (
    <>
      <Card title={`${kindName(s.kind)} ${spanName(s)}`} actions={owner && <a class="btn small" href={'/calls/' + encodeURIComponent(owner.span.id)}>Open the call<Icon name="right" size={13} /></a>}>
        <div class="card-body stack" data-chosen={s.id} style={{ gap: '8px' }}>
          <div class="meta">
            <Status status={s.status} http={s.http_status} /><span>starts after {ms(s.offset_ms)}</span><span>takes {ms(s.duration_ms)}</span>{s.ttft_ms !== null && <span>first token after {ms(s.ttft_ms)}</span>}
            {s.provider && <span>{s.provider}{s.model && s.kind !== 'call' && ' / ' + s.model}</span>}{s.name && <span>{s.name}</span>}{n.critical && <span class="badge warn">on the critical path</span>}
          </div>
          {failed(s.status) && s.error && <div class="notice bad"><Icon name="warn" /><span class="any">{s.error}</span></div>}
          {s.kind === 'attempt' && owner && <p class="muted">A try at a provider. What was said is that of its call, below.</p>}
          {!owner && <p class="muted">A step of a pipeline: it calls no model itself, so nothing was said in it. Its calls stand beneath it.</p>}
        </div>
      </Card>
      {owner && (call.error ? <Problem error={call.error} retry={call.reload} /> : !c ? <Card title="Conversation"><SkeletonRows n={6} /></Card> : <Conversation key={c.id} request={c.request} response={c.response} recorded="No bodies are recorded for this call." />)}
    </>
  )
}
