/** Traces: what belongs together by its trace id, newest first. */

import { useMemo } from 'preact/hooks'
import { query } from '../lib/api'
import { filterOf } from '../lib/filters'
import { ms, plural, short } from '../lib/format'
import { usePages } from '../lib/pages'
import { useLocation } from '../lib/router'
import { resolve } from '../lib/time'
import { kindName, spanName, type Bundle } from '../lib/traces'
import { BundleCost, Errors, More } from '../ui/bundles'
import { Filters } from '../ui/filters'
import { FirstCall } from '../ui/first'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows, Status, Time } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'
import { ViewsMenu } from '../ui/viewsmenu'

export function TracesPage() {
  const { params, search } = useLocation()
  const hour = Math.floor(Date.now() / 3_600_000)
  const range = useMemo(() => resolve(params, '7d'), [params.toString(), hour])
  const filters = filterOf(params)
  const span = { since: range.since, until: range.until }
  const list = usePages<{ traces: Bundle[]; next: string }>(query('/api/v1/traces', { ...filters, ...span, limit: 50 }))
  const traces = list.pages.flatMap((p) => p.traces)
  const filtered = Object.keys(filters).length > 0 || params.has('range') || params.has('since')
  return (
    <Page title="Traces" class="calls" actions={<div class="calls-bar no-print"><ViewsMenu room="traces" search={search} /><RangePicker range={range} /></div>}>
      <Filters params={params} span={span}><button type="button" class="btn icon" aria-label="Read again" title="Read again" onClick={list.reload}><Icon name="refresh" size={15} /></button></Filters>
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {!list.error && (
        <Card label="Traces">
          {!list.pages.length ? <SkeletonRows n={10} /> : !traces.length ? filtered ? (
            <Empty icon="search" title="No trace matches"><p>No trace of the {range.label} has a call that these filters pick. Widen the range, or take a filter away.</p><a class="btn" href="/traces?range=90d">All traces of 90 days</a></Empty>
          ) : <FirstCall /> : (
            <div class="scroll"><table class="table bundles" data-traces>
              <thead><tr><th scope="col">Time</th><th scope="col">Begins with</th><th scope="col">Status</th><th scope="col" class="wide">Project and user</th><th scope="col" class="num wide">Calls</th><th scope="col" class="num wide">Spans</th><th scope="col" class="num wide">Errors</th><th scope="col" class="num wide">Tokens in → out</th><th scope="col" class="num">Cost</th><th scope="col" class="num">Duration</th></tr></thead>
              <tbody>{traces.map((t) => (
                <tr key={t.id}>
                  <td class="nowrap"><Time iso={t.start_time} mode="ago" /></td>
                  <td class="opening"><a class="cut" href={'/traces/' + encodeURIComponent(t.id)} title={t.id}>{spanName(t)}{t.kind !== 'call' && <span class="sub"> {kindName(t.kind).toLowerCase()}</span>}</a>{t.input_preview && <span class="cut sub">{t.input_preview}</span>}</td>
                  <td><Status status={t.status} http={t.http_status} /></td>
                  <td class="wide cut" style={{ maxWidth: '180px' }}>{t.project}{t.user && <span class="sub"> / {t.user}</span>}</td>
                  <td class="num wide">{short(t.calls)}</td><td class="num wide faint">{short(t.spans)}</td><td class="num wide"><Errors n={t.errors} /></td>
                  <td class="num wide nowrap">{t.input_tokens + t.output_tokens ? <>{short(t.input_tokens)} <span class="faint">→</span> {short(t.output_tokens)}</> : <span class="faint">–</span>}</td>
                  <td class="num nowrap"><BundleCost b={t} /></td><td class="num nowrap">{ms(t.duration_ms)}</td>
                </tr>
              ))}</tbody>
            </table></div>
          )}
        </Card>
      )}
      {traces.length > 0 && <More {...list} end={`${plural(traces.length, 'trace')}, the ${range.label} in full.`} />}
    </Page>
  )
}
