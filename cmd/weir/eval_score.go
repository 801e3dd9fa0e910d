package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval/bleu"
	"github.com/weir-dev/weir/eval/text"
)

// metricNames are those of weir eval score.
var metricNames = []string{"bleu", "chrf", "ter", "rouge"}

// scoreOptions are the flags of weir eval score.
type scoreOptions struct {
	metrics, refs []string
	hyp           string
	sentences     bool

	tokenize, smooth           string
	smoothValue                float64
	lowercase, effective       bool
	maxOrder                   int
	charOrder, wordOrder       int
	beta                       float64
	whitespace, eps            bool
	normalized, noPunct, asian bool
	caseSensitive              bool
	rougeTypes                 []string
	stemmer, unicode           bool

	given func(flag string) bool
}

func evalScoreCommand() *cobra.Command {
	var o scoreOptions
	cmd := &cobra.Command{
		Use:   "score --metric M --hyp F --ref F",
		Short: "Score a file of texts against references, offline",
		Long: `score compares texts with references, line by line, without a server. Files hold one segment a line, or, when they end in .jsonl,
one JSON string a line, so that a segment can have several lines; null is a reference that a segment lacks. - is standard
input. BLEU, chrF and TER are sacreBLEU 2.6.0's to the last digit, ROUGE is rouge_score's; the signature says which variant.`,
		Example: `  weir eval score --metric bleu --hyp out.txt --ref ref.txt
  weir eval score --metric bleu --hyp out.txt --ref a.txt --ref b.txt --tokenize intl --lowercase
  weir eval score --metric chrf --word-order 2 --hyp out.txt --ref ref.txt      # chrF++
  weir eval score --metric rouge --rouge-types rouge1,rougeLsum --stemmer --hyp out.jsonl --ref ref.jsonl --json
  model < in.txt | weir eval score --metric bleu,ter --hyp - --ref ref.txt --sentence-level --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = func(flag string) bool { return cmd.Flags().Changed(flag) }
			return evalScore(cmd, &o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.metrics, "metric", nil, "bleu, chrf, ter, rouge; several with commas")
	f.StringVar(&o.hyp, "hyp", "", "file of what is scored")
	f.StringArrayVar(&o.refs, "ref", nil, "file of references; repeat it for several references of each segment")
	f.BoolVar(&o.sentences, "sentence-level", false, "each segment's score, too")
	f.StringVar(&o.tokenize, "tokenize", "13a", "BLEU: "+joined(bleu.Tokenizers))
	f.StringVar(&o.smooth, "smooth", "exp", "BLEU: "+joined(bleu.Smoothings))
	f.Float64Var(&o.smoothValue, "smooth-value", 0, "BLEU: of floor (default 0.1) and add-k (default 1)")
	f.BoolVar(&o.lowercase, "lowercase", false, "BLEU, chrF: letters of both cases are equal")
	f.IntVar(&o.maxOrder, "max-order", 4, "BLEU: longest n-grams")
	f.BoolVar(&o.effective, "effective-order", false, "BLEU: orders that the texts are too short for do not count (default with --sentence-level, for the sentences)")
	f.IntVar(&o.charOrder, "char-order", 6, "chrF: longest n-grams of characters")
	f.IntVar(&o.wordOrder, "word-order", 0, "chrF: longest n-grams of words; 2 is chrF++")
	f.Float64Var(&o.beta, "beta", 2, "chrF: how much more recall weighs than precision")
	f.BoolVar(&o.whitespace, "whitespace", false, "chrF: white space counts")
	f.BoolVar(&o.eps, "eps-smoothing", false, "chrF: average over all orders, as chrF++.py does")
	f.BoolVar(&o.normalized, "normalized", false, "TER: part punctuation from words")
	f.BoolVar(&o.noPunct, "no-punct", false, "TER: take punctuation out")
	f.BoolVar(&o.asian, "asian-support", false, "TER: the two above for Chinese and Japanese, too")
	f.BoolVar(&o.caseSensitive, "case-sensitive", false, "TER: letters of both cases differ")
	f.StringSliceVar(&o.rougeTypes, "rouge-types", []string{"rouge1", "rouge2", "rougeL", "rougeLsum"}, "ROUGE: rouge1 to rouge9, rougeL, rougeLsum")
	f.BoolVar(&o.stemmer, "stemmer", false, "ROUGE: compare stems of words")
	f.BoolVar(&o.unicode, "unicode-tokens", false, "ROUGE: letters of all scripts make tokens; not comparable with rouge_score")
	return cmd
}

func joined[S ~string](list []S) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// scored is what a metric says: of all segments, and of each when that is asked for.
type scored struct {
	Name      string    `json:"name"`
	Score     *float64  `json:"score,omitempty"`
	Precision *float64  `json:"precision,omitempty"`
	Recall    *float64  `json:"recall,omitempty"`
	F         *float64  `json:"fmeasure,omitempty"`
	Signature string    `json:"signature"`
	Detail    any       `json:"detail,omitempty"`
	Sentences []float64 `json:"sentences,omitempty"` // the F of ROUGE
}

func evalScore(cmd *cobra.Command, o *scoreOptions) error {
	scorers, err := o.scorers()
	if err != nil {
		return err
	}
	if o.hyp == "" || len(o.refs) == 0 {
		return errors.New("name the files: --hyp F for what is scored, --ref F for the references")
	}
	files, size, closeAll, err := openTexts(cmd, append([]string{o.hyp}, o.refs...))
	if err != nil {
		return err
	}
	defer closeAll()
	tracker, stop := progressBar(cmd, "scoring", size)
	refs, err := scoreLines(files, scorers, tracker)
	stop()
	if err != nil {
		return err
	}
	var all []scored
	for _, s := range scorers {
		all = append(all, s.done(refs)...)
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.encode(map[string]any{"metrics": all, "segments": files[0].lines.Read()})
	}
	return s.scored(all, files[0].lines.Read())
}

// textFile is a file of segments.
type textFile struct {
	name  string
	lines *text.Lines
}

// openTexts opens files; size is the bytes of the first, 0 when they are not known.
func openTexts(cmd *cobra.Command, names []string) (files []textFile, size int64, closeAll func(), err error) {
	var open []io.Closer
	closeAll = func() {
		for _, f := range open {
			_ = f.Close() // only read
		}
	}
	stdin := false
	for i, name := range names {
		var from io.Reader
		if name == "-" {
			if stdin {
				closeAll()
				return nil, 0, nil, errors.New("only one file can be - (standard input)")
			}
			stdin, from = true, cmd.InOrStdin()
			name = "standard input"
		} else {
			f, err := os.Open(name)
			if err != nil {
				closeAll()
				return nil, 0, nil, fmt.Errorf("open the texts: %w", err)
			}
			open, from = append(open, f), f
			if info, err := f.Stat(); err == nil && i == 0 && info.Mode().IsRegular() {
				size = info.Size()
			}
		}
		files = append(files, textFile{name, text.NewLines(name, from, strings.HasSuffix(name, ".jsonl"))})
	}
	return files, size, closeAll, nil
}

// scoreLines goes through the files in step, and gives how many references each segment had, 0 when that varied.
func scoreLines(files []textFile, scorers []segmentScorer, tracker *progress.Tracker) (refs int, err error) {
	refs = -1
	line := make([]*string, len(files))
	for {
		ended := 0
		for i, f := range files {
			s, err := f.lines.Next()
			switch {
			case errors.Is(err, io.EOF):
				ended++
				continue
			case err != nil:
				return 0, err
			case s == nil && i == 0:
				return 0, fmt.Errorf("%s, line %d: null: only a reference can be missing", f.name, f.lines.Read())
			}
			line[i] = s
		}
		if ended == len(files) {
			break
		}
		if ended > 0 {
			return 0, unequal(files)
		}
		n := 0
		for _, r := range line[1:] {
			if r != nil {
				n++
			}
		}
		switch {
		case n == 0:
			return 0, fmt.Errorf("line %d has no reference in any file", files[0].lines.Read())
		case refs < 0:
			refs = n
		case refs != n:
			refs = 0
		}
		for _, s := range scorers {
			s.add(*line[0], line[1:])
		}
		tracker.Increment(int64(len(*line[0]) + 1))
	}
	if refs < 0 {
		return 0, fmt.Errorf("%s is empty: there is nothing to score", files[0].name)
	}
	return refs, nil
}

// unequal says how many segments each file has.
func unequal(files []textFile) error {
	var counts []string
	for _, f := range files {
		for {
			if _, err := f.lines.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
		}
		counts = append(counts, fmt.Sprintf("%s has %d", f.name, f.lines.Read()))
	}
	return fmt.Errorf("the files are not of one length: %s segments; each line of one belongs to the same line of the others", strings.Join(counts, ", "))
}

// scored shows scores.
func (s *screen) scored(all []scored, segments int) error {
	number := func(v *float64, digits int) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', digits, 64)
	}
	sh := sheet{columns: []column{
		{name: "metric"}, {name: "score", right: true}, {name: "precision", right: true, drop: 1}, {name: "recall", right: true, drop: 1}, {name: "signature", flex: true, drop: 2},
	}}
	for _, m := range all {
		score := number(m.Score, 4)
		if m.F != nil {
			score = number(m.F, 6)
		}
		sh.rows = append(sh.rows, []string{m.Name, score, number(m.Precision, 6), number(m.Recall, 6), m.Signature})
	}
	if err := s.table(sh); err != nil {
		return err
	}
	s.note("%s; ROUGE is from 0 to 1 (its score is F), the others are percents", noun(segments, "segment"))
	if slices.ContainsFunc(all, func(m scored) bool { return m.Sentences != nil }) {
		s.note("each segment's score is in the JSON: add --json")
	}
	return nil
}
