/** Keyboard shortcuts: single keys and two-key sequences such as "g c". */

import { useEffect, useRef } from 'preact/hooks'

export type Shortcuts = Record<string, (e: KeyboardEvent) => void>

const typing = (t: EventTarget | null): boolean =>
  t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName))

/** useShortcuts listens while its component stands; nothing fires while one types or a dialog is open. */
export function useShortcuts(map: Shortcuts): void {
  const current = useRef(map)
  current.current = map
  useEffect(() => {
    let first = '', at = 0
    const hear = (e: KeyboardEvent) => {
      if (e.metaKey || e.ctrlKey || e.altKey || e.defaultPrevented) return
      if (e.key !== 'Escape' && (typing(e.target) || document.querySelector('dialog[open]'))) return
      const pair = first && Date.now() - at < 1200 ? first + ' ' + e.key : ''
      const found = (pair && current.current[pair]) || (pair ? undefined : current.current[e.key])
      first = e.key === 'g' && !pair ? 'g' : ''
      at = Date.now()
      if (!found) return
      // A focused control keeps its own Enter.
      if (e.key === 'Enter' && e.target instanceof HTMLElement && e.target.closest('a,button')) return
      e.preventDefault()
      found(e)
    }
    addEventListener('keydown', hear)
    return () => removeEventListener('keydown', hear)
  }, [])
}
