package rag

import (
	"encoding/json"
	"testing"
)

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(`{"model":"rag/x","messages":[{"role":"system","content":"a"},{"role":"user","content":[{"type":"text","text":"q"}]}],"weir":{"labels":{"a":["b"]}},"n":1,"temperature":0.1}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":null}],"tools":null,"n":"1"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, fault := readRequest(body)
		if fault != nil {
			if fault.Message == "" || fault.Code == "" {
				t.Errorf("a refusal without a reason: %+v", fault)
			}
			return
		}
		sent := r.body(&Settings{Model: "m"}, handbookSources())
		var out struct {
			Model    string
			Weir     json.RawMessage
			Messages []json.RawMessage
		}
		if err := json.Unmarshal(sent, &out); err != nil || out.Model != "m" || out.Weir != nil || len(out.Messages) != len(r.messages)+1 {
			t.Errorf("%v in %s", err, sent)
		}
	})
}
