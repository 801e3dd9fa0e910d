package main

import (
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/trace"
)

// spoolCommand shows what waits between the calls and the store.
func spoolCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "spool",
		Short: "What waits to be written to ClickHouse",
		Example: `  weir spool stats
  weir spool ls`,
	})
	clientFlags(cmd)
	cmd.AddCommand(&cobra.Command{
		Use:   "stats",
		Short: "Count what was accepted, written, waits, was quarantined and was dropped",
		Long: `stats prints the spool's counters: accepted = written + waiting + quarantined + dropped. It exits with 1 when anything
was dropped or quarantined.`,
		Example: `  weir spool stats
  weir spool stats --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var n spoolState
			raw, err := c.get(cmd.Context(), "spool", nil, &n)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				err = s.asItCame(raw)
			} else {
				err = s.spool(n)
			}
			if err != nil {
				return err
			}
			return spoolVerdict(n)
		},
	}, spoolListCommand(), spoolCatCommand(), spoolQuarantineCommand())
	return cmd
}

// spoolState is the spool's counters, and why records do not reach ClickHouse.
type spoolState struct {
	trace.Counters
	Error string `json:"error"` // "" while they do
}

func (s *screen) spool(n spoolState) error {
	sh := sheet{columns: []column{{name: "records"}, {name: "count", right: true}}}
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"accepted", n.Accepted},
		{"written", n.Written},
		{"waiting", n.Waiting},
		{"quarantined", n.Quarantined},
		{"dropped", n.Dropped},
		{"bodies dropped", n.BodiesDropped},
	} {
		sh.rows = append(sh.rows, []string{row.name, count(row.n)})
	}
	if n.Error != "" {
		defer s.note("records do not reach ClickHouse at the moment, and wait: %s", clean(n.Error))
	}
	if n.Waiting > 0 {
		defer s.note("the oldest has waited for %.1f seconds", n.OldestWaitingSeconds)
	}
	return s.table(sh)
}

// spoolVerdict is an answer of no when something was lost.
func spoolVerdict(n spoolState) error {
	switch {
	case n.Dropped > 0:
		return sayNo("%s dropped for want of room; look at /readyz and the disk", noun(int(n.Dropped), "record"))
	case n.BodiesDropped > 0:
		return sayNo("%s lost their bodies for want of room; look at /readyz and the disk", noun(int(n.BodiesDropped), "record"))
	case n.Quarantined > 0:
		return sayNo("ClickHouse refuses %s; weir spool quarantine says why", noun(int(n.Quarantined), "record"))
	}
	return nil
}
