package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm"
)

// Bounds on what a client may attach to a call, so that one client cannot bloat every row and label.
const (
	maxTags  = 32
	maxField = 200 // bytes of a user, session, tag name or tag value
)

// readHeaders takes the caller's attribution out of the headers and keeps those that may go upstream.
func readHeaders(call *llm.Call, h http.Header) {
	call.User = field(first(h, "X-Weir-User", "Helicone-User-Id"))
	call.Session = field(first(h, "X-Weir-Session", "Helicone-Session-Id"))
	call.Cache = h.Get("X-Weir-Cache")
	call.Prompt = field(h.Get("X-Weir-Prompt"))
	call.Arm = field(h.Get("X-Weir-Arm"))
	if call.Session == "" && h.Get("X-Portkey-Trace-Id") != "" {
		call.Session = field(h.Get("X-Portkey-Trace-Id"))
	}
	for pair := range strings.SplitSeq(h.Get("X-Weir-Tags"), ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			tag(call, k, v)
		}
	}
	for name := range strings.SplitSeq(h.Get("X-Litellm-Tags"), ",") {
		if k, v, ok := strings.Cut(name, "="); ok {
			tag(call, k, v)
		} else if strings.TrimSpace(name) != "" {
			tag(call, name, "true")
		}
	}
	if v := h.Get("X-Portkey-Metadata"); v != "" {
		tagJSON(call, []byte(v))
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		if k, ok := strings.CutPrefix(name, "Helicone-Property-"); ok {
			tag(call, strings.ToLower(k), values[0])
			continue
		}
		if goesUpstream(name) {
			out[name] = values
		}
	}
	call.Header = out
}

func first(h http.Header, names ...string) string {
	for _, n := range names {
		if v := h.Get(n); v != "" {
			return v
		}
	}
	return ""
}

// tagJSON takes the scalar members of a JSON object as tags, and OpenAI's and the peers' names for user and session.
func tagJSON(call *llm.Call, raw []byte) {
	var members map[string]any
	if json.Unmarshal(raw, &members) != nil {
		return
	}
	for k, v := range members {
		text, ok := scalar(v)
		switch {
		case !ok:
		case (k == "user" || k == "user_id" || k == "_user") && call.User == "":
			call.User = field(text)
		case (k == "session" || k == "session_id" || k == "conversation_id") && call.Session == "":
			call.Session = field(text)
		default:
			tag(call, k, text)
		}
	}
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func tag(call *llm.Call, k, v string) {
	k, v = field(k), field(v)
	if k == "" || len(call.Tags) >= maxTags {
		return
	}
	if call.Tags == nil {
		call.Tags = make(map[string]string, 4)
	}
	if _, there := call.Tags[k]; !there {
		call.Tags[k] = v
	}
}

// field trims and bounds a caller's text and makes it valid UTF-8.
func field(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxField {
		s = s[:maxField]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}

// goesUpstream: everything but credentials, weir's own and the peers' headers, what belongs to this connection, and
// what tells the provider about our client's address.
func goesUpstream(name string) bool {
	switch name {
	case "Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Host", "Content-Length", "Accept-Encoding",
		"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Expect", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
		"Traceparent", "Tracestate", "Baggage", "Origin", "Referer":
		return false
	}
	for _, prefix := range [...]string{"X-Weir-", "Helicone-", "X-Litellm-", "X-Portkey-", "Sec-", "Cf-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}

// comesBack: the provider's headers that may reach the client. Its own framing, cookies and anything that could hold
// a credential stay with us.
func comesBack(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Set-Cookie", "Authorization", "X-Api-Key", "Api-Key", "Server", "Alt-Svc",
		"Strict-Transport-Security", "Www-Authenticate":
		return false
	}
	return !strings.HasPrefix(name, "X-Weir-") && !strings.HasPrefix(name, "Access-Control-")
}

// traceparent reads a W3C trace context, or begins a trace.
func traceparent(h http.Header) (traceID, parentID string) {
	v := h.Get("Traceparent")
	if len(v) >= 55 && v[2] == '-' && v[35] == '-' && v[52] == '-' && v[:2] != "ff" &&
		isHex(v[3:35]) && isHex(v[36:52]) && v[3:35] != zeros32 && v[36:52] != zeros32[:16] {
		return v[3:35], v[36:52]
	}
	return llm.NewTraceID(), ""
}

const zeros32 = "00000000000000000000000000000000"

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
