/** System: is everything recorded, is everything well. */

import { useEffect } from 'preact/hooks'
import { useGet } from '../lib/api'
import { span } from '../lib/format'
import { Card, Problem, SkeletonRows, Time } from '../ui/parts'
import { Page, type System } from '../ui/shell'
import { Alarms, QuarantineCard, SpoolCard, type Spool } from './spool'

export function SystemPage() {
  const spool = useGet<Spool>('/api/v1/spool')
  const system = useGet<System>('/api/v1/system')
  useEffect(() => {
    const t = setInterval(() => { if (!document.hidden) { spool.reload(); system.reload() } }, 5000)
    return () => clearInterval(t)
  }, [])
  const s = spool.data, y = system.data
  return (
    <Page title="System">
      {s && <Alarms spool={s} />}
      <SpoolCard spool={spool} />
      {s && s.quarantined > 0 && <QuarantineCard changed={spool.reload} />}
      {system.error ? <Problem error={system.error} retry={system.reload} /> : (
        <div class="three" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(min(320px, 100%), 1fr))' }}>
          <Card title="This weir">
            {!y ? <SkeletonRows n={4} /> : (
              <dl class="facts card-body">
                <dt>Version</dt><dd>{y.version || '—'}</dd>
                <dt>Up since</dt><dd>{y.started_at ? <><Time iso={y.started_at} mode="full" /><span class="faint">{span((Date.now() - Date.parse(y.started_at)) / 1000)}</span></> : '—'}</dd>
                <dt>ClickHouse</dt><dd><span class="muted">{y.clickhouse?.mode ?? '—'}</span>{y.clickhouse && <span class={'badge ' + (y.clickhouse.ok ? 'ok' : 'bad')}><span class="dot" />{y.clickhouse.ok ? 'answers' : 'away'}</span>}</dd>
                {y.clickhouse?.error && <><dt>Why</dt><dd style={{ color: 'var(--bad)' }}>{y.clickhouse.error}</dd></>}
                {y.qdrant && <><dt>Qdrant</dt><dd><span class={'badge ' + (y.qdrant.ok ? 'ok' : 'bad')}><span class="dot" />{y.qdrant.ok ? 'answers' : 'away'}</span></dd></>}
                {y.qdrant?.error && <><dt>Why</dt><dd style={{ color: 'var(--bad)' }}>{y.qdrant.error}</dd></>}
                <dt>Control plane</dt><dd>{y.control?.kind ?? '—'}</dd>
                <dt>For machines</dt><dd style={{ gap: '12px' }}><a href="/api/v1/openapi.json" target="_blank" rel="noreferrer">OpenAPI</a><a href="/metrics" target="_blank" rel="noreferrer">Metrics</a><a href="/readyz" target="_blank" rel="noreferrer">Readiness</a></dd>
              </dl>
            )}
          </Card>
          <Card title="Providers" sub={y?.providers && String(y.providers.length)}>
            {!y ? <SkeletonRows n={4} /> : !y.providers?.length ? <p class="card-body muted">No provider is configured. Put a key such as OPENAI_API_KEY in the environment, or name one in weir.yaml.</p> : (
              <ul class="lines">
                {y.providers.map((p) => <li key={p.name}><div class="grow"><b style={{ fontWeight: 560 }}>{p.name}</b> <span class="faint">{p.kind !== p.name && p.kind}</span><div class="faint mono cut" title={p.base_url}>{p.base_url}</div></div>{p.live !== undefined && <span class={'badge ' + (p.live ? 'ok' : '')}><span class="dot" />{p.live ? 'live' : 'not live'}</span>}</li>)}
              </ul>
            )}
          </Card>
        </div>
      )}
    </Page>
  )
}
