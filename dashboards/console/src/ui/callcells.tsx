/** What stands in each column of the list of calls. */

import type { ComponentChildren } from 'preact'
import type { Call, Usage } from '../lib/api'
import { remember } from '../lib/calls'
import { count, ms, short } from '../lib/format'
import { parse } from '../lib/money'
import { clock, shortDate, utc } from '../lib/time'
import { Money, Status, Time } from './parts'

const add = (c: Call, ...buckets: (keyof Usage)[]): number => buckets.reduce((s, b) => s + (c.usage?.[b] ?? 0), 0)
const tokensIn = (c: Call): number => add(c, 'input_uncached', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'input_audio')
const tokensOut = (c: Call): number => add(c, 'output_text', 'reasoning', 'output_audio')
const none = <span class="faint">–</span>
const text = (v: string | undefined): ComponentChildren => (v ? <span class="cut" title={v}>{v}</span> : none)
const tokens = (n: number): ComponentChildren => (n ? short(n) : none)
const hit = (c: Call): boolean => c.cache === 'hit' || c.cache === 'semantic'

function Tokens({ c }: { c: Call }) {
  const into = tokensIn(c), out = tokensOut(c)
  return into + out > 0 ? <span title={`${count(into)} tokens in, ${count(out)} out` + (c.usage_source === 'estimated' ? ', counted by weir: the provider did not say' : '')}>{c.usage_source === 'estimated' && '≈ '}{short(into)} <span class="faint">→</span> {short(out)}</span> : none
}

function Cost({ c }: { c: Call }) {
  if (c.price_status !== 'unpriced' || (c.cost_usd !== null && parse(c.cost_usd))) return <Money value={c.cost_usd} unknown="unknown" />
  return tokensIn(c) + tokensOut(c) > 0 || c.cost_usd === null ? <Money value={null} /> : none
}

function Model({ c, preview, cached }: { c: Call; preview: boolean; cached: boolean }) {
  const model = c.model || c.model_requested
  const link = <a class="hit cut" href={'/calls/' + encodeURIComponent(c.id)} onClick={() => remember(c.id)} title={`${model}${c.model_requested && c.model_requested !== model ? ', asked for as ' + c.model_requested : ''} · ${c.endpoint}${c.stream ? ', stream' : ''}`}>{model}</a>
  const badge = cached && hit(c) && <Hit c={c} />
  return preview && c.input_preview ? <span class="stacked"><span class="line">{link}{badge}</span><span class="sub cut">{c.input_preview}</span></span> : <span class="line">{link}{badge}</span>
}

const Hit = ({ c }: { c: Call }) => <span class="badge accent" title={c.cache === 'semantic' ? 'answered from a similar request' : 'answered from memory'}>{c.cache}</span>

/** How a row is drawn: with a second line beneath the model, with a word that the cache answered where no column says so, and with the day. */
export interface Look { preview: boolean; cached: boolean; dated: boolean }

/** cell is what a call has in a column. */
export function cell(id: string, c: Call, look: Look): ComponentChildren {
  switch (id) {
    case 'time': return look.dated ? <time class="dated" dateTime={c.start_time} title={utc(c.start_time)}>{shortDate(c.start_time)}, {clock(c.start_time).slice(0, 5)}</time> : <Time iso={c.start_time} />
    case 'model': return <Model c={c} preview={look.preview} cached={look.cached} />
    case 'who': return <span class="cut" title={`project ${c.project}, key ${c.key}${c.user ? ', user ' + c.user : ''}`}>{c.project}{c.user && <span class="sub"> / {c.user}</span>}</span>
    case 'status': return <Status status={c.status} http={c.http_status} />
    case 'tokens': return <Tokens c={c} />
    case 'cost': return <Cost c={c} />
    case 'latency': return ms(c.duration_ms)
    case 'ttft': return c.ttft_ms ? ms(c.ttft_ms) : none
    case 'cache': return hit(c) ? <Hit c={c} /> : <span class="faint">{c.cache === 'miss' ? 'miss' : '–'}</span>
    case 'project': return text(c.project)
    case 'user': return text(c.user)
    case 'key': return text(c.key)
    case 'provider': return text(c.provider)
    case 'endpoint': return text(c.endpoint)
    case 'prompt': return text(c.prompt)
    case 'arm': return text(c.arm)
    case 'session': return text(c.session)
    case 'trace': return c.trace_id ? <span class="mono cut" title={c.trace_id}>{c.trace_id.slice(0, 8)}</span> : none
    case 'finish': return text(c.finish_reasons?.join(', '))
    case 'error': return text(c.error_code)
    case 'tags': {
      const list = Object.entries(c.tags ?? {})
      return list.length ? <span class="tags" title={list.map(([k, v]) => k + '=' + v).join(', ')}>{list.map(([k, v]) => <span class="tag" key={k}>{k}<b>{v}</b></span>)}</span> : none
    }
    case 'cached': return tokens(add(c, 'cache_read'))
    case 'reasoning': return tokens(add(c, 'reasoning'))
    case 'saved': return parse(c.saved_usd) ? <Money value={c.saved_usd} /> : none
    case 'attempts': return c.attempts ? count(c.attempts) : none
    case 'question': return text(c.input_preview)
    case 'answer': return text(c.output_preview)
  }
  return none
}
