/** Where the reader is: the path and its parameters, kept in the address bar. */

import { useEffect, useState } from 'preact/hooks'

const heard = new Set<() => void>()
const announce = () => heard.forEach((f) => f())
const leaving = new Set<() => void>()

/** beforeLeaving calls f while the page still stands as it was scrolled; it gives back the way to stop. */
export function beforeLeaving(f: () => void): () => void {
  leaving.add(f)
  return () => { leaving.delete(f) }
}

/** go moves to a path of the console; replace leaves no step in the history. */
export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search) return
  leaving.forEach((f) => f())
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  if (!replace) scrollTo(0, 0)
  announce()
}

/** patch sets and clears parameters of the present page; one may have several values. */
export function patch(change: Record<string, string | readonly string[] | undefined>, replace = false): void {
  const q = new URLSearchParams(location.search)
  for (const [k, v] of Object.entries(change)) {
    const [first, ...more] = (typeof v === 'string' ? [v] : v ?? []).filter((one) => one)
    first ? q.set(k, first) : q.delete(k)
    for (const one of more) q.append(k, one)
  }
  const s = q.toString()
  go(location.pathname + (s ? '?' + s : ''), replace)
}

/** useLocation draws again whenever the address changes. */
export function useLocation(): { path: string; params: URLSearchParams; search: string } {
  const [at, set] = useState(location.pathname + location.search)
  useEffect(() => {
    const hear = () => set(location.pathname + location.search)
    heard.add(hear)
    hear()
    return () => { heard.delete(hear) }
  }, [])
  const [path = '/', search = ''] = at.split('?')
  return { path: path.length > 1 ? path.replace(/\/+$/, '') : path, params: new URLSearchParams(search), search }
}

/** startRouter makes plain links of this console move without a page load. */
export function startRouter(): void {
  history.scrollRestoration = 'manual'
  addEventListener('popstate', () => {
    leaving.forEach((f) => f())
    scrollTo(0, 0)
    announce()
  })
  document.addEventListener('click', (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    const a = (e.target as Element).closest?.('a')
    if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin || /^\/(api|v1|metrics|healthz|readyz)(\/|$)/.test(a.pathname)) return
    if (a.hash && a.pathname === location.pathname) return
    e.preventDefault()
    go(a.pathname + a.search)
  })
}
