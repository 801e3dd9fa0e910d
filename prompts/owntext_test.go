package prompts

import (
	"testing"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

func TestOwnText(t *testing.T) {
	for name, tt := range map[string]struct {
		endpoint  llm.Endpoint
		body      string
		variables string
		want      int
	}{
		"the user's messages": {llm.ChatCompletions, `{"messages":[{"role":"system","content":"no"},{"role":"user","content":"one"},{"role":"assistant","content":"long"},{"role":"user","content":"two "}]}`, "", 7},
		"parts":               {llm.Messages, `{"messages":[{"role":"user","content":[{"type":"text","text":"héé"},{"type":"image"}]}]}`, "", 5},
		"escapes":             {llm.ChatCompletions, `{"messages":[{"role":"user","content":"a\nb\u00e9"}]}`, "", 5},
		"an input":            {llm.Responses, `{"input":"hello"}`, "", 5},
		"a list of inputs":    {llm.Responses, `{"input":[{"role":"user","content":[{"type":"input_text","text":"hello"}]}]}`, "", 5},
		"a completion":        {llm.Completions, `{"prompt":["ab","c"]}`, "", 3},
		"variables":           {llm.ChatCompletions, `{"messages":[]}`, `{"name":"Zoë","list":["a","bc"],"deep":{"n":12,"b":true,"z":null}}`, 4 + 3 + 2},
		"nothing":             {llm.ChatCompletions, `{}`, "", 0},
		"of another form":     {llm.ChatCompletions, `{"messages":{"role":"user"}}`, "", 0},
	} {
		shape, _ := shapeOf(tt.endpoint)
		r := request{shape: shape, endpoint: tt.endpoint, body: []byte(tt.body), variables: rawjson.Value(tt.variables)}
		r.read()
		if got := r.ownText(); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}
