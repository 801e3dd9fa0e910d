package retrieval

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	const file = `{"question": "How many days?", "relevant": [{"document": "leave.md", "quote": "thirty days", "grade": 2}, "travel.md"], "kind": "plain"}

{"id": "own", "question": "Tea?", "unanswerable": true}
`
	got, err := Read(strings.NewReader(file), "q.jsonl")
	want := []Question{
		{ID: "1", Question: "How many days?", Kind: "plain", Relevant: []Label{{Document: "leave.md", Quote: "thirty days", Grade: 2}, {Document: "travel.md"}}},
		{ID: "own", Question: "Tea?", Unanswerable: true},
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	if err := Write(&out, got); err != nil {
		t.Fatal(err)
	}
	again, err := Read(&out, "again")
	if diff := cmp.Diff(again, want); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if diff := cmp.Diff(Documents(got), []string{"leave.md", "travel.md"}); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"nothing":                {"\n", "q has no questions"},
		"no JSON":                {"{", "q:1: want"},
		"not UTF-8":              {"{\"question\": \"\xff\"}", "q:1: it is not UTF-8"},
		"nothing relevant":       {`{"question": "x"}`, "q:1: want"},
		"both":                   {`{"question": "x", "relevant": ["a"], "unanswerable": true}`, "it is unanswerable, and something answers it"},
		"no document":            {`{"question": "x", "relevant": [{"quote": "y"}]}`, "place 1 names no document"},
		"an empty id":            {`{"question": "x", "relevant": [""]}`, "place 1 names no document"},
		"a grade below zero":     {`{"question": "x", "relevant": [{"document": "a", "grade": -1}]}`, "place 1 has the grade -1"},
		"a word that means none": {`{"question": "x", "relevant": [{"document": "a", "qoute": "y"}]}`, "unknown field"},
		"an id twice":            {"{\"id\": \"a\", \"question\": \"x\", \"relevant\": [\"d\"]}\n{\"id\": \"a\", \"question\": \"y\", \"relevant\": [\"d\"]}", "q:2: the id"},
		"a line without an end":  {strings.Repeat("x", maxLine+1), "q, after line 0"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(strings.NewReader(tt.file), "q"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"question": "x", "relevant": ["a", {"document": "b", "quote": "c", "grade": 3}]}`)
	f.Add(`{"question": "x", "unanswerable": true}`)
	f.Fuzz(func(t *testing.T, file string) {
		got, err := Read(strings.NewReader(file), "q")
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, got); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&out, "again")
		if diff := cmp.Diff(again, got); diff != "" || err != nil {
			t.Fatal(err, diff)
		}
	})
}
