package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/llm"
)

// calibration is what weir cache calibrate is asked to do.
type calibration struct {
	filter     filterFlags
	calls      int
	embed      string
	dimensions int
	judge      string
	precision  float64
	dryRun     bool
}

// Bounds of a calibration: what is sent at once, how much is looked at, and from where on thresholds are tried.
const (
	embedAtOnce       = 64
	mostCalibrated    = 20_000
	lowestThreshold   = 0.70
	thresholdStep     = 0.01
	maxExportedCall   = 64 << 20
	calibrateRequests = time.Minute
)

func cacheCalibrateCommand() *cobra.Command {
	var k calibration
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Find from which similarity on the answers of like questions are right",
		Long: `calibrate takes recorded calls, pairs each question with the nearest one asked before it under the same conditions (project, model,
instructions, conversation, tools, parameters), and shows for each threshold how many calls the semantic cache would have answered and
how many of these answers were right. An answer counts as right when it says the same as the recorded one, or, with --judge, when that
model finds that it answers the question; without a judge the share is too low wherever answers differ in their words alone.

It reads what was said, so the calls must have been recorded in full. Vectors and judgements are asked for through this weir with a
virtual key (WEIR_KEY), and cost what they cost.`,
		Example: `  weir cache calibrate --project support --since 7d --dry-run
  weir cache calibrate --project support --since 7d --judge gpt-4o-mini --precision 0.98`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return k.run(cmd) },
	}
	k.filter.register(cmd, "7d")
	f := cmd.Flags()
	f.IntVar(&k.calls, "calls", 1000, "how many questions to look at, the oldest first")
	f.StringVar(&k.embed, "embed", "text-embedding-3-small", "the model that makes vectors, as cache.semantic.model")
	f.IntVar(&k.dimensions, "dimensions", 0, "of a vector, as cache.semantic.dimensions; 0: the model's own")
	f.StringVar(&k.judge, "judge", "", "a model that says whether an answer answers the question")
	f.Float64Var(&k.precision, "precision", 0.95, "the share of right answers that the suggested threshold must have")
	f.BoolVar(&k.dryRun, "dry-run", false, "say what it would look at and cost, and ask nothing")
	return cmd
}

// askedOnce is a recorded question and its answer.
type askedOnce struct {
	rest         cache.Key
	text, answer string
	before       string
	vector       []float32
}

// calibrated is the result.
type calibrated struct {
	Questions  int         `json:"questions"`  // texts that were compared
	Conditions int         `json:"conditions"` // groups of calls that may be compared with each other
	Pairs      int         `json:"pairs"`
	Judged     int         `json:"judged"` // pairs a model looked at
	CostUSD    string      `json:"cost_usd"`
	Rows       []threshold `json:"thresholds"`
	Suggested  *float64    `json:"suggested"` // null: no threshold is that precise
	Precision  float64     `json:"wanted_precision"`
}

func (k *calibration) run(cmd *cobra.Command) error {
	ctx, s := cmd.Context(), newScreen(cmd)
	if !(k.precision > 0 && k.precision <= 1) {
		return fmt.Errorf("--precision %v is not above 0 and at most 1", k.precision)
	}
	if k.calls < 2 || k.calls > mostCalibrated {
		return fmt.Errorf("--calls %d is not from 2 to %d", k.calls, mostCalibrated)
	}
	q, err := k.filter.query(s.now)
	if err != nil {
		return err
	}
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	groups, err := k.read(ctx, cmd, c, q)
	if err != nil {
		return err
	}
	var all []*askedOnce
	for _, g := range groups {
		all = append(all, g...)
	}
	k.estimate(ctx, s, c, groups, all)
	if k.dryRun || len(all) == 0 {
		return nil
	}
	secret := account.NewSecret(os.Getenv("WEIR_KEY"))
	if secret.IsZero() {
		return errors.New("vectors are asked for with a virtual key: set WEIR_KEY to one (weir keys create makes it)")
	}
	p := &payer{client: c, key: secret}
	bar, done := progressBar(cmd, "making vectors", int64(len(all)))
	for part := range slices.Chunk(all, embedAtOnce) {
		if err := k.vectors(ctx, p, part); err != nil {
			done()
			return err
		}
		bar.Increment(int64(len(part)))
	}
	done()
	pairs := pairUp(groups)
	judged, err := k.agree(ctx, cmd, p, pairs)
	if err != nil {
		return err
	}
	result := calibrated{
		Questions: len(all), Conditions: len(groups), Pairs: len(pairs), Judged: judged, CostUSD: p.spent.FloatString(9), Rows: thresholds(pairs), Precision: k.precision,
	}
	result.Suggested = suggest(result.Rows, k.precision)
	if asJSON(cmd) {
		return s.encode(result)
	}
	return s.calibrated(&result, k.judge)
}

// read takes questions out of recorded calls and groups those that may be compared. Only groups of two and more count.
func (k *calibration) read(ctx context.Context, cmd *cobra.Command, c *client, q url.Values) ([][]*askedOnce, error) {
	q.Set("bodies", "true")
	q.Set("status", "ok")
	at := c.base.JoinPath("api/v1", "export/calls")
	at.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	if !c.token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		return nil, c.refused(res, raw)
	}
	bar, done := progressBar(cmd, "reading recorded calls", int64(k.calls))
	defer done()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxExportedCall)
	order, by, seen, n := []cache.Key(nil), map[cache.Key][]*askedOnce{}, map[cache.Key]map[string]bool{}, 0
	for n < k.calls && lines.Scan() {
		a, ok := readAsked(lines.Bytes())
		if !ok || seen[a.rest][a.text] {
			continue
		}
		if seen[a.rest] == nil {
			seen[a.rest] = map[string]bool{}
			order = append(order, a.rest)
		}
		seen[a.rest][a.text] = true
		by[a.rest] = append(by[a.rest], a)
		n++
		bar.Increment(1)
	}
	if err := lines.Err(); err != nil && n < k.calls {
		return nil, fmt.Errorf("read recorded calls: %w", err)
	}
	var groups [][]*askedOnce
	for _, rest := range order {
		if len(by[rest]) > 1 {
			groups = append(groups, by[rest])
		}
	}
	return groups, nil
}

// readAsked reads one exported call; false for one that is no question, or whose answer came out of the cache.
func readAsked(line []byte) (*askedOnce, bool) {
	var e struct {
		Project  string          `json:"project"`
		Endpoint llm.Endpoint    `json:"endpoint"`
		Path     string          `json:"path"`
		Model    string          `json:"model_requested"`
		Stream   bool            `json:"stream"`
		Cache    string          `json:"cache"`
		Request  json.RawMessage `json:"request"`
		Response json.RawMessage `json:"response"`
	}
	if json.Unmarshal(line, &e) != nil || e.Cache == "hit" || e.Cache == "semantic" || len(e.Request) == 0 {
		return nil, false
	}
	call := &llm.Call{Endpoint: e.Endpoint, Dialect: llm.OpenAI, Path: e.Path, Project: e.Project, Model: e.Model, Body: e.Request}
	if e.Endpoint == llm.Messages {
		call.Dialect = llm.Anthropic
	}
	rest, text, ok := cache.Question(call)
	if !ok {
		return nil, false
	}
	response := []byte(e.Response)
	var stream string
	if json.Unmarshal(response, &stream) == nil { // events are no JSON, and come as a text
		response = []byte(stream)
	}
	answer := cache.AnswerText(llm.Assemble(e.Endpoint, call.Dialect, e.Stream, response))
	if strings.TrimSpace(answer) == "" {
		return nil, false
	}
	return &askedOnce{rest: rest, text: text, answer: answer, before: cache.Before(call)}, true
}

// estimate says what will be looked at, and about what that costs where the price is known.
func (k *calibration) estimate(ctx context.Context, s *screen, c *client, groups [][]*askedOnce, all []*askedOnce) {
	if len(all) == 0 {
		s.note("No two recorded questions were asked under the same conditions; take in more calls with --since and --calls, or fewer filters. Calls must be recorded in full.")
		return
	}
	const bytesPerToken, asking = 4, 150 // about; and what a judge is told beside question and answer
	var embedded, shown int64
	for _, g := range groups {
		for i, a := range g {
			embedded += int64(len(a.text))/bytesPerToken + 1
			if i > 0 {
				shown += int64(len(a.text)+len(a.answer)+len(a.before))/bytesPerToken + asking
			}
		}
	}
	s.note("%s under %s.", noun(len(all), "question"), noun(len(groups), "set of conditions"))
	s.note("Vectors by %s: about %s tokens%s.", k.embed, count(embedded), priceOf(ctx, c, k.embed, embedded))
	if k.judge != "" {
		s.note("Judgements by %s: at most %d, about %s tokens%s.", k.judge, len(all)-len(groups), count(shown), priceOf(ctx, c, k.judge, shown))
	}
}

// vectors asks for the vectors of some questions.
func (k *calibration) vectors(ctx context.Context, p *payer, part []*askedOnce) error {
	ask := struct {
		Model      string   `json:"model"`
		Input      []string `json:"input"`
		Dimensions int      `json:"dimensions,omitempty"`
		Format     string   `json:"encoding_format"`
	}{Model: k.embed, Dimensions: k.dimensions, Format: "float"}
	for _, a := range part {
		ask.Input = append(ask.Input, a.text)
	}
	var said struct {
		Data []struct {
			Index     int       `json:"index"`
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := p.ask(ctx, "embeddings", ask, &said); err != nil {
		return fmt.Errorf("make vectors with %s: %w", k.embed, err)
	}
	for _, d := range said.Data {
		if d.Index >= 0 && d.Index < len(part) {
			part[d.Index].vector = d.Embedding
		}
	}
	for _, a := range part {
		if len(a.vector) == 0 || len(a.vector) != len(part[0].vector) {
			return fmt.Errorf("%s did not make one vector of each question", k.embed)
		}
	}
	return nil
}

// agree finds out which answers would have been right, and how many of them a model had to look at.
func (k *calibration) agree(ctx context.Context, cmd *cobra.Command, p *payer, pairs []*pair) (judged int, err error) {
	var open []*pair
	for _, x := range pairs {
		x.right = sameAnswer(x.question.answer, x.answer.answer)
		if !x.right && k.judge != "" && x.score >= lowestThreshold {
			open = append(open, x)
		}
	}
	if len(open) == 0 {
		return 0, nil
	}
	bar, done := progressBar(cmd, "asking "+k.judge, int64(len(open)))
	defer done()
	for _, x := range open {
		var said struct {
			Choices []struct {
				Message struct {
					Content string `json:"content"`
				} `json:"message"`
			} `json:"choices"`
		}
		ask := map[string]any{"model": k.judge, "messages": []map[string]string{
			{"role": "user", "content": cache.JudgeQuestion(x.question.before, x.question.text, x.answer.answer)},
		}}
		if err := p.ask(ctx, "chat/completions", ask, &said); err != nil {
			return judged, fmt.Errorf("ask %s: %w", k.judge, err)
		}
		if len(said.Choices) == 1 {
			yes, ok := cache.Verdict(said.Choices[0].Message.Content)
			x.right = yes && ok
		}
		judged++
		bar.Increment(1)
	}
	return judged, nil
}

// calibrated shows the result for people.
func (s *screen) calibrated(r *calibrated, judge string) error {
	sh := sheet{columns: []column{
		{name: "threshold", right: true}, {name: "hits", right: true}, {name: "of calls", right: true}, {name: "right", right: true}, {name: "precision", right: true}, {name: "at least", right: true},
	}}
	share := func(f *float64) string {
		if f == nil {
			return "-"
		}
		return fmt.Sprintf("%.1f %%", 100**f)
	}
	last := -1
	for _, row := range r.Rows {
		if row.Hits == last { // says nothing new
			continue
		}
		last = row.Hits
		of := float64(row.Hits) / float64(max(1, r.Questions))
		sh.rows = append(sh.rows, []string{fmt.Sprintf("%.2f", row.Threshold), count(int64(row.Hits)), share(&of), count(int64(row.Right)), share(row.Precision), share(row.AtLeast)})
	}
	if err := s.table(sh); err != nil {
		return err
	}
	if judge == "" {
		s.note("An answer counts as right when it says the same; --judge MODEL asks a model where the words differ.")
	}
	s.note("%s; %s were judged; it cost %s USD.", noun(r.Pairs, "pair"), count(int64(r.Judged)), r.CostUSD)
	if r.Suggested == nil {
		s.note("No threshold answers with a precision of %.1f %%.", 100*r.Precision)
		return nil
	}
	s.note("For a precision of %.1f %%: semantic: %.2f", 100*r.Precision, *r.Suggested)
	return nil
}
