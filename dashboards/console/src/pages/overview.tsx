/** Overview: what was spent, on what, how fast and how well. */

import { useMemo } from 'preact/hooks'
import type { Ahead } from '../lib/ahead'
import { query, useGet, type CostRow, type Costs } from '../lib/api'
import { count, ms, percent, plural, short } from '../lib/format'
import { cents, exact, parse, pixels, usd } from '../lib/money'
import { pivot } from '../lib/pivot'
import { patch, useLocation } from '../lib/router'
import { before, bucketTime, buckets, DAY, resolve, startOfDay, utcDay } from '../lib/time'
import { TimeChart } from '../ui/chart'
import { TopCosts } from '../ui/costtable'
import { FirstCall } from '../ui/first'
import { Lately, Looks } from '../ui/glance'
import { Icon } from '../ui/icons'
import { Card, Problem, Segmented, Skeleton, SkeletonRows, Spark } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'

export function Overview() {
  const { params } = useLocation()
  // The moment the page was opened holds still, so that its requests can be kept.
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const range = useMemo(() => resolve(params, '30d', minute), [params.toString(), minute])
  const since = Date.parse(range.since), until = range.until ? Date.parse(range.until) : minute
  const grain = (params.get('grain') as 'hour' | 'day' | null) ?? range.grain
  const mayChoose = until - since <= 14 * DAY
  const g = mayChoose ? grain : 'day'
  const span = { since: range.since, until: range.until }

  const byModel = useGet<Costs>(query('/api/v1/costs', { by: 'model,' + g, ...span }))
  const models = useGet<Costs>(query('/api/v1/costs', { by: 'model', ...span }))
  const projects = useGet<Costs>(query('/api/v1/costs', { by: 'project', ...span }))
  const users = useGet<Costs>(query('/api/v1/costs', { by: 'user', ...span }))
  const shape = useGet<Costs>(query('/api/v1/costs', { by: g, ...span }))
  const past = useGet<Costs>(query('/api/v1/costs', { by: 'project', ...before(range, minute) }))

  const chart = useMemo(() => byModel.data && pivot(byModel.data.rows, ['model'], g, 'cost', since, until), [byModel.data, g, since, until])
  const total = models.data?.total
  const error = models.error ?? byModel.error
  const nothing = models.data && !models.data.total.calls && past.data && !past.data.total.calls
  const series = useMemo(() => {
    const rows = new Map((shape.data?.rows ?? []).map((r) => [bucketTime(String(r[g])), r]))
    const times = buckets(since, until, g)
    return (f: (r: CostRow) => number) => (shape.data ? times : []).map((t) => { const r = rows.get(t); return r ? f(r) : 0 })
  }, [shape.data, g, since, until])

  return (
    <Page title="Overview" actions={<RangePicker range={range} />}>
      {error && <Problem error={error} retry={() => { models.reload(); byModel.reload() }} />}
      {nothing && params.toString() === '' ? <Card><FirstCall /></Card> : !error && (
        <>
          <Month now={minute} />
          <div class="two glance"><Looks /><Lately /></div>
          <div class="tiles five">
            <Tile k="Cost" v={total && cents(total.cost_usd)} title={total && exact(total.cost_usd)} now={pixels(total?.cost_usd)} was={pixels(past.data?.total.cost_usd)} spark={series((r) => pixels(r.cost_usd))} loading={!total} />
            <Tile k="Calls" v={total && short(total.calls)} title={total && count(total.calls)} now={total?.calls} was={past.data?.total.calls} spark={series((r) => r.calls)} loading={!total} />
            <Tile k="Errors" v={total && (total.calls ? percent(total.errors, total.calls) : '—')} sub={total && plural(total.errors, 'failed call')} spark={series((r) => r.errors)} color="var(--c6)" loading={!total} />
            <Tile k="Latency" v={total && ms(total.latency_p50_ms)} sub={total && <><span>p95 {ms(total.latency_p95_ms)}</span>{total.ttft_p50_ms != null && <span title="Median time to the first token">first {ms(total.ttft_p50_ms)}</span>}</>} spark={series((r) => r.latency_p50_ms ?? 0)} color="var(--c3)" loading={!total} />
            <Tile k="Saved by the cache" v={total && cents(total.saved_usd)} title={total && exact(total.saved_usd)} sub={total && (total.cache_hits !== undefined ? <>{plural(total.cache_hits, 'hit')} · {percent(total.cache_hits, total.calls)}</> : '')} spark={series((r) => pixels(r.saved_usd))} color="var(--c2)" loading={!total} />
          </div>
          {!!total?.unpriced_calls && (
            <div class="notice"><Icon name="warn" /><div>{plural(total.unpriced_calls, 'call')} in this range went to a model without a known price. Their cost is unknown and not in these figures. <a href="/models?tab=unpriced">Set a price</a></div></div>
          )}
          {chart ? (
            <TimeChart title="Cost by model" sub={range.label + (g === 'day' ? ', UTC days' : '')} pivot={chart} measure="cost" grain={g}
              onSelect={(a, b) => patch({ range: undefined, since: new Date(a).toISOString(), until: b > Date.now() ? undefined : new Date(b).toISOString() })}
              actions={mayChoose ? <Segmented small label="Granularity" value={g} onChange={(v) => patch({ grain: v === range.grain ? undefined : v }, true)} options={[['hour', 'Hours'], ['day', 'Days']]} /> : undefined} />
          ) : <Card title="Cost by model"><SkeletonRows n={8} /></Card>}
          <div class="three">
            <TopCosts title="Models" dim="model" rows={models.data?.rows} link={(v) => query('/calls', { model: v, range: params.get('range') ?? '30d', since: params.get('since'), until: params.get('until') })} all={'/costs?by=model'} />
            <TopCosts title="Projects" dim="project" rows={projects.data?.rows} link={(v) => query('/calls', { project: v, range: params.get('range') ?? '30d', since: params.get('since'), until: params.get('until') })} all={'/costs?by=project'} />
            <TopCosts title="Users" dim="user" rows={users.data?.rows} link={(v) => query('/calls', { user: v, range: params.get('range') ?? '30d', since: params.get('since'), until: params.get('until') })} all={'/users'} />
          </div>
        </>
      )}
    </Page>
  )
}

function Tile(p: { k: string; v: string | undefined; title?: string | undefined; sub?: preact.ComponentChildren; now?: number | undefined; was?: number | undefined; spark: number[]; color?: string; loading: boolean }) {
  // A range before that has hardly anything is no measure.
  const change = p.now !== undefined && p.was && p.now < 10 * p.was ? (p.now - p.was) / p.was : undefined
  return (
    <div class="card tile">
      <span class="k">{p.k}</span>
      <span class="v" title={p.title}>{p.loading ? <Skeleton h={26} w="60%" /> : p.v}</span>
      <span class="s">
        {p.sub}
        {change !== undefined && <span><span class="delta">{change >= 0 ? '↑' : '↓'} {(Math.abs(change) * 100).toFixed(Math.abs(change) < 0.0995 ? 1 : 0)}%</span> vs the range before</span>}
      </span>
      <Spark values={p.spark} color={p.color ?? 'var(--accent)'} />
    </div>
  )
}

/** Month is about money now: today, this month, and how the month will end. It does not depend on the range. */
function Month({ now }: { now: number }) {
  const day = useGet<Costs>(query('/api/v1/costs', { since: new Date(startOfDay(now)).toISOString() }))
  const ahead = useGet<Ahead>('/api/v1/costs/forecast?window=month')
  const a = ahead.data
  const f = day.data && a && { today: day.data.total.cost_usd ?? '0', month: a.spent_usd, total: a.expected_usd ?? null, low: a.low_usd ?? null, high: a.high_usd ?? null, how: a.how }
  const failed = day.error ? day : ahead
  const d = new Date(now)
  const monthName = d.toLocaleString('en-US', { month: 'long', timeZone: 'UTC' })
  const length = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 0)).getUTCDate()
  if (failed.error) return <Problem error={failed.error} retry={failed.reload} />
  const whole = f ? pixels(f.total ?? f.month) : 0
  const v = (s: string | null | undefined) => (f ? (s ? cents(s) : '—') : <Skeleton h={26} w="50%" />)
  return (
    <section class="card month" aria-label="Spend this month">
      <div class="tile"><span class="k">Spend today</span><span class="v" title={f && exact(f.today)}>{v(f?.today)}</span><span class="s">{utcDay(now)}, UTC</span></div>
      <div class="tile"><span class="k">Month to date</span><span class="v" title={f && exact(f.month)}>{v(f?.month)}</span><span class="s">day {d.getUTCDate()} of {length}</span></div>
      <div class="tile">
        <span class="k">Forecast for {monthName}</span>
        <span class="v" title={f?.total ? usd(f.total) : undefined}>{v(f?.total)}{f?.low && f.low !== f.high && <small> {cents(f.low)} – {cents(f.high)}</small>}</span>
        <details class="how"><summary>How it is computed<Icon name="down" size={12} /></summary><p>{f?.how}</p></details>
      </div>
      {f?.total && parse(f.total)! > 0n && (
        <div class="month-bar">
          <div class="track" role="img" aria-label={`${percent(pixels(f.month), whole)} of the forecast is spent`}>
            <i class="ahead" style={{ width: '100%' }} /><i class="done" style={{ width: (pixels(f.month) / whole) * 100 + '%' }} />
          </div>
          <div class="ends"><span>{percent(pixels(f.month), whole)} spent, {percent(d.getUTCDate() - 1 + (now % DAY) / DAY, length)} of the month gone</span><span>{monthName} {length}</span></div>
        </div>
      )}
    </section>
  )
}
