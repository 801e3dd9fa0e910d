/** A dataset's file read in the browser: items with the lines they stand on, and what is wrong with which line. */

import type { Item } from './evals'

export interface LineFault { line: number; reason: string }
export interface ReadFile { items: Item[]; lines: number[]; faults: LineFault[] }

const MOST = 20

/** readFile reads JSON lines or, by the file's name, CSV whose first line names the columns. */
export function readFile(name: string, data: Uint8Array): ReadFile {
  const text = decode(data)
  if (typeof text === 'number') return { items: [], lines: [], faults: [{ line: text, reason: 'it is not text in UTF-8' }] }
  const out = /\.csv$/i.test(name) ? readCSV(text) : readJSONL(text)
  if (!out.items.length && !out.faults.length) out.faults.push({ line: 1, reason: 'the file has no item: a dataset needs one at least' })
  return out
}

/** decode gives the text, or the line that is not UTF-8. */
function decode(data: Uint8Array): string | number {
  const strict = new TextDecoder('utf-8', { fatal: true })
  try { return strict.decode(data) } catch { /* which line? */ }
  let line = 1, from = 0
  for (let i = 0; i <= data.length; i++) {
    if (i < data.length && data[i] !== 10) continue
    try { strict.decode(data.subarray(from, i)) } catch { return line }
    from = i + 1
    line++
  }
  return 1
}

/** Numbers that a double cannot hold are kept digit by digit, where the browser can. */
const raw = (JSON as unknown as { rawJSON?: (s: string) => unknown }).rawJSON
const parse = JSON.parse as (text: string, reviver: (k: string, v: unknown, at?: { source?: string }) => unknown) => unknown
const keep = (_: string, v: unknown, at?: { source?: string }): unknown => (typeof v === 'number' && raw && at?.source !== undefined && String(v) !== at.source ? raw(at.source) : v)

function readJSONL(text: string): ReadFile {
  const out: ReadFile = { items: [], lines: [], faults: [] }
  const seen = new Map<string, number>()
  text.split('\n').forEach((row, i) => {
    if (!row.trim() || out.faults.length >= MOST) return
    const fault = (reason: string) => { out.faults.push({ line: i + 1, reason }) }
    let v: unknown
    try { v = parse(row, keep) } catch (e) { fault('it is not JSON: ' + (e instanceof Error ? e.message : String(e)).slice(0, 160)); return }
    if (typeof v !== 'object' || v === null || Array.isArray(v)) { fault('it is not a JSON object: want {"id": …, "input": …, "expected": …}'); return }
    add(out, seen, i + 1, v as Record<string, unknown>)
  })
  return out
}

function add(out: ReadFile, seen: Map<string, number>, line: number, members: Record<string, unknown>): void {
  const { id, input, expected, context, metadata, ...rest } = members
  const fault = (reason: string) => { if (out.faults.length < MOST) out.faults.push({ line, reason }) }
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') return fault('the id is neither text nor a number')
  if (input === undefined || input === null) return fault('there is no input')
  if (metadata !== undefined && metadata !== null && (typeof metadata !== 'object' || Array.isArray(metadata))) return fault('metadata is not an object')
  const name = id === undefined || id === null ? '' : String(id)
  const first = name && seen.get(name)
  if (first) return fault(`the id ${JSON.stringify(name).slice(0, 60)} is that of line ${first}`)
  if (name) seen.set(name, line)
  const meta = { ...(metadata as Record<string, unknown> | undefined), ...rest }
  out.items.push({ id: name, input, ...(expected !== undefined ? { expected } : {}), ...(context !== undefined ? { context } : {}), ...(Object.keys(meta).length ? { metadata: meta } : {}) })
  out.lines.push(line)
}

/** rows reads RFC 4180: cells in quotes may hold commas, quotes and line ends. */
export function rows(text: string): { rows: { line: number; cells: string[] }[]; fault?: LineFault } {
  const out: { line: number; cells: string[] }[] = []
  let i = 0, line = 1
  while (i < text.length) {
    const start = line, cells: string[] = []
    for (;;) {
      let cell = ''
      if (text[i] === '"') {
        const opened = line
        for (i++; ; i++) {
          const c = text[i]
          if (c === undefined) return { rows: out, fault: { line: opened, reason: 'it is not CSV: a quote is opened and never closed' } }
          if (c === '"' && text[i + 1] === '"') { cell += '"'; i++ } else if (c === '"') { i++; break } else { if (c === '\n') line++; cell += c }
        }
        if (text[i] === '\r' && text[i + 1] === '\n') i++
        if (text[i] !== undefined && text[i] !== ',' && text[i] !== '\n') return { rows: out, fault: { line, reason: 'it is not CSV: something stands behind a closing quote' } }
      } else {
        const from = i
        while (i < text.length && text[i] !== ',' && text[i] !== '\n') i++
        cell = text.slice(from, i)
        if (text[i] !== ',' && cell.endsWith('\r')) cell = cell.slice(0, -1)
        if (cell.includes('"')) return { rows: out, fault: { line, reason: 'it is not CSV: a quote stands inside a cell that is not in quotes' } }
      }
      cells.push(cell)
      if (text[i] === ',') { i++; continue }
      i++
      line++
      break
    }
    if (cells.length > 1 || cells[0] !== '') out.push({ line: start, cells })
  }
  return { rows: out }
}

function readCSV(text: string): ReadFile {
  const out: ReadFile = { items: [], lines: [], faults: [] }
  const { rows: all, fault } = rows(text)
  if (fault) out.faults.push(fault)
  const head = all[0]?.cells
  if (!head) return out
  if (!head.includes('input')) { out.faults.push({ line: 1, reason: 'there is no column input; there is ' + head.join(', ').slice(0, 200) }); return out }
  const seen = new Map<string, number>()
  for (const { line, cells } of all.slice(1)) {
    if (out.faults.length >= MOST) break
    if (cells.length !== head.length) { out.faults.push({ line, reason: `it has ${cells.length} cells, the first line names ${head.length}` }); continue }
    const members: Record<string, unknown> = {}
    cells.forEach((c, i) => { if (!(c === '' && ['id', 'expected', 'context'].includes(head[i]!))) members[head[i]!] = c })
    const { id, input, expected, context, ...meta } = members
    add(out, seen, line, { id, input, expected, context, metadata: meta })
  }
  return out
}

/** faultOfAPI puts the API's word about an item onto the line that the item stands on. */
export function faultOfAPI(message: string, lines: number[]): LineFault | null {
  const m = /^item (\d+): (.*)$/s.exec(message)
  const line = m && lines[Number(m[1]) - 1]
  return line ? { line, reason: m[2]! } : null
}
