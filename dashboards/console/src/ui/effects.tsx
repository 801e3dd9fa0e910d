/** What challengers do to the metrics: over time with the interval that holds at all times, and as of now. */

import { useState } from 'preact/hooks'
import { count } from '../lib/format'
import { amount, key, marginAt, metricName, percentOf, series, signed, standing, tick, reach, worthAt, type Detail, type Effect, type Interval } from '../lib/experiments'
import { shortDate, clock } from '../lib/time'
import { BandChart, type Level } from './bandchart'
import { Icon } from './icons'
import { Card, Segmented } from './parts'

/** Forest is an interval about its value on a line with a zero, and a margin that it should not pass. */
export function Forest({ x, low, high, level, worth, said }: { x: Interval; low: number; high: number; level?: number | null; worth?: number | null; said: string }) {
  const pad = (high - low || 1) * 0.06, span = high - low + 2 * pad
  const at = (v: number) => Math.max(0, Math.min(100, ((v - low + pad) / span) * 100))
  return (
    <div class="forest" role="img" aria-label={said} title={said}>
      <u class="zero" style={{ left: at(0) + '%' }} />{level !== null && level !== undefined && <u class="level" style={{ left: at(level) + '%' }} />}{worth !== null && worth !== undefined && <u class="worth" style={{ left: at(worth) + '%' }} />}
      <i style={{ left: at(x.low) + '%', width: at(x.high) - at(x.low) + '%' }} /><b style={{ left: at(x.value) + '%' }} />
    </div>
  )
}

/** metrics are the primary and the guardrails, once each, whatever the number of challengers. */
const metrics = (list: Effect[]): Effect[] => list.filter((f, i) => f.role !== 'shown' && list.findIndex((o) => key(o) === key(f)) === i)

const moment = (iso: string): string => `${shortDate(iso)}, ${clock(iso).slice(0, 5)}`

/** EffectChart is the effect on one metric over time, challenger by challenger. */
export function EffectChart({ d }: { d: Detail }) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const { experiment: e, analysis: a, over_time: over } = d
  const all = metrics(a.effects)
  const [chosen, choose] = useState('')
  const m = all.find((f) => key(f) === chosen) ?? all[0]
  if (!m) return null
  const own = a.effects.filter((f) => key(f) === key(m))
  const lines = own.map((f, i) => ({ f, colour: 'c' + ((i % 6) + 1), s: series(over, m, f.arm) }))
  const known = lines.some((l) => l.s.values.some((v) => v !== null))
  const margins = own.map(marginAt).filter((v): v is number => v !== null), worths = own.map((f) => worthAt(e, f)).filter((v): v is number => v !== null)
  const levels: Level[] = [
    { label: 'No difference', at: 0, colour: 'text' },
    ...(margins.length ? [{ label: 'Margin', at: margins[0]!, colour: 'c6', dash: [6, 4] }] : []), ...(worths.length ? [{ label: 'Worth having', at: worths[0]!, colour: 'c3', dash: [6, 4] }] : []),
  ]
  const range = reach(lines.map((l) => l.s), levels.map((l) => l.at))
  const better = m.direction === 'lower' ? 'below zero is better' : 'above zero is better'
  return (
    <Card title="Effect over time" class={a.srm.alarm ? 'alarmed' : ''} sub={`${metricName(m)}: ${better}${a.srm.alarm ? ', not to be trusted while frozen' : ''}`} actions={<>
      {all.length > 1 && (all.length <= 4 && all.reduce((n, f) => n + metricName(f).length, 0) < 64 ? <Segmented small class="fit" label="Metric" value={key(m)} onChange={choose} options={all.map((f) => [key(f), metricName(f)] as const)} />
        : <select class="field small-field" aria-label="Metric" value={key(m)} onChange={(x) => choose(x.currentTarget.value)}>{all.map((f) => <option key={key(f)} value={key(f)}>{metricName(f)}</option>)}</select>)}
      <Segmented small class="icons" label="View" value={view} onChange={setView} options={[['chart', <Icon name="chart" size={14} />, 'Chart'], ['table', <Icon name="table" size={14} />, 'Table']]} />
    </>}>
      {!known ? <p class="card-body muted">{e.started_at ? 'Nothing is known yet: it takes two units with a value in each arm.' : 'It has not started.'}</p> : view === 'chart' ? (
        <>
          <div class="band-body"><BandChart label={`Effect on ${metricName(m).toLowerCase()} over time`} times={over.map((p) => Date.parse(p.at))} format={(v) => tick(m, v)} levels={levels} dots height={272} {...(range ? { range } : {})}
            lines={lines.map(({ f, colour, s }) => ({ label: f.arm, colour, values: s.values, low: s.low, high: s.high, said: (i: number) => <><b>{signed(m, s.values[i]!)}</b><span class="of">{signed(m, s.low[i]!)} to {signed(m, s.high[i]!)}</span></> }))} /></div>
          <ul class="legend">
            {lines.map(({ f, colour }) => <li key={f.arm}><span class="stroke" style={{ borderColor: `var(--${colour})` }} /><span class="cut">{f.arm} against {e.arms[0]!.name}</span></li>)}
            <li><span class="swatch band-swatch" />where the truth is, however often one looks</li>
            {levels.map((l) => <li key={l.label}><span class={'stroke' + (l.dash ? ' dash' : '')} style={{ borderColor: `var(--${l.colour})` }} />{l.label}{l.at !== 0 && ' ' + signed(m, l.at)}</li>)}
          </ul>
        </>
      ) : (
        <div class="table-tall" tabIndex={0} role="region" aria-label="Effect over time, table">
          <table class="table dense" data-over><thead><tr><th scope="col">Up to</th><th scope="col" class="num">Units</th>{lines.map(({ f }) => [<th scope="col" class="num" key={f.arm}>{f.arm}</th>, <th scope="col" class="num" key={f.arm + 'i'}>from, to</th>])}</tr></thead>
            <tbody>{over.map((p, i) => ({ p, i })).reverse().map(({ p, i }) => <tr key={p.at}><td class="nowrap">{moment(p.at)}</td><td class="num">{count(p.units)}</td>{lines.map(({ f, s }) => s.values[i] === null ? [<td class="num faint" key={f.arm}>–</td>, <td key={f.arm + 'i'} />] : [<td class="num" key={f.arm}><b>{signed(m, s.values[i]!)}</b></td>, <td class="num nowrap" key={f.arm + 'i'}>{signed(m, s.low[i]!)}, {signed(m, s.high[i]!)}</td>])}</tr>)}</tbody></table>
        </div>
      )}
    </Card>
  )
}

/** EffectTable is every effect as of now: the primary first, then what it may not harm. */
export function EffectTable({ d }: { d: Detail }) {
  const { experiment: e, analysis: a } = d
  const several = e.arms.length > 2
  const list = metrics(a.effects).flatMap((m) => a.effects.filter((f) => key(f) === key(m)))
  if (!list.length) return null
  const ends = (m: Effect) => {
    const own = list.filter((f) => key(f) === key(m) && f.data), v = own.flatMap((f) => [f.difference.low, f.difference.high, marginAt(f) ?? 0, worthAt(e, f) ?? 0])
    return { low: Math.min(0, ...v), high: Math.max(0, ...v) }
  }
  return (
    <Card title="Effects now" sub={a.srm.alarm ? 'not to be trusted while the split is not as planned' : 'with intervals that hold however often one looks'} class={a.srm.alarm ? 'alarmed' : ''}>
      <div class="scroll" tabIndex={0} role="region" aria-label="Effects now, table"><table class={'table effects' + (several ? ' several' : '')} data-effects>
        <thead><tr><th scope="col">Metric</th>{several && <th scope="col">Arm</th>}<th scope="col" class="num wide">{e.arms[0]!.name}</th><th scope="col" class="num wide">{several ? 'Arm has' : e.arms[1]?.name}</th><th scope="col" class="num">Difference</th><th scope="col" class="spread-cell">Interval</th><th scope="col" class="num wide">Margin</th><th scope="col">State</th></tr></thead>
        <tbody>
          {list.map((f, i) => {
            const first = i === 0 || key(list[i - 1]!) !== key(f), [badge, word] = a.srm.alarm ? (['bad', 'frozen'] as const) : standing(f), margin = marginAt(f), worth = worthAt(e, f)
            const said = `${signed(f, f.difference.low)} to ${signed(f, f.difference.high)}`
            return (
              <tr key={f.arm + key(f)} data-effect={f.metric} data-arm={f.arm} data-role={f.role} data-value={f.data ? f.difference.value : ''} data-low={f.data ? f.difference.low : ''} data-high={f.data ? f.difference.high : ''}>
                <td class="any e-metric">{first && <><b class="strong">{metricName(f)}</b><div class="faint small">{f.role === 'primary' ? 'primary' : 'guardrail'}, {f.direction} is better</div></>}</td>
                {several && <td class="any e-arm">{f.arm}</td>}
                {f.data ? (
                  <>
                    <td class="num wide">{amount(f, f.control)}</td><td class="num wide">{amount(f, f.value)}</td>
                    <td class="num e-diff"><b>{f.relative && f.metric !== 'errors' && f.metric !== 'latency' ? percentOf(f.relative.value) : signed(f, f.difference.value)}</b><div class="faint small">{f.relative && f.metric !== 'errors' && f.metric !== 'latency' ? `${percentOf(f.relative.low)} to ${percentOf(f.relative.high)}` : said}</div></td>
                    <td class="spread-cell e-forest"><Forest x={f.difference} {...ends(f)} level={margin} worth={worth} said={said} /></td>
                  </>
                ) : <td colSpan={4} class="muted small any e-diff">no values in {f.units < 2 ? f.arm : e.arms[0]!.name}</td>}
                <td class="num wide nowrap">{f.role === 'guardrail' ? (margin === null ? String(f.margin ?? '–') : signed(f, margin)) : worth !== null ? <>{signed(f, worth)}<div class="faint small">worth having</div></> : <span class="faint">–</span>}</td>
                <td class="e-state"><span class={'badge ' + badge}><Icon name={a.srm.alarm ? 'lock' : badge === 'ok' ? 'check' : badge === 'bad' ? 'stop' : badge === 'warn' ? 'warn' : 'help'} size={11} />{word}</span></td>
              </tr>
            )
          })}
        </tbody>
      </table></div>
      <p class="card-body faint small key-line"><span class="forest-key zero" />no difference{list.some((f) => marginAt(f) !== null) && <><span class="forest-key level" />margin</>}{list.some((f) => worthAt(e, f) !== null) && <><span class="forest-key worth" />worth having</>}</p>
    </Card>
  )
}
