/** The dialog that takes answers out of the response cache. */

import { useState } from 'preact/hooks'
import { Failure, query, request, useGet, type Facets } from '../lib/api'
import { purgeOf } from '../lib/cache'
import { plural } from '../lib/format'
import { Modal, Problem } from './parts'

export function Purge({ entries, onClose, onDone }: { entries: number; onClose: () => void; onDone: (n: number) => void }) {
  const [project, setProject] = useState('')
  const [model, setModel] = useState('')
  const [tag, setTag] = useState('')
  const [older, setOlder] = useState('')
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const facets = useGet<Facets>('/api/v1/facets?since=30d')
  const wanted = purgeOf({ project, model, tag, older })
  const wrong = typeof wanted === 'string' ? wanted : ''
  const some = typeof wanted !== 'string' && Object.keys(wanted).length > 0
  const go = async (e: Event) => {
    e.preventDefault()
    if (typeof wanted === 'string') return
    setBusy(true)
    try { onDone((await request<{ purged: number }>('DELETE', query('/api/v1/cache', wanted))).purged) } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title="Purge the cache?" onClose={onClose}>
      <form class="stack" onSubmit={go} noValidate>
        {error && <Problem error={error} />}
        <p>{some ? 'Answers that all of these pick are dropped, and equal calls go to the providers again and cost.' : `All ${plural(entries, 'answer')} of every project ${entries === 1 ? 'is' : 'are'} dropped, and equal calls go to the providers again and cost. Narrow it to drop fewer.`}</p>
        <div class="fields">
          <label class="label">Project<input class="field" name="project" list="purge-projects" placeholder="every project" autoFocus value={project} onInput={(e) => setProject(e.currentTarget.value)} /></label>
          <label class="label">Model<input class="field" name="model" list="purge-models" placeholder="every model" value={model} onInput={(e) => setModel(e.currentTarget.value)} /></label>
          <label class="label">Tag<input class="field" name="tag" placeholder="team=care" value={tag} onInput={(e) => setTag(e.currentTarget.value)} /></label>
          <label class="label">Kept for longer than<input class="field" name="older" placeholder="any age, such as 1h" value={older} onInput={(e) => setOlder(e.currentTarget.value)} /></label>
        </div>
        <datalist id="purge-projects">{facets.data?.project?.map((f) => <option key={f.value} value={f.value} />)}</datalist>
        <datalist id="purge-models">{facets.data?.model?.map((f) => <option key={f.value} value={f.value} />)}</datalist>
        {wrong && <span class="wrong" role="alert">{wrong}</span>}
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Keep them</button><button class="btn danger solid" disabled={busy || !!wrong}>{some ? 'Purge these answers' : 'Purge the cache'}</button></div>
      </form>
    </Modal>
  )
}
