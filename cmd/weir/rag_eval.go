package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval/retrieval"
)

// ragEval is weir rag eval.
type ragEval struct {
	questions       string
	depths          []int
	gates           []string
	stages, csv     bool
	against         string
	collection      string
	otherCollection string
	project         string
	exact           bool
	approximate     bool
	worst, parallel int

	c *client
	s *screen
}

func ragEvalCommand() *cobra.Command {
	e := &ragEval{}
	cmd := &cobra.Command{
		Use:   "eval NAME --questions FILE.jsonl",
		Short: "Measure what a pipeline finds for labelled questions, stage by stage",
		Long: `eval asks a pipeline of the running weir each question of a file, without having it answered, and measures where the places that are labelled as
relevant stand after each stage: recall, hits, mean reciprocal rank and nDCG, with 95 % intervals. A line of the file is

  {"question": "…", "relevant": [{"document": "leave.md", "quote": "thirty days of paid leave", "grade": 2}]}

A passage is relevant when the quote is in it, however the document is cut. An id of a document or a passage may stand in place of the object.
"unanswerable": true says that nothing answers the question. weir rag questions makes such a file.

--gate 'ndcg@10>=0.5' ends with 1 when the bound is not kept; it is about the last stage of ranking, or one that is named (dense.recall@10>=0.3), or with
--against about the difference (delta.ndcg@10>=-0.02). --against B compares two pipelines question by question, --against-collection two collections.
--approximate measures another thing: the share of the nearest passages by meaning that the approximate index finds.`,
		Example: `  weir rag eval handbook --questions labelled.jsonl --stages
  weir rag eval handbook --questions labelled.jsonl --gate 'ndcg@10>=0.5' --gate 'recall@10>=0.8'
  weir rag eval handbook --against handbook-reranked --questions labelled.jsonl
  weir rag eval handbook --questions labelled.jsonl --approximate`,
		Args: oneArg("a pipeline"),
		RunE: func(cmd *cobra.Command, args []string) error { return e.do(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&e.questions, "questions", "", "file of labelled questions")
	f.IntSliceVar(&e.depths, "k", []int{1, 5, 10}, "how many of the best passages are looked at")
	f.StringArrayVar(&e.gates, "gate", nil, "a bound that must be kept: ndcg@10>=0.5; several may be given")
	f.BoolVar(&e.stages, "stages", false, "show the figures after each stage")
	f.BoolVar(&e.csv, "csv", false, "print comma-separated values, a line for each question and stage")
	f.StringVar(&e.against, "against", "", "another pipeline to compare with")
	f.StringVar(&e.collection, "collection", "", "ask this one of the pipeline's collections (the one that answers)")
	f.StringVar(&e.otherCollection, "against-collection", "", "another collection to compare with, of the pipeline or of that given by --against")
	f.StringVar(&e.project, "project", "", "on whose account, and whose documents are searched (default)")
	f.BoolVar(&e.exact, "exact", false, "compare with every vector in place of the approximate index")
	f.BoolVar(&e.approximate, "approximate", false, "compare the approximate search by meaning with the exact one")
	f.IntVar(&e.worst, "worst", 5, "so many of the worst questions are shown")
	f.IntVar(&e.parallel, "parallel", 4, "how many questions are asked at one time")
	return cmd
}

// check looks at the flags and reads what they name.
func (e *ragEval) check(cmd *cobra.Command) ([]retrieval.Question, []retrieval.Bound, error) {
	switch {
	case e.questions == "":
		return nil, nil, errors.New("name the labelled questions: --questions FILE.jsonl; weir rag questions makes such a file")
	case len(e.depths) == 0 || slices.Min(e.depths) < 1 || slices.Max(e.depths) > maxDepth:
		return nil, nil, fmt.Errorf("--k is from 1 to %d: it takes numbers such as 1,5,10", maxDepth)
	case e.parallel < 1 || e.parallel > 64:
		return nil, nil, errors.New("--parallel is from 1 to 64")
	case e.csv && asJSON(cmd):
		return nil, nil, errors.New("choose one of --csv and --json")
	case e.approximate && (e.exact || e.compares() || e.csv || len(e.gates) > 0 || e.stages):
		return nil, nil, errors.New("--approximate takes none of --exact, --against, --against-collection, --gate, --stages and --csv")
	}
	bounds, err := readBounds(e.gates, e.compares())
	if err != nil {
		return nil, nil, err
	}
	questions, err := readQuestions(e.questions)
	return questions, bounds, err
}

const maxDepth = 1000

func (e *ragEval) compares() bool { return e.against != "" || e.otherCollection != "" }

// readBounds reads gates.
func readBounds(gates []string, compared bool) ([]retrieval.Bound, error) {
	var out []retrieval.Bound
	for _, text := range gates {
		b, err := retrieval.ParseBound(text)
		if err != nil {
			return nil, err
		}
		if b.Delta && !compared {
			return nil, fmt.Errorf("the gate %q is about a difference, and nothing is compared: want --against or --against-collection", text)
		}
		if b.Metric.K > maxDepth {
			return nil, fmt.Errorf("the gate %q looks at more than %d passages", text, maxDepth)
		}
		out = append(out, b)
	}
	return out, nil
}

// readQuestions reads a file of labelled questions.
func readQuestions(file string) ([]retrieval.Question, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read labelled questions: %w", err)
	}
	defer f.Close()
	return retrieval.Read(f, file)
}

// ragMeasured is a pipeline's collection with what it came to.
type ragMeasured struct {
	Pipeline   string `json:"pipeline"`
	Collection string `json:"collection"`
	Embedding  string `json:"embedding"`
	Splitter   string `json:"splitter"`
	retrieval.Report
	RetrievalP50 float64 `json:"retrieval_p50_ms"`
	RetrievalP95 float64 `json:"retrieval_p95_ms"`
}

// ragEvaluation is what weir rag eval prints as JSON.
type ragEvaluation struct {
	*ragMeasured
	Against     *ragMeasured           `json:"against,omitempty"`
	Differences []retrieval.Difference `json:"differences,omitempty"` // of this one to what it is compared with
	Gates       []ragGated             `json:"gates,omitempty"`
}

// ragGated is a gate and whether it was kept.
type ragGated struct {
	Gate   string `json:"gate"`
	Passed bool   `json:"passed"`
	Why    string `json:"why,omitempty"` // it was not
}

func (e *ragEval) do(cmd *cobra.Command, name string) error {
	questions, bounds, err := e.check(cmd)
	if err != nil {
		return err
	}
	if e.c, err = newClient(cmd); err != nil {
		return err
	}
	e.s = newScreen(cmd)
	ctx := cmd.Context()
	side, err := e.side(ctx, name, e.collection)
	if err != nil {
		return err
	}
	if e.approximate {
		return e.approximately(cmd, side, questions)
	}
	metrics := retrieval.Metrics(e.depths, bounds)
	out := ragEvaluation{}
	if out.ragMeasured, err = e.measure(cmd, side, questions, metrics); err != nil {
		return err
	}
	if e.compares() {
		if err := e.compare(cmd, name, &out, questions, metrics); err != nil {
			return err
		}
	}
	out.hold(bounds)
	if err := e.tell(cmd, &out); err != nil {
		return err
	}
	return out.verdict()
}

// compare measures the other side.
func (e *ragEval) compare(cmd *cobra.Command, name string, out *ragEvaluation, questions []retrieval.Question, metrics []retrieval.Metric) error {
	other, err := e.side(cmd.Context(), cmp.Or(e.against, name), e.otherCollection)
	if err != nil {
		return err
	}
	if out.Against, err = e.measure(cmd, other, questions, metrics); err != nil {
		return err
	}
	out.Differences, err = retrieval.Compare(&out.Against.Report, &out.Report)
	return err
}

// hold holds the report against bounds.
func (v *ragEvaluation) hold(bounds []retrieval.Bound) {
	for _, b := range bounds {
		why := b.Check(&v.Report, v.Differences)
		v.Gates = append(v.Gates, ragGated{b.String(), why == "", why})
	}
}

// verdict says no when a gate is not kept.
func (v *ragEvaluation) verdict() error {
	var bad []string
	for _, g := range v.Gates {
		if !g.Passed {
			bad = append(bad, g.Why)
		}
	}
	if len(bad) > 0 {
		return sayNo("%s does not pass: %s", v.Collection, strings.Join(bad, "; "))
	}
	return nil
}

// measure asks all questions.
func (e *ragEval) measure(cmd *cobra.Command, side *ragSide, questions []retrieval.Question, metrics []retrieval.Metric) (*ragMeasured, error) {
	ctx := cmd.Context()
	texts, err := side.texts(ctx, retrieval.Documents(questions))
	if err != nil {
		return nil, err
	}
	bar, done := progressBar(cmd, "asking "+side.name, int64(len(questions)))
	defer done()
	results, took := make([]retrieval.Result, len(questions)), make([]float64, len(questions))
	err = each(ctx, len(questions), e.parallel, func(ctx context.Context, i int) error {
		said, err := side.ask(ctx, questions[i].Question, nil)
		if err != nil {
			return fmt.Errorf("question %s: %w", questions[i].ID, err)
		}
		target := retrieval.Aim(&questions[i], func(document string) *retrieval.Text { return texts[document] })
		results[i] = retrieval.Measure(target, foundOf(said), metrics)
		took[i] = said.RetrievalMS
		bar.Increment(1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	times := tookOf(took)
	return &ragMeasured{
		Pipeline: side.name, Collection: side.collection, Embedding: side.embedding, Splitter: side.splitter, Report: retrieval.Summarise(results, metrics),
		RetrievalP50: times.P50, RetrievalP95: times.P95,
	}, nil
}
