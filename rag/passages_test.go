package rag_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/rag"
)

func TestPassagesOf(t *testing.T) {
	var chunks []rag.Chunk
	for _, id := range []string{"a", "b", "c", "d"} {
		chunks = append(chunks, rag.Chunk{ID: id, Document: id + ".md", Text: id, Start: 5, End: 6, Parent: "in " + id, ParentStart: 2, ParentEnd: 6, Tokens: 1})
	}
	ids := func(list []rag.Passage) (out string) {
		for i, p := range list {
			if p.Source != i+1 {
				t.Errorf("%s has number %d at place %d", p.ID, p.Source, i)
			}
			out += p.ID
		}
		return out
	}
	if got, want := ids(rag.PassagesOf(chunks, rag.Settings{Order: rag.BestFirst})), "abcd"; got != want {
		t.Errorf("best first: %s, want %s", got, want)
	}
	if got, want := ids(rag.PassagesOf(chunks, rag.Settings{Order: rag.Edges})), "acdb"; got != want {
		t.Errorf("at the edges: %s, want %s", got, want)
	}
	want := rag.Passage{Source: 1, ID: "a", Document: "a.md", Headings: []string{}, Start: 2, End: 6, Tokens: 1, Text: "in a"}
	if diff := cmp.Diff(rag.PassagesOf(chunks[:1], rag.Settings{Parents: true})[0], want); diff != "" {
		t.Errorf("a parent (-got +want):\n%s", diff)
	}
	if got := rag.PassagesOf(nil, rag.Settings{}); got == nil || len(got) != 0 {
		t.Errorf("of nothing: %v, want an empty list", got)
	}
}
