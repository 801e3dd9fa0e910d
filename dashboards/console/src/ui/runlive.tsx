/** What a run has that goes on, or went on: how far it has come, stop and resume, and what its judges' scores vary by. */

import { useEffect, useState } from 'preact/hooks'
import { request, type Failure } from '../lib/api'
import { canRead, type Run } from '../lib/evals'
import { count, percent, plural } from '../lib/format'
import { figure } from '../lib/scores'
import { useSession } from '../lib/session'
import { Ask } from './ask'
import { Icon } from './icons'
import { Card, Money, toast } from './parts'

const EVERY = 2500 // milliseconds between two looks at a run that goes on

/** useLive looks again and again while a run goes on and somebody watches, and once more when it has ended. */
export function useLive(state: Run['state'] | undefined, run: () => void, all: () => void): void {
  const [was, set] = useState(state)
  useEffect(() => {
    if (state !== was) {
      set(state)
      if (was === 'running') all()
    }
    if (state !== 'running') return
    let n = 0
    const timer = setInterval(() => {
      if (document.hidden) return
      n++
      if (n % 4 === 0) all()
      else run()
    }, EVERY)
    return () => clearInterval(timer)
  }, [state, was, run, all])
}

/** RunProgress is how far a run has come. */
export function RunProgress({ r }: { r: Run }) {
  const p = r.progress
  if (r.state === 'done' || !p || !p.total) return null
  const text = `${count(p.done)} of ${plural(p.total, 'ask')}`
  return (
    <Card title={r.state === 'running' ? 'Under way' : 'So far'} sub={text} actions={<RunControls r={r} />}>
      <div class="card-body stack" aria-live="polite">
        <div class="run-bar" role="progressbar" aria-label="Asks done" aria-valuemin={0} aria-valuemax={p.total} aria-valuenow={p.done} data-progress={p.done}><i style={{ width: `${Math.min(100, (100 * p.done) / p.total)}%` }} /></div>
        <div class="meta"><span>{percent(p.done, p.total)}</span>{p.failed > 0 && <span class="bad-text">{count(p.failed)} without an answer</span>}{p.known ? <span><Money value={p.spent_usd} /> spent{r.state === 'running' && p.done < p.total && <>, about <Money value={p.to_come_usd} /> to come</>}</span> : <span>no cost is known</span>}{r.definition.max_cost_usd && <span>at most <Money value={r.definition.max_cost_usd} /></span>}</div>
      </div>
    </Card>
  )
}

/** RunControls stop a run that this server makes, or go on with it. */
export function RunControls({ r }: { r: Run }) {
  const { may } = useSession()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Failure | null>(null)
  const [asking, ask] = useState(false)
  const [most, setMost] = useState(String(r.definition.max_cost_usd ?? '').replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''))
  if (!r.served || !may('developer') || r.state === 'done') return null
  const path = `/api/v1/evals/${encodeURIComponent(r.id)}/`
  const stop = async () => {
    setBusy(true)
    setError(null)
    try { await request('POST', path + 'stop'); toast('Stopping: what is under way comes in') } catch (e) { setError(e as Failure) }
    setBusy(false)
  }
  return (
    <>
      {error && <span class="bad-text small any" role="alert">{error.message}</span>}
      {r.state === 'running' ? <button type="button" class="btn small" disabled={busy} onClick={stop} data-stop><Icon name="stop" size={12} />Stop</button> : <button type="button" class="btn small primary" onClick={() => ask(true)} data-resume><Icon name="play" size={12} />Resume</button>}
      {asking && <Ask title="Go on with this run?" yes="Go on" onClose={() => ask(false)} ready={canRead(most)} act={() => request<Run>('POST', path + 'resume', most.trim() ? { max_cost_usd: most.trim() } : {})} onDone={() => { ask(false); toast('The run goes on') }}>
        <p class="muted">Nothing that was answered is asked again.</p>
        <label class="label">Dollars it may cost in all<input class="field" name="max_cost" inputMode="decimal" placeholder="no limit" value={most} onInput={(e) => setMost(e.currentTarget.value)} /></label>
      </Ask>}
    </>
  )
}

/** VarianceCard says what judges' scores vary by within an item: by the judge, and by the answers. */
export function VarianceCard({ r }: { r: Run }) {
  const rows = r.summary.targets.flatMap((t) => t.scores.filter((s) => s.variance).map((s) => ({ t, s, v: s.variance! })))
  if (!rows.length) return null
  return (
    <Card title="What scores vary by" sub="within an item, in standard deviations">
      <div class="scroll" tabIndex={0} role="region" aria-label="Variance, table"><table class="table" data-variance>
        <thead><tr><th scope="col">Target</th><th scope="col">Scorer</th><th scope="col" class="num">Judge</th><th scope="col" class="num">Answers</th><th scope="col" class="num">Judge's share</th><th scope="col" class="num wide">Votes</th></tr></thead>
        <tbody>{rows.map(({ t, s, v }) => (
          <tr key={t.target + '\n' + s.scorer}>
            <td class="any">{t.target}</td><td class="any">{s.scorer}</td>
            <td class="num">{v.judge_sd === null ? '–' : figure(v.judge_sd)}</td>
            <td class="num">{v.generation_sd === null ? <span class="faint" title="each item was asked once: with repeat there is a figure">not known</span> : figure(v.generation_sd)}</td>
            <td class="num">{v.judge_share === null ? '–' : percent(v.judge_share, 1)}</td>
            <td class="num wide">{count(v.votes)} on {count(v.answers)}</td>
          </tr>
        ))}</tbody>
      </table></div>
      <p class="card-body faint small">From vote to vote on one answer, and from answer to answer of one item. A large judge's share asks for more votes, or for another judge; a small one for more repeats.</p>
    </Card>
  )
}

