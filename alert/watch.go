package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

const (
	beat      = 10 * time.Second // how often it is looked for rules that are due
	lookLimit = 30 * time.Second // of one look
	leaseName = "alerts"

	// WriteLag is how far looks are shifted back: calls that ended by then are in the store.
	WriteLag = 30 * time.Second

	keepHistory = 400 * 24 * time.Hour
	keepGroup   = 7 * 24 * time.Hour // a group that is fine is forgotten when nothing was seen of it for so long
)

// Config is what a Watch is made of. Every field but Wake is needed.
type Config struct {
	Store    Store
	Sources  *Sources
	Rules    []Rule   // from the file; they go before stored ones of the same name
	Channels []string // names of those that can be told
	Leases   Leases
	Owner    string // this weir among those that share the store
	Console  string // URL of the console
	Wake     func() // called when something waits to be told
	Log      *slog.Logger
}

// Watch looks at rules. Of several weirs that share a store, one looks. Safe for concurrent use.
type Watch struct {
	cfg Config

	mu     sync.Mutex // guards looked
	looked map[string]time.Time
}

// NewWatch makes a Watch; Run makes it look.
func NewWatch(cfg Config) *Watch {
	if cfg.Wake == nil {
		cfg.Wake = func() {}
	}
	return &Watch{cfg: cfg, looked: map[string]time.Time{}}
}

// Listed is a rule with where it comes from.
type Listed struct {
	Rule
	File bool // from the configuration: it is changed there
}

// Rules lists all rules by name: those from the file, and the stored ones.
func (w *Watch) Rules(ctx context.Context) ([]Listed, error) {
	stored, err := w.cfg.Store.AlertRules(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Listed, 0, len(stored)+len(w.cfg.Rules))
	for _, r := range w.cfg.Rules {
		out = append(out, Listed{r, true})
	}
	for _, r := range stored {
		if !w.FromFile(r.Name) {
			out = append(out, Listed{r, false})
		}
	}
	slices.SortFunc(out, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// FromFile says whether a rule of the configuration has a name.
func (w *Watch) FromFile(name string) bool {
	return slices.ContainsFunc(w.cfg.Rules, func(r Rule) bool { return r.Name == name })
}

// Channels are the names of those that can be told.
func (w *Watch) Channels() []string { return w.cfg.Channels }

// Store is what the Watch keeps everything in.
func (w *Watch) Store() Store { return w.cfg.Store }

// Sources are what the Watch reads.
func (w *Watch) Sources() *Sources { return w.cfg.Sources }

// Wake has it told at once what waits.
func (w *Watch) Wake() { w.cfg.Wake() }

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	pruned := time.Time{}
	for {
		mine, err := w.cfg.Leases.TakeLease(ctx, leaseName, w.cfg.Owner, 6*beat)
		if err == nil && mine {
			err = w.Due(ctx, time.Now())
			if now := time.Now(); err == nil && now.Sub(pruned) > 24*time.Hour {
				pruned = now
				err = w.cfg.Store.PruneAlerts(ctx, now.Add(-keepHistory))
			}
		}
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.Warn("rules of alerts could not be looked at; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Due looks at the rules that are due. One that cannot be looked at keeps none from it.
func (w *Watch) Due(ctx context.Context, now time.Time) error {
	rules, err := w.Rules(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(rules))
	var all []error
	for i := range rules {
		r := &rules[i].Rule
		names[i] = r.Name
		w.mu.Lock()
		due := !r.Disabled && now.Sub(w.looked[r.Name]) >= r.every()
		if due {
			w.looked[r.Name] = now
		}
		w.mu.Unlock()
		if !due {
			continue
		}
		// The lease holds for as long as a look may take.
		if mine, err := w.cfg.Leases.TakeLease(ctx, leaseName, w.cfg.Owner, 6*beat); err != nil || !mine {
			return errors.Join(append(all, err)...)
		}
		if err := w.Look(ctx, r, now); err != nil {
			all = append(all, fmt.Errorf("rule %s: %w", r.Name, err))
		}
	}
	w.mu.Lock()
	for name := range w.looked {
		if !slices.Contains(names, name) {
			delete(w.looked, name)
		}
	}
	w.mu.Unlock()
	return errors.Join(append(all, w.cfg.Store.ForgetAlerts(ctx, names))...)
}

// Soon has a rule looked at anew at the next beat, as one that was changed must be.
func (w *Watch) Soon(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.looked, name)
}

// Look looks at one rule, and keeps and tells what comes of it.
func (w *Watch) Look(ctx context.Context, r *Rule, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	before, err := w.cfg.Store.AlertStates(ctx, r.Name)
	if err != nil {
		return err
	}
	silences, err := w.cfg.Store.ListSilences(ctx, now)
	if err != nil {
		return err
	}
	at := now.Add(-WriteLag)
	result := Result{Look: Look{Rule: r.Name, At: now}}
	saw, err := w.cfg.Sources.Read(ctx, r, at)
	if err != nil {
		result.Look.Error = err.Error()
		return errors.Join(err, w.cfg.Store.SaveAlerts(ctx, result))
	}
	var owed []owes
	result.States, result.Events, owed = step(r, before, saw, silences, now)
	for i := range result.Events {
		e := &result.Events[i]
		if e.To != OK && e.Known {
			top, err := w.cfg.Sources.Contributors(ctx, r, e.Labels, at)
			if err != nil {
				w.cfg.Log.Info("not all contributors of an alert could be read", "rule", r.Name, "error", err)
			}
			e.Top = top
		}
	}
	if len(owed) > 0 {
		m := w.message(ctx, r, owed, result.Events, now)
		for _, channel := range w.channels(r) {
			result.Deliveries = append(result.Deliveries, deliveryOf(m, channel, now))
		}
	}
	if err := w.cfg.Store.SaveAlerts(ctx, result); err != nil {
		return err
	}
	if len(result.Deliveries) > 0 {
		w.cfg.Wake()
	}
	return nil
}

func deliveryOf(m Message, channel string, now time.Time) Delivery {
	return Delivery{ID: llm.NewID(now), Channel: channel, Message: m, At: now, Way: price.Delivery{State: price.DeliveryWaiting, Next: now}}
}

// channels are those that a rule tells and that there are.
func (w *Watch) channels(r *Rule) []string {
	if len(r.Notify) == 0 {
		return w.cfg.Channels
	}
	var out []string
	for _, name := range r.Notify {
		if slices.Contains(w.cfg.Channels, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// owes is a state of which something is to be told.
type owes struct {
	state State
	kind  Kind
}

// step moves all groups of a rule by one look. It is a pure function, but for the events' ids.
func step(r *Rule, before []State, saw []Reading, silences []Silence, now time.Time) (states []State, events []Event, owed []owes) {
	had := make(map[string]State, len(before))
	for i := range before {
		had[before[i].Labels.Key()] = before[i]
	}
	seen := map[string]bool{}
	move := func(s State, reading Reading) {
		next, changed := s.Step(r, reading, now)
		if len(reading.Labels) > 0 && next.Severity == OK && now.Sub(next.SeenAt) > max(keepGroup, 2*r.Window.or(0)) {
			return // it is fine, and long gone
		}
		quiet := silenced(silences, r.Name, next.Labels, now)
		if changed && (s.Severity != "" || next.Severity != OK) {
			was := s.Severity
			if was == "" {
				was = OK
			}
			crossed := next.Severity
			if crossed == OK {
				crossed = was
			}
			events = append(events, Event{
				ID: llm.NewID(now), Rule: r.Name, Labels: next.Labels, At: now, From: was, To: next.Severity, Value: next.Value, Known: next.Known,
				Threshold: r.Threshold(crossed), Silenced: quiet,
			})
		}
		if kind, ok := next.Owes(r, now); ok && !quiet {
			owed = append(owed, owes{next, kind})
			next.Tell(now)
		}
		states = append(states, next)
	}
	room := MaxGroups
	for _, reading := range saw {
		key := reading.Labels.Key()
		s, known := had[key]
		if seen[key] || room == 0 && s.Severity.Rank() == 0 && (!known || s.Told == "" || s.Told == OK) {
			continue
		}
		seen[key] = true
		room = max(0, room-1)
		move(s, reading)
	}
	for i := range before {
		key := before[i].Labels.Key()
		grouped := len(r.GroupBy) > 0 || r.Metric == BudgetUsed
		switch {
		case seen[key], (len(before[i].Labels) > 0) != grouped, // it was grouped otherwise
			r.Metric == BudgetUsed, // the budget is gone
			room == 0 && before[i].Severity == OK:
			continue
		}
		room = max(0, room-1)
		move(before[i], nothing(r, before[i].Labels))
	}
	return states, events, owed
}

// message tells of all that is owed, the worst first.
func (w *Watch) message(ctx context.Context, r *Rule, owed []owes, events []Event, now time.Time) Message {
	slices.SortStableFunc(owed, func(a, b owes) int { return cmp.Compare(b.state.Severity.Rank(), a.state.Severity.Rank()) })
	m := w.head(r, now)
	m.Kind, m.Severity = owed[0].kind, owed[0].state.Severity
	for _, o := range owed {
		if len(m.Findings) == maxFindings {
			if len(m.More) < 100 {
				m.More = append(m.More, o.state.Labels.Text())
			}
			continue
		}
		m.Findings = append(m.Findings, w.finding(ctx, r, &o, events, now))
	}
	return m
}

func (w *Watch) head(r *Rule, now time.Time) Message {
	return Message{
		ID: llm.NewID(now), Rule: r.Name, About: r.About, Metric: r.Metric, Title: r.Metric.Title(), Unit: r.Metric.Unit(), Window: r.Window, Op: r.Op,
		At: now.UTC(), URL: w.cfg.Console + "/alerts?rule=" + r.Name,
	}
}

func (w *Watch) finding(ctx context.Context, r *Rule, o *owes, events []Event, now time.Time) Finding {
	s := &o.state
	at := now.Add(-WriteLag)
	f := Finding{Kind: o.kind, Labels: s.Labels, Severity: s.Severity, Since: s.Since, Threshold: r.Threshold(s.Severity), Calls: callsURL(w.cfg.Console, r, s.Labels, at)}
	if s.Severity == OK {
		f.Threshold = r.Threshold(s.Told)
	}
	if s.Known {
		f.Value = &s.Value
	}
	key := s.Labels.Key()
	if i := slices.IndexFunc(events, func(e Event) bool { return e.Labels.Key() == key }); i >= 0 {
		f.Top = events[i].Top
	} else if s.Severity != OK && s.Known {
		f.Top, _ = w.cfg.Sources.Contributors(ctx, r, s.Labels, at) // told before, so that they are told if they can be
	}
	return f
}

// Test sends a message of a rule's present values to its channels, marked as a test, and gives it.
func (w *Watch) Test(ctx context.Context, r *Rule, now time.Time) (Message, []Delivery, error) {
	saw, err := w.cfg.Sources.Read(ctx, r, now.Add(-WriteLag))
	if err != nil {
		return Message{}, nil, err
	}
	m := w.head(r, now)
	m.Kind, m.Severity = Test, OK
	for i := range saw {
		if len(m.Findings) == maxFindings {
			m.More = append(m.More, saw[i].Labels.Text())
			if len(m.More) == 100 {
				break
			}
			continue
		}
		s, _ := State{}.Step(&Rule{Name: r.Name, Op: r.Op, Warning: r.Warning, Alert: r.Alert, NoData: r.NoData}, saw[i], now)
		if s.Severity.Rank() > m.Severity.Rank() {
			m.Severity = s.Severity
		}
		f := w.finding(ctx, r, &owes{s, Test}, nil, now)
		if f.Threshold == nil && s.Known {
			f.Threshold = r.Threshold(Warning)
		}
		m.Findings = append(m.Findings, f)
	}
	var out []Delivery
	for _, channel := range w.channels(r) {
		d := deliveryOf(m, channel, now)
		if err := w.cfg.Store.AddAlertDelivery(ctx, d); err != nil {
			return m, out, err
		}
		out = append(out, d)
	}
	if len(out) > 0 {
		w.cfg.Wake()
	}
	return m, out, nil
}
