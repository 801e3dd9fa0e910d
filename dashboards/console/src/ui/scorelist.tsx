/** Scores one by one, newest call first. */

import { useEffect, useState } from 'preact/hooks'
import { Failure, get, query, useGet } from '../lib/api'
import { roomOf } from '../lib/prompts'
import type { Score, ScorePage } from '../lib/scores'
import { Card, Problem, SkeletonRows, Time } from './parts'
import { ScoreValue } from './scoreparts'

const promptRoom = (ref: string): string => { const m = /^(.*)@(\d+)$/.exec(ref); return m ? roomOf(m[1]!, { v: m[2] }) : roomOf(ref) }

export function ScoreList({ params, name = true, title = 'Scores one by one' }: { params: Record<string, string>; name?: boolean; title?: string }) {
  const path = query('/api/v1/scores', { ...params, limit: 25 })
  const first = useGet<ScorePage>(path)
  const [more, set] = useState<{ scores: Score[]; next: string | null }>({ scores: [], next: null })
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  useEffect(() => { set({ scores: [], next: null }); setError(null) }, [path])
  const list = [...(first.data?.scores ?? []), ...more.scores]
  const next = more.next ?? first.data?.next ?? ''
  const read = async () => {
    setBusy(true)
    setError(null)
    try {
      const page = await get<ScorePage>(query('/api/v1/scores', { ...params, limit: 25, cursor: next }))
      set({ scores: [...more.scores, ...page.scores], next: page.next })
    } catch (e) { setError(e as Failure) }
    setBusy(false)
  }
  return (
    <Card title={title} sub="newest call first">
      {first.error ? <div class="card-body"><Problem error={first.error} retry={first.reload} /></div> : !first.data ? <SkeletonRows n={5} /> : !list.length ? <p class="card-body muted">None is picked by these filters.</p> : (
        <>
          <div class="scroll"><table class="table" data-scores>
            <thead><tr><th scope="col">Call</th>{name && <th scope="col">Name</th>}<th scope="col">Value</th><th scope="col" class="wide">From</th><th scope="col" class="wide">Prompt, arm</th><th scope="col" class="wide">Comment</th></tr></thead>
            <tbody>
              {list.map((s) => (
                <tr key={s.id}>
                  <td class="nowrap">{s.call_id ? <a href={'/calls/' + encodeURIComponent(s.call_id)}><Time iso={s.start_time} mode="full" /></a> : <span title={'of the whole trace ' + s.trace_id}><Time iso={s.start_time} mode="full" /> <span class="badge">trace</span></span>}</td>
                  {name && <td class="name"><b>{s.name}</b>{s.comment && <div class="narrow small muted">{s.comment}</div>}</td>}
                  <td class={name ? '' : 'any'}><ScoreValue s={s} />{!name && s.comment && <div class="narrow small muted">{s.comment}</div>}</td>
                  <td class="wide any">{s.source}{s.author && <span class="faint">, {s.author}</span>}{s.config_version && <div class="faint small">{s.config_version}</div>}</td>
                  <td class="wide any">{s.prompt ? <a href={promptRoom(s.prompt)}>{s.prompt}</a> : <span class="faint">–</span>}{s.arm && <div class="small muted">{s.experiment ? <a class="muted" href={'/experiments/' + encodeURIComponent(s.experiment)}>{s.experiment}</a> : 'arm'}: {s.arm}</div>}</td>
                  <td class="why wide">{s.comment || <span class="faint">–</span>}</td>
                </tr>
              ))}
            </tbody>
          </table></div>
          {(next || error) && <div class="more">{error && <span style={{ color: 'var(--bad)' }} role="alert">{error.message}</span>}<button type="button" class="btn" disabled={busy} onClick={read}>{busy ? 'Reading…' : 'Show more'}</button></div>}
        </>
      )}
    </Card>
  )
}
