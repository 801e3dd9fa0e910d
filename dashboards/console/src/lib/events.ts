/** What happened to budgets: thresholds crossed, and calls that met a limit. */

import { query } from './api'
import { amount, type Budget, type Kind } from './budgets'
import { count, plural } from './format'
import { parse, type Decimal } from './money'

export interface Figures { usd: Decimal; tokens: number; calls: number }
export interface BudgetEvent {
  id: string; budget_id: string; budget: string; kind: string
  window_began_at: string | null; window_ends_at: string | null
  threshold: number | null; count: number; at: string; last_at: string
  spent: Figures; limit: { usd: Decimal; tokens: number | null; calls: number | null }; over: Figures
  webhook: { state: string; tries: number; at: string | null; error: string }
}

/** The kinds of events in the order of their lanes: colour of the badge, word, colour of the lane. */
export const kinds: Record<string, [string, string, string]> = {
  threshold: ['warn', 'threshold', '--c2'], refused: ['bad', 'refused', '--c6'], downgraded: ['accent', 'downgraded', '--c5'], cut: ['bad', 'cut', '--c4'], overrun: ['warn', 'overrun', '--c7'],
}

/** figures lists what is limited (or, without a limit, what is not zero) of figures. */
function figures(f: Figures, limit?: BudgetEvent['limit']): [Kind, Decimal, Decimal][] {
  const all: [Kind, Decimal, Decimal][] = [['usd', f.usd, limit?.usd], ['tokens', String(f.tokens), limit?.tokens === null ? null : String(limit?.tokens ?? '')], ['calls', String(f.calls), limit?.calls === null ? null : String(limit?.calls ?? '')]]
  return all.filter(([, v, l]) => (limit ? parse(l) !== null : (parse(v) ?? 0n) > 0n))
}

/** said is an event as a sentence. */
export function said(e: BudgetEvent): string {
  const spent = figures(e.spent, e.limit).map(([k, v, l]) => `${amount(k, v, false)} of ${amount(k, l)}`).join(', ')
  switch (e.kind) {
    case 'threshold': return `${e.threshold}% of the limit reached${spent && ': ' + spent + ' spent'}`
    case 'refused': return `${plural(e.count, 'call')} refused${spent && ' at ' + spent + ' spent'}`
    case 'downgraded': return `${plural(e.count, 'target')} passed over for a cheaper one`
    case 'cut': return `${plural(e.count, 'stream')} cut off in mid-answer`
    case 'overrun': {
      const over = figures(e.over).map(([k, v]) => amount(k, v)).join(', ')
      return `${plural(e.count, 'call')} cost more than was held for ${e.count === 1 ? 'it' : 'them'}${over && ': ' + over + ' together'}`
    }
  }
  return `${e.kind.replaceAll('_', ' ')}, ${count(e.count)} times`
}

/** callsOf is the address of the calls behind an event; '' when none are told apart from others. */
export function callsOf(e: BudgetEvent, b: Budget | undefined): string {
  const status = { refused: 'budget', cut: 'cut' }[e.kind]
  if (!status || !b) return ''
  // The last one ended at that moment; the list takes calls that began before it.
  return query('/calls', { ...b.scope, status, since: e.window_began_at ?? e.at, until: new Date(Date.parse(e.last_at) + 1000).toISOString() })
}

export interface Mark { left: number; width: number; event: BudgetEvent }
/** lanes lays the events of a span of time out, in percent of it, by kind; a kind without events has no lane. */
export function lanes(events: BudgetEvent[], since: number, until: number): { kind: string; marks: Mark[]; total: number }[] {
  const place = (t: number) => Math.max(0, Math.min(100, ((t - since) / Math.max(1, until - since)) * 100))
  const names = [...Object.keys(kinds), ...new Set(events.map((e) => e.kind).filter((k) => !(k in kinds)))]
  return names.map((kind) => {
    const marks = events.filter((e) => e.kind === kind && Date.parse(e.last_at) >= since).map((event) => {
      const left = place(Date.parse(event.at))
      return { left, width: place(Date.parse(event.last_at)) - left, event }
    })
    return { kind, marks, total: marks.reduce((s, m) => s + m.event.count, 0) }
  }).filter((l) => l.marks.length > 0)
}

/** told says how far the telling of an event has come; '' when nobody is told. */
export function told(w: BudgetEvent['webhook']): [string, string] | null {
  switch (w.state) {
    case 'delivered': return ['ok', 'told']
    case 'failed': return ['bad', 'not told']
    case 'waiting': return ['', w.tries ? 'trying again' : 'being told']
  }
  return null
}
