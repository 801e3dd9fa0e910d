package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/ingest/spool"
)

// spoolCommand shows what waits between the calls and the store.
func spoolCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "spool",
		Short: "What waits to be written to ClickHouse",
		Example: `  weir spool stats
  weir spool quarantine
  weir spool resend --all`,
	})
	clientFlags(cmd)
	cmd.AddCommand(spoolStatsCommand(), spoolListCommand(), spoolCatCommand(), spoolQuarantineCommand(), spoolResendCommand())
	return cmd
}

func spoolStatsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Count what was accepted, written, waits, was quarantined and was dropped",
		Long: `stats prints the spool's counters: accepted = written + waiting + quarantined + dropped, and says what is wrong and what
to do. When no weir runs, it reads them from the spool's files. It exits with 1 when anything was dropped or is in
quarantine.`,
		Example: `  weir spool stats
  weir spool stats --json
  weir spool stats --data ./data`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			var n api.SpoolStats
			raw, err := c.get(cmd.Context(), "spool", nil, &n)
			fromFiles := errors.Is(err, errNoServer)
			if fromFiles {
				n, err = statsOfFiles(cmd, c, err)
			}
			switch {
			case err != nil:
				return err
			case !asJSON(cmd):
				err = s.spool(&n)
			case fromFiles:
				err = s.encode(n)
			default:
				err = s.asItCame(raw)
			}
			if err != nil {
				return err
			}
			return spoolVerdict(&n)
		},
	}
}

// statsOfFiles reads the counters from the spool on this machine, as no weir answers.
func statsOfFiles(cmd *cobra.Command, c *client, away error) (api.SpoolStats, error) {
	if !loopback(c.base.Hostname()) {
		return api.SpoolStats{}, away
	}
	dir, err := spoolDir(cmd)
	if err != nil {
		return api.SpoolStats{}, away
	}
	st, err := spool.Look(dir)
	if err != nil {
		return api.SpoolStats{}, fmt.Errorf("%w; and its files cannot tell: %w", away, err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "no weir answers at %s: this is what the files in %s say%s\n", c.base.Redacted(), dir, holderOf(dir))
	return spoolStats(st), nil
}

// holderOf says which process has a spool open, for the end of a sentence.
func holderOf(dir string) string {
	if pid := spool.Holder(dir); pid != "" {
		return fmt.Sprintf(" (process %s has it open: is WEIR_URL its address?)", pid)
	}
	return ""
}

func (s *screen) spool(n *api.SpoolStats) error {
	sh := sheet{columns: []column{{name: "records"}, {name: "count", right: true}}}
	for _, row := range []struct {
		name   string
		n      int64
		always bool
	}{
		{"accepted", n.Accepted, true},
		{"written", n.Written, true},
		{"waiting", n.Waiting, true},
		{"quarantined", n.Quarantined, true},
		{"dropped", n.Dropped, true},
		{"bodies dropped", n.BodiesDropped, true},
		{"at risk", n.AtRisk, true},
		{"damaged, of the quarantined", n.Damaged, false},
		{"discarded by hand, of the dropped", n.Discarded, false},
		{"calls lost at this start", n.Lost, false},
		{"calls under way", n.UnderWay, false},
	} {
		if row.always || row.n > 0 {
			sh.rows = append(sh.rows, []string{row.name, count(row.n)})
		}
	}
	if err := s.table(sh); err != nil {
		return err
	}
	room := ""
	if n.MaxBytes > 0 {
		room = fmt.Sprintf(" of at most %s", count(n.MaxBytes))
	}
	s.note("%s on the disk in %s%s", noun(int(n.Bytes), "byte"), noun(int(n.Segments), "file"), room)
	if n.Waiting > 0 {
		s.note("the oldest has waited for %.1f seconds", n.OldestWaitingSeconds)
	}
	for _, p := range n.Problems {
		when := ""
		if p.Past {
			when = " (before this start)"
		}
		s.note("! %s%s\n  %s", clean(p.Message), when, clean(p.Action))
	}
	return nil
}

// spoolVerdict is an answer of no when something was lost, or may be.
func spoolVerdict(n *api.SpoolStats) error {
	switch lost := n.Dropped - n.Discarded; {
	case lost > 0:
		return sayNo("%s dropped for want of room; look at /readyz and the disk", noun(int(lost), "record"))
	case n.BodiesDropped > 0:
		return sayNo("%s lost their bodies for want of room; look at /readyz and the disk", noun(int(n.BodiesDropped), "record"))
	case n.Quarantined > n.Damaged:
		return sayNo("ClickHouse refuses %s; weir spool quarantine says why", noun(int(n.Quarantined-n.Damaged), "record"))
	case n.Damaged > 0:
		return sayNo("%s damaged on the disk; weir spool quarantine drop damaged gives them up", noun(int(n.Damaged), "record"))
	}
	return nil
}

// errNoSpool says that there is no spool where one is looked for.
var errNoSpool = errors.New("there is no spool")

// spoolDir is where the files of the spool are. Verbs that read files work beside a running weir, and without one.
func spoolDir(cmd *cobra.Command) (string, error) {
	cfg, err := configOf(cmd)
	if err != nil {
		return "", err
	}
	dir := spoolIn(cfg)
	if _, err := os.Stat(dir); err != nil {
		return "", sayNo("%w in %s; name weir's data directory with --data or WEIR_DATA", errNoSpool, strings.TrimSuffix(cfg.Data, "/"))
	}
	return dir, nil
}
