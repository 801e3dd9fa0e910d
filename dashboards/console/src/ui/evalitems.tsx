/** What became of items: one by one in a table, and one beside what was expected. */

import { useState } from 'preact/hooks'
import { oneLine, plain, type Result, type Run } from '../lib/evals'
import { count, ms, plural } from '../lib/format'
import { patch } from '../lib/router'
import { figure } from '../lib/scores'
import { ScoreCell } from './evalparts'
import { Icon } from './icons'
import { Card, Money } from './parts'

const PAGE = 50

export function ResultTable({ list, scorers }: { list: Result[]; scorers: string[] }) {
  const [shown, show] = useState(PAGE)
  const repeats = list.some((x) => x.repeat > 1)
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Items, table"><table class="table results" data-results>
        <thead><tr><th scope="col">Item</th><th scope="col" class="wide">Input</th><th scope="col">Output</th>{scorers.map((s) => <th scope="col" key={s}>{s}</th>)}<th scope="col" class="num wide">Latency</th></tr></thead>
        <tbody>{list.slice(0, shown).map((x) => (
          <tr key={x.item + '\n' + x.repeat} data-result={x.item}>
            <td class="name"><button type="button" class="linklike any" onClick={() => patch({ item: x.item, target: x.target })}>{x.item}</button>{repeats && <span class="faint small"> no. {x.repeat}</span>}</td>
            <td class="wide said-cell">{oneLine(plain(x.input), 90)}</td>
            <td class="said-cell">{x.answer.error ? <span class="bad-text">{oneLine(x.answer.error, 120)}</span> : oneLine(x.answer.text, 120) || <span class="faint">empty</span>}</td>
            {scorers.map((s) => <td key={s} data-scorer={s} data-state={x.scores[s]?.state ?? 'failed'}><ScoreCell s={x.scores[s]} />{x.scores[s]?.state !== 'scored' && <div class="faint small any why-cell">{oneLine(x.scores[s]?.reason ?? '', 80)}</div>}</td>)}
            <td class="num wide">{x.answer.error ? <span class="faint">–</span> : ms(x.answer.latency_ms)}</td>
          </tr>
        ))}</tbody>
      </table></div>
      {list.length > shown && <div class="more"><button type="button" class="btn" onClick={() => show(shown + PAGE)}>Show more</button>{count(list.length - shown)} are not shown</div>}
    </>
  )
}

/** ItemSide is what one target said to an item, with its scores and the call behind it. */
export function ItemSide({ x, r }: { x: Result; r: Run }) {
  const a = x.answer
  const costly = Object.values(x.scores).some((s) => s.cost_usd)
  return (
    <Card title={x.target + (r.definition.repeat > 1 ? `, no. ${x.repeat}` : '')} actions={a.call_id ? <a class="btn small" href={'/calls/' + encodeURIComponent(a.call_id)}><Icon name="calls" size={13} />Its call</a> : undefined}>
      <div class="card-body stack item-side" data-side={x.target}>
        {a.error ? <div class="notice bad"><Icon name="warn" /><div class="any">There is no answer: {a.error}</div></div> : a.text ? <pre class="said" tabIndex={0}>{a.text}</pre> : <span class="faint">an empty answer</span>}
        {(a.tool_calls ?? []).map((t, i) => <pre class="said" tabIndex={0} key={i}>{t.name}({t.arguments === undefined ? '' : JSON.stringify(t.arguments, null, 2)})</pre>)}
        {(a.contexts?.length ?? 0) > 0 && <details><summary>{plural(a.contexts!.length, 'passage')} found</summary><ol class="stack small">{a.contexts!.map((c, i) => <li key={i}><pre class="said" tabIndex={0}>{c}</pre></li>)}</ol></details>}
        {(a.citations?.length ?? 0) > 0 && <ul class="small" data-citations>{a.citations!.map((c, i) => <li key={i} class="any"><b>[{c.id}]</b> {c.document}: <q>{oneLine(c.quote, 200)}</q></li>)}</ul>}
        <table class="mini" data-item-scores><thead><tr><th scope="col">Scorer</th><th scope="col">Score</th>{costly && <th scope="col" class="num">Its cost</th>}<th scope="col">Why</th></tr></thead>
          <tbody>{r.definition.scorers.map((s) => <tr key={s.name}><td class="any">{s.name}</td><td><ScoreCell s={x.scores[s.name]} />{(x.scores[s.name]?.votes?.length ?? 0) > 1 && <div class="faint small">votes {x.scores[s.name]!.votes!.map(figure).join(", ")}</div>}</td>{costly && <td class="num">{x.scores[s.name]?.cost_usd ? <Money value={x.scores[s.name]!.cost_usd!} /> : <span class="faint">–</span>}</td>}<td class="any faint">{x.scores[s.name]?.reason ?? (x.scores[s.name] ? '' : 'there is no score')}</td></tr>)}</tbody></table>
        <div class="meta">{a.model && <span class="any">{a.model}</span>}{a.prompt && <span class="any">prompt {a.prompt}</span>}<span>{ms(a.latency_ms)}</span>{(a.input_tokens ?? 0) + (a.output_tokens ?? 0) > 0 && <span>{count(a.input_tokens ?? 0)} + {count(a.output_tokens ?? 0)} tokens</span>}<span>cost {a.cost_usd === undefined || a.cost_usd === null ? 'not known' : <Money value={a.cost_usd} />}</span>{a.tries > 1 && <span>{count(a.tries)} tries</span>}</div>
      </div>
    </Card>
  )
}
