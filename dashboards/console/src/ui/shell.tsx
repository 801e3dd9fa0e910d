/** The frame around every room: navigation, theme, help. */

import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { forget, request, useGet } from '../lib/api'
import { useShortcuts } from '../lib/keys'
import { go, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { choose, useTheme } from '../lib/theme'
import { Icon, Logo, type IconName } from './icons'
import { Modal, Segmented, Toasts } from './parts'
import { RangeRefused, Refused } from './range'

/** The navigation lists the rooms that have something in them. */
export const rooms: { path: string; name: string; icon: IconName; key: string; head?: string; also?: string }[] = [
  { path: '/', name: 'Overview', icon: 'overview', key: 'o' },
  { path: '/calls', name: 'Calls', icon: 'calls', key: 'c' },
  { path: '/traces', name: 'Traces', icon: 'chart', key: 'w' },
  { path: '/sessions', name: 'Sessions', icon: 'prompts', key: 'n' },
  { path: '/users', name: 'Users', icon: 'users', key: 'u' },
  { path: '/costs', name: 'Costs', icon: 'costs', key: 's' },
  { path: '/reports', name: 'Reports', icon: 'calendar', key: 'e' },
  { path: '/cache', name: 'Cache', icon: 'cache', key: 'h' },
  { path: '/budgets', name: 'Budgets', icon: 'budgets', key: 'b' },
  { path: '/alerts', name: 'Alerts', icon: 'bell', key: 'a' },
  { path: '/models', name: 'Models & prices', icon: 'models', key: 'm' },
  { path: '/prompts', name: 'Prompts', icon: 'prompts', key: 'p', head: 'Prompting', also: '/changes' },
  { path: '/playground', name: 'Playground', icon: 'play', key: 'l' },
  { path: '/experiments', name: 'Experiments', icon: 'experiments', key: 'x' },
  { path: '/scores', name: 'Scores', icon: 'score', key: 'r' },
  { path: '/drift', name: 'Drift', icon: 'drift', key: 'i' },
  { path: '/datasets', name: 'Datasets', icon: 'datasets', key: 'd' },
  { path: '/rag', name: 'RAG', icon: 'book', key: 'q' },
  { path: '/keys', name: 'Keys', icon: 'keys', key: 'k', head: 'Administration' },
  { path: '/members', name: 'Members', icon: 'members', key: 't' },
  { path: '/system', name: 'System', icon: 'system', key: 'y' },
]

const help: [string, string][] = [
  ['?', 'This help'], ['/', 'Search'], ['j', 'Next call'], ['k', 'Previous call'], ['Enter', 'Open the call'], ['Esc', 'Back to the list'], ['r', 'Read again'], ['l', 'Live on or off'], ['f', 'Filters with counts'],
]

export interface System {
  version?: string; started_at?: string
  clickhouse?: { mode?: string; ok?: boolean; error?: string }
  control?: { kind?: string }
  qdrant?: { ok?: boolean; error?: string } | null // null: ClickHouse keeps vectors
  providers?: { name: string; kind: string; base_url: string; live?: boolean }[]
}

export function Shell({ children, signOut }: { children: ComponentChildren; signOut: () => void }) {
  const { path } = useLocation()
  const { theme } = useTheme()
  const [menu, setMenu] = useState(false)
  const [helping, setHelp] = useState(false)
  const system = useGet<System>('/api/v1/system')
  const spool = useGet<{ problems: { past: boolean }[] }>('/api/v1/spool')
  const me = useSession()
  const alarm = spool.data?.problems.some((p) => !p.past)
  useEffect(() => { setMenu(false); spool.reload() }, [path])
  useShortcuts({ '?': () => setHelp(true), ...Object.fromEntries(rooms.map((r) => ['g ' + r.key, () => go(r.path)])) })
  const here = (p: string) => (p === '/' ? path === '/' : path === p || path.startsWith(p + '/'))
  const leave = async () => {
    try { await request('DELETE', '/api/v1/session') } catch { /* signed out here in any case */ }
    forget()
    signOut()
  }
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus() }}>Skip to the content</a>
      <header class="topbar">
        <button type="button" class="btn quiet icon" aria-label="Menu" aria-expanded={menu} onClick={() => setMenu(true)}><Icon name="menu" /></button>
        <a href="/" class="brand"><Logo />weir</a>
      </header>
      {menu && <button type="button" class="veil" aria-label="Close the menu" onClick={() => setMenu(false)} />}
      <aside class={'side' + (menu ? ' open' : '')} onKeyDown={(e) => { if (e.key === 'Escape') setMenu(false) }}>
        <a href="/" class="brand"><Logo />weir</a>
        <nav class="nav" aria-label="Rooms">
          {rooms.map((r) => [r.head && <span class="nav-head" key={r.head}>{r.head}</span>, <a key={r.path} href={r.path} aria-current={here(r.path) || (r.also && here(r.also)) ? 'page' : undefined} title={`g ${r.key}`}><Icon name={r.icon} />{r.name}{alarm && r.path === '/system' && <span class="mark" title="Something is wrong with the records"><span class="sr">: something is wrong with the records</span></span>}</a>])}
        </nav>
        <div class="side-foot">
          <div class="row">
            <Segmented small class="icons" label="Theme" value={theme} onChange={choose} options={[['system', <Icon name="screen" size={14} />, 'As the system'], ['light', <Icon name="sun" size={14} />, 'Light'], ['dark', <Icon name="moon" size={14} />, 'Dark']]} />
            <span class="row" style={{ gap: 0 }}>
              <button type="button" class="btn quiet small icon" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => setHelp(true)}><Icon name="help" size={15} /></button>
              <button type="button" class="btn quiet small icon" aria-label="Sign out" title="Sign out" onClick={leave}><Icon name="out" size={15} /></button>
            </span>
          </div>
          <span class="who-am-i">{[me.name && (me.role && me.role !== me.name ? `${me.name}, ${me.role}` : me.name), system.data?.version && 'weir ' + system.data.version].filter(Boolean).join(' · ')}</span>
        </div>
      </aside>
      <main class="main" id="main" tabIndex={-1}>{children}</main>
      <Toasts />
      {helping && (
        <Modal title="Keyboard shortcuts" onClose={() => setHelp(false)}>
          <div class="shortcuts">
            {help.map(([k, what]) => <div key={k}><span>{what}</span><kbd>{k}</kbd></div>)}
            {rooms.map((r) => <div key={r.path}><span>{r.name}</span><span class="row" style={{ gap: '4px' }}><kbd>g</kbd><kbd>{r.key}</kbd></span></div>)}
          </div>
        </Modal>
      )}
    </div>
  )
}

export function Page({ title, sub, actions, children, crumbs, class: kind = '' }: { title: string; class?: string; sub?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; crumbs?: ComponentChildren }) {
  const [refused, setRefused] = useState<{ why: string; instead: string }>()
  useEffect(() => { document.title = title + ' · weir' }, [title])
  return (
    <Refused.Provider value={setRefused}>
      <div class={'page ' + kind}>
        <header class="page-head">
          <div class="grow">{crumbs}<h1>{title}</h1>{sub && <p class="muted">{sub}</p>}</div>
          {actions}
        </header>
        {refused && <RangeRefused {...refused} />}
        {children}
      </div>
    </Refused.Provider>
  )
}
