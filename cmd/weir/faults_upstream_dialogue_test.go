package main

import (
	"fmt"
	"strings"

	"github.com/weir-dev/weir/llm"
)

// dialogue is a kind of call and what a provider in its right mind answers.
type dialogue struct {
	name, kind, path, model string
	endpoint                llm.Endpoint
	stream                  bool
	contentType, answer     string
	usage                   llm.Usage
	failure, failureCode    string // an error in the provider's shape
	failureEvent            string // the same in a stream
}

// weirIs is in every answer; faults cut behind its first half and replace it.
const weirIs = "A weir is a low barrier across a river."

// dialogues are chat completions and Anthropic's messages, plain and as a stream.
func dialogues() []*dialogue {
	chat := dialogue{
		name: "chat", kind: "openai", path: "/chat/completions", model: "gpt-4o-mini", endpoint: llm.ChatCompletions, contentType: "application/json",
		answer: `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"` + weirIs +
			`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":10,"total_tokens":22}}`,
		usage:        llm.Usage{InputUncached: 12, OutputText: 10},
		failure:      `{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}`,
		failureCode:  "server_error",
		failureEvent: `data: {"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}` + "\n\n",
	}
	messages := dialogue{
		name: "messages", kind: "anthropic", path: "/messages", model: "claude-sonnet-4-5", endpoint: llm.Messages, contentType: "application/json",
		answer: `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"` + weirIs +
			`"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":10}}`,
		usage:        llm.Usage{InputUncached: 12, OutputText: 10},
		failure:      `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
		failureCode:  "overloaded_error",
		failureEvent: "event: error\ndata: " + `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}` + "\n\n",
	}
	chatStream, messagesStream := chat, messages
	chatStream.name, chatStream.stream, chatStream.contentType = "chat stream", true, "text/event-stream"
	chunk := func(choices, usage string) string {
		return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[` + choices + `],"usage":` + usage + "}\n\n"
	}
	half := len(weirIs) / 2
	chatStream.answer = chunk(`{"index":0,"delta":{"role":"assistant","content":"`+weirIs[:half]+`"},"finish_reason":null}`, "null") +
		chunk(`{"index":0,"delta":{"content":"`+weirIs[half:]+`"},"finish_reason":null}`, "null") +
		chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`, "null") +
		chunk("", `{"prompt_tokens":12,"completion_tokens":10,"total_tokens":22}`) + "data: [DONE]\n\n"
	messagesStream.name, messagesStream.stream, messagesStream.contentType = "messages stream", true, "text/event-stream"
	event := func(name, rest string) string {
		return "event: " + name + "\ndata: " + `{"type":"` + name + `"` + rest + "}\n\n"
	}
	messagesStream.answer = event("message_start", `,"message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":1}}`) +
		event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`) +
		event("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":"`+weirIs[:half]+`"}`) +
		event("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":"`+weirIs[half:]+`"}`) +
		event("content_block_stop", `,"index":0`) +
		event("message_delta", `,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":10}`) +
		event("message_stop", "")
	return []*dialogue{&chat, &chatStream, &messages, &messagesStream}
}

// request is what the client sends.
func (d *dialogue) request(model string) string {
	usage := ""
	if d.stream && d.kind == "openai" {
		usage = `"stream_options":{"include_usage":true},` // so that nothing is hidden from the client
	}
	return fmt.Sprintf(`{"model":%q,"stream":%v,%s"max_tokens":50,"messages":[{"role":"user","content":"What is a weir?"}]}`, model, d.stream, usage)
}

// plain is the same dialogue without a stream.
func (d *dialogue) plain() *dialogue {
	for _, p := range dialogues() {
		if p.kind == d.kind && !p.stream {
			return p
		}
	}
	return nil
}

// cut is the answer up to the middle of an event, or of the text: some output has gone before.
func (d *dialogue) cut() string {
	at := strings.Index(d.answer, weirIs[len(weirIs)/2:])
	if !d.stream {
		at = strings.Index(d.answer, weirIs) + len(weirIs)/2
	}
	return d.answer[:at]
}

// events is the beginning of a stream up to the end of an event that brought output.
func (d *dialogue) events() string {
	at := strings.Index(d.answer, weirIs[:len(weirIs)/2])
	return d.answer[:at+strings.Index(d.answer[at:], "\n\n")+2]
}

func streams(d *dialogue) bool { return d.stream }

func plains(d *dialogue) bool { return !d.stream }
