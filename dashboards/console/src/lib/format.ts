/** Figures for people: counts, shares and spans of time. */

const grouped = new Intl.NumberFormat('en-US')

/** count groups thousands: 12,345. */
export const count = (n: number | null | undefined): string => (n === null || n === undefined ? '—' : grouped.format(n))

/** short abbreviates from ten thousand up: 9,876 · 12.3k · 4.5M. */
export function short(n: number | null | undefined): string {
  if (n === null || n === undefined) return '—'
  const abs = Math.abs(n)
  if (abs < 10_000) return grouped.format(Math.round(n))
  for (const [unit, suffix] of [[1e9, 'B'], [1e6, 'M'], [1e3, 'k']] as const) {
    if (abs >= unit * 0.9995) return (n / unit).toFixed(abs >= unit * 99.95 ? 0 : 1) + suffix
  }
  return String(n)
}

/** ms writes milliseconds: 0.4 ms · 812 ms · 3.42 s · 2 m 05 s. */
export function ms(v: number | null | undefined): string {
  if (v === null || v === undefined) return '—'
  if (v < 10) return (Math.round(v * 10) / 10) + ' ms'
  if (v < 999.5) return Math.round(v) + ' ms'
  if (v < 59_995) return (v / 1000).toFixed(v < 9_995 ? 2 : 1) + ' s'
  return span(v / 1000)
}

/** span writes seconds in its two largest units: 45 s · 2 m 05 s · 3 h 12 m · 4 d 6 h. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  if (s < 60) return s + ' s'
  if (s < 3600) return Math.floor(s / 60) + ' m ' + two(s % 60) + ' s'
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + two(Math.floor((s % 3600) / 60)) + ' m'
  return Math.floor(s / 86400) + ' d ' + Math.floor((s % 86400) / 3600) + ' h'
}

/** percent writes a share of a whole; a share that is small but not zero never reads as zero. */
export function percent(part: number, whole: number): string {
  if (!whole) return '—'
  const p = (part / whole) * 100
  if (p > 0 && p < 0.01) return '<0.01%'
  return p.toFixed(p < 1 ? 2 : p < 10 ? 1 : 0) + '%'
}

/** plural joins a count and its noun. */
export const plural = (n: number, one: string, many = one + 's'): string => count(n) + ' ' + (n === 1 ? one : many)

/** bytes writes a size. */
export function bytes(n: number): string {
  return n < 1024 ? n + ' B' : n < 1 << 20 ? (n / 1024).toFixed(1) + ' KB' : n < 1 << 30 ? (n / (1 << 20)).toFixed(1) + ' MB' : (n / (1 << 30)).toFixed(1) + ' GB'
}
