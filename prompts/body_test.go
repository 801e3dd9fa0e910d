package prompts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// FuzzBodies puts a prompt into any body: what goes on is JSON, its members stand once, and those that are not the prompt's
// to change are what they were.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{}`, ` { } `, `{"prompt":{}}`, `{"prompt":null,"messages":[]}`, `{"a":1,"prompt":{"variables":{"who":"x","name":"y"}}}`,
		`{"prompt":{"variables":{"who":"\"}","name":"{{name}}"}} , "messages":[{"role":"user","content":"\ud800"}]}`,
		`{"messages":[ ],"input":"x","system":"y","text":{},"tools":null,"temperature":null}`, `{"input":[1],"system":[],"output_config":{"format":1}}`,
		`{"\u0070rompt":{"id":"x\"y"},"p\"":1}`, `{"model":"","model2":"m"}`, "{\"a\":\"prompt\",\n\t\"prompt\" :\r{}\n}",
	} {
		for e := range uint8(4) {
			f.Add([]byte(body), e)
		}
	}
	b := newBench(f)
	b.push("greet", greet)
	s := b.registry.Current()
	made, err := s.recipe(s.prompts["greet"], &s.prompts["greet"].Versions[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, e uint8) {
		if rawjson.ScanUnique(body, nil) != nil || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte{'{'}) {
			return
		}
		endpoint := []llm.Endpoint{llm.ChatCompletions, llm.Responses, llm.Messages, llm.CountTokens}[e%4]
		sh, _ := shapeOf(endpoint)
		r := request{shape: sh, endpoint: endpoint, body: bytes.Clone(body)}
		r.read()
		if _, fault := r.asked(Ref{Name: "greet"}); fault != nil {
			return
		}
		if fault := r.put(made, []Message{{"system", "s\""}, {"user", "u\\"}}); fault != nil {
			return
		}
		r.set("model", rawjson.Quote("m\""))
		before := raws(t, body)
		for name, out := range map[string][]byte{"sent": r.sent(), "recorded": r.recorded("greet@1")} {
			if err := rawjson.ScanUnique(out, nil); err != nil {
				t.Fatalf("%s of %s: %v\n%s", name, body, err, out)
			}
			after := raws(t, out)
			for key, raw := range before {
				switch key {
				case "prompt", "messages", "input", "system", "model", "text", "output_config":
				default:
					if !bytes.Equal(after[key], raw) {
						t.Errorf("%s: member %q was %s and is %s", name, key, raw, after[key])
					}
				}
			}
			if _, there := after["prompt"]; there != (name == "recorded") {
				t.Errorf("%s: %s", name, out)
			}
			if v, _ := after["model"].Str(); v != `m"` {
				t.Errorf("%s: the model is %s", name, after["model"])
			}
			turns := 0
			after[sh.turns()].Each(func(int, rawjson.Value) bool { turns++; return true })
			if least := map[shape]int{chat: 2, responses: 2, messages: 1}[sh]; turns < least {
				t.Errorf("%s: %d messages in %s", name, turns, out)
			}
		}
		if !bytes.Equal(r.body, body) {
			t.Error("the client's body was written to")
		}
	})
}

func raws(t *testing.T, body []byte) map[string]rawjson.Value {
	t.Helper()
	out := map[string]rawjson.Value{}
	err := rawjson.Scan(body, func(key []byte, v rawjson.Value, _ int) bool {
		out[string(key)] = v
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func nothing(context.Context, *llm.Call) (*llm.Response, error) { return nil, nil }

// oneKilobyte is a prompt of 1 KB with five variables.
func oneKilobyte() Content {
	var system strings.Builder
	for i := range 5 {
		fmt.Fprintf(&system, "Rule %d: take {{v%d}} as it is, and never as anything else.\n%s\n", i, i, strings.Repeat("Be short and kind. ", 8))
	}
	return Content{
		Messages: []Message{{Role: "system", Content: system.String()}, {Role: "user", Content: "What is {{v0}} to {{v4}}?"}},
		Model:    "gpt-4o-mini", Settings: json.RawMessage(`{"temperature":0.2,"max_tokens":200}`),
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, c := range []struct{ name, prompt, body string }{
		{"a prompt of 1 KB and 5 variables", "big@production", `{"prompt":{"id":"big@production","variables":{"v0":"one","v1":"two","v2":"three","v3":"four","v4":"five"}},"user":"u1"}`},
		{"before a conversation of 8 KB", "big@production", `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("words ", 1300) + `"}],"prompt":{"id":"big@production","variables":{"v0":"one","v1":"two","v2":"three","v3":"four","v4":"five"}}}`},
		{"no prompt", "", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			bed := newBench(b)
			content := oneKilobyte()
			bed.push("big", content)
			bed.label("big", Production, 1)
			if n := len(content.Messages[0].Content); n < 1000 || n > 1200 {
				b.Fatalf("the prompt has %d bytes", n)
			}
			stage := Resolve(llm.SenderFunc(nothing), bed.cfg)
			call := &llm.Call{Endpoint: llm.ChatCompletions, Body: []byte(c.body), Prompt: c.prompt, Model: "m"}
			b.ReportAllocs()
			for b.Loop() {
				call.Use = &llm.Use{}
				if _, err := stage.Send(b.Context(), call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
