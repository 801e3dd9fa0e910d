/** One call: what was said, what it used, what it cost and why, how long each part took. */

import { useState } from 'preact/hooks'
import { query, useGet, type Attempt, type CallDetail, type CostLine, type Usage } from '../lib/api'
import { neighbours, remember } from '../lib/calls'
import { count, ms, percent, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { exact, parse, usd } from '../lib/money'
import { roomOf } from '../lib/prompts'
import { go, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { AddToDataset } from '../ui/adddataset'
import { CallDiff } from '../ui/calldiff'
import { CallScores } from '../ui/callscores'
import { Conversation } from '../ui/conversation'
import { Icon } from '../ui/icons'
import { AddToQueue } from '../ui/queueforms'
import { Card, Copy, Money, Problem, SkeletonRows, Status, Time } from '../ui/parts'
import { Page } from '../ui/shell'
import { Slow } from '../ui/slow'
import { JsonText } from '../ui/text'

const buckets: [keyof Usage, string, string, string][] = [
  ['input_uncached', 'Input', 'c1', 'in'], ['cache_read', 'Cache read', 'c5', 'in'], ['cache_write_5m', 'Cache write, 5 min', 'c4', 'in'], ['cache_write_1h', 'Cache write, 1 h', 'c6', 'in'], ['input_audio', 'Audio in', 'c7', 'in'],
  ['output_text', 'Output', 'c3', 'out'], ['reasoning', 'Reasoning', 'c2', 'out'], ['output_audio', 'Audio out', 'c6', 'out'],
]
const bucketName = (b: string): string => buckets.find(([k]) => k === b)?.[1] ?? b.replaceAll('_', ' ')

export function CallPage({ id }: { id: string }) {
  const at = '/api/v1/calls/' + encodeURIComponent(id)
  const { may } = useSession()
  const [queueing, setQueueing] = useState(false)
  const [adding, setAdding] = useState(false)
  const [comparing, setComparing] = useState(useLocation().params.has('against'))
  const call = useGet<CallDetail>(at)
  const near = neighbours(id)
  const to = (x: string | undefined) => { if (x) { remember(x); go('/calls/' + encodeURIComponent(x), true) } }
  useShortcuts({ j: () => to(near.older), k: () => to(near.newer), Escape: () => go(near.back), u: () => go(near.back), r: call.reload })
  const c = call.data?.id === id ? call.data : undefined
  const crumbs = <span class="crumbs"><a href={near.back}>Calls</a><Icon name="right" size={12} /><span class="cut mono" title={id}>{id.length > 20 ? '…' + id.slice(-14) : id}</span></span>
  const model = c ? c.model || c.model_requested : 'Call'
  return (
    <Page title={model} crumbs={crumbs} actions={
      <span class="row wrap no-print">
        {c && ['chat.completions', 'responses', 'messages'].includes(c.endpoint) && !!c.request && <a class="btn small" href={'/playground?call=' + encodeURIComponent(id)}><Icon name="play" size={14} />Replay in the playground</a>}
        {c && may('developer') && <button type="button" class="btn small" title="Have people score it" onClick={() => setQueueing(true)}><Icon name="score" size={14} />Queue</button>}
        {c && may('developer') && <button type="button" class="btn small" title="Make an item of a dataset of it" onClick={() => setAdding(true)}><Icon name="datasets" size={14} />Add to dataset</button>}
        {c && <button type="button" class="btn small" aria-pressed={comparing} title="Another call beside it" onClick={() => setComparing(!comparing)}><Icon name="diff" size={14} />Compare</button>}
        <button type="button" class="btn small" disabled={!near.newer} title="Newer call (k)" onClick={() => to(near.newer)}><Icon name="left" size={14} />Newer</button>
        <button type="button" class="btn small" disabled={!near.older} title="Older call (j)" onClick={() => to(near.older)}>Older<Icon name="right" size={14} /></button>
      </span>
    }>
      {call.error && <><Problem error={call.error} retry={call.reload} /><p><a href={near.back}>Back to the calls</a></p></>}
      {!c && !call.error && <div class="call"><Card title="Conversation"><SkeletonRows n={12} /></Card><div class="stack"><Card title="Cost"><SkeletonRows n={4} /></Card><Card title="Timing"><SkeletonRows n={4} /></Card></div></div>}
      {c && comparing && <CallDiff key={c.id} c={c} onClose={() => setComparing(false)} />}
      {c && <Detail c={c} />}
      {adding && <AddToDataset id={id} onClose={() => setAdding(false)} />}
      {queueing && <AddToQueue id={id} onClose={() => setQueueing(false)} />}
    </Page>
  )
}

function Detail({ c }: { c: CallDetail }) {
  const used = buckets.reduce((s, [b]) => s + (c.usage?.[b] ?? 0), 0)
  const into = buckets.filter(([, , , way]) => way === 'in').reduce((s, [b]) => s + (c.usage?.[b] ?? 0), 0)
  const unknown = c.price_status === 'unpriced' && used > 0 && (c.cost_usd === null || parse(c.cost_usd) === 0n)
  const rate = c.ttft_ms && c.duration_ms > c.ttft_ms + 5 && used - into > 1 ? ((used - into) / (c.duration_ms - c.ttft_ms)) * 1000 : null
  const tile = (k: string, v: preact.ComponentChildren, s: preact.ComponentChildren) => <div class="card tile" style={{ paddingBottom: '9px' }}><span class="k">{k}</span><span class="v" style={{ fontSize: '20px' }}>{v}</span><span class="s">{s}</span></div>
  return (
    <>
      <div class="row" style={{ flexWrap: 'wrap', marginTop: '-8px' }}>
        <Status status={c.status} http={c.http_status} /><span class="muted"><Time iso={c.start_time} mode="full" /></span><span class="faint">·</span><span class="muted">{c.endpoint}{c.stream && ', stream'}</span>
        {c.provider && <><span class="faint">·</span><span class="muted">{c.provider}</span></>}
        {(c.cache === 'hit' || c.cache === 'semantic') && <span class="badge accent">cache {c.cache}</span>}
        {(c.flags ?? []).map((f) => <span class="badge warn" key={f}>{f.replaceAll('_', ' ')}</span>)}
      </div>
      {c.error && (
        <div class="notice bad" role="alert"><Icon name="warn" /><div class="grow">
          <b>{c.error.type || c.error_code}</b> <span>HTTP {c.error.status || c.http_status}{c.error.retryable ? ', worth retrying' : ', retrying does not help'}</span>
          <div style={{ overflowWrap: 'anywhere' }}>{c.error.message || 'The answer names no reason.'}</div>
        </div></div>
      )}
      <div class="tiles" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))' }}>
        {tile('Cost', unknown ? <Money value={null} unknown="no price known" /> : c.cost_usd === null ? <span class="faint">unknown</span> : <span title={exact(c.cost_usd)}>{usd(c.cost_usd)}</span>, parse(c.saved_usd) ? <>saved {usd(c.saved_usd)}</> : unknown ? <a href="/models">Set a price</a> : c.price_status === 'default' ? 'by the default price' : 'exact')}
        {tile('Tokens', used ? <>{count(into)} <span class="faint">→</span> {count(used - into)}</> : '—', { provider: 'counted by the provider', estimated: 'counted by weir', none: 'nothing was used' }[c.usage_source] ?? c.usage_source)}
        {tile('Latency', ms(c.duration_ms), rate ? `${rate.toFixed(rate < 10 ? 1 : 0)} tokens a second` : plural(c.attempts?.length ?? 0, 'attempt'))}
        {tile('First token', c.ttft_ms ? ms(c.ttft_ms) : '—', c.ttft_ms ? percent(c.ttft_ms, c.duration_ms) + ' of the time' : c.stream ? 'none came' : 'not a stream')}
      </div>
      <div class="call">
        <Conversation request={c.request} response={c.response} recorded={'No bodies are recorded for this call. record.content, or the setting of its project, decides what is kept: full, redacted, hash or none.'} />
        <div class="stack">
          <Cost lines={c.cost_explained ?? []} c={c} unknown={unknown} />
          <Tokens usage={c.usage ?? {}} used={used} raw={c.usage_raw} source={c.usage_source} />
          <Slow c={c} />
          <Timing c={c} />
          <CallScores id={c.id} />
          <Facts c={c} />
        </div>
      </div>
    </>
  )
}

function Cost({ lines, c, unknown }: { lines: CostLine[]; c: CallDetail; unknown: boolean }) {
  const hit = c.cache === 'hit' || c.cache === 'semantic'
  return (
    <Card title="Cost explained" sub={c.price_version && <span title={c.price_version}>prices of {c.price_version.replace(/:.*/, '')}</span>}>
      <div class="card-body stack" style={{ gap: '8px' }}>
        {unknown && <p class="muted">weir knows no price for <b>{c.model || c.model_requested}</b>, so this call has no cost; it is not zero. <a href="/models">Set a price</a>, then <code>weir prices reprice</code>.</p>}
        {!unknown && !lines.length && <p class="muted">Nothing was billed for this call.</p>}
        {lines.length > 0 && (
          <table class="mini">
            <thead><tr><th scope="col">Bucket</th><th scope="col" class="num">Tokens</th><th scope="col" class="num">$ / Mtok</th><th scope="col" class="num">Amount</th></tr></thead>
            <tbody>
              {lines.map((l, i) => [
                <tr key={i}><td>{bucketName(l.bucket)}</td><td class="num">{count(l.tokens)}</td><td class="num">{l.price_usd_per_mtok === null ? '—' : exact(l.price_usd_per_mtok).slice(1)}</td><td class="num">{exact(l.amount_usd)}</td></tr>,
                l.rule && l.rule.replaceAll(' ', '_') !== l.bucket && <tr class="rule" key={i + 'r'}><td colSpan={4}>{l.rule}</td></tr>,
              ])}
            </tbody>
            <tfoot>
              {hit && <tr><td colSpan={3}>Saved by the cache</td><td class="num">−{exact(c.saved_usd).replace('-', '')}</td></tr>}
              <tr><td colSpan={3}>Total</td><td class="num">{exact(c.cost_usd)}</td></tr>
            </tfoot>
          </table>
        )}
        {lines.length > 0 && c.price_rule && <p class="faint" style={{ fontSize: '11px', overflowWrap: 'anywhere' }}>{c.price_rule}</p>}
        {c.cost_note && !unknown && <p class="muted" style={{ fontSize: '12px', overflowWrap: 'anywhere' }}>{c.cost_note.charAt(0).toUpperCase() + c.cost_note.slice(1)}.</p>}
      </div>
    </Card>
  )
}

function Tokens({ usage, used, raw, source }: { usage: Partial<Usage>; used: number; raw: unknown; source: string }) {
  const rows = buckets.filter(([b]) => (usage[b] ?? 0) > 0)
  return (
    <Card title="Usage" sub={source === 'estimated' ? 'counted by weir' : undefined}>
      <div class="card-body stack" style={{ gap: '8px' }}>
        {used === 0 ? <p class="muted">No tokens were used.</p> : (
          <>
            <div class="stackbar" role="img" aria-label={rows.map(([b, t]) => `${t}: ${usage[b]}`).join(', ')}>{rows.map(([b, , col]) => <i key={b} style={{ flexGrow: usage[b], background: `var(--${col})` }} />)}</div>
            <table class="mini">
              <thead class="sr"><tr><th scope="col">Bucket</th><th scope="col">Tokens</th><th scope="col">Share</th></tr></thead>
              <tbody>{rows.map(([b, text, col]) => <tr key={b}><td><span class="row"><span class="swatch" style={{ background: `var(--${col})` }} />{text}</span></td><td class="num">{count(usage[b])}</td><td class="num faint" style={{ width: '52px' }}>{percent(usage[b] ?? 0, used)}</td></tr>)}</tbody>
              <tfoot><tr><td>Total</td><td class="num">{count(used)}</td><td /></tr></tfoot>
            </table>
          </>
        )}
        {raw !== null && raw !== undefined && <details class="how"><summary>As the provider said it<Icon name="down" size={12} /></summary><div style={{ marginTop: '6px' }}><JsonText text={JSON.stringify(raw)} title="usage" /></div></details>}
      </div>
    </Card>
  )
}

function Timing({ c }: { c: CallDetail }) {
  const start = Date.parse(c.start_time)
  const attempts = c.attempts ?? []
  const whole = Math.max(c.duration_ms, ...attempts.map((a) => offset(a, start) + a.duration_ms), 0.1)
  const pct = (v: number) => Math.max(0, Math.min(100, (v / whole) * 100)) + '%'
  return (
    <Card title="Timing" sub={attempts.length > 1 ? plural(attempts.length, 'attempt') : undefined}>
      <div class="card-body">
        <div class="lane"><span>Whole call</span><span class="track"><i class="whole" style={{ left: 0, width: pct(c.duration_ms) }} /></span><span class="num">{ms(c.duration_ms)}</span></div>
        {attempts.map((a, i) => {
          const at = offset(a, start), bad = a.status === 'error' || (a.http_status ?? 0) >= 400
          // The first token belongs to the attempt that answered: the last one.
          const first = !bad && i === attempts.length - 1 && c.ttft_ms ? Math.min(a.duration_ms, Math.max(0, c.ttft_ms - at)) : null
          return (
            <div key={a.id}>
              <div class="lane" title={`starts after ${ms(at)}`}>
                <span class="cut">{attempts.length > 1 ? `${i + 1}. ` : ''}{a.provider}</span>
                <span class="track">{bad ? <i class="failed" style={{ left: pct(at), width: pct(a.duration_ms) }} /> : first === null ? <i class="gen" style={{ left: pct(at), width: pct(a.duration_ms) }} /> : <><i class="wait" style={{ left: pct(at), width: pct(first) }} /><i class="gen" style={{ left: pct(at + first), width: pct(a.duration_ms - first) }} /></>}</span>
                <span class="num">{ms(a.duration_ms)}</span>
              </div>
              {bad && <p class="faint" style={{ fontSize: '11px', margin: '0 0 4px 92px', overflowWrap: 'anywhere' }}>HTTP {a.http_status}{a.error ? ': ' + (typeof a.error === 'string' ? a.error : a.error.message || a.error.type) : ''}</p>}
            </div>
          )
        })}
        {!attempts.length && <p class="faint">{c.cache === 'hit' || c.cache === 'semantic' ? 'Answered from the cache: no provider was asked.' : 'No provider was asked.'}</p>}
        <div class="key">
          {c.ttft_ms ? <><span><span class="swatch wait" />to the first token {ms(c.ttft_ms)}</span><span><span class="swatch gen" />generation {ms(Math.max(0, c.duration_ms - c.ttft_ms))}</span></> : attempts.some((a) => a.status !== 'error') && <span><span class="swatch gen" />answered</span>}
          {attempts.some((a) => a.status === 'error') && <span><span class="swatch failed" />failed</span>}
        </div>
      </div>
    </Card>
  )
}

/** promptRoom is the room of a version that a call names as name@7. */
function promptRoom(ref: string): string {
  const m = /^(.*)@(\d+)$/.exec(ref)
  return m ? roomOf(m[1]!, { v: m[2] }) : roomOf(ref)
}

const offset = (a: Attempt, start: number): number => { const t = Date.parse(a.start_time) - start; return Number.isNaN(t) ? 0 : Math.max(0, t) }

function Facts({ c }: { c: CallDetail }) {
  const link = (k: string, v: string, text = v) => <a class="cut" href={query('/calls', { [k]: v, range: '30d' })} title={'All calls with this ' + k}>{text}</a>
  const row = (k: string, v: preact.ComponentChildren, line = false) => [<dt key={k}>{k}</dt>, <dd key={k + 'v'} class={line ? 'line' : ''}>{v}</dd>]
  return (
    <Card title="Details">
      <dl class="facts card-body">
        {row('Call', <><span class="mono cut" title={c.id}>{c.id}</span><Copy text={c.id} label="the call's id" /></>, true)}
        {c.trace_id && row('Trace', <><a class="mono cut" href={query('/traces/' + encodeURIComponent(c.trace_id), { span: c.id })} title={c.trace_id}>{c.trace_id}</a><Copy text={c.trace_id} label="the trace's id" /></>, true)}
        {row('Project', link('project', c.project))}
        {c.key && row('Key', link('key', c.key))}
        {c.user && row('User', <><a class="cut" href={'/users/' + encodeURIComponent(c.user)}>{c.user}</a><span class="faint">{link('user', c.user, 'calls')}</span></>)}
        {c.session && row('Session', <><a class="cut" href={query('/sessions/' + encodeURIComponent(c.session), { project: c.project })}>{c.session}</a><span class="faint">{link('session', c.session, 'calls')}</span><Copy text={c.session} label="the session's id" /></>, true)}
        {c.model_requested && row('Asked for', <span class="mono cut">{c.model_requested}</span>)}
        {c.model && row('Answered by', <span class="cut">{c.provider ? c.provider + ' / ' : ''}{link('model', c.model)}</span>)}
        {c.service_tier && row('Service tier', c.service_tier)}
        {c.prompt && row('Prompt', <><a class="cut" href={promptRoom(c.prompt)}>{c.prompt}</a><span class="faint">{link('prompt', c.prompt, 'calls')}</span></>)}
        {c.arm && row('Arm', <>{c.experiment && <a class="cut" href={'/experiments/' + encodeURIComponent(c.experiment)} title="the experiment">{c.experiment}</a>}{c.experiment && <span class="faint">:</span>}{link('arm', c.arm)}</>)}
        {!!c.finish_reasons?.length && row('Finished', c.finish_reasons.map((f) => f ?? 'not finished').join(', '))}
        {row('Cache', c.cache || 'off')}
        {c.cache_neighbor && row('Like call', <><a class="mono cut" href={'/calls/' + encodeURIComponent(c.cache_neighbor)} title="the call that was answered first">{c.cache_neighbor}</a>{c.cache_score != null && <span class="muted">{' '}{c.cache_score.toFixed(4)}</span>}</>, true)}
        {Object.entries(c.tags ?? {}).length > 0 && row('Tags', Object.entries(c.tags ?? {}).map(([k, v]) => <a class="tag" key={k} href={query('/calls', { ['tag.' + k]: v, range: '30d' })}>{k}<b>{v}</b></a>))}
      </dl>
    </Card>
  )
}
