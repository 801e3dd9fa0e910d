package llm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/rawjson"
)

// maxMessage is the most of a provider's message that is kept, in bytes.
const maxMessage = 4096

// NormalError puts an error answer into the one form: any provider's body, or one that is no JSON at all. Below status
// 400 it gives nil unless the body holds an error. The message has its secrets masked.
func NormalError(status int, header http.Header, body []byte) *Error {
	if status < 400 {
		return errorWithin(header, body)
	}
	f := readFault(body)
	e := &Error{Type: f.typ, Message: f.message, Status: status}
	if e.Type == "" {
		e.Type = "http_" + strconv.Itoa(status)
	}
	e.Retryable = retryable(status, f.quota, header)
	return e
}

// errorWithin reads an error out of a body or event that came with a good status; nil if there is none.
func errorWithin(header http.Header, body []byte) *Error {
	f := readFault(body)
	if !f.found {
		return nil
	}
	status := f.status
	if status == 0 {
		status = statusOfType(f.typ)
	}
	e := &Error{Type: f.typ, Message: f.message, Status: status, Retryable: retryable(status, f.quota, header)}
	if e.Type == "" {
		e.Type = "http_" + strconv.Itoa(status)
	}
	return e
}

// fault is what an error body says.
type fault struct {
	found        bool // the body says that it is an error
	typ, message string
	status       int // numeric code in the body, 400–599, else 0
	quota        bool
}

func readFault(body []byte) (f fault) {
	v := rawjson.Value(bytes.TrimSpace(body))
	if v.Kind() == rawjson.Array {
		v.Each(func(_ int, w rawjson.Value) bool { v = w; return false })
	}
	if v.Kind() != rawjson.Object {
		return f
	}
	e := v.Get("error")
	top, code := v.Get("type"), v.Get("code")
	switch e.Kind() {
	case rawjson.Object:
		f.found = !e.Empty()
		f.typ = firstText(e.Get("type"), e.Get("status"), e.Get("code"))
		f.message = text(e.Get("message"))
		f.status = httpStatus(e.Get("code"))
		code = e.Get("code")
		if f.typ == "" && code.Kind() == rawjson.Number {
			f.typ = string(code)
		}
	case rawjson.String:
		f.message, f.found = text(e), !e.Empty()
		f.typ = firstText(code, notError(top))
		f.status = httpStatus(code)
	default:
		f.found = v.Get("object").Is("error") || top.Is("error")
		f.typ = firstText(notError(top), code)
		f.status = httpStatus(code)
	}
	if f.message == "" {
		f.message = text(v.Get("message"))
	}
	if f.message == "" {
		f.message = text(v.Get("detail"))
	}
	f.quota = f.typ == "insufficient_quota" || code.Is("insufficient_quota")
	f.typ = clip(maskSecrets(f.typ), 200)
	f.message = clip(maskSecrets(f.message), maxMessage)
	return f
}

func notError(v rawjson.Value) rawjson.Value {
	if v.Is("error") {
		return nil
	}
	return v
}

// firstText is the first string that is not empty.
func firstText(vs ...rawjson.Value) string {
	for _, v := range vs {
		if s, ok := v.Str(); ok && s != "" {
			return s
		}
	}
	return ""
}

// text is a string's text, or the compact JSON of an array or object.
func text(v rawjson.Value) string {
	switch v.Kind() {
	case rawjson.String:
		s, _ := v.Str()
		return s
	case rawjson.Array, rawjson.Object:
		var b bytes.Buffer
		if err := json.Compact(&b, v); err == nil {
			return b.String()
		}
	}
	return ""
}

// httpStatus reads a code that is an HTTP error status, as a number or as digits.
func httpStatus(v rawjson.Value) int {
	n, ok := v.Int()
	if s, isText := v.Str(); isText && len(s) == 3 {
		m, err := strconv.Atoi(s)
		n, ok = int64(m), err == nil
	}
	if !ok || n < 400 || n > 599 {
		return 0
	}
	return int(n)
}

// statusOfType is the HTTP status an error of this type would have had, had it not come in a good answer.
func statusOfType(typ string) int {
	for _, r := range [...]struct {
		prefix string
		status int
	}{
		{"overloaded_error", 529},
		{"rate_limit", 429},
		{"timeout", 504},
		{"invalid_request", 400},
		{"authentication", 401},
		{"permission", 403},
		{"not_found", 404},
		{"api_error", 500},
	} {
		if strings.HasPrefix(typ, r.prefix) {
			return r.status
		}
	}
	if strings.HasSuffix(typ, "server_error") {
		return 500
	}
	return 502
}

func retryable(status int, quota bool, header http.Header) bool {
	switch header.Get("X-Should-Retry") {
	case "true":
		return true
	case "false":
		return false
	}
	if quota {
		return false
	}
	switch status {
	case 408, 409, 429, 498, 500, 502, 503, 504, 529:
		return true
	}
	return 520 <= status && status <= 524
}

// RetryDelay is how long the provider asks to wait: retry-after-ms, then retry-after in seconds or as a date, then
// google.rpc.RetryInfo in the body. False when it does not say, or the status is no error.
func RetryDelay(status int, header http.Header, body []byte) (time.Duration, bool) {
	if status < 400 {
		return 0, false
	}
	if d, ok := duration(header.Get("Retry-After-Ms"), time.Millisecond); ok {
		return d, true
	}
	after := header.Get("Retry-After")
	if d, ok := duration(after, time.Second); ok {
		return d, true
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, time.Until(at)), true
	}
	v := rawjson.Value(bytes.TrimSpace(body))
	if v.Kind() == rawjson.Array {
		v.Each(func(_ int, w rawjson.Value) bool { v = w; return false })
	}
	delay, ok := time.Duration(0), false
	v.Get("error", "details").Each(func(_ int, w rawjson.Value) bool {
		s, _ := w.Get("retryDelay").Str()
		delay, ok = duration(strings.TrimSuffix(s, "s"), time.Second)
		return !ok
	})
	return delay, ok
}

// duration reads a number of units that may have a fraction. Negative and absurd ones are not believed.
func duration(s string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(n >= 0 && n*float64(unit) < float64(1<<62)) {
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}

func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
