package simulator

import (
	"context"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// TrafficConfig says what live traffic to make up. The zero value is two calls a second.
type TrafficConfig struct {
	Seed    uint64
	Rate    float64  // calls per second on average; 0: 2
	Models  []string // uses only these; empty: what the applications of the make-believe company use
	Project string   // the project of every call, the applications being a tag; empty: a project each
	// ProjectOf gives the project of an application's calls; nil: as Project says.
	ProjectOf func(app string) string
	// Prompts leaves the system message to the gateway: a call names its application's prompt, by the label production or staging.
	Prompts bool
}

// Request is one call to be sent through a gateway.
type Request struct {
	Project, Key string // which virtual key to send it with, see Keys
	Method, Path string // POST /v1/chat/completions and the like
	Header       http.Header
	Body         []byte // JSON
	Model        string
	Stream       bool
}

// Traffic makes up live calls, one after the other, at random distances in time, until ctx is done. They look like the
// end of History: the same applications, users, prompts and conversations, except that the assistant's turns are made
// up. The same configuration gives the same calls; when they come is drawn too, and waited for between two of them, so
// a slow consumer slows the traffic down.
func Traffic(ctx context.Context, cfg TrafficConfig) iter.Seq[Request] {
	if cfg.Rate <= 0 {
		cfg.Rate = 2
	}
	return func(yield func(Request) bool) {
		h := newPast(HistoryConfig{Seed: cfg.Seed, Now: time.Now(), Days: 1})
		for {
			pause := time.Duration(h.dice.ExpFloat64() / cfg.Rate * float64(time.Second))
			if wait(ctx, pause) != nil {
				return
			}
			if !h.live(cfg, yield) {
				return
			}
		}
	}
}

// live makes one call of an application, and the embedding that goes before it.
func (h *past) live(cfg TrafficConfig, yield func(Request) bool) bool {
	app := drawApp(h.dice)
	p := h.pools[app]
	s := h.sessionFor(app, h.cfg.Now) // conversations are told apart by their turns, not by the clock
	s.version = p.app.versionAt(1)
	if len(s.past) == 0 {
		s.model = p.app.modelAt(1, h.dice)
		if len(cfg.Models) > 0 {
			s.model.id = cfg.Models[h.dice.IntN(len(cfg.Models))]
		}
	}
	now := p.ask(h.dice)
	r := Request{Project: p.app.project, Key: p.app.keys[0], Method: http.MethodPost, Header: h.headers(p.app, s)}
	if cfg.Project != "" {
		r.Project = cfg.Project
	}
	if cfg.ProjectOf != nil {
		r.Project = cfg.ProjectOf(p.app.project)
	}
	if r.Project != p.app.project {
		r.Header.Set("X-Weir-Tags", r.Header.Get("X-Weir-Tags")+",app="+p.app.project)
	}
	if len(p.app.keys) > 1 && h.dice.IntN(4) == 0 {
		r.Key = p.app.keys[1]
	}
	if p.app.embeds != "" && len(cfg.Models) == 0 {
		e := r
		e.Path, e.Model, e.Header = "/v1/embeddings", p.app.embeds, r.Header.Clone()
		e.Body = []byte(`{"model":"` + e.Model + `","input":"` + p.questions[now.question].json + `","dimensions":256}`)
		if !yield(e) {
			return false
		}
	}
	r.Path, r.Model, r.Stream = "/v1/chat/completions", s.model.id, h.dice.Float64() < p.app.stream
	version := s.version
	if cfg.Prompts && p.app.prompt != "" {
		label := "production"
		if strings.Contains(r.Header.Get("X-Weir-Tags"), "env=staging") {
			label = "staging"
		}
		r.Header.Set("X-Weir-Prompt", p.app.prompt+"@"+label)
		version = -1
	}
	r.Body = p.chatBody(s, version, now, r.Stream, false).body
	if p.app.exact > 0 && h.dice.IntN(3) == 0 {
		r.Header.Set("X-Weir-Cache", "read")
	}
	s.left--
	if len(s.past) < 8 {
		now.answer = p.reply(h.dice, now.question, 1)
		s.past = append(s.past, now)
	}
	return yield(r)
}

// headers name the user, the conversation and the tags of a call.
func (h *past) headers(a *app, s *session) http.Header {
	header := http.Header{"Content-Type": {"application/json"}}
	env := "prod"
	if h.dice.IntN(14) == 0 {
		env = "staging"
	}
	header.Set("X-Weir-Tags", "team="+a.team+",env="+env)
	if s.user != "" {
		header.Set("X-Weir-User", s.user)
	}
	if s.id != "" {
		header.Set("X-Weir-Session", s.id)
	}
	return header
}

// drawApp picks an application by its share.
func drawApp(r *rand.Rand) int {
	var total float64
	for _, a := range apps {
		total += a.share
	}
	x := r.Float64() * total
	for i, a := range apps {
		if x -= a.share; x < 0 {
			return i
		}
	}
	return 0
}
