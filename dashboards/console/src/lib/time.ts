/** Moments and ranges: shown in local time, asked for in UTC. */

export const DAY = 86_400_000
export const HOUR = 3_600_000

/** A range as the API takes it. An empty until means "up to now". refused says what of the address could not be taken, and why. */
export interface Range { preset: string; since: string; until: string; grain: 'hour' | 'day'; label: string; refused?: string }

export const presets: Record<string, { label: string; long: string; ms: number }> = {
  '24h': { label: '24h', long: 'last 24 hours', ms: DAY },
  '7d': { label: '7d', long: 'last 7 days', ms: 7 * DAY },
  '30d': { label: '30d', long: 'last 30 days', ms: 30 * DAY },
  '90d': { label: '90d', long: 'last 90 days', ms: 90 * DAY },
}

/** moment reads a time of the address, NaN for none: a month, a day or a time, of UTC where no zone stands. A + that was not escaped arrives as a blank. */
function moment(text: string): number {
  const m = /^(\d{4}-\d\d(?:-\d\d)?)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+ -]\d\d:?\d\d)?)?$/.exec(text)
  if (!m) return NaN
  return Date.parse(m[2] ? `${m[1]}T${m[2]}${(m[3] ?? 'Z').replace(' ', '+')}` : m[1]!)
}

/** refusal says what of a range in the address cannot be taken, and how it is written; '' when all can. */
function refusal(range: string, since: string, until: string, now: number): string {
  const quote = (name: string, text: string) => `${name}=${text.length > 40 ? text.slice(0, 40) + '…' : text}`
  for (const [name, text] of [['since', since], ['until', until]] as const) {
    if (text && Number.isNaN(moment(text))) return `“${quote(name, text)}” is no time: a day is written as 2026-11-23, a time as 2026-11-23T08:00:00Z.`
  }
  if (until && !since) return `“${quote('until', until)}” says when the range ends, and nothing says when it begins: add since.`
  if (since && until && moment(since) >= moment(until)) return `“${quote('since', since)}” is not before “${quote('until', until)}”: exchange them.`
  if (since && !until && moment(since) >= now) return `“${quote('since', since)}” is still to come.`
  if (!since && range && !Object.hasOwn(presets, range)) return `“${quote('range', range)}” is none of ${Object.keys(presets).join(', ')}.`
  return ''
}

/** resolve turns the URL's range, since and until into a range with aligned edges, so that buckets are whole. What cannot be taken is refused, and the fallback stands in its place. */
export function resolve(params: URLSearchParams, fallback = '30d', now = Date.now()): Range {
  const since = params.get('since') ?? '', until = params.get('until') ?? '', key = params.get('range') ?? ''
  const refused = refusal(key, since, until, now)
  if (since && !refused) {
    const from = moment(since)
    const to = until ? moment(until) : now
    return {
      preset: 'custom', since: new Date(from).toISOString(), until: until && to !== now ? new Date(to).toISOString() : '',
      grain: to - from <= 3 * DAY ? 'hour' : 'day',
      label: shortDate(from) + ' – ' + (until ? shortDate(to) : 'now'),
    }
  }
  const name = !refused && Object.hasOwn(presets, key) ? key : fallback
  const p = presets[name]!
  const from = name === '24h'
    ? Math.floor(now / HOUR) * HOUR - 23 * HOUR
    : startOfDay(now) - (p.ms - DAY)
  return { preset: name, since: new Date(from).toISOString(), until: '', grain: name === '24h' ? 'hour' : 'day', label: p.long, ...(refused ? { refused } : {}) }
}

/** before is the range of the same length that ends where r starts; its end is shortened by what r has not lived yet. */
export function before(r: Range, now = Date.now()): { since: string; until: string } {
  const from = Date.parse(r.since)
  const to = r.until ? Date.parse(r.until) : now
  const shift = r.preset in presets ? presets[r.preset]!.ms : to - from
  return { since: new Date(from - shift).toISOString(), until: new Date(to - shift).toISOString() }
}

/** startOfDay and startOfMonth are in UTC: the rollups' days are UTC days. */
export const startOfDay = (t: number): number => Math.floor(t / DAY) * DAY
export const startOfMonth = (t: number): number => { const d = new Date(t); return Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), 1) }
export const startOfNextMonth = (t: number): number => { const d = new Date(t); return Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 1) }

/** bucketTime reads a bucket's name (a day, hour, minute or month as the API writes it) as milliseconds. */
export function bucketTime(s: string): number {
  if (/^\d{4}-\d\d$/.test(s)) return Date.parse(s + '-01T00:00:00Z')
  if (/^\d{4}-\d\d-\d\d$/.test(s)) return Date.parse(s + 'T00:00:00Z')
  const iso = s.replace(' ', 'T')
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : iso + (/T\d\d$/.test(iso) ? ':00Z' : 'Z'))
}

/** buckets lists the starts of all buckets from since to until, so that a quiet hour shows as a gap. */
export function buckets(since: number, until: number, grain: string): number[] {
  const out: number[] = []
  if (grain === 'month') {
    for (let t = startOfMonth(since); t < until; t = startOfNextMonth(t)) out.push(t)
    return out
  }
  const step = grain === 'day' ? DAY : grain === 'hour' ? HOUR : 60_000
  for (let t = Math.floor(since / step) * step; t < until && out.length < 5000; t += step) out.push(t)
  return out
}

const two = (n: number) => String(n).padStart(2, '0')
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** clock is the local time of day with seconds. */
export function clock(iso: string): string {
  const d = new Date(iso)
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

/** shortDate is the local day: Nov 23, with the year when it is another. */
export function shortDate(t: number | string, now = Date.now()): string {
  const d = new Date(t)
  const year = d.getFullYear() === new Date(now).getFullYear() ? '' : ' ' + d.getFullYear()
  return `${months[d.getMonth()]} ${d.getDate()}${year}`
}

/** utcDay names a UTC day bucket: Mon, Nov 23. */
export function utcDay(t: number): string {
  const d = new Date(t)
  return `${['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][d.getUTCDay()]}, ${months[d.getUTCMonth()]} ${d.getUTCDate()}`
}

/** bucketName labels a bucket by its grain. */
export function bucketName(t: number, grain: string): string {
  const d = new Date(t)
  if (grain === 'month') return `${months[d.getUTCMonth()]} ${d.getUTCFullYear()}`
  if (grain === 'day') return utcDay(t)
  return `${shortDate(t)}, ${two(d.getHours())}:${two(d.getMinutes())}`
}

/** utc is the title beside every local time. */
export const utc = (iso: string): string => iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '$1 UTC')

/** ago says how long before now a moment was. */
export function ago(iso: string, now = Date.now()): string {
  const s = (now - Date.parse(iso)) / 1000
  if (Number.isNaN(s)) return '—'
  if (s < 5) return 'just now'
  if (s < 60) return Math.floor(s) + ' s ago'
  if (s < 3600) return Math.floor(s / 60) + ' min ago'
  if (s < 86400) return Math.floor(s / 3600) + ' h ago'
  if (s < 86400 * 60) return Math.floor(s / 86400) + ' d ago'
  return shortDate(iso, now)
}
