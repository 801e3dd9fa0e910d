/** What differs between two versions: side by side, line by line and word by word. */

import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import { count, percent, plural } from '../lib/format'
import { exact, parse, pixels, render, usd } from '../lib/money'
import { pathOf, sideBySide, type Diff, type LineDiff, type MessageDiff, type Op, type Pair, type Recent } from '../lib/prompts'
import type { Json } from '../lib/assemble'
import { Icon } from './icons'
import { faces } from './promptview'

const words: Record<Op, [string, string]> = { same: ['', 'unchanged'], added: ['ok', 'added'], removed: ['bad', 'removed'], changed: ['accent', 'changed'], moved: ['', 'moved'] }
const AROUND = 3

export function DiffView({ d, from, to }: { d: Diff; from: string; to: string }) {
  return (
    <div class="diff">
      <div class="diff-ends" aria-hidden="true"><span>{from}</span><span>{to}</span></div>
      {d.same && <p class="card-body muted">Both say the same: {d.from.hash === d.to.hash ? 'their contents have one hash.' : 'nothing that is sent differs.'}</p>}
      {d.messages.map((m, i) => <MessageView key={i} m={m} from={from} to={to} />)}
      {d.members.length > 0 && (
        <section class="part" aria-label="Settings and variables">
          <h3>Settings, variables and the rest</h3>
          <div class="scroll" tabIndex={0} role="region" aria-label="Differences, table"><table class="mini members">
            <thead><tr><th scope="col">What</th><th scope="col">{from}</th><th scope="col">{to}</th></tr></thead>
            <tbody>{d.members.map((x, i) => <tr key={i}><td class="mono any">{pathOf(x)}</td><td class={x.from === undefined ? '' : 'gone'}><Value v={x.from} /></td><td class={x.to === undefined ? '' : 'come'}><Value v={x.to} /></td></tr>)}</tbody>
          </table></div>
        </section>
      )}
    </div>
  )
}

function Value({ v }: { v: Json | undefined }) {
  if (v === undefined) return <span class="faint">not there</span>
  const text = JSON.stringify(v, null, typeof v === 'object' && v !== null && JSON.stringify(v).length > 60 ? 2 : 0)
  return <pre class="value">{text}</pre>
}

function MessageView({ m, from, to }: { m: MessageDiff; from: string; to: string }) {
  const [kind, word] = words[m.op]
  const name = m.role ? m.role.charAt(0).toUpperCase() + m.role.slice(1) : 'Text'
  return (
    <section class="diff-msg" aria-label={`${name}, ${word}`}>
      <header><Icon name={faces[m.role] ?? 'prompts'} size={14} /><b>{name}</b>{m.role && <span class="faint">{m.op === 'moved' ? `was ${m.from}, is ${m.to}` : m.to || m.from}</span>}<span class={'badge ' + kind}>{word}</span></header>
      {m.lines && m.lines.length > 0 && <Lines pairs={sideBySide(m.lines)} label={`${name}, ${from} beside ${to}`} />}
    </section>
  )
}

function Lines({ pairs, label }: { pairs: Pair[]; label: string }) {
  const [whole, show] = useState(false)
  const near = pairs.map((_, i) => pairs.slice(Math.max(0, i - AROUND), i + AROUND + 1).some((p) => p.op !== 'same'))
  const out: (Pair | number)[] = []
  pairs.forEach((p, i) => {
    if (whole || near[i]) out.push(p)
    else if (typeof out.at(-1) === 'number') out[out.length - 1] = (out.at(-1) as number) + 1
    else out.push(1)
  })
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}><table class="lines-diff">
      <colgroup><col class="no" /><col /><col class="no" /><col /></colgroup>
      <thead class="sr"><tr><th scope="col">Line before</th><th scope="col">Before</th><th scope="col">Line after</th><th scope="col">After</th></tr></thead>
      <tbody>
        {out.map((p, i) => (typeof p === 'number'
          ? <tr key={i} class="skip-lines"><td colSpan={4}><button type="button" class="linklike" onClick={() => show(true)}>{plural(p, 'line')} the same</button></td></tr>
          : <tr key={i} class={p.op}>
              <Half l={p.left} n={p.left?.from} kind={p.op === 'same' ? '' : 'gone'} narrow={p.op === 'same'} />
              <Half l={p.right} n={p.right?.to} kind={p.op === 'same' ? '' : 'come'} narrow={false} />
            </tr>))}
      </tbody>
    </table></div>
  )
}

function Half({ l, n, kind, narrow }: { l: LineDiff | null; n: number | undefined; kind: string; narrow: boolean }) {
  const hide = narrow || !l ? ' once' : ''
  return (
    <Fragment>
      <td class={'no' + hide + (l ? ' ' + kind : ' none')}>{n ?? ''}</td>
      <td class={'line' + hide + (l ? ' ' + kind : ' none')}>{l && kind && <span class="sr">{kind === 'gone' ? 'removed: ' : 'added: '}</span>}{l && (l.words?.length ? l.words.map((w, i) => (w.op === 'same' ? w.text : <mark key={i}>{w.text}</mark>)) : l.text)}</td>
    </Fragment>
  )
}

/** RecentView says what the two make of the variables of recent calls. */
export function RecentView({ d, from, to }: { d: Diff; from: string; to: string }) {
  const r = d.recent
  if (d.recent_error) return <p class="card-body muted">What recent inputs would come to is not known: {d.recent_error}</p>
  if (!r || !r.calls) return <p class="card-body muted">No call of the last 30 days used this prompt, so there is nothing to compare tokens and cost on.</p>
  return (
    <div class="card-body stack" style={{ gap: '8px' }}>
      {r.inputs > 0 ? <Sums r={r} from={from} to={to} /> : <p class="muted">None of the {plural(r.calls, 'recent call')} has variables that both versions take.</p>}
      {r.refused > 0 && <div class="notice"><Icon name="warn" /><div class="any"><b>{to} would refuse {r.refused} of {plural(r.calls, 'recent call')}.</b> The first: {r.refusal}</div></div>}
      <p class="faint small">Of the newest {plural(r.calls, 'call')} in 30 days, {r.inputs} {r.inputs === 1 ? 'was' : 'were'} rendered with both{r.unusable > 0 && <>, {r.unusable} could not be: the variables are not recorded, or {from} does not take them</>}. Only what the prompt itself sends counts{r.estimated && '; tokens are estimated, since a model’s vocabulary is not known'}.</p>
    </div>
  )
}

function Sums({ r, from, to }: { r: Recent; from: string; to: string }) {
  const more = r.to_tokens - r.from_tokens
  const a = parse(r.from_usd), b = parse(r.to_usd)
  const sign = (n: number) => (n > 0 ? '+' : n < 0 ? '−' : '±')
  const share = (was: number, is: number) => (was ? `${sign(is - was)}${percent(Math.abs(is - was), was).replace('—', '0%')}` : '')
  return (
    <table class="mini" data-recent>
      <thead><tr><th scope="col">Input of {plural(r.inputs, 'recent call')}</th><th scope="col" class="num">{from}</th><th scope="col" class="num">{to}</th><th scope="col" class="num">Difference</th></tr></thead>
      <tbody>
        <tr><td>Tokens</td><td class="num">{r.estimated && '≈ '}{count(r.from_tokens)}</td><td class="num">{r.estimated && '≈ '}{count(r.to_tokens)}</td><td class="num"><b>{sign(more)}{count(Math.abs(more))}</b> <span class="faint">{share(r.from_tokens, r.to_tokens)}</span></td></tr>
        <tr><td>Cost</td>{a === null || b === null ? <td class="num faint" colSpan={3}>not known: a model has no price</td> : <><td class="num" title={exact(r.from_usd)}>{usd(r.from_usd)}</td><td class="num" title={exact(r.to_usd)}>{usd(r.to_usd)}</td><td class="num" title={exact(render(b - a))}><b>{b > a ? '+' : b < a ? '−' : '±'}{usd(render(b > a ? b - a : a - b))}</b> <span class="faint">{share(pixels(r.from_usd), pixels(r.to_usd))}</span></td></>}</tr>
      </tbody>
    </table>
  )
}
