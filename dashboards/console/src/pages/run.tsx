/** One run of an evaluation: what each target scored, how the scores are spread, and every item. */

import { request, useGet } from '../lib/api'
import { datasetRoom, MOST, plain, runRoom, scoreSpend, shows, spend, took, useResults, type Only, type Read, type Result, type Run } from '../lib/evals'
import { count, ms, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { go, patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { useCallback, useState } from 'preact/hooks'
import { Ask } from '../ui/ask'
import { Hash, RunBadge, Spend } from '../ui/evalparts'
import { ItemSide, ResultTable } from '../ui/evalitems'
import { Spreading, ScoreTable } from '../ui/evalscores'
import { Icon } from '../ui/icons'
import { RunProgress, useLive, VarianceCard } from '../ui/runlive'
import { Card, Empty, Money, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { Page } from '../ui/shell'

export function RunPage({ id }: { id: string }) {
  const { params } = useLocation()
  const { may } = useSession()
  const [asking, ask] = useState(false)
  const run = useGet<Run>('/api/v1/evals/' + encodeURIComponent(id))
  const [read] = useResults([{ id }])
  const r = run.data?.id === id ? run.data : undefined
  const item = params.get('item') ?? ''
  const reloadRun = run.reload, reloadItems = read!.reload
  const look = useCallback(() => { reloadRun(); reloadItems() }, [reloadRun, reloadItems])
  useLive(r?.state, reloadRun, look)
  useShortcuts({ r: look, u: () => (item ? patch({ item: undefined }) : go('/datasets?tab=runs')) })
  const crumbs = <span class="crumbs"><a href="/datasets?tab=runs">Runs</a>{item && <><Icon name="right" size={12} /><a class="cut" href={runRoom(id)}>{r?.name ?? id}</a></>}</span>
  if (run.error) return <Page title={id} crumbs={crumbs}><Problem error={run.error} retry={run.reload} /><p><a href="/datasets?tab=runs">All runs</a></p></Page>
  if (!r) return <Page title={id} crumbs={crumbs}><Card label="Scores"><SkeletonRows n={5} /></Card><Card title="Items"><SkeletonRows n={8} /></Card></Page>
  const targets = r.summary.targets
  const target = targets.find((t) => t.target === params.get('target')) ?? targets[0]
  const scorer = target?.scores.find((s) => s.scorer === params.get('scorer')) ?? target?.scores[0]
  if (item) return <ItemPage r={r} item={item} read={read!} crumbs={crumbs} />
  const dataset = r.definition.dataset, stored = !/\.(jsonl|csv)$/i.test(dataset)
  const asked = targets.reduce((n, t) => n + t.asked, 0), failed = targets.reduce((n, t) => n + t.failed, 0), missing = targets.reduce((n, t) => n + t.missing, 0)
  const tile = (k: string, v: preact.ComponentChildren, s: preact.ComponentChildren) => <div class="card tile flat"><span class="k">{k}</span><span class="v" data-figure={k}>{v}</span><span class="s">{s}</span></div>
  const money = spend(r), judged = scoreSpend(r)
  return (
    <Page title={r.name} crumbs={crumbs} actions={<div class="row wrap actions-row">
      {targets.length > 1 && <a class="btn" href={`/datasets/runs/compare?runs=${encodeURIComponent(id)}`}><Icon name="diff" size={14} />Compare its targets</a>}
      {may('developer') && <button type="button" class="btn quiet danger" onClick={() => ask(true)}>Delete</button>}
    </div>}>
      <div class="row wrap run-line">
        <RunBadge r={r} /><span class="muted said-line any">{stored ? <a href={datasetRoom(dataset.split('@')[0]!)}>{dataset}</a> : dataset}{r.definition.split && `, split ${r.definition.split}`}</span>
        <span class="faint">·</span><Hash hash={r.snapshot} /><span class="faint">·</span><span class="muted any">{r.id}</span><span class="faint">·</span><span class="muted"><Time iso={r.created_at} mode="full" />{r.author && ` by ${r.author}`}</span>
      </div>
      {r.state === 'stopped' && <div class="notice"><Icon name="warn" /><div class="any">Stopped before its end{r.reason && ': ' + r.reason}. {r.served ? 'It can be resumed here' : <><code>weir eval run … --resume {r.id}</code> goes on with it</>}; what is answered is not paid for again.</div></div>}
      <RunProgress r={r} />
      <div class="tiles">
        {tile('Asks', count(asked), <>{plural(r.items, 'item')}{r.definition.repeat > 1 && `, ${r.definition.repeat} times`}, {plural(r.definition.targets.length, 'target')}</>)}
        {tile('Without an answer', count(failed), missing ? <b class="short">{count(missing)} not asked yet</b> : !targets.length ? 'none is asked yet' : 'all were asked')}
        {tile('Spend', <Spend s={money} />, money.usd !== null && money.unknown ? `${count(money.unknown)} answers have no known cost` : money.usd === null ? 'no answer has a known cost' : judged === null ? 'of the answers' : <>of the answers; scores <Money value={judged} /></>)}
        {tile('Took', ms(took(r)), target ? `half of ${target.target} within ${ms(target.latency_p50_ms)}` : '')}
      </div>
      {!target ? <Card label="Scores"><Empty icon="datasets" title="Nothing is known yet"><p>The run has stored no figures: it stores them as it goes.</p></Empty></Card> : (
        <>
          <ScoreTable r={r} target={target.target} scorer={scorer?.scorer ?? ''} />
          <Reasons t={target} />
          <VarianceCard r={r} />
          {scorer && <Spreading key={target.target + '\n' + scorer.scorer} target={target.target} scorer={scorer} read={read!} />}
          <ItemsCard target={target.target} scorers={target.scores.map((s) => s.scorer)} scorer={scorer?.scorer ?? ''} read={read!} />
        </>
      )}
      {asking && <Ask title="Delete this run?" yes="Delete it" danger onClose={() => ask(false)} act={() => request('DELETE', '/api/v1/evals/' + encodeURIComponent(id))} onDone={() => { toast('Deleted'); go('/datasets?tab=runs') }}><p>Its figures and the results of its items go. The calls it made stay recorded.</p></Ask>}
    </Page>
  )
}

function Reasons({ t }: { t: Run['summary']['targets'][number] }) {
  const list = [...Object.entries(t.reasons).map(([why, n]) => ({ what: 'no answer', why, n })), ...t.scores.flatMap((s) => Object.entries(s.reasons).map(([why, n]) => ({ what: s.scorer, why, n })))].sort((a, b) => b.n - a.n)
  if (!list.length) return null
  return (
    <Card title="What has no score, and why" sub={t.target}>
      <div class="table-tall" tabIndex={0} role="region" aria-label="Reasons, table"><table class="table dense" data-reasons>
        <thead><tr><th scope="col">Scorer</th><th scope="col">Why</th><th scope="col" class="num">Asks</th></tr></thead>
        <tbody>{list.map((x) => <tr key={x.what + '\n' + x.why}><td class="any">{x.what}</td><td class="any">{x.why}</td><td class="num">{count(x.n)}</td></tr>)}</tbody>
      </table></div>
    </Card>
  )
}

const kinds: readonly (readonly [Only, string])[] = [['', 'All'], ['failures', 'All but passed'], ['failed', 'Failed'], ['unscorable', 'Unscorable'], ['below', 'Did not pass']]

function ItemsCard({ target, scorers, scorer, read }: { target: string; scorers: string[]; scorer: string; read: Read }) {
  const { params } = useLocation()
  const only = kinds.some(([k]) => k === params.get('only')) ? (params.get('only') as Only) : ''
  const own = read.results?.filter((x) => x.target === target)
  const found = own?.filter((x) => shows(x, scorer, only))
  return (
    <Card title="Items" sub={found && own && (only ? `${count(found.length)} of ${count(own.length)} by ${scorer}` : `${plural(own.length, 'answer')} of ${target}`)} actions={<select class="field small-field" aria-label="Which items" name="only" value={only} onChange={(e) => patch({ only: e.currentTarget.value || undefined }, true)}>{kinds.map(([k, text]) => <option key={k} value={k}>{k ? `${text}, by ${scorer}` : text}</option>)}</select>}>
      {read.error ? <div class="card-body"><Problem error={read.error} retry={read.reload} /></div> : !found ? <SkeletonRows n={8} /> : !own!.length ? <Empty icon="datasets" title="No result is stored yet" /> : !found.length ? <Empty icon="check" title="None of these"><button type="button" class="btn" onClick={() => patch({ only: undefined }, true)}>All items</button></Empty> : <ResultTable key={target + only + scorer} list={found} scorers={scorers} />}
      {read.more && <p class="card-body faint small">The run has more than {count(MOST)} results: the first of them are shown.</p>}
    </Card>
  )
}

function ItemPage({ r, item, read, crumbs }: { r: Run; item: string; read: Read; crumbs: preact.ComponentChildren }) {
  const { params } = useLocation()
  const ids = [...new Set((read.results ?? []).map((x) => x.item))]
  const i = ids.indexOf(item)
  const to = (by: number) => { const id = i < 0 ? undefined : ids[i + by]; if (id) patch({ item: id }, true) }
  useShortcuts({ j: () => to(1), k: () => to(-1) })
  const own: Result[] = (read.results ?? []).filter((x) => x.item === item)
  const first = own[0]
  const chosen = params.get('target')
  const order = [...own].sort((a, b) => Number(b.target === chosen) - Number(a.target === chosen))
  return (
    <Page title={item} crumbs={crumbs} sub={<>an item of {r.name}</>} actions={<div class="row"><button type="button" class="btn icon" aria-label="Previous item" title="Previous item (k)" disabled={i <= 0} onClick={() => to(-1)}><Icon name="left" /></button><button type="button" class="btn icon" aria-label="Next item" title="Next item (j)" disabled={i < 0 || i === ids.length - 1} onClick={() => to(1)}><Icon name="right" /></button></div>}>
      {read.error ? <Problem error={read.error} retry={read.reload} /> : !read.results ? <Card label="Item"><SkeletonRows n={8} /></Card> : !first ? <Card label="Item"><Empty icon="search" title="The run has no such item"><a class="btn" href={runRoom(r.id)}>The run</a></Empty></Card> : (
        <>
          <div class="two">
            <Card title="Input"><div class="card-body"><pre class="said" tabIndex={0} data-part="input">{plain(first.input)}</pre></div></Card>
            <Card title="Expected"><div class="card-body">{first.expected ? <pre class="said" tabIndex={0} data-part="expected">{plain(first.expected)}</pre> : <span class="faint">nothing</span>}</div></Card>
          </div>
          <div class="two">{order.map((x) => <ItemSide key={x.target + x.repeat} x={x} r={r} />)}</div>
        </>
      )}
    </Page>
  )
}
