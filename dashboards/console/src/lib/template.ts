/** Mustache templates, read to show them: which tags there are and which names they ask for. Checking is the service's. */

export interface Tag { kind: 'text' | 'name' | 'open' | 'not' | 'close' | 'comment' | 'partial' | 'delimiters'; raw: string; name: string }

const kinds: Record<string, Tag['kind']> = { '#': 'open', '^': 'not', '/': 'close', '!': 'comment', '>': 'partial' }

/** tags splits a template into texts and tags; what never ends stays text. Joined together the pieces are the template. */
export function tags(template: string): Tag[] {
  const out: Tag[] = []
  let open = '{{', shut = '}}', at = 0
  while (at < template.length) {
    const start = template.indexOf(open, at)
    const triple = open === '{{' && template.startsWith('{{{', start)
    const ends = triple ? '}}}' : shut
    const set = template[start + open.length] === '='
    const end = start < 0 ? -1 : template.indexOf(set ? '=' + shut : ends, start + open.length + (triple || set ? 1 : 0))
    if (end < 0) break
    if (start > at) out.push({ kind: 'text', raw: template.slice(at, start), name: '' })
    const stop = end + (set ? 1 + shut.length : ends.length)
    const raw = template.slice(start, stop)
    const inner = template.slice(start + open.length + (triple ? 1 : 0), end)
    if (set) {
      const m = /^=\s*(\S+)\s+(\S+)\s*$/.exec(inner)
      out.push({ kind: 'delimiters', raw, name: '' })
      if (m) [open, shut] = [m[1]!, m[2]!]
    } else {
      const kind = triple ? undefined : kinds[inner[0] ?? '']
      out.push({ kind: kind ?? 'name', raw, name: inner.replace(kind ? /^./ : /^&/, '').trim() })
    }
    at = stop
  }
  if (at < template.length) out.push({ kind: 'text', raw: template.slice(at), name: '' })
  return out
}

export interface Names { names: string[]; sections: string[]; within: string[]; partials: string[] }

/** namesOf lists the variables that templates ask for: names and sections outside of any section, names within one that may be of its value, and partials. */
export function namesOf(templates: string[]): Names {
  const names = new Set<string>(), sections = new Set<string>(), within = new Set<string>(), partials = new Set<string>()
  for (const t of templates) {
    let depth = 0
    for (const tag of tags(t)) {
      const first = tag.name.split('.')[0]!
      if (tag.kind === 'partial') partials.add(tag.name)
      else if (tag.kind === 'close') depth = Math.max(0, depth - 1)
      else if (tag.kind === 'open' || tag.kind === 'not') {
        if (first) { if (depth) within.add(first); else { names.add(first); sections.add(first) } }
        depth++
      } else if (tag.kind === 'name' && first) (depth ? within : names).add(first)
    }
  }
  return { names: [...names], sections: [...sections], within: [...within].filter((n) => !names.has(n)), partials: [...partials] }
}

/** templatesOf lists the templates of a content. */
export const templatesOf = (c: { text?: string; messages?: { content: string }[] }): string[] => (c.messages?.length ? c.messages.map((m) => m.content) : c.text ? [c.text] : [])
