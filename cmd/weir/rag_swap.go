package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func ragSwapCommand() *cobra.Command {
	var to, questions string
	var back, force bool
	var least float64
	var k int
	cmd := &cobra.Command{
		Use:   "swap NAME",
		Short: "Have the collection of the present settings answer, at once, after a test if questions are given",
		Long: `swap moves the pipeline from the collection that answers to the one that documents were indexed into with the present embedding model and
splitter. With --questions it first asks the new collection each of them and looks whether the passages that are labelled as relevant come back:
a line of the file is {"question": "…", "relevant": ["a document's or a chunk's id", …]}. Below --min-recall nothing is moved, and the exit code is 1.
The collection that answered before is kept: swap --back moves to it again.`,
		Example: `  weir rag swap handbook --questions labelled.jsonl --min-recall 0.8
  weir rag swap handbook --back`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if back && (to != "" || questions != "") {
				return errors.New("--back goes to the collection before, and takes neither --to nor --questions")
			}
			if !(least >= 0 && least <= 1) || k < 1 {
				return errors.New("--min-recall is from 0 to 1, and --k 1 or more")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s, at := newScreen(cmd), "rag/"+url.PathEscape(args[0])
			if questions != "" {
				if err := ragGate(cmd.Context(), c, s, at, to, questions, k, least); err != nil {
					return err
				}
			}
			path, in := at+"/swap", any(map[string]any{"to": to, "force": force})
			if back {
				path, in = at+"/rollback", nil
			}
			var out struct {
				Collection, Previous string
				Points               int64
				Moved                bool
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, path, nil, in, &out)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if !out.Moved {
				fmt.Fprintf(s.out, "%s answers already, with %s chunks\n", clean(out.Collection), count(out.Points))
				return nil
			}
			fmt.Fprintf(s.out, "%s answers now, with %s chunks; before: %s\n", clean(out.Collection), count(out.Points), clean(out.Previous))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "move to this one of the pipeline's collections")
	f.BoolVar(&back, "back", false, "move to the collection that answered before")
	f.BoolVar(&force, "force", false, "move though the collection is empty or far smaller than the one that answers")
	f.StringVar(&questions, "questions", "", "file of labelled questions to test the collection with before")
	f.Float64Var(&least, "min-recall", 0.8, "the mean share of relevant passages that must come back")
	f.IntVar(&k, "k", 10, "among how many of the best chunks they are looked for")
	return cmd
}

// labelled is a question with what is relevant to it: ids of documents or chunks.
type labelled struct {
	Question string   `json:"question"`
	Relevant []string `json:"relevant"`
}

// ragGate asks the collection that is to answer, and says no when too little of what is relevant comes back.
func ragGate(ctx context.Context, c *client, s *screen, at, to, file string, k int, least float64) error {
	questions, err := readLabelled(file)
	if err != nil {
		return err
	}
	if to == "" {
		var p ragInfo
		if _, err := c.get(ctx, at, nil, &p); err != nil {
			return err
		}
		to = p.Target
	}
	c.timeout = 10 * time.Minute
	sum := 0.0
	for i := range questions {
		q := &questions[i]
		var said ragSaid
		in := map[string]any{"question": q.Question, "answer": false, "explain": true, "collection": to}
		if _, err := c.do(ctx, http.MethodPost, at+"/query", nil, in, &said); err != nil {
			return fmt.Errorf("question %d: %w", i+1, err)
		}
		sum += q.recall(&said, k)
	}
	mean := sum / float64(len(questions))
	s.note("%s: recall@%d is %.3f over %s", to, k, mean, noun(len(questions), "question"))
	if mean < least {
		return sayNo("recall@%d of %s is %.3f, below %.3f: nothing was moved", k, to, mean, least)
	}
	return nil
}

// recall is the share of what is relevant that is among the first k chunks.
func (q *labelled) recall(said *ragSaid, k int) float64 {
	found := map[string]bool{}
	for _, c := range said.Chunks[:min(k, len(said.Chunks))] {
		found[c.ID], found[c.Document] = true, true
	}
	n := 0
	for _, id := range q.Relevant {
		if found[id] {
			n++
		}
	}
	return float64(n) / float64(len(q.Relevant))
}

func readLabelled(file string) ([]labelled, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read labelled questions: %w", err)
	}
	var out []labelled
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var q labelled
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil || q.Question == "" || len(q.Relevant) == 0 {
			return nil, fmt.Errorf(`%s:%d: want {"question": "…", "relevant": ["id", …]}`, file, n)
		}
		out = append(out, q)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no questions", file)
	}
	return out, nil
}
