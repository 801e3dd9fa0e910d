/** The values that calls have, with counts: a panel beside the list, in a narrow window a drawer. Each choice is a parameter of the address. */

import { useState } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { asked, facets, found, openAtFirst, said, type FacetAnswer, type FacetValues } from '../lib/facets'
import { count, short } from '../lib/format'
import { isNames, usePref } from '../lib/prefs'
import { patch } from '../lib/router'
import { clock, shortDate } from '../lib/time'
import { Icon } from './icons'
import { Modal, Skeleton } from './parts'

interface Props { params: URLSearchParams; filters: Record<string, string>; span: { since: string; until: string }; round: number }

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
  const of = (field: string): FacetValues | undefined => answer.data?.fields.find((f) => f.field === field)
  const toggle = (field: string) => setOpen(open.includes(field) ? open.filter((f) => f !== field) : [...open, field])
  const facet = (field: string, name: string, calls?: number) => (
    <Facet key={field} field={field} name={name} calls={calls} chosen={params.get(field) ?? ''} open={open.includes(field) || (field.startsWith('tag.') && params.has(field))} toggle={() => toggle(field)}
      data={of(field)} counted={answer.data?.since ?? null} failed={!!answer.error} />
  )
  const names = of('tag')?.values ?? []
  const picked = [...params.keys()].filter((k) => k.startsWith('tag.') && !names.some((n) => 'tag.' + n.value === k))
  return (
    <div class="facets" role="group" aria-label="Filters with counts" data-facets={answer.data ? answer.data.fields.length : ''}>
      {facets.map(({ field, name }) => field !== 'tag' ? facet(field, name) : (
        <div class="facet" key={field}>
          <Head name={name} open={open.includes('tag')} toggle={() => toggle('tag')} chosen={[...params].filter(([k, v]) => k.startsWith('tag.') && v).map(([k, v]) => k.slice(4) + '=' + v).join(', ')} />
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

/** A facet with this many values has a field to find one in them. */
const many = 8

function Facet({ field, name, chosen, open, toggle, data, counted, failed, calls }: { field: string; name: string; chosen: string; open: boolean; toggle: () => void; data: FacetValues | undefined; counted: string | null; failed: boolean; calls?: number | undefined }) {
  const [text, setText] = useState('')
  const set = (v: string | undefined) => patch({ [field]: v })
  const all = data?.values ?? []
  const most = Math.max(1, ...all.map((v) => v.calls))
  const rows = found(field, all, text)
  if (chosen && !all.some((v) => v.value === chosen) && (!text || chosen.includes(text))) rows.unshift({ value: chosen, calls: -1 })
  const id = 'facet-' + field
  const late = data?.since && counted && Date.parse(data.since) - Date.parse(counted) > 60_000 ? data.since : ''
  const own = text.trim()
  return (
    <fieldset class="facet" data-facet={field}>
      <legend class="sr">{name}</legend>
      <Head name={name} open={open} toggle={toggle} chosen={said(field, chosen)} calls={calls} />
      {open && <div class="facet-body">
        {(all.length > many || (data?.others.values ?? 0) > 0) && (
          <form onSubmit={(e) => { e.preventDefault(); const v = rows.find((r) => r.value === own)?.value ?? (rows.length === 1 ? rows[0]!.value : own); if (v) { set(v); setText('') } }}>
            <input class="field" type="search" placeholder={'Find a ' + name.toLowerCase()} aria-label={'Find a ' + name.toLowerCase()} value={text} onInput={(e) => setText(e.currentTarget.value)} />
          </form>
        )}
        <label class={'facet-row' + (chosen ? '' : ' on')}><input type="radio" name={id} checked={!chosen} onChange={() => set(undefined)} /><span>All</span></label>
        {rows.map((v) => (
          <label key={v.value} class={'facet-row' + (v.value === chosen ? ' on' : '')} style={{ '--w': v.calls < 0 ? 0 : v.calls / most }} title={v.value + (v.calls < 0 ? '' : `: ${count(v.calls)} calls`)}>
            <input type="radio" name={id} checked={v.value === chosen} onChange={() => set(v.value)} onClick={() => { if (v.value === chosen) set(undefined) }} />
            <span class="cut">{said(field, v.value)}</span>{v.calls >= 0 && <span class="n">{short(v.calls)}<span class="sr"> calls</span></span>}
          </label>
        ))}
        {own && !all.some((v) => v.value === own) && <button type="button" class="linklike facet-own" onClick={() => { set(own); setText('') }}>{name} is <b>{own}</b></button>}
        {!data && !rows.length && <Nothing failed={failed} there={false} />}
        {data && !all.length && <Nothing failed={failed} there />}
        {!text && (data?.others.values ?? 0) > 0 && <p class="facet-note">{count(data!.others.values)} more, with {short(data!.others.calls)} calls: find them by name</p>}
        {late && <p class="facet-note" title="There are more calls than can be counted in time.">Counted since {shortDate(late)}, {clock(late).slice(0, 5)}</p>}
      </div>}
    </fieldset>
  )
}
