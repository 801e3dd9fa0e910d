/** Keys: who may call, made and revoked here; a secret is shown once. */

import { useState } from 'preact/hooks'
import { Failure, request, useGet, type Key } from '../lib/api'
import { plural } from '../lib/format'
import { Icon } from '../ui/icons'
import { Card, Copy, Empty, Modal, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { Code } from '../ui/text'
import { Page } from '../ui/shell'

interface Made { id: string; key: string; project: string; name: string }

const dead = (k: Key): boolean => !!k.revoked_at || (!!k.expires_at && Date.parse(k.expires_at) < Date.now())

export function KeysPage() {
  const keys = useGet<{ keys: Key[] }>('/api/v1/keys')
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<Made | null>(null)
  const [leaving, setLeaving] = useState<Key | null>(null)
  const [all, setAll] = useState(false)
  const list = [...(keys.data?.keys ?? [])].sort((a, b) => Number(dead(a)) - Number(dead(b)) || b.created_at.localeCompare(a.created_at))
  const gone = list.filter(dead).length
  return (
    <Page title="Keys" sub="A virtual key names who calls and on whose account. Providers' own keys stay with weir." actions={<button type="button" class="btn primary" onClick={() => setMaking(true)}><Icon name="plus" size={14} />New key</button>}>
      {keys.error && <Problem error={keys.error} retry={keys.reload} />}
      {!keys.error && (
        <Card label="Keys">
          {!keys.data ? <SkeletonRows n={5} /> : !list.length ? (
            <Empty icon="keys" title="No keys yet"><p>Make one for each program that calls. Costs, limits and budgets can then be told apart by key and by project.</p><button type="button" class="btn primary" onClick={() => setMaking(true)}>Make the first key</button></Empty>
          ) : (
            <div class="scroll"><table class="table">
              <thead><tr><th scope="col">Name</th><th scope="col">Project</th><th scope="col" class="wide">Key</th><th scope="col" class="wide">Made</th><th scope="col" class="wide">Last used</th><th scope="col">State</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
              <tbody>
                {list.filter((k) => all || !dead(k)).map((k) => (
                  <tr key={k.id}>
                    <td><b style={{ fontWeight: 560 }}>{k.name}</b></td>
                    <td><a href={'/calls?range=30d&project=' + encodeURIComponent(k.project)} style={{ color: 'inherit' }}>{k.project}</a></td>
                    <td class="mono faint nowrap wide">{k.prefix || 'sk-weir-' + k.id}-…</td>
                    <td class="wide"><Time iso={k.created_at} mode="date" /></td>
                    <td class="muted wide"><Time iso={k.last_used_at} mode="ago" /></td>
                    <td>{k.revoked_at ? <span class="badge bad" title={k.revoked_at}>revoked</span> : dead(k) ? <span class="badge warn">expired</span> : k.expires_at ? <span class="badge">until <Time iso={k.expires_at} mode="date" /></span> : <span class="badge ok"><span class="dot" />active</span>}</td>
                    <td class="num" style={{ width: '90px' }}>{!k.revoked_at && <button type="button" class="btn small danger" onClick={() => setLeaving(k)}>Revoke</button>}</td>
                  </tr>
                ))}
              </tbody>
            </table></div>
          )}
          {gone > 0 && <div class="more"><button type="button" class="btn quiet small" onClick={() => setAll(!all)}>{all ? 'Hide' : 'Show'} {plural(gone, 'revoked or expired key')}</button></div>}
        </Card>
      )}
      {making && <NewKey projects={[...new Set(list.map((k) => k.project))]} onClose={() => setMaking(false)} onMade={(m) => { setMaking(false); setMade(m); keys.reload() }} />}
      {made && <Secret made={made} onClose={() => setMade(null)} />}
      {leaving && <Revoke k={leaving} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); toast('Key revoked'); keys.reload() }} />}
    </Page>
  )
}

function NewKey({ projects, onClose, onMade }: { projects: string[]; onClose: () => void; onMade: (m: Made) => void }) {
  const [project, setProject] = useState(projects[0] ?? 'default')
  const [name, setName] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Failure | null>(null)
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    try { onMade(await request<Made>('POST', '/api/v1/keys', { project: project.trim(), name: name.trim() })) } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title="New key" onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {error && <Problem error={error} />}
        <label class="label">Name<input class="field" required maxLength={100} autoFocus placeholder="what calls with it, such as checkout-prod" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <label class="label">Project<input class="field" required maxLength={100} list="projects" value={project} onInput={(e) => setProject(e.currentTarget.value)} /></label>
        <datalist id="projects">{projects.map((p) => <option key={p} value={p} />)}</datalist>
        <div class="actions"><button type="button" class="btn" onClick={onClose}>Cancel</button><button class="btn primary" disabled={busy || !name.trim() || !project.trim()}>Make the key</button></div>
      </form>
    </Modal>
  )
}

function Secret({ made, onClose }: { made: Made; onClose: () => void }) {
  return (
    <Modal title={`Key "${made.name}" is made`} onClose={onClose}>
      <p>Copy it now. Only a hash is kept, so weir cannot show it again.</p>
      <div class="secret"><code>{made.key}</code><Copy text={made.key} label="the key">Copy</Copy></div>
      <Code lang="shell" text={`export OPENAI_BASE_URL=${location.origin}/v1\nexport OPENAI_API_KEY=${made.key}`} />
      <div class="actions"><button type="button" class="btn primary" onClick={onClose}>I have copied it</button></div>
    </Modal>
  )
}

function Revoke({ k, onClose, onDone }: { k: Key; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const go = async () => {
    setBusy(true)
    try { await request('DELETE', '/api/v1/keys/' + encodeURIComponent(k.id)); onDone() } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title={`Revoke "${k.name}"?`} onClose={onClose}>
      {error && <Problem error={error} />}
      <p>Calls with this key of project <b>{k.project}</b> are refused from now on with <code>weir_unauthorized</code>. It cannot be undone; its recorded calls and costs stay.{k.last_used_at && <> It was last used <Time iso={k.last_used_at} mode="ago" />.</>}</p>
      <div class="actions"><button type="button" class="btn" onClick={onClose}>Keep it</button><button type="button" class="btn danger solid" disabled={busy} onClick={go}>Revoke the key</button></div>
    </Modal>
  )
}
