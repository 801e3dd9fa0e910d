/** What the lists of traces, sessions and users share. */

import type { ComponentChildren } from 'preact'
import type { Bundle } from '../lib/traces'
import { Money, Unpriced } from './parts'

/** BundleCost writes what a trace or a session cost, and how many calls that leaves out. */
export function BundleCost({ b }: { b: Pick<Bundle, 'cost_usd' | 'unpriced_calls' | 'calls'> }) {
  if (!b.calls) return <span class="faint">–</span>
  return <span class="row" style={{ justifyContent: 'flex-end', gap: '6px' }}>{b.cost_usd !== null && <Unpriced calls={b.unpriced_calls} small />}<Money value={b.cost_usd} /></span>
}

/** Errors counts what went wrong; none is a dash. */
export const Errors = ({ n }: { n: number }) => (n ? <span class="badge bad">{n}</span> : <span class="faint">–</span>)

/** More asks for the next page of a list. */
export function More({ next, loading, more, end }: { next: string; loading: boolean; more: () => void; end: ComponentChildren }) {
  return <div class="more">{next ? <button type="button" class="btn" disabled={loading} onClick={more}>{loading ? 'Reading…' : 'Load more'}</button> : <span>{end}</span>}</div>
}
