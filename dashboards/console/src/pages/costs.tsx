/** Costs: any grouping as a chart, a table and a file. */

import { useMemo, useState } from 'preact/hooks'
import { query, useGet, type CostRow, type Costs } from '../lib/api'
import { csv, download } from '../lib/csv'
import { pivot, type Measure } from '../lib/pivot'
import { patch, useLocation } from '../lib/router'
import { DAY, resolve } from '../lib/time'
import { TimeChart } from '../ui/chart'
import { FullCosts } from '../ui/costtable'
import { CostTabs } from '../ui/costtabs'
import { ForecastCard } from '../ui/forecast'
import { Icon } from '../ui/icons'
import { Card, Empty, Popover, Problem, Segmented, SkeletonRows } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'

const groups: Record<string, string> = { project: 'Project', key: 'Key', user: 'User', model: 'Model', provider: 'Provider', prompt: 'Prompt', arm: 'Arm', endpoint: 'Endpoint', status: 'Status', cache: 'Cache' }
const title = (d: string) => groups[d] ?? (d.startsWith('tag.') ? 'Tag ' + d.slice(4) : d)
const grains = ['minute', 'hour', 'day', 'month']

/** linkOf opens the calls behind a row, as far as its groups are filters of the call list. */
function linkOf(dims: string[], span: Record<string, string | undefined>) {
  return (r: CostRow) => query('/calls', { ...Object.fromEntries(dims.map((d) => [d, String(r[d] ?? '')])), ...span })
}

export function CostsPage() {
  const { params } = useLocation()
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const range = useMemo(() => resolve(params, '30d', minute), [params.toString(), minute])
  const since = Date.parse(range.since), until = range.until ? Date.parse(range.until) : minute
  const asked = (params.get('by') ?? 'model').split(',').filter((d) => d in groups || /^tag\.[\w.-]+$/.test(d)).slice(0, 3)
  const dims = asked.length ? asked : ['model']
  const wanted = params.get('grain') ?? range.grain
  const fits = (g: string) => (g === 'minute' ? until - since <= 6 * 3_600_000 : g === 'hour' ? until - since <= 14 * DAY : true)
  const grain = grains.includes(wanted) && fits(wanted) ? wanted : range.grain
  const [measure, setMeasure] = useState<Exclude<Measure, 'saved'>>('cost')
  const span = { since: range.since, until: range.until }
  const flat = useGet<Costs>(query('/api/v1/costs', { by: dims.join(','), ...span }))
  const over = useGet<Costs>(query('/api/v1/costs', { by: [...dims, grain].join(','), ...span }))
  const chart = useMemo(() => over.data && pivot(over.data.rows, dims, grain, measure, since, until), [over.data, dims.join(), grain, measure, since, until])
  const error = flat.error ?? over.error

  const save = () => {
    if (!over.data) return
    const cols = [...dims, grain, 'calls', 'errors', 'input_tokens', 'output_tokens', 'cost_usd', 'saved_usd', 'unpriced_calls', 'latency_p50_ms', 'latency_p95_ms']
    const rows = [...over.data.rows].sort((a, b) => String(a[grain]).localeCompare(String(b[grain])))
    download(`weir-costs-${dims.join('-')}-${range.since.slice(0, 10)}.csv`, csv(cols, rows.map((r) => cols.map((c) => r[c] as string | number | null | undefined))))
  }

  return (
    <Page title="Costs" actions={<RangePicker range={range} />}>
      <CostTabs here="costs" />
      <div class="filters">
        <GroupBy dims={dims} />
        <Segmented label="Granularity" value={grain} onChange={(v) => patch({ grain: v === range.grain ? undefined : v }, true)} options={grains.filter(fits).map((x) => [x, x[0]!.toUpperCase() + x.slice(1)] as const)} />
        <Segmented label="Measure" value={measure} onChange={setMeasure} options={[['cost', 'Cost'], ['calls', 'Calls'], ['tokens', 'Tokens']]} />
        <span class="grow" />
        <button type="button" class="btn" onClick={save} disabled={!over.data?.rows.length}><Icon name="download" size={15} />CSV</button>
      </div>
      {error ? <Problem error={error} retry={() => { flat.reload(); over.reload() }} /> : (
        <>
          {chart ? chart.series.length > 0 && (
            <TimeChart title={`${{ cost: 'Cost', calls: 'Calls', tokens: 'Tokens' }[measure]} by ${dims.map((d) => title(d).toLowerCase()).join(', ')}`} sub={range.label} pivot={chart} measure={measure} grain={grain}
              onSelect={(a, b) => patch({ range: undefined, since: new Date(a).toISOString(), until: b > Date.now() ? undefined : new Date(b).toISOString() })} />
          ) : <Card title="Cost"><SkeletonRows n={8} /></Card>}
          <ForecastCard />
          <Card label="Costs">
            {!flat.data ? <SkeletonRows n={8} /> : flat.data.rows.length === 0 ? (
              <Empty icon="costs" title="No calls in this range"><p>Choose a longer range, or another grouping. A call's cost stands here about a second after its answer.</p></Empty>
            ) : <FullCosts dims={dims} heads={dims.map(title)} rows={flat.data.rows} total={flat.data.total} link={linkOf(dims, params.get('since') ? span : { range: params.get('range') ?? '30d' })} />}
          </Card>
        </>
      )}
    </Page>
  )
}

function GroupBy({ dims }: { dims: string[] }) {
  const [tag, setTag] = useState('')
  const set = (list: string[]) => patch({ by: list.length ? list.join(',') : undefined }, true)
  return (
    <>
      {dims.map((d) => (
        <span class="chip" key={d}><span>by</span><b>{title(d)}</b>{dims.length > 1 && <button type="button" aria-label={'Remove ' + title(d)} onClick={() => set(dims.filter((x) => x !== d))}><Icon name="close" size={12} /></button>}</span>
      ))}
      <Popover label="Group by" button={<><Icon name="plus" size={14} />Group by</>}>
        {(close) => (
          <div class="menu" style={{ maxHeight: '380px' }}>
            {Object.entries(groups).map(([d, t]) => (
              <button type="button" key={d} aria-pressed={dims.includes(d)} onClick={() => { set(dims.includes(d) ? dims.filter((x) => x !== d) : [...dims.slice(-2), d]); close() }}>
                {t}{dims.includes(d) && <span class="n"><Icon name="check" size={14} /></span>}
              </button>
            ))}
            <form style={{ padding: '6px 4px 2px', display: 'flex', gap: '6px' }} onSubmit={(e) => { e.preventDefault(); if (/^[\w.-]+$/.test(tag)) { set([...dims.slice(-2), 'tag.' + tag]); close() } }}>
              <input class="field" style={{ margin: 0 }} placeholder="tag name, such as team" aria-label="Tag name" value={tag} onInput={(e) => setTag(e.currentTarget.value)} />
              <button class="btn" disabled={!/^[\w.-]+$/.test(tag)}>Add</button>
            </form>
          </div>
        )}
      </Popover>
    </>
  )
}
