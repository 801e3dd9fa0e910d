package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/internal/yamldoc"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// judgeCommand has the verbs of judges.
func judgeCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "judge",
		Short: "Models that grade answers, and how far their grades may be trusted",
		Example: `  weir eval judge rubrics
  weir eval judge run answers.jsonl --rubric correctness --model gpt-4o-mini --dry-run
  weir eval judge run pairs.jsonl --kind pairwise --rubric helpfulness --model gpt-4o-mini
  weir eval judge calibrate labelled.jsonl --rubric correctness --model gpt-4o-mini --save judge.cal.json`,
	})
	cmd.AddCommand(judgeRunCommand(), judgeCalibrateCommand(), judgeRubricsCommand())
	return cmd
}

// judgeAsked is what all verbs that ask a judge have in common.
type judgeAsked struct {
	cfg                  judge.Config
	kind, file, format   string
	temperature, pass    float64
	maxCost, cache, over string
	concurrency          int
	dryRun               bool

	c *client
	s *screen
}

func (a *judgeAsked) flags(cmd *cobra.Command) {
	clientFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&a.file, "judge", "", "YAML file that says which judge; flags go before it")
	f.StringVar(&a.kind, "kind", "", fmt.Sprintf("what it does: %v (rubric)", judge.Kinds))
	f.StringVar(&a.cfg.Rubric, "rubric", "", "a built-in rubric: "+strings.Join(judge.BuiltIns(), ", "))
	f.StringVar(&a.cfg.Criteria, "criteria", "", "what is judged, in place of the rubric's criteria")
	f.StringVar(&a.cfg.Prompt, "prompt", "", "messages of the registry, NAME@LABEL, in place of the built-in ones")
	f.StringVar(&a.cfg.Model, "model", "", "the model that judges")
	f.StringSliceVar(&a.cfg.Panel, "panel", nil, "several models, whose median grade holds")
	f.IntVar(&a.cfg.Votes, "votes", 0, "ask so often, an odd number; the median holds, and asking ends when it is sure")
	f.Float64Var(&a.temperature, "temperature", 0, "of the model (0; with --votes 0.7)")
	f.Float64Var(&a.pass, "pass", 0, "the grade from which on an answer passes; of RAG judges the score")
	f.IntVar(&a.cfg.MaxTokens, "max-tokens", 0, "the most tokens of one answer")
	f.StringVar(&a.format, "format", "", "how the model is held to its form: json_schema, json_object or none (json_schema)")
	f.StringVar(&a.cfg.Embedding, "embedding", "", "the model that makes vectors, for answer_relevancy")
	f.IntVar(&a.cfg.Strictness, "strictness", 0, "how many questions answer_relevancy makes of an answer (3)")
	f.StringVar(&a.maxCost, "max-cost", "", "dollars that all may cost; it stops before it would pass them")
	f.StringVar(&a.cache, "cache", "", "folder that remembers what models said")
	f.IntVar(&a.concurrency, "concurrency", 4, "how many are judged at one time")
	f.BoolVar(&a.dryRun, "dry-run", false, "say what it would ask and cost, and ask nothing")
	f.StringVar(&a.over, "gateway", "", "address that models are asked at (that of the running weir)")
}

// config is the judge that file and flags say.
func (a *judgeAsked) config(cmd *cobra.Command) (judge.Config, error) {
	out := a.cfg
	if a.file != "" {
		text, err := os.ReadFile(a.file)
		if err != nil {
			return out, fmt.Errorf("read the judge: %w", err)
		}
		if out, err = readJudge(a.file, text); err != nil {
			return out, err
		}
	}
	set := func(flag string, to func()) {
		if cmd.Flags().Changed(flag) {
			to()
		}
	}
	set("kind", func() { out.Kind = judge.Kind(a.kind) })
	set("rubric", func() { out.Rubric = a.cfg.Rubric })
	set("criteria", func() { out.Criteria = a.cfg.Criteria })
	set("prompt", func() { out.Prompt = a.cfg.Prompt })
	set("model", func() { out.Model, out.Panel = a.cfg.Model, nil })
	set("panel", func() { out.Model, out.Panel = "", a.cfg.Panel })
	set("votes", func() { out.Votes = a.cfg.Votes })
	set("temperature", func() { out.Temperature = &a.temperature })
	set("pass", func() { out.Pass = &a.pass })
	set("max-tokens", func() { out.MaxTokens = a.cfg.MaxTokens })
	set("format", func() { out.Format = judge.Format(a.format) })
	set("embedding", func() { out.Embedding = a.cfg.Embedding })
	set("strictness", func() { out.Strictness = a.cfg.Strictness })
	if err := out.Check(); err != nil {
		return out, fmt.Errorf("the judge: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return out, nil
}

// readJudge reads a judge's file.
func readJudge(name string, text []byte) (judge.Config, error) {
	var out judge.Config
	doc, err := yamldoc.Parse(text)
	if err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	if doc == nil || doc.Kind != yamldoc.Mapping {
		return out, fmt.Errorf("%s says no judge: want at least a rubric and a model", name)
	}
	raw, err := doc.JSON()
	if err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return out, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "json: "))
	}
	return out, nil
}

// asker finds the way to the models. end ends the key that was made for it, if one was.
func (a *judgeAsked) asker(ctx context.Context, cfg judge.Config, session string) (asker *judge.Asker, end func(), err error) {
	ask := judge.AskerConfig{Call: llm.Call{Session: session, Tags: map[string]string{"weir": "judge"}}}
	if a.cache != "" {
		ask.Cache = judge.Files(a.cache)
	}
	if a.maxCost != "" {
		usd, err := price.ParseUSD(a.maxCost)
		if err != nil || usd <= 0 {
			return nil, nil, fmt.Errorf("--max-cost %q is no amount of dollars above 0", a.maxCost)
		}
		ask.Limit = usd
	}
	ask.Price = judgePrices(ctx, a.c, judgeModels(&cfg))
	end = func() {}
	if !a.dryRun {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		r := &evalRun{c: a.c, s: a.s, gateway: a.over}
		gateway, close, err := r.enter(ctx, &eval.Run{ID: session}, client)
		if err != nil {
			return nil, nil, err
		}
		ask.Send, end = judge.Over(gateway.URL, gateway.Key, client), close
	}
	return judge.NewAsker(ask), end, nil
}

// judgeModels are all that a judge asks.
func judgeModels(c *judge.Config) []string {
	all := append(slices.Clone(c.Panel), c.Model, c.Embedding)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(m string) bool { return m == "" })
}

// judgePrices reads what models cost out of the running weir's price book. Of several providers of one model, the dearest counts.
func judgePrices(ctx context.Context, c *client, models []string) judge.Price {
	type rates struct{ input, output *big.Rat }
	known := map[string]rates{}
	for _, model := range models {
		var list struct {
			Prices []struct {
				Model  string `json:"model"`
				Input  string `json:"input_usd_per_mtok"`
				Output string `json:"output_usd_per_mtok"`
			} `json:"prices"`
		}
		if _, err := c.get(ctx, "prices", url.Values{"model": {model}}, &list); err != nil {
			continue // then nothing is known, and the estimate says so
		}
		for _, p := range list.Prices {
			in, ok := new(big.Rat).SetString(p.Input)
			if !ok || p.Model != model {
				continue
			}
			out, ok := new(big.Rat).SetString(cmp.Or(p.Output, "0"))
			if !ok {
				continue
			}
			if was, seen := known[model]; !seen || in.Cmp(was.input) > 0 {
				known[model] = rates{in, out}
			}
		}
	}
	return func(model string, u llm.Usage) (price.USD, bool) {
		r, ok := known[model]
		if !ok {
			return 0, false
		}
		const perToken = int64(price.Dollar) / 1_000_000
		sum := new(big.Rat).Add(new(big.Rat).Mul(r.input, big.NewRat(u.Input()*perToken, 1)), new(big.Rat).Mul(r.output, big.NewRat(u.Output()*perToken, 1)))
		nano := new(big.Int).Add(sum.Num(), new(big.Int).Sub(sum.Denom(), big.NewInt(1)))
		usd, _ := price.USD(nano.Div(nano, sum.Denom()).Int64()).Clamp() // rounded up: it is held against a limit
		return usd, true
	}
}

// tellEstimate says what is to come.
func (s *screen) tellEstimate(e judge.Estimate) {
	cost := "about " + e.Cost.String() + " USD"
	if len(e.Unpriced) > 0 {
		cost = "at a price that is not known (" + clean(strings.Join(e.Unpriced, ", ")) + ")"
		if e.Cost > 0 {
			cost = "about " + e.Cost.String() + " USD and more " + cost
		}
	}
	s.note("%s: %s to a model, %s remembered; about %s tokens in and %s out, %s.", noun(e.Cases, "case"), noun(e.Calls, "question"), count(int64(e.Cached)), count(e.InputTokens), count(e.OutputTokens), cost)
}

// tellTally says what judging took.
func (s *screen) tellTally(t judge.Tally) {
	more := ""
	if t.Repairs > 0 {
		more += fmt.Sprintf(", %s asked again for a readable answer", noun(t.Repairs, "time"))
	}
	if t.Unpriced > 0 {
		more += fmt.Sprintf(", %s of unknown cost", noun(t.Unpriced, "call"))
	}
	if len(t.Dropped) > 0 {
		more += ", without " + clean(strings.Join(t.Dropped, ", ")) + ", which the model would not take"
	}
	s.note("%s, %s remembered%s; %s USD.", noun(t.Calls, "call"), count(int64(t.Cached)), more, t.Cost)
}

// judgeRow is a line of a file of answers, of pairs, or of labelled answers.
type judgeRow struct {
	ID       string          `json:"id"`
	Input    json.RawMessage `json:"input"`
	Output   json.RawMessage `json:"output"`
	A        json.RawMessage `json:"a"`
	B        json.RawMessage `json:"b"`
	Expected json.RawMessage `json:"expected"`
	Context  json.RawMessage `json:"context"`
	Contexts json.RawMessage `json:"contexts"`
	Label    *judge.Label    `json:"label"`
}

const maxJudgeLine = 8 << 20 // bytes

// readJudgeRows reads a file of JSON lines. Every line must have the members that are wanted.
func readJudgeRows(file string, wanted ...string) ([]judgeRow, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []judgeRow
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxJudgeLine)
	seen := map[string]bool{}
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		at := fmt.Sprintf("%s, line %d", file, n)
		if !utf8.Valid(text) {
			return nil, fmt.Errorf("%s is not UTF-8", at)
		}
		if len(text) == 0 {
			continue
		}
		var row judgeRow
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, fmt.Errorf("%s: want a JSON object: %w", at, err)
		}
		for _, name := range wanted {
			if v := members[name]; len(v) == 0 || string(v) == "null" {
				return nil, fmt.Errorf("%s: there is no %s", at, name)
			}
		}
		if err := json.Unmarshal(text, &row); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		row.ID = cmp.Or(row.ID, fmt.Sprint(len(out)+1))
		if seen[row.ID] {
			return nil, fmt.Errorf("%s: the id %.60q stands twice", at, row.ID)
		}
		seen[row.ID] = true
		out = append(out, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s, after line %d: %w", file, n, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	}
	return out, nil
}

// theCase is a row as judges read it.
func (r *judgeRow) theCase() judge.Case {
	it := eval.Item{Input: r.Input, Expected: r.Expected, Context: r.Context}
	if len(r.Contexts) > 0 {
		it.Context = r.Contexts
	}
	return eval.JudgeCase(&it, &eval.Answer{Text: eval.Text(r.Output)})
}

func (r *judgeRow) thePair() judge.Pair {
	c := r.theCase()
	return judge.Pair{Input: c.Input, A: eval.Text(r.A), B: eval.Text(r.B), Expected: c.Expected, Contexts: c.Contexts}
}

// readCalibration reads what weir eval judge calibrate --save wrote; nil when there is no such file.
func readCalibration(file string) (*judge.Calibration, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	if err != nil {
		return nil, fmt.Errorf("read the calibration: %w", err)
	}
	var c judge.Calibration
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("the calibration %s is damaged: %w", file, err)
	}
	return &c, nil
}

// judgeSession names the calls of one use of a judge.
func judgeSession() string { return "judge-" + llm.NewID(time.Now()) }

// judgeRubricsCommand lists the built-in rubrics; offline.
func judgeRubricsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rubrics",
		Short: "The built-in rubrics",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			var all []judge.Rubric
			for _, name := range judge.BuiltIns() {
				r, err := judge.BuiltIn(name)
				if err != nil {
					return err
				}
				all = append(all, r)
			}
			if asJSON(cmd) {
				return s.encode(map[string]any{"rubrics": all})
			}
			for _, r := range all {
				s.title(r.Name)
				if _, err := fmt.Fprintln(s.out, r.Criteria); err != nil {
					return err
				}
				for _, g := range r.Grades {
					mark := ""
					if float64(g.Points) >= r.Pass {
						mark = " (passes)"
					}
					fmt.Fprintf(s.out, "  %d  %s%s\n", g.Points, g.Meaning, mark)
				}
			}
			return nil
		},
	}
}
