package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm/tokens"
)

const levelTool = `"tools":[{"type":"function","function":{"name":"get_level","description":"Reads the water level at a gauge","parameters":{
	"type":"object","properties":{"gauge":{"type":"string"},"hours":{"type":"integer","minimum":1,"maximum":48},"unit":{"type":"string","enum":["m","ft"]}},
	"required":["gauge","hours"],"additionalProperties":false}}},
	{"type":"function","function":{"name":"send_mail","description":"Sends a mail","parameters":{"type":"object","properties":{"to":{"type":"string","format":"email"}},"required":["to"]}}}]`

func TestToolCalls(t *testing.T) {
	const ask1 = `{"role":"user","content":"What was the water level at Teddington in the last 6 hours?"}`
	for _, tt := range []struct {
		name, extra, messages string
		want                  []string // functions called
	}{
		{"asked for", "", ask1, []string{"get_level"}},
		{"not asked for", "", `{"role":"user","content":"Tell me a joke."}`, nil},
		{"forbidden", `"tool_choice":"none",`, ask1, nil},
		{"named", `"tool_choice":{"type":"function","function":{"name":"send_mail"}},`, ask1, []string{"send_mail"}},
		{"required", `"tool_choice":"required","parallel_tool_calls":false,`, `{"role":"user","content":"Tell me a joke."}`, []string{"get_level"}},
		{"answered", "", ask1 + `,{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_level","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"{\"level\":1.42,\"unit\":\"m\"}"}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"model":"gpt-4.1",` + tt.extra + levelTool + `,"messages":[` + tt.messages + `]}`
			got := decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", body))
			c := got.Choices[0]
			var names []string
			for _, call := range c.Message.ToolCalls {
				names = append(names, call.Function.Name)
				var args struct {
					Gauge, Unit, To *string
					Hours           *int
				}
				if err := json.Unmarshal([]byte(call.Function.Arguments), &args); err != nil {
					t.Fatalf("the arguments are not JSON: %s", call.Function.Arguments)
				}
				switch call.Function.Name {
				case "get_level":
					if args.Gauge == nil || args.Hours == nil || *args.Hours < 1 || *args.Hours > 48 || !slices.Contains([]string{"m", "ft"}, *args.Unit) {
						t.Errorf("the arguments do not fit the schema: %s", call.Function.Arguments)
					}
					if tt.name == "asked for" && (*args.Gauge != "Teddington" || *args.Hours != 6) {
						t.Errorf("the arguments are not those of the question: %s", call.Function.Arguments)
					}
				case "send_mail":
					if args.To == nil || !strings.Contains(*args.To, "@") {
						t.Errorf("the arguments do not fit the schema: %s", call.Function.Arguments)
					}
				}
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("functions called (-want +got):\n%s", diff)
			}
			if called := c.FinishReason == "tool_calls"; called != (tt.want != nil) || (c.Message.Content == nil) != called {
				t.Errorf("got finish reason %s and content %v", c.FinishReason, c.Message.Content)
			}
			if tt.name == "answered" && !strings.Contains(*c.Message.Content, "1.42") {
				t.Errorf("the answer leaves out what the tool said: %s", *c.Message.Content)
			}
			n := 0
			for _, call := range c.Message.ToolCalls {
				n += tokens.CountString(tokens.O200k, call.Function.Name) + tokens.CountString(tokens.O200k, call.Function.Arguments)
			}
			if n > 0 && n != got.Usage.CompletionTokens {
				t.Errorf("got %d completion tokens, want %d", got.Usage.CompletionTokens, n)
			}
		})
	}
}

func TestToolCallStream(t *testing.T) {
	body := `{"model":"gpt-4.1","stream":true,"tool_choice":"required",` + levelTool + `,"messages":[{"role":"user","content":"Water level at Kew?"}]}`
	var name, id, args, finish string
	events := readEvents(t, ask(t, New(Config{}), "/v1/chat/completions", body).Body)
	for _, e := range events[:len(events)-1] {
		var c struct {
			Choices []struct {
				Delta struct {
					ToolCalls []chatCall `json:"tool_calls"`
				}
				FinishReason string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal([]byte(e.data), &c); err != nil {
			t.Fatal(err)
		}
		finish += c.Choices[0].FinishReason
		for _, call := range c.Choices[0].Delta.ToolCalls {
			if call.Index == nil || *call.Index != 0 {
				t.Errorf("a fragment has index %v, want 0", call.Index)
			}
			name, id, args = name+call.Function.Name, id+call.ID, args+call.Function.Arguments
		}
	}
	if name != "get_level" || !strings.HasPrefix(id, "call_") || len(id) != 29 || finish != "tool_calls" || !json.Valid([]byte(args)) {
		t.Errorf("got name %q id %q finish %q arguments %s", name, id, finish, args)
	}
}

// fits reports what of v is against the schema, as far as the generator promises to obey it.
func fits(root, raw any, v any, at string) error {
	s, ok := raw.(map[string]any)
	if !ok {
		return nil
	}
	if ref, ok := s["$ref"].(string); ok {
		to := root
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			to = to.(map[string]any)[part]
		}
		return fits(root, to, v, at)
	}
	if c, ok := s["const"]; ok && !cmp.Equal(c, v) {
		return fmt.Errorf("%s: %v is not %v", at, v, c)
	}
	if e, ok := s["enum"].([]any); ok && !slices.ContainsFunc(e, func(x any) bool { return cmp.Equal(x, v) }) {
		return fmt.Errorf("%s: %v is none of %v", at, v, e)
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		if all, ok := s[word].([]any); ok && !slices.ContainsFunc(all, func(x any) bool { return fits(root, x, v, at) == nil }) {
			return fmt.Errorf("%s: %v fits no alternative", at, v)
		}
	}
	if all, ok := s["allOf"].([]any); ok {
		for _, x := range all {
			if err := fits(root, x, v, at); err != nil {
				return err
			}
		}
	}
	num := func(key string) (float64, bool) { f, ok := s[key].(float64); return f, ok }
	switch v := v.(type) {
	case map[string]any:
		if s["type"] != nil && s["type"] != "object" {
			return fmt.Errorf("%s: an object is not %v", at, s["type"])
		}
		props, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, k := range required {
			if _, ok := v[k.(string)]; !ok {
				return fmt.Errorf("%s: %v is missing", at, k)
			}
		}
		for k, x := range v {
			if p, ok := props[k]; ok {
				if err := fits(root, p, x, at+"."+k); err != nil {
					return err
				}
			} else if s["additionalProperties"] == false {
				return fmt.Errorf("%s: %s is not allowed", at, k)
			}
		}
	case []any:
		if s["type"] != "array" {
			return fmt.Errorf("%s: a list is not %v", at, s["type"])
		}
		if n, ok := num("minItems"); ok && float64(len(v)) < n {
			return fmt.Errorf("%s: %d items are too few", at, len(v))
		}
		if n, ok := num("maxItems"); ok && float64(len(v)) > n {
			return fmt.Errorf("%s: %d items are too many", at, len(v))
		}
		for i, x := range v {
			if err := fits(root, s["items"], x, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case float64:
		if types := fmt.Sprint(s["type"]); s["type"] != nil && !strings.Contains(types, "number") && !strings.Contains(types, "integer") {
			return fmt.Errorf("%s: a number is not %v", at, types)
		} else if strings.Contains(types, "integer") && v != math.Trunc(v) {
			return fmt.Errorf("%s: %v is not whole", at, v)
		}
		for key, bad := range map[string]func(float64) bool{
			"minimum": func(b float64) bool { return v < b }, "maximum": func(b float64) bool { return v > b },
			"exclusiveMinimum": func(b float64) bool { return v <= b }, "exclusiveMaximum": func(b float64) bool { return v >= b },
			"multipleOf": func(b float64) bool { return math.Abs(v/b-math.Round(v/b)) > 1e-9 },
		} {
			if b, ok := num(key); ok && bad(b) {
				return fmt.Errorf("%s: %v breaks %s %v", at, v, key, b)
			}
		}
	case string:
		if types := fmt.Sprint(s["type"]); s["type"] != nil && !strings.Contains(types, "string") {
			return fmt.Errorf("%s: a string is not %v", at, types)
		}
		if n, ok := num("minLength"); ok && float64(len([]rune(v))) < n {
			return fmt.Errorf("%s: %q is too short", at, v)
		}
		if n, ok := num("maxLength"); ok && float64(len([]rune(v))) > n {
			return fmt.Errorf("%s: %q is too long", at, v)
		}
		if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			return fmt.Errorf("%s: %q does not match %s", at, v, p)
		}
	case nil:
		if types := fmt.Sprint(s["type"]); !strings.Contains(types, "null") {
			return fmt.Errorf("%s: null is not %v", at, types)
		}
	}
	return nil
}

func TestSchemaAnswers(t *testing.T) {
	for _, text := range []string{
		`{"type":"object","properties":{"name":{"type":"string"},"email":{"type":"string","format":"email"},"order":{"type":"string","pattern":"^[A-Z]{2}-\\d{5}$"},"amount":{"type":"number"}},"required":["name","email","order","amount"],"additionalProperties":false}`,
		`{"type":"object","properties":{"score":{"type":"number","minimum":0,"maximum":1},"grade":{"type":"integer","minimum":1,"maximum":5},"reason":{"type":"string","maxLength":40}},"required":["score","grade","reason"]}`,
		`{"type":"object","properties":{"tags":{"type":"array","items":{"type":"string","enum":["a","b"]},"minItems":2,"maxItems":3},"kind":{"const":"tags"}},"required":["tags","kind"]}`,
		`{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":6},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value"],"additionalProperties":false}}}`,
		`{"type":"object","properties":{"x":{"type":["number","null"],"multipleOf":0.5},"y":{"type":["null","string"],"minLength":70}},"required":["x","y"]}`,
		`{"type":"object","properties":{"who":{"allOf":[{"$ref":"#/$defs/a"},{"type":"object","properties":{"b":{"type":"boolean"}},"required":["b"]}]}},"required":["who"],"$defs":{"a":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}}`,
		`{"type":"object","properties":{}}`,
	} {
		var root any
		if err := json.Unmarshal([]byte(text), &root); err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(20) {
			body := `{"model":"gpt-4o","response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":` + text + `}},
				"messages":[{"role":"user","content":"Extract: Mara Stein (mara@example.org) ordered 3 lamps for 49.50 in order WR-10482."}]}`
			got := *decodeInto[chatCompletion](t, ask(t, New(Config{Seed: seed}), "/v1/chat/completions", body)).Choices[0].Message.Content
			var v any
			if err := json.Unmarshal([]byte(got), &v); err != nil {
				t.Fatalf("seed %d: not JSON: %s", seed, got)
			}
			if err := fits(root, root, v, "$"); err != nil {
				t.Fatalf("seed %d: %v\n%s\n%s", seed, err, got, text)
			}
		}
	}
}

func TestExtraction(t *testing.T) {
	body := `{"model":"gpt-4o","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{
		"order_id":{"type":"string"},"customer_name":{"type":"string"},"email":{"type":"string"},"city":{"type":"string"}},"required":["order_id","customer_name","email","city"]}}},
		"messages":[{"role":"user","content":"Mara Stein (mara@example.org) in Utrecht asks about order WR-10482."}]}`
	got := *decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", body)).Choices[0].Message.Content
	if want := `{"order_id":"WR-10482","customer_name":"Mara Stein","email":"mara@example.org","city":"Utrecht"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	body = `{"model":"gpt-4o","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"Rate the answer. Reply as JSON with \"score\" and \"reason\"."}]}`
	got = *decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", body)).Choices[0].Message.Content
	var v struct {
		Score  *float64
		Reason *string
	}
	if err := json.Unmarshal([]byte(got), &v); err != nil || v.Score == nil || v.Reason == nil || *v.Score < 0 || *v.Score > 1 {
		t.Errorf("got %s, want an object with a score and a reason", got)
	}
}

func TestIntents(t *testing.T) {
	say := func(content string) string {
		q, err := json.Marshal(map[string]any{"model": "gpt-4o-mini", "messages": []map[string]string{{"role": "user", "content": content}}})
		if err != nil {
			t.Fatal(err)
		}
		return *decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", string(q))).Choices[0].Message.Content
	}
	if got := say("Classify the ticket as one of: billing, bug, feature request.\nTicket: I was charged twice, please look at the invoice and the billing address."); got != "billing" {
		t.Errorf("a classification got %q, want billing", got)
	}
	context := "[1] The mill was built in 1841 by the Weil family.\n[2] A weir keeps the level for boats all year.\n[3] Eels pass the gate at night.\n\nQuestion: Who built the mill?"
	if got, want := say("Answer from the passages.\n"+context), "The mill was built in 1841 by the Weil family [1]."; !strings.HasPrefix(got, want) {
		t.Errorf("a question over passages got %q, want %q", got, want)
	}
	if got := say("Context:\nThe gate opens at nine.\n\nQuestion: What does zinc cost?"); !strings.Contains(got, "say nothing about") {
		t.Errorf("a question the context does not answer got %q", got)
	}
	text := "The river rose by two metres in the night. The keeper opened both gates. A dog barked somewhere. By morning the river level was back below the crest of the weir."
	if got := say("Summarize this text:\n" + text); len(got) >= len(text) || !strings.Contains(text, sentencesOf(got)[0]) {
		t.Errorf("a summary got %q", got)
	}
	if got := say("Write a SQL query that counts orders per customer."); !strings.Contains(got, "SELECT") {
		t.Errorf("a question on SQL got %q", got)
	}
}

func TestCompletions(t *testing.T) {
	body := `{"model":"gpt-3.5-turbo-instruct","prompt":["Once upon a time","The weir"],"max_tokens":20}`
	got := decodeInto[completion](t, ask(t, New(Config{}), "/v1/completions", body))
	n := 0
	for i, c := range got.Choices {
		if c.Index != i || c.Text == "" {
			t.Errorf("choice %d: %+v", i, c)
		}
		n += tokens.CountString(tokens.CL100k, c.Text)
	}
	if len(got.Choices) != 2 || got.Usage.CompletionTokens != n || got.Usage.PromptTokens != 6 {
		t.Errorf("got %d choices and usage %+v, want 2 and %d", len(got.Choices), got.Usage, n)
	}
	stream := strings.Replace(body, "{", `{"stream":true,"stream_options":{"include_usage":true},`, 1)
	events := readEvents(t, ask(t, New(Config{}), "/v1/completions", stream).Body)
	if len(events) < 5 || events[len(events)-1].data != "[DONE]" || !strings.Contains(events[len(events)-2].data, `"choices":[]`) {
		t.Errorf("got %+v", events)
	}
}

func TestEmbeddings(t *testing.T) {
	s := New(Config{})
	type answer struct {
		Data []struct {
			Index     int
			Embedding []float32
		}
		Usage embeddingUsage
	}
	got := decodeInto[answer](t, ask(t, s, "/v1/embeddings", `{"model":"text-embedding-3-small","input":["How do I reset my password?","resetting a forgotten password","The weir holds back the flood"],"dimensions":256}`))
	dot := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	v := func(i int) []float32 { return got.Data[i].Embedding }
	for i := range 3 {
		if len(v(i)) != 256 || math.Abs(dot(v(i), v(i))-1) > 1e-5 {
			t.Errorf("vector %d has %d dimensions and square length %v, want 256 and 1", i, len(v(i)), dot(v(i), v(i)))
		}
	}
	if near, far := dot(v(0), v(1)), dot(v(0), v(2)); near < .4 || math.Abs(far) > .25 {
		t.Errorf("similar texts have cosine %.2f, unlike ones %.2f", near, far)
	}
	if want := 6 + 1 + 5 + 8; got.Usage.PromptTokens < want-5 || got.Usage.PromptTokens != got.Usage.TotalTokens {
		t.Errorf("got usage %+v, want about %d", got.Usage, want)
	}
	b64 := decodeInto[struct {
		Data []struct{ Embedding string }
	}](t, ask(t, s, "/v1/embeddings", `{"model":"text-embedding-3-small","input":"How do I reset my password?","dimensions":256,"encoding_format":"base64"}`))
	raw, err := base64.StdEncoding.DecodeString(b64.Data[0].Embedding)
	if err != nil || len(raw) != 1024 {
		t.Fatalf("got %d bytes of base64, %v", len(raw), err)
	}
	for i, want := range v(0) {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])); got != want {
			t.Fatalf("place %d: got %v, want %v", i, got, want)
		}
	}
	for body, status := range map[string]int{
		`{"model":"gpt-4o","input":"x"}`:                                  403,
		`{"model":"text-embedding-3-small"}`:                              400,
		`{"model":"text-embedding-3-small","input":""}`:                   400,
		`{"model":"text-embedding-3-small","input":"x","dimensions":0}`:   400,
		`{"model":"text-embedding-ada-002","input":"x","dimensions":128}`: 400,
		`{"model":"text-embedding-ada-002","input":[[1,2,3],[4]]}`:        200,
	} {
		if w := ask(t, s, "/v1/embeddings", body); w.Code != status {
			t.Errorf("%s: got %d, want %d", body, w.Code, status)
		}
	}
}

func TestResponses(t *testing.T) {
	const body = `{"model":"gpt-5-mini","instructions":"You keep a weir.","input":"Where does the head gauge sit?","metadata":{"a":"b"}}`
	got := decodeInto[struct {
		Status, Model, Instructions string
		Output                      []struct {
			Type    string
			Content []outputText
		}
		Usage    responseUsage
		Metadata map[string]string
	}](t, ask(t, New(Config{}), "/v1/responses", body, "x-sim-reason", "128"))
	if got.Status != "completed" || got.Model != "gpt-5-mini-2025-08-07" || got.Instructions != "You keep a weir." || got.Metadata["a"] != "b" {
		t.Errorf("got %+v", got)
	}
	if len(got.Output) != 2 || got.Output[0].Type != "reasoning" || got.Output[1].Type != "message" {
		t.Fatalf("got output %+v, want reasoning and a message", got.Output)
	}
	if want := tokens.CountString(tokens.O200k, got.Output[1].Content[0].Text) + 128; got.Usage.OutputTokens != want || got.Usage.OutputDetails.Reasoning != 128 {
		t.Errorf("got usage %+v, want %d output tokens", got.Usage, want)
	}
	if want := tokens.Request("responses", tokens.O200k, []byte(body)); got.Usage.InputTokens != want {
		t.Errorf("got %d input tokens, want %d", got.Usage.InputTokens, want)
	}
}

func TestResponsesStream(t *testing.T) {
	for _, tt := range []struct{ name, body, last string }{
		{"text", `{"model":"gpt-5-mini","stream":true,"input":[{"role":"user","content":[{"type":"input_text","text":"Where does the gauge sit?"}]}]}`, "response.completed"},
		{"cut short", `{"model":"gpt-4o","stream":true,"max_output_tokens":8,"input":"Where does the gauge sit?"}`, "response.incomplete"},
		{"tools", `{"model":"gpt-4.1","stream":true,"tool_choice":"required","tools":[{"type":"function","name":"get_level","parameters":{"type":"object","properties":{"gauge":{"type":"string"}},"required":["gauge"]}}],"input":"Level at Kew?"}`, "response.completed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			var deltas, final string
			open := map[string]int{}
			for i, e := range readEvents(t, ask(t, New(Config{}), "/v1/responses", tt.body, "x-sim-reason", map[bool]string{true: "64", false: "0"}[tt.name == "text"]).Body) {
				var d struct {
					Type           string
					SequenceNumber int `json:"sequence_number"`
					Delta          string
					Text           string
					Arguments      string
					Response       struct {
						Status string
						Usage  *responseUsage
						Output []json.RawMessage
					}
				}
				if err := json.Unmarshal([]byte(e.data), &d); err != nil {
					t.Fatalf("event %d: %v", i, err)
				}
				if d.Type != e.name || d.SequenceNumber != i {
					t.Errorf("event %d: name %s, type %s, number %d", i, e.name, d.Type, d.SequenceNumber)
				}
				deltas += d.Delta
				final += d.Text + d.Arguments
				switch {
				case strings.HasSuffix(e.name, ".added"):
					open[strings.TrimSuffix(e.name, ".added")]++
				case e.name == "response.output_item.done" || e.name == "response.content_part.done":
					open[strings.TrimSuffix(e.name, ".done")]--
				}
				names = append(names, e.name)
				if done := e.name == tt.last; done != (d.Response.Usage != nil) || done && len(d.Response.Output) == 0 {
					t.Errorf("event %d (%s): usage %+v", i, e.name, d.Response.Usage)
				}
			}
			if diff := cmp.Diff([]string{"response.created", "response.in_progress", "response.output_item.added"}, names[:3]); diff != "" {
				t.Errorf("the opening (-want +got):\n%s", diff)
			}
			if names[len(names)-1] != tt.last {
				t.Errorf("ends with %s, want %s", names[len(names)-1], tt.last)
			}
			if deltas == "" || deltas != final {
				t.Errorf("the pieces %q are not the whole %q", deltas, final)
			}
			for what, n := range open {
				if n != 0 {
					t.Errorf("%s: %d were opened and not closed", what, n)
				}
			}
		})
	}
}

func TestCorpusParses(t *testing.T) {
	for _, topic := range topics() {
		if len(topic.open) == 0 || len(topic.say) < 6 || len(topic.close) == 0 || len(topic.keys) == 0 {
			t.Errorf("%s is too thin: %d openings, %d sentences, %d closings", topic.name, len(topic.open), len(topic.say), len(topic.close))
		}
	}
	if _, err := parseTopic("x", "sing: la"); err == nil {
		t.Error("an unknown word was accepted")
	}
}

func FuzzPrefix(f *testing.F) {
	f.Add("The weir holds the water – and the flood.", 3)
	f.Add("日本語のテキスト", 2)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = 1 + max(n, -n)%50
		count := counterFor(model{id: "gpt-4o"})
		got := prefix(text, n, count)
		if !strings.HasPrefix(text, got) || count.text([]byte(got)) > n {
			t.Errorf("prefix(%q, %d) = %q with %d tokens", text, n, got, count.text([]byte(got)))
		}
	})
}

func BenchmarkChat(b *testing.B) {
	s := New(Config{})
	var q chatRequest
	if err := json.Unmarshal([]byte(hello), &q); err != nil {
		b.Fatal(err)
	}
	p, err := q.prompt()
	if err != nil {
		b.Fatal(err)
	}
	m, _ := s.lookup("gpt-4o-mini")
	count := counterFor(m)
	for i := range uint64(b.N) {
		compose(p, m, Behaviour{}, rand.New(rand.NewPCG(i, 1)), count)
	}
}
