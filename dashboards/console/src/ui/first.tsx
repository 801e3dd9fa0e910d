/** What to do when nothing has been recorded yet. */

import { useState } from 'preact/hooks'
import { Code } from './text'
import { Empty, Segmented } from './parts'

export function FirstCall() {
  const [lang, set] = useState<'curl' | 'python' | 'node'>('curl')
  const base = location.origin + '/v1'
  const text = {
    curl: `curl ${base}/chat/completions \\\n  -H "Authorization: Bearer $WEIR_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'`,
    python: `from openai import OpenAI\n\nclient = OpenAI(base_url="${base}", api_key=WEIR_KEY)`,
    node: `import OpenAI from 'openai'\n\nconst client = new OpenAI({ baseURL: '${base}', apiKey: process.env.WEIR_KEY })`,
  }[lang]
  return (
    <Empty icon="bolt" title="Make the first call">
      <p>Point any OpenAI client at weir and change nothing else. The call stands here a second later, with its tokens and its exact cost. <a href="/keys">Make a key</a> first if you have none.</p>
      <div class="first">
        <Segmented label="Language" value={lang} onChange={set} options={[['curl', 'curl'], ['python', 'Python'], ['node', 'Node']]} />
        <Code text={text} lang={lang} />
      </div>
    </Empty>
  )
}
