/** A report as it is printed and mailed, in the page. */

import { useEffect, useRef, useState } from 'preact/hooks'
import { Failure } from '../lib/api'
import { page } from '../lib/reports'
import { go } from '../lib/router'
import { Icon } from './icons'
import { Card, Problem, SkeletonRows } from './parts'

/** Paper shows the page at an address. Nothing in it can run: the frame allows no script. Its links lead to the console's own rooms. */
export function Paper({ at, title, file, project }: { at: string; title: string; file: string; project: string }) {
  const frame = useRef<HTMLIFrameElement>(null)
  const [html, setHTML] = useState<{ at: string; text: string } | null>(null)
  const [error, setError] = useState<Failure | null>(null)
  const [round, setRound] = useState(0)
  const [high, setHigh] = useState(900)
  useEffect(() => {
    const stop = new AbortController()
    setError(null)
    page(at, stop.signal).then((text) => setHTML({ at, text }), (e: unknown) => { if (!stop.signal.aborted) setError(e instanceof Failure ? e : new Failure(0, 'bug', String(e))) })
    return () => stop.abort()
  }, [at, round])
  const fit = () => {
    const body = frame.current?.contentDocument?.body
    if (body) setHigh(Math.ceil(body.getBoundingClientRect().height) + 2)
  }
  useEffect(() => {
    addEventListener('resize', fit)
    return () => removeEventListener('resize', fit)
  }, [])
  const opened = () => {
    fit()
    frame.current?.contentDocument?.addEventListener('click', (e) => {
      const link = (e.target as Element).closest?.('a')
      if (!link || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey) return
      e.preventDefault()
      const to = new URL(link.href)
      go(to.pathname + to.search)
    })
  }
  const stale = html?.at !== at
  return (
    <Card title={title} sub={project || 'all projects'} class="paper-card" actions={
      <div class="row wrap no-print">
        <button type="button" class="btn small" disabled={stale} onClick={() => frame.current?.contentWindow?.print()}><Icon name="prompts" size={14} />Print or save as PDF</button>
        <a class="btn small" href={at} download={file}><Icon name="download" size={14} />Download</a>
      </div>
    }>
      {error ? <div class="card-body"><Problem error={error} retry={() => setRound(round + 1)} /></div> : !html ? <SkeletonRows n={10} /> : (
        <div class="paper" aria-busy={stale} data-report={stale ? undefined : at}>
          <iframe ref={frame} title={'Report: ' + title} sandbox="allow-same-origin allow-modals" srcdoc={html.text} style={{ height: high + 'px' }} onLoad={opened} />
        </div>
      )}
    </Card>
  )
}
