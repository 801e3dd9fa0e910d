package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// scoresCommand says and shows what is thought of calls.
func scoresCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "scores",
		Short: "What people, judges and metrics think of recorded calls",
		Example: `  weir scores add CALL helpful 0.8
  weir scores add CALL thumbs true --comment 'solved it'
  weir scores summary --by prompt --since 7d`,
	})
	clientFlags(cmd)
	cmd.AddCommand(scoresAddCommand(), scoresListCommand(), scoresSummaryCommand(), scoresAgreementCommand(), scoresDeleteCommand())
	return cmd
}

func scoresAddCommand() *cobra.Command {
	var comment, source, version string
	var whole bool
	cmd := &cobra.Command{
		Use:   "add CALL NAME VALUE",
		Short: "Score a call: a number, true or false, or a word",
		Example: `  weir scores add 01kb3g... helpful 0.8
  weir scores add 01kb3g... tone rude --source human
  weir scores add --trace 0af7651916cd43dd8448eb211c80319c resolved true`,
		Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			in := map[string]any{"call_id": args[0], "name": args[1], "value": scoreValue(args[2])}
			if whole {
				in["trace_id"] = args[0]
				delete(in, "call_id")
			}
			for name, text := range map[string]string{"comment": comment, "source": source, "config_version": version} {
				if text != "" {
					in[name] = text
				}
			}
			var made struct{ ID string }
			raw, err := c.do(cmd.Context(), http.MethodPost, "scores", nil, in, &made)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.note("scored; take it back with: weir scores delete %s", clean(made.ID))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&comment, "comment", "", "why")
	f.StringVar(&source, "source", "", "api, human, judge or metric (default api)")
	f.StringVar(&version, "config-version", "", "version of what made the score")
	f.BoolVar(&whole, "trace", false, "the first argument is a trace's id: score it as a whole")
	return cmd
}

// scoreValue reads a number and a truth as such; any other word is a category.
func scoreValue(text string) any {
	if text == "true" || text == "false" {
		return text == "true"
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
		return json.Number(text)
	}
	return text
}

// scorePicks are the flags that pick scores, by the API's parameter.
var scorePicks = []struct{ flag, param, about string }{
	{"since", "since", "of calls from this start time on (7d, 2026-11-01)"},
	{"until", "until", "of calls before this start time"},
	{"call", "call", "of this call"},
	{"name", "name", "of this name"},
	{"source", "source", "api, human, judge or metric"},
	{"project", "project", "of this project's calls"},
	{"model", "model", "of this model's answers"},
	{"prompt", "prompt", "of this prompt: name or name@version"},
	{"experiment", "experiment", "of calls in this experiment"},
	{"arm", "arm", "of calls of this arm"},
}

func scoreFlags(cmd *cobra.Command) {
	for _, p := range scorePicks {
		cmd.Flags().String(p.flag, "", p.about)
	}
}

func scoreQuery(cmd *cobra.Command) url.Values {
	q := url.Values{}
	for _, p := range scorePicks {
		if v, _ := cmd.Flags().GetString(p.flag); v != "" {
			q.Set(p.param, v)
		}
	}
	return q
}

// apiScore is a score as the API lists it.
type apiScore struct {
	ID        string    `json:"id"`
	CallID    string    `json:"call_id"`
	TraceID   string    `json:"trace_id"`
	StartTime time.Time `json:"start_time"`
	Name      string    `json:"name"`
	Value     any       `json:"value"`
	Source    string    `json:"source"`
	Author    string    `json:"author"`
	Prompt    string    `json:"prompt"`
	Arm       string    `json:"arm"`
	Comment   string    `json:"comment"`
}

func scoresListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List scores, newest call first",
		Example: `  weir scores list --name helpful --since 24h`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			q := scoreQuery(cmd)
			q.Set("limit", strconv.Itoa(limit))
			var list struct {
				Scores []apiScore `json:"scores"`
				Next   string     `json:"next"`
			}
			raw, err := c.get(cmd.Context(), "scores", q, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			sh := sheet{columns: []column{
				{name: "call"},
				{name: "started", drop: 3},
				{name: "name", flex: true},
				{name: "value", flex: true, right: true},
				{name: "source", drop: 2},
				{name: "author", flex: true, drop: 2},
				{name: "prompt", flex: true, drop: 4},
				{name: "comment", flex: true, drop: 1},
				{name: "id", drop: 5},
			}}
			for _, x := range list.Scores {
				of := x.CallID
				if of == "" {
					of = "trace " + x.TraceID
				}
				sh.rows = append(sh.rows, []string{of, s.moment(x.StartTime), x.Name, fmt.Sprint(x.Value), x.Source, x.Author, x.Prompt, x.Comment, x.ID})
			}
			if len(sh.rows) == 0 {
				s.note("no scores; give one with: weir scores add CALL NAME VALUE")
				return nil
			}
			if list.Next != "" {
				defer s.note("there are more: raise --limit, or narrow it down")
			}
			return s.table(sh)
		},
	}
	scoreFlags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, 1 to 1000")
	return cmd
}

func scoresSummaryCommand() *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:   "summary",
		Short: "Figures of scores, by name and what is asked",
		Example: `  weir scores summary --by prompt --since 7d
  weir scores summary --name helpful --by model,day`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			q := scoreQuery(cmd)
			if by != "" {
				q.Set("by", by)
			}
			var sums struct {
				Rows []struct {
					Name, Type         string
					Group              map[string]string
					N                  int64
					Mean, SD, Min, Max float64
					P50                float64
					Categories         map[string]int64
				}
			}
			raw, err := c.get(cmd.Context(), "scores/summary", q, &sums)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			groups := slices.DeleteFunc(strings.Split(by, ","), func(g string) bool { return g == "" })
			sh := sheet{columns: []column{{name: "name", flex: true}}}
			for _, g := range groups {
				sh.columns = append(sh.columns, column{name: g, flex: true})
			}
			for _, name := range []string{"n", "mean", "sd", "min", "median", "max"} {
				sh.columns = append(sh.columns, column{name: name, right: true})
			}
			for _, r := range sums.Rows {
				row := []string{r.Name}
				for _, g := range groups {
					row = append(row, r.Group[strings.TrimSpace(g)])
				}
				row = append(row, count(r.N))
				if r.Type == "category" {
					row = append(row, words(r.Categories), "", "", "", "")
				} else {
					for _, v := range []float64{r.Mean, r.SD, r.Min, r.P50, r.Max} {
						row = append(row, strconv.FormatFloat(v, 'f', 3, 64))
					}
				}
				sh.rows = append(sh.rows, row)
			}
			if len(sh.rows) == 0 {
				s.note("no scores; give one with: weir scores add CALL NAME VALUE")
				return nil
			}
			return s.table(sh)
		},
	}
	scoreFlags(cmd)
	cmd.Flags().StringVar(&by, "by", "", "group by source, config, project, model, prompt, experiment, arm or day, with commas")
	return cmd
}

// words are categories with how many there are of each, the most frequent first.
func words(categories map[string]int64) string {
	var names []string
	for name := range categories {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if categories[a] != categories[b] {
			return int(categories[b] - categories[a])
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, categories[name])
	}
	return strings.Join(names, ", ")
}

func scoresDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete ID",
		Short:   "Take a score back",
		Example: `  weir scores delete 01kb3g...`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			if _, err := c.do(cmd.Context(), http.MethodDelete, "scores/"+url.PathEscape(args[0]), nil, nil, nil); err != nil {
				return err
			}
			newScreen(cmd).note("taken back")
			return nil
		},
	}
}
