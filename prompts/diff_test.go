package prompts

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDiff(t *testing.T) {
	a := Version{Name: "greet", Number: 1, Content: Content{
		Messages: []Message{{"system", "You are kind.\nAnswer briefly, in {{language}}.\nNever lie."}, {"user", "one"}, {"assistant", "two"}, {"user", "{{question}}"}},
		Model:    "a", Settings: json.RawMessage(`{"temperature":1.0,"stop":["x","y"]}`), Tools: json.RawMessage(`[]`),
	}}
	b := Version{Name: "greet", Number: 2, Content: Content{
		Messages: []Message{{"system", "You are kind.\nAnswer at length, in {{language}}.\nNever lie.\nBye."}, {"user", "{{question}}"}, {"user", "one"}, {"developer", "new"}},
		Settings: json.RawMessage(`{"stop":["x"],"temperature":1,"seed":7}`), Tools: json.RawMessage(`[]`),
	}}
	d := Diff(a, b)
	want := `--- greet@1
+++ greet@2
@@ -1,3 +1,4 @@ system: message 1
 You are kind.
-Answer briefly, in {{language}}.
+Answer at length, in {{language}}.
 Never lie.
+Bye.
@@ -1,1 +0,0 @@ assistant: message 3 removed
-two
@@ user: message 2 is now message 3 @@
@@ -0,0 +1,1 @@ developer: message 4 added
+new
@@ model @@
-"a"
@@ settings.seed @@
+7
@@ settings.stop.1 @@
-"y"
`
	if got := d.String(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	words := []WordDiff{{OpSame, "Answer "}, {OpRemoved, "briefly"}, {OpSame, ", in {{language}}."}}
	if diff := cmp.Diff(d.Messages[0].Lines[1].Words, words); diff != "" {
		t.Errorf("words (-got +want)\n%s", diff)
	}
	if text, err := json.Marshal(d); err != nil || !strings.Contains(string(text), `{"member":"settings","path":["seed"],"op":"added","to":7}`) {
		t.Errorf("as JSON: %s, %v", text, err)
	}
	if same := Diff(a, a); !same.Same || same.String() != "" {
		t.Errorf("of one version with itself: %+v", same)
	}
	if text := Diff(Version{Name: "x", Number: 1, Content: Content{Text: "a\n"}}, Version{Name: "x", Number: 2, Content: Content{Text: "a"}}); text.Same {
		t.Error("an end of line is no difference")
	}
}

// The steps lead from one list to the other, and there are no more of them than the longest common part leaves.
func TestEdits(t *testing.T) {
	list := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		a, b := list.Draw(t, "a"), list.Draw(t, "b")
		var from, to []string
		changes := 0
		for _, e := range edits(a, b) {
			if e.op != OpAdded {
				from = append(from, a[e.from])
			}
			if e.op != OpRemoved {
				to = append(to, b[e.to])
			}
			if e.op != OpSame {
				changes++
			}
		}
		if fmt.Sprint(from) != fmt.Sprint(a) || fmt.Sprint(to) != fmt.Sprint(b) {
			t.Fatalf("%v to %v goes from %v to %v", a, b, from, to)
		}
		if want := len(a) + len(b) - 2*longestCommon(a, b); changes != want {
			t.Fatalf("%v to %v takes %d changes, and %d are enough", a, b, changes, want)
		}
	})
}

func longestCommon(a, b []string) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
			if a[i] == b[j] {
				table[i+1][j+1] = table[i][j] + 1
			}
		}
	}
	return table[len(a)][len(b)]
}

// A text that has nothing in common with the other one does not take long.
func TestEditsBounded(t *testing.T) {
	a, b := make([]string, 20_000), make([]string, 20_000)
	for i := range a {
		a[i], b[i] = fmt.Sprint("a", i), fmt.Sprint("b", i)
	}
	if got := len(edits(a, b)); got != 40_000 {
		t.Errorf("%d steps, want all of both", got)
	}
}
