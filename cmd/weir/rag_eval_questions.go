package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/eval/retrieval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
)

// ragQuestions is weir rag questions.
type ragQuestions struct {
	ragEval
	n       int
	model   string
	out     string
	maxCost string
	seed    uint64
	yes     bool
}

func ragQuestionsCommand() *cobra.Command {
	g := &ragQuestions{}
	cmd := &cobra.Command{
		Use:   "questions NAME --model M --out FILE.jsonl",
		Short: "Have a model write labelled questions about a pipeline's passages, for weir rag eval",
		Long: `questions draws passages of the collection that answers, has a model write a question about each, and keeps those that stand a test: the words that it
says answer must be in the passage, the question must not have the passage's own words or speak of a text, and the model, asked once more, must say
that the passage answers it and that it is not too general. The model is asked through the running weir, with the virtual key in WEIR_KEY, or,
without one, with a key that is made for this, so that it is priced, held to budgets and recorded.

Without --yes it says what that is likely to cost, and asks nothing. Read what was made before you trust figures to it.`,
		Example: `  weir rag questions handbook --n 50 --model gpt-4o-mini --out made.jsonl
  weir rag questions handbook --n 50 --model gpt-4o-mini --out made.jsonl --max-cost 0.50 --yes`,
		Args: oneArg("a pipeline"),
		RunE: func(cmd *cobra.Command, args []string) error { return g.do(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.IntVar(&g.n, "n", 50, "how many questions are wanted")
	f.StringVar(&g.model, "model", "", "the model that writes them and checks them")
	f.StringVar(&g.out, "out", "", "file that they are written to, which is not there yet")
	f.StringVar(&g.maxCost, "max-cost", "", "dollars that all may cost; it stops when they are spent")
	f.Uint64Var(&g.seed, "seed", 1, "another number draws other passages")
	f.BoolVar(&g.yes, "yes", false, "ask the model")
	f.StringVar(&g.collection, "collection", "", "of this one of the pipeline's collections (the one that answers)")
	f.IntVar(&g.parallel, "parallel", 4, "how many passages are worked on at one time")
	return cmd
}

const (
	maxMade     = 5000
	spare       = 2 // passages that are drawn for each question wanted, since some give none
	maxMadeBody = 4 << 20
)

func (g *ragQuestions) check() (limit price.USD, err error) {
	switch {
	case g.model == "" || g.out == "":
		return 0, errors.New("name the model and the file: --model M --out FILE.jsonl")
	case g.n < 1 || g.n > maxMade:
		return 0, fmt.Errorf("--n is from 1 to %d", maxMade)
	case g.parallel < 1 || g.parallel > 64:
		return 0, errors.New("--parallel is from 1 to 64")
	}
	if g.maxCost != "" {
		if limit, err = price.ParseUSD(g.maxCost); err != nil || limit <= 0 {
			return 0, fmt.Errorf("--max-cost %q is no amount of dollars above 0", g.maxCost)
		}
	}
	if _, err := os.Lstat(g.out); err == nil {
		return 0, fmt.Errorf("%s is there already: name another file, or remove it", g.out)
	}
	return limit, nil
}

// drawn is a passage that a question is to be made of.
type drawn struct{ document, text string }

func (g *ragQuestions) do(cmd *cobra.Command, name string) error {
	limit, err := g.check()
	if err != nil {
		return err
	}
	if g.c, err = newClient(cmd); err != nil {
		return err
	}
	g.s = newScreen(cmd)
	ctx := cmd.Context()
	side, err := g.side(ctx, name, g.collection)
	if err != nil {
		return err
	}
	sample, err := g.sample(ctx, side)
	if err != nil {
		return err
	}
	if len(sample) == 0 {
		return fmt.Errorf("the collection %s has no passages", side.collection)
	}
	known := g.estimate(judgePrices(ctx, g.c, []string{g.model}), sample)
	switch {
	case !g.yes:
		g.s.note("Nothing was asked; --yes does.")
		return nil
	case limit > 0 && !known:
		return fmt.Errorf("%s has no price, so --max-cost cannot be kept; weir prices set gives it one", g.model)
	}
	return g.make(cmd, sample, limit)
}

// sample draws passages, each as likely as any other, in an order that the seed decides.
func (g *ragQuestions) sample(ctx context.Context, side *ragSide) ([]drawn, error) {
	type place struct {
		document string
		ordinal  int
	}
	var all []place
	q := url.Values{"collection": {side.collection}, "limit": {"1000"}}
	for {
		var page struct {
			Documents []struct {
				ID     string
				Chunks int
			}
			Next string
		}
		if _, err := g.c.get(ctx, "rag/"+url.PathEscape(side.name)+"/documents", q, &page); err != nil {
			return nil, fmt.Errorf("list documents: %w", err)
		}
		for _, d := range page.Documents {
			for i := range d.Chunks {
				all = append(all, place{d.ID, i})
			}
		}
		if page.Next == "" {
			break
		}
		q.Set("cursor", page.Next)
	}
	random := rand.New(rand.NewPCG(g.seed, 0)) //nolint:gosec // drawing passages, not secrets
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	held := map[string][]retrieval.Passage{}
	var out []drawn
	for _, p := range all[:min(len(all), spare*g.n)] {
		passages, ok := held[p.document]
		if !ok {
			var err error
			if passages, err = side.passages(ctx, p.document); err != nil {
				return nil, fmt.Errorf("read the passages of %s: %w", p.document, err)
			}
			held[p.document] = passages
		}
		if p.ordinal < len(passages) { // it may have been indexed anew meanwhile
			out = append(out, drawn{p.document, passages[p.ordinal].Text})
		}
	}
	return out, nil
}

// estimate tells what asking about all passages would cost at most, and whether that is known.
func (g *ragQuestions) estimate(cost judge.Price, sample []drawn) bool {
	enc, _ := tokens.For(g.model)
	var u llm.Usage
	for _, d := range sample {
		for _, messages := range [][]retrieval.Message{retrieval.MakeMessages(d.text), retrieval.CheckMessages("", d.text)} {
			for _, m := range messages {
				u.InputUncached += int64(tokens.CountString(enc, m.Content))
			}
			u.OutputText += retrieval.UsualAnswer
		}
	}
	usd, known := cost(g.model, u)
	about := "at a price that is not known (" + clean(g.model) + ")"
	if known {
		about = "about " + usd.String() + " USD"
	}
	g.s.note("%s for %s: up to %s to %s, %s tokens in and %s out, %s if all are needed.", noun(len(sample), "passage"), noun(g.n, "question"),
		noun(2*len(sample), "call"), clean(g.model), count(u.InputUncached), count(u.OutputText), about)
	return known
}

// making is the work on all passages. Safe for concurrent use.
type making struct {
	send  llm.Sender
	on    llm.Call
	limit price.USD

	mu      sync.Mutex // guards what follows
	spent   price.USD
	unknown int // calls of unknown cost
	made    map[int]retrieval.Question
	refused map[retrieval.Refused]int
}

var errMadeEnough = errors.New("as many as wanted")

func (g *ragQuestions) make(cmd *cobra.Command, sample []drawn, limit price.USD) error {
	ctx := cmd.Context()
	session := "questions-" + llm.NewID(time.Now())
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	gateway, end, err := (&evalRun{c: g.c, s: g.s}).enter(ctx, &eval.Run{ID: session}, client)
	if err != nil {
		return err
	}
	defer end()
	m := &making{
		send: judge.Over(gateway.URL, gateway.Key, client), limit: limit, made: map[int]retrieval.Question{}, refused: map[retrieval.Refused]int{},
		on: llm.Call{Session: session, Tags: map[string]string{"weir": "questions"}, Cache: "off", Model: g.model},
	}
	bar, done := progressBar(cmd, "writing questions", int64(g.n))
	stopped := each(ctx, len(sample), g.parallel, func(ctx context.Context, i int) error {
		question, refused, err := retrieval.Make(ctx, m.ask, sample[i].document, sample[i].text)
		if err != nil {
			return err
		}
		n := m.take(i, question, refused)
		bar.SetValue(int64(n))
		if n >= g.n {
			return errMadeEnough
		}
		return nil
	})
	done()
	if errors.Is(stopped, errMadeEnough) {
		stopped = nil
	}
	return g.write(m, stopped)
}

// take keeps a question, or why there is none, and says how many there are.
func (m *making) take(i int, q retrieval.Question, refused retrieval.Refused) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if refused != "" {
		m.refused[refused]++
	} else {
		m.made[i] = q
	}
	return len(m.made)
}

// ask asks the model through the gateway.
func (m *making) ask(ctx context.Context, messages []retrieval.Message) (string, error) {
	m.mu.Lock()
	spent := m.spent
	m.mu.Unlock()
	if m.limit > 0 && spent >= m.limit {
		return "", fmt.Errorf("%s USD are spent, of the %s that all may cost", spent, m.limit)
	}
	body, err := json.Marshal(map[string]any{"model": m.on.Model, "messages": messages})
	if err != nil {
		return "", fmt.Errorf("write request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	call := m.on.Clone()
	call.Method, call.Path, call.Body, call.Header = http.MethodPost, "/chat/completions", body, http.Header{"Content-Type": {"application/json"}}
	resp, err := m.send.Send(ctx, call)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxMadeBody))
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	if resp.Status != http.StatusOK {
		return "", fmt.Errorf("the gateway answered %d: %s", resp.Status, clean(llm.NormalError(resp.Status, resp.Header, raw).Message))
	}
	m.settle(resp)
	said := llm.Assemble(llm.ChatCompletions, llm.OpenAI, false, raw)
	if len(said.Texts) == 0 {
		return "", nil // nothing that can be read: that is for the test to say
	}
	return said.Texts[0], nil
}

func (m *making) settle(resp *llm.Response) {
	told, ok := resp.Body.(interface{ Cost() (price.USD, bool) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if ok {
		if usd, known := told.Cost(); known {
			m.spent += usd
			return
		}
	}
	m.unknown++
}

// write writes what was made, also when it was stopped, and tells of it.
func (g *ragQuestions) write(m *making, stopped error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var questions []retrieval.Question
	order := slices.Sorted(maps.Keys(m.made))
	for n, i := range order[:min(g.n, len(order))] { // those that were under way at the end are more than wanted
		q := m.made[i]
		q.ID = "made-" + strconv.Itoa(n+1)
		questions = append(questions, q)
	}
	for _, why := range slices.Sorted(maps.Keys(m.refused)) {
		g.s.note("%s not used: %s", noun(m.refused[why], "passage"), why)
	}
	cost := m.spent.String() + " USD"
	if m.unknown > 0 {
		cost += fmt.Sprintf(", and %s of unknown cost", noun(m.unknown, "call"))
	}
	if len(questions) > 0 {
		f, err := os.OpenFile(g.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return fmt.Errorf("write questions: %w", err)
		}
		if err := errors.Join(retrieval.Write(f, questions), f.Close()); err != nil {
			return err
		}
		fmt.Fprintf(g.s.out, "%s: %s, for %s\n", clean(g.out), noun(len(questions), "question"), cost)
	}
	switch {
	case stopped != nil:
		return fmt.Errorf("stopped with %s: %w", noun(len(questions), "question"), stopped)
	case len(questions) < g.n:
		return sayNo("%s of %d could be made, for %s; another --seed draws other passages", noun(len(questions), "question"), g.n, cost)
	}
	return nil
}
