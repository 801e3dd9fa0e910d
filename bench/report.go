package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/weir-dev/weir/bench/procfs"
)

// report is everything a run found.
type report struct {
	Time      time.Time `json:"time"`
	Machine   string    `json:"machine"`
	Weir      string    `json:"weir"`
	Options   options   `json:"options"`
	Scenarios []*result `json:"scenarios"`
	Ledger    *ledger   `json:"ledger"`
}

// describeMachine is one line.
func describeMachine() string {
	parts := []string{fmt.Sprintf("%d CPUs", runtime.NumCPU())}
	parts = append(parts, procfs.Describe()...)
	return strings.Join(append(parts, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version()), ", ")
}

// verdict is errNo when answers were wrong or records are missing. In the search for the highest rate requests fail by
// design.
func (r *report) verdict() error {
	for _, s := range r.Scenarios {
		if s.Mode == maxRate {
			continue
		}
		for _, f := range s.Targets {
			if f.Failed > 0 {
				return fmt.Errorf("%w: %s: %d of %d requests to %s failed: %s", errNo, s.Name, f.Failed, f.Sent, f.Target, f.Why)
			}
		}
	}
	if !r.Ledger.Balanced {
		return fmt.Errorf("%w: the records do not balance: %s", errNo, r.Ledger.Why)
	}
	return nil
}

// markdown writes the tables.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s · %s · %s\n\n", r.Time.Format("2006-01-02 15:04 MST"), r.Weir, r.Machine)
	fmt.Fprintf(w, "Median over rounds of %v (first and third quartile). \"+\" is what is added to the direct way and \"×\" is beside the floor, both within the same cycle.\n", r.Options.Duration)
	if !procfs.Supported {
		fmt.Fprint(w, "CPU, memory and noise are not measured on this system: that needs Linux's accounts.\n")
	}
	for _, s := range r.Scenarios {
		fmt.Fprintf(w, "\n### %s\n\n", s.Title)
		if s.Mode == maxRate {
			s.rateTable(w, r.Options)
		} else {
			s.table(w)
		}
		if f := s.of(weirName); f != nil && f.Guards != nil && procfs.Supported {
			fmt.Fprintf(w, "\nTwo budgets, the key's limits, and the cache asked and filled add %s µs of the gateway's CPU to a request, beside weir without them in the same cycle.\n", f.Guards.format(0))
		}
		if s.Bodies > 0 {
			fmt.Fprintf(w, "\n**%d of weir's %d records in this scenario were kept without their bodies: the store did not keep up.** The figures would be worse with them.\n", s.Bodies, s.Records)
		}
		if s.Noisy {
			fmt.Fprintf(w, "\nNoisy: even in most of the quietest cycles, which are counted here, other programs took more than %.0f %% of the cores.\n", 100*r.Options.MaxForeign)
		}
	}
	r.Ledger.markdown(w)
}

// column is one of a table: what stands over it, and a target's figure in it.
type column struct {
	head string
	cell func(*figures) string
}

// columns are those that mean something in this scenario.
func (s *result) columns() []column {
	list := []column{
		{"", func(f *figures) string { return f.Target }},
		{"req/s", func(f *figures) string { return f.RPS.format(0) }},
		{"p50 ms", func(f *figures) string { return f.P50.format(2) }},
		{"p99 ms", func(f *figures) string { return f.P99.format(2) }},
		{"+p50 ms", func(f *figures) string { return f.AddedP50.format(2) }},
		{"+p99 ms", func(f *figures) string { return f.AddedP99.format(2) }},
	}
	if s.Stream {
		list = append(list, []column{
			{"+first byte p50 ms", func(f *figures) string { return f.AddedFirstP50.format(2) }},
			{"+first byte p99 ms", func(f *figures) string { return f.AddedFirstP99.format(2) }},
		}...)
	}
	list = append(list, []column{
		{"CPU µs/req", func(f *figures) string { return accounted(f.CPU, 0) }},
		{"of it engine", func(f *figures) string { return accounted(f.Engine, 0) }},
		{"with idle time", func(f *figures) string { return accounted(single(f.CPUWhole), 0) }},
		{"CPU ×", func(f *figures) string { return accounted(f.CPURatio, 2) }},
		{"CPU × without engine", func(f *figures) string { return accounted(f.GatewayRatio, 2) }},
	}...)
	if s.Mode == closedLoop && !s.Stream {
		list = append(list, column{"req/s ×", func(f *figures) string { return f.RPSRatio.format(2) }})
	}
	if !s.Stream {
		list = append(list, []column{
			{"+p50 ×", func(f *figures) string { return f.AddedP50Ratio.format(2) }},
			{"+p99 ×", func(f *figures) string { return f.AddedP99Ratio.format(2) }},
		}...)
	}
	return append(list, []column{
		{"peak MiB", func(f *figures) string { return mebibytes(f.Peak) }},
		{"engine MiB", func(f *figures) string { return mebibytes(f.EnginePeak) }},
		{"failed/sent", func(f *figures) string { return fmt.Sprintf("%d/%d", f.Failed, f.Sent) }},
		{"others' CPU", func(f *figures) string { return f.Foreign.percent() }},
	}...)
}

func (s *result) table(w io.Writer) {
	columns := s.columns()
	cells := make([]string, len(columns))
	line := func(cell func(column) string) {
		for i, c := range columns {
			cells[i] = cell(c)
		}
		row(w, cells...)
	}
	line(func(c column) string { return c.head })
	line(func(column) string { return "---" })
	for _, f := range s.Targets {
		line(func(c column) string { return c.cell(f) })
	}
}

func (s *result) rateTable(w io.Writer, o options) {
	fmt.Fprintf(w, "p99 ≤ %v, at most 1 in %d failed, at least %.0f %% of the rate done; %d searches, of direct one: it is the load generator's own limit. Disturbance only lowers a rate, so look at the best.\n\n", o.SLO, fewFailed, 100*kept, o.Searches)
	row(w, "", "best req/s", "median req/s", "best × floor", "peak MiB", "engine MiB")
	row(w, "---", "---", "---", "---", "---", "---")
	for _, f := range s.Targets {
		row(w, f.Target, single(f.Best).format(0), f.MaxRate.format(0), single(f.BestRatio).format(2), mebibytes(f.Peak), mebibytes(f.EnginePeak))
	}
}

func (l *ledger) markdown(w io.Writer) {
	fmt.Fprintf(w, "\n### Records\n\n%d validated answers through weir, %d requests without one; %d rows in ClickHouse, %d of them ok; spool: %d accepted, %d written, %d waiting, %d quarantined, %d dropped, %d bodies dropped. ",
		l.Good, l.Bad, l.Rows, l.ByStatus["ok"], l.Spool.Accepted, l.Spool.Written, l.Spool.Waiting, l.Spool.Quarantined, l.Spool.Dropped, l.Spool.BodiesDropped)
	fmt.Fprintf(w, "Tokens answered %d in, %d out; recorded %d in, %d out; cost %s USD. ", l.Input[0], l.Output[0], l.Input[1], l.Output[1], l.Cost)
	if l.Balanced {
		fmt.Fprintln(w, "Balanced.")
	} else {
		fmt.Fprintf(w, "**Not balanced**: %s.\n", l.Why)
	}
}

func row(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

// format is the median and, of several, the quartiles.
func (s *spread) format(digits int) string {
	switch {
	case s == nil:
		return "–"
	case s.N == 1:
		return fmt.Sprintf("%.*f", digits, s.Median)
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", digits, s.Median, digits, s.Q1, digits, s.Q3)
}

func (s *spread) percent() string {
	if s == nil || !procfs.Supported {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*s.Median)
}

// single is one figure as a spread; nil for none.
func single(v float64) *spread {
	if v == 0 {
		return nil
	}
	return &spread{v, v, v, 1}
}

// accounted is for figures that only Linux's accounts give.
func accounted(s *spread, digits int) string {
	if !procfs.Supported {
		return "–"
	}
	return s.format(digits)
}

func mebibytes(n int64) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", float64(n)/(1<<20))
}
