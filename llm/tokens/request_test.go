package tokens

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// The two examples of OpenAI's cookbook (MIT), "How to count tokens with tiktoken", and what the API counted.
const (
	cookbookChat = `{"model":"gpt-4o","temperature":0,"messages":[
{"role":"system","content":"You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
{"role":"system","name":"example_user","content":"New synergies will help drive top-line growth."},
{"role":"system","name":"example_assistant","content":"Things working well together will increase revenue."},
{"role":"system","name":"example_user","content":"Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
{"role":"system","name":"example_assistant","content":"Let's talk later when we're less busy about how to do better."},
{"role":"user","content":"This late pivot means we don't have time to boil the ocean for the client deliverable."}]}`

	weather = `{"name":"get_current_weather","description":"Get the current weather in a given location",
"parameters":{"type":"object","properties":{
"location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},
"unit":{"type":"string","description":"The unit of temperature to return","enum":["celsius","fahrenheit"]}},
"required":["location"]}}`

	weatherMessages = `[{"role":"system","content":"You are a helpful assistant that can answer to questions about the weather."},
{"role":"user","content":"What's the weather like in San Francisco?"}]`
)

func TestChatRequestCountsWhatTheAPIDoes(t *testing.T) {
	tools := `{"messages":` + weatherMessages + `,"tools":[{"type":"function","function":` + weather + `}]}`
	functions := `{"messages":` + weatherMessages + `,"functions":[` + weather + `]}`
	tests := []struct {
		name string
		enc  Encoding
		body string
		want int
	}{
		{"messages", CL100k, cookbookChat, 129},
		{"messages", O200k, cookbookChat, 124},
		{"tools", CL100k, tools, 105},
		{"tools", O200k, tools, 101},
		{"functions", CL100k, functions, 105},
		{"functions", O200k, functions, 101},
		{"hello", O200k, `{"messages":[{"role":"user","content":"hello"}]}`, 8},
	}
	for _, tt := range tests {
		if got := ChatRequest(tt.enc, []byte(tt.body)); got != tt.want {
			t.Errorf("%s, %s: got %d tokens, want %d", tt.name, tt.enc, got, tt.want)
		}
	}
}

func TestRequest(t *testing.T) {
	n := func(texts ...string) int {
		total := 0
		for _, text := range texts {
			total += CountString(O200k, text)
		}
		return total
	}
	user := 3 + n("user")
	tests := []struct {
		endpoint, body string
		want           int
	}{
		{"completions", `{"prompt":"Once upon a time"}`, 4},
		{"completions", `{"prompt":["Once upon","a time"]}`, 4},
		{"completions", `{"prompt":[1,2,3]}`, 3},
		{"completions", `{"prompt":[[1,2,3],[4,5]],"suffix":" end"}`, 6},
		{"embeddings", `{"input":"hello world"}`, 2},
		{"embeddings", `{"input":["hello world","hello","hello"]}`, 4},
		{"embeddings", `{"input":[15339,1917,1e999]}`, 3},
		{"embeddings", `{"input":[[1],[2,3],[]]}`, 3},
		{"embeddings", `{"input":null}`, 0},
		{"embeddings", `{}`, 0},

		{"chat.completions", `{"messages":[]}`, 3},
		{"chat.completions", `{"messages":[{"role":"user","content":[{"type":"text","text":"one two"},{"type":"text","text":"three"}]}]}`, 3 + user + 3},
		{"chat.completions", `{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}]}`, 3 + 3 + n("assistant") + 3 + n("f", "{}")},
		{"chat.completions", `{"messages":[{"role":"user","content":"one","name":"Ann"}]}`, 3 + user + 1 + n("Ann") + 1},
		{"chat.completions", `{"messages":[{"role":"user","content":"a < b \u00e9 \ud83d\ude00 \ud800"}]}`, 3 + user + n("a < b é 😀 \ufffd")},
		{"chat.completions", `{"messages":[{"role":"user","content":"one"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}}}`, 3 + user + 1 + n(`{"type":"object"}`)},
		{"chat.completions", `{"messages":[{"role":"user","content":"one two three"}],"Messages":[]}`, 3 + user + 3},
		{"chat.completions", `{"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,` + strings.Repeat("A", 400) + `"}}]}]}`, 3 + user + n("a.txt") + 75},
		{"chat.completions", `{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"format":"mp3","data":"` + strings.Repeat("A", 1600) + `"}}]}]}`, 3 + user + 3},

		{"responses", `{"input":"one two"}`, 3 + user + 2},
		{"responses", `{"instructions":"Be brief","input":"one two"}`, 3 + user + 2 + 3 + n("system", "Be brief")},
		{"responses", `{"input":[{"role":"user","content":"one two"}]}`, 3 + user + 2},
		{"responses", `{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"one two"}]},{"type":"function_call","call_id":"x","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"x","output":"three"}]}`, 3 + user + 2 + 3 + n("f", "{}") + 3 + 1},
		{"responses", `{"input":[{"type":"item_reference","id":"msg_1"}]}`, 3},

		{"messages", `{"system":"Be brief","messages":[{"role":"user","content":"one two"}]}`, 3 + n("Be brief") + user + 2},
		{"messages", `{"system":[{"type":"text","text":"Be brief"}],"messages":[{"role":"user","content":[{"type":"text","text":"one two"}]}]}`, 3 + n("Be brief") + user + 2},
		{"messages", `{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"one"}]}]},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]}]}`, 3 + user + 3 + 1 + 3 + n("assistant") + 3 + n("f", `{"a":1}`)},
		{"messages", `{"messages":[],"tools":[{"name":"f"}]}`, 3 + 346 + n(`{"name":"f"}`)},
		{"messages", `{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]}`, 3 + user + 1600},
		{"messages", `{"messages":[{"role":"user","content":[{"type":"document","title":"T","source":{"type":"text","data":"one two"}}]}]}`, 3 + user + 3},

		{"moderations", `{"input":"x"}`, n(`{"input":"x"}`)},
		{"chat.completions", `not JSON`, n(`not JSON`)},
		{"chat.completions", `{"messages":[]} {"messages":[]}`, n(`{"messages":[]} {"messages":[]}`)},
		{"chat.completions", `null`, 1},
		{"chat.completions", ``, 0},
	}
	for _, tt := range tests {
		if got := Request(tt.endpoint, O200k, []byte(tt.body)); got != tt.want {
			t.Errorf("Request(%s, %.200s) = %d, want %d", tt.endpoint, tt.body, got, tt.want)
		}
	}
}

func TestResponsesToolsAreFlat(t *testing.T) {
	flat := `{"input":"x","tools":[{"type":"function",` + weather[1:] + `]}`
	nested := `{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":` + weather + `}]}`
	if got, want := Request("responses", O200k, []byte(flat)), ChatRequest(O200k, []byte(nested)); got != want {
		t.Errorf("flat tool counts %d, nested %d", got, want)
	}
	web := `{"input":"x","tools":[{"type":"web_search"}]}`
	if got, want := Request("responses", O200k, []byte(web)), 8+CountString(O200k, "web_search"); got != want {
		t.Errorf("web search: got %d, want %d", got, want)
	}
}

// What is nested in a parameter adds to the count, wherever it stands.
func TestNestedParametersCount(t *testing.T) {
	tool := func(parameters string) int {
		return ChatRequest(O200k, fmt.Appendf(nil,
			`{"messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":%s}}]}`, parameters))
	}
	base := tool(`{"type":"object"}`)
	for _, parameters := range []string{
		`{"properties":{"a":{"type":["string","null"]}}}`,
		`{"properties":{}, "anyOf":[{"type":"object","description":"first"}]}`,
		`{"type":"array","items":{"type":"object","properties":{"b":{"type":"string"}}}}`,
		`{"$defs":{"x":{"type":"string","enum":["a","b",1]}}}`,
	} {
		if got := tool(parameters); got <= base {
			t.Errorf("parameters %s count %d, want more than %d", parameters, got, base)
		}
	}
	outer := tool(`{"properties":{"a":{"type":"object","description":"one"}}}`)
	inner := tool(`{"properties":{"a":{"type":"object","description":"one","properties":{"b":{"type":"string","description":"two"}}}}}`)
	if got, want := inner-outer, perProperties+perProperty+CountString(O200k, "b:string:two"); got != want {
		t.Errorf("a nested property adds %d, want %d", got, want)
	}
}

func TestImageRules(t *testing.T) {
	tests := []struct {
		model string
		w, h  int
		low   bool
		want  int
	}{
		// The examples of OpenAI's guide to vision.
		{"gpt-4o", 1024, 1024, false, 765},
		{"gpt-4o", 2048, 4096, false, 1105},
		{"gpt-4o", 4096, 8192, true, 85},
		{"gpt-4.1-mini", 1024, 1024, false, 1659},
		{"gpt-4.1-nano", 1800, 2400, false, 3572}, // 1452 patches
		{"gpt-4o", 512, 512, false, 255},
		{"gpt-4o", 513, 513, false, 765},
		{"gpt-4o", 0, 0, false, 1445},
		{"gpt-4o", 0, 0, true, 85},
		{"gpt-4o", 1, 1 << 40, false, 85 + 4*170},
		{"gpt-4o-mini-2024-07-18", 128, 64, false, 8500},
		{"gpt-4o-mini", 128, 64, true, 2833},
		{"gpt-5-2025-08-07", 128, 64, false, 210},
		{"o1", 128, 64, false, 225},
		{"o4-mini", 128, 64, true, 14},
		{"gpt-5-nano", 0, 0, false, 3779},
		{"o4-mini", 1, 1 << 40, false, 2642},
	}
	for _, tt := range tests {
		if got := ruleFor(tt.model).tokens(tt.w, tt.h, tt.low); got != tt.want {
			t.Errorf("%s: image of %d by %d (low %v): got %d tokens, want %d", tt.model, tt.w, tt.h, tt.low, got, tt.want)
		}
	}
	for _, tt := range []struct{ w, h, want int }{{200, 200, 54}, {1000, 1000, 1334}, {4000, 4000, 1600}, {0, 0, 1600}} {
		if got := claudeTokens(tt.w, tt.h); got != tt.want {
			t.Errorf("Anthropic's image of %d by %d: got %d tokens, want %d", tt.w, tt.h, got, tt.want)
		}
	}
}

func TestImageSizeIsReadFromData(t *testing.T) {
	picture := image.NewPaletted(image.Rect(0, 0, 1024, 1024), nil)
	picture.Palette = append(picture.Palette, image.Black.C)
	encode := map[string]func(*bytes.Buffer) error{
		"png":  func(b *bytes.Buffer) error { return png.Encode(b, picture) },
		"jpeg": func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) },
		"gif":  func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) },
	}
	for name, encode := range encode {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		data := base64.StdEncoding.EncodeToString(b.Bytes())
		chat := fmt.Sprintf(`{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/%s;base64,%s"}}]}]}`, name, data)
		if got, want := ChatRequest(O200k, []byte(chat)), 7+765; got != want {
			t.Errorf("%s in a chat: got %d tokens, want %d", name, got, want)
		}
		response := fmt.Sprintf(`{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_image","detail":"low","image_url":"data:image/%s;base64,%s"}]}]}`, name, data)
		if got, want := Request("responses", O200k, []byte(response)), 7+85; got != want {
			t.Errorf("%s in a response: got %d tokens, want %d", name, got, want)
		}
		message := fmt.Sprintf(`{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/%s","data":"%s"}}]}]}`, name, data)
		if got, want := Request("messages", O200k, []byte(message)), 7+1399; got != want {
			t.Errorf("%s in a message: got %d tokens, want %d", name, got, want)
		}
	}
	remote := `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}`
	if got, want := ChatRequest(O200k, []byte(remote)), 7+1445; got != want {
		t.Errorf("image of unknown size: got %d tokens, want %d", got, want)
	}
}

var endpoints = []string{"chat.completions", "completions", "embeddings", "responses", "messages", "else"}

func FuzzRequest(f *testing.F) {
	for _, body := range hostile {
		f.Add([]byte(body))
	}
	f.Add([]byte(cookbookChat))
	for _, body := range plainChats {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sameBothWays(t, body)
		for _, endpoint := range endpoints {
			if got := Request(endpoint, O200k, body); got < 0 {
				t.Errorf("Request(%s, %q) = %d", endpoint, body, got)
			}
		}
	})
}

// sameBothWays checks that the short way, where it counts a body, says what the long way says.
func sameBothWays(t *testing.T, body []byte) (short bool) {
	t.Helper()
	got, short := plainChat(O200k, body)
	if want := decoded("chat.completions", O200k, body); short && got != want {
		t.Errorf("%q: the short way counts %d, the long way %d", body, got, want)
	}
	return short
}

// plainChats are counted the short way.
var plainChats = []string{
	`{"model":"gpt-4o","messages":[]}`,
	` {"model":"gpt-4o","messages":[ {"role":"user","content":"Hello there"} , {"name":"ann","role":"assistant","content":""}],"stream":true}` + "\n",
	`{"messages":[{"content":[{"type":"text","text":"a\"b\u00e9\ud83d\ude00\ud83d c"},{"text":"\n","type":"text"}],"role":"user"}]}`,
	"{\"messages\":[{\"role\":\"us\xffer\",\"content\":\"\xc3\x28 \xf0\x9f\"}]}",
	`{"mess\u0061ges":[{"r\u006fle":"user","content":"x"}],"temperature":0}`,
}

func TestPlainChats(t *testing.T) {
	for _, body := range plainChats {
		if !sameBothWays(t, []byte(body)) {
			t.Errorf("%q is counted the long way", body)
		}
	}
	for _, body := range []string{
		`{"messages":[{"role":"user","content":"a","content":"b"}]}`, `{"messages":[],"messages":[]}`, `{"messages":[{"role":"user","content":null}]}`,
		`{"messages":[{"role":"user","content":"a"}],"tools":[]}`, `{"messages":[{"role":"user","tool_calls":[]}]}`, `{"messages":"a"}`, `{"messages":[1]}`,
		`{"messages":[{"content":[{"type":"image_url"}]}]}`, `{"messages":[{"content":[{"text":"a"}]}]}`, `{"messages":[]`, `{}`, ``,
	} {
		if sameBothWays(t, []byte(body)) {
			t.Errorf("%q is counted the short way", body)
		}
	}
	for _, body := range hostile {
		sameBothWays(t, []byte(body))
	}
}

// hostile bodies have values of every wrong type where the API has another.
var hostile = func() []string {
	values := []string{
		`null`, `true`, `-1`, `1e999`, `""`, `"x"`, `[]`, `{}`, `[null]`, `[[[]]]`, `[{}]`, `{"a":[{"b":1}]}`,
		`[{"type":"text"}]`, `[{"type":"image_url","image_url":1}]`, `[{"type":"image_url","image_url":{"url":"data:;base64,"}}]`,
		`[{"type":"image","source":{"data":"iVBORw0KGgo="}}]`, `[{"type":"input_audio","input_audio":[]}]`, `[{"type":"file","file":[]}]`,
		`[{"type":1}]`, `[{"type":"tool_result","content":{"type":"tool_result","content":[]}}]`,
		`[{"type":"function","function":{"name":1,"description":[],"parameters":{"properties":{"a":1,"b":{"enum":{}},"c":{"enum":[]},"d":{"type":{},"items":[1]}}}}}]`,
		strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		strings.Repeat(`{"a":`, 9000) + `"x"` + strings.Repeat("}", 9000),
	}
	bodies := []string{"", "{", "[]", "1", `"x"`, "\xff", `{"messages":`, strings.Repeat("[", 1<<16)}
	for _, v := range values {
		for _, key := range []string{"messages", "tools", "functions", "prompt", "suffix", "input", "instructions", "system", "model", "text", "response_format"} {
			bodies = append(bodies, fmt.Sprintf(`{%q:%s}`, key, v))
		}
		for _, key := range []string{"role", "content", "name", "tool_calls", "function_call", "type"} {
			bodies = append(bodies, fmt.Sprintf(`{"messages":[{%q:%s}],"input":[{%[1]q:%[2]s}]}`, key, v))
		}
	}
	return bodies
}()

func TestHostileBodiesDoNotPanic(t *testing.T) {
	for _, body := range hostile {
		for _, endpoint := range endpoints {
			if got := Request(endpoint, CL100k, []byte(body)); got < 0 {
				t.Errorf("Request(%s, %.200q) = %d, want no less than 0", endpoint, body, got)
			}
		}
	}
}

func BenchmarkChatRequest(b *testing.B) {
	text := strings.Repeat("It counts the tokens of each request before it is sent. ", 40)
	var messages []map[string]string
	for range 20 {
		messages = append(messages, map[string]string{"role": "user", "content": text})
	}
	body, err := json.Marshal(map[string]any{"model": "gpt-4o", "messages": messages})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		ChatRequest(O200k, body)
	}
}
