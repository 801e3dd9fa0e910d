/** Experiments: which there are, where each stands, and a new one. */

import { useState } from 'preact/hooks'
import { useGet } from '../lib/api'
import { days, daysWord, experimentPath, experimentRoom, unitsWord, type Detail, type Experiment, type Status } from '../lib/experiments'
import { useShortcuts } from '../lib/keys'
import { roomOf, type PromptRow } from '../lib/prompts'
import { go, patch, useLocation } from '../lib/router'
import { useSession } from '../lib/session'
import { ExperimentForm, example } from '../ui/experimentform'
import { Progress, StatusBadge, VerdictBadge } from '../ui/experimentparts'
import { Icon } from '../ui/icons'
import { Card, Empty, Problem, Segmented, Skeleton, SkeletonRows, toast } from '../ui/parts'
import { Page } from '../ui/shell'
import { Code } from '../ui/text'

const order: Status[] = ['running', 'stopped', 'draft', 'concluded']
const kinds = [['', 'All'], ['running', 'Running'], ['stopped', 'Stopped'], ['draft', 'Drafts'], ['concluded', 'Concluded']] as const

export function ExperimentsPage() {
  const { params } = useLocation()
  const { may } = useSession()
  const making = params.get('new') === '1'
  const list = useGet<{ experiments: Experiment[] }>('/api/v1/experiments')
  const prompts = useGet<{ prompts: PromptRow[] }>(making ? '/api/v1/prompts' : '')
  const status = kinds.some(([k]) => k === params.get('status')) ? (params.get('status') as Status) : ''
  useShortcuts({ r: list.reload })
  if (making) {
    const ready = prompts.data || prompts.error
    const first = prompts.data?.prompts.find((p) => p.versions > 1) ?? prompts.data?.prompts[0]
    return (
      <Page title="New experiment" crumbs={<span class="crumbs"><a href="/experiments">Experiments</a></span>}>
        {ready ? <ExperimentForm start={example(first?.name)} onDone={(e) => { toast('Draft made'); go(experimentRoom(e.name)) }} /> : <Card label="Description"><SkeletonRows n={10} /></Card>}
      </Page>
    )
  }
  const all = list.data?.experiments
  const some = (all ?? []).filter((e) => !status || e.status === status).sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status) || (b.started_at ?? b.created_at).localeCompare(a.started_at ?? a.created_at))
  return (
    <Page title="Experiments" sub="Arms of a prompt, models or parameters, compared on live traffic." actions={may('developer') && !!all?.length && <a class="btn primary" href="/experiments?new=1"><Icon name="plus" size={14} />New experiment</a>}>
      {list.error ? <Problem error={list.error} retry={list.reload} /> : !all ? <Card label="Experiments"><SkeletonRows n={5} /></Card> : !all.length ? <Card label="Experiments"><First may={may('developer')} /></Card> : (
        <>
          <div class="row seg-scroll"><Segmented label="State" value={status} options={kinds} onChange={(v) => patch({ status: v || undefined }, true)} /></div>
          <Card label="Experiments">
            {some.length ? (
              <div class="scroll" tabIndex={0} role="region" aria-label="Experiments, table"><table class="table" data-experiments>
                <thead><tr><th scope="col">Experiment</th><th scope="col" class="wide">State</th><th scope="col">Verdict</th><th scope="col" class="units-cell">Units</th><th scope="col" class="wide">Ran for</th></tr></thead>
                <tbody>{some.map((e) => <Row key={e.name} e={e} />)}</tbody>
              </table></div>
            ) : <Empty icon="experiments" title="None in this state"><button type="button" class="btn" onClick={() => patch({ status: undefined }, true)}>All experiments</button></Empty>}
          </Card>
        </>
      )}
    </Page>
  )
}

function Row({ e }: { e: Experiment }) {
  const [now] = useState(Date.now())
  // What is over, or has not begun, has no verdict worth the reading.
  const live = e.status === 'running' || e.status === 'stopped'
  const detail = useGet<Detail>(live ? experimentPath(e.name) + '?points=0' : '')
  const d = detail.data?.experiment.name === e.name ? detail.data : undefined
  const long = days(e, now)
  const units = d?.analysis.arms.reduce((s, a) => s + a.units, 0)
  return (
    <tr data-experiment={e.name}>
      <td class="name"><a class="strong" href={experimentRoom(e.name)}>{e.name}</a><div class="faint small any">{e.prompt ? <a class="muted" href={roomOf(e.prompt)}>{e.prompt}</a> : 'every call'}<span class="roomy"> · by {e.unit.replace(/^header:/, '')} · {e.arms.length} arms</span></div><div class="narrow state-line"><StatusBadge status={e.status} /></div></td>
      <td class="wide"><StatusBadge status={e.status} /></td>
      <td>{d ? <VerdictBadge v={d.verdict} /> : live ? detail.error ? <span class="faint" title={detail.error.message}>not known</span> : <Skeleton w="80px" /> : e.status === 'concluded' ? <span class="badge"><Icon name={e.winner ? 'check' : 'close'} size={11} />{e.winner ? 'for ' + e.winner : 'for no arm'}</span> : <span class="faint">–</span>}</td>
      <td class="units-cell">{units !== undefined ? <Progress units={units} planned={e.planned_units ?? 0} /> : live && !detail.error ? <Skeleton w="90px" /> : <span class="faint" title="planned">{e.status === 'draft' ? unitsWord(e.unit, e.planned_units ?? 0) + ' planned' : '–'}</span>}</td>
      <td class="wide muted">{long === null ? '–' : daysWord(long)}</td>
    </tr>
  )
}

function First({ may }: { may: boolean }) {
  return (
    <Empty icon="experiments" title="Compare two ways on live traffic">
      <p>Each user, session or key gets one arm, the same one always. Verdicts hold however often one looks, and say what a decision today would mean.</p>
      <div class="first">
        <Code lang="tone.yaml" text={example()} />
        <Code lang="shell" text={'weir experiments create tone.yaml\nweir experiments start greet-terse\nweir experiments status greet-terse'} />
      </div>
      {may && <a class="btn primary" href="/experiments?new=1">Describe the first experiment</a>}
    </Empty>
  )
}
