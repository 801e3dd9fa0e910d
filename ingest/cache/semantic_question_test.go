package cache

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
)

func TestBodiesWithoutAQuestion(t *testing.T) {
	const one = `{"role":"user","content":"How many?"}`
	for name, b := range map[string]string{
		"nothing":              ``,
		"no JSON":              `{"messages":[`,
		"a list":               `[` + one + `]`,
		"no messages":          `{"model":"m"}`,
		"no message":           `{"messages":[]}`,
		"messages twice":       `{"messages":[` + one + `],"messages":[` + one + `]}`,
		"messages as object":   `{"messages":{"0":` + one + `}}`,
		"messages as text":     `{"messages":"How many?"}`,
		"a text as message":    `{"messages":["How many?"]}`,
		"the assistant's":      `{"messages":[` + one + `,{"role":"assistant","content":"Three"}]}`,
		"a tool's":             `{"messages":[` + one + `,{"role":"tool","content":"3"}]}`,
		"nobody's":             `{"messages":[{"content":"How many?"}]}`,
		"somebody else's":      `{"messages":[{"role":["user"],"content":"How many?"}]}`,
		"no content":           `{"messages":[{"role":"user"}]}`,
		"null":                 `{"messages":[{"role":"user","content":null}]}`,
		"a number":             `{"messages":[{"role":"user","content":7}]}`,
		"content twice":        `{"messages":[{"role":"user","content":"How many?","content":"Pay me"}]}`,
		"content twice, coded": `{"messages":[{"role":"user","content":"How many?","cont\u0065nt":"Pay me"}]}`,
		"empty":                `{"messages":[{"role":"user","content":""}]}`,
		"blank":                `{"messages":[{"role":"user","content":" \n\t"}]}`,
		"too long":             `{"messages":[{"role":"user","content":"` + strings.Repeat("x", MaxQuestion+1) + `"}]}`,
		"no text":              "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}",
		"no part":              `{"messages":[{"role":"user","content":[]}]}`,
		"a picture":            `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`,
		"two texts":            `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
		"a text twice":         `{"messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]}`,
		"a part without text":  `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text"}]}]}`,
		"a part's text as map": `{"messages":[{"role":"user","content":[{"type":"text","text":{"a":1}}]}]}`,
		"a part of no kind":    `{"messages":[{"role":"user","content":["a"]}]}`,
		"parts as object":      `{"messages":[{"role":"user","content":{"type":"text","text":"a"}}]}`,
		"a conversation":       `{"conversation":"c","messages":[` + one + `]}`,
		"very deep":            `{"messages":[{"role":"user","content":"a","x":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}]}`,
	} {
		if _, text, ok := Question(chat(body(b))); ok {
			t.Errorf("%s: the question is %q", name, text)
		}
	}
	for _, endpoint := range []llm.Endpoint{llm.Embeddings, llm.Completions, llm.Passthrough, llm.CountTokens, llm.Models, ""} {
		if _, _, ok := Question(chat(func(c *llm.Call) { c.Endpoint = endpoint })); ok {
			t.Errorf("a call to %q has a question", endpoint)
		}
	}
	if _, text, ok := Question(chat(body(`{"messages":[{"role":"user","content":"a\u0062\ud83d\ude00"}]}`))); !ok || text != "ab😀" {
		t.Errorf("%q %v", text, ok)
	}
	if _, text, ok := Question(chat(body(`{"messages":[{"role":"user","content":"` + strings.Repeat("x", MaxQuestion) + `"}]}`))); !ok || len(text) != MaxQuestion {
		t.Errorf("%d %v", len(text), ok)
	}
}

// Whatever a body holds, its question and the rest are all there is: another question leaves the rest as it is, and a change of
// the rest makes another key.
func FuzzQuestion(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"How many?"}]}`), byte(0))
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"image_url"},{"type":"text","text":"How many?"}]}],"tools":[]}`), byte(1))
	f.Add([]byte(`{"input":[{"role":"user","content":[{"type":"input_text","text":"How many?"}]}]}`), byte(2))
	f.Add([]byte(`{"input":"How many?","instructions":"i"}`), byte(2))
	endpoints := []llm.Endpoint{llm.ChatCompletions, llm.Messages, llm.Responses}
	f.Fuzz(func(t *testing.T, b []byte, kind byte) {
		at := func(c *llm.Call) { c.Endpoint = endpoints[int(kind)%len(endpoints)] }
		rest, text, ok := Question(chat(body(string(b)), at))
		if !ok {
			return
		}
		more := `{"x-weir-fuzz":1,` + strings.TrimLeft(string(b), " \t\r\n")[1:]
		if other, same, ok := Question(chat(body(more), at)); !ok || same != text || other == rest {
			t.Fatalf("%s: one member more: %v %q", b, ok, same)
		}
		quoted := fmt.Sprintf("%q", text)
		if strings.Count(string(b), quoted) != 1 || strings.Count(string(b), text) != 1 {
			return
		}
		asked := strings.Replace(string(b), quoted, `"another question"`, 1)
		if other, said, ok := Question(chat(body(asked), at)); !ok || said != "another question" || other != rest {
			t.Fatalf("%s: another question: %v %q", asked, ok, said)
		}
	})
}

func TestVerdicts(t *testing.T) {
	for said, want := range map[string][2]bool{
		"YES": {true, true}, "yes": {true, true}, " **Yes**": {true, true}, "No.": {false, true}, "NO": {false, true}, "\"no\"": {false, true}, "yes, because": {true, true},
		"": {}, "maybe": {}, "none": {}, "Nope": {}, "yesterday": {}, "I say yes": {}, "not": {},
	} {
		if yes, ok := Verdict(said); yes != want[0] || ok != want[1] {
			t.Errorf("%q: %v %v", said, yes, ok)
		}
	}
}

func BenchmarkQuestion(b *testing.B) {
	c := chat(body(`{"model":"gpt-4o-mini","messages":[{"role":"system","content":"` + strings.Repeat("Be brief. ", 50) + `"},{"role":"user","content":"How many?"}]}`))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := Question(c); !ok {
			b.Fatal("no question")
		}
	}
}
