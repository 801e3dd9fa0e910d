/** The response cache: what it answered, what that saved, what it holds, and what never asked it. */

import { useMemo, useState } from 'preact/hooks'
import { query, useGet, type Costs } from '../lib/api'
import { asked, hits, series, tally, type Tally } from '../lib/cache'
import { bytes, count, percent, plural } from '../lib/format'
import { cents, exact, parse, pixels, type Decimal } from '../lib/money'
import { pivot } from '../lib/pivot'
import { patch, useLocation } from '../lib/router'
import { resolve } from '../lib/time'
import { TimeChart } from '../ui/chart'
import { Icon } from '../ui/icons'
import { Card, Empty, Money, Problem, Segmented, Skeleton, SkeletonRows, Spark, toast } from '../ui/parts'
import { Purge } from '../ui/purge'
import { RangePicker } from '../ui/range'
import { Page } from '../ui/shell'

interface Cache { hits: number; misses: number; fills: number; saved_usd: Decimal; entries: number; bytes: number; max_bytes: number; evictions: number; expired: number; semantic?: { hits: number; kept: number; audits_agreed: number; audits_disagreed: number } }

const groups = [['model', 'Model'], ['project', 'Project'], ['prompt', 'Prompt'], ['key', 'Key'], ['endpoint', 'Endpoint']] as const

export function CachePage() {
  const { params } = useLocation()
  const minute = Math.floor(Date.now() / 60_000) * 60_000
  const range = useMemo(() => resolve(params, '30d', minute), [params.toString(), minute])
  const since = Date.parse(range.since), until = range.until ? Date.parse(range.until) : minute
  const span = { since: range.since, until: range.until }
  const wanted = params.get('by') ?? 'model'
  const by = groups.some(([d]) => d === wanted) || /^tag\.[\w.-]+$/.test(wanted) ? wanted : 'model'
  const [measure, setMeasure] = useState<'calls' | 'saved'>('calls')
  const over = useGet<Costs>(query('/api/v1/costs', { by: 'cache,' + range.grain, ...span }))
  const of = useGet<Costs>(query('/api/v1/costs', { by: by + ',cache', ...span }))
  const total = useMemo(() => over.data && tally(over.data.rows, '')[0], [over.data])
  const chart = useMemo(() => over.data && pivot(series(over.data.rows), ['cache'], range.grain, measure, since, until), [over.data, range.grain, measure, since, until])
  const times = useMemo(() => {
    const t = over.data && pivot(over.data.rows.filter((r) => r.cache !== 'off'), ['cache'], range.grain, 'calls', since, until)
    const s = over.data && pivot(over.data.rows, [], range.grain, 'saved', since, until)
    const line = (word: string) => t?.series.find((x) => x.label === word)?.values ?? []
    const add = (a: number[], b: number[]) => (a.length ? a.map((v, i) => v + (b[i] ?? 0)) : b)
    return { hits: add(line('hit'), line('semantic')), misses: line('miss'), saved: s?.totals.map(pixels) ?? [], rate: (t?.times ?? []).map((_, i) => { const h = (line('hit')[i] ?? 0) + (line('semantic')[i] ?? 0); return h / Math.max(1, h + (line('miss')[i] ?? 0)) }) }
  }, [over.data, range.grain, since, until])
  const error = over.error ?? of.error
  const nothing = over.data && !over.data.rows.length
  const list = useMemo(() => (of.data ? tally(of.data.rows, by) : undefined), [of.data, by])
  const calls = useMemo(() => { const keep = params.get('since') ? span : { range: params.get('range') ?? '30d' }; return (f: Record<string, string>) => query('/calls', { ...f, ...keep }) }, [params.toString()])
  return (
    <Page title="Cache" sub="An equal call of the same project is answered from memory and costs nothing." actions={<RangePicker range={range} />}>
      {error ? <Problem error={error} retry={() => { over.reload(); of.reload() }} /> : nothing ? (
        <Card label="Cache"><Empty icon="cache" title="No calls in this range"><p>Choose a longer range. Of calls with <code>temperature</code> 0 or a <code>seed</code>, and of embeddings, the cache is asked by itself; for any other a client sends <code>X-Weir-Cache: read</code>.</p></Empty></Card>
      ) : (
        <>
          <div class="tiles">
            <Tile k="Saved" v={total && cents(total.saved)} title={total && exact(total.saved)} sub={total && hits(total) ? 'what the hits would have cost' : ''} spark={times.saved} color="var(--c2)" />
            <Tile k="Hit rate" v={total && percent(hits(total), asked(total))} sub={total && `of ${plural(asked(total), 'call')} that asked`} spark={times.rate} />
            <Tile k="Hits" v={total && count(hits(total))} sub={total?.semantic ? `${count(total.hit)} equal, ${count(total.semantic)} alike in meaning` : total && 'answered by an equal call'} spark={times.hits} color="var(--c3)" />
            <Tile k="Misses" v={total && count(total.miss)} sub="answered by a provider" spark={times.misses} color="var(--c6)" />
          </div>
          {chart ? chart.series.length > 0 ? (
            <TimeChart title={measure === 'saved' ? 'Saved by the cache' : 'Calls that asked the cache'} sub={range.label + (range.grain === 'day' ? ', UTC days' : '')} pivot={chart} measure={measure} grain={range.grain}
              actions={<Segmented small label="Measure" value={measure} onChange={setMeasure} options={[['calls', 'Calls'], ['saved', 'Saved']]} />}
              onSelect={(a, b) => patch({ range: undefined, since: new Date(a).toISOString(), until: b > Date.now() ? undefined : new Date(b).toISOString() })} />
          ) : <Card title="Calls that asked the cache"><p class="card-body muted">No call of this range asked the cache.</p></Card> : <Card title="Calls that asked the cache"><SkeletonRows n={8} /></Card>}
          <Card title="Where it helps" sub={range.label} actions={<GroupBy by={by} />}>
            {!list ? <SkeletonRows n={6} /> : <Groups list={list} by={by} calls={calls} />}
          </Card>
          {total && <NotAsked total={total} span={span} calls={calls} />}
        </>
      )}
      <Held />
    </Page>
  )
}

const Tile = (p: { k: string; v: string | undefined; title?: string | undefined; sub?: string | undefined; spark: number[]; color?: string }) => (
  <div class="card tile" data-tile={p.k}>
    <span class="k">{p.k}</span>
    <span class="v" title={p.title}>{p.v ?? <Skeleton h={26} w="60%" />}</span>
    <span class="s">{p.sub}</span>
    <Spark values={p.spark} color={p.color ?? 'var(--accent)'} />
  </div>
)

function GroupBy({ by }: { by: string }) {
  const [tag, setTag] = useState(by.startsWith('tag.') ? by.slice(4) : '')
  const ok = /^[\w.-]+$/.test(tag)
  return (
    <>
      <Segmented small label="Group by" value={by.startsWith('tag.') ? '' : by} onChange={(v) => patch({ by: v === 'model' ? undefined : v }, true)} options={groups} />
      <form class="row" style={{ gap: '4px' }} onSubmit={(e) => { e.preventDefault(); if (ok) patch({ by: 'tag.' + tag }, true) }}>
        <input class="field tag-field" aria-label="Group by the tag" placeholder="tag" value={tag} onInput={(e) => setTag(e.currentTarget.value)} />
        <button class="btn small" aria-pressed={by === 'tag.' + tag} disabled={!ok}>By tag</button>
      </form>
    </>
  )
}

function Groups({ list, by, calls }: { list: Tally[]; by: string; calls: (f: Record<string, string>) => string }) {
  const [shown, more] = useState(60)
  const some = list.filter((t) => asked(t) > 0)
  const semantic = some.some((t) => t.semantic)
  const max = Math.max(...some.map((t) => pixels(t.saved)), 1e-12)
  if (!some.length) return <p class="card-body muted">No call of this range asked the cache.</p>
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="What the cache did, table"><table class="table" data-groups>
        <thead><tr><th scope="col">{groups.find(([d]) => d === by)?.[1] ?? 'Tag ' + by.slice(4)}</th><th scope="col" class="num">Saved</th><th scope="col" class="num">Hit rate</th><th scope="col" class="num">Hits</th>{semantic && <th scope="col" class="num wide">of them semantic</th>}<th scope="col" class="num wide">Misses</th><th scope="col" class="num wide">Not asked</th></tr></thead>
        <tbody>
          {some.slice(0, shown).map((t) => (
            <tr key={t.value}>
              <td class="barcell name" style={{ '--w': pixels(t.saved) / max }}>{t.value ? <a style={{ color: 'inherit' }} href={calls({ [by]: t.value })}>{t.name}</a> : <span class={t.value ? '' : 'faint'}>{t.name}</span>}</td>
              <td class="num">{parse(t.saved) ? <Money value={t.saved} /> : <span class="faint">–</span>}</td>
              <td class="num">{percent(hits(t), asked(t))}</td><td class="num">{count(hits(t))}</td>{semantic && <td class="num wide">{count(t.semantic)}</td>}<td class="num wide">{count(t.miss)}</td><td class="num muted wide">{count(t.off)}</td>
            </tr>
          ))}
        </tbody>
      </table></div>
      {some.length > shown && <div class="more"><button type="button" class="btn" onClick={() => more(shown + 200)}>Show more</button>{count(shown)} of {count(some.length)}</div>}
    </>
  )
}

/** NotAsked counts the calls that went past the cache, by endpoint, and says when that is so. */
function NotAsked({ total, span, calls }: { total: Tally; span: { since: string; until: string }; calls: (f: Record<string, string>) => string }) {
  const of = useGet<Costs>(query('/api/v1/costs', { by: 'endpoint,cache', ...span }))
  const list = of.data ? tally(of.data.rows, 'endpoint').filter((t) => t.off > 0).sort((a, b) => b.off - a.off) : []
  if (!total.off) return null
  return (
    <Card title="Past the cache" sub={`${plural(total.off, 'call')} that did not ask it`}>
      <div class="card-body past">
        <div class="scroll"><table class="mini">
          <thead><tr><th scope="col">Endpoint</th><th scope="col" class="num">Calls</th><th scope="col" class="num">Of its calls</th></tr></thead>
          <tbody>{list.map((t) => <tr key={t.value}><td><a href={calls({ endpoint: t.value, cache: 'off' })}>{t.name}</a></td><td class="num">{count(t.off)}</td><td class="num">{percent(t.off, t.off + asked(t))}</td></tr>)}</tbody>
        </table></div>
        <div class="muted small">
          <p>A call does not ask the cache when</p>
          <ul class="reasons">
            <li>its client says nothing and it wants another answer each time: no <code>temperature</code> of 0 and no <code>seed</code>, or the provider is to search or run tools</li>
            <li>the route, the project or the installation has <code>exact: off</code>, or the client sent <code>X-Weir-Cache: off</code> or <code>Cache-Control: no-store</code></li>
            <li>it changes something at the provider, its endpoint is not known to weir, or its client brings a provider's key of its own</li>
            <li>it was refused before: by a limit, a budget or its key</li>
          </ul>
          <p>The reason of a single call is not recorded. <code>X-Weir-Cache: read</code> asks for any call that may be kept.</p>
        </div>
      </div>
    </Card>
  )
}

/** Held is what the cache has in memory now. */
function Held() {
  const cache = useGet<Cache>('/api/v1/cache')
  const [purging, setPurging] = useState(false)
  const c = cache.data
  if (cache.error) return <Problem error={cache.error} retry={cache.reload} />
  if (!c) return <Card title="Response cache"><SkeletonRows n={2} /></Card>
  return (
    <Card title="Response cache" sub="since this weir was started" actions={<button type="button" class="btn small danger" disabled={!c.entries} onClick={() => setPurging(true)}>Purge</button>}>
      <dl class="figures held" data-cache>
        <div><dt>Hits</dt><dd>{count(c.hits)}</dd></div>
        <div><dt>Misses</dt><dd>{count(c.misses)}</dd></div>
        <div><dt>Hit rate</dt><dd title={`of ${plural(c.hits + c.misses, 'call')} that asked the cache`}>{percent(c.hits, c.hits + c.misses)}</dd></div>
        <div><dt>Saved</dt><dd><Money value={c.saved_usd} /></dd></div>
        <div><dt>Entries</dt><dd>{count(c.entries)}</dd></div>
        <div><dt>Kept, expired</dt><dd title="answers put in, and those that came to the end of their time">{count(c.fills)} <span class="muted">/ {count(c.expired)}</span></dd></div>
        {!!c.semantic && c.semantic.hits + c.semantic.kept > 0 && <div><dt>Semantic hits</dt><dd title={`${plural(c.semantic.kept, 'answer')} kept to be found by meaning`}>{count(c.semantic.hits)}</dd></div>}
        {!!c.semantic && c.semantic.audits_agreed + c.semantic.audits_disagreed > 0 && <div><dt>Audits that agreed</dt><dd>{percent(c.semantic.audits_agreed, c.semantic.audits_agreed + c.semantic.audits_disagreed)} <span class="muted">of {count(c.semantic.audits_agreed + c.semantic.audits_disagreed)}</span></dd></div>}
        <div><dt>Made room for others</dt><dd>{count(c.evictions)}</dd></div>
        <div><dt>In memory</dt><dd>{bytes(c.bytes)} <span class="muted">of {bytes(c.max_bytes)}</span></dd></div>
      </dl>
      <div class="card-body"><div class="track-line" role="img" aria-label={`${percent(c.bytes, c.max_bytes)} of the room is used`}><i style={{ width: Math.min(100, (c.bytes / (c.max_bytes || 1)) * 100) + '%' }} /></div></div>
      {c.evictions > 0 && <p class="card-body muted"><Icon name="warn" size={13} /> {plural(c.evictions, 'answer')} made room for others before {c.evictions === 1 ? 'its' : 'their'} time: more <code>cache.max_bytes</code> would keep them.</p>}
      {purging && <Purge entries={c.entries} onClose={() => setPurging(false)} onDone={(n) => { setPurging(false); toast(`${plural(n, 'answer')} purged`); cache.reload() }} />}
    </Card>
  )
}
