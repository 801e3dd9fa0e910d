/** Light or dark: the system's preference unless the reader chose. public/theme.js sets it before the first paint. */

import { useEffect, useState } from 'preact/hooks'

export type Theme = 'system' | 'light' | 'dark'
const changed = new Set<() => void>()
const system = matchMedia('(prefers-color-scheme: dark)')
let choice: Theme = 'system'
try {
  const kept = localStorage.getItem('weir-theme')
  if (kept === 'light' || kept === 'dark') choice = kept
} catch { /* storage is blocked: the system's preference holds */ }

function apply(): void {
  document.documentElement.dataset.theme = choice === 'dark' || (choice === 'system' && system.matches) ? 'dark' : 'light'
  changed.forEach((f) => f())
}
system.addEventListener('change', apply)

/** choose sets the theme and remembers it where storage allows. */
export function choose(t: Theme): void {
  choice = t
  try { t === 'system' ? localStorage.removeItem('weir-theme') : localStorage.setItem('weir-theme', t) } catch { /* it holds for this page */ }
  apply()
}

/** useTheme draws again when the colours change: canvases must be painted anew. */
export function useTheme(): { theme: Theme; dark: boolean } {
  const [, redraw] = useState(0)
  useEffect(() => {
    const f = () => redraw((n) => n + 1)
    changed.add(f)
    return () => { changed.delete(f) }
  }, [])
  return { theme: choice, dark: document.documentElement.dataset.theme === 'dark' }
}

/** token reads a colour token as the browser resolved it. */
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
