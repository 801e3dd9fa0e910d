// Package rouge scores texts by ROUGE exactly as google-research's rouge_score does.
//
// ROUGE is of Lin (ACL 2004). The Perl program ROUGE-1.5.5 stems by tables of irregular forms and gives other figures there.
package rouge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/eval/text"
)

// Type is one kind of ROUGE: rouge1 to rouge9, rougeL, rougeLsum.
type Type string

// The longest common subsequence, of the texts as a whole, and line by line.
const (
	L    Type = "rougeL"
	Lsum Type = "rougeLsum"
)

// Order is the n of a rougeN, and false for other types.
func (t Type) Order() (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(string(t), "rouge"))
	return n, err == nil && n >= 1 && n <= 9 && strings.HasPrefix(string(t), "rouge") && len(t) == len("rouge1")
}

// Check says what is wrong with a type.
func (t Type) Check() error {
	if _, ok := t.Order(); ok || t == L || t == Lsum {
		return nil
	}
	return fmt.Errorf("%q is no type of ROUGE: want rouge1 to rouge9, rougeL or rougeLsum", string(t))
}

// Score is one ROUGE, each from 0 to 1.
type Score struct{ Precision, Recall, F float64 }

func scoreOf(hits, hyp, ref float64) Score {
	s := Score{Precision: hits / max(hyp, 1), Recall: hits / max(ref, 1)}
	if sum := s.Precision + s.Recall; sum > 0 {
		s.F = 2 * s.Precision * s.Recall / sum
	}
	return s
}

// Options say which ROUGE.
type Options struct {
	Types     []Type
	Stem      bool
	Tokenizer Tokenizer // "" is rouge_score's
}

// Scorer scores texts. It keeps room between them and is for one goroutine.
type Scorer struct {
	o          Options
	words      text.Words
	grams      text.Grams
	tokens     []string
	hyp, ref   []int32
	hypA, refA []int32
	have, seen []int32
	table      []int32
	hypLines   [][]int32
	refLines   [][]int32
	union      []bool
}

// NewScorer makes a scorer. The types must pass their Check.
func NewScorer(o Options) *Scorer {
	if o.Tokenizer == "" {
		o.Tokenizer = Standard
	}
	return &Scorer{o: o}
}

// Score gives the scores of the types, in their order, of a text against the reference that gives it the best F, which may be another
// for each type. Without references all are 0.
func (s *Scorer) Score(hyp string, refs ...string) []Score {
	out := make([]Score, len(s.o.Types))
	for i, ref := range refs {
		s.words.Reset()
		s.hyp = s.read(s.hyp[:0], hyp)
		s.ref = s.read(s.ref[:0], ref)
		for k, t := range s.o.Types {
			if one := s.one(t, hyp, ref); i == 0 || one.F > out[k].F {
				out[k] = one
			}
		}
	}
	return out
}

func (s *Scorer) one(t Type, hyp, ref string) Score {
	if n, ok := t.Order(); ok {
		return s.ngrams(n)
	}
	if t == Lsum {
		s.hypLines, s.refLines = s.lines(s.hypLines, hyp), s.lines(s.refLines, ref)
		return s.summary()
	}
	if len(s.hyp) == 0 || len(s.ref) == 0 {
		return Score{}
	}
	return scoreOf(float64(s.lcs()), float64(len(s.hyp)), float64(len(s.ref)))
}

func (s *Scorer) read(dst []int32, line string) []int32 {
	s.tokens = s.o.Tokenizer.appendTokens(s.tokens[:0], line, s.o.Stem)
	for _, t := range s.tokens {
		dst = append(dst, s.words.ID([]byte(t)))
	}
	return dst
}

func (s *Scorer) lines(dst [][]int32, whole string) [][]int32 {
	n := 0
	for line := range strings.SplitSeq(whole, "\n") {
		if line == "" {
			continue
		}
		if n == len(dst) {
			dst = append(dst, nil)
		}
		dst[n] = s.read(dst[n][:0], line)
		n++
	}
	return dst[:n:cap(dst)]
}

// ngrams is rougeN.
func (s *Scorer) ngrams(n int) Score {
	s.hypA, s.refA = append(s.hypA[:0], s.hyp...), append(s.refA[:0], s.ref...)
	for order := 1; order <= n; order++ {
		s.grams.Reset()
		s.hypA = s.grams.Extend(s.hypA, s.hyp, order, true)
		s.refA = s.grams.Extend(s.refA, s.ref, order, false)
	}
	s.have, s.seen = text.Zeroed(s.have, s.grams.Len()), text.Zeroed(s.seen, s.grams.Len())
	for _, id := range s.hypA {
		s.have[id]++
	}
	for _, id := range s.refA {
		if id >= 0 {
			s.seen[id]++
		}
	}
	hits := 0
	for id, have := range s.have {
		hits += int(min(have, s.seen[id]))
	}
	return scoreOf(float64(hits), float64(len(s.hypA)), float64(len(s.refA)))
}

// lcs is the length of the longest common subsequence of the two texts.
func (s *Scorer) lcs() int {
	row := text.Zeroed(s.table, len(s.hyp)+1)
	s.table = row
	for _, r := range s.ref {
		var diagonal int32
		for j, h := range s.hyp {
			above := row[j+1]
			if r == h {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return int(row[len(s.hyp)])
}

// summary is rougeLsum: for each line of the reference the union of its longest common subsequences with all lines of the text,
// each token counted as often as both have it.
func (s *Scorer) summary() Score {
	var hyp, ref int
	s.grams.Reset()
	for _, lines := range [...][][]int32{s.hypLines, s.refLines} { // small numbers, for tables
		for _, line := range lines {
			s.grams.Extend(line, line, 1, true)
		}
	}
	s.have, s.seen = text.Zeroed(s.have, s.grams.Len()), text.Zeroed(s.seen, s.grams.Len())
	for _, line := range s.hypLines {
		hyp += len(line)
		for _, t := range line {
			s.have[t]++
		}
	}
	for _, line := range s.refLines {
		ref += len(line)
		for _, t := range line {
			s.seen[t]++
		}
	}
	if hyp == 0 || ref == 0 {
		return Score{}
	}
	hits := 0
	for _, r := range s.refLines {
		if cap(s.union) < len(r) {
			s.union = make([]bool, len(r))
		}
		s.union = s.union[:len(r)]
		clear(s.union)
		for _, h := range s.hypLines {
			s.mark(r, h)
		}
		for i, in := range s.union {
			if t := r[i]; in && s.have[t] > 0 && s.seen[t] > 0 {
				s.have[t]--
				s.seen[t]--
				hits++
			}
		}
	}
	return scoreOf(float64(hits), float64(hyp), float64(ref))
}

// mark notes in union which tokens of the reference's line one longest common subsequence with a line of the text takes, going
// back from the end: along the diagonal where tokens are equal, else to the left where that is longer, else up.
func (s *Scorer) mark(ref, hyp []int32) {
	wide := len(hyp) + 1
	s.table = text.Zeroed(s.table, (len(ref)+1)*wide)
	t := s.table
	for i, r := range ref {
		for j, h := range hyp {
			if r == h {
				t[(i+1)*wide+j+1] = t[i*wide+j] + 1
			} else {
				t[(i+1)*wide+j+1] = max(t[i*wide+j+1], t[(i+1)*wide+j])
			}
		}
	}
	for i, j := len(ref), len(hyp); i > 0 && j > 0; {
		switch {
		case ref[i-1] == hyp[j-1]:
			s.union[i-1] = true
			i--
			j--
		case t[i*wide+j-1] > t[(i-1)*wide+j]:
			j--
		default:
			i--
		}
	}
}

// Signature says which ROUGE a score is. refs is how many references each segment had, 0 when that varied; version is weir's.
func (o Options) Signature(refs int, version string) string {
	parts := []string{"nrefs:var", "stem:no", "tok:" + string(Standard), "agg:mean", "version:weir-" + version, "ref-impl:rouge_score-0.1.2"}
	if refs > 0 {
		parts[0] = fmt.Sprintf("nrefs:%d", refs)
	}
	if o.Stem {
		parts[1] = "stem:porter-nltk"
	}
	if o.Tokenizer == Unicode {
		parts[2], parts[5] = "tok:unicode", "ref-impl:none"
	}
	return strings.Join(parts, "|")
}
