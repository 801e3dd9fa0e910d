package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/api"
)

// cacheCommand shows and empties the response cache.
func cacheCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "cache",
		Short: "The response cache",
		Example: `  weir cache stats
  weir cache purge --project support --model gpt-4o-mini
  weir cache calibrate --project support --dry-run`,
	})
	clientFlags(cmd)
	cmd.AddCommand(cacheStatsCommand(), cachePurgeCommand(), cacheCalibrateCommand())
	return cmd
}

func cacheStatsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "What the response cache holds, and what it did since this weir was started",
		Example: `  weir cache stats
  weir cache stats --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			var n api.CacheStats
			raw, err := c.get(cmd.Context(), "cache", nil, &n)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.cache(&n)
		},
	}
}

func (s *screen) cache(n *api.CacheStats) error {
	sh := sheet{columns: []column{{name: "calls"}, {name: "count", right: true}}}
	for _, row := range []struct {
		name string
		n    int64
	}{
		{"hits", n.Hits},
		{"of these, like questions", n.Semantic.Hits},
		{"misses", n.Misses},
		{"answers put in", n.Fills},
		{"answers there", n.Entries},
		{"made room for others", n.Evictions},
		{"expired", n.Expired},
	} {
		sh.rows = append(sh.rows, []string{row.name, count(row.n)})
	}
	if err := s.table(sh); err != nil {
		return err
	}
	if asked := n.Hits + n.Misses; asked > 0 {
		s.note("%.1f %% of the calls that asked were answered from the cache, which saved %s USD", 100*float64(n.Hits)/float64(asked), n.SavedUSD)
	}
	s.note("%s bytes of at most %s", count(n.Bytes), count(n.MaxBytes))
	if m := n.Semantic; m.Kept+m.Lost+m.Failures+m.Refused+m.Hits > 0 {
		s.note("like questions: %s kept, %s lost; %s went on without a vector, %s for want of room in a limit or budget", count(m.Kept), count(m.Lost), count(m.Failures), count(m.Refused))
	}
	if m := n.Semantic; m.Agreed+m.Disagreed+m.Unsure+m.Skipped > 0 {
		s.note("audits: %s agreed, %s disagreed, %s said neither, %s left out", count(m.Agreed), count(m.Disagreed), count(m.Unsure), count(m.Skipped))
	}
	return nil
}

func cachePurgeCommand() *cobra.Command {
	var project, model, olderThan string
	var tags []string
	var all bool
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Remove answers from the response cache",
		Long: `purge removes the answers that every flag picks; answers that are under way at that moment are not kept either. Which calls
were answered from the cache, and by whom, is in their records: weir calls --json, or the API with cache=hit.`,
		Example: `  weir cache purge --project support --model gpt-4o-mini
  weir cache purge --tag team=care --older-than 1h
  weir cache purge --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := purgeQuery(cmd, project, model, olderThan, tags)
			switch {
			case err != nil:
				return err
			case len(q) == 0 && !all:
				return errors.New("say which answers to remove with --project, --model, --tag or --older-than, or --all for all of them")
			case len(q) > 0 && all:
				return errors.New("--all removes all answers; leave it out beside the other flags")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var gone struct {
				Purged int `json:"purged"`
			}
			raw, err := c.do(cmd.Context(), http.MethodDelete, "cache", q, nil, &gone)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.note("%s removed", noun(gone.Purged, "answer"))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&project, "project", "", "only answers to this project's calls")
	f.StringVar(&model, "model", "", "only answers of this model, as asked for or as answered")
	f.StringArrayVar(&tags, "tag", nil, "only answers to calls with this tag, as team=care; may be repeated")
	f.StringVar(&olderThan, "older-than", "", "only answers kept for longer than this: 15m, 24h, 30d, or since before a day or a time")
	f.BoolVar(&all, "all", false, "all answers")
	return cmd
}

// purgeQuery is the flags as the API's parameters. A flag that is given and empty, as by a variable that is not set, must not
// mean everything.
func purgeQuery(cmd *cobra.Command, project, model, olderThan string, tags []string) (url.Values, error) {
	q := url.Values{}
	for _, flag := range []struct{ name, value, param string }{{"project", project, "project"}, {"model", model, "model"}, {"older-than", olderThan, "older_than"}} {
		if !cmd.Flags().Changed(flag.name) {
			continue
		}
		if strings.TrimSpace(flag.value) == "" {
			return nil, fmt.Errorf("--%s is empty; leave it out to mean every one", flag.name)
		}
		q.Set(flag.param, flag.value)
	}
	if olderThan != "" {
		t, err := parsePast("older-than", olderThan, newScreen(cmd).now)
		if err != nil {
			return nil, err
		}
		q.Set("older_than", stamp(t))
	}
	for _, tag := range tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" || v == "" {
			return nil, fmt.Errorf("--tag %q is no tag: write it as team=care", tag)
		}
		q.Set("tag."+k, v)
	}
	return q, nil
}
