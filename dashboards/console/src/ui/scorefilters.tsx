/** What scores are picked by, as chips; every one is a parameter of the address. */

import { useEffect, useRef, useState } from 'preact/hooks'
import { query, useGet, type Facets } from '../lib/api'
import { count } from '../lib/format'
import { patch } from '../lib/router'
import { fields, filterOf } from '../lib/scores'
import { Icon } from './icons'
import { Popover } from './parts'

export function ScoreFilters({ params, span, children }: { params: URLSearchParams; span: { since: string; until: string }; children?: preact.ComponentChildren }) {
  const active = Object.entries(filterOf(params))
  return (
    <div class="filters no-print">
      {active.map(([k, v]) => (
        <span class="chip" key={k}><span>{fields[k]!.name}</span><b class="cut">{v}</b><button type="button" aria-label={`Remove the filter ${fields[k]!.name} ${v}`} onClick={() => patch({ [k]: undefined })}><Icon name="close" size={12} /></button></span>
      ))}
      <Popover label="Add a filter" button={<><Icon name="plus" size={14} />Filter</>}>{(close) => <Picker span={span} close={close} />}</Popover>
      {active.length > 0 && <button type="button" class="btn quiet" onClick={() => patch(Object.fromEntries(active.map(([k]) => [k, undefined])))}>Clear</button>}
      <span class="grow" />
      {children}
    </div>
  )
}

function Picker({ span, close }: { span: { since: string; until: string }; close: () => void }) {
  const [field, setField] = useState('')
  const [text, setText] = useState('')
  const box = useRef<HTMLDivElement>(null)
  const f = fields[field]
  const facets = useGet<Facets>(f?.facet ? query('/api/v1/facets', span) : '')
  useEffect(() => box.current?.querySelector<HTMLElement>('input,button')?.focus(), [field])
  const step = (e: KeyboardEvent) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return
    e.preventDefault()
    const all = [...box.current!.querySelectorAll<HTMLElement>('input,button')]
    all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement as HTMLElement) + (e.key === 'ArrowDown' ? 1 : -1)))]?.focus()
  }
  if (!f) return <div class="menu" ref={box} onKeyDown={step}>{Object.entries(fields).map(([k, x]) => <button type="button" key={k} onClick={() => setField(k)}>{x.name}<span class="n"><Icon name="right" size={13} /></span></button>)}</div>
  const known = f.fixed?.map((value) => ({ value, calls: -1 })) ?? (f.facet ? facets.data?.[f.facet] ?? [] : [])
  const values = known.filter((v) => v.value.toLowerCase().includes(text.toLowerCase()))
  const pick = (v: string) => { patch({ [field]: v }); close() }
  return (
    <div ref={box} onKeyDown={step}>
      <form onSubmit={(e) => { e.preventDefault(); const v = values[0]?.value ?? text.trim(); if (v && !(f.fixed && !values.length)) pick(v) }}>
        <input class="field" aria-label={f.name} placeholder={f.hint} value={text} onInput={(e) => setText(e.currentTarget.value)} />
      </form>
      <div class="menu">
        {values.map((v) => <button type="button" key={v.value} onClick={() => pick(v.value)}><span class="cut">{v.value}</span>{v.calls >= 0 && <span class="n">{count(v.calls)}</span>}</button>)}
        {!f.fixed && text.trim() && !values.some((v) => v.value === text.trim()) && <button type="button" onClick={() => pick(text.trim())}>{f.name} is <b>{text.trim()}</b></button>}
        {!values.length && !text && f.facet && <p class="faint" style={{ padding: '4px 8px' }}>{facets.loading ? 'Reading…' : 'No calls in this range.'}</p>}
      </div>
    </div>
  )
}
