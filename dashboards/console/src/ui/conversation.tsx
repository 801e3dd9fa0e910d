/** A transcript as a chat. */

import { useMemo, useState } from 'preact/hooks'
import { count, plural } from '../lib/format'
import { read, type Message, type Part } from '../lib/transcript'
import { Icon, type IconName } from './icons'
import { Card, Copy, Segmented } from './parts'
import { Code, JsonText, looksLikeJson, Prose } from './text'

const faces: Record<string, IconName> = { system: 'gear', developer: 'gear', user: 'user', assistant: 'spark', tool: 'tool', function: 'tool', prompt: 'user', input: 'user', completion: 'spark', embeddings: 'models' }

const words = (m: Message): string => m.parts.map((p) => ('text' in p ? p.text : p.kind === 'call' ? `${p.name}(${p.args})` : '')).filter(Boolean).join('\n\n')

/** pairs puts the result of a tool beside the call that it answers, so that it stands there and not in a message of its own. */
export function pairs(list: Message[]): { messages: Message[]; results: Map<string, string> } {
  const called = new Set(list.flatMap((m) => m.parts.flatMap((p) => (p.kind === 'call' && p.id ? [p.id] : []))))
  const results = new Map<string, string>()
  const messages = list.flatMap((m) => {
    const parts = m.parts.filter((p) => {
      if (p.kind !== 'result' || !called.has(p.id) || results.has(p.id)) return true
      results.set(p.id, p.text)
      return false
    })
    return parts.length || !m.parts.length ? [{ ...m, parts }] : []
  })
  return { messages, results }
}

export function Conversation({ request, response, recorded }: { request: unknown; response: unknown; recorded: string }) {
  const t = useMemo(() => read(request, response), [request, response])
  const [view, setView] = useState<'chat' | 'request' | 'response'>('chat')
  const [plain, setPlain] = useState(false)
  const choices = t.messages.filter((m) => m.answer && m.role !== 'embeddings').length
  const shown = useMemo(() => pairs(t.messages), [t])
  const nothing = !t.request.text && !t.response.text
  return (
    <Card title="Conversation" actions={<>
      {view === 'chat' && !nothing && <button type="button" class="btn quiet small" aria-pressed={plain} title="Show texts without formatting" onClick={() => setPlain(!plain)}>Plain text</button>}
      <Segmented small label="View" value={view} onChange={setView} options={[['chat', 'Chat'], ['request', 'Request'], ['response', 'Response']]} />
    </>}>
      {view !== 'chat' ? <Raw text={view === 'request' ? t.request.text : t.response.text} json={view === 'request' || !t.response.streamed} assembled={view === 'response' && t.response.streamed ? t.response.value : undefined} what={view} /> : nothing ? (
        <div class="empty"><Icon name="calls" size={26} /><p>{recorded}</p></div>
      ) : (
        <>
          {t.params.length > 0 && <div class="params">{t.params.map(([k, v]) => <span class="tag" key={k} title={`${k}: ${v}`}>{k}<b class="cut" style={{ maxWidth: '220px' }}>{v}</b></span>)}</div>}
          {t.tools.length > 0 && (
            <details class="tools" style={{ padding: '0 14px 12px' }}>
              <summary>{plural(t.tools.length, 'tool')} offered: {t.tools.map((x) => x.name).join(', ')}</summary>
              <div class="stack" style={{ gap: '8px', marginTop: '8px' }}>{t.tools.map((x, i) => <div key={i}><b class="mono">{x.name}</b>{x.about && <p class="muted">{x.about}</p>}{x.schema !== undefined && <JsonText text={JSON.stringify(x.schema)} title="parameters" />}</div>)}</div>
            </details>
          )}
          {shown.messages.map((m, i) => <Turn key={i} m={m} plain={plain} many={choices > 1} results={shown.results} />)}
          {t.response.note && <div class="msg"><div class="notice"><Icon name="warn" /><span>{t.response.note}</span></div></div>}
          {!t.messages.some((m) => m.answer) && t.response.text && (
            <div class="msg answer"><div class="msg-head"><span class="who"><Icon name="warn" size={14} />What came back</span></div>{looksLikeJson(t.response.text) ? <JsonText text={t.response.text} /> : <Code text={t.response.text} />}</div>
          )}
          {!t.response.text && <div class="msg"><p class="faint">No answer is recorded.</p></div>}
        </>
      )}
    </Card>
  )
}

/** Turn is one message; results are those of the tools that it calls, by the call's id. */
export function Turn({ m, plain, many, results }: { m: Message; plain: boolean; many: boolean; results?: Map<string, string> }) {
  const text = words(m)
  return (
    <article class={'msg' + (m.answer ? ' answer' : '')} aria-label={m.role}>
      <header class="msg-head">
        <span class="who"><Icon name={faces[m.role] ?? 'calls'} size={14} />{m.role.charAt(0).toUpperCase() + m.role.slice(1)}{m.name && <span class="faint" style={{ fontWeight: 400 }}>{m.name}</span>}</span>
        {many && m.answer && <span class="badge">choice {m.choice}</span>}
        <span class="end">
          {text && <Copy text={text} label={'the ' + m.role + ' message'} />}
          {m.finish && <span class={'badge' + (/length|max|filter|incomplete|failed/.test(m.finish) ? ' warn' : '')} title="Why the model stopped">{m.finish}</span>}
        </span>
      </header>
      {group(m.parts).map((p, i) => Array.isArray(p) ? <div class="pics" key={i}>{p.map((x, k) => <PartView key={k} p={x} plain={plain} />)}</div> : <PartView key={i} p={p} plain={plain} result={p.kind === 'call' ? results?.get(p.id) : undefined} />)}
      {!m.parts.length && <p class="faint">Nothing is said here.</p>}
    </article>
  )
}

/** group puts pictures that follow one another side by side. */
function group(parts: Part[]): (Part | Part[])[] {
  const out: (Part | Part[])[] = []
  for (const p of parts) {
    const last = out.at(-1)
    if (p.kind !== 'image') out.push(p)
    else if (Array.isArray(last)) last.push(p)
    else out.push([p])
  }
  return out
}

/** A picture elsewhere is never asked for by this page; a click opens it in a tab of its own. */
function Remote({ address }: { address: string }) {
  const web = /^https?:\/\//i.test(address)
  return <span class="remote"><Icon name="image" size={15} /><span class="cut" title={address}>{address}</span>{web && <a class="btn quiet small" href={address} target="_blank" rel="noopener noreferrer" title="Opens the address in a new tab; whoever keeps it learns that you looked">Open</a>}<Copy text={address} label="the picture's address" /></span>
}

/** Folded is a tool's JSON: long ones are shut until one wants them. */
function Folded({ text, title }: { text: string; title: string }) {
  if (!looksLikeJson(text)) return <div style={{ padding: '8px 11px' }}><Prose text={text} plain /></div>
  return text.length < 600 ? <JsonText text={text} title={title} /> : <details class="tools" style={{ padding: '6px 11px' }}><summary>{title}, {count(text.length)} characters</summary><JsonText text={text} title={title} /></details>
}

function PartView({ p, plain, result }: { p: Part; plain: boolean; result?: string | undefined }) {
  switch (p.kind) {
    case 'text': return <Prose text={p.text} plain={plain} />
    case 'refusal': return <div class="notice"><Icon name="warn" /><div><b>Refused</b><div>{p.text}</div></div></div>
    case 'reasoning': return <details class="reason" open={p.text.length < 900}><summary>Reasoning</summary><Prose text={p.text} plain={plain} /></details>
    case 'image': return p.src ? <img src={p.src} alt="Picture in the message" /> : <Remote address={p.note} />
    case 'note': return <p class="muted row"><Icon name="calls" size={14} />{p.text}</p>
    case 'call': return (
      <div class="toolcall">
        <header><Icon name="tool" size={14} /><b class="mono">{p.name || 'tool'}</b><span class="grow" />{p.id && <span class="faint mono cut">{p.id}</span>}</header>
        {p.args && p.args !== '{}' ? <Folded text={p.args} title="arguments" /> : <p class="faint" style={{ padding: '6px 11px' }}>no arguments</p>}
        {result !== undefined && <><header class="under"><Icon name="right" size={14} /><b>Result</b></header>{result ? <Folded text={result} title="result" /> : <p class="faint" style={{ padding: '6px 11px' }}>empty</p>}</>}
      </div>
    )
    case 'result': return (
      <div class="toolcall">
        <header><Icon name="right" size={14} /><b>Result</b><span class="grow" />{p.id && <span class="faint mono cut">{p.id}</span>}</header>
        <Folded text={p.text} title="result" />
      </div>
    )
    case 'vectors': return (
      <div class="scroll"><table class="mini">
        <thead><tr><th scope="col">Input</th><th scope="col" class="num">Dimensions</th><th scope="col">First values</th></tr></thead>
        <tbody>{p.list.slice(0, 50).map((v) => <tr key={v.index}><td>#{v.index}</td><td class="num">{count(v.dims)}</td><td class="mono faint">{v.head.map((x) => x.toFixed(4)).join('  ')}{v.dims > v.head.length ? ' …' : ''}</td></tr>)}</tbody>
      </table>{p.list.length > 50 && <p class="faint">and {count(p.list.length - 50)} more</p>}</div>
    )
    case 'json': return <JsonText text={JSON.stringify(p.value)} />
  }
}

function Raw({ text, json, assembled, what }: { text: string; json: boolean; assembled: unknown; what: string }) {
  const [whole, set] = useState(false)
  if (!text) return <div class="empty"><p>No {what} body is recorded.</p></div>
  return (
    <div class="card-body stack" style={{ gap: '8px' }}>
      {assembled !== undefined && <div><Segmented small label="Stream" value={whole ? 'a' : 'b'} onChange={(v) => set(v === 'a')} options={[['b', 'As it came'], ['a', 'Put together']]} /></div>}
      {whole && assembled !== undefined ? <JsonText text={JSON.stringify(assembled)} title="put together" /> : json ? <JsonText text={text} title={what} /> : <Code text={text} lang="event stream" />}
    </div>
  )
}
