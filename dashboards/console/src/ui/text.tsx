/** Recorded text on the page: always as text nodes, never as HTML. */

import { useMemo, useState } from 'preact/hooks'
import { bytes, count } from '../lib/format'
import { blocks, spans, type Block } from '../lib/markdown'
import { Copy } from './parts'

const LIMIT = 200_000

function Line({ text }: { text: string }) {
  return <>{spans(text).map((s, i) => (s.kind === 'code' ? <code key={i}>{s.text}</code> : s.kind === 'bold' ? <strong key={i}>{s.text}</strong> : s.kind === 'em' ? <em key={i}>{s.text}</em> : s.text))}</>
}

function BlockView({ b }: { b: Block }) {
  switch (b.kind) {
    case 'heading': return b.level < 3 ? <h3><Line text={b.text} /></h3> : <h4><Line text={b.text} /></h4>
    case 'para': return <p><Line text={b.text} /></p>
    case 'quote': return <blockquote><Line text={b.text} /></blockquote>
    case 'code': return <Code text={b.text} lang={b.lang} />
    case 'rule': return <hr />
    case 'list': return <ul>{b.items.map((it, i) => <li key={i} style={{ paddingLeft: it.depth * 18 + 'px' }}><span>{it.mark}</span><span><Line text={it.text} /></span></li>)}</ul>
    case 'table': return (
      <div class="scroll"><table>
        <thead><tr>{b.head.map((c, i) => <th key={i}><Line text={c} /></th>)}</tr></thead>
        <tbody>{b.rows.map((r, i) => <tr key={i}>{r.map((c, k) => <td key={k}><Line text={c} /></td>)}</tr>)}</tbody>
      </table></div>
    )
  }
}

/** Prose renders Markdown or, when plain, the text as it is; long texts fold. */
export function Prose({ text, plain }: { text: string; plain: boolean }) {
  const long = text.length > 1800 || text.split('\n', 26).length > 25
  const [open, set] = useState(false)
  const json = !plain && looksLikeJson(text)
  const body = useMemo(() => (plain || json || text.length > 60_000 ? null : blocks(text)), [text, plain, json])
  const shown = text.length > LIMIT ? text.slice(0, LIMIT) : text
  return (
    <>
      <div class={'prose' + (long && !open ? ' fold' : '')}>
        {json ? <JsonText text={text} /> : body ? body.map((b, i) => <BlockView key={i} b={b} />) : <div class="plain">{shown}</div>}
      </div>
      {long && <div><button type="button" class="btn quiet small" aria-expanded={open} onClick={() => set(!open)}>{open ? 'Show less' : `Show all ${count(text.length)} characters`}</button></div>}
      {text.length > LIMIT && open && <p class="faint">The first {bytes(LIMIT)} are shown; the copy button takes all of it.</p>}
    </>
  )
}

export function looksLikeJson(text: string): boolean {
  const t = text.trim()
  if (!/^[[{]/.test(t) || t.length > LIMIT) return false
  try { JSON.parse(t); return true } catch { return false }
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g

function paint(text: string) {
  const out: (string | preact.JSX.Element)[] = []
  let at = 0
  for (const m of text.matchAll(TOKEN)) {
    if (m.index > at) out.push(text.slice(at, m.index))
    const kind = m[1] ? (m[2] ? 'k' : 's') : m[3] ? 'l' : 'n'
    out.push(<span class={'syn-' + kind}>{m[1] ?? m[0]}</span>)
    if (m[2]) out.push(m[2])
    at = m.index + m[0].length
  }
  out.push(text.slice(at))
  return out
}

/** JsonText prints JSON indented and coloured; text that is not JSON stands as it is. */
export function JsonText({ text, title = 'json' }: { text: string; title?: string }) {
  const pretty = useMemo(() => { try { return text.length > 4_000_000 ? text : JSON.stringify(JSON.parse(text), null, 2) } catch { return text } }, [text])
  return <Code text={pretty} lang={title} json copyText={text} />
}

/** Code is a block with its language and a copy button; beyond 200 KB it is cut, and says so. */
export function Code({ text, lang, json = false, copyText }: { text: string; lang?: string; json?: boolean; copyText?: string }) {
  const cut = text.length > LIMIT
  const shown = cut ? text.slice(0, LIMIT) : text
  const painted = useMemo(() => (json && shown.length < 60_000 ? paint(shown) : shown), [shown, json])
  return (
    <div class="code">
      <div class="bar"><span>{lang || 'text'}</span><Copy text={copyText ?? text} label={lang || 'text'} /></div>
      <pre tabIndex={0}><code>{painted}</code></pre>
      {cut && <div class="bar">The first {bytes(LIMIT)} of {bytes(text.length)} are shown; copy takes all.</div>}
    </div>
  )
}
