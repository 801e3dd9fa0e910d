/** Requests to move labels, as a table. */

import { roomOf, type Change } from '../lib/prompts'
import { Icon } from './icons'
import { Time } from './parts'
import { LabelChip } from './promptlabels'

const states: Record<Change['status'], [string, string]> = { open: ['accent', 'open'], merged: ['ok', 'merged'], closed: ['', 'closed'] }

export function ChangeState({ c }: { c: Change }) {
  const [kind, word] = states[c.status]
  return (
    <>
      <span class={'badge ' + kind}><span class="dot" />{word}</span>
      {c.stale && <span class="badge warn" title="The label has moved since this was asked for: close it and open another">stale</span>}
      {c.status === 'open' && c.rejected_by.length > 0 && <span class="badge bad">rejected</span>}
      {c.status === 'open' && c.approvals_needed > 0 && <span class={'badge ' + (c.approved_by.length >= c.approvals_needed ? 'ok' : '')} title={c.approved_by.length ? 'approved by ' + c.approved_by.join(', ') : 'nobody has approved it yet'}><Icon name="check" size={11} />{c.approved_by.length} of {c.approvals_needed}</span>}
    </>
  )
}

export function ChangeTable({ list, prompts = true }: { list: Change[]; prompts?: boolean }) {
  return (
    <div class="scroll"><table class="table" data-changes>
      <thead><tr>{prompts && <th scope="col">Prompt</th>}<th scope="col">Move</th><th scope="col">State</th><th scope="col" class="wide">Why</th><th scope="col" class="wide">Asked</th></tr></thead>
      <tbody>
        {list.map((c) => {
          const move = <a class="strong nowrap" href={'/changes/' + encodeURIComponent(c.id)} title={`${c.label} from ${c.from ? 'version ' + c.from : 'nowhere'} to version ${c.to}`}>{c.from ? `v${c.from}` : 'none'} → v{c.to}</a>
          return (
            <tr key={c.id}>
              {prompts && <td class="name"><a style={{ color: 'inherit' }} href={roomOf(c.prompt)}>{c.prompt}</a></td>}
              <td><div class="chips-row"><LabelChip label={c.label} />{move}</div></td>
              <td><div class="chips-row"><ChangeState c={c} /></div></td>
              <td class="wide any">{c.reason || <span class="faint">no reason given</span>}</td>
              <td class="wide muted">{c.author} · <Time iso={c.opened_at} mode="ago" /></td>
            </tr>
          )
        })}
      </tbody>
    </table></div>
  )
}
