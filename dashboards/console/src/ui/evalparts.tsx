/** Small parts of datasets and runs: states, coverage, values of items. */

import type { Decimal } from '../lib/money'
import { percent, plural } from '../lib/format'
import { textOf, type Item, type Json, type Run, type Score, type ScoreSummary } from '../lib/evals'
import { figure } from '../lib/scores'
import { Icon } from './icons'
import { Copy, Money } from './parts'

export const Hash = ({ hash }: { hash: string }) => <span class="hash"><code title={hash}>{hash.slice(0, 10)}</code><Copy text={hash} label="hash" /></span>

const runs: Record<string, [string, string]> = { running: ['accent', 'not yet done, as far as is known'], stopped: ['warn', 'stopped before its end; it can be resumed'], done: ['ok', 'done'] }
export const RunBadge = ({ r }: { r: Pick<Run, 'state' | 'reason'> }) => <span class={'badge ' + (runs[r.state]?.[0] ?? '')} title={r.reason || runs[r.state]?.[1]}><span class="dot" />{r.state}</span>

/** Coverage is the share of asks that have a score; what is missing is said in words, not only by colour. */
export function Coverage({ s }: { s: Pick<ScoreSummary, 'coverage' | 'scored' | 'failed' | 'unscorable'> }) {
  const whole = s.coverage >= 1
  return <span class={'coverage ' + (whole ? 'faint' : 'short')} title={`${s.scored} scored, ${s.failed} failed, ${s.unscorable} unscorable`}>{!whole && <Icon name="warn" size={11} />}{s.coverage === 0 ? '0%' : percent(s.coverage, 1)}<span class="sr"> of the asks have a score</span></span>
}

export function Spend({ s }: { s: { usd: Decimal; unknown: number } }) {
  if (s.usd === null && s.unknown > 0) return <span class="faint" title="No cost is known, such as of a command. It is not zero.">not known</span>
  if (s.usd === null) return <span class="faint">–</span>
  return <span title={s.unknown ? `without ${plural(s.unknown, 'answer')} whose cost is not known` : undefined}><Money value={s.usd} />{s.unknown > 0 && <span class="faint">+</span>}</span>
}

/** ScoreCell is what became of one score. A score that is not there is one that failed. */
export function ScoreCell({ s }: { s: Score | undefined }) {
  const state = s?.state ?? 'failed'
  if (state === 'failed') return <span class="badge bad" title={s?.reason || 'there is no score'}><Icon name="close" size={11} />failed</span>
  if (state === 'unscorable') return <span class="badge warn" title={s?.reason}><Icon name="help" size={11} />unscorable</span>
  return <span class="nowrap"><b class="score-num">{figure(s!.value)}</b>{s!.passed !== undefined && <span class={'pass ' + (s!.passed ? 'ok' : 'bad')}><Icon name={s!.passed ? 'check' : 'close'} size={12} /><span class="sr">{s!.passed ? 'passed' : 'did not pass'}</span></span>}</span>
}

/** Value is a part of an item: a text as it is, anything else as JSON with line ends. */
export function Value({ v, none = 'none' }: { v: Json; none?: string }) {
  if (v === undefined || v === null || v === '') return <span class="faint">{none}</span>
  return <pre class="said" tabIndex={0}>{typeof v === 'string' ? v : JSON.stringify(v, null, 2)}</pre>
}

/** ItemParts are all that an item says. */
export function ItemParts({ it }: { it: Item }) {
  return (
    <dl class="item-parts">
      <div><dt>Input</dt><dd><Value v={it.input} /></dd></div>
      <div><dt>Expected</dt><dd><Value v={it.expected} none="nothing" /></dd></div>
      {it.context !== undefined && <div><dt>Context</dt><dd><Value v={it.context} /></dd></div>}
      {it.metadata && <div><dt>Metadata</dt><dd><ul class="row wrap">{Object.entries(it.metadata).map(([k, v]) => <li class="tag" key={k}>{k}<b>{textOf(v)}</b></li>)}</ul></dd></div>}
    </dl>
  )
}
