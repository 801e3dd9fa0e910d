/** How a dataset is made in the console: of a file, or of recorded calls. */

import { useState } from 'preact/hooks'
import { query, request, type Failure } from '../lib/api'
import { datasetPath, type Version } from '../lib/evals'
import { count, plural } from '../lib/format'
import { faultOfAPI, readFile, type ReadFile } from '../lib/importfile'
import { Ask } from './ask'
import { Modal, Problem } from './parts'

type Made = Version & { made: boolean; skipped?: Record<string, number> }
const LARGEST = 60 << 20

export function ImportFile({ name: fixed = '', onClose, onDone }: { name?: string; onClose: () => void; onDone: (v: Made) => void }) {
  const [name, setName] = useState(fixed)
  const [message, setMessage] = useState('')
  const [file, setFile] = useState<(ReadFile & { name: string; whole?: Blob }) | null>(null) // whole: the service reads it
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const choose = async (f: File | undefined) => {
    setError(null)
    setFile(null)
    if (!f) return
    if (f.size > LARGEST) return setFile({ name: f.name, items: [], lines: [], faults: [{ line: 1, reason: 'the file is larger than 60 MiB: use weir datasets import' }] })
    if (/\.parquet$/i.test(f.name)) setFile({ name: f.name, items: [], lines: [], faults: [], whole: new Blob([f], { type: 'application/vnd.apache.parquet' }) })
    else {
      setBusy(true)
      try { setFile({ ...readFile(f.name, new Uint8Array(await f.arrayBuffer())), name: f.name }) } catch (e) { setFile({ name: f.name, items: [], lines: [], faults: [{ line: 1, reason: 'it cannot be read: ' + (e instanceof Error ? e.message : String(e)) }] }) }
      setBusy(false)
    }
    if (!name) setName(f.name.replace(/\.[^.]*$/, '').replace(/[^\w.-]+/g, '-').slice(0, 64))
  }
  const send = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setError(null)
    try {
      onDone(await (file!.whole ? request<Made>('POST', query(datasetPath(name) + '/import', { message }), file!.whole) : request<Made>('POST', '/api/v1/datasets', { name, message, items: file!.items })))
    } catch (x) {
      const f = x as Failure, at = f.param === 'items' ? faultOfAPI(f.message, file!.lines) : null
      if (at) setFile({ ...file!, faults: [at] })
      else setError(f)
      setBusy(false)
    }
  }
  return (
    <Modal title="Import a file" onClose={onClose}>
      <form class="stack" onSubmit={send} noValidate>
        {error && <Problem error={error} />}
        <label class="label">File
          <input class="field file" type="file" name="file" accept=".jsonl,.ndjson,.csv,.json,.parquet,text/csv" onChange={(e) => void choose(e.currentTarget.files?.[0])} />
          <span class="faint small">JSON lines, CSV or Parquet with the columns id, input, expected and context; any other becomes metadata.</span>
        </label>
        {file && (file.faults.length ? (
          <div class="notice bad" role="alert"><div class="grow">
            <b>{file.name} is not imported</b>
            <ol class="file-faults" data-faults>{file.faults.map((f) => <li key={f.line + f.reason}><span class="nowrap">line {f.line}</span><span class="any">{f.reason}</span></li>)}</ol>
          </div></div>
        ) : <p class="muted" role="status" data-read>{file.whole ? `${file.name} is read when it is stored` : `${plural(file.items.length, 'item')} in ${file.name}`}</p>)}
        <label class="label">Dataset<input class="field" name="dataset" value={name} readOnly={fixed !== ''} maxLength={64} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <label class="label">Why it is as it is<input class="field" name="message" maxLength={500} value={message} onInput={(e) => setMessage(e.currentTarget.value)} /></label>
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={busy || !name || !file || file.faults.length > 0}>Store it</button></div>
      </form>
    </Modal>
  )
}

const spans = [['24h', 'the last day'], ['7d', 'the last 7 days'], ['30d', 'the last 30 days'], ['90d', 'the last 90 days']] as const
const fields = [['model', 'Model'], ['prompt', 'Prompt'], ['user', 'User'], ['project', 'Project'], ['q', 'Words in it']] as const

export function FromCalls({ onClose, onDone }: { onClose: () => void; onDone: (v: Made) => void }) {
  const [name, setName] = useState('')
  const [since, setSince] = useState('7d')
  const [by, setBy] = useState<Record<string, string>>({})
  const [limit, setLimit] = useState('200')
  const [expected, setExpected] = useState('answer')
  const [made, setMade] = useState<Made | null>(null)
  if (made) {
    return (
      <Modal title="Made of calls" onClose={() => onDone(made)}>
        <p>{plural(made.items, 'item')} are in version {made.version} of {made.name}. These calls made none:</p>
        <ul class="stack small" data-skipped>{Object.entries(made.skipped ?? {}).map(([why, n]) => <li key={why}><b>{count(n)}</b> {why}</li>)}</ul>
        <div class="dialog-end actions"><button type="button" class="btn primary" onClick={() => onDone(made)}>Open it</button></div>
      </Modal>
    )
  }
  return (
    <Ask<Made> title="From recorded calls" yes="Make it" reason="Why it is as it is" onClose={onClose} ready={name !== '' && Number.isInteger(Number(limit)) && Number(limit) > 0}
      act={(message) => request('POST', query(`/api/v1/datasets/${encodeURIComponent(name)}/from-calls`, { since, status: 'ok', ...by }), { message, limit: Number(limit), expected })}
      onDone={(v) => (Object.keys(v.skipped ?? {}).length ? setMade(v) : onDone(v))}>
      <p class="muted">Answered calls, the oldest first, with the content that was recorded of them.</p>
      <label class="label">Dataset<input class="field" name="dataset" maxLength={64} value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <div class="fields">
        <label class="label">Of<select class="field" name="since" value={since} onChange={(e) => setSince(e.currentTarget.value)}>{spans.map(([v, text]) => <option key={v} value={v}>{text}</option>)}</select></label>
        <label class="label">Items at most<input class="field" name="limit" inputMode="numeric" value={limit} onInput={(e) => setLimit(e.currentTarget.value)} /></label>
        {fields.map(([k, text]) => <label class="label" key={k}>{text}<input class="field" name={k} placeholder="any" value={by[k] ?? ''} onInput={(e) => setBy({ ...by, [k]: e.currentTarget.value })} /></label>)}
        <label class="label">Expected<select class="field" name="expected" value={expected} onChange={(e) => setExpected(e.currentTarget.value)}><option value="answer">what was answered</option><option value="none">nothing</option></select></label>
      </div>
    </Ask>
  )
}
