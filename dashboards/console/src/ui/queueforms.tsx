/** How a queue is made, and how calls come into it. */

import { useState } from 'preact/hooks'
import { Failure, query, request, useGet } from '../lib/api'
import { queuePath, readQuestions, type Added, type Queue } from '../lib/annotations'
import { plural } from '../lib/format'
import { Ask } from './ask'
import { toast } from './parts'

export function NewQueue({ onClose, onDone }: { onClose: () => void; onDone: (q: Queue) => void }) {
  const [name, setName] = useState('')
  const [text, setText] = useState('helpful: 1..5\ncorrect: yes/no\ntone?: warm | neutral | cold')
  const [instructions, setInstructions] = useState('')
  const [project, setProject] = useState('')
  const [reviewers, setReviewers] = useState('1')
  const read = readQuestions(text)
  return (
    <Ask<Queue> title="A new queue" yes="Make it" onClose={onClose} ready={name !== '' && !('wrong' in read) && Number(reviewers) >= 1} onDone={onDone}
      act={() => {
        if ('wrong' in read) throw new Failure(400, 'questions', read.wrong, 'questions')
        return request('POST', '/api/v1/annotations', { name, questions: read.questions, instructions, project, reviewers: Number(reviewers) })
      }}>
      <label class="label">Name<input class="field" name="queue" autoFocus maxLength={64} placeholder="tone-review" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <label class="label">What is asked, a score a line<textarea class="field area mono" name="questions" rows={4} value={text} onInput={(e) => setText(e.currentTarget.value)} aria-invalid={'wrong' in read ? true : undefined} aria-describedby="questions-rule" />
        <span class={'wrong' in read ? 'wrong' : 'faint small'} id="questions-rule">{'wrong' in read ? read.wrong : 'name: 1..5, name: yes/no or name: good | bad; a ? behind the name lets people leave it out.'}</span></label>
      <label class="label">What people should know<textarea class="field area" name="instructions" rows={2} maxLength={5000} value={instructions} onInput={(e) => setInstructions(e.currentTarget.value)} /></label>
      <div class="fields">
        <label class="label">People for each answer<input class="field" name="reviewers" inputMode="numeric" value={reviewers} onInput={(e) => setReviewers(e.currentTarget.value)} /></label>
        <label class="label">Only of the project<input class="field" name="project" placeholder="any" value={project} onInput={(e) => setProject(e.currentTarget.value)} /></label>
      </div>
    </Ask>
  )
}

const spans = [['24h', 'the last day'], ['7d', 'the last 7 days'], ['30d', 'the last 30 days']] as const
const fields = [['model', 'Model'], ['prompt', 'Prompt'], ['user', 'User'], ['q', 'Words in it']] as const

/** told says what became of calls that were added. */
export function told(a: Added): string {
  const left = Object.values(a.skipped).reduce((n, k) => n + k, 0)
  return `${plural(a.added, 'call')} added` + (a.there ? `, ${a.there} there already` : '') + (left ? `, ${left} passed over` : '')
}

export function AddCalls({ name, onClose, onDone }: { name: string; onClose: () => void; onDone: () => void }) {
  const [since, setSince] = useState('7d')
  const [limit, setLimit] = useState('50')
  const [by, setBy] = useState<Record<string, string>>({})
  return (
    <Ask<Added> title={'Add calls to ' + name} yes="Add them" onClose={onClose} ready={Number.isInteger(Number(limit)) && Number(limit) > 0} onDone={(a) => { toast(told(a)); onDone() }}
      act={() => request('POST', query(queuePath(name, '/items'), { since, ...by }), { calls: { limit: Number(limit) } })}>
      <p class="muted">Answered calls, the newest first. One that is in the queue already is passed over.</p>
      <div class="fields">
        <label class="label">Of<select class="field" name="since" value={since} onChange={(e) => setSince(e.currentTarget.value)}>{spans.map(([v, text]) => <option key={v} value={v}>{text}</option>)}</select></label>
        <label class="label">At most<input class="field" name="limit" inputMode="numeric" value={limit} onInput={(e) => setLimit(e.currentTarget.value)} /></label>
        {fields.map(([k, text]) => <label class="label" key={k}>{text}<input class="field" name={k} placeholder="any" value={by[k] ?? ''} onInput={(e) => setBy({ ...by, [k]: e.currentTarget.value })} /></label>)}
      </div>
    </Ask>
  )
}

/** AddToQueue puts one call into a queue that one chooses. */
export function AddToQueue({ id, onClose }: { id: string; onClose: () => void }) {
  const list = useGet<{ queues: Queue[] }>('/api/v1/annotations')
  const queues = list.data?.queues
  const [name, setName] = useState('')
  const chosen = name || queues?.[0]?.name || ''
  return (
    <Ask<Added> title="Add to a queue" yes="Add it" onClose={onClose} ready={chosen !== ''} onDone={(a) => { toast(a.added ? 'Added to ' + chosen : a.there ? 'It is in ' + chosen + ' already' : Object.keys(a.skipped)[0] ?? 'It was not added'); onClose() }}
      act={() => request('POST', queuePath(chosen, '/items'), { call_ids: [id] })}>
      {queues && !queues.length ? <p class="muted">There is no queue yet. <a href="/scores/annotate">Make one</a>, then people can score this call there.</p>
        : <label class="label">Queue<select class="field" name="queue" value={chosen} onChange={(e) => setName(e.currentTarget.value)}>{(queues ?? []).map((q) => <option key={q.name} value={q.name}>{q.name}</option>)}</select></label>}
    </Ask>
  )
}
