/** The filters of the call list, as chips; every one is a parameter of the address. */

import { useEffect, useRef, useState } from 'preact/hooks'
import { query, useGet, type Facets } from '../lib/api'
import { said } from '../lib/facets'
import { bare, choose, clear, drop, fields, filterOf, leaveOut, nameOf, picked } from '../lib/filters'
import { count } from '../lib/format'
import { patch } from '../lib/router'
import { Icon } from './icons'
import { Popover, Segmented } from './parts'

export function Filters({ params, span, before, children }: { params: URLSearchParams; span: { since: string; until: string }; before?: preact.ComponentChildren; children?: preact.ComponentChildren }) {
  const active = picked(filterOf(params))
  return (
    <div class="filters no-print">
      {before}
      <SearchBox value={params.get('q') ?? ''} />
      {active.map(({ param, value }) => {
        const field = bare(param), out = field !== param
        return (
          <span class={'chip' + (out ? ' out' : '')} key={param + '=' + value}>
            <span>{nameOf(field)}{out && ' not'}</span><b class="cut" title={value}>{said(field, value)}</b>
            <button type="button" aria-label={`Remove the filter ${nameOf(field)} ${out ? 'not ' : ''}${value}`} onClick={() => patch(drop(params, param, value))}><Icon name="close" size={12} /></button>
          </span>
        )
      })}
      <Popover label="Add a filter" button={<><Icon name="plus" size={14} />Filter</>}>{(close) => <Picker params={params} span={span} close={close} />}</Popover>
      {active.length > 0 && <button type="button" class="btn quiet" onClick={() => patch(Object.assign({ q: undefined }, ...active.map((a) => clear(bare(a.param)))))}>Clear</button>}
      <span class="grow" />
      {children}
    </div>
  )
}

function SearchBox({ value }: { value: string }) {
  const [text, set] = useState(value)
  const timer = useRef(0)
  useEffect(() => set(value), [value])
  const type = (v: string, wait: number) => {
    set(v)
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => patch({ q: v.trim() || undefined }, true), wait)
  }
  return (
    <form class="search" role="search" onSubmit={(e) => { e.preventDefault(); type(text, 0) }}>
      <Icon name="search" size={14} />
      <input id="search" class="field" type="search" placeholder="Search in requests and answers" aria-label="Search in requests and answers" value={text} onInput={(e) => type(e.currentTarget.value, 350)} onKeyDown={(e) => { if (e.key === 'Escape') e.currentTarget.blur() }} />
      {!text && <kbd>/</kbd>}
    </form>
  )
}

function Picker({ params, span, close }: { params: URLSearchParams; span: { since: string; until: string }; close: () => void }) {
  const [field, setField] = useState('')
  const [text, setText] = useState('')
  const [way, setWay] = useState<'is' | 'not'>('is')
  const box = useRef<HTMLDivElement>(null)
  const facets = useGet<Facets>(query('/api/v1/facets', span))
  useEffect(() => (box.current?.querySelector<HTMLElement>('input.field') ?? box.current?.querySelector('button'))?.focus(), [field])
  const step = (e: KeyboardEvent) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return
    e.preventDefault()
    const all = [...box.current!.querySelectorAll<HTMLElement>('input,button')]
    all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement as HTMLElement) + (e.key === 'ArrowDown' ? 1 : -1)))]?.focus()
  }
  if (!field) {
    return <div class="menu" ref={box} onKeyDown={step} style={{ maxHeight: '380px' }}>{Object.entries(fields).map(([k, f]) => <button type="button" key={k} onClick={() => setField(k)}>{f.name}<span class="n"><Icon name="right" size={13} /></span></button>)}</div>
  }
  const f = fields[field]!
  const values = (facets.data?.[field] ?? (f.fixed ?? []).map((value) => ({ value, calls: -1 }))).filter((x) => x.value.toLowerCase().includes(text.toLowerCase()))
  const pick = (v: string) => {
    const m = field === 'tag' ? /^([\w.-]+)\s*[=:]\s*(.+)$/.exec(v) : [v, field, v]
    if (!m) return
    const name = field === 'tag' ? 'tag.' + m[1] : field, value = m[2]!.trim()
    const there = filterOf(params)[(way === 'not' ? 'not.' : '') + name]?.includes(value)
    if (!there) patch((way === 'is' ? choose : leaveOut)(params, name, value))
    close()
  }
  const tagOk = field !== 'tag' || /^[\w.-]+\s*[=:]\s*.+$/.test(text)
  return (
    <div ref={box} onKeyDown={step}>
      <Segmented small class="way" label={f.name} value={way} options={[['is', 'is'], ['not', 'is not']]} onChange={setWay} />
      <form onSubmit={(e) => { e.preventDefault(); const v = f.facet ? values[0]?.value ?? text : text; if (v) pick(v) }}>
        <input class="field" aria-label={f.name} placeholder={f.facet ? `Find a ${f.name.toLowerCase()}` : f.hint} value={text} onInput={(e) => setText(e.currentTarget.value)} />
      </form>
      <div class="menu">
        {f.facet && values.map((v) => <button type="button" key={v.value} onClick={() => pick(v.value)}><span class="cut">{v.value}</span>{v.calls >= 0 && <span class="n">{count(v.calls)}</span>}</button>)}
        {f.facet && !values.length && !text && <p class="faint" style={{ padding: '4px 8px' }}>{facets.loading ? 'Reading…' : 'No calls in this range.'}</p>}
        {text && (!f.facet || !values.length) && <button type="button" disabled={!tagOk} onClick={() => pick(text)}>{tagOk ? <>{f.name} {way === 'is' ? 'is' : 'is not'} <b>{text}</b></> : 'Write name=value, such as team=care'}</button>}
      </div>
    </div>
  )
}
