/** The part of YAML that settings are written in, JSON included, with the line that each value stands on. */

export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain }
export interface Document { value: Plain; lines: Map<string, number> } // by path: arms.0.name; "" is the whole

/** Malformed says what cannot be read, and on which line from 1. */
export class Malformed extends Error {
  constructor(readonly line: number, message: string) { super(message) }
}

const MAX_DEPTH = 40

/** parse reads maps, lists, flow maps and lists, quoted and plain texts, numbers and comments; what else YAML has is refused. */
export function parse(text: string): Document {
  const src = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
  const lines = new Map<string, number>()
  let pos = 0
  const lineAt = (p: number): number => { let n = 1; for (let i = src.indexOf('\n'); i >= 0 && i < p; i = src.indexOf('\n', i + 1)) n++; return n }
  const fail = (message: string, p = pos): never => { throw new Malformed(lineAt(p), message) }
  const column = (p = pos): number => p - (src.lastIndexOf('\n', p - 1) + 1)
  const ends = (p = pos): boolean => p >= src.length || src[p] === '\n'

  /** spaces skips blanks and a comment up to the line's end. */
  const spaces = () => {
    while (src[pos] === ' ' || src[pos] === '\t') pos++
    if (src[pos] === '#' && (pos === 0 || /\s/.test(src[pos - 1]!))) while (!ends()) pos++
  }
  /** onwards goes to the next thing that is written, over empty lines; it gives its column, -1 at the end. */
  const onwards = (): number => {
    for (;;) {
      const start = src.lastIndexOf('\n', pos - 1) + 1
      spaces()
      if (pos >= src.length) return -1
      if (src[pos] !== '\n') {
        if (/\t/.test(src.slice(start, pos)) && /^\s*$/.test(src.slice(start, pos))) fail('a line begins with a tab; indent with spaces')
        return column()
      }
      pos++
    }
  }
  const dash = (): boolean => src[pos] === '-' && (ends(pos + 1) || src[pos + 1] === ' ')
  const join = (path: string, key: string | number) => (path ? path + '.' : '') + key

  const quoted = (): string => {
    const q = src[pos]!, from = pos++
    let out = ''
    for (;;) {
      const c = src[pos]
      if (c === undefined || c === '\n') return fail(`a text that begins with ${q} does not end on its line`, from)
      pos++
      if (c === q) {
        if (q === "'" && src[pos] === "'") { out += "'"; pos++; continue }
        return out
      }
      if (c !== '\\' || q === "'") { out += c; continue }
      const e = src[pos++] ?? ''
      const hex = e === 'u' ? /^[0-9a-fA-F]{4}/.exec(src.slice(pos)) : e === 'x' ? /^[0-9a-fA-F]{2}/.exec(src.slice(pos)) : null
      if (hex) { out += String.fromCharCode(parseInt(hex[0], 16)); pos += hex[0].length; continue }
      const known: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0', '"': '"', '/': '/', '\\': '\\', ' ': ' ' }
      if (!(e in known)) fail(`\\${e} means nothing in a text`, pos - 2)
      out += known[e]
    }
  }

  /** plain reads a text without quotes; inside a flow commas and brackets end it. */
  const plain = (flow: boolean): string => {
    const from = pos
    if (/[&*!|>%@`]/.test(src[pos]!)) fail({ '|': 'texts of several lines are not read here; write it on one line in quotes', '>': 'texts of several lines are not read here; write it on one line in quotes', '&': 'anchors are not read here; write the value out', '*': 'aliases are not read here; write the value out', '!': 'tags are not read here; leave it out' }[src[pos]!] ?? `a text cannot begin with ${src[pos]}; put it in quotes`)
    while (!ends()) {
      const c = src[pos]!
      if (c === '#' && /[ \t]/.test(src[pos - 1] ?? ' ')) break
      if (c === ':' && (ends(pos + 1) || src[pos + 1] === ' ' || (flow && /[,[\]{}]/.test(src[pos + 1]!)))) break
      if (flow && /[,[\]{}]/.test(c)) break
      pos++
    }
    return src.slice(from, pos).trimEnd()
  }

  const scalar = (s: string): Plain => {
    if (s === '' || s === '~' || /^null$/i.test(s)) return null
    if (/^true$/i.test(s) || /^false$/i.test(s)) return /^true$/i.test(s)
    if (/^[-+]?(\d[\d_]*)?\.?\d+(e[-+]?\d+)?$/i.test(s) || /^[-+]?\d+\.$/.test(s)) { const n = Number(s.replaceAll('_', '')); if (Number.isFinite(n)) return n }
    return s
  }
  const put = (into: Record<string, Plain>, key: string, value: Plain, at: number) => {
    if (Object.hasOwn(into, key)) fail(`${key} stands here twice`, at)
    Object.defineProperty(into, key, { value, enumerable: true, writable: true, configurable: true }) // __proto__ is a name like any other
  }
  const keyText = (v: Plain): string => (v === null ? 'null' : String(v))

  /** flow reads {…}, […], a quoted or a plain text, over lines. */
  function flow(path: string, depth: number): Plain {
    if (depth > MAX_DEPTH) fail('it is nested too deeply')
    const open = src[pos], from = pos
    if (open === '"' || open === "'") return quoted()
    if (open !== '{' && open !== '[') return scalar(plain(true))
    pos++
    const list: Plain[] = [], map: Record<string, Plain> = {}, close = open === '{' ? '}' : ']'
    for (let first = true; ; first = false) {
      if (onwards() < 0) fail(`the ${open} is never closed`, from)
      if (src[pos] === close) { pos++; return open === '{' ? map : list }
      if (!first) {
        if (src[pos] !== ',') fail(`a comma or ${close} is missing`)
        pos++
        if (onwards() < 0) fail(`the ${open} is never closed`, from)
        if (src[pos] === close) { pos++; return open === '{' ? map : list }
      }
      const at = pos
      if (open === '[') {
        lines.set(join(path, list.length), lineAt(at))
        list.push(flow(join(path, list.length), depth + 1))
        continue
      }
      const key = src[pos] === '"' || src[pos] === "'" ? quoted() : plain(true)
      onwards()
      if (src[pos] !== ':' || key === '') fail('a name with a colon behind it is missing, such as {name: value}', at)
      pos++
      onwards()
      lines.set(join(path, key), lineAt(at))
      put(map, key, pos < src.length && !/[,}]/.test(src[pos]!) ? flow(join(path, key), depth + 1) : null, at)
    }
  }

  /** value reads what stands behind a colon or a dash: on the line, or indented below it. */
  function value(path: string, indent: number, depth: number, lists: boolean): Plain {
    while (src[pos] === ' ') pos++
    const on = pos
    spaces()
    if (ends()) {
      const at = onwards()
      if (at > indent || (lists && at === indent && dash())) return block(path, depth + 1)
      return null
    }
    pos = on
    spaces()
    const c = src[pos]
    if (c === '{' || c === '[' || c === '"' || c === "'") {
      const out = flow(path, depth + 1)
      spaces()
      if (!ends()) fail('there is more on the line than one value; put a text with a colon, a comma or quotes inside in quotes')
      return out
    }
    const at = pos, s = plain(false)
    if (src[pos] === ':') fail('a second colon on the line; put the text in quotes', at)
    spaces()
    return scalar(s)
  }

  /** block reads a map, a list or one value that begins here. */
  function block(path: string, depth: number): Plain {
    if (depth > MAX_DEPTH) fail('it is nested too deeply')
    const indent = column()
    if (dash()) {
      const out: Plain[] = []
      for (;;) {
        lines.set(join(path, out.length), lineAt(pos))
        pos++
        const from = pos
        while (src[pos] === ' ') pos++
        const c = src[pos]
        const pair = !ends() && c !== '{' && c !== '[' && c !== '#' && (dash() || keyed())
        if (pair) out.push(block(join(path, out.length), depth + 1))
        else { pos = from; out.push(value(join(path, out.length), indent, depth, false)) }
        const next = onwards()
        if (next < indent) return out
        if (next > indent) fail('the line is indented further than what it belongs to')
        if (!dash()) return out
      }
    }
    if (!keyed()) {
      if (src[pos] === '{' || src[pos] === '[' || src[pos] === '"' || src[pos] === "'") return flow(path, depth + 1)
      return scalar(plain(false))
    }
    const out: Record<string, Plain> = {}
    for (;;) {
      const at = pos
      if (dash()) fail('a list stands where a name with a colon is wanted')
      const key = src[pos] === '"' || src[pos] === "'" ? quoted() : keyText(scalar(plain(false)))
      while (src[pos] === ' ') pos++
      if (src[pos] !== ':' || !(ends(pos + 1) || src[pos + 1] === ' ' || src[pos + 1] === '\t')) fail('a name with a colon and a space behind it is missing, such as "name: value"', at)
      pos++
      lines.set(join(path, key), lineAt(at))
      put(out, key, value(join(path, key), indent, depth, true), at)
      const next = onwards()
      if (next < indent) return out
      if (next > indent) fail('the line is indented further than what it belongs to')
    }
  }

  /** keyed says whether a name with a colon stands here. */
  function keyed(): boolean {
    const from = pos
    try {
      if (/[{[]/.test(src[pos]!)) return false
      if (src[pos] === '"' || src[pos] === "'") quoted()
      else plain(false)
      while (src[pos] === ' ') pos++
      return src[pos] === ':' && (ends(pos + 1) || src[pos + 1] === ' ' || src[pos + 1] === '\t')
    } finally { pos = from }
  }

  lines.set('', 1)
  if (onwards() >= 0 && src.startsWith('---', pos) && column() === 0 && /^---(\s|$)/.test(src.slice(pos, pos + 4))) pos += 3
  if (onwards() < 0) return { value: null, lines }
  lines.set('', lineAt(pos))
  const out = block('', 0)
  if (onwards() >= 0) fail(src.startsWith('---', pos) ? 'there is a second document; one is read' : 'the line is not part of what stands before it; see how far it is indented')
  return { value: out, lines }
}
