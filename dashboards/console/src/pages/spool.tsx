/** The spool: where the accepted records are, what is wrong with them and what to do, and those that ClickHouse refuses. */

import { useState } from 'preact/hooks'
import { Failure, request, useGet, type Loaded } from '../lib/api'
import { bytes, count, percent, plural, span } from '../lib/format'
import { Icon } from '../ui/icons'
import { Card, Modal, Problem, SkeletonRows, Time, toast } from '../ui/parts'
import { Code } from '../ui/text'

export interface Spool {
  accepted: number; written: number; waiting: number; quarantined: number; dropped: number; bodies_dropped: number; oldest_waiting_seconds: number
  at_risk: number; damaged: number; discarded: number; lost: number; under_way: number; segments: number; bytes: number; max_bytes: number
  problems: { kind: string; message: string; action: string; past: boolean }[]; error: string
}

interface Quarantined { id: string; number: number; since: string | null; reason: string; bytes: number; readable: boolean; project: string; model: string; status: string | null }

const parts = [
  ['written', 'written', 'var(--c3)'], ['waiting', 'waiting', 'var(--c1)'], ['quarantined', 'quarantined', 'var(--c2)'], ['dropped', 'dropped', 'var(--c6)'],
] as const

/** titles are of what is wrong now; the others' messages are short enough. */
const titles: Record<string, string> = { store: 'ClickHouse does not take records at the moment', full: 'The spool is full', slow: 'The disk is slow', unsynced: 'The disk does not keep what is written' }

const milder = ['store', 'bodies_dropped', 'at_risk']

/** Alarms says loudly what is wrong now, and what to do. */
export function Alarms({ spool }: { spool: Spool }) {
  const now = spool.problems.filter((p) => !p.past)
  if (!now.length) return null
  return (
    <div class="stack alarms" role="alert" aria-label="What is wrong with the records">
      {now.map((p) => (
        <div key={p.kind + p.message} class={'notice ' + (milder.includes(p.kind) ? '' : 'bad')} data-kind={p.kind}>
          <Icon name="warn" /><div class="grow"><b>{titles[p.kind] ?? p.message}</b><div>{p.action}</div>{titles[p.kind] && <div class="small">{p.message}</div>}</div>
        </div>
      ))}
    </div>
  )
}

/** SpoolCard is the balance of the records as figures and as a picture. */
export function SpoolCard({ spool }: { spool: Loaded<Spool> }) {
  const s = spool.data
  const balanced = s && s.accepted === s.written + s.waiting + s.quarantined + s.dropped
  const bad = s?.problems.some((p) => !p.past && !milder.includes(p.kind))
  return (
    <Card title="Records" actions={s && (!balanced ? <span class="badge bad"><span class="dot" />counters do not balance</span> : bad ? <span class="badge bad"><span class="dot" />needs attention</span> : s.error || s.oldest_waiting_seconds > 30 ? <span class="badge warn"><span class="dot" />falling behind</span> : s.dropped > s.discarded ? <span class="badge warn"><span class="dot" />records were dropped before</span> : <span class="badge ok"><span class="dot" />nothing lost</span>)}>
      {spool.error ? <div class="card-body"><Problem error={spool.error} retry={spool.reload} /></div> : !s ? <SkeletonRows n={2} /> : (
        <div class="card-body stack" style={{ gap: '12px' }}>
          <div class="balance">
            <div><b>{count(s.accepted)}</b><span class="muted">accepted</span></div>
            {parts.map(([k, name, colour], i) => [
              <span key={k + '+'}>{i ? '+' : '='}</span>,
              <div key={k}><b>{count(s[k])}</b><span class="muted"><span class="swatch" style={{ background: colour }} />{name}{k === 'waiting' && s.waiting > 0 && `, oldest ${span(s.oldest_waiting_seconds)}`}{k === 'dropped' && s.discarded > 0 && `, ${count(s.discarded)} by hand`}</span></div>,
            ])}
          </div>
          <div class="flow" role="img" aria-label={s.accepted ? `Of ${plural(s.accepted, 'accepted record')}: ` + parts.map(([k, name]) => `${percent(s[k], s.accepted)} ${name}`).join(', ') : 'No record was accepted yet'}>
            {parts.map(([k, name, colour]) => s[k] > 0 && <i key={k} data-part={k} title={`${count(s[k])} ${name}, ${percent(s[k], s.accepted)}`} style={{ background: colour, flexGrow: s[k] / s.accepted }} />)}
          </div>
          <dl class="facts">
            <dt>On the disk</dt><dd>{bytes(s.bytes)}{s.max_bytes > 0 && <span class="muted">of at most {bytes(s.max_bytes)}, in {plural(s.segments, 'file')}</span>}</dd>
            <dt>Under way</dt><dd>{plural(s.under_way, 'call')}{s.lost > 0 && <span class="muted">{plural(s.lost, 'call')} cut off by the last stop</span>}</dd>
            <dt>At risk</dt><dd>{count(s.at_risk)}<span class="muted">answered before the record was on a slow disk</span></dd>
            <dt>Bodies dropped</dt><dd>{count(s.bodies_dropped)}<span class="muted">kept without what was said, for want of room</span></dd>
            {s.damaged > 0 && <><dt>Damaged</dt><dd>{count(s.damaged)}<span class="muted">of the quarantined: lost to the disk, <code>weir spool quarantine drop damaged --yes</code> takes note</span></dd></>}
          </dl>
          {s.problems.filter((p) => p.past).map((p) => <div key={p.kind} class="notice plain"><Icon name="help" /><div>Before this start: {p.message} {p.action}</div></div>)}
        </div>
      )}
    </Card>
  )
}

/** QuarantineCard lists the records that ClickHouse refuses, to be read, resent or given up. */
export function QuarantineCard({ changed }: { changed: () => void }) {
  const list = useGet<{ records: Quarantined[]; total: number; truncated: boolean }>('/api/v1/spool/quarantine?limit=100')
  const [shown, setShown] = useState<Quarantined | null>(null)
  const [leaving, setLeaving] = useState<Quarantined | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Failure | null>(null)
  const rows = list.data?.records ?? []
  const done = (text: string) => { toast(text); list.reload(); changed() }
  const resend = async (which: Quarantined[]) => {
    setBusy(true)
    setError(null)
    let sent = 0
    try {
      for (const q of which) {
        await request('POST', `/api/v1/spool/quarantine/${q.number}/resend`)
        sent++
      }
    } catch (x) { setError(x as Failure) }
    setBusy(false)
    done(`${plural(sent, 'record')} back in the spool`)
  }
  const readable = rows.filter((q) => q.readable)
  return (
    <Card title="Quarantine" sub={list.data && String(list.data.total)} actions={readable.length > 0 && <button type="button" class="btn small" disabled={busy} onClick={() => resend(readable)}><Icon name="refresh" size={14} />Resend {readable.length === list.data?.total ? 'all' : `these ${readable.length}`}</button>}>
      {error && <div class="card-body"><Problem error={error} /></div>}
      {list.error ? <div class="card-body"><Problem error={list.error} retry={list.reload} /></div> : !list.data ? <SkeletonRows n={3} /> : !rows.length ? <p class="card-body muted">No file of a refused record is here.</p> : (
        <div class="scroll"><table class="table">
          <thead><tr><th scope="col">Call</th><th scope="col" class="wide">Project</th><th scope="col" class="wide">Model</th><th scope="col">Since</th><th scope="col">Reason</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
          <tbody>
            {rows.map((q) => (
              <tr key={q.number}>
                <td class="mono">{q.readable ? q.id : <span class="badge warn">not readable</span>}</td>
                <td class="wide">{q.project}</td><td class="wide">{q.model}</td>
                <td class="nowrap"><Time iso={q.since} mode="ago" /></td>
                <td class="why">{q.reason}</td>
                <td><span class="row" style={{ gap: '6px', justifyContent: 'flex-end' }}>
                  {q.readable && <button type="button" class="btn small" onClick={() => setShown(q)}>Show</button>}
                  {q.readable && <button type="button" class="btn small" disabled={busy} onClick={() => resend([q])}>Resend</button>}
                  <button type="button" class="btn small danger" onClick={() => setLeaving(q)}>Drop</button>
                </span></td>
              </tr>
            ))}
          </tbody>
        </table></div>
      )}
      {shown && <Show q={shown} onClose={() => setShown(null)} />}
      {leaving && <Drop q={leaving} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); done('Record dropped') }} />}
    </Card>
  )
}

function Show({ q, onClose }: { q: Quarantined; onClose: () => void }) {
  const whole = useGet<{ call: unknown }>('/api/v1/spool/quarantine/' + q.number)
  return (
    <Modal title={'Record ' + q.number} onClose={onClose}>
      <div class="notice bad"><Icon name="warn" /><div style={{ overflowWrap: 'anywhere' }}>{q.reason}</div></div>
      {whole.error ? <Problem error={whole.error} retry={whole.reload} /> : !whole.data ? <SkeletonRows n={4} /> : <Code lang="json" text={JSON.stringify(whole.data.call, null, 2)} />}
    </Modal>
  )
}

function Drop({ q, onClose, onDone }: { q: Quarantined; onClose: () => void; onDone: () => void }) {
  const [error, setError] = useState<Failure | null>(null)
  const [busy, setBusy] = useState(false)
  const go = async () => {
    setBusy(true)
    try { await request('DELETE', '/api/v1/spool/quarantine/' + q.number); onDone() } catch (x) { setError(x as Failure); setBusy(false) }
  }
  return (
    <Modal title={`Drop record ${q.number}?`} onClose={onClose}>
      {error && <Problem error={error} />}
      <p>What the call <code>{q.id}</code> said and cost is deleted for good and counted as dropped. If the cause of the refusal can be mended, resend it instead.</p>
      <div class="actions"><button type="button" class="btn" onClick={onClose}>Keep it</button><button type="button" class="btn danger solid" disabled={busy} onClick={go}>Drop the record</button></div>
    </Modal>
  )
}
