package cache

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
)

// Mode says which calls the cache is asked for when the client says nothing.
type Mode string

// Auto: those that ask for the same answer each time, see X-Weir-Cache in the contract. On: all. Off: none.
const (
	Auto Mode = "auto"
	On   Mode = "on"
	Off  Mode = "off"
)

// Modes are all modes.
var Modes = []string{string(Auto), string(On), string(Off)}

// Policy is what holds for a call whose client says nothing else.
type Policy struct {
	Exact Mode          // "" is Auto
	TTL   time.Duration // how long an answer is kept; 0 is DefaultTTL
	// Semantic is from which similarity on, above 0 and up to 1, the answer of a like question is one; 0: only if the client
	// says so, Never: not even then.
	Semantic float64
}

// Never is the Semantic of calls whose questions must not be kept as vectors.
const Never = -1

// DefaultTTL is how long an answer is kept unless configured.
const DefaultTTL = time.Hour

// maxTTL bounds what a client can ask for.
const maxTTL = 30 * 24 * time.Hour

// wish is what a call wants of the cache.
type wish struct {
	read, fill bool
	ttl        time.Duration // how long the answer is kept
	maxAge     time.Duration // an older entry is not taken; below zero: any age
	semantic   float64       // from which similarity on a like question counts; 0: none does
	likeness   bool          // the client said which
}

// takesNear says that the answer of a question so near is wanted; nil is the same question.
func (w *wish) takesNear(n *Neighbor) bool {
	return n == nil || w.semantic > 0 && n.Score >= w.semantic-nearly
}

// wishOf reads what the client wants, and for what it leaves open what the policy says. X-Weir-Cache goes before
// Cache-Control, which can only forbid. The error is a *llm.Fault about a header that cannot be understood.
func (s *Stage) wishOf(call *llm.Call) (wish, error) {
	w := wish{maxAge: -1}
	if !cacheable(call) {
		return w, nil
	}
	policy := s.cfg.Policy(call)
	if w.ttl = policy.TTL; w.ttl <= 0 {
		w.ttl = DefaultTTL
	}
	mode := ""
	if call.Cache != "" {
		var err error
		if mode, err = w.header(call.Cache); err != nil {
			return wish{}, err
		}
	}
	s.likeness(call, policy, &w)
	switch mode {
	case "read":
		w.read, w.fill = true, true
		return w, nil
	case "refresh":
		w.fill = true
		return w, nil
	case "off":
		return w, nil
	}
	use := policy.Exact == On || policy.Exact != Off && (seeded(call) || w.semantic > 0 && inside(call))
	w.read, w.fill = use, use
	if use {
		for _, v := range call.Header["Cache-Control"] {
			w.control(v)
		}
	}
	return w, nil
}

// cacheable: an endpoint whose answer depends on its request alone, asked on weir's account. A client that brought its own
// key for the provider has an account of its own there.
func cacheable(call *llm.Call) bool {
	switch call.Endpoint {
	case llm.ChatCompletions, llm.Completions, llm.Embeddings, llm.Responses, llm.Messages:
		return call.UpstreamAuth == "" && call.Provider == "" && len(call.Body) > 0
	}
	return false
}

// header reads X-Weir-Cache: off, read or refresh, then parameters. It gives the first word, "" without one.
func (w *wish) header(text string) (mode string, err error) {
	for i, part := range strings.Split(text, ";") {
		part = strings.ToLower(strings.TrimSpace(part))
		name, value, given := strings.Cut(part, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case part == "":
		case i == 0 && !given && (part == "off" || part == "read" || part == "refresh"):
			mode = part
		case name == "ttl" && given:
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 || d > maxTTL {
				return "", badHeader(text, "its ttl is no time from 1ns to 720h; write 90s, 15m or 24h")
			}
			w.ttl, w.maxAge = d, d
		case name == "semantic" && given:
			if w.semantic, err = strconv.ParseFloat(value, 64); err != nil || !(w.semantic >= 0 && w.semantic <= 1) {
				return "", badHeader(text, "its semantic is no number from 0 to 1")
			}
			w.likeness = true
		default:
			return "", badHeader(text, "want off, read or refresh, and behind it ;ttl=1h or ;semantic=0.95")
		}
	}
	return mode, nil
}

func badHeader(text, why string) error {
	if len(text) > 100 {
		text = text[:100]
	}
	return &llm.Fault{Code: llm.InvalidRequest, Param: "X-Weir-Cache", Message: "the header X-Weir-Cache: " + strings.ToValidUTF8(text, "\ufffd") + " is not understood: " + why}
}

// control reads Cache-Control (RFC 9111, section 5.2.1). What it does not know means nothing.
func (w *wish) control(text string) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), "=")
		switch name {
		case "no-store":
			w.read, w.fill = false, false
		case "no-cache":
			w.read = false
		case "max-age":
			if n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32); err == nil && n >= 0 {
				w.maxAge = time.Duration(n) * time.Second
			}
		}
	}
}

// takes says that an entry is young enough.
func (w *wish) takes(e *Entry, now time.Time) bool {
	return now.Before(e.Expires) && (w.maxAge < 0 || now.Sub(e.Stored) < w.maxAge)
}

// mentions says that a body may name a temperature or a seed. It is quick: most bodies name neither.
func mentions(body []byte) bool {
	return bytes.Contains(body, []byte(`"temperature"`)) || bytes.Contains(body, []byte(`"seed"`))
}
