/** The part of Markdown that models write, as data: nothing here makes HTML. */

export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'para' | 'quote'; text: string }
  | { kind: 'code'; lang: string; text: string }
  | { kind: 'list'; ordered: boolean; items: { depth: number; mark: string; text: string }[] }
  | { kind: 'table'; head: string[]; rows: string[][] }
  | { kind: 'rule' }

export type Span = { kind: 'text' | 'code' | 'bold' | 'em'; text: string }

const item = /^(\s*)([-*+]|\d{1,4}[.)])\s+(.*)$/
const cells = (line: string): string[] => line.trim().replace(/^\||\|$/g, '').split('|').map((c) => c.trim())

/** blocks splits a text; every character that is not markup is kept. */
export function blocks(text: string): Block[] {
  const out: Block[] = []
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  let para: string[] = []
  const close = () => {
    if (para.length) out.push({ kind: 'para', text: para.join('\n') })
    para = []
  }
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    const fence = /^\s{0,3}(```+|~~~+)\s*([\w+#.-]*)/.exec(line)
    if (fence) {
      close()
      const body: string[] = []
      while (++i < lines.length && !lines[i]!.trimStart().startsWith(fence[1]!)) body.push(lines[i]!)
      out.push({ kind: 'code', lang: fence[2] ?? '', text: body.join('\n') })
      continue
    }
    const head = /^(#{1,6})\s+(.*)$/.exec(line)
    if (head) { close(); out.push({ kind: 'heading', level: head[1]!.length, text: head[2]! }); continue }
    if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) { close(); out.push({ kind: 'rule' }); continue }
    if (line.includes('|') && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$/.test(lines[i + 1] ?? '')) {
      close()
      const rows: string[][] = []
      const top = cells(line)
      for (i += 2; i < lines.length && lines[i]!.includes('|'); i++) rows.push(cells(lines[i]!))
      i--
      out.push({ kind: 'table', head: top, rows })
      continue
    }
    const li = item.exec(line)
    if (li) {
      close()
      const depth = Math.min(4, Math.floor(li[1]!.replace(/\t/g, '  ').length / 2))
      const ordered = /\d/.test(li[2]!)
      const last = out.at(-1)
      const fits = last?.kind === 'list' && (depth > 0 || last.ordered === ordered)
      const list = fits ? last : ({ kind: 'list', ordered, items: [] } as Extract<Block, { kind: 'list' }>)
      if (!fits) out.push(list)
      list.items.push({ depth, mark: ordered ? li[2]! : '•', text: li[3]! })
      continue
    }
    if (/^>\s?/.test(line)) {
      close()
      const last = out.at(-1), t = line.replace(/^>\s?/, '')
      if (last?.kind === 'quote' && /^>/.test(lines[i - 1] ?? '')) last.text += '\n' + t
      else out.push({ kind: 'quote', text: t })
      continue
    }
    const open = out.at(-1)
    if (line.trim() === '') close()
    else if (!para.length && open?.kind === 'list' && /^\s{2,}\S/.test(line)) open.items.at(-1)!.text += '\n' + line.trim()
    else para.push(line)
  }
  close()
  return out
}

/** spans splits a line into plain, bold, emphasised and code text. */
export function spans(text: string): Span[] {
  if (text.length > 8000) return [{ kind: 'text', text }] // the pattern's worst case is quadratic
  const out: Span[] = []
  const mark = /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\*\*(\S(?:[\s\S]*?\S)?)\*\*|(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])/g
  let at = 0
  for (const m of text.matchAll(mark)) {
    if (m.index > at) out.push({ kind: 'text', text: text.slice(at, m.index) })
    out.push(m[2] !== undefined ? { kind: 'code', text: m[2].trim() } : m[3] !== undefined ? { kind: 'bold', text: m[3] } : { kind: 'em', text: m[4]! })
    at = m.index + m[0].length
  }
  if (at < text.length) out.push({ kind: 'text', text: text.slice(at) })
  return out
}
