/** Calls as a file, by the filters and the range of the list. */

import { useState } from 'preact/hooks'
import { query, useGet, type Costs } from '../lib/api'
import type { Filters } from '../lib/filters'
import { plural } from '../lib/format'
import { Icon } from './icons'
import { Popover } from './parts'

const forms: [string, string, string][] = [['csv', 'CSV', 'for a spreadsheet'], ['jsonl', 'JSONL', 'an object a line'], ['parquet', 'Parquet', 'for DuckDB, pandas or Spark']]

export function ExportMenu({ filters, span, label }: { filters: Filters; span: { since: string; until: string }; label: string }) {
  return <Popover right label="Export" class="icon" width={290} button={<Icon name="download" size={15} />}>{() => <Files filters={filters} span={span} label={label} />}</Popover>
}

function Files({ filters, span, label }: { filters: Filters; span: { since: string; until: string }; label: string }) {
  const [bodies, setBodies] = useState(false)
  const sums = useGet<Costs>(filters.q ? '' : query('/api/v1/costs', { by: 'status', ...filters, ...span }))
  const n = sums.data?.total.calls
  const picked = Object.keys(filters).length > 0
  return (
    <div class="export">
      <p>{n !== undefined ? <b>{plural(n, 'call')}</b> : <b>All calls</b>} of the {label}{picked ? ' that the filters pick' : ''}, oldest first: not only those on this page.</p>
      <div class="menu">
        {forms.map(([format, name, about]) => <a key={format} href={query('/api/v1/export/calls', { format, ...filters, ...span, bodies: bodies ? 'true' : '' })} download=""><Icon name="download" size={14} />{name}<span class="n">{about}</span></a>)}
      </div>
      <label class="check"><input type="checkbox" checked={bodies} onChange={(e) => setBodies(e.currentTarget.checked)} /><span>with requests and answers</span></label>
    </div>
  )
}
