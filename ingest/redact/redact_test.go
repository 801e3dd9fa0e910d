package redact

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

// redacted applies the policy to an answer.
func redacted(b string) string {
	_, out := Apply(Redacted, nil, nil, []byte(b))
	return string(out)
}

func TestPolicies(t *testing.T) {
	req, resp := []byte(`{"a":"jane@example.com"}`), []byte(`{"b":1}`)
	if q, p := Apply(Full, nil, req, resp); !bytes.Equal(q, req) || !bytes.Equal(p, resp) {
		t.Errorf("full = %s, %s", q, p)
	}
	for _, p := range []Policy{None, "", "ful"} {
		if q, r := Apply(p, nil, req, resp); q != nil || r != nil {
			t.Errorf("%q = %q, %q, want nothing", p, q, r)
		}
	}
	if q, r := Apply(Redacted, nil, req, nil); string(q) != `{"a":"[email]"}` || r != nil {
		t.Errorf("redacted = %s, %q", q, r)
	}
	same, other := Apply(Hash, []byte("salt"), req, resp)
	again, _ := Apply(Hash, []byte("salt"), req, nil)
	salted, none := Apply(Hash, []byte("pepper"), req, nil)
	if !bytes.Equal(same, again) || bytes.Equal(same, other) || bytes.Equal(same, salted) || none != nil {
		t.Errorf("hashes %s, %s, %s, %s, %q", same, again, other, salted, none)
	}
	// HMAC-SHA256 as RFC 4231, test case 2, gives it.
	q, _ := Apply(Hash, []byte("Jefe"), []byte("what do ya want for nothing?"), nil)
	if got, want := string(q), "sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"; got != want {
		t.Errorf("hash = %s, want %s", got, want)
	}
}

func TestJSONKeepsItsBytes(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"escaped @", `{"messages":[{"role":"user","content":"mail jane\u0040example.com, ok"}]}`, `{"messages":[{"role":"user","content":"mail [email], ok"}]}`},
		{"escaped letters", `{"content":"\u006aane@\u0065xample.com"}`, `{"content":"[email]"}`},
		{"line feed in front", `{"content":"a\njane@example.com\nb"}`, `{"content":"a\n[email]\nb"}`},
		{"spaces and order stay", "{ \"z\" : 1.50,\n\t\"a\":[ \"x\\u00e9\", \"jane@example.com\" ] }\n", "{ \"z\" : 1.50,\n\t\"a\":[ \"x\\u00e9\", \"[email]\" ] }\n"},
		{"structure stays", `{"id":"jane@example.com","model":"a@example.com","usage":{"x":"b@example.com"},"user":"c@example.com"}`, `{"id":"jane@example.com","model":"a@example.com","usage":{"x":"b@example.com"},"user":"[email]"}`},
		{"a tool's input is content", `{"content":[{"type":"tool_use","id":"toolu_1","input":{"id":"jane@example.com","n":4111111111111111,"t":1700000000000}}]}`, `{"content":[{"type":"tool_use","id":"toolu_1","input":{"id":"[email]","n":"[card]","t":1700000000000}}]}`},
		{"arguments are JSON", `{"tool_calls":[{"function":{"name":"f","arguments":"{\"to\":\"jane\\u0040example.com\",\"card\":4111111111111111}"}}]}`, `{"tool_calls":[{"function":{"name":"f","arguments":"{\"to\":\"[email]\",\"card\":\"[card]\"}"}}]}`},
		{"a name tells", `{"input":{"phone_number":"5551234567","count":"5551234567","apiKey":"0123456789abcdef0123456789abcdef","sha":"0123456789abcdef0123456789abcdef"}}`, `{"input":{"phone_number":"[phone]","count":"5551234567","apiKey":"[secret]","sha":"0123456789abcdef0123456789abcdef"}}`},
		{"names of members", `{"metadata":{"jane@example.com":1}}`, `{"metadata":{"[email]":1}}`},
		{"log probabilities", `{"choices":[{"message":{"content":"jane@example.com"},"logprobs":{"content":[{"token":"jane"}]}}]}`, `{"choices":[{"message":{"content":"[email]"},"logprobs":null}]}`},
		{"log probabilities of nothing", `{"choices":[{"message":{"content":"hi"},"logprobs":{"content":[{"token":"hi"}]}}]}`, `{"choices":[{"message":{"content":"hi"},"logprobs":{"content":[{"token":"hi"}]}}]}`},
		{"JSON lines", "{\"a\":\"j@example.com\"}\n{\"b\":2}\n", "{\"a\":\"[email]\"}\n{\"b\":2}\n"},
		{"cut off in a string", `{"messages":[{"content":"I am jane\u0040example.com and 4111 1111 1111 1111\u00`, `{"messages":[{"content":"I am [email] and [card]`},
		{"cut off behind", `{"a":"jane@example.com","b":[1,2.`, `{"a":"[email]","b":[1,2.`},
		{"no JSON", `{name}: jane@example.com`, `{name}: [email]`},
		{"no JSON, escaped", `{name}: jane\u0040example.com`, `{name}: [email]`},
		{"numbers that are no JSON", `[212-555-0123]`, `[[phone]]`},
		{"a bad escape", `{"a":"\x jane@example.com"}`, `{"a":"\x [email]"}`},
		{"a raw line feed", "{\"a\":\"\n jane@example.com\"}", "{\"a\":\"\n [email]\"}"},
		{"form", "model=x&mail=jane%40example.com&n=2", "model=x&mail=[email]&n=2"},
		{"image", `{"url":"data:image/png;base64,` + strings.Repeat("QUJD", 100) + `","detail":"low"}`, `{"url":"[image 300 bytes]","detail":"low"}`},
		{"image beside its type", `{"source":{"type":"base64","media_type":"image/png","data":"` + strings.Repeat("QUJD", 200) + `"}}`, `{"source":{"type":"base64","media_type":"image/png","data":"[image 600 bytes]"}}`},
		{"audio", `{"input_audio":{"data":"` + strings.Repeat("QUJD", 200) + `","format":"wav"}}`, `{"input_audio":{"data":"` + strings.Repeat("QUJD", 200) + `","format":"wav"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := redacted(c.in)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if d := cmp.Diff(got, redacted(got)); d != "" {
				t.Errorf("twice is not once:\n%s", d)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{
			"chat", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"I am jane@\"}}]}\n\n: ping\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"example.com.\"},\"logprobs\":{\"content\":[]}}]}\n\ndata: [DONE]\n\n",
			"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"I am [email].\"}}]}\n\n: ping\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"logprobs\":null}]}\n\ndata: [DONE]\n\n",
		},
		{
			"choices apart", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"jane@\"}},{\"index\":1,\"delta\":{\"content\":\"x\"}}]}\r\n\r\ndata: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"y@\"}},{\"index\":0,\"delta\":{\"content\":\"example.com\"}}]}\r\n\r\n",
			"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"[email]\"}},{\"index\":1,\"delta\":{\"content\":\"x\"}}]}\r\n\r\ndata: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"y@\"}},{\"index\":0,\"delta\":{\"content\":\"\"}}]}\r\n\r\n",
		},
		{
			"tool calls", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"call_1\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{\\\"to\\\":\\\"jane\\\\u00\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"40example.com\\\"}\"}}]}}]}\n\n",
			"data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"call_1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"to\\\":\\\"[email]\\\"}\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"\"}}]}}]}\n\n",
		},
		{
			"completions", "data: {\"choices\":[{\"index\":0,\"text\":\"4111 1111 \"}]}\n\ndata: {\"choices\":[{\"index\":0,\"text\":\"1111 1111\"}]}\n\n",
			"data: {\"choices\":[{\"index\":0,\"text\":\"[card]\"}]}\n\ndata: {\"choices\":[{\"index\":0,\"text\":\"\"}]}\n\n",
		},
		{
			"responses", "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"delta\":\"jane@\"}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"delta\":\"example.com\"}\n\nevent: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"text\":\"jane@example.com\"}\n\n",
			"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"delta\":\"[email]\"}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":1,\"content_index\":0,\"delta\":\"\"}\n\nevent: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"text\":\"[email]\"}\n\n",
		},
		{
			"anthropic", "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"ja\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"ne@example\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\".com\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\".com\"}}\n\n",
			"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"[email]\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\".com\"}}\n\n",
		},
		{
			"gemini", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"jane\",\"thought\":true}]}}]}\n\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"jane@\"}]}}]}\n\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"example.com\"}]}}]}\n\n",
			"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"jane\",\"thought\":true}]}}]}\n\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"[email]\"}]}}]}\n\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]}}]}\n\n",
		},
		{
			"cohere", "data: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"jane@\"}}}}\n\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"example.com\"}}}}\n\n",
			"data: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"[email]\"}}}}\n\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"\"}}}}\n\n",
		},
		{
			"JSON lines", "{\"message\":{\"content\":\"jane@\"}}\n{\"message\":{\"content\":\"example.com\"}}\n",
			"{\"message\":{\"content\":\"[email]\"}}\n{\"message\":{\"content\":\"\"}}\n",
		},
		{
			"array of chunks", "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"jane@\"}]}}]},\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"example.com\"}]}}]}]",
			"[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"[email]\"}]}}]},\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]}}]}]",
		},
		{
			"cut off, several lines, a comment, text",
			"\ufeff: to jane@example.com\ndata: {\"choices\":\ndata:[{\"delta\":{\"content\":\"bob@\"}}]}\nid: 7\n\ndata: mail eve@example.com\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"example.com is",
			"\ufeff: to [email]\ndata: {\"choices\":\ndata:[{\"delta\":{\"content\":\"[email] is\"}}]}\nid: 7\n\ndata: mail [email]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := redacted(c.in)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if d := cmp.Diff(got, redacted(got)); d != "" {
				t.Errorf("twice is not once:\n%s", d)
			}
		})
	}
}

// TestTranscripts runs over real traffic, in which there is nothing to hide.
func TestTranscripts(t *testing.T) {
	dir := filepath.Join("..", "..", "llm", "testdata", "wire", "transcripts")
	files, err := filepath.Glob(filepath.Join(dir, "*.re*"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d transcripts in %s, error %v", len(files), dir, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(b), redacted(string(b))); d != "" {
			t.Errorf("%s: -want +got:\n%s", filepath.Base(name), d)
		}
	}
}

// events counts the events of a stream and says whether the data of each is JSON.
func events(b []byte) (valid []bool) {
	var s llm.Splitter
	s.Write(b)
	for ev, ok := s.Next(); ok; ev, ok = s.Next() {
		valid = append(valid, json.Valid(ev.Data))
	}
	return valid
}

var seeds = []string{
	`{"a":"jane\u0040example.com","n":[1,2,{"b":"+44 20 7946 0958"}],"c":"{\"k\":\"sk-abcdefghijklmnop1234\"}"}`,
	"data: {\"choices\":[{\"delta\":{\"content\":\"jane@\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"example.com\"}}]}\n\n",
	`"4111 1111 1111 1111 DE89370400440532013000"`, `{"a":"\\\"","b":"\ud83d\ude00 8.8.8.8"}`, "data: a@b.co\r\rdata:x\ndata: y\n\n",
	`{"input":{"n":4111111111111111}}`, `["[phone] 5551234567"]`, "Bearer abcdef1234567890abcdef", "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----",
}

func FuzzApply(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		_, got := Apply(Redacted, nil, nil, b)
		if !bytes.Equal(b, before) {
			t.Fatal("the argument was written to")
		}
		if json.Valid(b) && !json.Valid(got) {
			t.Errorf("valid %q became invalid %q", b, got)
		}
		if start := bytes.TrimLeft(bytes.TrimPrefix(b, bom), " \t\r\n"); isStream(start) {
			want, have := events(b), events(got)
			if len(want) != len(have) {
				t.Fatalf("%d events of %q became %d of %q", len(want), b, len(have), got)
			}
			for i := range want {
				if want[i] && !have[i] {
					t.Errorf("event %d of %q is no JSON in %q", i, b, got)
				}
			}
		}
		if _, twice := Apply(Redacted, nil, nil, got); !bytes.Equal(got, twice) {
			t.Errorf("%q became %q and then %q", b, got, twice)
		}
	})
}

func TestHostileBodies(t *testing.T) {
	// Each would take minutes if a detector were quadratic in it.
	const size = 1 << 20
	for _, unit := range []string{"@", "a@", "a@a.", "1 ", "1", "(1", "+1-", "::", "1:", "a:1:", ".1", "eyJ", "eyJ.", "SG.", "-----BEGIN PRIVATE KEY-----", "data:image/", "data:image/;base64,", `\u00`, `\u0040`, `"`, "{", "[", `{"a":`, `{"choices":[`, "data:\n", "DE89 ", "Bearer  ", "phone 1 ", " ", "%40", "\xc3\xa9@"} {
		for _, wrap := range []string{"", `{"a":"`} {
			in := []byte(wrap + strings.Repeat(unit, size/len(unit)))
			Apply(Redacted, nil, nil, in)
		}
	}
	object := `{` + strings.Repeat(`"data":"`+strings.Repeat("A", minPayload)+`",`, size/minPayload) + `"z":1}`
	if got := redacted(object); got != object {
		t.Error("an object of payloads was changed")
	}
	if got := redacted(`{"messages":[{"content":"` + strings.Repeat("word ", 4096) + `jane@example.com"}]}`); !strings.HasSuffix(got, ` [email]"}]}`) {
		t.Errorf("…%s", got[len(got)-40:])
	}
}

func BenchmarkApply(b *testing.B) {
	const size = 4 << 20
	prose := strings.Repeat(`{"role":"user","content":"The gauge at Kew read 4.12 m on 2024-03-01 at 12:30, up from 3.98 m.\nWhat does that mean for the weir?"},`, size/140)
	mails := strings.Repeat(`{"role":"user","content":"Write to jane.doe@example.com or call +44 20 7946 0958, key sk-abcdefghijkl0123456789."},`, size/120)
	chunk := "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" weir, jane@example.com\"},\"finish_reason\":null}]}\n\n"
	for _, c := range []struct{ name, body string }{
		{"prose", `{"messages":[` + prose + `{}]}`},
		{"hits", `{"messages":[` + mails + `{}]}`},
		{"stream", strings.Repeat(chunk, size/len(chunk))},
		{"embedding", `{"data":[{"embedding":[` + strings.Repeat("-0.01234567,", size/12) + `0]}]}`},
		{"image", `{"url":"data:image/png;base64,` + strings.Repeat("QUJD", size/4) + `"}`},
		{"digits", strings.Repeat("phone 1 ", 4) + strings.Repeat("12 345 6 ", size/9)},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := []byte(c.body)
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				Apply(Redacted, nil, body, nil)
			}
		})
	}
}

func TestKindsHaveMarks(t *testing.T) {
	if got, want := len(marks), int(secret)+1; got != want || slices.Contains(marks[1:], "") {
		t.Errorf("%d marks for %d kinds: %q", got, want, marks)
	}
}
