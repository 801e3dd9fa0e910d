package online

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// Fraction is where a unit stands in [0, 1): the first 53 bits of its SHA-256. It is the same for all rules, so that what a small sample
// has, every larger one has too.
func Fraction(unit string) float64 {
	sum := sha256.Sum256([]byte(unit))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

// Unit is what the sample decides about: the call, or its session or user where it has one.
func (b By) Unit(s *trace.Span) string {
	switch {
	case b == BySession && s.Session != "":
		return s.Session
	case b == ByUser && s.User != "":
		return s.User
	}
	return s.ID
}

// Sampled says whether a call is in the rule's sample.
func (r *Rule) Sampled(s *trace.Span) bool { return Fraction(r.By.Unit(s)) < r.Rate }

// live says whether a call is one that people or their programs made: no embedding, no judge's question, no item of an evaluation.
func live(s *trace.Span) bool {
	if s.Project == Project || !slices.Contains([]llm.Endpoint{llm.ChatCompletions, llm.Messages}, s.Endpoint) {
		return false
	}
	for _, tag := range []string{"judge", "eval_run", "eval_ask"} {
		if _, is := s.Tags[tag]; is {
			return false
		}
	}
	return true
}
