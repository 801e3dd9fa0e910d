package rag

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// fencing is a mark that stands in the lines around texts of others, so that a text cannot pretend to end. It is made of all
// texts, so that the same ones give the same prompt, and so that a text cannot know it.
func fencing(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d\n%s\n", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// What stands before the mark, and before the question.
const (
	sourcesBefore  = "The sources. Each stands between two lines with the mark "
	questionBefore = "Question: "
)

// sourcesText is what the model is shown of the sources.
func sourcesText(sources []*Source, question string) string {
	texts := make([]string, 0, len(sources)+1)
	texts = append(texts, question)
	for _, s := range sources {
		texts = append(texts, s.Text)
	}
	mark := fencing(texts...)
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s, and its number in front of its text.\n\n", sourcesBefore, mark)
	for _, s := range sources {
		c := s.Candidate
		fmt.Fprintf(&b, "=== %s ===\ndocument: %s\n", mark, oneLine(c.Document))
		if c.Title != "" {
			fmt.Fprintf(&b, "title: %s\n", oneLine(c.Title))
		}
		if len(c.Headings) > 0 {
			fmt.Fprintf(&b, "section: %s\n", oneLine(strings.Join(c.Headings, " > ")))
		}
		fmt.Fprintf(&b, "\n[%d]\n%s\n=== end %s ===\n\n", s.Number, s.Text, mark)
	}
	return b.String()
}

// oneLine writes a name of others so that it cannot break out of its line.
func oneLine(s string) string {
	b, _ := json.Marshal(clip(s, 300)) // a string cannot fail
	return string(b)
}
