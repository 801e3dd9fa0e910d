/** What each version of a prompt was used for, what it cost, how long it took and how good it was. */

import { useMemo } from 'preact/hooks'
import { query, useGet } from '../lib/api'
import { count, ms, percent, plural, short } from '../lib/format'
import { exact, parse, pixels, render, usd } from '../lib/money'
import { promptPath, roomOf, versionOfScore, type ScoreRow, type Usage, type VersionUsage } from '../lib/prompts'
import { patch, useLocation } from '../lib/router'
import { presets } from '../lib/time'
import { Card, Money, Problem, Segmented, SkeletonRows, Unpriced } from './parts'

type Measure = 'calls' | 'each' | 'latency' | `score:${string}`

/** each is the cost of one of a version's priced calls; null when none has a price. */
function each(u: VersionUsage): string | null {
  const whole = parse(u.cost_usd), n = u.calls - (u.unpriced_calls ?? 0)
  return whole === null || n <= 0 ? null : render(whole / BigInt(n))
}

const said = (r: ScoreRow): string => (r.type === 'boolean' ? percent(r.mean, 1) : r.type === 'number' ? String(Number(r.mean.toPrecision(3))) : Object.entries(r.categories ?? {}).sort((a, b) => b[1] - a[1]).slice(0, 1).map(([c, n]) => `${c} ${percent(n, r.n)}`).join(''))

export function UsageView({ name }: { name: string }) {
  const { params } = useLocation()
  const since = params.get('range') ?? '30d'
  const range = since in presets ? since : '30d'
  const usage = useGet<Usage>(query(promptPath(name) + '/usage', { since: range }))
  const scores = useGet<{ rows: ScoreRow[] }>(query('/api/v1/scores/summary', { by: 'prompt', prompt: name, since: range }))
  const versions = usage.data?.versions ?? []
  const byVersion = useMemo(() => {
    const out = new Map<number, Map<string, ScoreRow>>()
    for (const r of scores.data?.rows ?? []) {
      const v = versionOfScore(r)
      out.set(v, (out.get(v) ?? new Map()).set(r.name, r))
    }
    return out
  }, [scores.data])
  const names = useMemo(() => [...new Set((scores.data?.rows ?? []).map((r) => r.name))].sort().slice(0, 4), [scores.data])
  const drawn = names.filter((n) => scores.data?.rows.some((r) => r.name === n && r.type !== 'category'))
  const picker = <Segmented small label="Range" value={range} options={Object.entries(presets).map(([k, p]) => [k, p.label, p.long] as const)} onChange={(v) => patch({ range: v === '30d' ? undefined : v }, true)} />
  if (usage.error) return <Problem error={usage.error} retry={usage.reload} />
  if (!usage.data) return <Card title="Use of each version" actions={picker}><SkeletonRows n={5} /></Card>
  if (!versions.length) return <Card title="Use of each version" actions={picker}><p class="card-body muted">No call of the {presets[range]!.long} named this prompt.</p></Card>
  return (
    <>
      <Card title="Version beside version" sub={presets[range]!.long} actions={picker}>
        <div class="multiples">
          {([['each', 'Cost a call'], ['latency', 'Latency, median'], ['calls', 'Calls'], ...drawn.map((n): [Measure, string] => [`score:${n}`, n])] as [Measure, string][]).map(([m, title]) => (
            <Bars key={m} title={title} versions={versions} measure={m} score={(v) => (m.startsWith('score:') ? byVersion.get(v)?.get(m.slice(6)) : undefined)} />
          ))}
        </div>
      </Card>
      <Card label="Use of each version">
        <div class="scroll" tabIndex={0} role="region" aria-label="Use of each version, table"><table class="table" data-usage>
          <thead><tr><th scope="col">Version</th><th scope="col" class="num">Calls</th><th scope="col" class="num">Errors</th><th scope="col" class="num wide">Cost</th><th scope="col" class="num">Cost a call</th><th scope="col" class="num">p50</th><th scope="col" class="num wide">p95</th><th scope="col" class="num wide" title="tokens of a call, in and out">Tokens</th>{names.map((n) => <th scope="col" class="num" key={n}>{n}</th>)}</tr></thead>
          <tbody>
            {versions.map((u) => (
              <tr key={u.version} data-version={u.version}>
                <td>{u.version ? <a href={roomOf(name, { v: u.version })}>v{u.version}</a> : <span class="faint" title="the calls were refused before a version was known">none</span>}</td>
                <td class="num">{u.version ? <a style={{ color: 'inherit' }} href={query('/calls', { prompt: `${name}@${u.version}`, range })}>{count(u.calls)}</a> : count(u.calls)}</td>
                <td class="num">{u.errors ? <span title={plural(u.errors, 'error')}>{percent(u.errors, u.calls)}</span> : <span class="faint">–</span>}</td>
                <td class="num nowrap wide">{u.version || parse(u.cost_usd) ? <><Money value={u.cost_usd} />{u.cost_usd !== null && <Unpriced calls={u.unpriced_calls} small />}</> : <span class="faint">–</span>}</td>
                <td class="num" data-each={each(u) ?? ''}>{each(u) === null ? <span class="faint">–</span> : <span title={exact(each(u))}>{usd(each(u))}</span>}</td>
                <td class="num">{ms(u.latency_p50_ms)}</td><td class="num wide">{ms(u.latency_p95_ms)}</td>
                <td class="num wide">{u.calls ? <>{short(u.input_tokens / u.calls)} <span class="faint">→</span> {short(u.output_tokens / u.calls)}</> : '–'}</td>
                {names.map((n) => { const r = byVersion.get(u.version)?.get(n); return <td class="num any" key={n}>{r ? <span title={`${plural(r.n, 'score')}${r.type === 'number' ? `, from ${r.min} to ${r.max}, SD ${r.sd.toPrecision(3)}` : ''}`}>{said(r)}</span> : <span class="faint">–</span>}</td> })}
              </tr>
            ))}
          </tbody>
        </table></div>
        {!names.length && <p class="card-body faint small" style={{ paddingTop: '10px' }}>{scores.error ? `Scores could not be read: ${scores.error.message}` : <>No call of this prompt is scored. <code>POST /api/v1/scores</code> says what is thought of a call, and it stands here by version.</>}</p>}
      </Card>
    </>
  )
}

/** Bars is the small chart; its figures stand in the table below it. */
function Bars({ title, versions, measure, score }: { title: string; versions: VersionUsage[]; measure: Measure; score: (v: number) => ScoreRow | undefined }) {
  const list = versions.filter((u) => u.version > 0).slice(0, 12).reverse()
  const value = (u: VersionUsage): number | null => (measure === 'calls' ? u.calls : measure === 'latency' ? u.latency_p50_ms : measure === 'each' ? (each(u) === null ? null : pixels(each(u))) : score(u.version)?.type === 'category' ? null : score(u.version)?.mean ?? null)
  const text = (u: VersionUsage): string => { const r = score(u.version); return value(u) === null ? 'not known' : measure === 'calls' ? short(u.calls) : measure === 'latency' ? ms(u.latency_p50_ms) : measure === 'each' ? usd(each(u)) : r ? said(r) : '' }
  const max = Math.max(...list.map((u) => value(u) ?? 0), 1e-12)
  return (
    <figure class="multiple">
      <figcaption class="any">{title}</figcaption>
      <div class="vbars" role="img" aria-label={`${title}, by version. The same figures are in the table below.`}>
        {list.map((u) => (
          <div class="vbar" key={u.version} title={`v${u.version}: ${text(u)}`}>
            <span class="fig">{value(u) === null ? '?' : text(u)}</span>
            <span class="col"><i style={{ height: ((value(u) ?? 0) / max) * 100 + '%' }} class={value(u) === null ? 'none' : ''} /></span>
            <span class="v">v{u.version}</span>
          </div>
        ))}
      </div>
    </figure>
  )
}
