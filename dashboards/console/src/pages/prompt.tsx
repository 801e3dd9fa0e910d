/** One prompt: its versions, what each says and came to, how two differ, where its labels point. */

import { useEffect, useState } from 'preact/hooks'
import { query, request, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { LATEST, newest, promptPath, roomOf, standing, type Change, type Diff, type Prompt, type Version, type VersionRow } from '../lib/prompts'
import { go, patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { Ask } from '../ui/ask'
import { ChangeTable } from '../ui/changetable'
import { Icon } from '../ui/icons'
import { Card, Copy, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { DiffView, RecentView } from '../ui/promptdiff'
import { PromptEditor } from '../ui/prompteditor'
import { LabelChip, LabelsView, MoveLabel } from '../ui/promptlabels'
import { RenderView } from '../ui/promptrender'
import { UsageView } from '../ui/promptusage'
import { ContentView } from '../ui/promptview'
import { Page } from '../ui/shell'
import { Tabs } from '../ui/tabs'

const parts = ['compare', 'use', 'labels', 'changes', 'edit']

export function PromptPage({ name }: { name: string }) {
  const { params } = useLocation()
  const { may } = useSession()
  const prompt = useGet<Prompt>(promptPath(name))
  const p = prompt.data?.name === name ? prompt.data : undefined
  const tab = parts.includes(params.get('tab') ?? '') ? params.get('tab')! : ''
  const at = Number(params.get('v')) || (p ? standing(p) : 0)
  const there = p ? p.versions.filter((v) => !v.deleted_at) : []
  useShortcuts({
    j: () => step(1), k: () => step(-1), r: prompt.reload, u: () => go('/prompts'),
  })
  const step = (by: number) => {
    if (!p || tab) return
    const i = p.versions.findIndex((v) => v.version === at)
    const next = p.versions[i + by]
    if (next) patch({ v: String(next.version) }, true)
  }
  const to = (t: string, more: Record<string, string | number | undefined> = {}) => roomOf(name, { tab: t, ...more })
  const crumbs = <span class="crumbs"><a href="/prompts">Prompts</a>{tab === 'edit' && <><Icon name="right" size={12} /><a class="cut" href={roomOf(name)}>{name}</a></>}</span>
  if (prompt.error) return <Page title={name} crumbs={crumbs}><Problem error={prompt.error} retry={prompt.reload} /><p><a href="/prompts">All prompts</a></p></Page>
  if (!p) return <Page title={name} crumbs={crumbs}><div class="prompt"><Card label="Versions"><SkeletonRows n={6} /></Card><Card label="Version"><SkeletonRows n={9} /></Card></div></Page>
  if (tab === 'edit') return <Page title={`New version of ${name}`} crumbs={crumbs}><Edit p={p} at={at} /></Page>
  return (
    <Page title={name} crumbs={crumbs} actions={
      <span class="row wrap no-print head-actions">
        <a class="btn" href={'/playground?prompt=' + encodeURIComponent(`${name}@${at}`)}><Icon name="play" size={14} />Playground</a>
        {may('developer') && there.length > 0 && <a class="btn primary" href={to('edit', { v: at })}><Icon name="plus" size={14} />New version</a>}
      </span>
    }>
      <Tabs label="Parts of this prompt" tabs={[
        { href: roomOf(name), text: 'Versions', here: tab === '' }, { href: to('compare'), text: 'Compare', here: tab === 'compare' }, { href: to('use'), text: 'Use', here: tab === 'use' },
        { href: to('labels'), text: 'Labels', here: tab === 'labels' }, { href: to('changes'), text: 'Changes', here: tab === 'changes' },
      ]} />
      {tab === 'compare' ? <Compare p={p} /> : tab === 'use' ? <UsageView name={name} /> : tab === 'labels' ? <LabelsView p={p} changed={prompt.reload} /> : tab === 'changes' ? <Changes name={name} /> : <Versions p={p} at={at} changed={prompt.reload} />}
    </Page>
  )
}

function Versions({ p, at, changed }: { p: Prompt; at: number; changed: () => void }) {
  const row = p.versions.find((v) => v.version === at)
  useEffect(() => { document.querySelector('.vlist [aria-current="true"]')?.scrollIntoView({ block: 'nearest' }) }, [at])
  return (
    <div class="prompt">
      <Card title="Versions" sub={String(p.versions.length)} class="vcard">
        <ul class="vlist">
          {p.versions.map((v) => {
            const labels = p.labels.filter((l) => l.version === v.version && l.label !== LATEST)
            return (
              <li key={v.version} class={v.deleted_at ? 'deleted' : ''}>
                <a href={roomOf(p.name, { v: v.version })} aria-current={v.version === at ? 'true' : undefined}>
                  <span class="row"><b>v{v.version}</b>{v.deleted_at && <span class="badge">deleted</span>}{v.version === newest(p)?.version && <span class="faint small">latest</span>}</span>
                  <span class="why-line">{v.message || <span class="faint">no message</span>}</span>
                  <span class="faint small any">{v.author} · <Time iso={v.created_at} mode="ago" /></span>
                  {labels.length > 0 && <span class="chips-row">{labels.map((l) => <LabelChip key={l.label} label={l.label} locked={l.protected} />)}</span>}
                </a>
              </li>
            )
          })}
        </ul>
      </Card>
      <div class="stack">{!row ? <Card label="No such version"><p class="card-body muted" style={{ paddingTop: '14px' }}>There is no version {at}. The newest is <a href={roomOf(p.name, { v: p.versions[0]!.version })}>v{p.versions[0]!.version}</a>.</p></Card> : row.deleted_at ? <Deleted v={row} /> : <One key={at} p={p} row={row} changed={changed} />}</div>
    </div>
  )
}

const Deleted = ({ v }: { v: VersionRow }) => (
  <Card title={`Version ${v.version}`}><div class="card-body stack" style={{ gap: '8px' }}>
    <div class="notice plain"><Icon name="warn" /><div>Its content was taken away for good by <b>{v.deleted_by}</b> <Time iso={v.deleted_at} mode="ago" />. Calls that name it are refused; they are never answered with another version.</div></div>
    <p class="muted">{v.message}</p>
  </div></Card>
)

function One({ p, row, changed }: { p: Prompt; row: VersionRow; changed: () => void }) {
  const { may } = useSession()
  const at = `${promptPath(p.name)}/versions/${row.version}`
  const version = useGet<Version>(at)
  const [doing, set] = useState<'move' | 'delete' | null>(null)
  const v = version.data?.version === row.version && version.data.name === p.name ? version.data : undefined
  const older = p.versions.find((x) => x.version < row.version && !x.deleted_at)?.version
  const here = p.labels.filter((l) => l.version === row.version && l.label !== LATEST)
  return (
    <>
      <Card label={`Version ${row.version}`}>
        <header class="card-head version-head">
          <h2>Version {row.version}</h2>
          {here.map((l) => <LabelChip key={l.label} label={l.label} locked={l.protected} />)}
          <span class="grow" />
          <span class="row wrap end no-print">
            {older !== undefined && <a class="btn small" href={roomOf(p.name, { tab: 'compare', from: older, to: row.version })}><Icon name="diff" size={14} />Compare with v{older}</a>}
            {may('developer') && <button type="button" class="btn small" onClick={() => set('move')}><Icon name="label" size={14} />Move a label here</button>}
            {may('developer') && <button type="button" class="btn small quiet danger" aria-label={`Delete version ${row.version}`} onClick={() => set('delete')}>Delete</button>}
          </span>
          <p class="said any">{row.message || <span class="faint">no message</span>}</p>
          <p class="faint small any">{row.author} · <Time iso={row.created_at} mode="full" /> · <span class="mono" title={row.hash}>{row.hash.slice(0, 19)}…</span><Copy text={row.hash} label="the hash" /></p>
        </header>
        {version.error ? <div class="card-body"><Problem error={version.error} retry={version.reload} /></div> : !v ? <SkeletonRows n={8} /> : <ContentView c={v.content} />}
      </Card>
      {v && <RenderView name={p.name} version={row.version} content={v.content} />}
      {doing === 'move' && <MoveLabel p={p} version={row.version} onClose={() => set(null)} onDone={() => { set(null); changed() }} />}
      {doing === 'delete' && (
        <Ask danger title={`Delete version ${row.version}?`} yes="Delete it for good" no="Keep it" act={() => request('DELETE', at)} onClose={() => set(null)} onDone={() => { set(null); toast(`Version ${row.version} deleted`); changed() }}>
          <p>Its content is taken away for good; its number is not given again. Calls that name <code>{p.name}@{row.version}</code> are refused from then on, never answered with another version.</p>
          {here.length > 0 && <div class="notice"><Icon name="warn" /><div>{here.map((l) => l.label).join(', ')} {here.length === 1 ? 'points' : 'point'} here. Move {here.length === 1 ? 'it' : 'them'} first.</div></div>}
        </Ask>
      )}
    </>
  )
}

function Compare({ p }: { p: Prompt }) {
  const { params } = useLocation()
  const there = p.versions.filter((v) => !v.deleted_at)
  const num = (k: string) => there.find((v) => String(v.version) === params.get(k))?.version
  const to = num('to') ?? there[0]?.version ?? 0
  const from = num('from') ?? there.find((v) => v.version < to)?.version ?? there[1]?.version ?? 0
  const diff = useGet<Diff>(from && to ? query(promptPath(p.name) + '/diff', { from, to }) : '')
  const d = diff.data?.from.version === from && diff.data.to.version === to ? diff.data : undefined
  if (there.length < 2) return <Card label="Compare"><p class="card-body muted" style={{ paddingTop: '14px' }}>It takes two versions to compare, and {there.length === 1 ? 'there is one' : 'there is none'}.</p></Card>
  const names = (x: VersionRow) => x.labels.filter((l) => l !== LATEST)
  const pick = (k: 'from' | 'to', v: number) => <label class="row"><span class="faint">{k === 'from' ? 'From' : 'to'}</span><select class="field" aria-label={k === 'from' ? 'The version before' : 'The version after'} value={String(v)} onChange={(e) => patch({ from: String(from), to: String(to), [k]: e.currentTarget.value }, true)}>{there.map((x) => <option key={x.version} value={String(x.version)}>v{x.version}{names(x).length ? ` (${names(x).join(', ')})` : ''}</option>)}</select></label>
  return (
    <>
      <div class="row wrap no-print">{pick('from', from)}{pick('to', to)}<button type="button" class="btn small" onClick={() => patch({ from: String(to), to: String(from) }, true)}><Icon name="swap" size={14} />Swap</button></div>
      {diff.error ? <Problem error={diff.error} retry={diff.reload} /> : !d ? <Card label="Difference"><SkeletonRows n={9} /></Card> : (
        <>
          <Card title="Difference" actions={<Copy text={d.text} label="the difference as text">Copy</Copy>}><DiffView d={d} from={`v${from}`} to={`v${to}`} /></Card>
          <Card title="On recent inputs" sub="what the calls of the last 30 days would have sent"><RecentView d={d} from={`v${from}`} to={`v${to}`} /></Card>
        </>
      )}
    </>
  )
}

function Changes({ name }: { name: string }) {
  const list = useGet<{ changes: Change[] }>(promptPath(name) + '/changes')
  if (list.error) return <Problem error={list.error} retry={list.reload} />
  return <Card label="Change requests">{!list.data ? <SkeletonRows n={4} /> : !list.data.changes.length ? <p class="card-body muted" style={{ paddingTop: '14px' }}>Nobody has asked for a label of this prompt to be moved. A protected label moves by such a request: choose a version, then <b>Move a label here</b>.</p> : <ChangeTable list={list.data.changes} prompts={false} />}</Card>
}

function Edit({ p, at }: { p: Prompt; at: number }) {
  const from = p.versions.find((v) => v.version === at && !v.deleted_at)?.version ?? newest(p)?.version
  const version = useGet<Version>(from ? `${promptPath(p.name)}/versions/${from}` : '')
  const back = () => go(roomOf(p.name, { v: at }))
  if (!from) return <Card label="New version"><p class="card-body muted" style={{ paddingTop: '14px' }}>All {plural(p.versions.length, 'version')} of this prompt are deleted. Push a file: <code>weir prompts push {p.name}.prompt --message …</code></p></Card>
  if (version.error) return <Problem error={version.error} retry={version.reload} />
  if (version.data?.version !== from) return <Card label="New version"><SkeletonRows n={9} /></Card>
  return <PromptEditor key={from} from={version.data} after={p.versions[0]!.version} onCancel={back} />
}
