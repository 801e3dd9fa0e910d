/** Reports as the API gives them, and the periods that one can choose. */

import { Failure, query } from './api'

export type Kind = 'week' | 'month'
export interface Schedule {
  name: string; project?: string; period: Kind; at?: string; timezone?: string; notify?: string[]; disabled?: boolean
  source: 'api' | 'file'; next_at: string | null; last: { period: string; at: string; channels: number } | null; error: string
}
export interface ScheduleList { schedules: Schedule[]; channels: string[]; timezone: string }

/** path is where a report is read. */
export const path = (kind: Kind, p: { of: string; project: string; timezone: string; format: string }): string => query('/api/v1/reports/' + kind, p)

export const schedulePath = (name: string): string => '/api/v1/reports/schedules/' + encodeURIComponent(name)

/** page reads a report as a page of its own. */
export async function page(at: string, signal: AbortSignal): Promise<string> {
  let res: Response
  try {
    res = await fetch(at, { signal, credentials: 'same-origin' })
  } catch (e) {
    if (signal.aborted) throw e
    throw new Failure(0, 'unreachable', 'weir does not answer. Is it still running? This page tries again when you ask it to.')
  }
  const text = await res.text()
  if (res.ok) return text
  let said: { message?: string; code?: string } | undefined
  try { said = (JSON.parse(text) as { error?: { message?: string; code?: string } }).error } catch { /* it is no JSON */ }
  throw new Failure(res.status, said?.code ?? 'http_' + res.status, said?.message ?? `weir answered ${res.status}.`)
}

const DAY = 86_400_000
const shown = (t: number): string => new Date(t).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** today is the day in a time zone, as the midnight of UTC that is called so. */
export function today(zone: string, now = Date.now()): number {
  try {
    const p = Object.fromEntries(new Intl.DateTimeFormat('en-US', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(now).map((x) => [x.type, x.value]))
    return Date.UTC(Number(p.year), Number(p.month) - 1, Number(p.day))
  } catch { return Math.floor(now / DAY) * DAY }
}

/** weekName is the ISO week of a Monday: 2026-W47. */
export function weekName(monday: number): string {
  const thursday = monday + 3 * DAY, year = new Date(thursday).getUTCFullYear()
  const n = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY))
  return `${year}-W${String(n).padStart(2, '0')}`
}

/** periods lists the running week or month and those before it, each with its name and how people say it. */
export function periods(kind: Kind, day: number, many = 14): [string, string][] {
  const out: [string, string][] = []
  const d = new Date(day)
  for (let i = 0; i < many; i++) {
    if (kind === 'month') {
      const at = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() - i, 1))
      out.push([at.toISOString().slice(0, 7), at.toLocaleDateString('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' })])
    } else {
      const monday = day - ((d.getUTCDay() + 6) % 7) * DAY - i * 7 * DAY
      out.push([weekName(monday), `${weekName(monday)}: ${shown(monday)} to ${shown(monday + 6 * DAY)}`])
    }
  }
  return out.map(([name, text], i) => [name, i ? text : text + ' (not over)'])
}

/** wordsOf says when and to whom a schedule sends. */
export const wordsOf = (s: Schedule, zone: string): string =>
  `${s.period === 'week' ? 'Mondays' : 'The first of the month'} at ${s.at || '08:00'} (${s.timezone || zone})`
