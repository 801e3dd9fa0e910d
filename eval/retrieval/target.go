package retrieval

import (
	"slices"
	"strconv"
)

// Target is what a search for a question is to find in an index. An item stands for a place that answers, however many passages
// hold it; places that one passage holds are one item.
type Target struct {
	Question *Question
	items    []item
	of       map[string]int // by the id of a passage or, for labels without a quote, of a document: its item
}

// item is a place that answers.
type item struct {
	name    string
	grade   float64
	labels  []int // of the question
	missing bool  // nothing in the index holds it
}

// Missing says which labels of the question nothing in the index holds, by their number.
func (t *Target) Missing() []int {
	var out []int
	for _, it := range t.items {
		if it.missing {
			out = append(out, it.labels...)
		}
	}
	return out
}

// Aim finds what a search for the question is to find. text gives a document of the index by its id, and nil when it is not
// there; in an index that is compared with itself as it is cut another way, each has its own targets.
func Aim(q *Question, text func(document string) *Text) *Target {
	t := &Target{Question: q, of: map[string]int{}}
	parent := make([]int, len(q.Relevant)) // labels that share a passage are joined
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	held := make([][]string, len(q.Relevant))
	first := map[string]int{}
	for i, l := range q.Relevant {
		held[i] = l.held(text)
		for _, id := range held[i] {
			if j, ok := first[id]; ok {
				parent[root(i)] = root(j)
			} else {
				first[id] = i
			}
		}
	}
	at := map[int]int{}
	for i, l := range q.Relevant {
		r := root(i)
		k, ok := at[r]
		if !ok {
			k = len(t.items)
			at[r] = k
			t.items = append(t.items, item{name: "place " + strconv.Itoa(k+1), missing: true})
		}
		it := &t.items[k]
		it.labels = append(it.labels, i)
		it.grade = max(it.grade, l.grade())
		it.missing = it.missing && len(held[i]) == 0
		for _, id := range held[i] {
			t.of[id] = k
		}
	}
	return t
}

// held are the ids by which a place that answers is known.
func (l *Label) held(text func(string) *Text) []string {
	t := text(l.Document)
	switch {
	case l.Quote == "":
		return []string{l.Document} // a document's, or a passage's
	case t == nil:
		return nil
	}
	return t.holding(l.Quote)
}

// itemOf is what a passage counts as: an item, or itself.
func (t *Target) itemOf(c *Chunk) string {
	for _, id := range []string{c.ID, c.Document} {
		if k, ok := t.of[id]; ok {
			return t.items[k].name
		}
	}
	return "passage " + c.ID
}

// grades are the items' by name.
func (t *Target) grades() map[string]float64 {
	out := make(map[string]float64, len(t.items))
	for _, it := range t.items {
		out[it.name] = it.grade
	}
	return out
}

// quotedIn are the items with a quote that stands in a text.
func (t *Target) quotedIn(text string) []string {
	var out []string
	for _, it := range t.items {
		if slices.ContainsFunc(it.labels, func(i int) bool { return contains(text, t.Question.Relevant[i].Quote) }) {
			out = append(out, it.name)
		}
	}
	return out
}
