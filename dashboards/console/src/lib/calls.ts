/** The call list as it stands: pages read so far, new calls put on top, kept while one looks at a call. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Failure, get, query, type Call } from './api'
import { beforeLeaving } from './router'

interface Kept { key: string; calls: Call[]; next: string; selected: string; scroll: number; at: number; search: string }
let kept: Kept | undefined

/** neighbours names the calls before and after one in the list it was opened from, and the way back there. */
export function neighbours(id: string): { newer?: string | undefined; older?: string | undefined; back: string } {
  const i = kept?.calls.findIndex((c) => c.id === id) ?? -1
  const back = '/calls' + (kept?.search ? '?' + kept.search : '')
  return i < 0 ? { back } : { newer: kept!.calls[i - 1]?.id, older: kept!.calls[i + 1]?.id, back }
}
/** remember marks the call that was looked at, so that the list opens there. */
export const remember = (id: string): void => { if (kept) kept.selected = id }

const PAGE = 60

export interface CallList {
  calls: Call[]; next: string; error: Failure | undefined; loading: boolean; more: () => void; reload: () => void
  selected: string; select: (id: string) => void; fresh: Set<string>
}

/** useCalls reads the list for a set of parameters, page by page; when live it looks for new calls every few seconds. */
export function useCalls(params: Record<string, string>, search: string, live: boolean): CallList {
  const key = query('/api/v1/calls', params)
  const [, redraw] = useState(0)
  const [round, setRound] = useState(0)
  const state = useRef({ key: '', calls: [] as Call[], next: '', error: undefined as Failure | undefined, loading: true, selected: '', fresh: new Set<string>() })
  const s = state.current
  const draw = () => redraw((n) => n + 1)
  if (s.key !== key) {
    const old = kept?.key === key && Date.now() - kept.at < 600_000 ? kept : undefined
    state.current = { key, calls: old?.calls ?? [], next: old?.next ?? '', error: undefined, loading: !old, selected: old?.selected ?? '', fresh: new Set() }
  }

  useEffect(() => {
    const st = state.current
    if (kept?.key === key && kept.scroll && st.calls.length) {
      const { scroll } = kept
      requestAnimationFrame(() => scrollTo(0, scroll))
    }
    // Leaving scrolls to the top before this list is taken down, so the place is noted first.
    let place = 0
    const forget = beforeLeaving(() => { place = scrollY })
    const stop = new AbortController()
    if (!st.calls.length || round) {
      st.loading = true
      get<{ calls: Call[]; next: string }>(query('/api/v1/calls', { ...params, limit: PAGE }), stop.signal).then((page) => {
        Object.assign(st, { calls: page.calls ?? [], next: page.next ?? '', error: undefined, loading: false, fresh: new Set() })
        draw()
      }, (e: unknown) => { if (!stop.signal.aborted) { st.error = e as Failure; st.loading = false; draw() } })
    }
    return () => {
      stop.abort()
      forget()
      kept = { key, calls: st.calls, next: st.next, selected: st.selected, scroll: place, at: Date.now(), search }
    }
  }, [key, round])

  useEffect(() => {
    if (!live) return
    let busy = false
    const timer = setInterval(async () => {
      const st = state.current
      if (busy || document.hidden || st.loading) return
      busy = true
      try {
        const page = await get<{ calls: Call[]; next: string }>(query('/api/v1/calls', { ...params, limit: PAGE }))
        const have = new Set(st.calls.map((c) => c.id))
        const added = page.calls.filter((c) => !have.has(c.id))
        if (st.key === state.current.key && added.length) {
          st.fresh = new Set(added.map((c) => c.id))
          // Between two looks more than a page has come: begin again, so that no gap stands in the list.
          if (added.length === page.calls.length && st.calls.length) { st.calls = page.calls; st.next = page.next } else st.calls = [...added, ...st.calls]
        }
        st.error = undefined
        draw()
      } catch (e) { st.error = e as Failure; draw() } finally { busy = false }
    }, 2500)
    return () => clearInterval(timer)
  }, [key, live])

  const more = useCallback(() => {
    const st = state.current
    if (!st.next || st.loading) return
    st.loading = true
    draw()
    get<{ calls: Call[]; next: string }>(query('/api/v1/calls', { ...params, limit: PAGE, cursor: st.next })).then((page) => {
      const have = new Set(st.calls.map((c) => c.id))
      Object.assign(st, { calls: [...st.calls, ...page.calls.filter((c) => !have.has(c.id))], next: page.next ?? '', loading: false, error: undefined })
      draw()
    }, (e: unknown) => { st.error = e as Failure; st.loading = false; draw() })
  }, [key])

  const now = state.current
  return {
    calls: now.calls, next: now.next, error: now.error, loading: now.loading, selected: now.selected, fresh: now.fresh, more,
    reload: useCallback(() => { state.current.calls = []; setRound((n) => n + 1) }, []),
    select: useCallback((id: string) => { state.current.selected = id; draw() }, []),
  }
}
