package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/trace"
)

// queueInfo is a queue as the API tells it.
type queueInfo struct {
	Name, Project, Instructions, Author string
	Questions                           []eval.Question
	Reviewers                           int
	CreatedAt                           time.Time `json:"created_at"`
	Progress                            struct {
		Items, Waiting, Taken, Done, Skipped int
		People                               []struct {
			Name          string
			Done, Skipped int
			LastAt        time.Time `json:"last_at"`
		}
	}
}

// annotationsCommand keeps queues of calls that people score.
func annotationsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "annotations",
		Short: "Queues of recorded calls that people score in the console",
		Example: `  weir annotations create tone --ask 'kind:number:1..5' --ask 'style:category:warm|cold' --ask safe:boolean
  weir annotations add tone --since 7d --model gpt-4o-mini --limit 50
  weir annotations show tone`,
	})
	clientFlags(cmd)
	cmd.AddCommand(annotationsCreateCommand(), annotationsListCommand(), annotationsAddCommand(), annotationsShowCommand(), annotationsDeleteCommand())
	return cmd
}

// readQuestion reads name:number:1..5, name:category:a|b|c or name:boolean, with a ? behind the name of one that may be left out.
func readQuestion(text string) (eval.Question, error) {
	const want = "want name:number:1..5, name:category:good|bad or name:boolean"
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 2 {
		return eval.Question{}, fmt.Errorf("--ask %q: %s", text, want)
	}
	q := eval.Question{Name: strings.TrimSuffix(parts[0], "?"), Kind: trace.ScoreKind(parts[1]), Optional: strings.HasSuffix(parts[0], "?")}
	if len(parts) == 2 {
		return q, nil
	}
	switch q.Kind {
	case trace.CategoryScore:
		q.Categories = strings.Split(parts[2], "|")
		return q, nil
	case trace.NumberScore:
		low, high, ok := strings.Cut(parts[2], "..")
		for _, end := range []struct {
			text string
			to   **float64
		}{{low, &q.Min}, {high, &q.Max}} {
			if end.text == "" {
				continue
			}
			v, err := strconv.ParseFloat(end.text, 64)
			if err != nil || !ok {
				return q, fmt.Errorf("--ask %q: %s", text, want)
			}
			*end.to = &v
		}
		return q, nil
	}
	return q, fmt.Errorf("--ask %q: %s", text, want)
}

func annotationsCreateCommand() *cobra.Command {
	var asks []string
	var project, instructions string
	var reviewers int
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a queue: what people are asked about each answer becomes scores",
		Example: `  weir annotations create tone --ask 'kind:number:1..5' --ask 'style:category:warm|cold'
  weir annotations create facts --ask correct:boolean --ask 'note?:category:none|minor|major' --reviewers 2 --instructions 'Check every number.'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			questions := make([]eval.Question, len(asks))
			for i, text := range asks {
				var err error
				if questions[i], err = readQuestion(text); err != nil {
					return err
				}
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			in := map[string]any{"name": args[0], "project": project, "instructions": instructions, "reviewers": reviewers, "questions": questions}
			raw, err := c.do(cmd.Context(), http.MethodPost, "annotations", nil, in, nil)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.note("made; add calls with: weir annotations add %s --since 7d", clean(args[0]))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&asks, "ask", nil, "what to score: name:number:1..5, name:category:good|bad or name:boolean; a ? behind the name lets people leave it out")
	f.StringVar(&project, "project", "", "only calls of this project")
	f.StringVar(&instructions, "instructions", "", "what people should know")
	f.IntVar(&reviewers, "reviewers", 1, "how many people score each item")
	return cmd
}

func annotationsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the queues, with how far they are",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct{ Queues []queueInfo }
			raw, err := c.get(cmd.Context(), "annotations", nil, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			sh := sheet{columns: []column{
				{name: "name", flex: true},
				{name: "items", right: true},
				{name: "done", right: true},
				{name: "skipped", right: true, drop: 2},
				{name: "waiting", right: true},
				{name: "people", right: true, drop: 3},
				{name: "asks", flex: true, drop: 1},
			}}
			for _, q := range list.Queues {
				names := make([]string, len(q.Questions))
				for i := range q.Questions {
					names[i] = q.Questions[i].Name
				}
				p := q.Progress
				sh.rows = append(sh.rows, []string{q.Name, strconv.Itoa(p.Items), strconv.Itoa(p.Done), strconv.Itoa(p.Skipped), strconv.Itoa(p.Waiting), strconv.Itoa(len(p.People)), strings.Join(names, ", ")})
			}
			if len(sh.rows) == 0 {
				s.note("no queues; make one with: weir annotations create NAME --ask helpful:number:1..5")
				return nil
			}
			return s.table(sh)
		},
	}
}

func annotationsAddCommand() *cobra.Command {
	var calls []string
	var run, target, scorer, prompt string
	var below float64
	var failed bool
	var limit int
	cmd := &cobra.Command{
		Use:   "add QUEUE",
		Short: "Add calls to a queue: by id, by filter, or results of a run",
		Long: `add puts calls behind those that are in the queue; one that is there already is passed over. --call names calls; --run takes the answers of an
evaluation, those that --failed or are --below a --scorer's score; without either the newest answered calls are taken that the filters of weir calls pick.`,
		Example: `  weir annotations add tone --call 01kb3g... --call 01kb3h...
  weir annotations add tone --since 24h --user u1 --limit 20
  weir annotations add tone --run RUN --scorer judge --below 0.5`,
		Args: cobra.ExactArgs(1),
	}
	var filter filterFlags
	filter.register(cmd, "7d")
	filter.registerText(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var q url.Values
		in := map[string]any{}
		switch {
		case len(calls) > 0 && run != "":
			return errors.New("--call and --run exclude each other")
		case len(calls) > 0:
			in["call_ids"] = calls
		case run != "":
			of := map[string]any{"id": run, "target": target, "scorer": scorer, "failed": failed, "limit": limit}
			if cmd.Flags().Changed("below") {
				of["below"] = below
			}
			in["run"] = of
		default:
			var err error
			if q, err = filter.query(time.Now()); err != nil {
				return err
			}
			if prompt != "" {
				q.Set("prompt", prompt)
			}
			in["calls"] = map[string]any{"limit": limit}
		}
		c, err := newClient(cmd)
		if err != nil {
			return err
		}
		var out struct {
			Added, There int
			Skipped      map[string]int
		}
		raw, err := c.do(cmd.Context(), http.MethodPost, "annotations/"+url.PathEscape(args[0])+"/items", q, in, &out)
		if err != nil {
			return err
		}
		s := newScreen(cmd)
		if asJSON(cmd) {
			return s.asItCame(raw)
		}
		fmt.Fprintf(s.out, "%s added, %d there already\n", noun(out.Added, "call"), out.There)
		for reason, n := range out.Skipped {
			s.note("%s passed over: %s", noun(n, "call"), clean(reason))
		}
		return nil
	}
	f := cmd.Flags()
	f.StringSliceVar(&calls, "call", nil, "these calls, by id")
	f.StringVar(&run, "run", "", "answers of this run of an evaluation")
	f.StringVar(&target, "target", "", "only of this target of the run")
	f.StringVar(&scorer, "scorer", "", "whose scores of the run are looked at")
	f.Float64Var(&below, "below", 0, "only answers that the scorer scored below this")
	f.BoolVar(&failed, "failed", false, "only answers that did not pass or could not be scored")
	f.StringVar(&prompt, "prompt", "", "only this prompt's, as name or name@version")
	f.IntVar(&limit, "limit", 100, "calls at most")
	return cmd
}

func annotationsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show QUEUE",
		Short: "Show a queue: what it asks, how far it is, and who did what",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var q queueInfo
			raw, err := c.get(cmd.Context(), "annotations/"+url.PathEscape(args[0]), nil, &q)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			p := q.Progress
			s.facts("queue", q.Name, "items", strconv.Itoa(p.Items), "done", strconv.Itoa(p.Done), "skipped", strconv.Itoa(p.Skipped),
				"waiting", fmt.Sprintf("%d, %d of them taken", p.Waiting, p.Taken), "people for each", strconv.Itoa(q.Reviewers))
			for i := range q.Questions {
				s.facts("asks", questionText(&q.Questions[i]))
			}
			for _, one := range p.People {
				s.facts(one.Name, fmt.Sprintf("%d done, %d skipped", one.Done, one.Skipped))
			}
			return nil
		},
	}
}

// questionText writes a question as --ask takes it.
func questionText(q *eval.Question) string {
	parts := []string{q.Name, string(q.Kind)}
	if q.Optional {
		parts[0] += "?"
	}
	switch {
	case q.Categories != nil:
		parts = append(parts, strings.Join(q.Categories, "|"))
	case q.Min != nil || q.Max != nil:
		ends := []string{"", ""}
		for i, end := range []*float64{q.Min, q.Max} {
			if end != nil {
				ends[i] = strconv.FormatFloat(*end, 'f', -1, 64)
			}
		}
		parts = append(parts, strings.Join(ends, ".."))
	}
	return strings.Join(slices.Clip(parts), ":")
}

func annotationsDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete QUEUE",
		Short: "Remove a queue with its items; scores that were given stay",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return errors.New("say which queue")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			_, err = c.do(cmd.Context(), http.MethodDelete, "annotations/"+url.PathEscape(args[0]), nil, nil, nil)
			return err
		},
	}
}
