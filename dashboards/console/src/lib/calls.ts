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
export const remember = (id: string): void => {
  looked = id
  if (kept) kept.selected = id
}
let looked = ''

const FIRST = 60, FURTHER = 200
/** Of a sorted list the calls lie far apart, and each costs: as many as a tall window shows, and further ones as they come into sight. */
const SORTED = 30
/** MOST is how many calls a list that is followed keeps. */
export const MOST = 10_000

/** mingle puts calls that came into a list, newest first; what is there already, and what the next page will bring, is left out. */
export function mingle(list: readonly Call[], came: readonly Call[], ended: boolean): Call[] {
  const have = new Set(list.map((c) => c.id))
  const last = list.at(-1)?.start_time ?? ''
  const added = came.filter((c) => !have.has(c.id) && (ended || !list.length || c.start_time >= last) && have.add(c.id))
  if (!added.length) return list as Call[]
  added.sort((a, b) => (a.start_time < b.start_time ? 1 : a.start_time > b.start_time ? -1 : 0))
  if (!list.length || added.at(-1)!.start_time >= list[0]!.start_time) return [...added, ...list]
  const out: Call[] = []
  let i = 0
  for (const c of list) {
    while (i < added.length && added[i]!.start_time >= c.start_time) out.push(added[i++]!)
    out.push(c)
  }
  return [...out, ...added.slice(i)]
}

/** narrower is the earliest moment from which a search would not read too much, when that is why it was refused. */
export function narrower(error: Failure | undefined): string {
  if (error?.param !== 'since') return ''
  const found = /\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/.exec(error.message)?.[0] ?? ''
  return Number.isNaN(Date.parse(found)) ? '' : found
}

/** daysOf gives the calls that begin a day of the reader's clock, by their places. */
export function daysOf(calls: readonly Call[]): number[] {
  const out: number[] = []
  let day = ''
  calls.forEach((c, i) => {
    const d = new Date(c.start_time), name = d.getFullYear() + '-' + d.getMonth() + '-' + d.getDate()
    if (name !== day) out.push(i)
    day = name
  })
  return out
}

export interface CallList {
  calls: Call[]; next: string; error: Failure | undefined; loading: boolean; more: () => void; reload: () => void
  selected: string; select: (id: string) => void
  fresh: ReadonlySet<string> // those that put has just added
  put: (came: readonly Call[]) => void
  catchUp: () => void // reads the newest and puts them on top
  cut: boolean // older calls have left the list, to make room for those that came
}

/** useCalls reads the list for a set of parameters, page by page. */
export function useCalls(params: Record<string, string | string[]>, search: string): CallList {
  const key = query('/api/v1/calls', params)
  const [, redraw] = useState(0)
  const [round, setRound] = useState(0)
  const begin = (old?: Kept) => ({ key, calls: old?.calls ?? [], next: old?.next ?? '', error: undefined as Failure | undefined, loading: !old, selected: old?.selected ?? '', fresh: new Set<string>() as ReadonlySet<string>, cut: false })
  const state = useRef(begin())
  const draw = () => redraw((n) => n + 1)
  const first = useRef(true)
  if (first.current || state.current.key !== key) {
    first.current = false
    state.current = begin(kept?.key === key && Date.now() - kept.at < 600_000 ? kept : undefined)
  }

  useEffect(() => {
    const st = state.current
    looked = ''
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
      draw()
      get<{ calls: Call[]; next: string }>(query('/api/v1/calls', { ...params, limit: params.sort ? SORTED : FIRST }), stop.signal).then((page) => {
        Object.assign(st, { calls: page.calls ?? [], next: page.next ?? '', error: undefined, loading: false, fresh: new Set(), cut: false })
        draw()
      }, (e: unknown) => { if (!stop.signal.aborted) { st.error = e as Failure; st.loading = false; draw() } })
    }
    return () => {
      stop.abort()
      forget()
      kept = { key, calls: st.calls, next: st.next, selected: looked || st.selected, scroll: place, at: Date.now(), search }
    }
  }, [key, round])

  const more = useCallback(() => {
    const st = state.current
    if (!st.next || st.loading) return
    st.loading = true
    draw()
    get<{ calls: Call[]; next: string }>(query('/api/v1/calls', { ...params, limit: params.sort ? 2 * SORTED : FURTHER, cursor: st.next })).then((page) => {
      const have = new Set(st.calls.map((c) => c.id))
      Object.assign(st, { calls: [...st.calls, ...page.calls.filter((c) => !have.has(c.id))], next: page.next ?? '', loading: false, error: undefined })
      draw()
    }, (e: unknown) => { st.error = e as Failure; st.loading = false; draw() })
  }, [key])

  const put = useCallback((came: readonly Call[]) => {
    const st = state.current, had = st.calls
    if (st.loading && !had.length) return
    const have = new Set(had.map((c) => c.id))
    st.calls = mingle(had, came, st.next === '' && !st.cut)
    if (st.calls === had) return
    st.fresh = new Set(came.filter((c) => !have.has(c.id)).map((c) => c.id))
    if (st.calls.length > MOST) Object.assign(st, { calls: st.calls.slice(0, MOST), next: '', cut: true })
    draw()
  }, [key])

  const catchUp = useCallback(() => {
    const st = state.current
    if (st.loading) return
    get<{ calls: Call[]; next: string }>(query('/api/v1/calls', { ...params, limit: FIRST })).then((page) => {
      if (state.current !== st || st.loading) return
      const have = new Set(st.calls.map((c) => c.id))
      // More than a page has come meanwhile: begin again, so that no gap stands in the list.
      if (page.next && !page.calls.some((c) => have.has(c.id))) { Object.assign(st, { calls: page.calls, next: page.next, cut: false }); draw() } else put(page.calls)
      if (st.error) { st.error = undefined; draw() }
    }, () => { /* whoever reads again is told */ })
  }, [key])

  const now = state.current
  return {
    calls: now.calls, next: now.next, error: now.error, loading: now.loading, selected: now.selected, fresh: now.fresh, cut: now.cut, more, put, catchUp,
    reload: useCallback(() => { setRound((n) => n + 1) }, []),
    select: useCallback((id: string) => { state.current.selected = id; draw() }, []),
  }
}
