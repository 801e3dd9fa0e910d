/** The door: the admin token, or a member's, for a session cookie that scripts cannot read. */

import { useState } from 'preact/hooks'
import { Failure, request } from '../lib/api'
import { Logo } from '../ui/icons'
import { Problem } from '../ui/parts'

export function SignIn({ onDone, note }: { onDone: () => void; note: Failure | null }) {
  const [token, set] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Failure | null>(note)
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    try {
      await request('POST', '/api/v1/session', { token: token.trim() })
      onDone()
    } catch (x) {
      setError(x as Failure)
      setBusy(false)
    }
  }
  return (
    <main class="alone">
      <form class="card" onSubmit={submit}>
        <span class="brand"><Logo size={28} />weir</span>
        <div><h1>Sign in</h1><p class="muted">The console of this weir takes your token, or its admin token.</p></div>
        {error && <Problem error={error} />}
        <label class="label">Token<input class="field" type="password" autoComplete="current-password" required autoFocus value={token} onInput={(e) => set(e.currentTarget.value)} /></label>
        <button class="btn primary" disabled={busy || !token.trim()}>{busy ? 'Signing in…' : 'Sign in'}</button>
        <p class="faint" style={{ fontSize: '12px' }}>An admin gives you a token of your own. The admin token stands in <code>admin-token</code> in the data directory, or is what <code>WEIR_ADMIN_TOKEN</code> says. At start weir also prints a link that signs in once.</p>
      </form>
    </main>
  )
}
