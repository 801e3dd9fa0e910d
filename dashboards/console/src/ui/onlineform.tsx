/** A rule as text, YAML or JSON. What the API does not take is said above it. */

import { useState } from 'preact/hooks'
import { Failure, request } from '../lib/api'
import { Malformed, parse } from '../lib/yaml'
import type { Rule } from '../lib/online'
import { Modal, Problem } from './parts'

const example = `name: helpful
rate: 0.05                # 5% of what the filter picks
by: session               # call, session or user
filter: {project: default}
budget_usd: "1.00"        # what judges may cost in a day
scorers:
  - {name: short, metric: expression, expression: "len(answer) < 1500"}
  - {name: helpful, metric: judge, judge: {rubric: helpfulness, model: gpt-4o-mini}}
`

const own = ['name', 'filter', 'condition', 'rate', 'by', 'scorers', 'budget_usd', 'max_per_minute', 'delay'] as const

/** textOf is a rule as it could have been written. */
const textOf = (r: Rule): string => JSON.stringify(Object.fromEntries(own.filter((k) => r[k] !== undefined && r[k] !== null).map((k) => [k, r[k]])), null, 2)

export function OnlineForm({ r, onClose, onDone }: { r: Rule | null; onClose: () => void; onDone: (name: string) => void }) {
  const [text, setText] = useState(r ? textOf(r) : example)
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (e: Event) => {
    e.preventDefault()
    setError(null)
    setBusy(true)
    try {
      onDone((await request<Rule>('POST', '/api/v1/evals/online', parse(text).value)).name)
    } catch (x) {
      setError(x instanceof Malformed ? new Failure(400, 'malformed', `Line ${x.line}: ${x.message}`) : x as Failure)
      setBusy(false)
    }
  }
  return (
    <Modal title={r ? `Change "${r.name}"` : 'New rule'} onClose={onClose}>
      <form class="stack" onSubmit={submit} noValidate>
        {error && <Problem error={error} />}
        <label class="label">The rule, in YAML or JSON<textarea class="field code-field" name="rule" rows={14} autoFocus spellcheck={false} style={{ fontFamily: 'var(--mono)', height: 'auto', padding: '8px' }} value={text} onInput={(e) => setText(e.currentTarget.value)} aria-invalid={error ? true : undefined} />
          <span class="faint small">It holds for calls that come from now on. One of the same name takes the place of the other.</span>
        </label>
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={busy || !text.trim()}>{r ? 'Save' : 'Make the rule'}</button></div>
      </form>
    </Modal>
  )
}
