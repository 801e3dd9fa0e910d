/** A prompt's content, to be read: templates with their tags marked, variables, settings, tools. */

import { useMemo } from 'preact/hooks'
import { plural } from '../lib/format'
import { settingsOf, toolsOf, variablesOf, type Content, type Variable } from '../lib/prompts'
import { namesOf, tags, templatesOf } from '../lib/template'
import { Icon, type IconName } from './icons'
import { Copy } from './parts'
import { JsonText } from './text'

export const faces: Record<string, IconName> = { system: 'gear', developer: 'gear', user: 'user', assistant: 'spark', tool: 'tool' }
const LONG = 60_000

const titles: Record<string, string> = { name: 'a variable', open: 'begins a section: once for each item of a list, or when there is something', not: 'begins a section for when there is nothing', close: 'ends the section', comment: 'a comment: nothing of it is sent', partial: 'the text of another prompt', delimiters: 'tags are written another way from here on' }

/** Template shows a template's text with its tags marked. */
export function Template({ text }: { text: string }) {
  const parts = useMemo(() => (text.length > LONG ? null : tags(text)), [text])
  return <div class="template">{parts ? parts.map((t, i) => (t.kind === 'text' ? t.raw : <span key={i} class={'mtag ' + t.kind} title={titles[t.kind]}>{t.raw}</span>)) : text}</div>
}

export function ContentView({ c }: { c: Content }) {
  const names = useMemo(() => namesOf(templatesOf(c)), [c])
  const vars = useMemo(() => variablesOf(c, names.names), [c, names])
  const messages = c.messages?.length ? c.messages : [{ role: '', content: c.text ?? '' }]
  const settings = settingsOf(c.settings)
  const tools = toolsOf(c.tools)
  return (
    <>
      {messages.map((m, i) => (
        <article class="msg" key={i} aria-label={m.role || 'Text'}>
          <header class="msg-head">
            <span class="who"><Icon name={faces[m.role] ?? 'prompts'} size={14} />{m.role ? m.role.charAt(0).toUpperCase() + m.role.slice(1) : 'Text'}</span>
            <span class="end"><Copy text={m.content} label={m.role ? `the ${m.role} message` : 'the text'} /></span>
          </header>
          <Template text={m.content} />
        </article>
      ))}
      <section class="part" aria-label="Variables">
        <h3>Variables</h3>
        {vars.length ? <VariableTable vars={vars} defaults={c.defaults !== undefined && c.defaults !== null} /> : <p class="muted small">It has none: what is sent is always the same.</p>}
        {names.within.length > 0 && <p class="faint small">Within sections: {names.within.map((n, i) => <span key={n}>{i > 0 && ', '}<code>{n}</code></span>)}, of the section's value or of a variable.</p>}
        {names.partials.length > 0 && <p class="small muted">It takes in {names.partials.map((n, i) => <span key={n}>{i > 0 && ', '}<a href={'/prompts/' + encodeURIComponent(n.split('@')[0]!)}>{n}</a></span>)}, whose variables count as its own.</p>}
        {c.variables !== undefined && c.variables !== null && <details class="tools"><summary>Schema</summary><JsonText text={JSON.stringify(c.variables)} title="JSON Schema" /></details>}
      </section>
      <section class="part" aria-label="Settings">
        <h3>Settings</h3>
        <div class="chips-row">
          <span class="tag">model<b>{c.model || 'the caller says'}</b></span>
          {settings.map(([k, v]) => <span class="tag" key={k} title={`${k}: ${v}`}>{k}<b class="cut">{v}</b></span>)}
        </div>
      </section>
      {tools.length > 0 && (
        <section class="part" aria-label="Tools">
          <details class="tools"><summary>{plural(tools.length, 'tool')}: {tools.map((t) => t.name).join(', ')}</summary>
            <div class="stack" style={{ gap: '8px', marginTop: '8px' }}>{tools.map((t, i) => <div key={i}><b class="mono">{t.name}</b>{t.about && <p class="muted">{t.about}</p>}{t.schema !== undefined && <JsonText text={JSON.stringify(t.schema)} title="parameters" />}</div>)}</div>
          </details>
        </section>
      )}
      {c.response_format !== undefined && c.response_format !== null && (
        <section class="part" aria-label="Response format"><details class="tools"><summary>Response format</summary><JsonText text={JSON.stringify(c.response_format)} title="response_format" /></details></section>
      )}
    </>
  )
}

function VariableTable({ vars, defaults }: { vars: Variable[]; defaults: boolean }) {
  const typed = vars.some((v) => v.type), told = vars.some((v) => v.about)
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Variables, table"><table class="mini">
      <thead><tr><th scope="col">Name</th>{typed && <th scope="col">Type</th>}<th scope="col">Needed</th>{defaults && <th scope="col">Default</th>}{told && <th scope="col" class="wide">About</th>}</tr></thead>
      <tbody>
        {vars.map((v) => (
          <tr key={v.name}>
            <td class="mono any">{v.name}{!v.used && <span class="badge warn" title="The schema or the defaults list it, but no template asks for it" style={{ marginLeft: '6px' }}>not used</span>}</td>
            {typed && <td class="muted any">{v.type || 'any'}</td>}<td>{v.required ? 'yes' : <span class="faint">no</span>}</td>
            {defaults && <td class="mono any">{v.fallback === undefined ? <span class="faint">–</span> : JSON.stringify(v.fallback)}</td>}{told && <td class="muted wide any">{v.about}</td>}
          </tr>
        ))}
      </tbody>
    </table></div>
  )
}
