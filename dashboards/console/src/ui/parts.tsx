/** Small parts that every room uses. */

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Failure } from '../lib/api'
import { plural } from '../lib/format'
import { cents, exact, usd, type Decimal } from '../lib/money'
import { ago, clock, shortDate, utc } from '../lib/time'
import { Icon, type IconName } from './icons'

export function Card(p: { title?: ComponentChildren; sub?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; class?: string; label?: string }) {
  return (
    <section class={'card ' + (p.class ?? '')} aria-label={p.label ?? (typeof p.title === 'string' ? p.title : undefined)}>
      {p.title && (
        <header class="card-head">
          <h2>{p.title}</h2>
          {p.sub && <span class="sub">{p.sub}</span>}
          <span class="grow" />
          {p.actions}
        </header>
      )}
      {p.children}
    </section>
  )
}

/** Money writes an amount; what is not known is said so, and every digit is in the title. */
export function Money({ value, round = false, unknown = 'unpriced' }: { value: Decimal; round?: boolean; unknown?: string }) {
  if (value === null || value === undefined || value === '') {
    return <span class="badge warn" title={unknown === 'unpriced' ? 'No price is known for this model, so the cost is not known. It is not zero.' : 'The cost is not known. It is not zero.'}>{unknown}</span>
  }
  return <span title={exact(value)}>{round ? cents(value) : usd(value)}</span>
}

/** Unpriced says how many calls an amount leaves out. */
export function Unpriced({ calls, small = false }: { calls: number | undefined; small?: boolean }) {
  if (!calls) return null
  if (small) return <span style={{ color: 'var(--warn)', display: 'grid' }} title={`without ${plural(calls, 'unpriced call')}`}><Icon name="warn" size={13} /><span class="sr">without {calls} unpriced calls, </span></span>
  return <span class="badge warn" title={`${calls} calls have no known price and are not in this amount`}>+ {calls} unpriced</span>
}

const statuses: Record<string, [string, string, string]> = {
  ok: ['ok', 'ok', 'answered'], error: ['bad', 'error', 'the provider or the request failed'], client_closed: ['', 'client closed', 'the client went away before the end'],
  budget: ['warn', 'budget', 'refused: a budget is spent'], rate_limited: ['warn', 'rate limited', 'refused: too many requests'], cut: ['warn', 'cut', 'stopped in mid-stream by a budget'],
}

export function Status({ status, http }: { status: string; http?: number }) {
  const [kind, text, why] = statuses[status] ?? ['', status, '']
  return <span class={'badge ' + kind} title={why + (http ? ` · HTTP ${http}` : '')}><span class="dot" />{text}{status === 'error' && http ? ' ' + http : ''}</span>
}

/** Time is local, with UTC in its title. */
export function Time({ iso, mode = 'clock' }: { iso: string | null | undefined; mode?: 'clock' | 'full' | 'ago' | 'date' }) {
  if (!iso) return <span class="faint">never</span>
  const text = mode === 'ago' ? ago(iso) : mode === 'date' ? shortDate(iso) : mode === 'full' ? shortDate(iso) + ', ' + clock(iso) : clock(iso)
  return <time dateTime={iso} title={utc(iso)} class="nowrap">{text}</time>
}

let say: (text: string) => void = () => {}
/** toast shows a short word at the foot of the page and to screen readers. */
export const toast = (text: string): void => say(text)
export function Toasts() {
  const [text, set] = useState('')
  useEffect(() => {
    say = set
  }, [])
  useEffect(() => {
    if (!text) return
    const t = setTimeout(() => set(''), 2200)
    return () => clearTimeout(t)
  }, [text])
  return <div role="status" aria-live="polite">{text && <div class="toast">{text}</div>}</div>
}

/** copy puts text on the clipboard, also where the page is not on a secure address. */
export async function copy(text: string): Promise<void> {
  try { await navigator.clipboard.writeText(text) } catch {
    const t = document.createElement('textarea')
    t.value = text
    t.style.position = 'fixed'
    t.style.opacity = '0'
    ;(document.querySelector('dialog[open]') ?? document.body).append(t)
    t.select()
    document.execCommand('copy')
    t.remove()
  }
  toast('Copied')
}

export function Copy({ text, label, children }: { text: string; label: string; children?: ComponentChildren }) {
  const [done, set] = useState(false)
  return (
    <button type="button" class={'btn quiet small' + (children ? '' : ' icon')} aria-label={'Copy ' + label} title={'Copy ' + label} onClick={async () => { await copy(text); set(true); setTimeout(() => set(false), 1400) }}>
      <Icon name={done ? 'check' : 'copy'} size={14} />{children}
    </button>
  )
}

export function Segmented<T extends string>(p: { label: string; value: T; options: readonly (readonly [T, ComponentChildren, string?])[]; onChange: (v: T) => void; small?: boolean; class?: string }) {
  return (
    <div class={'seg ' + (p.small ? 'small ' : '') + (p.class ?? '')} role="group" aria-label={p.label}>
      {p.options.map(([v, text, title]) => (
        <button type="button" key={v} aria-pressed={v === p.value} title={title} aria-label={typeof text === 'string' ? undefined : title} onClick={() => p.onChange(v)}>{text}</button>
      ))}
    </div>
  )
}

export const Skeleton = ({ h = 14, w = '100%' }: { h?: number; w?: string }) => <span class="skel" style={{ height: h + 'px', width: w }} aria-hidden="true" />
export const SkeletonRows = ({ n = 6 }: { n?: number }) => (
  <div class="card-body stack" style={{ gap: '14px', paddingTop: '6px' }} role="status" aria-busy="true" aria-label="Loading">{Array.from({ length: n }, (_, i) => <Skeleton key={i} w={92 - ((i * 17) % 38) + '%'} />)}</div>
)

/** Problem shows a failure with what it means and a way on. */
export function Problem({ error, retry }: { error: Failure; retry?: () => void }) {
  return (
    <div class="notice bad" role="alert">
      <Icon name="warn" />
      <div class="grow">
        <b>{error.status === 0 ? 'Not reached' : error.status === 404 ? 'Not found' : error.status === 403 ? 'Not allowed' : error.status >= 400 && error.status < 500 ? 'Not accepted' : 'This could not be done'}</b>
        <div>{error.message}</div>
      </div>
      {retry && <button type="button" class="btn small" onClick={retry}><Icon name="refresh" size={14} />Try again</button>}
    </div>
  )
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return <div class="empty"><Icon name={icon} size={28} /><h2>{title}</h2>{children}</div>
}

/** Modal is a native dialog: focus stays inside, Escape closes it. */
export function Modal({ title, onClose, children, class: kind }: { title: string; onClose: () => void; children: ComponentChildren; class?: string }) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const d = ref.current!
    d.showModal()
    return () => d.close()
  }, [])
  return (
    <dialog ref={ref} class={kind} aria-label={title} onCancel={(e) => { e.preventDefault(); onClose() }} onClick={(e) => { if (e.target === ref.current) onClose() }}>
      <div class="dialog">
        <div class="row"><h2 class="grow">{title}</h2><button type="button" class="btn quiet icon" aria-label="Close" onClick={onClose}><Icon name="close" /></button></div>
        {children}
      </div>
    </dialog>
  )
}

/** Popover opens below its button and closes on Escape, on a click elsewhere and when focus leaves it. */
export function Popover(p: { button: ComponentChildren; label: string; children: (close: () => void) => ComponentChildren; right?: boolean; class?: string; width?: number }) {
  const [open, set] = useState(false)
  const ref = useRef<HTMLDivElement>(null)
  const [flip, setFlip] = useState(0)
  useEffect(() => {
    if (!open) return
    const box = ref.current!.querySelector('.pop-box')!.getBoundingClientRect()
    const over = box.right - (document.documentElement.clientWidth - 10), under = 10 - box.left
    setFlip(over > 0 ? -over : under > 0 ? under : 0)
    ref.current!.querySelector<HTMLElement>('.pop-box input, .pop-box button')?.focus()
    const away = (e: PointerEvent) => { if (!ref.current!.contains(e.target as Node)) set(false) }
    addEventListener('pointerdown', away)
    return () => { removeEventListener('pointerdown', away); setFlip(0) }
  }, [open])
  const close = () => { set(false); ref.current?.querySelector<HTMLElement>('button')?.focus() }
  return (
    <div class="pop" ref={ref} onKeyDown={(e) => { if (e.key === 'Escape' && open) { e.stopPropagation(); close() } }} onFocusOut={(e) => { if (e.relatedTarget && !ref.current!.contains(e.relatedTarget as Node)) set(false) }}>
      <button type="button" class={'btn ' + (p.class ?? '')} aria-expanded={open} aria-haspopup="dialog" aria-label={p.label} onClick={() => set(!open)}>{p.button}</button>
      {open && <div class={'pop-box' + (p.right ? ' right' : '')} role="dialog" aria-label={p.label} style={{ width: p.width && p.width + 'px', translate: flip ? flip + 'px 0' : undefined }}>{p.children(close)}</div>}
    </div>
  )
}

/** Spark is a tile's small line; its figures stand in the chart below it, so it is hidden from screen readers. */
export function Spark({ values, color = 'var(--accent)' }: { values: number[]; color?: string }) {
  if (values.length < 2) return <svg class="spark" aria-hidden="true" />
  const max = Math.max(...values) || 1
  const pts = values.map((v, i) => `${((i / (values.length - 1)) * 100).toFixed(2)},${(28 - (v / max) * 25).toFixed(2)}`)
  return (
    <svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <polygon points={`0,30 ${pts.join(' ')} 100,30`} fill={color} opacity=".1" />
      <polyline points={pts.join(' ')} fill="none" stroke={color} stroke-width="1.5" vector-effect="non-scaling-stroke" stroke-linejoin="round" />
    </svg>
  )
}
