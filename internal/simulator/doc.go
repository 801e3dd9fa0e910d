// Package simulator is a language model provider that runs in the process and costs nothing.
//
// It speaks OpenAI's dialect: chat completions, completions, embeddings, responses, models and moderations, plain and
// streamed. The same seed and the same request body give the same answer, usage, identifiers and latency. Answers are
// composed of a small corpus of sentences and of the prompt's own words; usage is counted, not guessed.
//
// # Directives
//
// A request can say how it wants to be treated. A directive is a header x-sim-NAME, or an entry of the body's metadata
// named sim-NAME, or a model named sim-NAME-VALUE; the header wins over the metadata, the metadata over the model.
// What none of them says comes from Config.Behaviour.
//
//	status   429          answer with this error instead; 503 is a page of HTML, 429 carries Retry-After
//	latency  50ms         wait this long, unscaled by Speed, before the first byte
//	delay    5ms          wait this long, unscaled by Speed, before each later event of a stream
//	chunks   50           send the answer in this many content events (the answer is made long enough)
//	words    400          give the answer at least this many words
//	text     Yes.         answer exactly this
//	cut      3            drop the connection after this many events; of a plain answer, half way
//	hang     true         send nothing until the client goes away
//	hang     3            the same, after three events of a stream
//	fail     3            send an error event in place of the fourth event of a stream, then close
//	usage    none | zero  leave usage out, or report it as zeros
//	cached   1024         report this many cached prompt tokens (never more than there are)
//	reason   256          report this many reasoning tokens, whatever the model is
package simulator
