package simulator

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// HistoryConfig says what past to make up. The zero value is thirty days of about four thousand calls that end now.
type HistoryConfig struct {
	Seed        uint64
	Now         time.Time   // when the history ends; zero: the present, to the minute
	Days        int         // 0: 30
	CallsPerDay int         // on a weekday in the middle of the history, about; 0: 4,000
	Book        *price.Book // prices the calls; nil: price.Embedded()
	Bodies      int         // the most recent calls carry whole bodies, so many of them; 0: 3,000. Older ones leave past turns and context out
	Lean        bool        // older calls carry no bodies at all, which is a quarter of the bytes
	Project     string      // records everything under this project, the applications being a tag; empty: a project each

	// ProjectOf gives the project that an application's calls are recorded under; nil: as Project says.
	ProjectOf func(app string) string
	// Use completes a call that names a prompt before it is made: the version that it is asked with, and what an experiment makes of
	// it. Nil: the version that is in use at that time of the history.
	Use func(s *trace.Span)
	// Refuse says why a call is refused as over a budget, and "" of one that is not. It is asked when all calls before it have been
	// given. Nil: a made-up budget runs out on some evenings.
	Refuse func(s *trace.Span) string
	// Troubles are times of many failures beside the afternoon that every history has.
	Troubles []Trouble
	// SlowAt is when the next call of the support bot waits in vain for its first two tries; zero: none does.
	SlowAt time.Time

	// KeyID gives the id of a virtual key, for a caller who has made the keys of Keys; nil: ids of its own, as in Keys.
	KeyID func(project, name string) string
}

// Trouble is a time in which a provider does badly.
type Trouble struct {
	Provider   string
	Start, End time.Time
}

// History makes up the calls of a company, oldest first: five applications with the shape of days and weeks, slow
// growth, users of very unequal appetite, conversations, prompt versions, a change of model in the middle, an afternoon
// on which a provider does badly, cache hits, calls nobody has a price for. Costs come from the book; token counts are
// those of the texts. The same configuration gives the same records. Each record belongs to the caller. The sequence may
// be walked more than once, one walk at a time or several.
func History(cfg HistoryConfig) iter.Seq[trace.Record] {
	if cfg.Now.IsZero() {
		cfg.Now = time.Now().Truncate(time.Minute)
	}
	cfg.Now = cfg.Now.UTC()
	if cfg.Days <= 0 {
		cfg.Days = 30
	}
	if cfg.CallsPerDay <= 0 {
		cfg.CallsPerDay = 4000
	}
	if cfg.Book == nil {
		cfg.Book = price.Embedded()
	}
	if cfg.Bodies == 0 {
		cfg.Bodies = 3000
	}
	if cfg.KeyID == nil {
		cfg.KeyID = keyID
	}
	return func(yield func(trace.Record) bool) {
		newPast(cfg).walk(yield)
	}
}

// past is one walk through a history.
type past struct {
	cfg      HistoryConfig
	start    time.Time
	bad      incidents
	slowAt   time.Time // the zero time once that call was made
	pools    []*pool
	models   map[string]model
	sessions [][]*session // in progress, for each app
	dice     *rand.Rand
}

func newPast(cfg HistoryConfig) *past {
	h := &past{
		cfg: cfg, start: cfg.Now.AddDate(0, 0, -cfg.Days), bad: incidents{incidentBefore(cfg.Now)}, slowAt: cfg.SlowAt, models: index(nil),
		sessions: make([][]*session, len(apps)), dice: rand.New(rand.NewPCG(cfg.Seed, 0x77656972)),
	}
	for _, t := range cfg.Troubles {
		h.bad = append(h.bad, incident{t.Provider, t.Start, t.End})
	}
	for i := range apps {
		h.pools = append(h.pools, newPool(&apps[i], rand.New(rand.NewPCG(cfg.Seed, uint64(i)))))
	}
	return h
}

// moment is one call to come.
type moment struct {
	at  time.Time
	app int
}

// walk goes through the history hour by hour.
func (h *past) walk(yield func(trace.Record) bool) {
	type hour struct {
		at    time.Time
		calls []int // of each app
	}
	var hours []hour
	total := 0
	first := h.start.Truncate(time.Hour)
	var mood [7]float64
	for t := first; t.Before(h.cfg.Now); t = t.Add(time.Hour) {
		if t.Hour() == 0 || t.Equal(first) { // no two days are quite alike
			for i := range apps {
				mood[i] = math.Exp(.07 * h.dice.NormFloat64())
			}
		}
		now := hour{at: t, calls: make([]int, len(apps))}
		for i := range apps {
			now.calls[i] = poisson(h.dice, h.rate(&apps[i], t)*mood[i])
			total += now.calls[i]
		}
		hours = append(hours, now)
	}
	whole := total - h.cfg.Bodies // calls before this one carry short bodies
	n := 0
	var moments []moment
	for _, now := range hours {
		moments = moments[:0]
		for i, calls := range now.calls {
			for range calls {
				moments = append(moments, moment{now.at.Add(time.Duration(h.dice.Int64N(int64(time.Hour)))).Truncate(time.Microsecond), i})
			}
		}
		slices.SortStableFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
		for _, m := range moments {
			n++
			if m.at.Before(h.start) || m.at.After(h.cfg.Now.Add(-2*time.Minute)) { // what is recorded has ended
				continue
			}
			if !h.call(m, n <= whole, yield) {
				return
			}
		}
	}
}

// rate is how many calls of an app an hour brings.
func (h *past) rate(a *app, t time.Time) float64 {
	var day float64
	for _, x := range a.hours {
		day += x
	}
	r := float64(h.cfg.CallsPerDay) * a.share * a.hours[t.Hour()] / day
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		r *= a.weekend
	}
	return r * (.78 + .44*h.position(t)) // slow growth
}

// position is where in the history a time is, 0 to 1.
func (h *past) position(t time.Time) float64 {
	return clamp(float64(t.Sub(h.start))/float64(h.cfg.Now.Sub(h.start)), 0, 1)
}

// poisson draws a count with the given mean.
func poisson(r *rand.Rand, mean float64) int {
	if mean > 40 {
		return max(0, int(mean+math.Sqrt(mean)*r.NormFloat64()+.5))
	}
	limit, p, n := math.Exp(-mean), r.Float64(), 0
	for p > limit {
		p *= r.Float64()
		n++
	}
	return n
}

// sessionFor continues a conversation of the app, or begins one.
func (h *past) sessionFor(app int, t time.Time) *session {
	open := h.sessions[app]
	const stale = 25 * time.Minute
	if len(open) > 0 && h.dice.Float64() < .75 {
		i := h.dice.IntN(len(open))
		s := open[i]
		if s.left > 0 && t.Sub(s.last) < stale {
			s.last = t
			return s
		}
		open[i] = open[len(open)-1]
		h.sessions[app] = open[:len(open)-1]
	}
	s := apps[app].newSession(h.position(t), t, h.dice)
	if s.left > 1 {
		h.sessions[app] = append(h.sessions[app], s)
	}
	return s
}

// call makes one call and what goes with it.
func (h *past) call(m moment, short bool, yield func(trace.Record) bool) bool {
	p := h.pools[m.app]
	s := h.sessionFor(m.app, m.at)
	now := p.ask(h.dice)
	traceID := string(hexBytes(h.dice, make([]byte, 0, 32), 32))
	env := "prod"
	if h.dice.IntN(14) == 0 {
		env = "staging"
	}
	t := telling{past: h, pool: p, session: s, now: now, short: short, at: m.at, traceID: traceID, env: env}
	t.key = p.app.keys[0]
	if len(p.app.keys) > 1 && h.dice.IntN(4) == 0 {
		t.key = p.app.keys[1]
	}
	if p.app.embeds != "" {
		r := t.embedding()
		if !yield(r) {
			return false
		}
		t.at = r.Call.End().Add(time.Duration(4+h.dice.IntN(30)) * ms).Truncate(time.Microsecond)
	}
	r, answer := t.chat()
	if short && h.cfg.Lean {
		r.Body = trace.Body{}
	}
	s.left--
	if answer != nil && len(s.past) < 8 {
		now.answer = answer
		s.past = append(s.past, now)
	}
	return yield(r)
}

// keyID is the id a virtual key has when nobody has made it: the same for the same names.
func keyID(project, name string) string {
	r := dice(0, project, []byte(name))
	b := make([]byte, 12)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
	}
	return string(b)
}

// CallID is llm.NewID for a time of the past, the same for the same dice.
func CallID(r *rand.Rand, t time.Time) string { return timeID(r, t) }

// TraceID is llm.NewTraceID, the same for the same dice.
func TraceID(r *rand.Rand) string { return string(hexBytes(r, make([]byte, 0, 32), 32)) }

// timeID is a version 7 UUID: llm.NewID, but drawn from the history's own dice.
func timeID(r *rand.Rand, t time.Time) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 36)
	for shift := 44; shift >= 0; shift -= 4 {
		b = append(b, digits[t.UnixMilli()>>shift&15])
		if shift == 16 {
			b = append(b, '-')
		}
	}
	b = append(b, '-', '7')
	b = hexBytes(r, b, 3)
	b = append(b, '-', "89ab"[r.IntN(4)])
	b = hexBytes(r, b, 3)
	b = append(b, '-')
	return string(hexBytes(r, b, 12))
}

// quote prices a usage into a span.
func (h *past) quote(s *trace.Span, u llm.Usage) {
	q := h.cfg.Book.Quote(price.Charge{Provider: s.Provider, Model: s.Model, Requested: s.ModelRequested, Project: s.Project, Usage: u, At: s.Start})
	s.Cost, s.PriceStatus, s.PriceVersion, s.PriceRule = q.Cost, q.Status, q.Version, q.Rule
	if q.Status == price.Unpriced {
		s.Cost = 0
	}
}
