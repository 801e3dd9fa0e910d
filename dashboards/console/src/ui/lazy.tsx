/** A room whose script is loaded when one first enters it. */

import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Failure } from '../lib/api'
import { Problem, Skeleton } from './parts'

/** lazy gives a component that loads the real one; what was loaded once is there at once. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let there: ComponentType<P> | undefined
  return function Lazy(props: P) {
    const [, redraw] = useState(0)
    const [failed, fail] = useState(false)
    const [round, again] = useState(0)
    useEffect(() => {
      if (there) return
      let gone = false
      load().then((c) => { there = c; if (!gone) redraw((n) => n + 1) }, () => { if (!gone) fail(true) })
      return () => { gone = true }
    }, [round])
    if (there) {
      const Room = there
      return <Room {...props} />
    }
    // A file that is gone belongs to the version before an upgrade: the whole page has to be loaded anew.
    if (failed) return <Problem error={new Failure(0, 'script', 'A part of the console could not be loaded. If weir was upgraded, load the page again.')} retry={() => { fail(false); again(round + 1) }} />
    return <div class="page" role="status" aria-busy="true" aria-label="Loading"><Skeleton h={28} w="240px" /><Skeleton h={180} /></div>
  }
}
