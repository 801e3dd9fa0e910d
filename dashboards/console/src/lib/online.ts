/** Rules that score live calls, as the API tells them. */

import { plural, percent } from './format'
import type { Decimal } from './money'
import type { Pivot } from './pivot'
import { bucketTime, buckets } from './time'

export interface Totals { eligible: number; scored: number; skipped: Record<string, number> | null; failed: Record<string, number> | null; cost_usd: Decimal; unpriced: number; coverage: number | null }
export interface Drift {
  rule: string; scorer: string; config_version: string; day: string; state: 'steady' | 'drifted' | 'too_early' | 'too_few'; reason: string
  n: number; reference_n: number; reference_days: number; mean: number | null; reference_mean: number | null
  difference: { low: number; high: number; difference: number; cohen_d: number } | null; shift: { psi: number } | null; p_adjusted: number | null
}
export interface WhyNot { outcome: string; reason: string; calls: number; detail: string }
export interface RuleScore { name: string; totals: Totals; why: WhyNot[]; drift: Drift | null }
export interface Hour { hour: string; scored: number; skipped: number; failed: number; cost_usd: Decimal }
export interface Rule {
  name: string; rate: number; by: string; condition?: string; filter?: Record<string, string | Record<string, string>>; delay?: string; max_per_minute?: number
  budget_usd?: Decimal | null; scorers: Record<string, unknown>[]; author?: string
  config_version: string; waiting: number; looked_until: string | null; spent_today_usd: Decimal; totals: Totals; scores: RuleScore[]; hours: Hour[]
}

export const total = (by: Record<string, number> | null): number => Object.values(by ?? {}).reduce((a, b) => a + b, 0)

/** What a reason means, in a sentence. */
const reasons: Record<string, string> = {
  budget: 'the budget is spent', content: 'what was said was not recorded', rate: 'more came in a minute than the rule takes', queue_full: 'too many were waiting', gone: 'the call is no longer in the store',
  removed: 'the rule was removed', condition: 'the condition could not be worked out', unscorable: 'nothing could be measured', scorer: 'the scorer did not answer', refused: 'the gateway refused the judge', rule: 'the scorer cannot be made',
}
export const reasonName = (r: string): string => reasons[r] ?? r

/** pairsOf writes a rule's filter, tags among it, as pairs. */
export function pairsOf(r: Pick<Rule, 'filter'>): [string, string][] {
  return Object.entries(r.filter ?? {}).flatMap(([k, v]): [string, string][] => (typeof v === 'string' ? [[k, v]] : Object.entries(v).map(([n, w]): [string, string] => ['tag.' + n, w])))
}

/** rateName is a rate as a share of what it is drawn of. */
export const rateName = (r: Pick<Rule, 'rate' | 'by'>): string => `${Number((r.rate * 100).toPrecision(4))}% of ${r.by === 'call' ? 'calls' : r.by + 's'}`

/** hoursOf are the decisions of hours, without gaps, as the chart of stacked bars takes them. */
export function hoursOf(r: Pick<Rule, 'hours'>, since: number, until: number): Pivot {
  const times = buckets(since, until, 'hour')
  const at = new Map(r.hours.map((h) => [bucketTime(h.hour), h]))
  const series = (label: string, of: (h: Hour) => number) => {
    const values = times.map((t) => { const h = at.get(t); return h ? of(h) : 0 })
    return { label, values, exact: values.map(String), total: String(values.reduce((a, b) => a + b, 0)), unpriced: 0 }
  }
  return {
    times, folded: 0, totals: times.map((t) => { const h = at.get(t); return String(h ? h.scored + h.skipped + h.failed : 0) }),
    series: [series('scored', (h) => h.scored), series('skipped', (h) => h.skipped), series('failed', (h) => h.failed)],
  }
}

export const driftWords: Record<Drift['state'], [string, string]> = { drifted: ['bad', 'drifted'], steady: ['ok', 'steady'], too_few: ['', 'too few scores'], too_early: ['', 'too early to say'] }

/** ledgerLine says a ledger in words. */
export const ledgerLine = (t: Totals): string => `${plural(t.scored, 'call')} scored of ${t.eligible}${t.eligible ? `, ${percent(t.scored, t.eligible)}` : ''}; ${total(t.skipped)} skipped, ${total(t.failed)} failed`
