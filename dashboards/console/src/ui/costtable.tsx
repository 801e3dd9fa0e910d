/** Groups with their costs: a short list with bars, and a full table one can sort. */

import { useMemo, useState } from 'preact/hooks'
import type { CostRow } from '../lib/api'
import { count, ms, percent, short } from '../lib/format'
import { cmp, parse, pixels } from '../lib/money'
import { label, name } from '../lib/pivot'
import { Icon } from './icons'
import { Card, Money, SkeletonRows, Unpriced } from './parts'

/** byCost orders rows by cost, then by calls. */
export const byCost = (a: CostRow, b: CostRow): number => cmp(b.cost_usd, a.cost_usd) || b.calls - a.calls

/** CostCell writes an amount and what it leaves out: all calls unpriced is "unpriced", never zero. */
export function CostCell({ row, small = false }: { row: CostRow; small?: boolean }) {
  const unknown = row.unpriced_calls ?? 0
  if (unknown > 0 && (row.cost_usd === null || parse(row.cost_usd) === 0n) && unknown >= row.calls - row.errors) return <Money value={null} />
  return <span class="row" style={{ justifyContent: 'flex-end', gap: '6px' }}><Unpriced calls={unknown} small={small} /><Money value={row.cost_usd} /></span>
}

export function TopCosts({ title, dim, rows, link, all, limit = 7 }: { title: string; dim: string; rows: CostRow[] | undefined; link: (v: string) => string; all: string; limit?: number }) {
  const top = useMemo(() => [...(rows ?? [])].sort(byCost).slice(0, limit), [rows, limit])
  const max = Math.max(...top.map((r) => pixels(r.cost_usd)), 1e-12)
  return (
    <Card title={title} actions={<a class="btn quiet small" href={all}>All<Icon name="right" size={13} /></a>}>
      {!rows ? <SkeletonRows n={5} /> : top.length === 0 ? <p class="card-body faint">Nothing in this range.</p> : (
        <table class="table">
          <thead class="sr"><tr><th scope="col">{dim}</th><th scope="col">Calls</th><th scope="col">Cost</th></tr></thead>
          <tbody>
            {top.map((r) => {
              const v = String(r[dim] ?? '')
              return (
                <tr key={v}>
                  <td class="barcell" style={{ '--w': pixels(r.cost_usd) / max, maxWidth: 0, width: '66%' }}>
                    {v ? <a class="cut" style={{ color: 'inherit', display: 'block' }} href={link(v)}>{v}</a> : <span class="faint">(none)</span>}
                  </td>
                  <td class="num faint">{short(r.calls)}</td>
                  <td class="num" style={{ fontWeight: 540 }}><CostCell row={r} small /></td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
    </Card>
  )
}

const columns: [string, string][] = [
  ['cost_usd', 'Cost'], ['calls', 'Calls'], ['errors', 'Errors'], ['input_tokens', 'Tokens in'], ['output_tokens', 'Tokens out'], ['latency_p50_ms', 'p50'], ['latency_p95_ms', 'p95'], ['saved_usd', 'Saved'],
]

/** FullCosts is the whole table; it shows 200 rows at a time. */
export function FullCosts({ dims, heads, rows, total, link }: { dims: string[]; heads: string[]; rows: CostRow[]; total: CostRow; link?: (r: CostRow) => string }) {
  const [sort, setSort] = useState<[string, number]>(['cost_usd', -1])
  const [shown, more] = useState(200)
  const sorted = useMemo(() => {
    const [key, sign] = sort
    const money = key.endsWith('_usd')
    const dim = dims.includes(key)
    return [...rows].sort((a, b) => sign * (dim ? String(a[key]).localeCompare(String(b[key])) : money ? cmp(a[key] as string, b[key] as string) : Number(a[key] ?? -1) - Number(b[key] ?? -1)) || byCost(a, b))
  }, [rows, sort, dims.join()])
  const head = (key: string, text: string, num: boolean) => (
    <th scope="col" key={key} class={num ? 'num' : ''} aria-sort={sort[0] === key ? (sort[1] < 0 ? 'descending' : 'ascending') : undefined}>
      <button type="button" onClick={() => setSort([key, sort[0] === key ? -sort[1] : num ? -1 : 1])}>{text}{sort[0] === key && <span style={{ transform: sort[1] < 0 ? '' : 'rotate(180deg)', display: 'grid' }}><Icon name="down" size={12} /></span>}</button>
    </th>
  )
  const max = Math.max(...rows.map((r) => pixels(r.cost_usd)), 1e-12)
  const cells = (r: CostRow, small: boolean) => (
    <>
      <td class="num nowrap" style={{ fontWeight: 560 }}><CostCell row={r} small={small} /></td>
      <td class="num">{count(r.calls)}</td>
      <td class="num">{r.errors ? <span title={percent(r.errors, r.calls) + ' of calls'} style={{ color: 'var(--bad)' }}>{count(r.errors)}</span> : <span class="faint">0</span>}</td>
      <td class="num" title={count(r.input_tokens)}>{short(r.input_tokens)}</td><td class="num" title={count(r.output_tokens)}>{short(r.output_tokens)}</td>
      <td class="num nowrap">{ms(r.latency_p50_ms)}</td><td class="num nowrap">{ms(r.latency_p95_ms)}</td>
      <td class="num">{parse(r.saved_usd) ? <Money value={r.saved_usd} /> : <span class="faint">–</span>}</td>
    </>
  )
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Costs, table">
        <table class="table">
          <thead><tr>{dims.map((d, i) => head(d, heads[i]!, false))}{columns.map(([k, t]) => head(k, t, true))}</tr></thead>
          <tbody>
            {sorted.slice(0, shown).map((r) => (
              <tr key={label(r, dims)}>
                {dims.map((d, i) => (
                  <td key={d} class={'dim nowrap' + (i === 0 ? ' barcell' : '')} style={i === 0 ? { '--w': pixels(r.cost_usd) / max } : undefined}>
                    {i === 0 && link && r[d] ? <a href={link(r)} style={{ color: 'inherit' }}>{name(r[d])}</a> : <span class={r[d] ? '' : 'faint'}>{name(r[d])}</span>}
                  </td>
                ))}
                {cells(r, true)}
              </tr>
            ))}
          </tbody>
          <tfoot><tr><td colSpan={dims.length}>Total of {count(rows.length)} {rows.length === 1 ? 'row' : 'rows'}</td>{cells(total, false)}</tr></tfoot>
        </table>
      </div>
      {sorted.length > shown && <div class="more"><button type="button" class="btn" onClick={() => more(shown + 500)}>Show more</button>{count(shown)} of {count(sorted.length)}</div>}
    </>
  )
}
