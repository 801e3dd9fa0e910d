/** How wide the window is. */

import { useEffect, useState } from 'preact/hooks'

/** useMedia says whether a media query holds, and draws again when that changes. */
export function useMedia(query: string): boolean {
  const [holds, set] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const hear = () => set(list.matches)
    hear()
    list.addEventListener('change', hear)
    return () => list.removeEventListener('change', hear)
  }, [query])
  return holds
}
