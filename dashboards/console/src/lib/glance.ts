/** What an overview says in a line each: which budgets are in danger, and what happened, one line for each alert. */

import type { Ahead } from './ahead'
import type { Budget } from './budgets'

export interface Event { at: string; kind: 'prompt' | 'experiment' | 'price' | 'budget' | 'alert'; name: string; text: string; by: string; bad: boolean; url: string }

/** gather makes one line of all that an alert said: its worst, and how it stands now. The rest stays as it is, newest first. */
export function gather(events: Event[]): (Event & { more: number })[] {
  const worse = (e: Event) => (!e.bad ? 0 : e.text.startsWith('alert') ? 2 : 1)
  const alerts = new Map<string, Event[]>()
  for (const e of events) if (e.kind === 'alert') alerts.set(e.name, [...(alerts.get(e.name) ?? []), e])
  const out = events.filter((e) => e.kind !== 'alert').map((e) => ({ ...e, more: 0 }))
  for (const [, of] of alerts) {
    const worst = of.reduce((a, b) => (worse(b) > worse(a) ? b : a))
    const newest = of[0]!
    const fine = !newest.bad && newest !== worst ? ', fine again since' : ''
    out.push({ ...worst, text: worst.text + fine, by: fine ? newest.at : '', more: of.length - 1 })
  }
  return out.sort((a, b) => b.at.localeCompare(a.at))
}

export type Danger = 'spent' | 'soon' | 'high' | 'ok'

/** danger says how a budget stands: spent, to be spent before its window ends, past a threshold, or well. */
export function danger(b: Pick<Budget, 'percent' | 'state'>, a: Pick<Ahead, 'reaches_at' | 'ends_at'> | undefined): Danger {
  if (b.percent >= 100 || b.state === 'spent') return 'spent'
  if (a?.reaches_at && (!a.ends_at || a.reaches_at < a.ends_at)) return 'soon'
  return b.state === 'soft' ? 'high' : 'ok'
}
