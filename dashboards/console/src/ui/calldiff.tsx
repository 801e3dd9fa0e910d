/** Two calls beside each other: what was asked and answered word by word, parameters, tokens, cost and time. */

import { useMemo, useState } from 'preact/hooks'
import { get, query, useGet, type Call, type CallDetail, type Failure, type Usage } from '../lib/api'
import { count, ms } from '../lib/format'
import { exact, parse, render, usd } from '../lib/money'
import { patch, useLocation } from '../lib/router'
import { read, type Message, type Transcript } from '../lib/transcript'
import { diffWords, type Piece } from '../lib/worddiff'
import { Icon } from './icons'
import { Card, Problem, SkeletonRows } from './parts'

const said = (m: Message): string => m.parts.map((p) => (p.kind === 'call' ? `${p.name}(${p.args})` : p.kind === 'image' ? '[picture]' : p.kind === 'vectors' ? '[vectors]' : p.kind === 'json' ? JSON.stringify(p.value, null, 1) : p.text)).filter(Boolean).join('\n\n')
const asked = (t: Transcript): string => t.messages.filter((m) => !m.answer).map((m) => m.role + '\n' + said(m)).join('\n\n')
const answered = (t: Transcript): string => t.messages.filter((m) => m.answer).map(said).join('\n\n')

const into = (u: Partial<Usage> | undefined): number => (u?.input_uncached ?? 0) + (u?.cache_read ?? 0) + (u?.cache_write_5m ?? 0) + (u?.cache_write_1h ?? 0) + (u?.input_audio ?? 0)
const out = (u: Partial<Usage> | undefined): number => (u?.output_text ?? 0) + (u?.reasoning ?? 0) + (u?.output_audio ?? 0)

export function CallDiff({ c, onClose }: { c: CallDetail; onClose: () => void }) {
  const { params } = useLocation()
  const other = params.get('against') ?? ''
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<Failure | null>(null)
  const [none, setNone] = useState('')
  const against = useGet<CallDetail>(other ? '/api/v1/calls/' + encodeURIComponent(other) : '')
  const o = against.data?.id === other ? against.data : undefined
  const choose = (id: string) => { setError(null); setNone(''); patch({ against: id || undefined }, true) }
  const find = async (path: string, fits: (x: Call) => boolean, missing: string) => {
    setError(null)
    setNone('')
    try {
      const page = await get<{ calls: Call[] }>(path)
      const found = page.calls.find((x) => x.id !== c.id && fits(x))
      found ? choose(found.id) : setNone(missing)
    } catch (e) { setError(e as Failure) }
  }
  const prompt = c.prompt.replace(/@\d+$/, '')
  return (
    <Card title="Compared with" label="Comparison" actions={<button type="button" class="btn quiet small icon" aria-label="Close the comparison" onClick={() => { choose(''); onClose() }}><Icon name="close" size={14} /></button>}>
      <div class="card-body stack" style={{ gap: '10px' }} data-diff={o?.id ?? ''}>
        <div class="row wrap">
          <form class="row" onSubmit={(e) => { e.preventDefault(); if (typed.trim()) choose(typed.trim()) }}><input class="field" name="against" aria-label="The other call's id" placeholder="id of a call" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} /><button class="btn" disabled={!typed.trim()}>Compare</button></form>
          {c.session && <button type="button" class="btn" onClick={() => find(query('/api/v1/calls', { session: c.session, project: c.project, until: c.start_time, limit: 2 }), () => true, 'This call is the first of its session.')}>Previous in its session</button>}
          {prompt && <button type="button" class="btn" onClick={() => find(query('/api/v1/calls', { prompt, project: c.project, limit: 200 }), (x) => x.prompt !== c.prompt, `Of the newest 200 calls of ${prompt}, all used ${c.prompt}.`)}>Same prompt, another version</button>}
        </div>
        {none && <p class="muted" role="status">{none}</p>}
        {(error || against.error) && <Problem error={(error ?? against.error)!} />}
        {other && !o && !against.error && <SkeletonRows n={4} />}
        {o && <Figures a={o} b={c} />}
      </div>
      {o && <Texts a={o} b={c} />}
    </Card>
  )
}

function Figures({ a, b }: { a: CallDetail; b: CallDetail }) {
  const more = (x: number, y: number, say: (n: number) => string) => (x === y ? '' : (y > x ? '+' : '−') + say(Math.abs(y - x)))
  const costs = [parse(a.cost_usd), parse(b.cost_usd)] as const
  const rows: [string, preact.ComponentChildren, preact.ComponentChildren, string][] = [
    ['Model', a.model || a.model_requested, b.model || b.model_requested, ''], ['Provider', a.provider, b.provider, ''], ['Prompt', a.prompt, b.prompt, ''], ['Status', a.status, b.status, ''],
    ['Tokens in', count(into(a.usage)), count(into(b.usage)), more(into(a.usage), into(b.usage), count)], ['Tokens out', count(out(a.usage)), count(out(b.usage)), more(out(a.usage), out(b.usage), count)],
    ['Cost', <span title={exact(a.cost_usd)}>{costs[0] === null ? 'unknown' : usd(a.cost_usd)}</span>, <span title={exact(b.cost_usd)}>{costs[1] === null ? 'unknown' : usd(b.cost_usd)}</span>, costs[0] === null || costs[1] === null || costs[0] === costs[1] ? '' : (costs[1] > costs[0] ? '+' : '−') + usd(render(costs[1] > costs[0] ? costs[1] - costs[0] : costs[0] - costs[1]))],
    ['Latency', ms(a.duration_ms), ms(b.duration_ms), more(a.duration_ms, b.duration_ms, ms)], ['First token', ms(a.ttft_ms), ms(b.ttft_ms), a.ttft_ms && b.ttft_ms ? more(a.ttft_ms, b.ttft_ms, ms) : ''],
  ]
  const pa = new Map(read(a.request, null).params), pb = new Map(read(b.request, null).params)
  const changed = [...new Set([...pa.keys(), ...pb.keys()])].filter((k) => pa.get(k) !== pb.get(k))
  return (
    <div class="scroll"><table class="mini">
      <thead><tr><th scope="col">What</th><th scope="col"><a href={'/calls/' + encodeURIComponent(a.id)}>The other call</a></th><th scope="col">This call</th><th scope="col" class="num">Difference</th></tr></thead>
      <tbody>
        {rows.filter(([, x, y]) => x || y).map(([k, x, y, d]) => <tr key={k}><td class="faint">{k}</td><td class="any">{x || '—'}</td><td class="any">{y || '—'}</td><td class="num nowrap">{d}</td></tr>)}
        {changed.map((k) => <tr key={'p ' + k}><td class="faint mono any">{k}</td><td class="mono any">{(pa.get(k) ?? '—').slice(0, 300)}</td><td class="mono any">{(pb.get(k) ?? '—').slice(0, 300)}</td><td class="num">differs</td></tr>)}
      </tbody>
    </table></div>
  )
}

function Texts({ a, b }: { a: CallDetail; b: CallDetail }) {
  const parts = useMemo(() => {
    const x = read(a.request, a.response), y = read(b.request, b.response)
    return [['Request', diffWords(asked(x), asked(y))], ['Answer', diffWords(answered(x), answered(y))]] as [string, Piece[]][]
  }, [a, b])
  return (
    <>
      {parts.map(([name, list]) => (
        <div key={name} role="group" aria-label={name + ' beside each other'}>
          <div class="beside"><div class="head">{name} of the other call</div><div class="head">{name} of this call{list.every((p) => p.op === 'same') && <span class="faint"> · the same</span>}</div></div>
          <div class="beside">
            <div>{list.length ? list.map((p, i) => (p.op === 'same' ? p.text : p.op === 'gone' ? <del key={i}><span class="sr">removed: </span>{p.text}</del> : null)) : <span class="faint">nothing recorded</span>}</div>
            <div>{list.length ? list.map((p, i) => (p.op === 'same' ? p.text : p.op === 'come' ? <ins key={i}><span class="sr">added: </span>{p.text}</ins> : null)) : <span class="faint">nothing recorded</span>}</div>
          </div>
        </div>
      ))}
    </>
  )
}
