package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/prompts/experiment"
)

// watchEvery is how often status --watch looks.
const watchEvery = 5 * time.Second

// experimentState is an experiment whole, as the API tells it.
type experimentState struct {
	Experiment apiExperiment       `json:"experiment"`
	Analysis   experiment.Analysis `json:"analysis"`
	Verdict    experiment.Verdict  `json:"verdict"`
	Next       *struct {
		Do     experiment.Do `json:"do"`
		Reason string        `json:"reason"`
	} `json:"next"`
	History []struct {
		At     time.Time `json:"at"`
		Author string    `json:"author"`
		Did    string    `json:"did"`
		Detail string    `json:"detail"`
		Reason string    `json:"reason"`
	} `json:"history"`
}

func experimentsStatusCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show what is known of an experiment, or of all that run; exits with 1 when one does harm or is frozen",
		Long: `status shows the verdict in plain words, the units of each arm, and what each challenger does to each metric, with the interval that
holds however often one looks. A bar has the control at │, the challenger at ● and its interval between ├ and ┤.`,
		Example: `  weir experiments status
  weir experiments status tone --watch
  weir experiments status tone --json | jq .verdict.state`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			look := func() error { return c.showStatus(cmd, s, args) }
			if !watch {
				return look()
			}
			return watchStatus(cmd.Context(), s, look)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "look again every five seconds, until ctrl-C")
	return cmd
}

// watchStatus looks again and again until ctx ends.
func watchStatus(ctx context.Context, s *screen, look func() error) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if s.width > 0 {
			fmt.Fprint(s.out, "\x1b[H\x1b[2J") // home, and an empty screen
		}
		err := look()
		if _, no := err.(noError); err != nil && !no { //nolint:errorlint // it is made by look itself
			return unlessDone(ctx, err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
			s.now = time.Now()
		}
	}
}

// showStatus shows one experiment, or all that run.
func (c *client) showStatus(cmd *cobra.Command, s *screen, args []string) error {
	names := args
	if len(names) == 0 {
		_, list, err := c.experiments(cmd.Context(), url.Values{"status": {string(experiment.Running)}})
		if err != nil {
			return err
		}
		for i := range list {
			names = append(names, list[i].Name)
		}
		if len(names) == 0 {
			s.note("no experiment runs; weir experiments list shows all")
			return nil
		}
	}
	var bad []string
	for _, name := range names {
		var state experimentState
		query := url.Values{"points": {"0"}}
		if asJSON(cmd) {
			query = nil
		}
		raw, err := c.get(cmd.Context(), ofExperiment(name), query, &state)
		if err != nil {
			return noExperiment(err)
		}
		if asJSON(cmd) {
			err = s.asItCame(raw)
		} else {
			err = s.experiment(&state)
		}
		if err != nil {
			return err
		}
		if v := state.Verdict.State; v == experiment.Frozen || v == experiment.StopForHarm {
			bad = append(bad, clean(name)+": "+string(v))
		}
	}
	if len(bad) > 0 {
		return sayNo("%s", strings.Join(bad, ", "))
	}
	return nil
}

// experiment shows one experiment.
func (s *screen) experiment(state *experimentState) error {
	e, a, v := &state.Experiment.Experiment, &state.Analysis, &state.Verdict
	s.title(fmt.Sprintf("%s  %s", clean(e.Name), s.paint(string(e.Status), experimentColour(string(e.Status))...)))
	facts := []string{"verdict", v.Text, "", v.Meaning, "unit", string(e.Unit), "prompt", e.Prompt, "target", e.Target}
	if !e.Started.IsZero() {
		facts = append(facts, "started", s.moment(e.Started), "pace", fmt.Sprintf("%s units and %s calls a day", count(int64(a.UnitsPerDay)), count(int64(a.CallsPerDay))), "split", splitText(a))
	}
	if state.Next != nil {
		facts = append(facts, "next", string(state.Next.Do)+", by itself: "+state.Next.Reason)
	}
	s.facts(facts...)
	arms := sheet{columns: []column{{name: "arm", flex: true}, {name: "serves", flex: true, drop: 1}, {name: "share", right: true}, {name: "units", right: true}, {name: "calls", right: true}}}
	for i := range e.Arms {
		share := "-"
		if epoch := e.Epoch(); epoch != nil && i < len(epoch.Weights) {
			share = fmt.Sprintf("%.3g%%", epoch.Weights[i]*epoch.Traffic*100)
		}
		var n experiment.ArmCount
		if i < len(a.Arms) {
			n = a.Arms[i]
		}
		arms.rows = append(arms.rows, []string{e.Arms[i].Name, serves(&e.Arms[i]), share, count(n.Units), count(n.Calls)})
	}
	fmt.Fprintln(s.out)
	if err := s.table(arms); err != nil {
		return err
	}
	for _, challenger := range e.Challengers() {
		s.effects(challenger.Name, a)
	}
	if len(state.History) > 0 {
		s.title("history")
		for _, h := range state.History {
			fmt.Fprintf(s.out, "%s  %s %s %s\n", s.moment(h.At), clean(h.Author), clean(h.Did), clean(strings.Trim(h.Detail+"; "+h.Reason, "; ")))
		}
	}
	return nil
}

// serves says what an arm serves.
func serves(arm *experiment.Arm) string {
	var parts []string
	if arm.Prompt != "" {
		parts = append(parts, arm.Prompt)
	}
	if arm.Model != "" {
		parts = append(parts, arm.Model)
	}
	for _, name := range slices.Sorted(maps.Keys(arm.Parameters)) {
		parts = append(parts, name+"="+string(arm.Parameters[name]))
	}
	if len(parts) == 0 {
		return "what is asked for"
	}
	return strings.Join(parts, " ")
}

func splitText(a *experiment.Analysis) string {
	if a.SRM.Alarm {
		return "not as planned: verdicts are frozen"
	}
	return fmt.Sprintf("as planned (evidence against it %.3g; 1,000 would freeze the verdict)", math.Exp(min(a.SRM.LogE, 100)))
}

// effects shows what a challenger does to each metric.
func (s *screen) effects(arm string, a *experiment.Analysis) {
	s.title(clean(arm) + " beside the control")
	for i := range a.Effects {
		f := &a.Effects[i]
		if f.Arm != arm {
			continue
		}
		fmt.Fprintf(s.out, "%s  %s  %s\n", s.paint(bar(f), barColour(f)...), clean(f.String()), s.paint(standing(f), text.Faint))
	}
	for _, m := range a.Money {
		if m.Arm == arm {
			fmt.Fprintf(s.out, "%s  money at stake: %+.2f $ a month (%+.2f to %+.2f) at %s calls\n", strings.Repeat(" ", barWidth), m.PerMonth.Value, m.PerMonth.Low, m.PerMonth.High, count(int64(m.CallsPerMonth)))
		}
	}
}

// standing says what a metric is for, and how it stands.
func standing(f *experiment.Effect) string {
	switch {
	case f.Role == experiment.PrimaryRole:
		return fmt.Sprintf("primary, %s is better", f.Direction)
	case f.Harmful:
		return fmt.Sprintf("guardrail: worse than its margin %s", f.Margin)
	case f.Accepted:
		return fmt.Sprintf("guardrail: within its margin %s", f.Margin)
	case f.Margin != nil:
		return fmt.Sprintf("guardrail: not yet shown to be within its margin %s", f.Margin)
	}
	return ""
}

func barColour(f *experiment.Effect) []text.Color {
	better, worse := f.Difference.Low > 0, f.Difference.High < 0
	if f.Direction == experiment.Lower {
		better, worse = worse, better
	}
	switch {
	case !f.Data:
		return []text.Color{text.Faint}
	case better:
		return []text.Color{text.FgGreen}
	case worse:
		return []text.Color{text.FgRed}
	}
	return nil
}

const barWidth = 33

// bar draws the difference and its interval around the control in the middle. What is farther than its ends is cut there.
func bar(f *experiment.Effect) string {
	cells := []rune(strings.Repeat("·", barWidth))
	const middle = barWidth / 2
	if !f.Data {
		cells[middle] = '│'
		return string(cells)
	}
	scale := 1.05 * max(math.Abs(f.Difference.Low), math.Abs(f.Difference.High))
	place := func(x float64) int {
		if scale == 0 {
			return middle
		}
		return max(0, min(barWidth-1, middle+int(math.Round(x/scale*middle))))
	}
	low, high := place(f.Difference.Low), place(f.Difference.High)
	for i := low; i <= high; i++ {
		cells[i] = '─'
	}
	cells[low], cells[high] = '├', '┤'
	cells[middle] = '│'
	cells[place(f.Difference.Value)] = '●'
	return string(cells)
}
