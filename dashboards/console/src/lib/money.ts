/** Exact dollars: the API's decimal strings held as integers of 10⁻¹⁸ dollars. Floats are for pixels only. */

const SCALE = 18
const ONE = 10n ** BigInt(SCALE)

/** A decimal string as the API sends it; null, undefined and "" mean that the amount is not known. */
export type Decimal = string | null | undefined

/** parse reads a decimal string into units of 10⁻¹⁸; null when it is absent or not a decimal. */
export function parse(s: Decimal): bigint | null {
  if (s === null || s === undefined) return null
  const m = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(String(s).trim())
  if (!m || (!m[2] && !m[3])) return null
  const exp = Number(m[4] ?? 0)
  const frac = m[3] ?? ''
  const digits = BigInt((m[2] ?? '') + frac || '0')
  const shift = SCALE + exp - frac.length
  const units = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift)
  return m[1] === '-' ? -units : units
}

/** render writes units of 10⁻¹⁸ as a decimal string without trailing zeros. */
export function render(units: bigint): string {
  const neg = units < 0n
  const abs = neg ? -units : units
  const frac = (abs % ONE).toString().padStart(SCALE, '0').replace(/0+$/, '')
  return (neg ? '-' : '') + (abs / ONE).toString() + (frac ? '.' + frac : '')
}

/** sum adds what is known; amounts that are not known are left out. */
export function sum(list: Iterable<Decimal>): string {
  let total = 0n
  for (const s of list) total += parse(s) ?? 0n
  return render(total)
}

/** cmp orders two amounts; an unknown one is smaller than any other. */
export function cmp(a: Decimal, b: Decimal): number {
  const x = parse(a), y = parse(b)
  if (x === null || y === null) return x === y ? 0 : x === null ? -1 : 1
  return x < y ? -1 : x > y ? 1 : 0
}

/** round gives abs/10^(SCALE-decimals), half to even. */
function round(abs: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(SCALE - decimals)
  const q = abs / unit, twice = (abs % unit) * 2n
  return twice > unit || (twice === unit && q % 2n === 1n) ? q + 1n : q
}

function fixed(units: bigint, decimals: number): string {
  const neg = units < 0n
  const q = round(neg ? -units : units, decimals).toString().padStart(decimals + 1, '0')
  const whole = q.slice(0, q.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',')
  return (neg && /[1-9]/.test(q) ? '-$' : '$') + whole + (decimals ? '.' + q.slice(-decimals) : '')
}

/** usd is for reading: cents from a dollar up, four decimals from a cent up, below that three significant digits. */
export function usd(s: Decimal): string {
  const units = parse(s)
  if (units === null) return '—'
  const abs = units < 0n ? -units : units
  if (abs === 0n) return '$0.00'
  if (abs >= ONE) return fixed(units, 2)
  if (abs >= ONE / 100n) return fixed(units, 4)
  const lead = SCALE - abs.toString().length // zeros after the point
  return fixed(units, Math.min(SCALE, lead + 3)).replace(/(\.\d\d\d*?)0+$/, '$1')
}

/** cents rounds to two decimals, for headings; an amount under half a cent that is not zero is written "<$0.01". */
export function cents(s: Decimal): string {
  const units = parse(s)
  if (units === null) return '—'
  if (units > 0n && round(units, 2) === 0n) return '<$0.01'
  return fixed(units, 2)
}

/** exact writes every digit the API sent, at least two decimals. */
export function exact(s: Decimal): string {
  const units = parse(s)
  if (units === null) return 'unknown'
  const [whole = '0', frac = ''] = render(units < 0n ? -units : units).split('.')
  return (units < 0n ? '-$' : '$') + whole.replace(/\B(?=(\d{3})+$)/g, ',') + '.' + frac.padEnd(2, '0')
}

/** pixels is the amount as a float: for the length of a bar or a chart's height, never for a figure. */
export function pixels(s: Decimal): number {
  const n = Number(s)
  return s === null || s === undefined || !Number.isFinite(n) ? 0 : n
}

/** axis labels a chart's axis, where the value is a tick and not an amount. */
export function axis(v: number): string {
  if (v === 0) return '$0'
  const abs = Math.abs(v)
  if (abs >= 1e6) return '$' + trim(v / 1e6) + 'M'
  if (abs >= 1e4) return '$' + trim(v / 1e3) + 'k'
  const text = abs >= 1 ? trim(v) : Number(v.toPrecision(2)).toString()
  return '$' + text.replace(/\.\d$/, (tenths) => tenths + '0')
}

function trim(v: number): string {
  return (Math.round(v * 100) / 100).toString()
}
