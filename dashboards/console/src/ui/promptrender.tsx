/** What a version makes of variables: a field for each, what is wrong beside it, the messages as they would be sent. */

import { useMemo, useState } from 'preact/hooks'
import { type Failure, request } from '../lib/api'
import { plural } from '../lib/format'
import { promptPath, type Content, type Rendered } from '../lib/prompts'
import { missing, slotsOf, valuesOf, withNamed, wrongOf, type Slot } from '../lib/variables'
import { Icon } from './icons'
import { Card, Copy, Problem } from './parts'
import { faces } from './promptview'

export function Slots({ slots, typed, onChange, wrong, id }: { slots: Slot[]; typed: Record<string, string>; onChange: (name: string, v: string) => void; wrong: Record<string, string>; id: string }) {
  return (
    <>
      {slots.map((s, i) => (
        <div class="slot" key={s.name}>
          <label class="label" for={`${id}-${i}`}><span class="any"><b class="mono">{s.name}</b>{s.type && <span class="faint"> {s.type}</span>}{!s.required && <span class="faint"> optional</span>}</span></label>
          <textarea class={'field area' + (s.json ? ' mono' : '')} id={`${id}-${i}`} data-variable={s.name} rows={1} placeholder={s.fallback !== undefined ? JSON.stringify(s.fallback) : s.json ? 'JSON' : ''} value={typed[s.name] ?? ''} onInput={(e) => onChange(s.name, e.currentTarget.value)} aria-invalid={wrong[s.name] ? true : undefined} aria-describedby={wrong[s.name] ? `${id}-${i}-wrong` : undefined} />
          {s.about && <p class="faint small any">{s.about}</p>}
          {wrong[s.name] && <p class="wrong" id={`${id}-${i}-wrong`} role="alert">{wrong[s.name]}</p>}
        </div>
      ))}
    </>
  )
}

export function RenderView({ name, version, content }: { name: string; version: number; content: Content }) {
  const own = useMemo(() => slotsOf(content), [content])
  const [named, setNamed] = useState<string[]>([])
  const slots = withNamed(own, named)
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [made, setMade] = useState<Rendered | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const { values, wrong } = valuesOf(slots, typed)
  const { beside, general } = wrongOf(error, slots)
  const go = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setError(null)
    try { setMade(await request<Rendered>('POST', promptPath(name) + '/render', { ref: String(version), variables: values })) } catch (x) {
      const more = missing(x as Failure, slots)
      if (more) setNamed([...named, more])
      setError(x as Failure)
      setMade(null)
    }
    setBusy(false)
  }
  const messages = made && (made.messages ?? [{ role: '', content: made.text ?? '' }])
  return (
    <Card title="Render it" sub="asks no model">
      <form class="card-body stack" style={{ gap: '12px' }} onSubmit={go} noValidate data-render>
        {slots.length ? <Slots slots={slots} typed={typed} wrong={{ ...beside, ...wrong }} id="render" onChange={(n, v) => { setTyped((all) => ({ ...all, [n]: v })); setError(null) }} /> : <p class="muted">It has no variables.</p>}
        {general && <Problem error={general} />}
        <div><button class="btn" disabled={busy || Object.keys(wrong).length > 0}>Render v{version}</button></div>
      </form>
      {messages?.map((m, i) => (
        <article class="msg answer" key={i} aria-label={'Rendered ' + (m.role || 'text')}>
          <header class="msg-head"><span class="who"><Icon name={faces[m.role] ?? 'prompts'} size={14} />{m.role ? m.role.charAt(0).toUpperCase() + m.role.slice(1) : 'Text'}</span><span class="end"><Copy text={m.content} label="the rendered text" /></span></header>
          <div class="template">{m.content}</div>
        </article>
      ))}
      {!!made?.pins?.length && <p class="card-body faint small any">It took in {plural(made.pins.length, 'partial')}: {made.pins.map((p) => `${p.ref} as ${p.name}@${p.version}`).join(', ')}.</p>}
    </Card>
  )
}
