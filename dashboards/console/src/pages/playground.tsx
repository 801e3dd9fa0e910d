/** The playground: a prompt's version, or messages, asked of one model or several side by side, through the gateway itself. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Failure, get, query, useGet, type CallDetail, type Facets } from '../lib/api'
import type { Json, Obj } from '../lib/assemble'
import { isObj } from '../lib/assemble'
import { count, ms } from '../lib/format'
import { ask, blank, bodyOf, fromRequest, meaning, roles, type Answer, type Turn } from '../lib/playground'
import { promptPath, roomOf, type Prompt, type PromptRow, type Version } from '../lib/prompts'
import { patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { missing, slotsOf, valuesOf, withNamed, wrongOf } from '../lib/variables'
import { Icon } from '../ui/icons'
import { Card, Copy, Empty, Money, Problem, Segmented, SkeletonRows } from '../ui/parts'
import { Slots } from '../ui/promptrender'
import { Page } from '../ui/shell'
import { JsonText, Prose } from '../ui/text'

const MOST = 6
interface Run { id: number; model: string; answer: Answer; stop: AbortController }

export function PlaygroundPage() {
  const { params } = useLocation()
  const me = useSession()
  const call = params.get('call') ?? ''
  const found = useGet<CallDetail>(call ? '/api/v1/calls/' + encodeURIComponent(call) : '')
  const taken = useMemo(() => (found.data && found.data.id === call ? fromRequest(found.data.request, found.data.endpoint) : undefined), [found.data, call])
  const sub = 'Each answer is a call through the gateway: recorded under the project playground, priced, and bounded by its budgets and limits.'
  if (me.role && !me.may('developer')) {
    return <Page title="Playground" sub={sub}><Card label="Playground"><Empty icon="play" title="This takes the role developer"><p>You are {me.name}, {me.role}. Calls made here cost money, so that an admin has to give you the role first.</p></Empty></Card></Page>
  }
  return (
    <Page title="Playground" sub={sub}>
      {found.error && <Problem error={found.error} retry={found.reload} />}
      {call && !taken && !found.error ? <div class="play"><Card label="What is asked"><SkeletonRows n={8} /></Card></div> : <Bench key={call} call={call} taken={taken} prompt={params.get('prompt') ?? ''} />}
    </Page>
  )
}

function Bench({ call, taken, prompt }: { call: string; taken: ReturnType<typeof fromRequest> | undefined; prompt: string }) {
  const [named = '', refd = ''] = prompt.split('@')
  const [by, setBy] = useState<'prompt' | 'messages'>(prompt && !call ? 'prompt' : 'messages')
  const [turns, setTurns] = useState<Turn[]>(taken?.turns.length ? taken.turns : [{ role: 'system', text: '', json: false }, { role: 'user', text: '', json: false }])
  const [more, setMore] = useState<Turn[]>([])
  const [name, setName] = useState(named)
  const [ref, setRef] = useState(refd)
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [settings, setSettings] = useState(taken && Object.keys(taken.settings).length ? JSON.stringify(taken.settings, null, 2) : '')
  const [models, setModels] = useState<string[]>([taken?.model ?? ''])
  const [runs, setRuns] = useState<Run[]>([])
  const [error, setError] = useState<Failure | null>(null)
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const list = useGet<{ prompts: PromptRow[] }>(by === 'prompt' ? '/api/v1/prompts' : '')
  const shelf = useGet<Prompt>(by === 'prompt' && name ? promptPath(name) : '')
  const version = useGet<Version>(by === 'prompt' && name ? query(promptPath(name) + '/fetch', { ref }) : '')
  const v = version.data?.name === name ? version.data : undefined
  const first = runs.find((r) => r.answer.error?.code === 'weir_prompt_invalid')?.answer.error ?? null
  const fields = useMemo(() => (v ? slotsOf(v.content) : []), [v])
  const [partials, setPartials] = useState<string[]>([])
  const slots = withNamed(fields, partials)
  useEffect(() => { const more = missing(first, slots); if (more) setPartials([...partials, more]) }, [first])
  const { values, wrong } = valuesOf(slots, typed)
  const live = useRef<Run[]>([])
  useEffect(() => () => live.current.forEach((r) => r.stop.abort()), [])
  const running = runs.some((r) => r.answer.state === 'waiting' || r.answer.state === 'streaming')
  const refused = wrongOf(first, slots)

  const parsed = ((): { value: Obj; wrong: string } => {
    if (!settings.trim()) return { value: {}, wrong: '' }
    try {
      const x = JSON.parse(settings) as Json
      return isObj(x) ? { value: x, wrong: '' } : { value: {}, wrong: 'Settings are a JSON object, such as {"temperature": 0}.' }
    } catch (e) { return { value: {}, wrong: 'This is not JSON: ' + (e instanceof Error ? e.message : String(e)) } }
  })()
  const asked = models.map((m) => m.trim())
  const without = asked.some((m) => !m) && !(by === 'prompt' && v?.content.model)
  const nothing = by === 'prompt' ? !v : turns.every((t) => !t.text.trim())
  const ready = !nothing && !without && !parsed.wrong && !Object.keys(wrong).length

  const go = () => {
    if (!ready || running) return
    setError(null)
    try {
      const next = asked.map((model, i): Run & { body: Obj } => ({
        id: i, model, answer: blank(), stop: new AbortController(),
        body: bodyOf({ model, turns: by === 'prompt' ? more : turns, settings: parsed.value, ...(by === 'prompt' ? { prompt: { id: ref ? `${name}@${ref}` : name, variables: values } } : {}) }),
      }))
      live.current = next
      setRuns(next)
      for (const r of next) {
        void ask(r.body, r.stop.signal, (answer) => { if (live.current.includes(r)) setRuns((all) => all.map((x) => (x.id === r.id ? { ...x, answer } : x))) })
      }
    } catch (x) { setError(x as Failure) }
  }
  const pick = (n: string, r: string) => { setName(n); setRef(r); setTyped({}); patch({ prompt: n ? (r ? `${n}@${r}` : n) : undefined, call: undefined }, true) }
  return (
    <div class="play" onKeyDown={(e) => { if (e.key === 'Enter' && (e.metaKey || e.ctrlKey)) { e.preventDefault(); go() } }}>
      <div class="stack">
        <Card title="What is asked" actions={<Segmented small label="Source" value={by} onChange={setBy} options={[['messages', 'Messages'], ['prompt', 'Prompt']]} />}>
          {by === 'messages' ? (
            <>
              {call && taken && <p class="card-body muted small any">From the call <a href={'/calls/' + encodeURIComponent(call)}>…{call.slice(-8)}</a>.{taken.left.map((l) => ' ' + l).join('')}</p>}
              <Turns turns={turns} set={setTurns} />
            </>
          ) : (
            <div class="card-body stack" style={{ gap: '12px' }}>
              {list.error ? <Problem error={list.error} retry={list.reload} /> : (
                <div class="fields">
                  <label class="label">Prompt<select class="field" name="prompt" value={name} onChange={(e) => pick(e.currentTarget.value, '')}><option value="">choose one</option>{name && !list.data?.prompts.some((p) => p.name === name) && <option value={name}>{name}</option>}{list.data?.prompts.map((p) => <option key={p.name} value={p.name}>{p.name}</option>)}</select></label>
                  <label class="label">Version<select class="field" name="version" disabled={!name} value={ref} onChange={(e) => pick(name, e.currentTarget.value)}>
                    <option value="">as a call without a label</option>
                    {ref && !shelf.data && <option value={ref}>{ref}</option>}
                    {shelf.data?.labels.map((l) => <option key={l.label} value={l.label}>{l.label} (v{l.version})</option>)}
                    {shelf.data?.versions.filter((x) => !x.deleted_at).map((x) => <option key={x.version} value={String(x.version)}>v{x.version}</option>)}
                  </select></label>
                </div>
              )}
              {version.error && <Problem error={version.error} retry={version.reload} />}
              {v && <p class="faint small any"><a href={roomOf(name, { v: v.version })}>v{v.version}</a> {v.message}{v.content.model && <>, model {v.content.model}</>}</p>}
              {v && <Slots slots={slots} typed={typed} wrong={{ ...refused.beside, ...wrong }} id="var" onChange={(n, x) => setTyped((all) => ({ ...all, [n]: x }))} />}
              {v && <details class="raw"><summary>Messages behind the prompt's <span class="faint">{more.length || 'none'}</span></summary><Turns turns={more} set={setMore} /></details>}
            </div>
          )}
        </Card>
        <Card title="Models" sub={`up to ${MOST}, side by side`}>
          <div class="card-body stack" style={{ gap: '8px' }}>
            {models.map((m, i) => (
              <div class="model-row" key={i}>
                <input class="field" aria-label={`Model ${i + 1}`} list="play-models" placeholder={by === 'prompt' && v?.content.model ? v.content.model + ', of the prompt' : 'gpt-4o-mini'} value={m} onInput={(e) => { const text = e.currentTarget.value; setModels((all) => all.map((x, k) => (k === i ? text : x))) }} />
                <button type="button" class="btn quiet icon" aria-label={`Remove model ${i + 1}`} disabled={models.length === 1} onClick={() => setModels((all) => all.filter((_, k) => k !== i))}><Icon name="close" size={14} /></button>
              </div>
            ))}
            <datalist id="play-models">{facets.data?.model?.map((f) => <option key={f.value} value={f.value} />)}</datalist>
            <div><button type="button" class="btn small" disabled={models.length >= MOST} onClick={() => setModels((all) => [...all, ''])}><Icon name="plus" size={13} />Another model</button></div>
            <label class="label">Settings, JSON<textarea class="field area mono" name="settings" rows={2} spellcheck={false} placeholder={'{"temperature": 0, "max_tokens": 300}'} value={settings} onInput={(e) => setSettings(e.currentTarget.value)} aria-invalid={parsed.wrong ? true : undefined} aria-describedby={parsed.wrong ? 'wrong-settings' : undefined} /></label>
            {parsed.wrong && <p class="wrong" id="wrong-settings" role="alert">{parsed.wrong}</p>}
            {error && <Problem error={error} />}
            <div class="row wrap">
              {running ? <button type="button" class="btn danger" onClick={() => live.current.forEach((r) => r.stop.abort())}><Icon name="stop" size={14} />Stop</button> : <button type="button" class="btn primary" disabled={!ready} onClick={go}><Icon name="play" size={14} />Ask {models.length > 1 ? `${models.length} models` : 'the model'}</button>}
              <span class="faint small">{without ? 'Name a model.' : nothing ? by === 'prompt' ? 'Choose a prompt.' : 'Write a message.' : <><kbd>Ctrl</kbd> <kbd>Enter</kbd></>}</span>
            </div>
          </div>
        </Card>
      </div>
      {!runs.length ? <Card label="Answers"><Empty icon="play" title="Answers stand here"><p>Ask one model or several the same thing, and compare what they say, how long it takes and what it costs.</p></Empty></Card> : (
        <div class="answers" data-answers>{runs.map((r) => <AnswerCard key={r.id} r={r} />)}</div>
      )}
    </div>
  )
}

function Turns({ turns, set }: { turns: Turn[]; set: (f: (t: Turn[]) => Turn[]) => void }) {
  const change = (i: number, to: Partial<Turn>) => set((all) => all.map((t, k) => (k === i ? { ...t, ...to } : t)))
  return (
    <ol class="turns">
      {turns.map((t, i) => (
        <li key={i}>
          <div class="row">
            {t.json ? <span class="badge">message as JSON</span> : <select class="field" aria-label={`Role of message ${i + 1}`} value={t.role} onChange={(e) => change(i, { role: e.currentTarget.value })}>{roles.map((r) => <option key={r} value={r}>{r}</option>)}</select>}
            <span class="grow" />
            <button type="button" class="btn quiet small icon" aria-label={`Remove message ${i + 1}`} onClick={() => set((all) => all.filter((_, k) => k !== i))}><Icon name="close" size={14} /></button>
          </div>
          <textarea class={'field area' + (t.json ? ' mono' : '')} aria-label={`Message ${i + 1}`} rows={Math.min(12, Math.max(2, t.text.split('\n').length, Math.ceil(t.text.length / 52)))} value={t.text} onInput={(e) => change(i, { text: e.currentTarget.value })} />
        </li>
      ))}
      <li class="add"><button type="button" class="btn small" onClick={() => set((all) => [...all, { role: all.at(-1)?.role === 'user' ? 'assistant' : 'user', text: '', json: false }])}><Icon name="plus" size={13} />Add a message</button></li>
    </ol>
  )
}

/** recordOf reads what a call came to; it is recorded a moment after its end. */
function useRecord(id: string, ended: boolean): CallDetail | undefined {
  const [record, set] = useState<CallDetail | undefined>(undefined)
  useEffect(() => {
    if (!id || !ended) return
    const stop = new AbortController()
    let timer = 0
    const look = (left: number) => {
      get<CallDetail>('/api/v1/calls/' + encodeURIComponent(id), stop.signal).then(set, () => { if (left > 0 && !stop.signal.aborted) timer = window.setTimeout(() => look(left - 1), 500) })
    }
    // A call that was stopped is recorded when the service has noticed.
    timer = window.setTimeout(() => look(8), 120)
    return () => { clearTimeout(timer); stop.abort() }
  }, [id, ended])
  return record?.id === id ? record : undefined
}

function AnswerCard({ r }: { r: Run }) {
  const a = r.answer
  const ended = a.state === 'done' || a.state === 'stopped' || a.state === 'failed'
  const record = useRecord(a.call, ended)
  const u = record?.usage
  const input = u ? u.input_uncached + u.cache_read + u.cache_write_5m + u.cache_write_1h + u.input_audio : a.input
  const output = u ? u.output_text + u.reasoning + u.output_audio : a.output
  const title = r.model || a.model || 'the prompt’s model'
  const words: Record<Answer['state'], [string, string]> = { waiting: ['', 'waiting'], streaming: ['accent', 'answering'], done: ['ok', 'answered'], stopped: ['warn', 'stopped'], failed: ['bad', 'refused'] }
  const [kind, word] = a.state === 'failed' && (a.text || a.error?.status === 200) ? ['bad', 'broken off'] : words[a.state]
  return (
    <section class="card answer-card" aria-label={`Answer of ${title}`} data-state={a.state}>
      <header class="card-head"><h2>{title}</h2>{(a.cache === 'hit' || a.cache === 'semantic') && <span class="badge accent">cache {a.cache}</span>}<span class="grow" /><span class={'badge ' + kind} role="status"><span class="dot" />{word}</span>{!ended && <button type="button" class="btn quiet small icon" aria-label={`Stop ${title}`} title="Stop" onClick={() => r.stop.abort()}><Icon name="stop" size={14} /></button>}{a.text && ended && <Copy text={a.text} label={`the answer of ${title}`} />}</header>
      {a.reasoning && <details class="reason"><summary>Reasoning</summary><Prose text={a.reasoning} plain /></details>}
      {a.text ? <div class={a.state === 'streaming' ? 'caret' : ''}><Prose text={a.text} plain={!ended} /></div> : a.state === 'waiting' || a.state === 'streaming' ? <p class="card-body muted caret" /> : null}
      {a.refusal && <div class="notice"><Icon name="warn" /><div><b>Refused</b><div class="any">{a.refusal}</div></div></div>}
      {a.tools.map((t, i) => <div class="toolcall" key={i}><header><Icon name="tool" size={14} /><b class="mono">{t.name || 'tool'}</b></header>{t.args && <JsonText text={t.args} title="arguments" />}</div>)}
      {a.error && (
        <div class="notice bad" role="alert"><Icon name="warn" /><div class="any"><b>{meaning(a.error)}</b><div>{a.error.message}</div>{a.retryAfter && <div class="small">Again in {count(Number(a.retryAfter))} s.</div>}{a.error.code === 'weir_budget_exceeded' && <a href="/budgets">See the budgets</a>}{a.error.code === 'weir_unpriced' && <a href="/models">Set a price</a>}</div></div>
      )}
      {a.note && <div class="notice"><Icon name="warn" /><div>{a.note}</div></div>}
      {ended && !a.text && !a.error && !a.note && !a.tools.length && !a.refusal && <p class="card-body muted">{a.state === 'stopped' ? 'Stopped before a word came.' : 'The answer is empty.'}</p>}
      {ended && (
        <footer class="answer-foot">
          {a.call ? record ? <>
            <span title="tokens in and out">{input === null && output === null ? 'no tokens' : <>{count(input)} <span class="faint">→</span> {count(output)} tokens</>}</span>
            <span data-cost={record.cost_usd ?? ''}><Money value={record.cost_usd} unknown={record.price_status === 'unpriced' ? 'unpriced' : 'cost unknown'} /></span>
            <span title="by the service's clock">{ms(record.duration_ms)}{record.ttft_ms ? <span class="faint">, first token {ms(record.ttft_ms)}</span> : ''}</span>
          </> : <span>{a.ms !== null && ms(a.ms)}</span> : null}
          {a.finish && a.finish !== 'stop' && <span class="badge warn">{a.finish}</span>}
          {a.prompt && <span class="faint any">{a.prompt}</span>}
          <span class="grow" />
          {a.call && <a href={'/calls/' + encodeURIComponent(a.call)}>The call</a>}
        </footer>
      )}
    </section>
  )
}
