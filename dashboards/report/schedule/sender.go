package schedule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

const (
	beat      = time.Minute // how often it is looked for what is due
	leaseName = "reports"
	makeLimit = 5 * time.Minute // of one report
)

// Make makes the report of a period of a project, or of all when it is "".
type Make func(ctx context.Context, p report.Period, project string, now time.Time) (*report.Report, error)

// Outbox takes deliveries that are sent by hand; an alert.Store does.
type Outbox interface {
	AddAlertDelivery(ctx context.Context, d alert.Delivery) error
}

// Config is what a Sender is made of. Every field but Zone and Wake is needed.
type Config struct {
	Store     Store
	Outbox    Outbox // of the same store
	Make      Make
	Schedules []Schedule // from the file; they go before stored ones of the same name
	Channels  []string   // names of those that can be told
	Leases    alert.Leases
	Owner     string         // this weir among those that share the store
	Zone      *time.Location // of schedules that name none; nil: UTC
	Wake      func()         // called when something waits to be told
	Log       *slog.Logger
}

// Sender sends reports when they are due. Of several weirs that share a store, one does. Safe for concurrent use.
type Sender struct {
	cfg Config

	mu     sync.Mutex        // guards failed
	failed map[string]string // why the report that is due could not be made, by schedule
}

// NewSender makes a Sender; Run makes it send.
func NewSender(cfg Config) *Sender {
	if cfg.Wake == nil {
		cfg.Wake = func() {}
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	return &Sender{cfg: cfg, failed: map[string]string{}}
}

// Listed is a schedule with where it comes from, and where it stands.
type Listed struct {
	Schedule
	File  bool      // from the configuration: it is changed there
	Next  time.Time // when the next report is sent; zero of one that is disabled
	Last  *Sent     // that went to somebody; nil: none did
	Error string    // why the report that is due could not be made
}

// List gives all schedules by name.
func (s *Sender) List(ctx context.Context, now time.Time) ([]Listed, error) {
	all, err := s.schedules(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Listed, len(all))
	for i, one := range all {
		sent, err := s.cfg.Store.ReportsSent(ctx, one.Name)
		if err != nil {
			return nil, err
		}
		out[i] = Listed{Schedule: one, File: s.FromFile(one.Name)}
		if !one.Disabled {
			out[i].Next = one.Next(now, s.cfg.Zone)
		}
		if k := slices.IndexFunc(sent, func(n Sent) bool { return n.Channels > 0 }); k >= 0 {
			out[i].Last = &sent[k]
		}
		s.mu.Lock()
		out[i].Error = s.failed[one.Name]
		s.mu.Unlock()
	}
	return out, nil
}

func (s *Sender) schedules(ctx context.Context) ([]Schedule, error) {
	stored, err := s.cfg.Store.ReportSchedules(ctx)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(s.cfg.Schedules)
	for _, one := range stored {
		if !s.FromFile(one.Name) {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b Schedule) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Named gives one schedule. ErrNone when there is none.
func (s *Sender) Named(ctx context.Context, name string) (Schedule, error) {
	all, err := s.schedules(ctx)
	if err != nil {
		return Schedule{}, err
	}
	if i := slices.IndexFunc(all, func(one Schedule) bool { return one.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Schedule{}, ErrNone
}

// FromFile says whether a schedule of the configuration has a name.
func (s *Sender) FromFile(name string) bool {
	return slices.ContainsFunc(s.cfg.Schedules, func(one Schedule) bool { return one.Name == name })
}

// Channels are the names of those that can be told.
func (s *Sender) Channels() []string { return s.cfg.Channels }

// Store is what the Sender keeps everything in.
func (s *Sender) Store() Store { return s.cfg.Store }

// Run sends what is due until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		mine, err := s.cfg.Leases.TakeLease(ctx, leaseName, s.cfg.Owner, makeLimit+2*beat)
		if err == nil && mine {
			err = s.Due(ctx, time.Now())
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("reports that are due could not all be sent; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Due sends the reports that are due and were not sent. Of those that were missed it sends the last. A schedule that was never seen begins
// with the next one. One that cannot be sent keeps none from it.
func (s *Sender) Due(ctx context.Context, now time.Time) error {
	all, err := s.schedules(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for i := range all {
		one := &all[i]
		err := s.due(ctx, one, now)
		s.mu.Lock()
		delete(s.failed, one.Name)
		if err != nil {
			s.failed[one.Name] = err.Error()
			faults = append(faults, fmt.Errorf("schedule %s: %w", one.Name, err))
		}
		s.mu.Unlock()
	}
	return errors.Join(faults...)
}

func (s *Sender) due(ctx context.Context, one *Schedule, now time.Time) error {
	zone, err := one.Zone(s.cfg.Zone)
	if err != nil {
		return err
	}
	p := one.lastDue(now, zone)
	sent, err := s.cfg.Store.ReportsSent(ctx, one.Name)
	if err != nil {
		return err
	}
	same := func(n Sent) bool { return n.Kind == one.Period }
	note := Sent{Schedule: one.Name, Kind: one.Period, Period: p.Name(), At: now.UTC()}
	switch {
	case slices.ContainsFunc(sent, func(n Sent) bool { return same(n) && n.Period >= p.Name() }): // names of a kind sort by time
		return nil
	case one.Disabled, !slices.ContainsFunc(sent, same):
		note.Note = "its time was over before the schedule began"
		_, err := s.cfg.Store.NoteReport(ctx, note, nil)
		return err
	}
	channels := s.channels(one)
	if len(channels) == 0 {
		note.Note = "the configuration has none of its channels"
		_, err := s.cfg.Store.NoteReport(ctx, note, nil)
		return err
	}
	list, err := s.letters(ctx, one, p, channels, now)
	if err != nil {
		return err
	}
	note.Channels = len(list)
	if _, err := s.cfg.Store.NoteReport(ctx, note, list); err != nil {
		return err
	}
	s.cfg.Wake()
	return nil
}

// Send sends the report of the last period that is over now, whether or not it was sent before, and gives the deliveries: none without
// channels.
func (s *Sender) Send(ctx context.Context, one *Schedule, now time.Time) ([]alert.Delivery, error) {
	zone, err := one.Zone(s.cfg.Zone)
	if err != nil {
		return nil, err
	}
	channels := s.channels(one)
	if len(channels) == 0 {
		return nil, nil
	}
	list, err := s.letters(ctx, one, report.Last(one.Period, now, zone), channels, now)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := s.cfg.Outbox.AddAlertDelivery(ctx, list[i]); err != nil {
			return list[:i], err
		}
	}
	s.cfg.Wake()
	return list, nil
}

// channels are those that a schedule tells and that there are.
func (s *Sender) channels(one *Schedule) []string {
	if len(one.Notify) == 0 {
		return s.cfg.Channels
	}
	var out []string
	for _, name := range one.Notify {
		if slices.Contains(s.cfg.Channels, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// letters makes a report, and a delivery of it for each channel.
func (s *Sender) letters(ctx context.Context, one *Schedule, p report.Period, channels []string, now time.Time) ([]alert.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, makeLimit)
	defer cancel()
	r, err := s.cfg.Make(ctx, p, one.Project, now)
	if err != nil {
		return nil, err
	}
	page, err := r.HTML()
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	m := alert.Message{
		ID: llm.NewID(now), Kind: alert.Papers, Severity: alert.OK, Rule: one.Name, At: now.UTC(), URL: r.URL,
		Document: &alert.Document{
			Type: "report." + string(r.Kind), Subject: r.Subject(), Brief: r.Brief(), Text: strings.ReplaceAll(r.Text(), "\r", ""), HTML: page, Data: data,
		},
	}
	out := make([]alert.Delivery, len(channels))
	for i, channel := range channels {
		out[i] = alert.Delivery{ID: llm.NewID(now), Channel: channel, Message: m, At: now, Way: price.Delivery{State: price.DeliveryWaiting, Next: now}}
	}
	return out, nil
}
