/** A pipeline's collections: which one answers, and how to swap, roll back and remove. */

import { useState } from 'preact/hooks'
import { query, request } from '../lib/api'
import { count, plural } from '../lib/format'
import { api, roles, room, type Collection, type Detail } from '../lib/rag'
import { useSession } from '../lib/session'
import { Ask } from './ask'
import { Icon } from './icons'
import { Card, Empty, toast } from './parts'
import { Code } from './text'

type Doing = { what: 'swap' | 'drop'; c: Collection } | { what: 'back' } | null

export function Collections({ p, reload }: { p: Detail; reload: () => void }) {
  const { may } = useSession()
  const [doing, setDoing] = useState<Doing>(null)
  const [force, setForce] = useState(false)
  const close = () => { setDoing(null); setForce(false) }
  const done = (word: string) => { close(); toast(word); reload() }
  const behind = p.collection !== '' && p.target !== p.collection
  return (
    <>
      {behind && (
        <div class="notice plain"><Icon name="warn" /><div class="grow stack" style={{ gap: '8px' }}>
          <span>The configuration makes another collection, <code>{p.target}</code>: its embedding model or splitter differ from those of the one that answers. Questions are answered from <code>{p.collection}</code> until you swap. Fill the new one first, then test it and swap:</span>
          <Code lang="shell" text={`weir rag index ${p.name} ./docs\nweir rag swap ${p.name} --questions labelled.jsonl --min-recall 0.8`} />
        </div></div>
      )}
      <Card title="Collections" sub={`the alias ${p.alias} points at the one that answers`} actions={may('developer') && p.previous && <button type="button" class="btn small" onClick={() => setDoing({ what: 'back' })}><Icon name="undo" size={13} />Roll back</button>}>
        {!p.collections.length ? <Empty icon="datasets" title="No collection yet"><p>The first documents make one:</p><div class="first"><Code lang="shell" text={`weir rag index ${p.name} ./docs`} /></div></Empty> : (
          <div class="scroll" tabIndex={0} role="region" aria-label="Collections, table"><table class="table" data-collections>
            <thead><tr><th scope="col">Collection</th><th scope="col">Role</th><th scope="col" class="num">Documents</th><th scope="col" class="num">Chunks</th><th scope="col" class="wide">Embedding</th><th scope="col" class="wide">Splitter</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
            <tbody>{p.collections.map((c) => (
              <tr key={c.name} data-collection={c.name}>
                <td class="rag-cell"><a href={query(room(p.name, '/documents'), { collection: c.name === p.collection ? undefined : c.name })}>{c.name}</a></td>
                <td><span class={'badge ' + roles[c.role][0]}>{roles[c.role][1]}</span></td><td class="num">{count(c.documents)}</td><td class="num">{count(c.points)}</td>
                <td class="wide any">{c.embedding} <span class="faint">{count(c.dimensions)}</span></td><td class="wide any">{c.splitter}</td>
                <td class="num"><span class="row rag-do">{c.role !== 'answers' && <>
                  <a class="btn small" href={query(room(p.name, '/bench'), { collection: c.name })}>Try</a>
                  {may('developer') && <button type="button" class="btn small" onClick={() => setDoing({ what: 'swap', c })}>Swap to it</button>}
                  {may('admin') && <button type="button" class="btn small danger" onClick={() => setDoing({ what: 'drop', c })}>Drop</button>}
                </>}</span></td>
              </tr>
            ))}</tbody>
          </table></div>
        )}
      </Card>
      {doing?.what === 'swap' && (
        <Ask title={`Swap to ${doing.c.name}?`} yes="Swap" act={() => request('POST', api(p.name, '/swap'), { to: doing.c.name, force: force || undefined })} onClose={close} onDone={() => done('Swapped')}>
          <p>From the next question on, {doing.c.name} answers with {plural(doing.c.documents, 'document')} and {plural(doing.c.points, 'chunk')}, in place of {p.collection || 'none'} with {plural(p.documents, 'document')} and {plural(p.points, 'chunk')}. A question under way ends on the collection that it began with, and you can roll back.</p>
          <p class="muted">No questions are tested here. <code>weir rag swap {p.name} --questions labelled.jsonl --min-recall 0.8</code> moves only when the new collection finds enough.</p>
          {(doing.c.points === 0 || 2 * doing.c.points < p.points) && <label class="row"><input type="checkbox" name="force" checked={force} onChange={(e) => setForce(e.currentTarget.checked)} />Swap though it has {doing.c.points ? 'less than half of the chunks' : 'no chunks'}</label>}
        </Ask>
      )}
      {doing?.what === 'back' && (
        <Ask title={`Roll back to ${p.previous}?`} yes="Roll back" act={() => request('POST', api(p.name, '/rollback'))} onClose={close} onDone={() => done('Rolled back')}>
          <p>From the next question on, {p.previous} answers again in place of {p.collection}. Documents that were indexed since the swap are not in it. {p.collection} stays, and rolling back once more returns to it.</p>
        </Ask>
      )}
      {doing?.what === 'drop' && (
        <Ask title={`Drop ${doing.c.name}?`} yes="Drop it" no="Keep it" danger act={() => request('DELETE', query(api(p.name), { collection: doing.c.name }))} onClose={close} onDone={() => done('Dropped')}>
          <p>Its {plural(doing.c.points, 'chunk')} and their vectors are removed for good. {p.collection} goes on answering.{doing.c.role === 'previous' && ' After that there is nothing to roll back to.'} To have it again, its documents have to be indexed and embedded again.</p>
        </Ask>
      )}
    </>
  )
}
