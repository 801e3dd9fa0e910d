package tokens

import (
	"bytes"
	"encoding/json"
	"strings"
)

// What a chat adds around its texts, as OpenAI's cookbook gives it ("How to count tokens with tiktoken").
const (
	perMessage  = 3 // <|start|>, the separator, <|end|>
	perName     = 1
	perReply    = 3 // every reply is primed with <|start|>assistant<|message|>
	perToolCall = 3 // a call in the history is framed like a message
)

// What a request to Anthropic adds before the first of its tools, by its documentation of tool use.
const toolPreamble = 346

// ChatRequest returns the prompt tokens of an OpenAI chat.completions request with this body: 3 for each message,
// its role, content and name (and 1), and 3 for the start of the reply.
//
// Exact for text. Approximate for the rest, and then rather above than below the bill:
//   - tools and functions by the cookbook's method, see countTools; response_format's schema as its JSON text
//   - tool calls in the history as name and arguments, and 3 each
//   - images by OpenAI's rule for the model in the body, where the size can be read from a data: URL; else the most
//     an image can cost, see imageTokens
//   - audio by its bytes, see audioTokens; a file by a token for each 4 of its bytes, and not at all when only its id
//     is given
//   - any other field of a message by the strings in it
//
// A body that is not one JSON object counts as plain text. Keys match exactly, and the last of duplicates holds.
func ChatRequest(enc Encoding, body []byte) int { return Request("chat.completions", enc, body) }

// Request returns the prompt tokens of a request to endpoint with this body. Endpoint is one of
//
//	chat.completions  see ChatRequest
//	completions       prompt: text, texts, token ids (one each), lists of token ids; and suffix
//	embeddings        input, likewise
//	responses         input: text or items, with instructions and tools, counted like a chat; what a
//	                  previous_response_id stands for is not in the body and not counted
//	messages          Anthropic's: system, messages, tools. An estimate, as the vocabulary is not public
//
// For any other endpoint the body counts as plain text. It never panics, whatever body holds.
func Request(endpoint string, enc Encoding, body []byte) int {
	if endpoint == "chat.completions" {
		if n, ok := plainChat(enc, body); ok {
			return n
		}
	}
	return decoded(endpoint, enc, body)
}

// decoded is Request for bodies of every shape.
func decoded(endpoint string, enc Encoding, body []byte) int {
	root, ok := decode(body)
	if !ok {
		return Count(enc, body)
	}
	model, _ := root["model"].(string)
	c := counter{enc: enc, model: bareName(model)}
	switch endpoint {
	case "chat.completions":
		return perReply + c.messages(root["messages"]) + c.tools(root["tools"], root["functions"]) +
			c.schema(root["response_format"])
	case "completions":
		return c.input(root["prompt"]) + c.input(root["suffix"])
	case "embeddings":
		return c.input(root["input"])
	case "responses":
		return c.responses(root)
	case "messages":
		return c.anthropic(root)
	}
	return Count(enc, body)
}

// decode reads one JSON object and nothing after it. Numbers stay text, so that none is out of range.
func decode(body []byte) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var root map[string]any
	if err := d.Decode(&root); err != nil || root == nil {
		return nil, false
	}
	return root, len(bytes.TrimSpace(body[d.InputOffset():])) == 0
}

// A counter counts the parts of a decoded request. Values of a type the API does not have there count by the
// strings in them.
type counter struct {
	enc   Encoding
	model string // bare
}

func (c counter) text(s string) int { return CountString(c.enc, s) }

// input counts the text, texts, token ids or lists of token ids of an embedding or a completion.
func (c counter) input(v any) int {
	switch v := v.(type) {
	case string:
		return c.text(v)
	case json.Number:
		return 1
	case []any:
		return sum(v, c.input)
	}
	return c.strings(v)
}

func (c counter) messages(v any) int {
	list, ok := v.([]any)
	if !ok {
		return c.strings(v)
	}
	return sum(list, func(v any) int { return perMessage + c.message(v) })
}

func (c counter) message(v any) int {
	message, ok := v.(map[string]any)
	if !ok {
		return c.strings(v)
	}
	total := 0
	for field, v := range message {
		switch field {
		case "content":
			total += c.content(v)
		case "tool_calls":
			total += c.toolCalls(v)
		case "function_call":
			total += perToolCall + c.strings(v)
		case "name":
			total += perName + c.strings(v)
		default:
			total += c.strings(v)
		}
	}
	return total
}

// toolCalls counts what the model wrote; ids and types stand for nothing it reads.
func (c counter) toolCalls(v any) int {
	list, ok := v.([]any)
	if !ok {
		return c.strings(v)
	}
	return sum(list, func(v any) int {
		if call, ok := v.(map[string]any); ok {
			return perToolCall + c.strings(call["function"]) + c.strings(call["custom"])
		}
		return c.strings(v)
	})
}

// content counts a text or the parts of a message.
func (c counter) content(v any) int {
	if parts, ok := v.([]any); ok {
		return sum(parts, c.part)
	}
	return c.part(v)
}

func (c counter) part(v any) int {
	part, ok := v.(map[string]any)
	if !ok {
		return c.strings(v)
	}
	switch kind, _ := part["type"].(string); kind {
	case "text", "input_text", "output_text":
		return c.strings(part["text"])
	case "refusal":
		return c.strings(part["refusal"])
	case "image_url", "input_image", "image":
		return c.image(part)
	case "input_audio":
		return audioTokens(part["input_audio"])
	case "file", "input_file":
		return c.file(part)
	case "thinking":
		return c.strings(part["thinking"])
	case "tool_use":
		return perToolCall + c.strings(part["name"]) + c.json(part["input"])
	case "tool_result":
		return perToolCall + c.content(part["content"])
	case "document":
		return c.document(part)
	}
	return c.strings(part)
}

func (c counter) responses(root map[string]any) int {
	total := perReply + c.tools(root["tools"], nil) + c.schema(root["text"])
	if instructions, ok := root["instructions"].(string); ok {
		total += perMessage + c.text("system") + c.text(instructions)
	}
	items, ok := root["input"].([]any)
	if !ok {
		return total + perMessage + c.text("user") + c.strings(root["input"])
	}
	return total + sum(items, c.item)
}

// item counts a message, or a call and its output.
func (c counter) item(v any) int {
	item, ok := v.(map[string]any)
	if !ok {
		return perMessage + c.strings(v)
	}
	switch kind, _ := item["type"].(string); kind {
	case "", "message":
		return perMessage + c.strings(item["role"]) + c.content(item["content"])
	case "function_call", "custom_tool_call":
		return perMessage + c.strings(item["name"]) + c.strings(item["arguments"]) + c.strings(item["input"])
	case "function_call_output", "custom_tool_call_output":
		return perMessage + c.content(item["output"])
	case "item_reference":
		return 0
	}
	return perMessage + c.part(item)
}

func (c counter) anthropic(root map[string]any) int {
	total := perReply + c.content(root["system"]) + c.messages(root["messages"])
	list, _ := root["tools"].([]any)
	if len(list) > 0 {
		total += toolPreamble
	}
	return total + sum(list, c.json)
}

// strings counts all strings under v.
func (c counter) strings(v any) int {
	switch v := v.(type) {
	case string:
		return c.text(v)
	case []any:
		return sum(v, c.strings)
	case map[string]any:
		total := 0
		for _, v := range v {
			total += c.strings(v)
		}
		return total
	}
	return 0
}

// json counts v as JSON text.
func (c counter) json(v any) int {
	if v == nil {
		return 0
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// What was decoded encodes again.
	if err := e.Encode(v); err != nil {
		return c.strings(v)
	}
	return Count(c.enc, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// schema counts the schema an answer must follow: response_format of a chat, text.format of a response.
func (c counter) schema(v any) int {
	format, _ := v.(map[string]any)
	if inner, ok := format["format"].(map[string]any); ok {
		format = inner
	}
	if inner, ok := format["json_schema"].(map[string]any); ok {
		format = inner
	}
	return c.json(format["schema"])
}

func sum(list []any, count func(any) int) int {
	total := 0
	for _, v := range list {
		total += count(v)
	}
	return total
}

// typeName writes a JSON schema's type, which is a name or a list of them.
func typeName(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var names []string
		for _, v := range v {
			if name, ok := v.(string); ok {
				names = append(names, name)
			}
		}
		return strings.Join(names, "|")
	}
	return ""
}
