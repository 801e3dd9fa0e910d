/** Queues of calls that people score. */

import { useState } from 'preact/hooks'
import { request, useGet } from '../lib/api'
import { queuePath, queueRoom, type Queue } from '../lib/annotations'
import { count, percent, plural } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { go } from '../lib/router'
import { useSession } from '../lib/session'
import { Ask } from '../ui/ask'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { AddCalls, NewQueue } from '../ui/queueforms'
import { ScoreTabs } from '../ui/scoretabs'
import { Page } from '../ui/shell'
import { Code } from '../ui/text'

export function AnnotatePage() {
  const { may } = useSession()
  const list = useGet<{ queues: Queue[] }>('/api/v1/annotations')
  const [making, setMaking] = useState(false)
  const [adding, setAdding] = useState('')
  const [leaving, setLeaving] = useState('')
  useShortcuts({ r: list.reload })
  const queues = list.data?.queues
  return (
    <Page title="Scores" sub="Calls that people look at one by one." actions={may('developer') && <button type="button" class="btn primary" onClick={() => setMaking(true)}><Icon name="plus" size={14} />New queue</button>}>
      <ScoreTabs here="annotate" />
      {list.error ? <Problem error={list.error} retry={list.reload} /> : !queues ? <Card label="Queues"><SkeletonRows n={4} /></Card> : !queues.length ? (
        <Card label="Queues"><Empty icon="score" title="No queue yet">
          <p>A queue is a list of recorded calls, and what people are asked about each answer. Every answer becomes a score by a human, which judges can be held against.</p>
          <div class="first"><Code lang="shell" text={"weir annotations create tone --ask 'helpful:number:1..5' --ask 'style:category:warm|cold'\nweir annotations add tone --since 7d --limit 50"} /></div>
        </Empty></Card>
      ) : (
        <Card label="Queues"><div class="scroll" tabIndex={0} role="region" aria-label="Queues, table"><table class="table" data-queues>
          <thead><tr><th scope="col">Queue</th><th scope="col" class="spread-cell">How far</th><th scope="col" class="num">Done</th><th scope="col" class="num wide">Skipped</th><th scope="col" class="num">Waiting</th><th scope="col" class="wide">People</th><th scope="col"><span class="sr">What to do</span></th></tr></thead>
          <tbody>{queues.map((q) => {
            const p = q.progress
            return (
              <tr key={q.name} data-queue={q.name}>
                <td class="name"><a class="strong" href={queueRoom(q.name)}>{q.name}</a><div class="faint small any">{q.questions.map((x) => x.name).join(', ')}{q.project && ` · of ${q.project}`}</div></td>
                <td class="spread-cell"><Bar p={p} /></td>
                <td class="num">{count(p.done)}</td><td class="num wide">{count(p.skipped)}</td><td class="num">{count(p.waiting)}</td>
                <td class="wide muted any">{p.people.length ? p.people.map((x, i) => <span key={x.name} title={`${x.done} done, ${x.skipped} skipped`}>{i > 0 && ', '}{x.name} {x.done}</span>) : <span class="faint">nobody yet</span>}{p.people.length > 0 && <div class="faint small">last <Time iso={p.people.map((x) => x.last_at).sort().at(-1)} mode="ago" /></div>}</td>
                <td class="num"><span class="row end">{may('developer') && <><button type="button" class="btn small" onClick={() => setAdding(q.name)}><Icon name="plus" size={13} />Calls</button><button type="button" class="btn quiet small icon" aria-label={`Remove the queue ${q.name}`} title="Remove it" onClick={() => setLeaving(q.name)}><Icon name="close" size={13} /></button></>}</span></td>
              </tr>
            )
          })}</tbody>
        </table></div></Card>
      )}
      {making && <NewQueue onClose={() => setMaking(false)} onDone={(q) => { toast('Made'); go(queueRoom(q.name)) }} />}
      {adding && <AddCalls name={adding} onClose={() => setAdding('')} onDone={() => { setAdding(''); list.reload() }} />}
      {leaving && <Ask danger title={`Remove the queue ${leaving}?`} yes="Remove it" no="Keep it" act={() => request('DELETE', queuePath(leaving))} onClose={() => setLeaving('')} onDone={() => { setLeaving(''); list.reload(); toast('Removed') }}><p class="muted">Its list of calls goes. The scores that people gave stay.</p></Ask>}
    </Page>
  )
}

/** Bar shows how far a queue is: done, skipped, and what waits. */
export function Bar({ p }: { p: Queue['progress'] }) {
  const share = (n: number) => (p.items ? (n / p.items) * 100 : 0) + '%'
  return <div class="queue-bar" role="img" aria-label={`${p.done} of ${plural(p.items, 'call')} done${p.items ? ', ' + percent(p.done, p.items) : ''}, ${p.skipped} skipped`}><i style={{ width: share(p.done) }} /><u style={{ width: share(p.skipped) }} /></div>
}
