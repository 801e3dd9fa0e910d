package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/bench/load"
	"github.com/weir-dev/weir/bench/mock"
	"github.com/weir-dev/weir/bench/procfs"
)

// soakReport is everything a soak found.
type soakReport struct {
	Time       time.Time   `json:"time"`
	Machine    string      `json:"machine"`
	Weir       string      `json:"weir"`
	Options    options     `json:"options"`
	Lanes      []*soakLane `json:"lanes"`
	Rude       rude        `json:"rude"`
	Samples    []sample    `json:"samples"`
	Before     sample      `json:"before"`
	After      sample      `json:"after"`
	Judgements []judgement `json:"judgements"`
	Restarts   int         `json:"engine_restarts"`
	Ledger     *ledger     `json:"ledger"`
	Faults     []string    `json:"faults"`
}

// soakLane is one kind of good load.
type soakLane struct {
	Name    string  `json:"name"`
	Rate    float64 `json:"rate"` // requests a second
	Good    int64   `json:"good"`
	Bad     int64   `json:"bad"`
	Why     string  `json:"why,omitempty"`
	Latency *times  `json:"latency"`

	scenario scenario
	lane     *lane
	want     *load.Answer
}

// soakMix is the good load of a soak: kinds of calls and their share of the rate.
func soakMix(rate float64) []*soakLane {
	lane := func(name string, share float64, change func(*scenario)) *soakLane {
		s := scenario{Name: name, Mode: openLoop, Conns: 512, Path: chatPath, Model: "gpt-4o-mini", BodyBytes: 1000}
		change(&s)
		return &soakLane{Name: name, Rate: rate * share, scenario: s}
	}
	return []*soakLane{
		lane("plain, 1 KB", 0.50, func(*scenario) {}),
		lane("plain, 16 KB", 0.12, func(s *scenario) { s.BodyBytes = 16_000 }),
		lane("plain, 100 KB", 0.03, func(s *scenario) { s.BodyBytes = 100_000 }),
		lane("streams, 1 KB", 0.20, func(s *scenario) { s.Stream = true }),
		lane("embeddings, 1 KB", 0.10, func(s *scenario) { s.Path, s.Model = embeddingsPath, "text-embedding-3-small" }),
	}
}

// soaking is a soak under way.
type soaking struct {
	bed    *bed
	o      options
	report *soakReport
	csv    io.Writer
	engine int // its process, to notice when it is another
}

// soak loads weir at a moderate rate for long and judges whether what it holds stays flat.
func soak(ctx context.Context, o options, out, log io.Writer) (err error) {
	progress := func(format string, args ...any) { fmt.Fprintf(log, format+"\n", args...) }
	if !procfs.Supported {
		return errors.New("a soak reads what processes hold from Linux's accounts, which this system does not keep")
	}
	s := &soaking{o: o, csv: io.Discard}
	if o.CSV != "" {
		f, err := os.Create(o.CSV)
		if err != nil {
			return fmt.Errorf("write samples: %w", err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		s.csv = f
	}
	if s.bed, err = openBed(ctx, o, progress); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.bed.close()) }()
	s.report = &soakReport{Time: time.Now().UTC(), Machine: describeMachine(), Weir: s.bed.weir.version, Options: o, Lanes: soakMix(o.SoakRate)}
	if err := s.run(ctx, progress); err != nil {
		return err
	}
	s.report.markdown(out)
	if o.Out != "" {
		text, err := json.MarshalIndent(s.report, "", "  ")
		if err != nil {
			return fmt.Errorf("write %s: %w", o.Out, err)
		}
		if err := os.WriteFile(o.Out, append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("write figures: %w", err)
		}
	}
	if len(s.report.Faults) > 0 {
		return fmt.Errorf("%w: %s", errNo, strings.Join(s.report.Faults, "; "))
	}
	return nil
}

func (s *soaking) run(ctx context.Context, progress func(string, ...any)) error {
	b, r := s.bed, s.report
	upstream := mock.Default()
	upstream.Latency, upstream.First, upstream.Inter = 20*time.Millisecond, 20*time.Millisecond, 10*time.Millisecond
	if err := b.setMock(ctx, upstream); err != nil {
		return err
	}
	if err := s.openLanes(ctx); err != nil {
		return err
	}
	defer s.closeLanes()
	ill, err := newRude(ctx, b.weir)
	if err != nil {
		return err
	}
	if r.Before, err = s.atRest(ctx); err != nil {
		return err
	}
	progress("soaking for %v at %.0f requests a second", s.o.Soak, s.o.SoakRate)
	if err := s.loadAndLook(ctx, ill, progress); err != nil {
		return err
	}
	s.closeLanes()
	progress("counting the records")
	if r.Ledger, err = b.ledger(ctx); err != nil {
		return err
	}
	r.Rude = *ill
	if err := r.Rude.count(ctx, b.weir); err != nil {
		return err
	}
	// weir keeps connections to a provider for a while; when the provider goes, so do they.
	if err := b.mock.stop(); err != nil {
		return err
	}
	if r.After, err = s.released(ctx, r.Before); err != nil {
		return err
	}
	r.Judgements = judge(r.Samples, r.Before, r.After)
	r.Faults = r.faults()
	return nil
}

// openLanes learns what the answers must be and connects.
func (s *soaking) openLanes(ctx context.Context) error {
	for _, l := range s.report.Lanes {
		all, want, err := openLanes(ctx, s.bed, l.scenario, s.o.Timeout)
		for _, way := range all {
			if way.weir == nil {
				way.close()
			} else {
				l.lane = way
			}
		}
		if err != nil {
			return err
		}
		l.want = want
	}
	return nil
}

func (s *soaking) closeLanes() {
	for _, l := range s.report.Lanes {
		if l.lane != nil {
			l.lane.close()
		}
	}
}

// loadAndLook sends the load and takes samples meanwhile.
func (s *soaking) loadAndLook(ctx context.Context, ill *rude, progress func(string, ...any)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := load.NewWindow(0, s.o.Soak)
	var wg sync.WaitGroup
	for _, l := range s.report.Lanes {
		wg.Go(func() {
			t := l.lane.open.Run(ctx, l.Rate, w, s.o.Timeout)
			l.Good, l.Bad, l.Why, l.Latency = t.Good, max(t.Bad, t.Failed), t.Why, timesOf(&t.Latency)
		})
	}
	wg.Go(func() { ill.run(ctx, w, s.o.SoakRate*0.05) })
	wg.Go(func() {
		if err := s.look(ctx, w, progress); err != nil {
			cancel(err)
		}
	})
	wg.Wait()
	for _, l := range s.report.Lanes {
		s.bed.sent.add(l.want, l.Good, l.Bad)
	}
	return context.Cause(ctx)
}

// look takes a sample now and then until the window ends.
func (s *soaking) look(ctx context.Context, w load.Window, progress func(string, ...any)) error {
	every := min(5*time.Second, max(time.Second, s.o.Soak/60))
	tick := time.NewTicker(every)
	defer tick.Stop()
	fmt.Fprintln(s.csv, csvHead)
	told := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil // the cause is told elsewhere
		case <-tick.C:
		}
		if !time.Now().Before(w.To) {
			return nil
		}
		x, err := s.sample(ctx)
		if err != nil {
			return errors.Join(err, s.bed.alive())
		}
		x.At = time.Since(w.Begin).Seconds()
		s.report.Samples = append(s.report.Samples, x)
		fmt.Fprintln(s.csv, x.csv())
		if time.Since(told) >= s.o.Soak/30 {
			told = time.Now()
			progress("%6.0f of %.0f s: %v", x.At, s.o.Soak.Seconds(), x)
		}
	}
}

// sample reads what weir and its engine hold.
func (s *soaking) sample(ctx context.Context) (sample, error) {
	weir := s.bed.weir
	weir.findChildren()
	var x sample
	if len(weir.children) > 0 {
		if s.engine != 0 && s.engine != weir.children[0] {
			s.report.Restarts++
		}
		s.engine = weir.children[0]
	}
	x.Gateway = procfs.ReadHoldings(weir.pid())
	for _, pid := range weir.children {
		x.Engine = x.Engine.Add(procfs.ReadHoldings(pid))
	}
	text, err := ask(ctx, http.MethodGet, weir.url+"/metrics", "", nil)
	if err != nil {
		return x, err
	}
	x.Goroutines, x.Heap = int(gaugeIn(text, "go_goroutines")), int64(gaugeIn(text, "go_memstats_heap_inuse_bytes"))
	x.Waiting, x.Written = int64(gaugeIn(text, "weir_spool_waiting_records")), int64(gaugeIn(text, `weir_spool_records_total{state="written"}`))
	return x, nil
}

// gaugeIn is a figure on /metrics; 0 when it is not there.
func gaugeIn(text []byte, name string) float64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			x, _ := strconv.ParseFloat(string(bytes.TrimSpace(rest)), 64)
			return x
		}
	}
	return 0
}

// atRest is a sample when nothing waits.
func (s *soaking) atRest(ctx context.Context) (sample, error) {
	if _, err := s.bed.weir.drained(ctx, time.Minute); err != nil {
		return sample{}, errors.Join(err, s.bed.alive())
	}
	return s.sample(ctx)
}

// released waits until weir has let go of what the load made it hold, and gives the last sample either way.
func (s *soaking) released(ctx context.Context, before sample) (sample, error) {
	for end := time.Now().Add(time.Minute); ; {
		x, err := s.sample(ctx)
		if err != nil || x.backTo(before) || time.Now().After(end) {
			return x, err
		}
		select {
		case <-ctx.Done():
			return x, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// faults are why the soak is not passed.
func (r *soakReport) faults() []string {
	var faults []string
	for _, l := range r.Lanes {
		if l.Bad > 0 || l.Good == 0 {
			faults = append(faults, fmt.Sprintf("%s: %d of %d requests failed: %s", l.Name, l.Bad, l.Good+l.Bad, l.Why))
		}
	}
	if !r.Ledger.Balanced {
		faults = append(faults, "the records do not balance: "+r.Ledger.Why)
	}
	if why := r.Rude.fault(); why != "" {
		faults = append(faults, why)
	}
	if r.Restarts > 0 {
		faults = append(faults, fmt.Sprintf("the engine was started anew %d times", r.Restarts))
	}
	for _, j := range r.Judgements {
		if why := j.fault(); why != "" {
			faults = append(faults, why)
		}
	}
	return faults
}

// markdown writes the table.
func (r *soakReport) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s · %s · %s\n\nSoak of %v at %.0f requests a second, a sample every %.1f s.\n\n", r.Time.Format("2006-01-02 15:04 MST"), r.Weir, r.Machine,
		r.Options.Soak, r.Options.SoakRate, r.Options.Soak.Seconds()/float64(max(1, len(r.Samples))))
	fmt.Fprint(w, "| | before | mean | most | trend an hour | grown in the last two thirds | allowed | afterwards |  |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, j := range r.Judgements {
		verdict := "flat"
		if why := j.fault(); why != "" {
			verdict = "**" + why + "**"
		} else if j.Short {
			verdict = "too short to judge its growth"
		}
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %+.1f | %+.1f | %.1f | %.0f | %s |\n", j.Name, j.Before, j.Mean, j.Most, j.PerHour, j.Grown, j.Allowed, j.After, verdict)
	}
	fmt.Fprint(w, "\n| load | a second | answered | failed | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, l := range r.Lanes {
		t := l.Latency
		if t == nil {
			t = &times{}
		}
		fmt.Fprintf(w, "| %s | %.1f | %d | %d | %.1f | %.1f |\n", l.Name, l.Rate, l.Good, l.Bad, t.P50, t.P99)
	}
	fmt.Fprintf(w, "\n%s\n", r.Rude)
	r.Ledger.markdown(w)
}
