package simulator

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Tokens that a chat adds around its texts: three for each message and one for its role, three for the reply.
const (
	messageTokens = 4
	replyTokens   = 3
)

// session is a conversation in progress.
type session struct {
	id      string
	user    string
	model   appModel
	version int
	past    []spoken
	left    int // turns still to come
	last    time.Time
}

// request is one chat request being put together: its JSON, and what it counts.
type request struct {
	body   []byte
	tokens int
	prefix int // tokens before the newest question: what a provider may have in its cache
}

// chatBody writes a chat completion request: the system message of a version of the prompt (-1: none), the past turns, the newest
// question. When short is set, the past and the context are left out of the body, though not out of the count.
func (p *pool) chatBody(s *session, version int, now spoken, stream, short bool) request {
	q := request{tokens: replyTokens}
	size := 1 << 10
	if !short {
		size = 1 << 12
	}
	b := make([]byte, 0, size)
	b = append(b, `{"model":"`...)
	b = append(b, s.model.id...)
	if stream {
		b = append(b, `","stream":true,"stream_options":{"include_usage":true},"messages":[`...)
	} else {
		b = append(b, `","messages":[`...)
	}
	add := func(role string, write bool, parts ...segment) {
		n := messageTokens
		for _, part := range parts {
			n += part.n
		}
		q.tokens += n
		if !write {
			return
		}
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = append(b, `{"role":"`...)
		b = append(b, role...)
		b = append(b, `","content":"`...)
		for _, part := range parts {
			b = append(b, part.json...)
		}
		b = append(b, `"}`...)
	}
	if version >= 0 {
		add("system", true, p.system[min(version, len(p.system)-1)])
	}
	for _, t := range s.past {
		add("user", !short, p.questionOf(t)...)
		add("assistant", !short, t.answer...)
	}
	q.prefix = q.tokens
	if short && len(now.context) > 0 {
		q.tokens += p.lead.n + tokensOf(now.context)
		add("user", true, p.questions[now.question].segment)
	} else {
		add("user", true, p.questionOf(now)...)
	}
	b = append(b, ']')
	if s.user != "" {
		b = append(b, `,"user":"`...)
		b = append(b, s.user...)
		b = append(b, '"')
	}
	if len(p.app.json) > 0 && version >= 0 { // a prompt of the gateway brings the format
		b = append(b, `,"temperature":0,"response_format":{"type":"json_object"}`...)
	} else if p.app.embeds != "" || len(p.app.json) > 0 {
		b = append(b, `,"temperature":0`...)
	}
	b = append(b, '}')
	q.body = b
	return q
}

// questionOf is the content of a user's turn: the context, if any, and the question.
func (p *pool) questionOf(t spoken) []segment {
	if len(t.context) == 0 {
		return []segment{p.questions[t.question].segment}
	}
	out := make([]segment, 0, len(t.context)+2)
	out = append(out, p.lead)
	out = append(out, t.context...)
	return append(out, p.questions[t.question].segment)
}

// modelAt draws the model an app uses at a time of the history, 0 to 1.
func (a *app) modelAt(at float64, r *rand.Rand) appModel {
	var total float64
	for _, m := range a.models {
		if at >= m.from && (at < m.to || m.to == 1) {
			total += m.weight
		}
	}
	x := r.Float64() * total
	for _, m := range a.models {
		if at >= m.from && (at < m.to || m.to == 1) {
			if x -= m.weight; x < 0 {
				return m
			}
		}
	}
	return a.models[len(a.models)-1]
}

// versionAt is the index of the prompt's version at a time of the history.
func (a *app) versionAt(at float64) int {
	v := 0
	for i := range a.versions {
		if at >= a.versions[i].from {
			v = i
		}
	}
	return v
}

// lengthOf is how long a version's answers are, of those of the first version.
func (a *app) lengthOf(version int) float64 {
	if version < 0 || version >= len(a.versions) {
		return 1
	}
	return a.versions[version].length
}

// newSession begins a conversation.
func (a *app) newSession(at float64, t time.Time, r *rand.Rand) *session {
	s := &session{model: a.modelAt(at, r), version: a.versionAt(at), last: t}
	if a.users > 0 {
		s.user = a.who + "-" + strconv.Itoa(1000+heavy(r, a.users))
	}
	if a.turns > 0 {
		s.id = "sess-" + string(hexBytes(r, make([]byte, 0, 12), 12))
		s.left = 1 + int(r.ExpFloat64()*(a.turns-1)+.3)
	}
	return s
}

func logNormalFloat(r *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*r.NormFloat64())
}

func clamp(x, low, high float64) float64 { return min(max(x, low), high) }

// hexBytes appends n hexadecimal digits.
func hexBytes(r *rand.Rand, b []byte, n int) []byte {
	const digits = "0123456789abcdef"
	for n > 0 {
		x := r.Uint64()
		for range min(n, 16) {
			b = append(b, digits[x&15])
			x >>= 4
		}
		n -= 16
	}
	return b
}
