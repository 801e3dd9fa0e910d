/** Members: who may use the console and the API, each with a token and a role; a token is shown once. */

import { useState } from 'preact/hooks'
import { request, useGet } from '../lib/api'
import { count, plural } from '../lib/format'
import { about, roles, useSession, type Role } from '../lib/session'
import { Ask } from '../ui/ask'
import { Icon } from '../ui/icons'
import { Card, Copy, Empty, Modal, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { Page } from '../ui/shell'

interface Member { id: string; name: string; email: string; role: Role; created_at: string; removed_at: string | null }
interface Made { id: string; name: string; role: Role; token: string }

const path = (m: Member, more = ''): string => '/api/v1/members/' + encodeURIComponent(m.id) + more

export function MembersPage() {
  const me = useSession()
  const all = me.may('admin')
  return (
    <Page title="Members" sub="What somebody does here is signed with the name of the member.">
      <div class="two">
        <Card title="You">
          <dl class="pairs-list card-body">
            <dt>Name</dt><dd>{me.known ? <b>{me.name || '—'}</b> : '…'}</dd>
            <dt>Role</dt><dd>{me.role ?? '—'}{me.role && <span class="muted">: {about[me.role]}</span>}</dd>
            <dt>Token</dt><dd class="muted">{me.name === 'admin' ? 'the admin token of this weir' : 'one of your own'}</dd>
          </dl>
          {me.known && !all && <p class="card-body muted">An admin adds members and gives roles.</p>}
        </Card>
        <Card title="What roles may do" sub="and what those before may"><dl class="pairs-list card-body">{roles.map((r) => [<dt key={r}>{r}</dt>, <dd key={r + 'd'}>{about[r]}</dd>])}</dl></Card>
      </div>
      {all && <List me={me.name} />}
    </Page>
  )
}

type Doing = { kind: 'add' } | { kind: 'role' | 'rotate' | 'remove'; m: Member }

function List({ me }: { me: string }) {
  const list = useGet<{ members: Member[] }>('/api/v1/members')
  const [doing, set] = useState<Doing | null>(null)
  const [made, setMade] = useState<Made | null>(null)
  const [gone, show] = useState(false)
  const members = list.data?.members ?? []
  const live = members.filter((m) => !m.removed_at), removed = members.length - live.length
  const add = <button type="button" class="btn primary" onClick={() => set({ kind: 'add' })}><Icon name="plus" size={14} />Add a member</button>
  const done = (word: string) => { set(null); toast(word); list.reload() }
  const token = (m: Made) => { set(null); setMade(m); list.reload() }
  return (
    <Card title="All members" sub={list.data && count(live.length)} actions={live.length > 0 && add}>
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !list.data ? <SkeletonRows n={3} /> : !live.length && !gone ? (
        <Empty icon="members" title="No members yet"><p>Give each person, and each program that changes things, a token and a role of its own. Then the history says who did what, and somebody else can approve a change.</p>{add}</Empty>
      ) : (
        <div class="scroll"><table class="table" data-members>
          <thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col" class="wide">Since</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
          <tbody>
            {members.filter((m) => gone || !m.removed_at).map((m) => (
              <tr key={m.id}>
                <td class="name"><b>{m.name}</b>{m.name === me && <span class="faint"> you</span>}{m.email && <div class="faint small any">{m.email}</div>}</td>
                <td>{m.removed_at ? <span class="badge bad">removed</span> : <span class={'badge' + (m.role === 'admin' ? ' accent' : '')}>{m.role}</span>}</td>
                <td class="wide muted"><Time iso={m.created_at} mode="date" />{m.removed_at && <> to <Time iso={m.removed_at} mode="date" /></>}</td>
                <td>{!m.removed_at && <div class="row wrap end">
                  <button type="button" class="btn small" aria-label={`Role of ${m.name}`} onClick={() => set({ kind: 'role', m })}>Role</button>
                  <button type="button" class="btn small" aria-label={`New token for ${m.name}`} onClick={() => set({ kind: 'rotate', m })}>New token</button>
                  <button type="button" class="btn small danger" aria-label={`Remove ${m.name}`} onClick={() => set({ kind: 'remove', m })}>Remove</button>
                </div>}</td>
              </tr>
            ))}
          </tbody>
        </table></div>
      )}
      {removed > 0 && <div class="more"><button type="button" class="btn quiet small" onClick={() => show(!gone)}>{gone ? 'Hide' : 'Show'} {plural(removed, 'removed member')}</button></div>}
      {doing?.kind === 'add' && <Add onClose={() => set(null)} onDone={token} />}
      {doing?.kind === 'role' && <ChangeRole m={doing.m} onClose={() => set(null)} onDone={() => done('Role changed')} />}
      {doing?.kind === 'rotate' && <Ask danger title={`Give ${doing.m.name} another token?`} yes="Make another token" no="Keep the old one" act={() => request<Made>('POST', path(doing.m, '/rotate'))} onClose={() => set(null)} onDone={token}><p class="muted">The old token, and the sessions begun with it, end at once.</p></Ask>}
      {doing?.kind === 'remove' && <Ask danger title={`Remove ${doing.m.name}?`} yes="Remove the member" no="Keep" act={() => request('DELETE', path(doing.m))} onClose={() => set(null)} onDone={() => done('Member removed')}><p class="muted">The token opens nothing any more, and approvals of open change requests do not count any more. The name stays in the history, and cannot be given again.</p></Ask>}
      {made && <Secret made={made} onClose={() => setMade(null)} />}
    </Card>
  )
}

const Roles = ({ value, onChange }: { value: Role; onChange: (r: Role) => void }) => (
  <fieldset class="pairs"><legend>Role</legend>{roles.map((r) => <label class="row" key={r} style={{ alignItems: 'baseline' }}><input type="radio" name="role" value={r} checked={r === value} onChange={() => onChange(r)} /><span><b style={{ fontWeight: 560 }}>{r}</b> <span class="muted">{about[r]}</span></span></label>)}</fieldset>
)

function Add({ onClose, onDone }: { onClose: () => void; onDone: (m: Made) => void }) {
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('developer')
  return (
    <Ask title="Add a member" yes="Add and show the token" ready={name.trim() !== ''} act={() => request<Made>('POST', '/api/v1/members', { name: name.trim(), role, ...(email.trim() ? { email: email.trim() } : {}) })} onClose={onClose} onDone={onDone}>
      <div class="fields">
        <label class="label">Name<input class="field" name="name" autoFocus maxLength={64} placeholder="ann" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <label class="label">Address, for people<input class="field" name="email" type="email" maxLength={254} placeholder="ann@example.org" value={email} onInput={(e) => setEmail(e.currentTarget.value)} /></label>
      </div>
      <p class="faint small">Letters, digits, dots, dashes and underscores. Changes are signed with the name, so that it cannot be changed or given again.</p>
      <Roles value={role} onChange={setRole} />
    </Ask>
  )
}

function ChangeRole({ m, onClose, onDone }: { m: Member; onClose: () => void; onDone: () => void }) {
  const [role, setRole] = useState<Role>(m.role)
  return <Ask title={`Role of ${m.name}`} yes="Give this role" ready={role !== m.role} act={() => request('PUT', path(m, '/role'), { role })} onClose={onClose} onDone={onDone}><Roles value={role} onChange={setRole} /></Ask>
}

function Secret({ made, onClose }: { made: Made; onClose: () => void }) {
  return (
    <Modal title={`A token for ${made.name}`} onClose={onClose}>
      <p>Copy it now. Only a hash is kept, so weir cannot show it again. It signs in to this console, and is what <code>WEIR_ADMIN_TOKEN</code> takes for the command line.</p>
      <div class="secret"><code>{made.token}</code><Copy text={made.token} label="the token">Copy</Copy></div>
      <div class="actions"><button type="button" class="btn primary" onClick={onClose}>I have copied it</button></div>
    </Modal>
  )
}
