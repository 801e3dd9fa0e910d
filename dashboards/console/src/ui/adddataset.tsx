/** A call as an item of a dataset. */

import { useState } from 'preact/hooks'
import { request, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { Ask } from './ask'
import { Segmented, toast } from './parts'

interface Added { name: string; version: number; items: number; added: number; present: { call_id: string; item_id: string }[] }

export function AddToDataset({ id, onClose }: { id: string; onClose: () => void }) {
  const list = useGet<{ datasets: { name: string; items: number }[] }>('/api/v1/datasets')
  const [name, setName] = useState('')
  const [expected, setExpected] = useState<'answer' | 'none'>('answer')
  const known = list.data?.datasets ?? []
  const there = known.find((d) => d.name === name.trim())
  const add = async () => {
    const got = await request<Added>('POST', `/api/v1/datasets/${encodeURIComponent(name.trim())}/calls`, { call_ids: [id], expected })
    toast(got.added ? `Added: ${got.name} has ${plural(got.items, 'item')} now, version ${got.version}` : `Not added: the item ${got.present[0]?.item_id ?? ''} of ${got.name} asks the same already`)
  }
  return (
    <Ask title="Add this call to a dataset" yes="Add it" act={add} onClose={onClose} onDone={onClose} ready={name.trim() !== ''}>
      <div class="stack" style={{ gap: '10px' }}>
        <label class="label">Dataset<input class="field" name="dataset" autoFocus maxLength={64} list="datasets-there" placeholder="faq" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <datalist id="datasets-there">{known.map((d) => <option key={d.name} value={d.name} />)}</datalist>
        <div class="label">What is expected<Segmented label="What is expected" value={expected} onChange={setExpected} options={[['answer', 'This answer'], ['none', 'Nothing']]} /></div>
        <p class="muted">{there ? `A new version of ${there.name} has its ${plural(there.items, 'item')} and this question.` : name.trim() ? 'A new dataset, with this question.' : 'Its question becomes an item, as it was recorded.'} A question that an item asks already is not added again.</p>
      </div>
    </Ask>
  )
}
