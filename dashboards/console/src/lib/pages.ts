/** A list that is read page by page. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Failure, get } from './api'

export interface Pages<T> { pages: T[]; next: string; loading: boolean; error: Failure | undefined; more: () => void; reload: () => void }

/** usePages reads the first page of a path, and the next ones when asked; an empty path reads nothing. */
export function usePages<T extends { next: string }>(path: string): Pages<T> {
  const [, redraw] = useState(0)
  const [round, setRound] = useState(0)
  const state = useRef({ path: '', pages: [] as T[], loading: true, error: undefined as Failure | undefined })
  if (state.current.path !== path) state.current = { path, pages: [], loading: path !== '', error: undefined }
  const stop = useRef<AbortController>(new AbortController())
  const load = (cursor: string) => {
    const st = state.current
    st.loading = true
    redraw((n) => n + 1)
    get<T>(cursor ? `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}` : path, stop.current.signal).then((page) => {
      Object.assign(st, { pages: cursor ? [...st.pages, page] : [page], loading: false, error: undefined })
      redraw((n) => n + 1)
    }, (e: unknown) => {
      if (e instanceof DOMException && e.name === 'AbortError') return
      Object.assign(st, { loading: false, error: e as Failure })
      redraw((n) => n + 1)
    })
  }
  useEffect(() => {
    if (!path) return
    stop.current = new AbortController()
    load('')
    return () => stop.current.abort()
  }, [path, round])
  const { pages, loading, error } = state.current
  const next = pages.at(-1)?.next ?? ''
  return { pages, next, loading, error, more: () => { if (next && !state.current.loading) load(next) }, reload: useCallback(() => setRound((n) => n + 1), []) }
}
