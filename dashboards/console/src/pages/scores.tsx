/** Scores: what people, judges and programs think of answers, by name, over time and one by one. */

import { useMemo } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { count } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { go, patch, useLocation } from '../lib/router'
import { figure, filterOf, meanOf, words, type Figures, type Summary } from '../lib/scores'
import { resolve } from '../lib/time'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows } from '../ui/parts'
import { RangePicker } from '../ui/range'
import { ScoreFilters } from '../ui/scorefilters'
import { ScoreList } from '../ui/scorelist'
import { ScoreTabs } from '../ui/scoretabs'
import { Compared, Distribution, OverTime, ScoreFigures } from '../ui/scoreof'
import { Spread } from '../ui/scoreparts'
import { Page } from '../ui/shell'
import { Code } from '../ui/text'

export function ScoresPage() {
  const { params } = useLocation()
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const range = useMemo(() => resolve(params, '30d', minute), [params.toString(), minute])
  const filters = filterOf(params)
  const name = params.get('name') ?? '', type = params.get('type') ?? ''
  const span = { since: range.since, ...(range.until ? { until: range.until } : {}) }
  const picked = { ...filters, ...span }
  const sums = useGet<Summary>(query('/api/v1/scores/summary', picked))
  const rows = sums.data?.rows
  const own = name ? rows?.filter((r) => r.name === name) ?? [] : []
  const one = own.find((r) => r.type === type) ?? own[0]
  useShortcuts({ r: sums.reload, u: () => { if (name) patch({ name: undefined, type: undefined }) } })
  const until = range.until ? Date.parse(range.until) : minute + 60_000
  const narrowed = Object.keys(filters).length > 0 || params.has('range') || params.has('since')
  const all = <a href={query('/scores', { ...filters, range: params.get('range'), since: params.get('since'), until: params.get('until') })}>Scores</a>
  return (
    <Page title={name || 'Scores'} sub={name ? undefined : 'What people, judges and programs think of answers.'} crumbs={name ? <span class="crumbs">{all}</span> : undefined} actions={<RangePicker range={range} />}>
      {!name && <ScoreTabs here="scores" />}
      <ScoreFilters params={params} span={{ since: range.since, until: range.until }}>
        {own.length > 1 && own.map((r) => <button type="button" class="btn" key={r.type} aria-pressed={r === one} onClick={() => patch({ type: r.type }, true)}>{{ number: 'Numbers', boolean: 'Yes or no', category: 'Words' }[r.type]}</button>)}
      </ScoreFilters>
      {sums.error ? <Problem error={sums.error} retry={sums.reload} /> : !rows ? <Card label="Scores"><SkeletonRows n={7} /></Card> : !rows.length ? <Card label="Scores"><None narrowed={narrowed} /></Card> : name ? (
        one ? (
          <>
            <ScoreFigures r={one} />
            <div class="two"><Distribution r={one} params={{ ...picked, name }} /><OverTime r={one} params={{ ...picked, name }} since={Date.parse(range.since)} until={until} /></div>
            <Compared r={one} params={{ ...picked, name }} />
            <ScoreList params={{ ...picked, name }} name={false} />
          </>
        ) : <Card label="Scores"><Empty icon="search" title="No score of this name"><p>None is picked by this range and these filters.</p><button type="button" class="btn" onClick={() => go('/scores')}>All scores</button></Empty></Card>
      ) : (
        <>
          <Card label="Scores by name"><Names rows={rows} /></Card>
          <ScoreList params={picked} />
        </>
      )}
    </Page>
  )
}

function Names({ rows }: { rows: Figures[] }) {
  const number = (r: Figures, v: number) => (r.type === 'number' ? figure(v) : <span class="faint">–</span>)
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Scores by name, table"><table class="table" data-names>
      <thead><tr><th scope="col">Name</th><th scope="col" class="num">Scores</th><th scope="col" class="num" title="the mean; of yes and no the share of yes; of words the most frequent">Mean</th><th scope="col" class="num wide">SD</th><th scope="col" class="num wide">Min</th><th scope="col" class="num wide">Median</th><th scope="col" class="num wide">Max</th><th scope="col" class="spread-cell">Spread</th></tr></thead>
      <tbody>
        {rows.map((r) => (
          <tr key={r.name + r.type} data-score={r.name} data-type={r.type}>
            <td class="name"><button type="button" class="fold-btn strong" onClick={() => patch({ name: r.name, type: rows.some((o) => o.name === r.name && o.type !== r.type) ? r.type : undefined })}><b>{r.name}</b><Icon name="right" size={12} /></button><div class="faint small">{{ number: 'number', boolean: 'yes or no', category: `${words(r).length} categories` }[r.type]}</div></td>
            <td class="num">{count(r.n)}</td><td class="num any" data-mean={r.mean}><b>{meanOf(r)}</b></td>
            <td class="num wide">{r.type === 'category' ? <span class="faint">–</span> : figure(r.sd)}</td><td class="num wide">{number(r, r.min)}</td><td class="num wide">{number(r, r.p50)}</td><td class="num wide">{number(r, r.max)}</td>
            <td class="spread-cell"><Spread r={r} low={r.min} high={r.max} /></td>
          </tr>
        ))}
      </tbody>
    </table></div>
  )
}

function None({ narrowed }: { narrowed: boolean }) {
  if (narrowed) return <Empty icon="search" title="No score is picked"><p>None stands in this range with these filters.</p><button type="button" class="btn" onClick={() => go('/scores')}>Show the last 30 days</button></Empty>
  return (
    <Empty icon="score" title="Nothing is scored yet">
      <p>A score says what somebody or something thinks of an answer: a number, yes or no, or one of few words. The call's id is in the <code>X-Weir-Call-Id</code> of its answer; a call's page takes scores too.</p>
      <div class="first">
        <Code lang="a program, for its user" text={`curl $WEIR_URL/api/v1/scores -H "Authorization: Bearer $WEIR_ADMIN_TOKEN" \\\n  -d '{"call_id": "CALL", "name": "helpful", "value": 0.8, "comment": "solved it"}'`} />
        <Code lang="shell" text={'weir scores add CALL thumbs true\nweir scores summary --by prompt --since 7d'} />
      </div>
    </Empty>
  )
}
