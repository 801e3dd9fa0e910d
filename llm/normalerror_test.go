package llm_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

func TestNormalError(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   *llm.Error
	}{
		{"empty body", 502, nil, ``, &llm.Error{Type: "http_502", Status: 502, Retryable: true}},
		{"type before code", 400, nil, `{"error":{"type":"a","code":"b","message":"m"}}`, &llm.Error{Type: "a", Message: "m", Status: 400}},
		{"status before code", 400, nil, `{"error":{"type":"","status":"S","code":7,"message":"m"}}`, &llm.Error{Type: "S", Message: "m", Status: 400}},
		{"numeric code", 402, nil, `{"error":{"code":402}}`, &llm.Error{Type: "402", Status: 402}},
		{"flat", 404, nil, `{"object":"error","type":"T","message":"m","code":404}`, &llm.Error{Type: "T", Message: "m", Status: 404}},
		{"flat with code only", 400, nil, `{"type":"error","code":"c","message":"m"}`, &llm.Error{Type: "c", Message: "m", Status: 400}},
		{"string error", 400, nil, `{"error":"bad","code":"c"}`, &llm.Error{Type: "c", Message: "bad", Status: 400}},
		{"detail list", 422, nil, `{"detail": [ {"loc": ["x"]} ]}`, &llm.Error{Type: "http_422", Message: `[{"loc":["x"]}]`, Status: 422}},
		{"array", 429, nil, `[{"error":{"status":"RESOURCE_EXHAUSTED","message":"m"}}]`, &llm.Error{Type: "RESOURCE_EXHAUSTED", Message: "m", Status: 429, Retryable: true}},
		{"quota is not transient", 429, nil, `{"error":{"type":"x","code":"insufficient_quota"}}`, &llm.Error{Type: "x", Status: 429}},
		{"header says no", 503, http.Header{"X-Should-Retry": {"false"}}, ``, &llm.Error{Type: "http_503", Status: 503}},
		{"header says yes", 400, http.Header{"X-Should-Retry": {"true"}}, ``, &llm.Error{Type: "http_400", Status: 400, Retryable: true}},
		{"522", 522, nil, `<html>`, &llm.Error{Type: "http_522", Status: 522, Retryable: true}},
		{"525", 525, nil, ``, &llm.Error{Type: "http_525", Status: 525}},
		{"413", 413, nil, `{"error":{"type":"request_too_large"}}`, &llm.Error{Type: "request_too_large", Status: 413}},
		{
			"key in message", 401, nil, `{"error":{"type":"t","message":"Incorrect API key provided: sk-proj-abcdefghijklmnop1234. See x."}}`,
			&llm.Error{Type: "t", Message: "Incorrect API key provided: sk-****. See x.", Status: 401},
		},
		{"no error in a good answer", 200, nil, `{"choices":[],"error":null}`, nil},
		{"error in a good answer, by code", 200, nil, `{"error":{"code":503,"message":"m"}}`, &llm.Error{Type: "503", Message: "m", Status: 503, Retryable: true}},
		{"code as digits", 200, nil, `{"error":{"code":"429","message":"m"}}`, &llm.Error{Type: "429", Message: "m", Status: 429, Retryable: true}},
		{"by type", 200, nil, `{"type":"error","error":{"type":"overloaded_error"}}`, &llm.Error{Type: "overloaded_error", Status: 529, Retryable: true}},
		{"by type, rate limit", 200, nil, `{"error":{"code":"rate_limit_exceeded"}}`, &llm.Error{Type: "rate_limit_exceeded", Status: 429, Retryable: true}},
		{"by type, invalid", 200, nil, `{"error":{"type":"invalid_request_error"}}`, &llm.Error{Type: "invalid_request_error", Status: 400}},
		{"by type, server", 200, nil, `{"error":{"type":"internal_server_error"}}`, &llm.Error{Type: "internal_server_error", Status: 500, Retryable: true}},
		{"unknown type", 200, nil, `{"error":{"type":"odd"}}`, &llm.Error{Type: "odd", Status: 502, Retryable: true}},
		{"bare string", 200, nil, `{"error":"odd"}`, &llm.Error{Type: "http_502", Message: "odd", Status: 502, Retryable: true}},
	} {
		if d := cmp.Diff(c.want, llm.NormalError(c.status, c.header, []byte(c.body))); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestErrorMessageIsBounded(t *testing.T) {
	e := llm.NormalError(400, nil, []byte(`{"error":{"message":"`+strings.Repeat("é", 10000)+`"}}`))
	if n := len(e.Message); n < 4000 || n > 4200 || !strings.HasSuffix(e.Message, "é…") {
		t.Errorf("a message of %d bytes, ending %q", n, e.Message[n-8:])
	}
}

func TestSecretsAreMasked(t *testing.T) {
	long := "Ab1" + strings.Repeat("xY9", 14)
	for in, want := range map[string]string{
		"key sk-svc-" + long + " rejected":            "key sk-**** rejected",
		"key AIzaSyA1234567890abcdefg":                "key AIza****",
		"gsk_abcdefghijklmnop, xai-abcdefghijklmnop":  "gsk_****, xai-****",
		"Bearer " + long:                              "Bearer ****",
		"url?key=" + long + "&x=1":                    "url?key=****&x=1",
		"eyJhbGciOiJIUzI1NiIsInR5cCI.x":               "eyJ****.x",
		"sk-weir-****************0000":                "sk-weir-****************0000",
		"the sk- prefix and sk-short":                 "the sk- prefix and sk-short",
		"model claude-sonnet-4-5-20250929 not found":  "model claude-sonnet-4-5-20250929 not found",
		"resp_d5f6e7b935c471972a3bf9676cf01405180e24": "resp_d5f6e7b935c471972a3bf9676cf01405180e24",
	} {
		e := llm.NormalError(401, nil, []byte(`{"error":{"message":"`+in+`"}}`))
		if e.Message != want {
			t.Errorf("%q is shown as %q, want %q", in, e.Message, want)
		}
	}
}

func TestRetryDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		info := `{"error":{"details":[{"@type":"other"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"21.5s"}]}}`
		for _, c := range []struct {
			name   string
			status int
			header map[string]string
			body   string
			want   time.Duration
			ok     bool
		}{
			{"nothing", 429, nil, ``, 0, false},
			{"milliseconds first", 429, map[string]string{"Retry-After": "6", "Retry-After-Ms": "5600"}, info, 5600 * time.Millisecond, true},
			{"seconds", 503, map[string]string{"Retry-After": "17"}, info, 17 * time.Second, true},
			{"fraction", 503, map[string]string{"Retry-After": "0.25"}, ``, 250 * time.Millisecond, true},
			{"date", 503, map[string]string{"Retry-After": time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}, ``, 90 * time.Second, true},
			{"past date", 503, map[string]string{"Retry-After": "Sat, 02 Jan 1999 15:04:05 GMT"}, ``, 0, true},
			{"info", 429, nil, info, 21500 * time.Millisecond, true},
			{"info in an array", 429, nil, `[` + info + `]`, 21500 * time.Millisecond, true},
			{"negative", 429, map[string]string{"Retry-After": "-3"}, ``, 0, false},
			{"absurd", 429, map[string]string{"Retry-After": "1e300", "Retry-After-Ms": "NaN"}, ``, 0, false},
			{"good answer", 200, map[string]string{"Retry-After": "3"}, ``, 0, false},
		} {
			h := http.Header{}
			for k, v := range c.header {
				h.Set(k, v)
			}
			if got, ok := llm.RetryDelay(c.status, h, []byte(c.body)); got != c.want || ok != c.ok {
				t.Errorf("%s: %v, %v, want %v, %v", c.name, got, ok, c.want, c.ok)
			}
		}
	})
}
