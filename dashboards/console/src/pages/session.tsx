/** One session as a conversation: what each call added, what it cost and how long it took. */

import { useMemo } from 'preact/hooks'
import { query } from '../lib/api'
import { count, ms, plural, span } from '../lib/format'
import { useShortcuts } from '../lib/keys'
import { exact, usd } from '../lib/money'
import { usePages } from '../lib/pages'
import { go, useLocation } from '../lib/router'
import type { SessionPart, SessionTurn } from '../lib/traces'
import { thread, type Said } from '../lib/turns'
import { Errors, BundleCost, More } from '../ui/bundles'
import { pairs, Turn } from '../ui/conversation'
import { Icon } from '../ui/icons'
import { Card, Copy, Money, Problem, SkeletonRows, Status, Time } from '../ui/parts'
import { Page } from '../ui/shell'

export function SessionPage({ id }: { id: string }) {
  const { params } = useLocation()
  const list = usePages<SessionPart>(query('/api/v1/sessions/' + encodeURIComponent(id), { project: params.get('project') ?? '', limit: 50 }))
  const turns = useMemo(() => list.pages.flatMap((p) => p.turns), [list.pages.length, list.pages[0]])
  const said = useMemo(() => thread(turns), [turns])
  const s = list.pages[0]?.session
  useShortcuts({ Escape: () => go('/sessions'), u: () => go('/sessions'), r: list.reload })
  const tile = (k: string, v: preact.ComponentChildren, sub: preact.ComponentChildren) => <div class="card tile" style={{ paddingBottom: '9px' }}><span class="k">{k}</span><span class="v" style={{ fontSize: '20px' }}>{v}</span><span class="s">{sub}</span></div>
  return (
    <Page title="Session" crumbs={<span class="crumbs"><a href="/sessions">Sessions</a><Icon name="right" size={12} /><span class="cut mono" title={id}>{id}</span><Copy text={id} label="the session's id" /></span>}
      actions={s && <a class="btn small no-print" href={query('/calls', { session: id, project: s.project, range: '90d' })}><Icon name="calls" size={14} />Its calls</a>}>
      {list.error && <><Problem error={list.error} retry={list.reload} /><p><a href="/sessions">Back to the sessions</a></p></>}
      {!s && !list.error && <Card title="Conversation"><SkeletonRows n={10} /></Card>}
      {s && (
        <>
          <div class="row" style={{ flexWrap: 'wrap', marginTop: '-8px' }}>
            <span class="muted">{s.project}</span>{s.users.map((u) => <a key={u} class="any" href={'/users/' + encodeURIComponent(u)}>{u}</a>)}
            <span class="faint">·</span><span class="muted"><Time iso={s.start_time} mode="full" /> to <Time iso={s.end_time} mode="full" /></span>
          </div>
          <div class="tiles" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))' }}>
            {tile('Calls', count(s.calls), s.errors ? <><Errors n={s.errors} /> failed</> : 'none failed')}
            {tile('Length', span(s.duration_ms / 1000), s.scores ? plural(s.scores, 'score') : 'no scores')}
            {tile('Tokens', <>{count(s.input_tokens)} <span class="faint">→</span> {count(s.output_tokens)}</>, s.models.join(', '))}
            {tile('Cost', s.cost_usd === null ? <BundleCost b={s} /> : <span title={exact(s.cost_usd)}>{usd(s.cost_usd)}</span>, s.unpriced_calls && s.cost_usd !== null ? plural(s.unpriced_calls, 'call') + ' without a price' : 'each turn pays for its history again')}
          </div>
          <div class="turns">{turns.map((t, i) => <OneTurn key={t.id} t={t} said={said[i]!} n={i + 1} />)}</div>
          <More {...list} end={`${plural(turns.length, 'turn')}, the session in full.`} />
        </>
      )}
    </Page>
  )
}

function OneTurn({ t, said, n }: { t: SessionTurn; said: Said; n: number }) {
  const shown = pairs(said.messages)
  return (
    <Card class="turn" label={'Turn ' + n} title={<a href={'/calls/' + encodeURIComponent(t.id)}>Turn {n}</a>} sub={<><Time iso={t.start_time} mode="full" /> · {t.model || t.model_requested}</>} actions={<span class="meta"><Status status={t.status} http={t.http_status} /><span>{ms(t.duration_ms)}</span><Money value={t.cost_usd} unknown="unknown" /></span>}>
      {said.hidden > 0 && <p class="earlier">{said.branched ? `It goes back to an earlier place: ${plural(said.hidden, 'message')} from there, sent again, not shown again.` : `${plural(said.hidden, 'earlier message')}, sent again, not shown again.`}</p>}
      {shown.messages.map((m, i) => <Turn key={i} m={m} plain={false} many={shown.messages.filter((x) => x.answer).length > 1} results={shown.results} />)}
      {t.error && <div class="msg"><div class="notice bad"><Icon name="warn" /><div class="any"><b>{t.error.type}</b> {t.error.message}</div></div></div>}
      {!shown.messages.length && !t.error && <p class="card-body muted" style={{ paddingTop: '10px' }}>{said.hidden ? 'Nothing new was said.' : 'Nothing of what was said is recorded.'}</p>}
    </Card>
  )
}
