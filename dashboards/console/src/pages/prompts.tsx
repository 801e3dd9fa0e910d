/** Prompts: what there is, which version each label means, what the last week used. */

import { useEffect, useMemo, useState } from 'preact/hooks'
import { useGet, type Costs } from '../lib/api'
import { count, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { byName, fits, LATEST, roomOf, type Change, type PromptRow } from '../lib/prompts'
import { patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { Icon } from '../ui/icons'
import { Card, Empty, Money, Problem, Skeleton, SkeletonRows, Time, Unpriced } from '../ui/parts'
import { PromptEditor } from '../ui/prompteditor'
import { LabelChip } from '../ui/promptlabels'
import { Page } from '../ui/shell'
import { Tabs } from '../ui/tabs'
import { Code } from '../ui/text'

export function PromptTabs({ here, open }: { here: 'prompts' | 'changes'; open?: number | undefined }) {
  return <Tabs label="Parts of this room" tabs={[{ href: '/prompts', text: 'Prompts', here: here === 'prompts' }, { href: '/changes', text: 'Change requests', here: here === 'changes', mark: !!open && <span class="badge accent">{open}</span> }]} />
}

export function PromptsPage() {
  const { params } = useLocation()
  const { may } = useSession()
  const list = useGet<{ prompts: PromptRow[]; revision: number }>('/api/v1/prompts')
  const costs = useGet<Costs>('/api/v1/costs?by=prompt&since=7d')
  const open = useGet<{ changes: Change[] }>('/api/v1/changes?status=open')
  const q = params.get('q') ?? ''
  const [text, setText] = useState(q)
  useEffect(() => setText(q), [q])
  useEffect(() => {
    const t = setTimeout(() => { if (text.trim() !== q) patch({ q: text.trim() || undefined }, true) }, 200)
    return () => clearTimeout(t)
  }, [text])
  useShortcuts({ '/': () => document.getElementById('search')?.focus(), r: () => { list.reload(); costs.reload() } })
  const used = useMemo(() => costs.data && byName(costs.data.rows), [costs.data])
  const prompts = list.data?.prompts
  const shown = (prompts ?? []).filter((p) => fits(p, text.trim()))
  const making = params.get('new') !== null
  const stop = () => patch({ new: undefined })
  return (
    <Page title={making ? 'New prompt' : 'Prompts'} sub={making ? undefined : 'Versions never change. A label points to one of them, and calls follow it from the next one on.'}
      crumbs={making && <span class="crumbs"><a href="/prompts">Prompts</a></span>}
      actions={!making && may('developer') && <button type="button" class="btn primary" onClick={() => patch({ new: '1' })}><Icon name="plus" size={14} />New prompt</button>}>
      {making ? <PromptEditor onCancel={stop} /> : (
        <>
          <PromptTabs here="prompts" open={open.data?.changes.length} />
          {list.error ? <Problem error={list.error} retry={list.reload} /> : !prompts ? <Card label="Prompts"><SkeletonRows n={7} /></Card> : !prompts.length ? <First may={may('developer')} /> : (
            <>
              <div class="filters">
                <div class="search" role="search"><Icon name="search" size={14} /><input id="search" class="field" type="search" placeholder="Find a prompt" aria-label="Find a prompt" value={text} onInput={(e) => setText(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Escape') e.currentTarget.blur() }} />{!text && <kbd>/</kbd>}</div>
              </div>
              <Card label="Prompts">
                {!shown.length ? <Empty icon="search" title="No prompt matches"><p>Nothing in names, labels, models, authors and messages reads like this.</p><button type="button" class="btn" onClick={() => setText('')}>Show all {count(prompts.length)}</button></Empty> : (
                  <div class="scroll"><table class="table" data-prompts>
                    <thead><tr><th scope="col">Prompt</th><th scope="col">Labels</th><th scope="col" class="wide">Newest version</th><th scope="col" class="num" title="in the last 7 days">Calls, 7 d</th><th scope="col" class="num wide" title="in the last 7 days">Cost, 7 d</th></tr></thead>
                    <tbody>{shown.map((p) => <Row key={p.name} p={p} sum={used?.get(p.name)} known={used !== undefined} failed={!!costs.error} />)}</tbody>
                  </table></div>
                )}
              </Card>
            </>
          )}
        </>
      )}
    </Page>
  )
}

function Row({ p, sum, known, failed }: { p: PromptRow; sum: ReturnType<typeof byName> extends Map<string, infer S> ? S | undefined : never; known: boolean; failed: boolean }) {
  const labels = Object.entries(p.labels).filter(([l]) => l !== LATEST).sort(([a], [b]) => (a === 'production' ? -1 : b === 'production' ? 1 : a.localeCompare(b)))
  const nothing = failed ? <span class="faint" title="The costs could not be read">?</span> : !known ? <Skeleton w="40px" /> : <span class="faint">–</span>
  return (
    <tr>
      <td class="name"><a class="strong" href={roomOf(p.name)}>{p.name}</a><div class="faint small any">{p.kind || 'deleted'}{p.model && <> · {p.model}</>}</div></td>
      <td><div class="chips-row">{labels.map(([l, v]) => <LabelChip key={l} label={l} version={v} locked={p.protected.includes(l)} />)}{p.protected.filter((l) => !(l in p.labels)).map((l) => <LabelChip key={l} label={l} locked />)}{!labels.length && !p.protected.length && <span class="faint small">none: the newest counts</span>}</div></td>
      <td class="wide"><div class="newest"><b>v{p.versions}</b><span class="cut" title={p.message}>{p.message || <span class="faint">no message</span>}</span></div><div class="faint small any">{p.author} · <Time iso={p.updated_at} mode="ago" /></div></td>
      <td class="num">{sum ? <a href={'/calls?range=7d&prompt=' + encodeURIComponent(p.name)} style={{ color: 'inherit' }}>{count(sum.calls)}</a> : nothing}{!!sum?.errors && <div class="small" style={{ color: 'var(--bad)' }}>{plural(sum.errors, 'error')}</div>}</td>
      <td class="num wide nowrap">{sum ? <span class="row" style={{ justifyContent: 'flex-end', gap: '4px' }}><Money value={sum.cost} />{sum.cost !== null && <Unpriced calls={sum.unpriced} small />}</span> : nothing}</td>
    </tr>
  )
}

function First({ may }: { may: boolean }) {
  return (
    <Card label="Prompts">
      <Empty icon="prompts" title="Push the first prompt">
        <p>A prompt kept here can be changed without a release: a call names it, and weir puts the version that its label means into the request. Push a file, or write one here.</p>
        <div class="first">
          <Code lang="greet.prompt" text={'---\nmodel: gpt-4o-mini\nconfig:\n  temperature: 0.2\n---\n{{role "system"}}You greet people in one sentence.\n{{role "user"}}My name is {{name}}.'} />
          <Code lang="shell" text={`weir prompts push greet.prompt --message 'the first one' --label production`} />
          <Code lang="a call" text={'{"prompt": {"id": "greet@production", "variables": {"name": "Ann"}}}'} />
        </div>
        {may && <button type="button" class="btn primary" onClick={() => patch({ new: '1' })}>Write the first prompt</button>}
      </Empty>
    </Card>
  )
}
