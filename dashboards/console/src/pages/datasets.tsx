/** Datasets, and the runs of evaluations on them. */

import { useState } from 'preact/hooks'
import { get, query, useGet, type Failure } from '../lib/api'
import { compareRoom, datasetRoom, runRoom, spend, took, type Run, type Version } from '../lib/evals'
import { count, ms, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { figure } from '../lib/scores'
import { go, patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { Coverage, Hash, RunBadge, Spend } from '../ui/evalparts'
import { FromCalls, ImportFile } from '../ui/importdataset'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, Segmented, SkeletonRows, Time, toast } from '../ui/parts'
import { Page } from '../ui/shell'
import { Tabs } from '../ui/tabs'
import { Code } from '../ui/text'

export function DatasetsPage() {
  const { params } = useLocation()
  const { may } = useSession()
  const [open, setOpen] = useState<'' | 'file' | 'calls'>('')
  const runs = params.get('tab') === 'runs'
  const sets = useGet<{ datasets: Version[] }>('/api/v1/datasets')
  const done = (v: Version & { made?: boolean }) => {
    setOpen('')
    sets.reload()
    toast(v.made === false ? 'Nothing differs from version ' + v.version : `Version ${v.version} of ${plural(v.items, 'item')} stored`)
    go(datasetRoom(v.name))
  }
  const actions = may('developer') && (
    <div class="row wrap actions-row below">
      <button type="button" class="btn" onClick={() => setOpen('calls')}><Icon name="calls" size={14} />From calls</button>
      <button type="button" class="btn primary" onClick={() => setOpen('file')}><Icon name="up" size={14} />Import a file</button>
    </div>
  )
  return (
    <Page title="Datasets" sub="Inputs with what is expected of them, and the evaluations that were run on them." actions={actions}>
      <Tabs label="Datasets and runs" tabs={[{ href: '/datasets', text: 'Datasets', here: !runs }, { href: '/datasets?tab=runs', text: 'Runs', here: runs }]} />
      {runs ? <Runs /> : <Sets list={sets.data?.datasets} error={sets.error} reload={sets.reload} />}
      {open === 'file' && <ImportFile onClose={() => setOpen('')} onDone={done} />}
      {open === 'calls' && <FromCalls onClose={() => setOpen('')} onDone={done} />}
    </Page>
  )
}

function Sets({ list, error, reload }: { list: Version[] | undefined; error: Failure | undefined; reload: () => void }) {
  useShortcuts({ r: reload })
  if (error) return <Problem error={error} retry={reload} />
  if (!list) return <Card label="Datasets"><SkeletonRows n={5} /></Card>
  if (!list.length) {
    return (
      <Card label="Datasets"><Empty icon="datasets" title="No dataset yet">
        <p>A dataset is a list of inputs, each with what a good answer is. Every change makes a version that never changes again, known by its hash.</p>
        <div class="first">
          <Code lang="support.jsonl, one item a line" text={'{"id": "refund", "input": "Can I send it back?", "expected": "Yes, within 30 days."}\n{"id": "hours", "input": "When are you open?", "expected": ["9 to 5", "From 9 to 5"]}'} />
          <Code lang="shell" text={'weir datasets import support.jsonl'} />
        </div>
      </Empty></Card>
    )
  }
  return (
    <Card label="Datasets">
      <div class="scroll" tabIndex={0} role="region" aria-label="Datasets, table"><table class="table" data-datasets>
        <thead><tr><th scope="col">Dataset</th><th scope="col" class="num">Items</th><th scope="col" class="num">Version</th><th scope="col" class="wide">Hash</th><th scope="col" class="wide">Splits</th><th scope="col">Changed</th></tr></thead>
        <tbody>{list.map((v) => (
          <tr key={v.name} data-dataset={v.name}>
            <td class="name"><a class="strong" href={datasetRoom(v.name)}>{v.name}</a>{v.message && <div class="faint small any">{v.message}</div>}</td>
            <td class="num">{count(v.items)}</td><td class="num">{v.version}</td><td class="wide"><Hash hash={v.hash} /></td>
            <td class="wide muted any">{v.splits.map((s) => `${s.name} ${Math.round(s.share * 100)}%`).join(', ') || '–'}</td>
            <td class="muted"><Time iso={v.created_at} mode="ago" /></td>
          </tr>
        ))}</tbody>
      </table></div>
    </Card>
  )
}

const states = [['', 'All'], ['running', 'Running'], ['stopped', 'Stopped'], ['done', 'Done']] as const

function Runs() {
  const { params } = useLocation()
  const state = states.some(([k]) => k === params.get('state')) ? params.get('state')! : ''
  const name = params.get('name') ?? ''
  const path = query('/api/v1/evals', { state, name, limit: 50 })
  const first = useGet<{ evals: Run[]; next: string }>(path)
  const [more, setMore] = useState<{ path: string; evals: Run[]; next: string }>({ path: '', evals: [], next: '' })
  const [failed, fail] = useState<Failure | undefined>()
  const [busy, setBusy] = useState(false)
  const [picked, pick] = useState<string[]>([])
  const own = more.path === path ? more : undefined
  const list = first.data && [...first.data.evals, ...(own?.evals ?? [])]
  const next = own ? own.next : first.data?.next
  const further = async () => {
    setBusy(true)
    fail(undefined)
    try {
      const page = await get<{ evals: Run[]; next: string }>(query('/api/v1/evals', { state, name, limit: 50, cursor: next }))
      setMore({ path, evals: [...(own?.evals ?? []), ...page.evals], next: page.next })
    } catch (e) { fail(e as Failure) }
    setBusy(false)
  }
  useShortcuts({ r: first.reload })
  if (first.error) return <Problem error={first.error} retry={first.reload} />
  if (!list) return <Card label="Runs"><SkeletonRows n={5} /></Card>
  if (!list.length && !state && !name) {
    return (
      <Card label="Runs"><Empty icon="datasets" title="No run yet">
        <p>A run gives each item to each target and scores the answers. It is started on the command line, and can be resumed after a crash.</p>
        <div class="first">
          <Code lang="eval.yaml" text={'name: support\ndataset: support\ntargets: [{name: mini, model: gpt-4o-mini}]\nscorers: [{name: exact, metric: exact}]'} />
          <Code lang="shell" text={'weir eval run eval.yaml'} />
        </div>
      </Empty></Card>
    )
  }
  return (
    <>
      <div class="row wrap runs-bar">
        <div class="seg-scroll"><Segmented label="State" value={state} options={states} onChange={(v) => patch({ state: v || undefined }, true)} /></div>
        {name && <span class="chip"><span>evaluation</span><b class="cut">{name}</b><button type="button" aria-label="All evaluations" onClick={() => patch({ name: undefined }, true)}><Icon name="close" size={12} /></button></span>}
        <span class="grow" />
        <button type="button" class="btn" disabled={picked.length < 2} onClick={() => go(compareRoom(picked))}><Icon name="diff" size={14} />Compare{picked.length ? ` ${picked.length} runs` : ''}</button>
      </div>
      <Card label="Runs">
        {list.length ? (
          <div class="scroll" tabIndex={0} role="region" aria-label="Runs, table"><table class="table" data-runs>
            <thead><tr><th scope="col"><span class="sr">Pick</span></th><th scope="col">Run</th><th scope="col" class="wide">State</th><th scope="col">Means, with coverage</th><th scope="col" class="num">Spend</th><th scope="col" class="num wide">Took</th><th scope="col" class="wide">Begun</th></tr></thead>
            <tbody>{list.map((r) => <RunRow key={r.id} r={r} picked={picked.includes(r.id)} full={picked.length >= 10} onPick={(on) => pick(on ? [...picked, r.id] : picked.filter((x) => x !== r.id))} />)}</tbody>
          </table></div>
        ) : <Empty icon="search" title="No run is picked"><button type="button" class="btn" onClick={() => go('/datasets?tab=runs', true)}>All runs</button></Empty>}
        {failed && <div class="card-body"><Problem error={failed} retry={further} /></div>}
        {next && <div class="more"><button type="button" class="btn" disabled={busy} onClick={further}>Show more</button></div>}
      </Card>
    </>
  )
}

const SHOWN = 4

function RunRow({ r, picked, full, onPick }: { r: Run; picked: boolean; full: boolean; onPick: (on: boolean) => void }) {
  const means = r.summary.targets.flatMap((t) => t.scores.map((s) => ({ t: t.target, s })))
  return (
    <tr data-run={r.id}>
      <td class="pick"><input type="checkbox" aria-label={`Pick ${r.name}, ${r.id}`} checked={picked} disabled={full && !picked} onChange={(e) => onPick(e.currentTarget.checked)} /></td>
      <td class="name"><a class="strong" href={runRoom(r.id)}>{r.name}</a><div class="faint small any">{r.definition.dataset} · {plural(r.items, 'item')} · {r.definition.targets.map((t) => t.name).join(', ')}</div><div class="narrow state-line"><RunBadge r={r} /></div></td>
      <td class="wide"><RunBadge r={r} /></td>
      <td class="means">{means.length ? <ul>{means.slice(0, SHOWN).map(({ t, s }) => <li key={t + '\n' + s.scorer}><span class="faint cut">{r.summary.targets.length > 1 ? t + ' · ' : ''}{s.scorer}</span><b>{s.mean === null ? '—' : figure(s.mean)}</b><Coverage s={s} /></li>)}{means.length > SHOWN && <li class="faint">and {means.length - SHOWN} more</li>}</ul> : <span class="faint">–</span>}</td>
      <td class="num"><Spend s={spend(r)} /></td><td class="num wide">{ms(took(r))}</td><td class="wide muted"><Time iso={r.created_at} mode="ago" /></td>
    </tr>
  )
}
