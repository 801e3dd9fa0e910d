/** One dataset: its versions, the items of each, and what differs between two. */

import { useMemo, useState } from 'preact/hooks'
import { query, request, useGet } from '../lib/api'
import { datasetPath, datasetRoom, matches, oneLine, textOf, type Difference, type Item, type Items, type Version } from '../lib/evals'
import { count, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { go, patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { Ask } from '../ui/ask'
import { Hash, ItemParts, Value } from '../ui/evalparts'
import { ImportFile } from '../ui/importdataset'
import { Icon } from '../ui/icons'
import { NewRun } from '../ui/newrun'
import { Card, Empty, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { Page } from '../ui/shell'

const PAGE = 50

export function DatasetPage({ name }: { name: string }) {
  const { params } = useLocation()
  const { may } = useSession()
  const list = useGet<{ versions: Version[] }>(datasetPath(name))
  const [open, setOpen] = useState<'' | 'file' | 'delete' | 'run'>('')
  useShortcuts({ r: list.reload, u: () => go('/datasets') })
  const crumbs = <span class="crumbs"><a href="/datasets">Datasets</a></span>
  if (list.error) return <Page title={name} crumbs={crumbs}><Problem error={list.error} retry={list.reload} /><p><a href="/datasets">All datasets</a></p></Page>
  const all = list.data?.versions.filter((v) => v.name === name)
  if (!all?.length) return <Page title={name} crumbs={crumbs}><Card label="Versions"><SkeletonRows n={3} /></Card><Card title="Items"><SkeletonRows n={8} /></Card></Page>
  const at = all.find((v) => String(v.version) === params.get('version')) ?? all[0]!
  const from = all.find((v) => String(v.version) === params.get('from'))
  return (
    <Page title={name} crumbs={crumbs} actions={may('developer') && <div class="row wrap actions-row">
      <button type="button" class="btn quiet danger" onClick={() => setOpen('delete')}>Delete</button>
      <button type="button" class="btn" onClick={() => setOpen('file')}><Icon name="up" size={14} />Next version</button>
      <button type="button" class="btn primary" onClick={() => setOpen('run')} data-begin-run><Icon name="play" size={14} />New run</button>
    </div>}>
      <Card title="Versions" sub="none ever changes">
        <div class="scroll table-tall" tabIndex={0} role="region" aria-label="Versions, table"><table class="table" data-versions>
          <thead><tr><th scope="col">Version</th><th scope="col" class="num">Items</th><th scope="col">Hash</th><th scope="col" class="wide">Why</th><th scope="col" class="wide">By</th><th scope="col" class="wide">When</th><th scope="col"><span class="sr">Difference</span></th></tr></thead>
          <tbody>{all.map((v) => (
            <tr key={v.version} data-version={v.version} aria-current={v === at ? 'true' : undefined}>
              <td><a class="strong" href={query(datasetRoom(name), { version: v.version })}>{v.version}</a>{v === at && <span class="badge accent here">shown</span>}</td>
              <td class="num">{count(v.items)}</td><td><Hash hash={v.hash} /></td><td class="wide any">{v.message || <span class="faint">–</span>}</td><td class="wide any muted">{v.author || '–'}</td><td class="wide muted"><Time iso={v.created_at} mode="ago" /></td>
              <td class="num">{v !== at && <button type="button" class="btn small" aria-pressed={v === from} title={`What differs between version ${v.version} and version ${at.version}`} onClick={() => patch({ from: v === from ? undefined : String(v.version) })}>diff to {at.version}</button>}</td>
            </tr>
          ))}</tbody>
        </table></div>
      </Card>
      {from && from !== at ? <Diff name={name} from={from} to={at} /> : <ItemList name={name} at={at} />}
      {open === 'run' && <NewRun at={at} onClose={() => setOpen('')} />}
      {open === 'file' && <ImportFile name={name} onClose={() => setOpen('')} onDone={(v) => { setOpen(''); toast(v.made ? `Version ${v.version} stored` : 'Nothing differs from version ' + v.version); list.reload(); go(datasetRoom(name)) }} />}
      {open === 'delete' && <Ask title={`Delete ${name}?`} yes="Delete it" danger onClose={() => setOpen('')} act={() => request('DELETE', datasetPath(name))} onDone={() => { toast('Deleted'); go('/datasets') }}><p>All {plural(all.length, 'version')} go. Runs that were made with it keep their results.</p></Ask>}
    </Page>
  )
}

function ItemList({ name, at }: { name: string; at: Version }) {
  const { params } = useLocation()
  const items = useGet<Items>(query(datasetPath(name) + '/items', { version: at.version }))
  const q = params.get('q') ?? ''
  const [shown, show] = useState(PAGE)
  const here = items.data?.version === at.version ? items.data.items : undefined
  const found = useMemo(() => here?.filter((it) => matches(it, q)), [here, q])
  return (
    <Card title="Items" sub={found && (q ? `${count(found.length)} of ${count(at.items)}` : plural(at.items, 'item'))} actions={<>
      {(['jsonl', 'parquet'] as const).map((f) => <a key={f} class="btn small no-print" download href={query(datasetPath(name) + '/export', { version: at.version, format: f })}><Icon name="download" size={13} />{f === 'jsonl' ? 'JSONL' : 'Parquet'}</a>)}
      <label class="search item-search"><span class="sr">Search the items</span><Icon name="search" size={14} /><input class="field" type="search" name="q" placeholder="Search the items" value={q} onInput={(e) => { show(PAGE); patch({ q: e.currentTarget.value || undefined }, true) }} /></label>
    </>}>
      {items.error ? <div class="card-body"><Problem error={items.error} retry={items.reload} /></div> : !found ? <SkeletonRows n={8} /> : !found.length ? <Empty icon="search" title="No item has these words"><button type="button" class="btn" onClick={() => patch({ q: undefined }, true)}>All items</button></Empty> : (
        <>
          <ul class="items" data-items>{found.slice(0, shown).map((it) => <Row key={it.id} it={it} />)}</ul>
          {found.length > shown && <div class="more"><button type="button" class="btn" onClick={() => show(shown + PAGE)}>Show more</button>{count(found.length - shown)} are not shown</div>}
        </>
      )}
    </Card>
  )
}

function Row({ it, op }: { it: Item; op?: string }) {
  const [open, set] = useState(false)
  return (
    <li data-item={it.id} data-op={op}>
      <button type="button" class="item-head" aria-expanded={open} onClick={() => set(!open)}><Icon name={open ? 'down' : 'right'} size={12} />{op && <span class={'badge ' + (op === 'added' ? 'ok' : 'bad')}>{op}</span>}<code class="cut">{it.id}</code><span class="cut">{oneLine(textOf(it.input))}</span><span class="cut muted roomy">{oneLine(textOf(it.expected)) || '–'}</span></button>
      {open && <ItemParts it={it} />}
    </li>
  )
}

const parts = ['input', 'expected', 'context', 'metadata'] as const

function Diff({ name, from, to }: { name: string; from: Version; to: Version }) {
  const d = useGet<Difference>(query(datasetPath(name) + '/diff', { from: from.version, to: to.version }))
  const [shown, show] = useState(PAGE)
  const here = d.data && d.data.from.version === from.version && d.data.to.version === to.version ? d.data : undefined
  const total = here ? here.added.length + here.removed.length + here.changed.length : 0
  const lists = here ? [
    ...here.changed.map((c) => ({ op: 'changed', id: c.id, c, it: c.is })), ...here.removed.map((it) => ({ op: 'removed', id: it.id, c: undefined, it })), ...here.added.map((it) => ({ op: 'added', id: it.id, c: undefined, it })),
  ] : []
  return (
    <Card title={`From version ${from.version} to ${to.version}`} sub={here && `${here.changed.length} changed, ${here.removed.length} removed, ${here.added.length} added, ${here.unchanged} the same`} actions={<button type="button" class="btn small" onClick={() => patch({ from: undefined })}>Show the items</button>}>
      {d.error ? <div class="card-body"><Problem error={d.error} retry={d.reload} /></div> : !here ? <SkeletonRows n={6} /> : !total ? <p class="card-body muted">No item differs.</p> : (
        <>
          <ul class="items" data-diff>{lists.slice(0, shown).map(({ op, id, c, it }) => c ? (
            <li key={op + id} data-op={op} data-item={id}>
              <p class="item-head still"><span class="badge accent">changed</span><code class="any">{id}</code></p>
              <div class="item-sides">{parts.filter((k) => JSON.stringify(c.was[k]) !== JSON.stringify(c.is[k])).map((k) => [<div class="was" key={k + 'w'}><h3>{k}, version {from.version}</h3><Value v={c.was[k]} /></div>, <div class="is" key={k + 'i'}><h3>{k}, version {to.version}</h3><Value v={c.is[k]} /></div>])}</div>
            </li>
          ) : <Row key={op + id} it={it} op={op} />)}</ul>
          {lists.length > shown && <div class="more"><button type="button" class="btn" onClick={() => show(shown + PAGE)}>Show more</button></div>}
        </>
      )}
    </Card>
  )
}
