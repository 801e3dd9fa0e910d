/** What can be done to an experiment; each says beforehand what will happen. */

import { useMemo, useState } from 'preact/hooks'
import { request } from '../lib/api'
import { experimentPath, share, split, steps, type Detail, type Experiment, type Promotion } from '../lib/experiments'
import { go } from '../lib/router'
import { useSession } from '../lib/session'
import { Ask } from './ask'
import { Icon } from './icons'
import { toast } from './parts'

type Doing = 'start' | 'stop' | 'traffic' | 'weights' | 'conclude' | 'promote' | 'delete'

export function Actions({ d, changed }: { d: Detail; changed: () => void }) {
  const { may } = useSession()
  const [doing, set] = useState<Doing | null>(null)
  const e = d.experiment
  if (!may('developer')) return <span class="faint small">Developers start and stop it.</span>
  const done = (word: string) => { set(null); toast(word); changed() }
  const close = () => set(null)
  const over = e.status === 'concluded', ran = e.status !== 'draft'
  const promotable = ran && e.arms.some((a) => a.prompt && (!e.winner || e.winner === a.name)) && (!over || e.winner)
  const ships = d.verdict.state === 'ship', harms = d.verdict.state === 'stop_for_harm' && e.status === 'running'
  return (
    <span class="row wrap end no-print actions-row">
      {e.status === 'draft' && <><button type="button" class="btn quiet danger" onClick={() => set('delete')}>Delete</button><a class="btn" href={`/experiments/${encodeURIComponent(e.name)}?tab=edit`}>Edit</a></>}
      {e.status === 'running' && <><button type="button" class="btn" onClick={() => set('traffic')}>Traffic</button><button type="button" class="btn" onClick={() => set('weights')}>Weights</button></>}
      {(e.status === 'running' || e.status === 'stopped') && <button type="button" class="btn" onClick={() => set('conclude')}>Conclude</button>}
      {e.status === 'running' && <button type="button" class={'btn danger' + (harms ? ' solid' : '')} onClick={() => set('stop')}><Icon name="stop" size={13} />Stop</button>}
      {(e.status === 'draft' || e.status === 'stopped') && <button type="button" class={'btn' + (e.status === 'draft' ? ' primary' : '')} onClick={() => set('start')}><Icon name="play" size={13} />{e.status === 'draft' ? 'Start' : 'Start again'}</button>}
      {promotable && <button type="button" class={'btn' + (ships && !over ? ' primary' : '')} onClick={() => set('promote')}><Icon name="label" size={13} />Promote</button>}
      {doing === 'start' && <Start e={e} onClose={close} onDone={() => done('Started')} />}
      {doing === 'stop' && <Ask danger title={`Stop ${e.name}?`} yes="Stop it" no="Let it run" reason="Why, for the history" act={(reason) => step(e, 'stop', { reason })} onClose={close} onDone={() => done('Stopped')}><p class="muted">From the next call on every call gets what it asks for, and nobody an arm. What was counted stays, and it can be started again.</p></Ask>}
      {doing === 'traffic' && <Traffic e={e} onClose={close} onDone={() => done('The traffic is changed')} />}
      {doing === 'weights' && <Weights e={e} onClose={close} onDone={() => done('The weights are changed')} />}
      {doing === 'conclude' && <Conclude d={d} onClose={close} onDone={() => done('Concluded')} />}
      {doing === 'promote' && <Promote d={d} onClose={close} onDone={(p) => { done(p.change ? 'A change request waits for approval' : `${p.label} is ${p.prompt}`); if (p.change) go('/changes/' + encodeURIComponent(p.change.id)) }} />}
      {doing === 'delete' && <Ask danger title={`Delete ${e.name}?`} yes="Delete the draft" no="Keep it" act={() => request('DELETE', experimentPath(e.name))} onClose={close} onDone={() => { set(null); toast('Draft deleted'); go('/experiments') }}><p class="muted">It has not run, so nothing that was counted is lost.</p></Ask>}
    </span>
  )
}

const step = <T,>(e: Experiment, verb: string, body: Record<string, unknown>): Promise<T> => request<T>('POST', `${experimentPath(e.name)}/${verb}`, { revision: e.revision, ...body, reason: body.reason || undefined })

const shareList = (e: Experiment) => <ul class="share-list">{split(e).map((s) => <li key={s.arm}><b class="any">{s.arm}</b><span class="num">{share(s.share)} <span class="faint">of all units</span></span></li>)}</ul>

function Start({ e, onClose, onDone }: { e: Experiment; onClose: () => void; onDone: () => void }) {
  const labels = e.arms.filter((a) => a.prompt && !/@\d+$/.test(a.prompt))
  return (
    <Ask title={e.status === 'draft' ? `Start ${e.name}?` : `Start ${e.name} again?`} yes="Start it" reason="Why, for the history" act={(reason) => step(e, 'start', { reason })} onClose={onClose} onDone={onDone}>
      <p class="muted">From the next call on each {e.unit.startsWith('header:') ? 'unit' : e.unit} gets an arm, the same one always:</p>
      {shareList(e)}
      {labels.length > 0 && <p class="muted any">{labels.map((a) => a.prompt).join(', ')}: the version that the label points to now is served, whatever becomes of the label.</p>}
      {e.status === 'draft' && <p class="muted">What is compared and by what it is judged cannot change after the start; weights and traffic can.</p>}
    </Ask>
  )
}

const percentOf = (text: string): number | null => { const n = Number(text.replace('%', '').trim()); return text.trim() && Number.isFinite(n) ? n : null }

function Traffic({ e, onClose, onDone }: { e: Experiment; onClose: () => void; onDone: () => void }) {
  const now = e.epochs.at(-1)?.traffic ?? 1, next = steps(e)[0]
  const [text, set] = useState(next ? String(Math.round(next * 1e6) / 1e4) : '')
  const v = percentOf(text), ok = v !== null && v > 0 && v <= 100
  return (
    <Ask title="Change the traffic" yes={ok && v / 100 < now ? 'Lower it' : 'Raise it'} ready={ok && Math.abs(v / 100 - now) > 1e-9} reason="Why, for the history" act={(reason) => step(e, 'ramp', { traffic: v! / 100, reason })} onClose={onClose} onDone={onDone}>
      <p class="muted">{share(now)} of each arm's weight is served now. {next ? <>The next step of the ramp is {share(next)}.</> : 'There is no next step of the ramp.'}</p>
      <label class="label">Traffic, in percent<input class="field" name="traffic" inputMode="decimal" autoFocus value={text} onInput={(x) => set(x.currentTarget.value)} aria-invalid={text !== '' && !ok ? true : undefined} aria-describedby="traffic-rule" /><span id="traffic-rule" class={text !== '' && !ok ? 'wrong' : 'faint'}>more than 0, at most 100</span></label>
      {ok && <ul class="share-list">{split(e).map((s) => <li key={s.arm}><b class="any">{s.arm}</b><span class="num">{share((s.weight * v) / 100)} <span class="faint">of all units</span></span></li>)}</ul>}
      <p class="muted">{ok && v / 100 < now ? 'Units that lose their arm get the control and are no longer analysed.' : 'Nobody who has an arm changes it.'} A new epoch begins.</p>
    </Ask>
  )
}

function Weights({ e, onClose, onDone }: { e: Experiment; onClose: () => void; onDone: () => void }) {
  const first = useMemo(() => {
    const two = split(e).map((s) => Math.round(s.weight * 1e4))
    two[two.length - 1]! += 10_000 - two.reduce((s, n) => s + n, 0) // a third each is 33.33, 33.33 and 33.34
    return two.map((n) => String(n / 100))
  }, [])
  const [list, set] = useState(first)
  const numbers = list.map(percentOf), sum = numbers.reduce<number>((s, n) => s + (n ?? NaN), 0)
  const ok = numbers.every((n) => n !== null && n >= 0) && Math.abs(sum - 100) < 1e-4, same = list.every((v, i) => v === first[i])
  return (
    <Ask title="Change the weights" yes="Change them" ready={ok && !same} reason="Why, for the history" act={(reason) => step(e, 'weights', { weights: Object.fromEntries(e.arms.map((a, i) => [a.name, numbers[i]])), reason })} onClose={onClose} onDone={onDone}>
      <div class="stack" style={{ gap: '8px' }}>
        {e.arms.map((a, i) => <label class="label weight" key={a.name}><span class="any">{a.name}{i === 0 && a.name !== 'control' && <span class="faint"> the control</span>}</span><input class="field num" name={'weight-' + a.name} inputMode="decimal" value={list[i]} onInput={(x) => { const v = x.currentTarget.value; set(list.map((o, k) => (k === i ? v : o))) }} /><span class="faint">%</span></label>)}
        <p class={ok ? 'faint small num' : 'wrong num'} role="status">{Number.isNaN(sum) ? 'each weight is a number from 0 to 100' : `together ${share(sum / 100)}${ok ? '' : ', must be 100%'}`}</p>
      </div>
      <p class="muted">From the next call on. Only arms whose share shrinks give units up, and those are no longer analysed. A new epoch begins, and arms are compared within each.</p>
    </Ask>
  )
}

function Conclude({ d, onClose, onDone }: { d: Detail; onClose: () => void; onDone: () => void }) {
  const e = d.experiment
  const [winner, set] = useState(d.verdict.state === 'ship' ? d.verdict.arm ?? '' : '')
  return (
    <Ask danger title={`Conclude ${e.name}?`} yes={winner ? `Conclude for ${winner}` : 'Conclude for no arm'} no="Not yet" reason="Why, for the history" act={(reason) => step(e, 'conclude', { winner, reason })} onClose={onClose} onDone={onDone}>
      {d.verdict.state !== 'ship' && <div class="notice"><Icon name="warn" /><div class="any">The verdict is not to ship: {d.verdict.text}</div></div>}
      <label class="label">For<select class="field" name="winner" value={winner} onChange={(x) => set(x.currentTarget.value)}><option value="">no arm</option>{e.arms.map((a) => <option key={a.name} value={a.name}>{a.name}</option>)}</select></label>
      <p class="muted">It ends for good: every call gets what it asks for from then on, and it cannot be started again. {winner && <>Nothing is served differently because of it; to serve {winner} to all, promote it.</>}</p>
    </Ask>
  )
}

function Promote({ d, onClose, onDone }: { d: Detail; onClose: () => void; onDone: (p: Promotion) => void }) {
  const e = d.experiment
  const able = e.arms.filter((a) => a.prompt && (!e.winner || a.name === e.winner))
  const [arm, set] = useState(e.winner || (d.verdict.state === 'ship' && able.some((a) => a.name === d.verdict.arm) ? d.verdict.arm! : (able.find((a) => a !== e.arms[0]) ?? able[0])!.name))
  const [label, setLabel] = useState('production')
  const ships = d.verdict.state === 'ship' && d.verdict.arm === arm
  const version = e.arms.find((a) => a.name === arm)?.prompt ?? ''
  return (
    <Ask title="Promote an arm" yes={`Promote ${arm}`} danger={!ships && e.status !== 'concluded'} ready={label.trim() !== ''} reason="Why, for the history" act={(reason) => step<Promotion>(e, 'promote', { arm, label: label.trim(), reason })} onClose={onClose} onDone={onDone}>
      {!ships && e.status !== 'concluded' && <div class="notice"><Icon name="warn" /><div class="any">The verdict is not to ship {arm}: {d.verdict.text}</div></div>}
      <div class="fields"><label class="label">Arm<select class="field" name="arm" value={arm} disabled={able.length < 2} onChange={(x) => set(x.currentTarget.value)}>{able.map((a) => <option key={a.name} value={a.name}>{a.name}</option>)}</select></label>
        <label class="label">Label<input class="field" name="label" maxLength={64} value={label} onInput={(x) => setLabel(x.currentTarget.value)} /></label></div>
      <p class="muted any">{e.status !== 'concluded' && <>The experiment is concluded for <b>{arm}</b>, for good. </>}<b>{label.trim() || 'The label'}</b> moves to <b>{version}</b>: at once, or when the label is protected by a change request that somebody approves.</p>
    </Ask>
  )
}
