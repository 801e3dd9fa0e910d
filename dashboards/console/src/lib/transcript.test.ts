import { describe, expect, test } from 'vitest'
import { read, safeImage, type Message, type Part } from './transcript'

/** Recorded bodies of real shapes with what must be read from them. */
const files = import.meta.glob('../testdata/*', { query: '?raw', import: 'default', eager: true }) as Record<string, string>
const names = Object.keys(files).filter((f) => f.endsWith('.expect.json')).map((f) => f.slice('../testdata/'.length, -'.expect.json'.length))

interface Expect {
  endpoint: string
  text: string
  tool_calls: { choice: number; id: string | null; name: string; arguments: string }[]
  finish_reasons: (string | null)[]
  error: { type: string } | null
  extra?: { texts?: string[]; refusal?: string; reasoning_text?: string; vectors?: number[][]; audio_transcript?: string }
}

const texts = (m: Message | undefined, kind: Part['kind']): string =>
  (m?.parts ?? []).flatMap((p) => (p.kind === kind && 'text' in p ? [p.text] : [])).join('')

describe('transcripts', () => {
  expect(names.length).toBeGreaterThan(30)

  test.each(names)('%s', (name) => {
    const want = JSON.parse(files[`../testdata/${name}.expect.json`]!) as Expect
    const raw = files[`../testdata/${name}.response.sse`] ?? files[`../testdata/${name}.response.json`]!
    const got = read(files[`../testdata/${name}.request.json`]!, raw)
    const answers = got.messages.filter((m) => m.answer)
    const first = answers.find((m) => m.choice === 0)

    const audio = want.extra?.audio_transcript
    expect(texts(first, 'text')).toBe(audio && !want.text ? audio : want.text)
    if (want.extra?.texts) expect(answers.map((m) => texts(m, 'text'))).toEqual(want.extra.texts)
    if (want.extra?.refusal) expect(texts(first, 'refusal')).toBe(want.extra.refusal)
    if (want.extra?.reasoning_text) expect(texts(first, 'reasoning')).toBe(want.extra.reasoning_text)

    const calls = answers.flatMap((m) => m.parts.flatMap((p) => (p.kind === 'call' ? [{ choice: m.choice, id: p.id || null, name: p.name, arguments: JSON.parse(p.args) as unknown }] : [])))
    expect(calls).toEqual(want.tool_calls.map(({ choice, id, name: n, arguments: a }) => ({ choice, id, name: n, arguments: JSON.parse(a) as unknown })))

    if (want.extra?.vectors) {
      const v = answers[0]!.parts[0]!
      expect(v.kind === 'vectors' && v.list.map((x) => x.head)).toEqual(want.extra.vectors.map((x) => x.slice(0, 8)))
    }
    if (/^(chat|completions)$/.test(want.endpoint) && answers.length) {
      expect(answers.map((m) => m.finish || null)).toEqual(want.finish_reasons)
    }
    if (want.error && !name.includes('html') && !name.includes('truncated')) expect(got.response.error).not.toBeNull()
    if (name.includes('truncated')) expect(got.response.note).not.toBe('')
    expect(got.messages.filter((m) => !m.answer).length).toBeGreaterThan(0)
  })

  test('nothing recorded is an empty transcript', () => {
    for (const v of [null, undefined, '']) expect(read(v, v).messages).toEqual([])
    expect(read('not json', '<html>502</html>').messages).toEqual([])
    expect(read({ messages: [null, 3, { role: 'user', content: null }] }, { choices: [null] }).messages).toHaveLength(1)
  })

  test('tool turns of a chat', () => {
    const got = read({ messages: [
      { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: '{"ok":true}' },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c2', content: [{ type: 'text', text: 'x' }] }, { type: 'text', text: 'go on' }] },
    ] }, null)
    expect(got.messages.map((m) => [m.role, m.parts[0]?.kind])).toEqual([['assistant', 'call'], ['tool', 'result'], ['tool', 'result'], ['user', 'text']])
  })

  test('only harmless inline pictures are shown', () => {
    expect(safeImage('data:image/png;base64,AAAA')).not.toBe('')
    for (const url of ['https://evil.example/x.png', 'data:image/svg+xml;base64,AAAA', 'data:text/html;base64,AAAA', 'javascript:alert(1)', 'data:image/png,<script>', 'DATA:image/png;base64,AAAA']) {
      expect(safeImage(url)).toBe('')
    }
  })
})
