/** What somebody likes the console to be, kept in this browser. */

import { useState } from 'preact/hooks'

/** readPref reads what was kept; check gives undefined for what no longer has the form. */
export function readPref<T>(key: string, check: (v: unknown) => T | undefined): T | undefined {
  try {
    const text = localStorage.getItem('weir.' + key)
    return text === null ? undefined : check(JSON.parse(text))
  } catch { return undefined }
}

/** writePref keeps a value, or forgets it when it is undefined; a browser that keeps nothing loses nothing but comfort. */
export function writePref(key: string, value: unknown): void {
  try {
    value === undefined ? localStorage.removeItem('weir.' + key) : localStorage.setItem('weir.' + key, JSON.stringify(value))
  } catch { /* private windows may refuse */ }
}

/** usePref is a state that outlives the page. */
export function usePref<T>(key: string, fallback: T, check: (v: unknown) => T | undefined): [T, (v: T | undefined) => void] {
  const [value, set] = useState<T>(() => readPref(key, check) ?? fallback)
  return [value, (v) => { writePref(key, v); set(v ?? fallback) }]
}

export const isTruth = (v: unknown): boolean | undefined => (typeof v === 'boolean' ? v : undefined)
export const isNames = (v: unknown): string[] | undefined => (Array.isArray(v) && v.every((x) => typeof x === 'string') ? v : undefined)
