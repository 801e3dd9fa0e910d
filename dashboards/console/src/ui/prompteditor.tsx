/** The editor of a version: templates, settings and variables, checked by the service as one types. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Failure, request } from '../lib/api'
import type { Json } from '../lib/assemble'
import { plural } from '../lib/format'
import { faultsOf, promptPath, roomOf, variableOf, type Content, type Fault, type Message, type Pushed, type Version } from '../lib/prompts'
import { go } from '../lib/router'
import { namesOf, templatesOf } from '../lib/template'
import { Icon } from './icons'
import { Card, Problem, Segmented, toast } from './parts'

const roles = ['system', 'developer', 'user', 'assistant']
const raws = [
  ['settings', 'Settings', '{"temperature": 0.2}'], ['variables', 'Variables, as a JSON Schema', '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}'], ['defaults', 'Defaults of variables', '{"name": "you"}'],
  ['response_format', 'Response format', '{"type": "json_object"}'], ['tools', 'Tools', '[{"type": "function", "function": {"name": "…"}}]'],
] as const
type Raw = (typeof raws)[number][0]

const written = (v: Json | undefined): string => (v === undefined || v === null ? '' : JSON.stringify(v, null, 2))

interface Draft { kind: 'chat' | 'text'; text: string; messages: (Message & { key: number })[]; model: string; raw: Record<Raw, string> }

let keys = 0
const draftOf = (c: Content | undefined): Draft => ({
  kind: c?.text ? 'text' : 'chat', text: c?.text ?? '', model: c?.model ?? '',
  messages: (c?.messages?.length ? c.messages : [{ role: 'system', content: '' }, { role: 'user', content: '' }]).map((m) => ({ role: m.role, content: m.content, key: ++keys })),
  raw: { settings: written(c?.settings), variables: written(c?.variables), defaults: written(c?.defaults), response_format: written(c?.response_format), tools: written(c?.tools) },
})

/** contentOf makes the content of a draft, and says which fields are no JSON. */
function contentOf(d: Draft): { content: Content; broken: Partial<Record<Raw, string>> } {
  const content: Content = d.kind === 'text' ? { text: d.text } : { messages: d.messages.map(({ role, content }) => ({ role, content })) }
  if (d.model.trim()) content.model = d.model.trim()
  const broken: Partial<Record<Raw, string>> = {}
  for (const [k] of raws) {
    if (!d.raw[k].trim()) continue
    try { content[k] = JSON.parse(d.raw[k]) as Json } catch (e) { broken[k] = 'This is not JSON: ' + (e instanceof Error ? e.message : String(e)) }
  }
  return { content, broken }
}

const blank = (c: Content): boolean => templatesOf(c).every((t) => !t.trim())

/** useCheck asks the service what it thinks of a content, a moment after the last change. Variables that are missing are no fault of it. */
function useCheck(name: string, content: Content, ready: boolean): { faults: Fault[] | null; failure: Failure | null; busy: boolean } {
  const text = JSON.stringify(content)
  const [said, set] = useState<{ text: string; faults: Fault[]; failure: Failure | null } | null>(null)
  useEffect(() => {
    if (!ready) return
    const stop = new AbortController()
    const t = setTimeout(() => {
      request('POST', promptPath(name || 'unnamed') + '/render', { content }, stop.signal).then(() => set({ text, faults: [], failure: null }), (e: unknown) => {
        if (stop.signal.aborted || !(e instanceof Failure)) return
        const fine = e.status === 422 && variableOf(e) !== null
        const judged = e.status >= 400 && e.status < 500
        set({ text, faults: fine || !judged ? [] : faultsOf(e.message), failure: judged ? null : e })
      })
    }, 350)
    return () => { clearTimeout(t); stop.abort() }
  }, [text, name, ready])
  return { faults: ready && said ? said.faults : null, failure: said?.failure ?? null, busy: ready && said?.text !== text }
}

/** PromptEditor writes a first version, or the next one of a prompt beginning from another. */
export function PromptEditor({ from, after, onCancel }: { from?: Version | undefined; after?: number | undefined; onCancel: () => void }) {
  const [name, setName] = useState(from?.name ?? '')
  const [d, setDraft] = useState(() => draftOf(from?.content))
  const [message, setMessage] = useState('')
  const [label, setLabel] = useState('')
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const { content, broken } = useMemo(() => contentOf(d), [d])
  const names = useMemo(() => namesOf(templatesOf(content)), [content])
  const named = /^[\w.-]{1,128}$/.test(name.trim())
  const empty = blank(content)
  const check = useCheck(named ? name.trim() : '', content, !empty && !Object.keys(broken).length)
  const faults = check.faults ?? []
  const at = (where: string) => faults.filter((f) => f.where === where)
  const elsewhere = faults.filter((f) => !(f.where === 'text' && d.kind === 'text') && !(d.kind === 'chat' && /^messages\[\d+\]$/.test(f.where) && Number(f.where.slice(9, -1)) < d.messages.length) && !raws.some(([k]) => k === f.where.replace(/\[\d+\]$/, '')))
  const patch = (to: Partial<Draft>) => setDraft((was) => ({ ...was, ...to }))
  const set = (i: number, to: Partial<Message>) => setDraft((was) => ({ ...was, messages: was.messages.map((m, k) => (k === i ? { ...m, ...to } : m)) }))
  const swap = (i: number, by: number) => {
    const list = [...d.messages]
    ;[list[i], list[i + by]] = [list[i + by]!, list[i]!]
    patch({ messages: list })
  }
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setError(null)
    try {
      const made = await request<Pushed>('POST', '/api/v1/prompts', { name: name.trim(), content, message: message.trim(), ...(after ? { after } : {}), ...(label.trim() ? { label: label.trim() } : {}) })
      toast(made.made ? `Version ${made.version} is stored` : `Version ${made.version} says this already`)
      go(roomOf(made.name, { v: made.version }))
    } catch (x) { setError(x as Failure); setBusy(false) }
  }
  const general = error && (error.status === 422 && faultsOf(error.message).every((f) => f.where) ? null : error)
  return (
    <form class="editor" onSubmit={submit} noValidate>
      <div class="stack">
        {general && <Problem error={general} />}
        {!from && <Card label="Name"><div class="card-body" style={{ paddingTop: '14px' }}><label class="label">Name<input class="field" name="prompt-name" autoFocus placeholder="greet" maxLength={128} value={name} onInput={(e) => setName(e.currentTarget.value)} aria-invalid={name !== '' && !named ? true : undefined} aria-describedby="name-rule" /></label><p class={name !== '' && !named ? 'wrong' : 'faint small'} id="name-rule">Letters, digits, dots, dashes and underscores. Calls name it; it cannot be changed later.</p></div></Card>}
        <Card title="Template" sub={<code>{'{{name}}'} {'{{#list}}…{{/list}}'} {'{{> other@label}}'}</code>} actions={<Segmented small label="Kind" value={d.kind} onChange={(kind) => patch({ kind })} options={[['chat', 'Messages'], ['text', 'Text']]} />}>
          {d.kind === 'text' ? <div class="card-body"><Field label="Text" value={d.text} faults={at('text')} onChange={(text) => patch({ text })} /></div> : (
            <ol class="turns">
              {d.messages.map((m, i) => (
                <li key={m.key}>
                  <div class="row">
                    <select class="field" aria-label={`Role of message ${i + 1}`} value={m.role} onChange={(e) => set(i, { role: e.currentTarget.value })}>{roles.map((r) => <option key={r} value={r}>{r}</option>)}</select>
                    <span class="grow" />
                    <button type="button" class="btn quiet small icon" aria-label={`Move message ${i + 1} up`} title="Move up" disabled={i === 0} onClick={() => swap(i, -1)}><Icon name="up" size={14} /></button>
                    <button type="button" class="btn quiet small icon" aria-label={`Move message ${i + 1} down`} title="Move down" disabled={i === d.messages.length - 1} onClick={() => swap(i, 1)}><Icon name="down" size={14} /></button>
                    <button type="button" class="btn quiet small icon" aria-label={`Remove message ${i + 1}`} title="Remove" disabled={d.messages.length === 1} onClick={() => patch({ messages: d.messages.filter((_, k) => k !== i) })}><Icon name="close" size={14} /></button>
                  </div>
                  <Field label={`Message ${i + 1}`} value={m.content} faults={at(`messages[${i}]`)} onChange={(content) => set(i, { content })} />
                </li>
              ))}
              <li class="add"><button type="button" class="btn small" onClick={() => patch({ messages: [...d.messages, { role: d.messages.at(-1)?.role === 'user' ? 'assistant' : 'user', content: '', key: ++keys }] })}><Icon name="plus" size={13} />Add a message</button></li>
            </ol>
          )}
        </Card>
        <Card title="How the model is asked">
          <div class="card-body stack">
            <label class="label">Model, when the caller names none<input class="field" name="prompt-model" placeholder="the caller says" value={d.model} onInput={(e) => patch({ model: e.currentTarget.value })} /></label>
            {raws.map(([k, title, hint]) => (
              <details key={k} class="raw" open={!!d.raw[k].trim() || undefined}>
                <summary>{title}{d.raw[k].trim() ? '' : <span class="faint"> none</span>}{(broken[k] || at(k).length > 0) && <span class="badge bad">look at this</span>}</summary>
                <Field label={title} value={d.raw[k]} hint={hint} mono faults={[...(broken[k] ? [{ where: k, line: 0, column: 0, reason: broken[k] }] : []), ...faults.filter((f) => f.where.replace(/\[\d+\]$/, '') === k)]} onChange={(v) => setDraft((was) => ({ ...was, raw: { ...was.raw, [k]: v } }))} />
              </details>
            ))}
          </div>
        </Card>
      </div>
      <aside class="stack editor-side">
        <Card title="Check" label="Check">
          <div class="card-body stack" style={{ gap: '10px' }} data-check aria-live="polite">
            {empty ? <p class="muted">Nothing is written yet.</p> : Object.keys(broken).length ? <span class="badge bad">a field is not JSON</span> : check.failure ? <p class="muted">{check.failure.message}</p> : check.faults === null ? <p class="muted">Checking…</p> : faults.length ? <span class="badge bad">{plural(faults.length, 'fault')}</span> : <span class="badge ok"><span class="dot" />{check.busy ? 'checking…' : 'it can be stored'}</span>}
            {elsewhere.map((f, i) => <p class="wrong" key={i}>{f.where && <b>{f.where}: </b>}{f.reason}</p>)}
            <div>
              <h3>Variables it asks for</h3>
              {names.names.length ? <ul class="chips-row" data-uses>{names.names.map((n) => <li class="tag" key={n}><b>{n}</b>{names.sections.includes(n) && <span style={{ marginLeft: '4px' }}>section</span>}</li>)}</ul> : <p class="faint small">none</p>}
              {names.within.length > 0 && <p class="faint small any">within sections: {names.within.join(', ')}</p>}
              {names.partials.length > 0 && <p class="faint small any">takes in: {names.partials.join(', ')}</p>}
            </div>
          </div>
        </Card>
        <Card title="Store it" label="Store it">
          <div class="card-body stack" style={{ gap: '12px' }}>
            <label class="label">Why this version<input class="field" name="message" placeholder="be brief" maxLength={500} value={message} onInput={(e) => setMessage(e.currentTarget.value)} /></label>
            <label class="label">Point a label to it<input class="field" name="label" placeholder="none" maxLength={64} value={label} onInput={(e) => setLabel(e.currentTarget.value)} /></label>
            <p class="faint small">{from ? <>It becomes the next version of {from.name}{after && after !== from.version ? <>, after v{after}</> : ''}. What a version says already stays that version.</> : 'It becomes version 1.'} A protected label moves by a change request only.</p>
            <div class="row wrap"><button class="btn primary" disabled={busy || empty || !named || Object.keys(broken).length > 0 || (faults.length > 0 && !check.busy)}>Store the version</button><button type="button" class="btn" onClick={onCancel}>Cancel</button></div>
          </div>
        </Card>
      </aside>
    </form>
  )
}

/** Field is a text area that grows with what is in it; faults stand below, with line and column. */
function Field({ label, value, faults, onChange, mono = false, hint = '' }: { label: string; value: string; faults: Fault[]; onChange: (v: string) => void; mono?: boolean; hint?: string }) {
  const ref = useRef<HTMLTextAreaElement>(null)
  const id = 'f-' + label.toLowerCase().replace(/\W+/g, '-')
  useEffect(() => {
    const e = ref.current!
    e.style.height = 'auto'
    if (e.scrollHeight) e.style.height = Math.min(460, Math.max(58, e.scrollHeight + 2)) + 'px'
  }, [value])
  return (
    <>
      <textarea ref={ref} class={'field area' + (mono ? ' mono' : '')} aria-label={label} spellcheck={!mono} rows={2} placeholder={hint} value={value} onInput={(e) => onChange(e.currentTarget.value)} aria-invalid={faults.length ? true : undefined} aria-describedby={faults.length ? id : undefined} />
      {faults.length > 0 && <div id={id}>{faults.map((f, i) => <p class="wrong" key={i}>{f.line > 0 && <b>Line {f.line}, column {f.column}: </b>}{f.reason}</p>)}</div>}
    </>
  )
}
