/** The values that calls have, with counts: a panel beside the list, in a narrow window a drawer. Each choice is a parameter of the address. */

import { useRef, useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { asked, facets, found, openAtFirst, pickedTags, said, type FacetAnswer, type FacetValues } from '../lib/facets'
import { chosen, choose, clear, leaveOut, left, only, type Change, type Filters } from '../lib/filters'
import { count, short } from '../lib/format'
import { isNames, usePref } from '../lib/prefs'
import { patch } from '../lib/router'
import { clock, shortDate } from '../lib/time'
import { Icon } from './icons'
import { Modal, Skeleton } from './parts'

interface Props { params: URLSearchParams; filters: Filters; span: { since: string; until: string }; round: number }

/** FacetDrawer is the panel in a narrow window. */
export function FacetDrawer({ onClose, ...p }: Props & { onClose: () => void }) {
  return <Modal title="Filters" class="drawer" onClose={onClose}><FacetPanel {...p} /><button type="button" class="btn primary" onClick={onClose}>Show the calls</button></Modal>
}

/** FacetPanel counts what stands open; round is raised to have it counted again. */
export function FacetPanel({ params, filters, span, round }: Props) {
  const [open, setOpen] = usePref<readonly string[]>('calls.facets', openAtFirst, isNames)
  const fields = asked(open, params)
  const [at, setAt] = useState(round)
  const answer = useGet<FacetAnswer>(fields ? query('/api/v1/calls/facets', { ...filters, ...span, fields, limit: 20 }) : '')
  if (at !== round) { setAt(round); answer.reload() }
  const tags = pickedTags(params)
  const of = (field: string): FacetValues | undefined => answer.data?.fields.find((f) => f.field === field)
  const toggle = (field: string) => setOpen(open.includes(field) ? open.filter((f) => f !== field) : [...open, field])
  const facet = (field: string, name: string, calls?: number) => (
    <Facet key={field} field={field} name={name} calls={calls} params={params} open={open.includes(field) || tags.includes(field)} toggle={() => toggle(field)}
      data={of(field)} counted={answer.data?.since ?? null} failed={!!answer.error} />
  )
  const names = of('tag')?.values ?? []
  const picked = tags.filter((k) => !names.some((n) => 'tag.' + n.value === k))
  return (
    <div class="facets" role="group" aria-label="Filters with counts" data-facets={answer.data ? answer.data.fields.length : ''}>
      {facets.map(({ field, name }) => field !== 'tag' ? facet(field, name) : (
        <div class="facet" key={field}>
          <Head name={name} open={open.includes('tag')} toggle={() => toggle('tag')} chosen={tags.map((k) => k.slice(4) + ' ' + asks(params, k)).join(', ')} />
          {open.includes('tag') && <div class="facet-tags">
            {picked.map((k) => facet(k, k.slice(4)))}
            {names.map((n) => facet('tag.' + n.value, n.value, n.calls))}
            {!names.length && !picked.length && <Nothing failed={!!answer.error} there={!!of('tag')} />}
          </div>}
        </div>
      ))}
      {answer.error && fields && <p class="facet-note" role="alert">{answer.error.message} <button type="button" class="linklike" onClick={answer.reload}>Count again</button></p>}
    </div>
  )
}

function Head({ name, open, toggle, chosen, calls }: { name: string; open: boolean; toggle: () => void; chosen: string; calls?: number | undefined }) {
  return (
    <button type="button" class="facet-head" aria-expanded={open} onClick={toggle}>
      <Icon name="right" size={12} /><span class="cut">{name}</span>{chosen && !open && <b class="cut">{chosen}</b>}{calls !== undefined && <span class="n">{short(calls)}</span>}
    </button>
  )
}

const Nothing = ({ failed, there }: { failed: boolean; there: boolean }) => (
  there ? <p class="facet-note">No call has one.</p> : failed ? null : <div class="facet-wait"><Skeleton h={10} w="82%" /><Skeleton h={10} w="60%" /></div>
)

/** asks is what is asked of a field, in short. */
const asks = (params: URLSearchParams, field: string): string => [...chosen(params, field).map((v) => said(field, v)), ...left(params, field).map((v) => 'not ' + said(field, v))].join(', ')

/** A facet with this many values has a field to find one in them. */
const many = 8

function Facet({ field, name, params, open, toggle, data, counted, failed, calls }: { field: string; name: string; params: URLSearchParams; open: boolean; toggle: () => void; data: FacetValues | undefined; counted: string | null; failed: boolean; calls?: number | undefined }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState('') // the row that the tab key leads to
  const list = useRef<HTMLDivElement>(null)
  const on = chosen(params, field), off = left(params, field)
  const all = data?.values ?? []
  const most = Math.max(1, ...all.map((v) => v.calls))
  const asked = [...on, ...off].filter((v) => !all.some((x) => x.value === v)).map((value) => ({ value, calls: -1 }))
  const rows = [...found(field, asked, text), ...found(field, all, text)]
  const here = rows.some((r) => r.value === at) ? at : rows[0]?.value
  const late = data?.since && counted && Date.parse(data.since) - Date.parse(counted) > 60_000 ? data.since : ''
  const own = text.trim()
  const add = (v: string) => { if (!on.includes(v)) patch(choose(params, field, v)); setText('') }
  const step = (e: KeyboardEvent) => {
    const by = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0
    if (!by) return
    const boxes = [...list.current!.querySelectorAll<HTMLElement>('input')]
    const i = boxes.findIndex((b) => b.closest('.facet-row')!.contains(e.target as Node))
    if (i < 0) return
    e.preventDefault()
    boxes[Math.max(0, Math.min(boxes.length - 1, i + by))]!.focus()
  }
  return (
    <fieldset class="facet" data-facet={field}>
      <legend class="sr">{name}</legend>
      <Head name={name} open={open} toggle={toggle} chosen={asks(params, field)} calls={calls} />
      {open && <div class="facet-body">
        {(all.length > many || (data?.others.values ?? 0) > 0) && (
          <form onSubmit={(e) => { e.preventDefault(); const v = rows.find((r) => r.value === own)?.value ?? (rows.length === 1 ? rows[0]!.value : own); if (v) add(v) }}>
            <input class="field" type="search" placeholder={'Find a ' + name.toLowerCase()} aria-label={'Find a ' + name.toLowerCase()} value={text} onInput={(e) => setText(e.currentTarget.value)} />
          </form>
        )}
        <div ref={list} onKeyDown={step}>
          {rows.map((v) => (
            <Row key={v.value} field={field} value={v.value} calls={v.calls} share={v.calls < 0 ? 0 : v.calls / most} on={on.includes(v.value)} off={off.includes(v.value)} tab={v.value === here ? 0 : -1} onFocus={() => setAt(v.value)} params={params} />
          ))}
        </div>
        {on.length + off.length > 0 && <button type="button" class="linklike facet-own" data-clear={field} onClick={() => patch(clear(field))}>Clear {name.toLowerCase()}</button>}
        {own && !all.some((v) => v.value === own) && <button type="button" class="linklike facet-own" onClick={() => add(own)}>{name} is <b>{own}</b></button>}
        {!data && !rows.length && <Nothing failed={failed} there={false} />}
        {data && !all.length && <Nothing failed={failed} there />}
        {!text && (data?.others.values ?? 0) > 0 && <p class="facet-note">{count(data!.others.values)} more, with {short(data!.others.calls)} calls: find them by name</p>}
        {late && <p class="facet-note" title="There are more calls than can be counted in time.">Counted since {shortDate(late)}, {clock(late).slice(0, 5)}</p>}
      </div>}
    </fieldset>
  )
}

/** Row is a value: taken along or not, and beside that, taken alone or left out. */
function Row({ field, value, calls, share, on, off, tab, onFocus, params }: { field: string; value: string; calls: number; share: number; on: boolean; off: boolean; tab: number; onFocus: () => void; params: URLSearchParams }) {
  const name = said(field, value), set = (change: Change) => patch(change)
  return (
    <div class={'facet-row' + (on ? ' on' : off ? ' off' : '')} style={{ '--w': share }} onFocusIn={onFocus}>
      <label title={value + (calls < 0 ? '' : `: ${count(calls)} calls`)}>
        <input type="checkbox" tabIndex={tab} checked={on} onChange={() => set(choose(params, field, value))} />
        <span class="cut">{name}{off && <span class="sr">, left out</span>}</span>{calls >= 0 && <span class="n">{short(calls)}<span class="sr"> calls</span></span>}
      </label>
      <span class="facet-acts">
        <button type="button" tabIndex={tab} aria-label={`Only ${name}`} onClick={() => set(only(field, value))}>only</button>
        <button type="button" tabIndex={tab} aria-pressed={off} aria-label={`Not ${name}`} title="Leave it out" onClick={() => set(leaveOut(params, field, value))}>not</button>
      </span>
    </div>
  )
}
