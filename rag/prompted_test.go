package rag

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever documents say, what a model was given is read back as it was.
func TestPrompted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.SampledFrom([]string{"leave", "\n", "\n\n", "[1]\n", "=== end ", " ===\n", "=== 0123456789abcdef ===\n", "Question: ", "ü", "\"", "The sources. "})
		text := rapid.Custom(func(rt *rapid.T) string {
			out := "x"
			for _, w := range rapid.SliceOfN(word, 0, 8).Draw(rt, "words") {
				out += w
			}
			return out
		})
		var sources []*Source
		var want []string
		for i, s := range rapid.SliceOfN(text, 0, 4).Draw(rt, "sources") {
			sources = append(sources, &Source{Number: i + 1, Text: s, Candidate: &Candidate{Chunk: Chunk{Document: text.Draw(rt, "document"), Title: text.Draw(rt, "title")}}})
			want = append(want, s)
		}
		question := text.Draw(rt, "question")
		r := &request{members: map[string]json.RawMessage{}, messages: []json.RawMessage{marshal(message{"user", question})}, question: Question{Text: question}}
		if asked, ok := AskedIn(marshal(map[string]any{"messages": []message{{"system", "x"}, {"user", question}}})); !ok || asked != strings.TrimSpace(question) {
			rt.Errorf("asked %q, %v; want %q", asked, ok, question)
		}
		gotQuestion, got, ok := Prompted(r.body(&Settings{Model: "m"}, sources))
		if !ok || gotQuestion != question || !slices.Equal(got, want) {
			rt.Errorf("read %q and %q, %v; want %q and %q", gotQuestion, got, ok, question, want)
		}
	})
	for _, body := range []string{
		``, `{}`, `{"messages":[{"role":"user","content":"What is a weir?"}]}`, `{"messages":[{"role":"user","content":["x"]}]}`,
		`{"messages":[{"role":"user","content":"The sources. Each stands between two lines with the mark a, and\n\n=== a ===\nx\n=== end a ===\n\nQuestion: q"}]}`,
	} {
		if q, p, ok := Prompted([]byte(body)); ok {
			t.Errorf("%s was read as %q and %q", body, q, p)
		}
	}
}
