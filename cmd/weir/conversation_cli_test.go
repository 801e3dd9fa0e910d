package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

func TestQuestions(t *testing.T) {
	tests := []struct {
		name, body string
		want       []said
	}{
		{
			"chat", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]},
			{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"42"}]}`,
			[]said{{"system", "s"}, {"user", "a\n[image_url]"}, {"assistant", `-> f({"x":1})`}, {"tool", "42"}},
		},
		{"completion", `{"prompt":["a","b"]}`, []said{{"prompt", "a\nb"}}},
		{"embeddings of tokens", `{"input":[[1,2]]}`, []said{{"input", "1\n2"}}},
		{
			"responses", `{"instructions":"be brief","input":[{"role":"user","content":[{"type":"input_text","text":"q"}]},{"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"o"}]}`,
			[]said{{"system", "be brief"}, {"user", "q"}, {"assistant", "-> f({})"}, {"tool", "o"}},
		},
		{
			"messages", `{"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","name":"f","input":{"x":1}}]}]}`,
			[]said{{"system", "s"}, {"user", "q"}, {"assistant", `-> f({"x":1})`}},
		},
		{"cut off", `{"messages":[{"role"`, nil},
		{"none", ``, nil},
		{"odd", `{"messages":[1,null,{"role":7}]}`, []said{{"input", "1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, questions([]byte(tt.body)), cmp.AllowUnexported(said{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	body := `{"choices":[{"index":0,"message":{"content":"a","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}},{"index":1,"message":{"content":"b"}}]}`
	want := []said{{"assistant", "a\n-> f({})"}, {"assistant, choice 2", "b"}}
	if diff := cmp.Diff(want, answers(llm.ChatCompletions, false, []byte(body)), cmp.AllowUnexported(said{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := answers(llm.ChatCompletions, false, nil); got != nil {
		t.Errorf("no answer: got %v", got)
	}
}

func TestRecordedBodies(t *testing.T) {
	for in, want := range map[string]string{`null`: "", `"data: x\n"`: "data: x\n", `{"a":1}`: `{"a":1}`, ``: ""} {
		if got := string(recordedBytes(json.RawMessage(in))); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
