/** The range of time a page is about, kept in the address. */

import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { patch, useLocation } from '../lib/router'
import { presets, type Range } from '../lib/time'
import { Icon } from './icons'
import { Popover, Segmented } from './parts'

const local = (iso: string): string => {
  const d = iso ? new Date(iso) : new Date()
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** Refused hears of a range in the address that could not be taken; the page shows it below its head. */
export const Refused = createContext<(r: { why: string; instead: string } | undefined) => void>(() => {})

/** RangeRefused says what of the address was not taken, what is shown in its place, and leads there. */
export function RangeRefused({ why, instead }: { why: string; instead: string }) {
  const { path, params } = useLocation()
  for (const name of ['range', 'since', 'until', 'cursor']) params.delete(name)
  return (
    <div class="notice" role="alert">
      <Icon name="warn" />
      <div class="grow">
        <b>The range in the address could not be taken</b>
        <div>{why} Shown is the {instead}. <a href={path + (params.size ? '?' + params : '')}>Take it out of the address</a>, or choose a range.</div>
      </div>
    </div>
  )
}

export function RangePicker({ range, extra = [] }: { range: Range; extra?: readonly (readonly [string, string, string])[] }) {
  const tell = useContext(Refused)
  useEffect(() => {
    tell(range.refused ? { why: range.refused, instead: range.label } : undefined)
    return () => tell(undefined)
  }, [range.refused, range.label])
  const options = [...extra, ...Object.entries(presets).map(([k, p]) => [k, p.label, p.long] as const)]
  return (
    <div class="row no-print">
      <Segmented label="Range" value={range.preset} options={options} onChange={(v) => patch({ range: v, since: undefined, until: undefined, cursor: undefined })} />
      <Popover right label={range.preset === 'custom' ? 'Custom range: ' + range.label : 'Custom range'} class={range.preset === 'custom' ? '' : 'icon'} width={260} button={<><Icon name="calendar" size={15} />{range.preset === 'custom' && range.label}</>}>
        {(close) => <Custom range={range} close={close} />}
      </Popover>
    </div>
  )
}

function Custom({ range, close }: { range: Range; close: () => void }) {
  const [from, setFrom] = useState(local(range.since))
  const [to, setTo] = useState(range.until ? local(range.until) : '')
  const a = new Date(from), b = to ? new Date(to) : new Date()
  const wrong = Number.isNaN(a.getTime()) ? 'Choose when the range begins.' : a >= b ? 'The range must begin before it ends.' : ''
  return (
    <form class="stack" style={{ padding: '8px', gap: '10px' }} onSubmit={(e) => {
      e.preventDefault()
      if (wrong) return
      patch({ range: undefined, since: a.toISOString(), until: to ? b.toISOString() : undefined })
      close()
    }}>
      <label class="label">From (local time)<input class="field" type="datetime-local" value={from} onInput={(e) => setFrom(e.currentTarget.value)} /></label>
      <label class="label">To, empty for now<input class="field" type="datetime-local" value={to} onInput={(e) => setTo(e.currentTarget.value)} /></label>
      {wrong && <span class="badge bad" role="alert">{wrong}</span>}
      <button class="btn primary" disabled={wrong !== ''}>Show this range</button>
    </form>
  )
}
