/** The service's API, as the console reads it. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Decimal } from './money'

export interface Usage {
  input_uncached: number; cache_read: number; cache_write_5m: number; cache_write_1h: number
  output_text: number; reasoning: number; input_audio: number; output_audio: number
}

export interface Call {
  id: string; trace_id: string; start_time: string; duration_ms: number; ttft_ms: number | null
  project: string; key: string; user: string; session: string; tags: Record<string, string> | null
  endpoint: string; stream: boolean; provider: string; model_requested: string; model: string
  status: string; http_status: number; error_code: string; usage: Usage; usage_source: string
  cost_usd: Decimal; saved_usd: Decimal; price_status: string; price_version: string
  cache: string; cache_neighbor?: string; cache_score?: number | null; attempts: number; prompt: string; arm: string
  finish_reasons?: string[]; input_preview?: string; output_preview?: string // in lists
}

export interface Attempt {
  id: string; provider: string; model: string; status: string; http_status: number
  error: string | { type?: string; message?: string } | null; start_time: string; duration_ms: number; cost_usd: Decimal
}

export interface CostLine { bucket: string; tokens: number; price_usd_per_mtok: Decimal; amount_usd: Decimal; rule: string }

export interface CallDetail extends Omit<Call, 'attempts' | 'finish_reasons'> {
  request?: unknown; response?: unknown; attempts: Attempt[] | null; cost_explained: CostLine[] | null
  cost_note?: string; price_rule?: string; experiment?: string
  error: { type: string; message: string; status: number; retryable: boolean } | null
  finish_reasons?: (string | null)[] | null; service_tier?: string; usage_raw?: unknown; flags?: string[] | null
}

/** One row of /api/v1/costs: the dimensions asked for stand beside the measures. */
export interface CostRow {
  calls: number; errors: number; cost_usd: Decimal; saved_usd: Decimal; input_tokens: number; output_tokens: number
  latency_p50_ms: number | null; latency_p95_ms: number | null; ttft_p50_ms?: number | null
  unpriced_calls?: number; cache_hits?: number
  [dimension: string]: unknown
}
export interface Costs { rows: CostRow[]; total: CostRow }

export interface Key {
  id: string; project: string; name: string; created_at: string; last_used_at: string | null
  revoked_at: string | null; expires_at: string | null; prefix: string
}

export interface Price {
  provider: string; model: string; mode: string; effective_from: string | null
  input_usd_per_mtok: Decimal; cache_read_usd_per_mtok: Decimal; cache_write_5m_usd_per_mtok: Decimal
  cache_write_1h_usd_per_mtok: Decimal; output_usd_per_mtok: Decimal; context_window: number | null; status: string
}

export type Facets = Record<string, { value: string; calls: number }[]>

/** Failure is an answer that is not a success; status 0 means that the service was not reached. param names the field at fault. */
export class Failure extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly param = '') { super(message) }
}

let onUnauthorized: () => void = () => {}
/** whenSignedOut is called when any request is answered 401. */
export const whenSignedOut = (f: () => void): void => { onUnauthorized = f }
/** signedOut is for who learns in another way that the session has ended. */
export const signedOut = (): void => onUnauthorized()

/** request speaks JSON with the service, or sends a file as a Blob; it throws a Failure with a sentence fit for people. */
export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let res: Response
  try {
    res = await fetch(path, {
      method, signal: signal ?? null, credentials: 'same-origin',
      headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': body instanceof Blob ? body.type : 'application/json' }) },
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    })
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e
    throw new Failure(0, 'unreachable', 'weir does not answer. Is it still running? This page tries again when you ask it to.')
  }
  const text = res.status === 204 ? '' : await res.text()
  let value: unknown
  try { value = text ? JSON.parse(text) : undefined } catch { value = undefined }
  if (!res.ok) {
    if (res.status === 401 && path !== '/api/v1/session') onUnauthorized()
    const e = (value as { error?: { message?: string; code?: string; type?: string; param?: string | null } | string } | undefined)?.error
    const message = typeof e === 'string' ? e : e?.message
    throw new Failure(res.status, (typeof e === 'object' && (e.code || e.type)) || 'http_' + res.status, message || `weir answered ${res.status} to ${path.split('?')[0]}.`, (typeof e === 'object' && e.param) || '')
  }
  if (value === undefined && text) throw new Failure(res.status, 'not_json', `weir answered ${path.split('?')[0]} with something that is not JSON.`)
  return value as T
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => request<T>('GET', path, undefined, signal)

/** query writes a path with parameters, leaving out what is empty. */
export function query(path: string, params: Record<string, string | number | readonly string[] | undefined | null>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) for (const one of Array.isArray(v) ? v : [v]) if (one !== undefined && one !== null && one !== '') q.append(k, String(one))
  const s = q.toString()
  return s ? path + '?' + s : path
}

export interface Loaded<T> { data: T | undefined; error: Failure | undefined; loading: boolean; reload: () => void }

const kept = new Map<string, unknown>()
/** forget drops all kept answers, at sign-out. */
export const forget = (): void => kept.clear()

/** useGet reads a path; an empty path reads nothing. What was read before is shown at once and read again behind it. */
export function useGet<T>(path: string): Loaded<T> {
  const [, redraw] = useState(0)
  const [round, setRound] = useState(0)
  const error = useRef<{ path: string; failure: Failure } | undefined>(undefined)
  const last = useRef<T | undefined>(undefined)
  useEffect(() => {
    if (!path) return
    const stop = new AbortController()
    get<T>(path, stop.signal).then((data) => {
      error.current = undefined
      kept.delete(path)
      kept.set(path, data)
      if (kept.size > 80) kept.delete(kept.keys().next().value!)
      redraw((n) => n + 1)
    }, (e: unknown) => {
      if (stop.signal.aborted) return
      error.current = { path, failure: e instanceof Failure ? e : new Failure(0, 'bug', String(e)) }
      redraw((n) => n + 1)
    })
    return () => stop.abort()
  }, [path, round])
  const fresh = kept.get(path) as T | undefined
  if (fresh !== undefined) last.current = fresh
  const failure = error.current?.path === path ? error.current.failure : undefined
  return {
    data: path ? fresh ?? (failure ? undefined : last.current) : undefined,
    error: failure,
    loading: path !== '' && fresh === undefined && !failure,
    reload: useCallback(() => { error.current = undefined; setRound((n) => n + 1) }, []),
  }
}
