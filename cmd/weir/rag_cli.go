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

	"github.com/weir-dev/weir/rag"
)

func ragCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rag",
		Short: "RAG pipelines: index documents, ask, measure what is found, and swap collections",
		Long: `A pipeline of weir.yaml answers questions from documents: clients ask for the model rag/NAME. weir rag index reads documents here and gives
them to the running weir, which embeds only what has changed.`,
	}
	clientFlags(cmd)
	cmd.AddCommand(ragIndexCommand(), ragQueryCommand(), ragEvalCommand(), ragQuestionsCommand(), ragListCommand(), ragSwapCommand(), ragDropCommand())
	return cmd
}

// ragInfo is a pipeline as the API tells it.
type ragInfo struct {
	Name          string   `json:"name"`
	Model         string   `json:"model"`
	Index         string   `json:"index"`
	Embedding     string   `json:"embedding"`
	Splitter      string   `json:"splitter"`
	Target        string   `json:"target"`
	Collection    string   `json:"collection"`
	Previous      string   `json:"previous"`
	Points        int64    `json:"points"`
	Documents     int64    `json:"documents"`
	Questions     int64    `json:"questions"`
	HitRate       *float64 `json:"hit_rate"`
	CostPerAnswer *string  `json:"cost_per_answer_usd"`
	Recall        *float64 `json:"approximate_recall"`
	Measured      int      `json:"approximate_measured"`
	Error         string   `json:"error"`
	Collections   []struct {
		Name       string `json:"name"`
		Embedding  string `json:"embedding"`
		Dimensions int    `json:"dimensions"`
		Splitter   string `json:"splitter"`
		Points     int64  `json:"points"`
		Documents  int64  `json:"documents"`
		Role       string `json:"role"`
	} `json:"collections"`
}

func ragListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the pipelines, or one with its collections",
		Example: `  weir rag list
  weir rag list handbook`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if len(args) == 1 {
				var one ragInfo
				raw, err := c.get(cmd.Context(), "rag/"+url.PathEscape(args[0]), nil, &one)
				if err != nil {
					return err
				}
				if asJSON(cmd) {
					return s.asItCame(raw)
				}
				return s.pipeline(&one)
			}
			var list struct{ Pipelines []ragInfo }
			raw, err := c.get(cmd.Context(), "rag", nil, &list)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list.Pipelines) == 0 {
				s.note("no pipeline is configured: name one under rag in weir.yaml")
			}
			return s.pipelines(list.Pipelines)
		},
	}
}

func (s *screen) pipelines(list []ragInfo) error {
	sh := sheet{columns: []column{
		{name: "name", flex: true},
		{name: "model", flex: true},
		{name: "index", drop: 3},
		{name: "documents", right: true},
		{name: "chunks", right: true},
		{name: "questions 24 h", right: true, drop: 1},
		{name: "found", right: true, drop: 1},
		{name: "per answer", right: true, drop: 2},
		{name: "state", flex: true},
	}}
	for i := range list {
		p := &list[i]
		found := "-"
		if p.HitRate != nil {
			found = fmt.Sprintf("%.0f %%", 100**p.HitRate)
		}
		per := "-"
		if p.CostPerAnswer != nil {
			per = *p.CostPerAnswer
		}
		sh.rows = append(sh.rows, []string{p.Name, p.Model, p.Index, count(p.Documents), count(p.Points), count(p.Questions), found, per, p.state()})
	}
	return s.table(sh)
}

// state says in a few words what to do about a pipeline, if anything.
func (p *ragInfo) state() string {
	switch {
	case p.Error != "":
		return p.Error
	case p.Collection == "":
		return "not indexed"
	case p.Collection != p.Target:
		return "other settings than configured: index, then swap"
	}
	return "ok"
}

// pipeline shows one with its collections.
func (s *screen) pipeline(p *ragInfo) error {
	recall := ""
	if p.Recall != nil {
		recall = fmt.Sprintf("%.3f of what is nearest, over %s", *p.Recall, noun(p.Measured, "question"))
	}
	s.facts("name", p.Name, "model", p.Model, "index", p.Index, "embedding", p.Embedding, "splitter", p.Splitter, "answers", p.Collection, "documents go to", p.Target, "before", p.Previous, "approximate search", recall, "state", p.state())
	sh := sheet{columns: []column{
		{name: "collection", flex: true}, {name: "role"}, {name: "documents", right: true}, {name: "chunks", right: true}, {name: "embedding", flex: true, drop: 1}, {name: "dimensions", right: true, drop: 2}, {name: "splitter", flex: true, drop: 1},
	}}
	for _, c := range p.Collections {
		sh.rows = append(sh.rows, []string{c.Name, c.Role, count(c.Documents), count(c.Points), c.Embedding, strconv.Itoa(c.Dimensions), c.Splitter})
	}
	if len(sh.rows) == 0 {
		return nil
	}
	s.title("collections")
	return s.table(sh)
}

// ragSaid is an answer of a pipeline as the API tells it.
type ragSaid struct {
	Collection   string         `json:"collection"`
	Searched     string         `json:"searched"`
	Answer       string         `json:"answer"`
	NotInSources bool           `json:"not_in_sources"`
	Citations    []rag.Citation `json:"citations"`
	Contexts     []string       `json:"contexts"`
	Stages       []rag.Stage    `json:"stages"`
	RetrievalMS  float64        `json:"retrieval_ms"`
	TotalMS      float64        `json:"total_ms"`
	CostUSD      *string        `json:"cost_usd"`
	Chunks       []ragChunk     `json:"chunks"`
}

// ragChunk is a chunk with its way through the stages.
type ragChunk struct {
	rag.AskedChunk
	Text string `json:"text"`
}

func ragQueryCommand() *cobra.Command {
	var labels []string
	var project, collection string
	var bare, explain, exact bool
	cmd := &cobra.Command{
		Use:   "query NAME QUESTION…",
		Short: "Ask a pipeline: the answer, what it rests on, and with --explain the way of every chunk",
		Example: `  weir rag query handbook How many days of leave do I have
  weir rag query handbook "How many days of leave?" --no-answer --explain
  weir rag query handbook "Which rules hold?" --label year=2026 --json`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			filter, err := readLabels(labels)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			c.timeout = 10 * time.Minute
			in := map[string]any{"question": strings.Join(args[1:], " "), "labels": filter, "project": project, "answer": !bare, "explain": explain, "exact": exact, "collection": collection}
			var said ragSaid
			raw, err := c.do(cmd.Context(), http.MethodPost, "rag/"+url.PathEscape(args[0])+"/query", nil, in, &said)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.said(&said, bare, explain)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&labels, "label", nil, "only documents with this label: year=2026; several values of one name are joined by or")
	f.StringVar(&project, "project", "", "on whose account, and whose documents are searched (default)")
	f.StringVar(&collection, "collection", "", "search this one of the pipeline's collections (the one that answers)")
	f.BoolVar(&bare, "no-answer", false, "find passages, and ask no model for an answer")
	f.BoolVar(&explain, "explain", false, "show the way of every chunk through the stages")
	f.BoolVar(&exact, "exact", false, "compare with every vector in place of the approximate index")
	return cmd
}

func readLabels(words []string) (map[string][]string, error) {
	out := map[string][]string{}
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--label %q is no label: want name=value", w)
		}
		out[name] = append(out[name], value)
	}
	return out, nil
}

// said shows an answer.
func (s *screen) said(a *ragSaid, bare, explain bool) error {
	if bare {
		for i, text := range a.Contexts {
			s.title(fmt.Sprintf("passage %d", i+1))
			fmt.Fprintln(s.out, cleanLines(text))
		}
	} else {
		fmt.Fprintln(s.out, cleanLines(a.Answer))
	}
	if len(a.Citations) > 0 {
		s.title("rests on")
		for _, c := range a.Citations {
			mark := "verified"
			if !c.Verified {
				mark = "NOT VERIFIED"
			}
			fmt.Fprintf(s.out, "[%d] %s %d–%d, %s: “%s”\n", c.Source, clean(c.Document), c.Start, c.End, mark, clean(c.Quote))
		}
	}
	s.title("stages")
	sh := sheet{columns: []column{{name: "stage"}, {name: "ms", right: true}, {name: "out", right: true}, {name: "note", flex: true}}}
	for _, st := range a.Stages {
		sh.rows = append(sh.rows, []string{string(st.Step), fmt.Sprintf("%.1f", st.TookMS), strconv.Itoa(st.Out), st.Note + st.Error})
	}
	if err := s.table(sh); err != nil {
		return err
	}
	if explain {
		if err := s.ways(a); err != nil {
			return err
		}
	}
	s.note("%s; retrieval %.1f ms of %.1f ms; cost %s", a.Collection, a.RetrievalMS, a.TotalMS, money(a.CostUSD))
	return nil
}

// ways shows where each chunk stood after each stage, and where its way ended.
func (s *screen) ways(a *ragSaid) error {
	s.title("chunks")
	steps := []rag.Step{rag.StepDense, rag.StepSparse, rag.StepFuse, rag.StepMMR, rag.StepRerank, rag.StepPack, rag.StepCite}
	sh := sheet{columns: []column{{name: "document", flex: true}}}
	for _, st := range steps {
		sh.columns = append(sh.columns, column{name: string(st), right: true})
	}
	sh.columns = append(sh.columns, column{name: "dropped", flex: true}, column{name: "text", flex: true})
	for _, c := range a.Chunks {
		row := []string{c.Document}
		for _, st := range steps {
			p, ok := c.Places[st]
			switch {
			case !ok:
				row = append(row, "")
			case p.Score != 0:
				row = append(row, fmt.Sprintf("%d (%.4g)", p.Rank, p.Score))
			default:
				row = append(row, strconv.Itoa(p.Rank))
			}
		}
		dropped := ""
		if c.Dropped != "" {
			dropped = string(c.Dropped) + ": " + c.Why
		}
		sh.rows = append(sh.rows, append(row, dropped, c.Text))
	}
	return s.table(sh)
}

func ragDropCommand() *cobra.Command {
	var collection string
	var all bool
	cmd := &cobra.Command{
		Use:     "drop NAME",
		Short:   "Remove a collection that does not answer, or with --all every one of the pipeline's",
		Example: `  weir rag drop handbook --collection handbook-3fd2a1c0`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (collection == "") != all {
				return errors.New("say which collection with --collection, or --all; weir rag list NAME shows them")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			q := url.Values{}
			if collection != "" {
				q.Set("collection", collection)
			}
			var out struct{ Collections []string }
			raw, err := c.do(cmd.Context(), http.MethodDelete, "rag/"+url.PathEscape(args[0]), q, nil, &out)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			for _, name := range slices.Sorted(slices.Values(out.Collections)) {
				fmt.Fprintf(s.out, "removed %s\n", clean(name))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&collection, "collection", "", "the collection to remove")
	cmd.Flags().BoolVar(&all, "all", false, "remove all of the pipeline's: it answers nothing until it is indexed again")
	return cmd
}
