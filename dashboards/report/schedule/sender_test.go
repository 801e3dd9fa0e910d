package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/price"
)

// lease is held by one of those that share it.
type lease struct {
	mu    sync.Mutex // guards the rest
	owner string
	until time.Time
}

func (l *lease) TakeLease(_ context.Context, _, owner string, holds time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.owner == owner || !l.until.After(now) {
		l.owner, l.until = owner, now.Add(holds)
		return true, nil
	}
	return false, nil
}

// desk is a store with those who send from it.
type desk struct {
	store  Memory
	outbox alert.Memory
	lease  lease
	fail   error
	made   []string
	mu     sync.Mutex // guards made
}

func newDesk() *desk {
	d := &desk{}
	d.store.Outbox = &d.outbox
	return d
}

func (d *desk) write(_ context.Context, p report.Period, project string, now time.Time) (*report.Report, error) {
	if d.fail != nil {
		return nil, d.fail
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made = append(d.made, p.Name()+" "+project+" "+now.UTC().Format("01-02T15:04"))
	return &report.Report{Kind: p.Kind, Name: p.Name(), Title: p.Title(), Since: p.Since, Until: p.Until, Through: p.Until, Timezone: p.Since.Location().String(), Project: project, MadeAt: now}, nil
}

func (d *desk) sender(owner string, file ...Schedule) *Sender {
	return NewSender(Config{
		Store: &d.store, Outbox: &d.outbox, Make: d.write, Schedules: file, Channels: []string{"chat", "mail"}, Leases: &d.lease, Owner: owner, Log: slog.New(slog.DiscardHandler),
	})
}

// letters are the deliveries by channel and subject.
func (d *desk) letters(t *testing.T) []string {
	t.Helper()
	list, err := d.outbox.AlertDeliveries(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b alert.Delivery) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Channel, b.Channel))
	})
	out := make([]string, len(list))
	for i := range list {
		subject, _, _ := strings.Cut(list[i].Message.Subject(), ",")
		out[i] = list[i].Channel + " " + subject
	}
	return out
}

// A week of two weirs that share a store, with one away over two Mondays.
func TestTheSenderSendsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 10, 21, 12, 0, 0, 0, time.UTC))) // synctest's clock; a Wednesday
		d := newDesk()
		if err := d.store.PutReportSchedule(t.Context(), Schedule{Name: "weekly", Project: "p", Period: report.Week, Timezone: "Europe/Berlin", Notify: []string{"mail", "gone"}}, true); err != nil {
			t.Fatal(err)
		}
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			var wait sync.WaitGroup
			for i := range 2 {
				wait.Go(func() {
					d.sender(fmt.Sprint("weir-", i), Schedule{Name: "all", Period: report.Month, At: "09:15"}).Run(ctx)
				})
			}
			return func() { cancel(); wait.Wait() }
		}
		stop := run()
		time.Sleep(time.Until(time.Date(2026, 10, 26, 6, 58, 0, 0, time.UTC))) // 07:58 in Berlin: summer time ended the day before
		if got := d.letters(t); len(got) > 0 {
			t.Fatalf("sent before its time: %q", got)
		}
		time.Sleep(5 * time.Minute)
		want := []string{"mail [weir] Week 43"}
		if diff := gocmp.Diff(want, d.letters(t)); diff != "" {
			t.Fatalf("on Monday (-want +got):\n%s", diff)
		}
		time.Sleep(time.Until(time.Date(2026, 11, 1, 9, 20, 0, 0, time.UTC)))
		want = append(want, "chat [weir] October 2026", "mail [weir] October 2026")
		if diff := gocmp.Diff(want, d.letters(t)); diff != "" {
			t.Fatalf("on the first (-want +got):\n%s", diff)
		}
		stop()
		time.Sleep(16 * 24 * time.Hour) // two Mondays pass
		stop = run()
		time.Sleep(20 * time.Minute)
		want = append(want, "mail [weir] Week 46")
		if diff := gocmp.Diff(want, d.letters(t)); diff != "" {
			t.Errorf("after it was away (-want +got):\n%s", diff)
		}
		stop()
		if diff := gocmp.Diff([]string{"2026-W43 p 10-26T07:00", "2026-10  11-01T09:15", "2026-W46 p 11-17T09:20"}, d.made); diff != "" {
			t.Errorf("made (-want +got):\n%s", diff)
		}
	})
}

func TestAReportThatCannotBeMadeIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)))
		d := newDesk()
		d.fail = errors.New("the store is away")
		s := d.sender("one", Schedule{Name: "weekly", Period: report.Week}, Schedule{Name: "quiet", Period: report.Week, Disabled: true}, Schedule{Name: "to-nobody", Period: report.Week, Notify: []string{"gone"}})
		if err := s.Due(t.Context(), time.Now()); err != nil { // they begin
			t.Fatal(err)
		}
		time.Sleep(time.Until(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)))
		if err := s.Due(t.Context(), time.Now()); !errors.Is(err, d.fail) {
			t.Errorf("error %v", err)
		}
		list, err := s.List(t.Context(), time.Now())
		if err != nil || len(list) != 3 || list[2].Error != "the store is away" || list[2].Last != nil || !list[1].File || !list[0].Next.IsZero() || !list[2].Next.Equal(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v, %v", list, err)
		}
		d.fail = nil
		for range 3 {
			if err := s.Due(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if got := d.letters(t); len(got) != 2 {
			t.Errorf("sent %q", got)
		}
		if list, err = s.List(t.Context(), time.Now()); err != nil || list[2].Error != "" || list[2].Last == nil || list[2].Last.Period != "2026-W47" || list[2].Last.Channels != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		sent, err := d.store.ReportsSent(t.Context(), "to-nobody")
		if err != nil || len(sent) != 2 || sent[0].Note == "" || sent[0].Channels != 0 {
			t.Errorf("%+v, %v", sent, err)
		}
		one, err := s.Named(t.Context(), "quiet")
		if err != nil {
			t.Fatal(err)
		}
		if list, err := s.Send(t.Context(), &one, time.Now()); err != nil || len(list) != 2 || list[0].Way.State != price.DeliveryWaiting || list[0].Message.Document.HTML == "" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestWhatIsWrongWithASchedule(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		want string
	}{
		{Schedule{Name: "ok", Period: report.Week}, ""},
		{Schedule{Name: "ok", Period: report.Month, At: "23:59", Timezone: "Asia/Kolkata", Notify: []string{"mail"}}, ""},
		{Schedule{Name: "", Period: "day"}, "name period"},
		{Schedule{Name: "-", Period: report.Week, At: "24:00", Timezone: "Local", Notify: []string{"x"}, Project: strings.Repeat("p", 256)}, "name project at timezone notify"},
	} {
		var fields []string
		for _, f := range c.s.Check([]string{"mail"}) {
			fields = append(fields, f.Field)
		}
		if got := strings.Join(fields, " "); got != c.want {
			t.Errorf("%+v: faults of %q, want %q", c.s, got, c.want)
		}
	}
}
