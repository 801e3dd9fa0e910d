/** One experiment: the verdict in plain words, what it rests on, and what can be done. */

import { query, useGet } from '../lib/api'
import { description, experimentPath, experimentRoom, share, type Detail } from '../lib/experiments'
import { useShortcuts } from '../lib/keys'
import { roomOf } from '../lib/prompts'
import { go, useLocation } from '../lib/router'
import { clock } from '../lib/time'
import { EffectChart, EffectTable } from '../ui/effects'
import { Actions } from '../ui/experimentactions'
import { ExperimentForm } from '../ui/experimentform'
import { ArmsCard, EpochsCard, HistoryCard, MoneyCard, SettingsCard, StatusBadge, UnitsCard, VerdictCard } from '../ui/experimentparts'
import { Icon } from '../ui/icons'
import { Card, Problem, SkeletonRows, toast } from '../ui/parts'
import { Page } from '../ui/shell'

export function ExperimentPage({ name }: { name: string }) {
  const { params } = useLocation()
  // The verdict is there at once; looking back at many earlier times takes longer.
  const detail = useGet<Detail>(experimentPath(name) + '?points=0')
  const past = useGet<Detail>(detail.data?.experiment.started_at ? experimentPath(name) + '?points=16' : '')
  const look = () => { detail.reload(); past.reload() }
  const d = detail.data && (detail.data.experiment.name === name || detail.data.experiment.id === name) ? detail.data : undefined
  const editing = params.get('tab') === 'edit'
  useShortcuts({ r: look, u: () => go('/experiments') })
  const crumbs = <span class="crumbs"><a href="/experiments">Experiments</a>{editing && <><Icon name="right" size={12} /><a class="cut" href={experimentRoom(name)}>{name}</a></>}</span>
  if (detail.error) return <Page title={name} crumbs={crumbs}><Problem error={detail.error} retry={detail.reload} /><p><a href="/experiments">All experiments</a></p></Page>
  if (!d) return <Page title={name} crumbs={crumbs}><Card label="Verdict"><SkeletonRows n={5} /></Card><Card title="Effect over time"><SkeletonRows n={8} /></Card></Page>
  const e = d.experiment
  if (editing && e.status === 'draft') return <Page title={`Edit ${e.name}`} crumbs={crumbs}><ExperimentForm start={description(e)} old={e} onDone={() => { toast('Draft saved'); detail.reload(); go(experimentRoom(e.name)) }} /></Page>
  const epoch = e.epochs.at(-1)
  return (
    <Page title={e.name} crumbs={crumbs} actions={<Actions d={d} changed={look} />}>
      <div class="row wrap" style={{ marginTop: '-8px' }}>
        <StatusBadge status={e.status} />
        <span class="muted said-line">{e.prompt ? <>prompt <a href={roomOf(e.prompt)}>{e.prompt}</a></> : 'every call that the target picks'}, by {e.unit}</span>
        {epoch && e.status === 'running' && <><span class="faint">·</span><span class="muted">{share(epoch.traffic)} of the traffic</span></>}
        <span class="faint">·</span><a class="muted said-line" href={query('/calls', { range: '30d', ...(e.prompt ? { prompt: e.prompt } : {}) })}>calls</a>
        <span class="grow" /><span class="faint small nowrap">looked at {clock(d.analysis.at).slice(0, 5)}</span><button type="button" class="btn quiet small icon no-print" aria-label="Look again" title="Look again (r)" onClick={look}><Icon name="refresh" size={14} /></button>
      </div>
      <VerdictCard d={d} now={Date.now()} />
      {e.started_at && (
        <>
          {past.error ? <Card title="Effect over time"><div class="card-body"><Problem error={past.error} retry={past.reload} /></div></Card> : past.data?.experiment.id === e.id ? <EffectChart key={e.name} d={{ ...d, over_time: past.data.over_time }} /> : <Card title="Effect over time"><SkeletonRows n={9} /></Card>}
          <EffectTable d={d} />
          <div class="two"><UnitsCard e={e} a={d.analysis} /><MoneyCard a={d.analysis} /></div>
        </>
      )}
      <div class="two"><ArmsCard e={e} /><SettingsCard e={e} /></div>
      {e.started_at ? <div class="two"><EpochsCard e={e} /><HistoryCard d={d} /></div> : <HistoryCard d={d} />}
    </Page>
  )
}
