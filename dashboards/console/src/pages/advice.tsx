/** Advice: what calls cost more than they need to, with the figures that show it and what to do. */

import { useMemo, useState } from 'preact/hooks'
import { figure, kindName, type Advice, type Finding } from '../lib/advice'
import { query, useGet, type Facets } from '../lib/api'
import { count, plural } from '../lib/format'
import { cents, exact, usd } from '../lib/money'
import { patch, useLocation } from '../lib/router'
import { shortDate } from '../lib/time'
import { CostTabs } from '../ui/costtabs'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, Segmented, SkeletonRows } from '../ui/parts'
import { Page } from '../ui/shell'

const spans = [['7d', '7d', 'last 7 days'], ['30d', '30d', 'last 30 days'], ['90d', '90d', 'last 90 days']] as const

export function AdvicePage() {
  const { params } = useLocation()
  const since = spans.find(([v]) => v === params.get('range'))?.[0] ?? '30d'
  const project = params.get('project') ?? ''
  const all = params.get('small') === 'show'
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const path = useMemo(() => query('/api/v1/costs/advice', { since, project, min_usd: all ? '0' : undefined }), [since, project, all])
  const [shown, more] = useState(8)
  const advice = useGet<Advice>(path)
  const a = advice.loading ? undefined : advice.data
  return (
    <Page title="Costs" actions={<Segmented label="Range" value={since} onChange={(v) => patch({ range: v === '30d' ? undefined : v }, true)} options={spans} />}>
      <CostTabs here="advice" />
      <div class="filters">
        <select class="field" aria-label="Project" value={project} onChange={(e) => patch({ project: e.currentTarget.value || undefined }, true)}>
          <option value="">Every project</option>
          {[...new Set([...(facets.data?.project ?? []).map((f) => f.value), ...(project ? [project] : [])])].map((p) => <option key={p} value={p}>{p}</option>)}
        </select>
        <button type="button" class="btn" aria-pressed={all} onClick={() => patch({ small: all ? undefined : 'show' }, true)}>Small savings too</button>
        <span class="grow" />
        {a && <span class="faint">{plural(a.calls, 'call')} that cost {usd(a.cost_usd)}</span>}
      </div>
      {advice.error ? <Problem error={advice.error} retry={advice.reload} /> : !a ? <Card label="Advice"><SkeletonRows n={9} /></Card> : (
        <>
          {!a.findings.length && (
            <Card label="Advice"><Empty icon={a.calls ? 'check' : 'costs'} title={a.calls ? 'Nothing found that saves enough' : 'No calls in this range'}>
              <p>{a.calls ? `Of ${plural(a.calls, 'call')} none of what is looked for saves ${usd(a.floor_usd)} in thirty days or more.` : 'Advice is worked out from recorded calls; choose a longer range.'}</p>
            </Empty></Card>
          )}
          {a.findings.slice(0, shown).map((f, i) => <Found key={f.kind + i} f={f} />)}
          {a.findings.length > shown && <div class="more"><button type="button" class="btn" onClick={() => more(shown + 25)}>Show more</button>{shown} of {count(a.findings.length)}</div>}
          {a.below_floor > 0 && <p class="muted">{plural(a.below_floor, 'finding')} more {a.below_floor === 1 ? 'saves' : 'save'} less than {usd(a.floor_usd)} in thirty days. <button type="button" class="linklike" onClick={() => patch({ small: 'show' }, true)}>Show {a.below_floor === 1 ? 'it' : 'them'} too</button></p>}
          <Card title="How far this goes" label="How far this goes">
            <div class="card-body stack small muted" style={{ gap: '8px' }}>
              <p>Savings are estimates for thirty days at the pace of this range{a.first_call && `, from ${shortDate(a.first_call)} on`}. Several findings may be about the same calls, so they do not add up. What clients sent was compared since {shortDate(a.texts_since)}.</p>
              {a.left_out.length > 0 && <><p>Not looked for:</p><ul class="reasons">{a.left_out.map((l, i) => <li key={i}><b>{kindName(l.kind)}</b>: {l.why}</li>)}</ul></>}
            </div>
          </Card>
        </>
      )}
    </Page>
  )
}

function Found({ f }: { f: Finding }) {
  return (
    <Card class="finding" label={f.title}>
      <div class="finding-head">
        <div class="saving" title={exact(f.saving_usd_30d)} data-saving={f.saving_usd_30d}><b>{cents(f.saving_usd_30d)}</b><span>in 30 days</span></div>
        <div class="stack" style={{ gap: '6px' }}>
          <span class="badge">{kindName(f.kind)}</span>
          <h2>{f.title}</h2>
          <p>{f.do}</p>
        </div>
      </div>
      <dl class="evidence">{f.evidence.map((e, i) => <div key={i}><dt>{e.name}</dt><dd>{figure(e)}</dd></div>)}</dl>
      <div class="finding-foot">
        <details class="how grow"><summary>How the saving is estimated<Icon name="down" size={12} /></summary><p>{f.how}</p></details>
        {f.calls.length > 0 && <span class="faint small">for example {f.calls.slice(0, 3).map((id, i) => <a key={id} href={'/calls/' + encodeURIComponent(id)}>{i ? ', ' : ''}call {count(i + 1)}</a>)}</span>}
        <a class="btn small" href={query('/calls', f.filter)}>See the calls<Icon name="right" size={13} /></a>
      </div>
    </Card>
  )
}
