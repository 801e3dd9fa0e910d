package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/ingest/spool"
)

// quarantineRow is a record in quarantine as the API lists it.
type quarantineRow struct {
	ID        string    `json:"id"`
	Number    int64     `json:"number"`
	Since     time.Time `json:"since"`
	Reason    string    `json:"reason"`
	Bytes     int64     `json:"bytes"`
	Readable  bool      `json:"readable"`
	StartTime time.Time `json:"start_time"`
	Project   string    `json:"project"`
	Model     string    `json:"model"`
}

func spoolQuarantineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "List the records that ClickHouse refused, with its reasons; exits with 1 when there are any",
		Long: `quarantine lists the records that ClickHouse refuses, with its reasons. It reads the spool's files in the data directory,
or asks the weir at WEIR_URL. When the cause is mended, weir spool resend gives the records back.`,
		Example: `  weir spool quarantine --data ./data
  weir spool quarantine show 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d
  weir spool quarantine drop 4711 --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, total, err := quarantineLines(cmd)
			if err != nil {
				return err
			}
			if err := newScreen(cmd).quarantine(lines, asJSON(cmd)); err != nil {
				return err
			}
			if total > 0 {
				return sayNo("%s in quarantine", noun(total, "record"))
			}
			return nil
		},
	}
	cmd.AddCommand(quarantineShowCommand(), quarantineDropCommand())
	return cmd
}

// quarantine lists records, given as JSON.
func (s *screen) quarantine(lines []json.RawMessage, raw bool) error {
	sh := sheet{columns: []column{{name: "number", right: true}, {name: "since"}, {name: "call"}, {name: "project", drop: 2}, {name: "model", drop: 1}, {name: "reason", flex: true}}}
	for _, line := range lines {
		if raw {
			if err := s.line(line); err != nil {
				return err
			}
			continue
		}
		var q quarantineRow
		if err := json.Unmarshal(line, &q); err != nil {
			return fmt.Errorf("read quarantine: %w", err)
		}
		call := q.ID
		if !q.Readable {
			call = "(not readable)"
		}
		sh.rows = append(sh.rows, []string{strconv.FormatInt(q.Number, 10), s.moment(q.Since), call, q.Project, q.Model, clean(q.Reason)})
	}
	if raw {
		return nil
	}
	return s.table(sh)
}

// byFiles says whether the quarantine is read from files: it is, unless a weir is named, or there are none.
func byFiles(cmd *cobra.Command) (dir string, err error) {
	if cmd.Flags().Changed("url") || os.Getenv("WEIR_URL") != "" && !cmd.Flags().Changed("data") {
		return "", errNoSpool
	}
	return spoolDir(cmd)
}

// quarantineLines lists what is in quarantine, as the API writes it. total counts those that are not listed too.
func quarantineLines(cmd *cobra.Command) (lines []json.RawMessage, total int, err error) {
	dir, err := byFiles(cmd)
	if err == nil {
		return linesOfFiles(dir)
	}
	if !errors.Is(err, errNoSpool) {
		return nil, 0, err
	}
	c, err := newClient(cmd)
	if err != nil {
		return nil, 0, err
	}
	lines, total, err = c.quarantine(cmd.Context())
	if errors.Is(err, errNoServer) {
		if dir, derr := spoolDir(cmd); derr == nil {
			return linesOfFiles(dir)
		}
	}
	return lines, total, err
}

func linesOfFiles(dir string) (lines []json.RawMessage, total int, err error) {
	list, err := spool.Quarantined(dir)
	for i := range list {
		q := quarantinedOf(&list[i])
		line, merr := json.Marshal(q.Line())
		if merr != nil {
			return nil, 0, fmt.Errorf("write quarantine: %w", merr)
		}
		lines = append(lines, line)
	}
	return lines, len(lines), err
}

// quarantine asks a running weir for the oldest records in quarantine.
func (c *client) quarantine(ctx context.Context) ([]json.RawMessage, int, error) {
	var out struct {
		Records []json.RawMessage `json:"records"`
		Total   int               `json:"total"`
	}
	_, err := c.get(ctx, "spool/quarantine", nil, &out)
	return out.Records, out.Total, err
}

func quarantineShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one record in quarantine: ClickHouse's reason, and the record as JSON",
		Long:  `show takes the number of a record, or the id of its call. What clients and providers said is part of it.`,
		Example: `  weir spool quarantine show 4711
  weir spool quarantine show 4711 --json | jq .call.tags`,
		Args: oneArg("the number of a record in quarantine, or the id of its call"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := quarantineDetail(cmd, args[0])
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(text)
			}
			var q struct {
				quarantineRow
				Call json.RawMessage `json:"call"`
			}
			if err := json.Unmarshal(text, &q); err != nil {
				return fmt.Errorf("read quarantine: %w", err)
			}
			s.facts("record", strconv.FormatInt(q.Number, 10), "since", s.moment(q.Since), "bytes", count(q.Bytes), "reason", q.Reason)
			if !q.Readable {
				s.note("its bytes are no record that this weir can read: keep it for a newer weir, or discard it")
				return nil
			}
			s.title("Record")
			return s.encode(q.Call)
		},
	}
}

// quarantineDetail reads one record as the API writes it.
func quarantineDetail(cmd *cobra.Command, id string) ([]byte, error) {
	fromFiles := func(dir string) ([]byte, error) {
		found, err := spool.FindQuarantined(dir, id)
		if errors.Is(err, spool.ErrNotQuarantined) {
			return nil, notQuarantined(id)
		}
		if err != nil {
			return nil, err
		}
		q := quarantinedOf(&found)
		return json.Marshal(q.Detail())
	}
	dir, err := byFiles(cmd)
	if err == nil {
		return fromFiles(dir)
	}
	if !errors.Is(err, errNoSpool) {
		return nil, err
	}
	c, err := newClient(cmd)
	if err != nil {
		return nil, err
	}
	text, err := c.get(cmd.Context(), "spool/quarantine/"+url.PathEscape(id), nil, nil)
	if errors.Is(err, errNoServer) {
		if dir, derr := spoolDir(cmd); derr == nil {
			return fromFiles(dir)
		}
	}
	return text, notFoundAs(err, id)
}

func notQuarantined(id string) error {
	return sayNo("no record in quarantine has the number or the call id %s; weir spool quarantine lists them", id)
}

// notFoundAs is an answer of no in place of the API's 404.
func notFoundAs(err error, id string) error {
	if e, ok := errors.AsType[*apiError](err); ok && e.Status == http.StatusNotFound {
		return notQuarantined(id)
	}
	return err
}

// needsWeir explains why nothing was changed when no weir answers.
func needsWeir(cmd *cobra.Command, err error) error {
	if !errors.Is(err, errNoServer) {
		return err
	}
	hint := ""
	if dir, derr := spoolDir(cmd); derr == nil {
		hint = holderOf(dir)
	}
	return fmt.Errorf("only the weir that runs on a spool can change its quarantine, so that the counts stay right: %w%s", err, hint)
}

func quarantineDropCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "drop ID…",
		Short: "Take records out of quarantine for good; they count as dropped",
		Long: `drop deletes records that ClickHouse refuses, with what was said and what they cost. The id damaged stands for all records
that were damaged on the disk. Without --yes it only says what it would do.`,
		Example: `  weir spool quarantine drop 4711 --yes
  weir spool quarantine drop damaged --yes`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if !yes {
				return fmt.Errorf("this deletes %s for good, and their cost is counted nowhere; add --yes to do it (weir spool quarantine show ID shows one)", noun(len(ids), "record"))
			}
			return eachQuarantined(cmd, ids, "discarded, and counted as dropped", func(c *client, id string) error {
				_, err := c.do(cmd.Context(), http.MethodDelete, "spool/quarantine/"+url.PathEscape(id), nil, nil, nil)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

func spoolResendCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "resend [ID…]",
		Short: "Give records in quarantine back to the spool, to be written to ClickHouse",
		Long: `resend gives records in quarantine back: the running weir asks ClickHouse whether it has the call, and sends it if not.
A record that is refused again is in quarantine again, under another number.`,
		Example: `  weir spool resend --all
  weir spool resend 4711 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d`,
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("name records by number or call id, or all of them with --all; weir spool quarantine lists them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, ids []string) error {
			send := func(c *client, id string) error {
				_, err := c.do(cmd.Context(), http.MethodPost, "spool/quarantine/"+url.PathEscape(id)+"/resend", nil, nil, nil)
				return err
			}
			if !all {
				return eachQuarantined(cmd, ids, "back in the spool", send)
			}
			return resendAll(cmd, send)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all records in quarantine that can be read")
	return cmd
}

// eachQuarantined does something with each record, and goes on when it cannot be done with one.
func eachQuarantined(cmd *cobra.Command, ids []string, what string, do func(*client, string) error) error {
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	s := newScreen(cmd)
	var errs []error
	for _, id := range ids {
		err := do(c, id)
		if errors.Is(err, errNoServer) {
			return errors.Join(append(errs, needsWeir(cmd, err))...)
		}
		if err = notFoundAs(err, id); err != nil {
			errs = append(errs, err)
			continue
		}
		s.note("%s: %s", clean(id), what)
	}
	return errors.Join(errs...)
}

// resendAll gives back as many as are in quarantine now, the oldest first: what is refused again meanwhile comes last.
func resendAll(cmd *cobra.Command, send func(*client, string) error) error {
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	tried, left, sent, unreadable := map[int64]bool{}, -1, 0, 0
	var errs []error
	for found := true; found && left != 0; {
		lines, total, err := c.quarantine(cmd.Context()) // the oldest, some at a time
		if err != nil {
			return needsWeir(cmd, err)
		}
		if left < 0 {
			left = total
		}
		found = false
		for _, line := range lines {
			var q quarantineRow
			if err := json.Unmarshal(line, &q); err != nil {
				return fmt.Errorf("read quarantine: %w", err)
			}
			if tried[q.Number] || left == 0 {
				continue
			}
			tried[q.Number], found = true, true
			left--
			if !q.Readable {
				unreadable++
				continue
			}
			err := send(c, strconv.FormatInt(q.Number, 10))
			if e, ok := errors.AsType[*apiError](err); ok && e.Status == http.StatusNotFound {
				continue // somebody else was quicker
			}
			if errors.Is(err, errNoServer) {
				return errors.Join(append(errs, needsWeir(cmd, err))...)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("record %d: %w", q.Number, err))
				continue
			}
			sent++
		}
	}
	s := newScreen(cmd)
	s.note("%s back in the spool; weir spool stats says whether ClickHouse takes them", noun(sent, "record"))
	if unreadable > 0 {
		errs = append(errs, sayNo("%s cannot be read and stay in quarantine", noun(unreadable, "record")))
	}
	return errors.Join(errs...)
}
