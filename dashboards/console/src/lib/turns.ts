/** A session's calls as one conversation: each call resends what was said before, and that is said once here. */

import { read, type Message } from './transcript'

export interface Said { messages: Message[]; hidden: number; branched: boolean }

/** sign tells messages apart by what they say; reasoning is not resent, and ends of lines are not what is said. */
function sign(m: Message): string {
  const parts = m.parts.flatMap((p): string[] => {
    switch (p.kind) {
      case 'reasoning': return []
      case 'text': case 'refusal': case 'note': return p.text.trim() ? [p.text.trim()] : []
      case 'call': return [`call ${p.name} ${p.args.replace(/\s+/g, '')}`]
      case 'result': return ['result ' + p.text.trim()]
      case 'image': return ['image ' + (p.src || p.note)]
      default: return [JSON.stringify(p)]
    }
  })
  return m.role + '\n' + parts.join('\n')
}

/** isSystem tells what stands before a conversation from its turns: rules, and the registry's prompt that a call names. */
const isSystem = (m: Message): boolean => m.role === 'system' || m.role === 'developer' || (m.role === 'prompt' && m.parts[0]?.kind === 'json')

/** thread gives what each call adds to what was said before it. */
export function thread(calls: { request: unknown; response: unknown }[]): Said[] {
  let history: string[] = []
  let system = ''
  return calls.map(({ request, response }) => {
    const all = read(request, response).messages
    const asked = all.filter((m) => !m.answer), answers = all.filter((m) => m.answer)
    const rules = asked.filter(isSystem), rest = asked.filter((m) => !isSystem(m))
    const signs = rest.map(sign)
    // The whole history, or the end of it where a client keeps a window only.
    let known = 0
    for (let n = Math.min(signs.length, history.length); n > 0; n--) {
      if (signs[0] === history[history.length - n] && signs.slice(0, n).every((s, i) => s === history[history.length - n + i])) { known = n; break }
    }
    let branched = false
    if (!known) {
      // An earlier turn was taken back, edited or asked again: what is the same at the beginning is known.
      while (known < signs.length - 1 && known < history.length && signs[known] === history[known]) known++
      branched = known > 0
    } else if (known === signs.length && known > 0) {
      known-- // the same question again is asked again
    }
    const ruled = rules.map(sign).join('\n')
    const shown = [...(ruled === system ? [] : rules), ...rest.slice(known), ...answers]
    const hidden = known + (ruled === system ? rules.length : 0)
    system = ruled
    history = [...signs, ...answers.slice(0, 1).map((m) => sign(m))]
    return { messages: shown, hidden, branched }
  })
}
