package rag

import (
	"fmt"
	"strings"
)

// Order is how passages stand in the prompt.
type Order string

// BestFirst goes by rank. Edges puts the best at both ends and the worst in the middle, where models look least.
const (
	BestFirst Order = "best_first"
	Edges     Order = "edges"
)

// Source is a passage as the model is shown it, numbered from 1 in the order of the prompt.
type Source struct {
	Number     int
	Candidate  *Candidate // the best of those that the passage stands for
	Text       string
	Start, End int // byte offsets in the document: Text is Document.Text[Start:End]
	Tokens     int // with what stands around it
}

// passage is the text that stands for a candidate: its parent's when parents are asked for and there is one.
func passage(c *Candidate, parents bool) (text string, start, end int) {
	if parents && c.Parent != "" && c.ParentEnd-c.ParentStart == len(c.Parent) {
		return c.Parent, c.ParentStart, c.ParentEnd
	}
	return c.Text, c.Start, c.End
}

// Gather makes the passages of candidates, best first. Candidates of one parent become one passage, and one that lies within
// another's passage adds nothing: both are noted as dropped there.
func Gather(candidates []*Candidate, parents bool) []*Source {
	var out []*Source
	for _, c := range candidates {
		text, start, end := passage(c, parents)
		if s := covering(out, c.Document, start, end); s != nil {
			c.drop(StepParents, "is part of the passage of "+s.Candidate.ID)
			continue
		}
		out = append(out, &Source{Candidate: c, Text: text, Start: start, End: end})
		c.place(StepParents, len(out), 0)
	}
	return out
}

func covering(sources []*Source, document string, start, end int) *Source {
	for _, s := range sources {
		if s.Candidate.Document == document && s.Start <= start && end <= s.End {
			return s
		}
	}
	return nil
}

// Pack takes passages, best first, while they fit the budget of tokens; one that does not fit makes room for later ones that
// do. A first passage longer than the whole budget is cut at its end rather than leave the model with nothing.
func Pack(sources []*Source, budget int, order Order, count func(string) int) []*Source {
	var out []*Source
	left := budget
	for _, s := range sources {
		s.Tokens = count(s.Text) + overhead(s, count)
		if s.Tokens > left && len(out) == 0 {
			shorten(s, left, count)
		}
		if s.Tokens > left {
			s.Candidate.drop(StepPack, fmt.Sprintf("its %d tokens do not fit the %d that are left of %d", s.Tokens, left, budget))
			continue
		}
		left -= s.Tokens
		out = append(out, s)
	}
	for i, s := range out {
		s.Candidate.place(StepPack, i+1, 0)
	}
	if order == Edges {
		out = edges(out)
	}
	for i, s := range out {
		s.Number = i + 1
	}
	return out
}

// overhead is about what the fence around a passage takes.
func overhead(s *Source, count func(string) int) int {
	const fences = 40 // tokens of the two lines beside the names
	return fences + count(s.Candidate.Document) + count(s.Candidate.Title)
}

// shorten cuts a passage so that it fits, by halving: texts have no fixed number of bytes a token.
func shorten(s *Source, most int, count func(string) int) {
	around := overhead(s, count)
	fits := 0
	for low, high := 0, len(s.Text); low <= high; {
		middle := (low + high) / 2
		if count(strings.ToValidUTF8(s.Text[:middle], ""))+around <= most {
			fits, low = middle, middle+1
		} else {
			high = middle - 1
		}
	}
	text := strings.ToValidUTF8(s.Text[:fits], "")
	if strings.TrimSpace(text) == "" {
		return
	}
	s.Text, s.End = text, s.Start+len(text)
	s.Tokens = count(text) + around
}

// edges orders 1 2 3 4 5 as 1 3 5 4 2.
func edges(in []*Source) []*Source {
	out := make([]*Source, len(in))
	front, back := 0, len(in)-1
	for i, s := range in {
		if i%2 == 0 {
			out[front] = s
			front++
		} else {
			out[back] = s
			back--
		}
	}
	return out
}
