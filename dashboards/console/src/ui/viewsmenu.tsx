/** Saved views of a list: those from the start, one's own, and those that others share. */

import { useState } from 'preact/hooks'
import { request, useGet, type Failure } from '../lib/api'
import { go } from '../lib/router'
import { useSession } from '../lib/session'
import { builtIn, canonical, isShown, opened, type Named, type Room, type View } from '../lib/views'
import { Ask } from './ask'
import { Icon } from './icons'
import { Modal, Popover, Problem, toast } from './parts'

// The view of each list that was opened last: what is changed after that may be saved back to it.
const lasts: Partial<Record<Room, string>> = {}

/** ViewsMenu names the view that is shown. search is the list's address; look is what it is shown with that the address does not say. */
export function ViewsMenu({ room, search, look = {} }: { room: Room; search: string; look?: Record<string, string> }) {
  const path = '/' + room, last = lasts[room] ?? ''
  const list = useGet<{ views: View[] }>('/api/v1/views?room=' + room)
  const me = useSession()
  const [form, setForm] = useState<View | 'new' | undefined>(undefined)
  const [gone, setGone] = useState<View | undefined>(undefined)
  const views = list.data?.views ?? []
  const here = canonical(search)
  const present = views.find((v) => v.id === last && isShown(v.query, search)) ?? views.find((v) => v.query !== '' && isShown(v.query, search))
  const start = present ? undefined : builtIn[room].find((v) => isShown(v.query, search))
  const before = present ? undefined : views.find((v) => v.id === last && v.may_change)
  const name = present?.name ?? start?.name
  const full = () => { const q = new URLSearchParams(here); for (const [k, v] of Object.entries(look)) if (!q.has(k)) q.set(k, v); return canonical(q.toString()) }
  const open = (v: Named & { id?: string }, close: () => void) => { lasts[room] = v.id ?? ''; close(); go(path + (opened(v.query, search) ? '?' + opened(v.query, search) : '')) }
  const saved = (v: View) => { lasts[room] = v.id; list.reload(); setForm(undefined); go(path + (v.query ? '?' + opened(v.query, search) : ''), true) }
  const update = async (v: View) => {
    try {
      const made = await request<View>('PUT', '/api/v1/views/' + encodeURIComponent(v.id), { name: v.name, query: full(), shared: v.shared })
      saved(made)
      toast('Saved')
    } catch (e) { toast((e as Failure).message) }
  }
  const line = (v: View, close: () => void) => (
    <li key={v.id} class="viewline">
      <button type="button" class="grow" aria-current={v === present ? 'true' : undefined} onClick={() => open(v, close)}><Icon name={v === present ? 'check' : 'bookmark'} size={14} /><span class="cut">{v.name}</span>{v.own ? v.shared && <span class="n">shared</span> : <span class="n cut">{v.owner}</span>}</button>
      {v.may_change && <button type="button" class="btn quiet small icon" aria-label={`Change the view ${v.name}`} title="Rename, share or remove" onClick={() => { close(); setForm(v) }}><Icon name="gear" size={14} /></button>}
    </li>
  )
  return (
    <>
      <Popover right label={name ? 'Views: ' + name : 'Views'} width={300} class={'views' + (name ? ' on' : '')} button={<><Icon name="bookmark" size={14} /><span class="cut">{name ?? (before ? before.name + ', changed' : 'Views')}</span><Icon name="down" size={12} /></>}>
        {(close) => (
          <div class="viewsmenu" data-views={views.length}>
            {list.error && <Problem error={list.error} retry={list.reload} />}
            <ul class="menu">
              {builtIn[room].map((v) => <li key={v.name}><button type="button" title={v.about} aria-current={v === start ? 'true' : undefined} onClick={() => open(v, close)}><Icon name={v === start ? 'check' : 'spark'} size={14} />{v.name}</button></li>)}
            </ul>
            {views.some((v) => v.own) && <><h3>Yours</h3><ul class="menu">{views.filter((v) => v.own).map((v) => line(v, close))}</ul></>}
            {views.some((v) => !v.own) && <><h3>Shared</h3><ul class="menu">{views.filter((v) => !v.own).map((v) => line(v, close))}</ul></>}
            <div class="row wrap actions">
              {before && <button type="button" class="btn small" onClick={() => { close(); void update(before) }}>Save to {before.name}</button>}
              <button type="button" class="btn small" disabled={!me.role || (!here && !Object.keys(look).length)} title={here || Object.keys(look).length ? undefined : room === 'calls' ? 'Filter, sort or choose columns first' : 'Filter first'} onClick={() => { close(); setForm('new') }}><Icon name="plus" size={13} />Save this view</button>
              {(here !== '' || Object.keys(look).length > 0) && <button type="button" class="btn quiet small" onClick={() => { lasts[room] = ''; close(); go(path) }}>All {room}</button>}
            </div>
          </div>
        )}
      </Popover>
      {form && <ViewForm room={room} view={form === 'new' ? undefined : form} query={full()} mayShare={me.may('developer')} onClose={() => setForm(undefined)} onDone={saved} onRemove={(v) => { setForm(undefined); setGone(v) }} />}
      {gone && (
        <Ask title={`Remove the view ${gone.name}?`} yes="Remove it" danger onClose={() => setGone(undefined)} act={() => request('DELETE', '/api/v1/views/' + encodeURIComponent(gone.id))} onDone={() => { if (last === gone.id) lasts[room] = ''; setGone(undefined); list.reload() }}>
          <p>{gone.shared ? 'Everybody loses it. ' : ''}No call is touched.</p>
        </Ask>
      )}
    </>
  )
}

function ViewForm({ room, view, query, mayShare, onClose, onDone, onRemove }: { room: Room; view: View | undefined; query: string; mayShare: boolean; onClose: () => void; onDone: (v: View) => void; onRemove: (v: View) => void }) {
  const [name, setName] = useState(view?.name ?? '')
  const [shared, setShared] = useState(view?.shared ?? false)
  const [anew, setAnew] = useState(false)
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const save = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    try {
      onDone(view
        ? await request<View>('PUT', '/api/v1/views/' + encodeURIComponent(view.id), { name: name.trim(), query: anew ? query : view.query, shared })
        : await request<View>('POST', '/api/v1/views', { room, name: name.trim(), query, shared }))
    } catch (x) { setError(x as Failure); setBusy(false) }
  }
  const parts = [...new URLSearchParams(anew || !view ? query : view.query)]
  return (
    <Modal title={view ? 'Change the view' : 'Save this view'} onClose={onClose}>
      <form class="stack" onSubmit={save} noValidate>
        {error && <Problem error={error} />}
        <label class="label">Name<input class="field" name="name" autoFocus maxLength={80} value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <div class="row wrap" aria-label="What the view has">{parts.length ? parts.map(([k, v]) => <span class="tag" key={k + '=' + v}>{k}<b>{v}</b></span>) : <span class="muted">The plain list</span>}</div>
        {view && query !== view.query && <label class="check"><input type="checkbox" checked={anew} onChange={(e) => setAnew(e.currentTarget.checked)} /><span>Replace this by what the list shows now</span></label>}
        {(mayShare || view?.shared) && <label class="check"><input type="checkbox" name="shared" checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} /><span>Share it with everybody</span></label>}
        <div class="actions">
          {view && <button type="button" class="btn danger" onClick={() => onRemove(view)}>Remove</button>}
          <span class="grow" />
          <button type="button" class="btn" onClick={onClose}>Cancel</button>
          <button class="btn primary" disabled={busy || !name.trim()}>Save</button>
        </div>
      </form>
    </Modal>
  )
}
