package main

import (
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// spoolIn is where the files of the spool are.
func spoolIn(cfg Config) string { return filepath.Join(cfg.Data, "spool") }

func spoolListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the spool's files on this machine",
		Example: `  weir spool ls --data ./data`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := spoolDir(cmd)
			if err != nil {
				return err
			}
			segments, err := spool.List(dir)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.encode(segments)
			}
			sh := sheet{columns: []column{{name: "file", flex: true}, {name: "made"}, {name: "records", right: true}, {name: "first", right: true}, {name: "last", right: true}, {name: "waiting", right: true}, {name: "bytes", right: true}, {name: "damaged", right: true}}}
			for _, g := range segments {
				sh.rows = append(sh.rows, []string{
					filepath.Base(g.Path), s.moment(g.Created), count(g.Records), strconv.FormatInt(g.First, 10), strconv.FormatInt(g.Last, 10),
					count(g.Waiting), count(g.Bytes), count(g.Damaged),
				})
			}
			return s.table(sh)
		},
	}
}

// spooled is a record of the spool as cat prints it.
type spooled struct {
	ID        string       `json:"id"`
	TraceID   string       `json:"trace_id"`
	StartTime time.Time    `json:"start_time"`
	Project   string       `json:"project"`
	Key       string       `json:"key"`
	Endpoint  string       `json:"endpoint"`
	Provider  string       `json:"provider"`
	Model     string       `json:"model"`
	Status    trace.Status `json:"status"`
	ErrorCode string       `json:"error_code"`
	CostUSD   *price.USD   `json:"cost_usd"`
	Attempts  int          `json:"attempts"`
	Request   string       `json:"request,omitempty"`
	Response  string       `json:"response,omitempty"`
}

func newSpooled(r *trace.Record, bodies bool) spooled {
	c := &r.Call
	out := spooled{
		ID: c.ID, TraceID: c.TraceID, StartTime: c.Start.UTC(), Project: c.Project, Key: c.Key, Endpoint: string(c.Endpoint), Provider: c.Provider,
		Model: c.Model, Status: c.Status, ErrorCode: c.ErrorCode, Attempts: c.Attempts,
	}
	if usd, ok := c.KnownCost(); ok {
		out.CostUSD = &usd
	}
	if bodies {
		out.Request, out.Response = string(r.Body.Request), string(r.Body.Response)
	}
	return out
}

func spoolCatCommand() *cobra.Command {
	var bodies bool
	cmd := &cobra.Command{
		Use:     "cat",
		Short:   "Print the records that wait, one JSON object a line",
		Example: `  weir spool cat --bodies --data ./data`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := spoolDir(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			for r, err := range spool.Read(dir) {
				if err != nil {
					return err
				}
				if err := s.line(newSpooled(&r, bodies)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&bodies, "bodies", false, "print what was said too")
	return cmd
}
