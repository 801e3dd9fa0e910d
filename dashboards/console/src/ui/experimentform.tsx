/** The description of an experiment as text, YAML or JSON, with what is wrong beside its line. */

import { useMemo, useRef, useState } from 'preact/hooks'
import { Failure, request } from '../lib/api'
import { experimentPath, faultsOf, type Experiment, type Fault } from '../lib/experiments'
import { plural } from '../lib/format'
import { Malformed, parse, type Document } from '../lib/yaml'
import { Icon } from './icons'
import { Card, Problem } from './parts'

export const example = (prompt = 'greet'): string => `name: ${prompt}-terse
unit: user                # user, session, key or header:NAME
prompt: ${prompt}
arms:                     # the first is the control: what is served today
  - {name: control, prompt: ${prompt}@production, weight: 50}
  - {name: terse, prompt: ${prompt}@2, weight: 50}
metrics:
  primary: {metric: cost, direction: lower}
  guardrails:
    - {metric: errors, direction: lower, margin: 0.01}
    - {metric: "score:helpful", direction: higher, margin: "2%"}
worth: "5%"               # the smallest effect on the primary worth having
planned_units: 10000
auto: {stop_for_harm: true}
`

function read(text: string): { doc: Document | null; fault: Fault | null } {
  try {
    const doc = parse(text)
    return typeof doc.value === 'object' && doc.value !== null && !Array.isArray(doc.value) ? { doc, fault: null } : { doc: null, fault: { text: text.trim() ? 'this is no description: write names with values, such as "name: tone"' : 'nothing is written yet', line: 0 } }
  } catch (x) {
    if (x instanceof Malformed) return { doc: null, fault: { text: x.message, line: x.line } }
    throw x
  }
}

export function ExperimentForm({ start, old, onDone }: { start: string; old?: Experiment; onDone: (e: Experiment) => void }) {
  const [text, setText] = useState(start)
  const [sent, setSent] = useState<{ text: string; faults: Fault[] } | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const area = useRef<HTMLTextAreaElement>(null)
  const { doc, fault } = useMemo(() => read(text), [text])
  const faults = fault ? [fault] : sent?.text === text ? sent.faults : []
  const wrong = new Set(faults.map((f) => f.line))
  const lines = text.split('\n')
  const show = (line: number) => {
    const el = area.current
    if (!el || !line) return
    const from = lines.slice(0, line - 1).reduce((s, l) => s + l.length + 1, 0)
    el.focus()
    el.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0))
  }
  const submit = async (x: Event) => {
    x.preventDefault()
    setError(null)
    if (!doc) return show(fault?.line ?? 0)
    setBusy(true)
    try {
      onDone(await request<Experiment>(old ? 'PUT' : 'POST', old ? `${experimentPath(old.name)}?revision=${old.revision}` : '/api/v1/experiments', doc.value))
    } catch (x) {
      const e = x as Failure
      if (e.status === 400) setSent({ text, faults: faultsOf(e, doc) })
      else setError(e)
    }
    setBusy(false)
  }
  return (
    <form class="experiment-form" onSubmit={submit} noValidate>
      <Card title="Description" sub="YAML or JSON">
        <div class="numbered" style={{ '--lines': String(lines.length) }}>
          <ol class="gutter" aria-hidden="true">{lines.map((_, i) => <li key={i} class={wrong.has(i + 1) ? 'wrong-line' : ''}>{i + 1}</li>)}</ol>
          <textarea ref={area} class="field mono" name="description" spellcheck={false} autoCapitalize="off" wrap="off" rows={Math.max(14, lines.length + 1)} aria-label="Description of the experiment" aria-invalid={faults.length ? true : undefined} aria-describedby="experiment-faults" value={text} onInput={(x) => setText(x.currentTarget.value)} />
        </div>
      </Card>
      <div class="stack form-side">
        <Card title={faults.length ? plural(faults.length, 'fault') : 'Reads well'} class={faults.length ? 'alarmed' : ''}>
          <div id="experiment-faults" role="status">
            {error && <div class="card-body"><Problem error={error} /></div>}
            {faults.length ? <ul class="fault-list">{faults.map((f, i) => <li key={i}>{f.line > 0 ? <button type="button" class="linklike nowrap" onClick={() => show(f.line)}>line {f.line}</button> : <Icon name="warn" size={13} />}<span class="any">{f.text}</span></li>)}</ul>
              : <p class="card-body muted">{old ? 'The draft is put in place of the one that is there.' : 'It becomes a draft, which assigns nobody until it is started.'} What it names is looked up when it is sent.</p>}
          </div>
          <div class="card-body row end"><a class="btn" href={old ? '/experiments/' + encodeURIComponent(old.name) : '/experiments'}>Cancel</a><button class="btn primary" disabled={busy || !doc}>{old ? 'Save the draft' : 'Make the draft'}</button></div>
        </Card>
        <Card title="What can stand there">
          <dl class="pairs-list card-body">
            <dt>arms</dt><dd>2 to 20, each with <code>prompt</code>, <code>model</code> or <code>parameters</code>, and a <code>weight</code></dd>
            <dt>metric</dt><dd>cost, latency (with <code>slo_ms</code>), errors, tokens, input_tokens, output_tokens, calls, score:NAME</dd>
            <dt>margin</dt><dd>of a guardrail: how much worse is accepted, 0.01 or "5%"</dd>
            <dt>worth</dt><dd>the smallest gain worth having; without it the experiment ends at <code>planned_units</code></dd>
            <dt>target</dt><dd>a condition: <code>project == "shop"</code></dd>
            <dt>auto</dt><dd><code>stop_for_harm</code>, <code>promote</code>, <code>ramp</code></dd>
          </dl>
        </Card>
      </div>
    </form>
  )
}
