package simulator

import (
	"strconv"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// telling is one call of the history while it is being made up.
type telling struct {
	*past
	*pool
	session *session
	now     spoken
	short   bool
	at      time.Time
	traceID string
	env     string
	key     string
}

// span is what is known of a call before anything was sent.
func (t *telling) span(endpoint llm.Endpoint, path, modelID string) trace.Span {
	a := t.pool.app
	project := a.project
	tags := map[string]string{"team": a.team, "env": t.env}
	if t.cfg.Project != "" {
		project = t.cfg.Project
	}
	if t.cfg.ProjectOf != nil {
		project = t.cfg.ProjectOf(a.project)
	}
	if project != a.project {
		tags["app"] = a.project
	}
	return trace.Span{
		ID: timeID(t.dice, t.at), TraceID: t.traceID, SpanID: string(hexBytes(t.dice, make([]byte, 0, 16), 16)), Kind: trace.KindCall,
		Start: t.at, Project: project, KeyID: t.cfg.KeyID(a.project, t.key), Key: t.key, User: t.session.user, Session: t.session.id, Tags: tags,
		Endpoint: endpoint, Path: path, ModelRequested: modelID, Status: trace.StatusOK, HTTPStatus: 200,
		UsageSource: llm.NoUsage, PriceStatus: price.Exact, Cache: trace.CacheOff, Attempts: 1,
	}
}

// embedding is the call that looks for passages before a question is answered.
func (t *telling) embedding() trace.Record {
	q := t.questions[t.now.question]
	m := t.models[t.pool.app.embeds]
	s := t.span(llm.Embeddings, "/embeddings", m.id)
	s.Provider, s.Model = "openai", m.name()
	s.Duration = t.slow(s.Provider, logNormal(t.dice, m.ttft, m.spread))
	s.Usage, s.UsageSource = llm.Usage{InputUncached: int64(q.cl100k)}, llm.FromProvider
	s.UsageRaw = `{"prompt_tokens":` + strconv.Itoa(q.cl100k) + `,"total_tokens":` + strconv.Itoa(q.cl100k) + `}`
	t.quote(&s, s.Usage)
	if t.short && t.cfg.Lean {
		return trace.Record{Call: s}
	}
	body := trace.Body{Request: []byte(`{"model":"` + m.id + `","input":"` + q.json + `","dimensions":8}`)}
	if !t.short { // eight dimensions, so that a demonstration does not drown in numbers
		b := []byte(`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[`)
		for i, v := range Embed(m.id, q.json, 8) {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
		}
		b = append(b, `]}],"model":"`...)
		b = append(b, m.name()...)
		b = append(b, `","usage":`...)
		b = append(b, s.UsageRaw...)
		b = append(b, '}')
		body.Response = b
	}
	return trace.Record{Call: s, Body: body}
}

// slow is a duration as it is at this time: longer at busy hours, much longer in the incident, now and then far off.
func (t *telling) slow(provider string, d time.Duration) time.Duration {
	f := 1 + .25*office[t.at.Hour()]
	if t.bad.holds(provider, t.at) {
		f *= 2.5 + 2*t.dice.Float64()
	}
	if t.dice.IntN(80) == 0 {
		f *= 2 + 3*t.dice.Float64()
	}
	return time.Duration(float64(d) * f).Truncate(time.Microsecond)
}

// chat is the call itself. The answer is nil when none came in full.
func (t *telling) chat() (trace.Record, []segment) {
	a, target := t.pool.app, t.session.model
	m := t.models[target.id]
	stream := t.dice.Float64() < a.stream
	s := t.span(llm.ChatCompletions, "/chat/completions", m.id)
	s.Stream, s.Provider, s.Model = stream, target.provider, m.name()
	s.Prompt = a.prompt
	version := t.session.version
	if a.prompt != "" {
		s.PromptVersion = version + 1
		if t.cfg.Use != nil {
			t.cfg.Use(&s)
			version = s.PromptVersion - 1
		}
		if s.Experiment != "" {
			s.OwnText = len(t.questions[t.now.question].json)
		}
	}
	q := t.chatBody(t.session, version, t.now, stream, t.short)
	r := trace.Record{Call: s, Body: trace.Body{Request: q.body}}
	if t.refuse(&r) {
		return r, nil
	}
	t.stumble(&r)
	if r.Call.Status != trace.StatusOK {
		return r, nil
	}
	m = t.modelNamed(r.Call.Model, m)
	answer := t.reply(t.dice, t.now.question, m.verbosity*a.lengthOf(version))
	u, raw := t.usage(m, r.Call.Provider, q, answer)
	s = r.Call
	s.ResponseID, s.FinishReasons = "chatcmpl-"+newID(t.dice, 29), []string{"stop"}
	first := t.slow(s.Provider, logNormal(t.dice, m.ttft, m.spread))
	pace := t.slow(s.Provider, logNormal(t.dice, m.perToken, m.spread/2))
	s.TTFT, s.Duration = s.Duration+first+time.Duration(u.Reasoning)*pace, s.Duration+first+time.Duration(u.Output())*pace
	s.Usage, s.UsageSource, s.UsageRaw = u, llm.FromProvider, raw

	hit := t.dice.Float64()
	switch {
	case a.exact > 0 && len(t.session.past) == 0 && s.Attempts == 1 && hit < a.exact: // conversations do not repeat beyond their first turn
		t.fromCache(&s, trace.CacheHit)
	case a.semantic > 0 && len(t.session.past) == 0 && s.Attempts == 1 && hit < a.exact+a.semantic:
		t.fromCache(&s, trace.CacheSemantic)
	default:
		if a.exact > 0 {
			s.Cache = trace.CacheMiss
		}
		t.quote(&s, u)
	}
	whole := answer
	if stream && s.Cache != trace.CacheHit && s.Cache != trace.CacheSemantic && t.dice.IntN(110) == 0 {
		whole = t.leave(&s, answer, pace)
	}
	if !stream {
		s.TTFT = 0
	}
	if n := len(r.Attempts); n > 0 { // the last one answered
		r.Attempts[n-1].Duration = s.End().Sub(r.Attempts[n-1].Start)
	}
	r.Call = s
	r.Body.Response = t.response(&s, whole, answer)
	if s.Status != trace.StatusOK {
		return r, nil
	}
	return r, answer
}

// modelNamed is the catalogue's entry of the model that answered, which a fallback may have changed.
func (t *telling) modelNamed(name string, asked model) model {
	if m, ok := t.models[name]; ok {
		return m
	}
	return asked
}

// usage counts the answer, and draws what was cached and thought.
func (t *telling) usage(m model, provider string, q request, answer []segment) (llm.Usage, string) {
	u := llm.Usage{InputUncached: int64(q.tokens), OutputText: int64(tokensOf(answer))}
	if q.tokens >= cacheFloor {
		if known := q.prefix / cacheStep * cacheStep; known > 0 && len(t.session.past) > 0 && t.dice.IntN(10) > 0 {
			u.CacheRead = int64(known)
		}
		if provider == "anthropic" {
			u.CacheWrite5m = int64(q.tokens-int(u.CacheRead)) / cacheStep * cacheStep
		}
		u.InputUncached -= u.CacheRead + u.CacheWrite5m
	}
	if m.reasons {
		u.Reasoning = int64(logNormalFloat(t.dice, 320, .6)/64) * 64
	}
	b := make([]byte, 0, 256)
	field := func(name string, v int64) {
		b = append(b, name...)
		b = strconv.AppendInt(b, v, 10)
	}
	field(`{"prompt_tokens":`, u.Input())
	field(`,"completion_tokens":`, u.Output())
	field(`,"total_tokens":`, u.Input()+u.Output())
	field(`,"prompt_tokens_details":{"cached_tokens":`, u.CacheRead)
	if u.CacheWrite5m > 0 {
		field(`,"cache_write_tokens":`, u.CacheWrite5m)
	}
	field(`,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":`, u.Reasoning)
	b = append(b, `,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`...)
	return u, string(b)
}

// fromCache turns a call into one that was answered from memory: nothing was billed, and what it would have cost is saved.
func (t *telling) fromCache(s *trace.Span, how trace.Cache) {
	t.quote(s, s.Usage)
	if cost, ok := s.KnownCost(); ok {
		s.Saved = cost
	}
	s.Cost, s.PriceStatus, s.Cache, s.Attempts = 0, price.Exact, how, 0
	s.Usage, s.UsageSource = llm.Usage{}, llm.NoUsage
	s.Duration = time.Duration(900+t.dice.IntN(4000)) * time.Microsecond
	if how == trace.CacheSemantic { // the question was embedded first
		s.Duration += time.Duration(60+t.dice.IntN(80)) * ms
	}
	s.TTFT = s.Duration - 200*time.Microsecond
}

// leave makes the client go away in the middle of a stream. It returns what was sent until then.
func (t *telling) leave(s *trace.Span, answer []segment, pace time.Duration) []segment {
	sent := answer[:t.dice.IntN(len(answer))]
	u := s.Usage
	s.Duration = s.TTFT + time.Duration(tokensOf(sent))*pace
	s.Status, s.ErrorCode, s.FinishReasons = trace.StatusClientClosed, string(llm.ClientClosed), nil
	s.Usage = llm.Usage{InputUncached: u.Input(), OutputText: int64(tokensOf(sent))} // what was cached or thought is not known
	s.UsageSource, s.UsageRaw = llm.Estimated, ""
	t.quote(s, s.Usage)
	return sent
}

// refuse ends some calls at the door.
func (t *telling) refuse(r *trace.Record) bool {
	s := &r.Call
	x := t.dice.Float64()
	over := ""
	if t.cfg.Refuse != nil {
		over = t.cfg.Refuse(s)
	}
	code, message := llm.RateLimited, "requests per minute of key "+t.key+" are used up; try again in a few seconds"
	switch {
	case x < .002:
		s.Status = trace.StatusRateLimited
	case over != "":
		s.Status = trace.StatusBudget
		code, message = llm.BudgetExceeded, over
	case t.cfg.Refuse == nil && t.pool.app.project == "code-assistant" && t.at.Hour() >= 17 && x < .04: // by the evening the day's budget is spent
		s.Status = trace.StatusBudget
		code, message = llm.BudgetExceeded, "the day's budget of project "+s.Project+" is spent; it is renewed at midnight UTC"
	default:
		return false
	}
	s.Duration = time.Duration(150+t.dice.IntN(500)) * time.Microsecond
	s.HTTPStatus, s.ErrorCode, s.Attempts, s.Provider, s.Model = 429, string(code), 0, "", ""
	s.Error = &llm.Error{Type: string(code), Message: message, Status: 429, Retryable: s.Status == trace.StatusRateLimited}
	r.Body.Response = []byte(`{"error":{"message":"` + escape(message) + `","type":"` + string(code) + `","param":null,"code":"` + string(code) + `"}}`)
	return true
}

// stumble lets tries fail: rarely on common days, often in the incident. Afterwards the call has failed, or its span
// carries the time lost and the provider that will answer.
func (t *telling) stumble(r *trace.Record) {
	s := &r.Call
	if !t.slowAt.IsZero() && !t.at.Before(t.slowAt) && t.pool.app.project == "support-bot" && s.Stream {
		t.slowAt = time.Time{}
		t.wait(r)
		return
	}
	chance := .018
	if t.bad.holds(s.Provider, t.at) {
		chance = .45
	}
	if t.dice.Float64() >= chance {
		return
	}
	status := []int{429, 429, 500, 500, 503, 400}[t.dice.IntN(6)]
	if chance > .1 && status == 400 {
		status = 503
	}
	e := injected(status, s.ModelRequested)
	failure := &llm.Error{Type: e.kind, Message: e.message, Status: status, Retryable: status != 400}
	if e.html {
		failure.Type = "http_503"
	}
	lost := t.slow(s.Provider, time.Duration(180+t.dice.IntN(900))*ms)
	if status == 400 || t.dice.Float64() < .35 { // not retried, or in vain
		s.Duration = lost
		s.Status, s.HTTPStatus, s.Error, s.ErrorCode = trace.StatusError, status, failure, failure.Type
		if !e.html {
			r.Body.Response = []byte(`{"error":{"message":"` + escape(e.message) + `","type":"` + e.kind + `","param":null,"code":null}}`)
		} else {
			r.Body.Response = []byte("<html><head><title>503 Service Unavailable</title></head><body><h1>503 Service Unavailable</h1></body></html>\n")
		}
		return
	}
	bad := t.try(s, s.Start, lost)
	bad.Status, bad.HTTPStatus, bad.Error, bad.ErrorCode = trace.StatusError, status, failure, failure.Type
	if t.bad.holds(s.Provider, t.at) && t.pool.app.project == "support-bot" { // the route has somewhere else to go
		m := t.models["claude-haiku-4-5"]
		s.Provider, s.Model = "anthropic", m.name()
	}
	pause := time.Duration(100+t.dice.IntN(300)) * ms
	good := t.try(s, s.Start.Add(lost+pause), 0)
	if s.Provider != bad.Provider {
		good.Model = "claude-haiku-4-5"
	}
	r.Attempts = []trace.Span{bad, good}
	s.Attempts = 2
	s.Duration = lost + pause // the answering try's time comes on top
}

// try is a span of an attempt at the call's provider that went well.
func (t *telling) try(s *trace.Span, start time.Time, d time.Duration) trace.Span {
	return trace.Span{
		ID: timeID(t.dice, start), TraceID: s.TraceID, SpanID: string(hexBytes(t.dice, make([]byte, 0, 16), 16)), ParentID: s.SpanID, Kind: trace.KindAttempt,
		Start: start, Duration: d, Project: s.Project, KeyID: s.KeyID, Key: s.Key, Endpoint: s.Endpoint, Path: s.Path, Stream: s.Stream,
		Provider: s.Provider, Model: s.ModelRequested, ModelRequested: s.ModelRequested, Status: trace.StatusOK, HTTPStatus: 200,
		UsageSource: llm.NoUsage, PriceStatus: price.Exact, Cache: trace.CacheOff,
	}
}

// wait is a call whose provider says nothing for half a minute and then turns it away, before another one answers.
func (t *telling) wait(r *trace.Record) {
	s := &r.Call
	const silence, away, pause = 30 * time.Second, 410 * ms, 750 * ms
	silent := t.try(s, s.Start, silence)
	silent.Status, silent.HTTPStatus, silent.ErrorCode = trace.StatusError, 504, string(llm.UpstreamTimeout)
	silent.Error = &llm.Error{Type: silent.ErrorCode, Message: "the provider sent nothing for 30 s", Status: 504, Retryable: true}
	e := injected(429, s.ModelRequested)
	refused := t.try(s, silent.End().Add(pause), away)
	refused.Status, refused.HTTPStatus, refused.ErrorCode = trace.StatusError, 429, e.kind
	refused.Error = &llm.Error{Type: e.kind, Message: e.message, Status: 429, Retryable: true}
	m := t.models["claude-haiku-4-5"]
	s.Provider, s.Model = "anthropic", m.name()
	good := t.try(s, refused.End().Add(pause), 0)
	good.Model = m.id
	r.Attempts = []trace.Span{silent, refused, good}
	s.Attempts, s.Duration = 3, good.Start.Sub(s.Start) // the answering try's time comes on top
}
