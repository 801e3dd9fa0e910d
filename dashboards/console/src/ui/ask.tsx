/** A question before something is done, with room to say why. */

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Failure } from '../lib/api'
import { Modal, Problem } from './parts'

export function Ask<T>(p: {
  title: string; yes: string; no?: string; danger?: boolean; reason?: string | undefined // the label of the field for why; none: nothing is asked
  act: (reason: string) => Promise<T>; onClose: () => void; onDone: (made: T) => void; children?: ComponentChildren; ready?: boolean
}) {
  const [why, setWhy] = useState('')
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const go = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setError(null)
    try { p.onDone(await p.act(why.trim())) } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title={p.title} onClose={p.onClose}>
      <form class="stack" onSubmit={go} noValidate>
        {error && <Problem error={error} />}
        {p.children}
        {p.reason && <label class="label">{p.reason}<input class="field" name="reason" maxLength={500} value={why} onInput={(e) => setWhy(e.currentTarget.value)} /></label>}
        <div class="actions"><button type="button" class="btn" onClick={p.onClose}>{p.no ?? 'Cancel'}</button><button class={'btn ' + (p.danger ? 'danger solid' : 'primary')} disabled={busy || p.ready === false}>{p.yes}</button></div>
      </form>
    </Modal>
  )
}
