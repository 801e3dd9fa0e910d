// Drives a gateway with the official client and prints, one JSON object a line, what the client saw.
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: process.env.WEIR_GATEWAY, apiKey: process.env.WEIR_KEY, maxRetries: 0 })
const say = (step, seen) => console.log(JSON.stringify({ step, ...seen }))
const headers = (response) => ({
  call: response.headers.get('x-weir-call-id'),
  cost: response.headers.get('x-weir-cost-usd'),
})

// A plain chat.
{
  const { data, response } = await client.chat.completions
    .create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Name three rivers.' }], user: 'node' }, { headers: { 'X-Weir-Tags': 'suite=e2e' } })
    .withResponse()
  say('chat', { ...headers(response), text: data.choices[0].message.content, usage: data.usage })
}

// A stream that does not ask for usage: no chunk may carry any, and none may be without choices.
{
  const { data: stream, response } = await client.chat.completions
    .create({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Tell me about weirs.' }] })
    .withResponse()
  let text = ''
  let odd = 0
  for await (const chunk of stream) {
    if (chunk.choices.length === 0 || chunk.usage) odd++
    text += chunk.choices[0]?.delta?.content ?? ''
  }
  say('stream', { ...headers(response), text, odd })
}

// A stream that asks for usage.
{
  const { data: stream, response } = await client.chat.completions
    .create({ model: 'gpt-4o', stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'Count to five.' }] })
    .withResponse()
  let text = ''
  let usage = null
  for await (const chunk of stream) {
    usage = chunk.usage ?? usage
    text += chunk.choices[0]?.delta?.content ?? ''
  }
  say('stream-usage', { ...headers(response), text, usage })
}

// Tools.
{
  const { data, response } = await client.chat.completions
    .create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'What is the weather in Bern?' }],
      tools: [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }],
      tool_choice: 'required',
    })
    .withResponse()
  const call = data.choices[0].message.tool_calls[0]
  say('tools', { ...headers(response), text: call.function.name, arguments: JSON.parse(call.function.arguments), usage: data.usage })
}

// Embeddings.
{
  const { data, response } = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['a river', 'a dam'] }).withResponse()
  say('embeddings', { ...headers(response), vectors: data.data.length, usage: data.usage })
}

// Responses, plain and streamed.
{
  const { data, response } = await client.responses.create({ model: 'gpt-4o-mini', input: 'What is a weir?' }).withResponse()
  say('responses', { ...headers(response), text: data.output_text, responsesUsage: data.usage })
}
{
  const { data: stream, response } = await client.responses.create({ model: 'o4-mini', input: 'Why do weirs measure flow?', stream: true }).withResponse()
  let text = ''
  let usage = null
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') text += event.delta
    if (event.type === 'response.completed') usage = event.response.usage
  }
  say('responses-stream', { ...headers(response), text, responsesUsage: usage })
}

// An error of the provider, and one of weir.
for (const [step, model, extra] of [['error', 'gpt-4o-mini', { 'x-sim-status': '429' }], ['unknown', 'no-such-model', {}]]) {
  try {
    await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'x' }] }, { headers: extra })
    say(step, { status: 200 })
  } catch (e) {
    say(step, { call: e.headers?.get?.('x-weir-call-id') ?? null, status: e.status, code: e.code ?? '' })
  }
}

// A disconnect in the middle of a stream.
{
  const { data: stream, response } = await client.chat.completions
    .create({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Write a very long story.' }] }, { headers: { 'x-sim-chunks': '200', 'x-sim-delay': '20ms' } })
    .withResponse()
  let chunks = 0
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content && ++chunks === 3) break
  }
  say('disconnect', { ...headers(response), chunks })
}

// The list of models.
{
  const models = await client.models.list()
  say('models', { vectors: models.data.length })
}
