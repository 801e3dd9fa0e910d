/** Labels: where each points, who moved it and why, and the ways to move it, back too. */

import { useState } from 'preact/hooks'
import { request, useGet } from '../lib/api'
import { plural } from '../lib/format'
import { LATEST, promptPath, roomOf, type Change, type Move, type Moved, type Prompt, type Protection } from '../lib/prompts'
import { go } from '../lib/router'
import { useSession } from '../lib/session'
import { Ask } from './ask'
import { Icon } from './icons'
import { Card, Problem, SkeletonRows, Time, toast } from './parts'

export function LabelChip({ label, version, locked = false }: { label: string; version?: number | undefined; locked?: boolean }) {
  return (
    <span class={'tag label-chip' + (label === 'production' ? ' main' : '')} title={`${label}${version ? ` points to version ${version}` : ' points nowhere yet'}${locked ? '; it is protected: it moves by an approved change request' : ''}`}>
      {locked && <><Icon name="lock" size={11} /><span class="sr">protected: </span></>}<span class="cut">{label}</span>{version !== undefined && <b>v{version}</b>}
    </span>
  )
}

const told = (m: Moved) => toast(m.converged ? `${m.label} points to version ${m.to}` : `${m.label} points to version ${m.to}; not every weir serves it yet`)

/** MoveLabel points a label to a version, or asks for that when the label is protected. */
export function MoveLabel({ p, version, label: first, onClose, onDone }: { p: Prompt; version: number; label?: string | undefined; onClose: () => void; onDone: () => void }) {
  const known = [...new Set(['production', ...p.labels.map((l) => l.label), ...p.protections.map((x) => x.label)])].filter((l) => l !== LATEST)
  const free = known.find((l) => p.labels.find((x) => x.label === l)?.version !== version)
  const [pick, setPick] = useState(first ?? free ?? known[0]!)
  const [own, setOwn] = useState('')
  const [to, setTo] = useState(version)
  const label = pick === '' ? own.trim() : pick
  const at = p.labels.find((l) => l.label === label)
  const rule = p.protections.find((x) => x.label === label)
  const act = async (reason: string): Promise<Moved | Change> => rule
    ? request<Change>('POST', promptPath(p.name) + '/changes', { label, version: to, reason })
    : request<Moved>('PUT', `${promptPath(p.name)}/labels/${encodeURIComponent(label)}`, { version: to, expect: at?.version ?? 0, reason })
  const done = (made: Moved | Change) => {
    onDone()
    if ('id' in made) { toast('Change request opened'); go('/changes/' + encodeURIComponent(made.id)) } else told(made)
  }
  return (
    <Ask title={rule ? `Ask for ${label} to move` : 'Move a label'} yes={rule ? 'Open the change request' : 'Move the label'} reason={rule ? 'Why, for those who review it' : 'Why, for the history'} act={act} onClose={onClose} onDone={done} ready={label !== '' && at?.version !== to}>
      <div class="fields">
        <label class="label">Label<select class="field" name="label" value={pick} onChange={(e) => setPick(e.currentTarget.value)}>{known.map((l) => <option key={l} value={l}>{l}{p.protections.some((x) => x.label === l) ? ' (protected)' : ''}</option>)}<option value="">another…</option></select></label>
        {pick === '' && <label class="label">Its name<input class="field" name="own" placeholder="staging" maxLength={64} value={own} onInput={(e) => setOwn(e.currentTarget.value)} /></label>}
        <label class="label">To version<select class="field" name="version" value={String(to)} onChange={(e) => setTo(Number(e.currentTarget.value))}>{p.versions.filter((v) => !v.deleted_at).map((v) => <option key={v.version} value={String(v.version)}>v{v.version}{v.message ? ': ' + v.message.slice(0, 60) : ''}</option>)}</select></label>
      </div>
      <p class="muted">{at ? at.version === to ? <>It points there already.</> : <>It points to <b>v{at.version}</b> now, since <Time iso={at.moved_at} mode="ago" />.</> : label ? 'The label is made by this.' : 'Give the label a name.'}</p>
      {rule && <div class="notice plain"><Icon name="lock" /><div>{label} is protected: it moves when {plural(rule.approvals, 'other person approves', 'other people approve')}{rule.gate && <>, and the evaluation <b>{rule.gate}</b> has passed for the version</>}.</div></div>}
    </Ask>
  )
}

/** Rollback moves a label back to the version before, or to one it was at before. */
export function Rollback({ name, label, at, moves, onClose, onDone }: { name: string; label: string; at: number; moves: Move[]; onClose: () => void; onDone: () => void }) {
  const before = [...new Set(moves.filter((m) => m.label === label).flatMap((m) => [m.to, m.from]))].filter((v) => v > 0 && v !== at)
  const last = moves.find((m) => m.label === label)?.from ?? before[0] ?? 0
  const [to, setTo] = useState(before.includes(last) ? last : before[0] ?? 0)
  return (
    <Ask title={`Roll ${label} back`} yes="Roll back" reason="Why, for the history" ready={to > 0}
      act={(reason) => request<Moved>('POST', `${promptPath(name)}/labels/${encodeURIComponent(label)}/rollback`, { version: to, reason })} onClose={onClose} onDone={(m) => { onDone(); told(m) }}>
      <p class="muted">It points to <b>v{at}</b>. Going back to a version that the label pointed to before needs no approval, also when the label is protected. Calls that start afterwards use it.</p>
      <label class="label">Back to<select class="field" name="version" value={String(to)} onChange={(e) => setTo(Number(e.currentTarget.value))}>{before.map((v) => <option key={v} value={String(v)}>v{v}{v === last ? ', the one before' : ''}</option>)}</select></label>
    </Ask>
  )
}

function Protect({ name, rule, label, onClose, onDone }: { name: string; rule: Protection | undefined; label: string; onClose: () => void; onDone: () => void }) {
  const [n, setN] = useState(String(rule?.approvals ?? 1))
  const [gate, setGate] = useState(rule?.gate ?? '')
  return (
    <Ask title={`Protect ${label}`} yes={rule ? 'Change the protection' : 'Protect it'} act={() => request('PUT', `${promptPath(name)}/protections/${encodeURIComponent(label)}`, { approvals: /^\d+$/.test(n.trim()) ? Number(n) : n, ...(gate.trim() ? { gate: gate.trim() } : {}) })} onClose={onClose} onDone={() => { onDone(); toast('Label protected') }}>
      <p class="muted">From then on the label moves to a new version by an approved change request only. Who asks cannot approve.</p>
      <div class="fields">
        <label class="label">Approvals it takes<input class="field" name="approvals" inputMode="numeric" value={n} onInput={(e) => setN(e.currentTarget.value)} /></label>
        <label class="label">Evaluation that must pass<input class="field" name="gate" placeholder="none" maxLength={64} value={gate} onInput={(e) => setGate(e.currentTarget.value)} /></label>
      </div>
    </Ask>
  )
}

type Doing = { kind: 'move' | 'back' | 'protect' | 'free' | 'remove'; label: string } | { kind: 'undo'; move: Move }

/** LabelsView is the part of a prompt's room about its labels. */
export function LabelsView({ p, changed }: { p: Prompt; changed: () => void }) {
  const { may } = useSession()
  const moves = useGet<{ moves: Move[] }>(promptPath(p.name) + '/moves')
  const [doing, set] = useState<Doing | null>(null)
  const list = moves.data?.moves ?? []
  const labels = [...new Set([...p.labels.map((l) => l.label), ...p.protections.map((x) => x.label)])].filter((l) => l !== LATEST)
  const done = () => { set(null); changed(); moves.reload() }
  const undoable = new Set<number>()
  const seen = new Set<string>()
  for (const m of list) if (!seen.has(m.label)) { seen.add(m.label); if (m.from > 0 && m.to > 0) undoable.add(m.revision) }
  const free = p.versions.find((v) => !v.deleted_at)?.version ?? 0
  return (
    <>
      <Card title="Labels" sub={<>latest moves by itself, to each new version</>} actions={may('developer') && free > 0 && <button type="button" class="btn small" onClick={() => set({ kind: 'move', label: '' })}><Icon name="plus" size={13} />Move or make a label</button>}>
        {!labels.length ? <p class="card-body muted">No label points to a version, so <code>{p.name}</code> means the newest one. Give one the label <code>production</code>, and it is what calls get that name none.</p> : (
          <div class="scroll"><table class="table" data-labels>
            <thead><tr><th scope="col">Label</th><th scope="col">Version</th><th scope="col" class="wide">Moved</th><th scope="col" class="wide">Rule</th><th scope="col"><span class="sr">Actions</span></th></tr></thead>
            <tbody>
              {labels.map((label) => {
                const at = p.labels.find((l) => l.label === label), rule = p.protections.find((x) => x.label === label)
                const been = list.some((m) => m.label === label && m.from > 0 && m.from !== at?.version)
                return (
                  <tr key={label}>
                    <td><LabelChip label={label} locked={!!rule} /></td>
                    <td>{at ? <a href={roomOf(p.name, { v: at.version })}>v{at.version}</a> : <span class="faint">none</span>}</td>
                    <td class="wide muted"><Time iso={at?.moved_at} mode="ago" /></td>
                    <td class="wide muted any">{rule ? <>{plural(rule.approvals, 'approval')}{rule.gate && <> and the evaluation {rule.gate}</>}</> : 'moves freely'}</td>
                    <td><div class="row wrap end">
                      {may('developer') && <button type="button" class="btn small" aria-label={`Move ${label}`} onClick={() => set({ kind: 'move', label })}>Move</button>}
                      {may('developer') && at && been && <button type="button" class="btn small" aria-label={`Roll back ${label}`} onClick={() => set({ kind: 'back', label })}><Icon name="undo" size={13} />Roll back</button>}
                      {may('admin') && <button type="button" class="btn small quiet" aria-label={`${rule ? 'Rule of' : 'Protect'} ${label}`} onClick={() => set({ kind: 'protect', label })}>{rule ? 'Rule' : 'Protect'}</button>}
                      {may('admin') && rule && <button type="button" class="btn small quiet" aria-label={`Set free ${label}`} onClick={() => set({ kind: 'free', label })}>Set free</button>}
                      {may('developer') && at && !rule && <button type="button" class="btn small quiet icon" aria-label={`Take ${label} away`} title="Take the label away" onClick={() => set({ kind: 'remove', label })}><Icon name="close" size={14} /></button>}
                    </div></td>
                  </tr>
                )
              })}
            </tbody>
          </table></div>
        )}
      </Card>
      <Card title="Moves" sub="newest first, kept for ever">
        {moves.error ? <div class="card-body"><Problem error={moves.error} retry={moves.reload} /></div> : !moves.data ? <SkeletonRows n={4} /> : !list.length ? <p class="card-body muted">No label was moved yet.</p> : (
          <ul class="happened moves" data-moves>
            {list.map((m) => (
              <li key={m.revision}>
                <span class="when"><Time iso={m.moved_at} mode="full" /></span>
                <span class="grow"><LabelChip label={m.label} /> {m.from ? <>v{m.from}</> : 'made'} <span class="faint">→</span> {m.to ? <b>v{m.to}</b> : <b>taken away</b>} <span class="muted">by {m.author}{m.reason && <>: {m.reason}</>}</span>{m.change && <> <a href={'/changes/' + encodeURIComponent(m.change)}>change request</a></>}</span>
                <span class="faint small" title="revision of all labels">#{m.revision}</span>
                {may('developer') && undoable.has(m.revision) && <button type="button" class="btn small" aria-label={`Undo the move of ${m.label} to version ${m.to}`} onClick={() => set({ kind: 'undo', move: m })}><Icon name="undo" size={13} />Undo</button>}
              </li>
            ))}
          </ul>
        )}
      </Card>
      {doing?.kind === 'move' && <MoveLabel p={p} version={free} label={doing.label || undefined} onClose={() => set(null)} onDone={done} />}
      {doing?.kind === 'back' && <Rollback name={p.name} label={doing.label} at={p.labels.find((l) => l.label === doing.label)?.version ?? 0} moves={list} onClose={() => set(null)} onDone={done} />}
      {doing?.kind === 'protect' && <Protect name={p.name} label={doing.label} rule={p.protections.find((x) => x.label === doing.label)} onClose={() => set(null)} onDone={done} />}
      {doing?.kind === 'free' && <Ask danger title={`Set ${doing.label} free?`} yes="Set it free" act={() => request('DELETE', `${promptPath(p.name)}/protections/${encodeURIComponent(doing.label)}`)} onClose={() => set(null)} onDone={() => { done(); toast('Label set free') }}><p class="muted">Every developer may move it from then on, without an approval.</p></Ask>}
      {doing?.kind === 'remove' && <Ask danger title={`Take ${doing.label} away?`} yes="Take it away" act={() => request('DELETE', `${promptPath(p.name)}/labels/${encodeURIComponent(doing.label)}`)} onClose={() => set(null)} onDone={() => { done(); toast('Label taken away') }}><p class="muted">Calls that name <code>{p.name}@{doing.label}</code> are refused from then on.</p></Ask>}
      {doing?.kind === 'undo' && <Ask title="Undo this move?" yes="Undo it" reason="Why, for the history" act={(reason) => request<Moved>('POST', `${promptPath(p.name)}/moves/${doing.move.revision}/undo`, { reason })} onClose={() => set(null)} onDone={(m) => { done(); told(m) }}><p class="muted"><b>{doing.move.label}</b> goes from v{doing.move.to} back to <b>v{doing.move.from}</b>. Calls that start afterwards use it. Both moves stay in the history.</p></Ask>}
    </>
  )
}
