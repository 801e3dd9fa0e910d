/** Why a call was slow: a bar of where its time went, and the same as words and as a table. */

import type { CallDetail } from '../lib/api'
import { ms, percent } from '../lib/format'
import { stretches, why } from '../lib/slow'
import { Card } from './parts'

export function Slow({ c }: { c: CallDetail }) {
  const list = stretches(c)
  return (
    <Card title="Where the time went">
      <div class="card-body stack" style={{ gap: '8px' }} data-slow>
        <p>{why(list, c.duration_ms)}</p>
        {list.length > 0 && <>
          <div class="slow" aria-hidden="true">{list.map((s, i) => <i key={i} class={s.kind} style={{ flexGrow: s.ms }} title={`${s.text}: ${ms(s.ms)}`} />)}</div>
          <table class="mini">
            <thead class="sr"><tr><th scope="col">Part</th><th scope="col">Time</th><th scope="col">Share</th></tr></thead>
            <tbody>{list.map((s, i) => <tr key={i}><td><span class="row" style={{ alignItems: 'baseline' }}><span class={'swatch ' + s.kind} /><span class="any">{s.text}{s.detail && <span class="faint"> · {s.detail}</span>}</span></span></td><td class="num nowrap">{ms(s.ms)}</td><td class="num faint" style={{ width: '48px' }}>{percent(s.ms, c.duration_ms)}</td></tr>)}</tbody>
          </table>
        </>}
      </div>
    </Card>
  )
}
