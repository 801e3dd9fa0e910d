package simulator

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

const quotingRules = "Answer from the sources. When they do not answer, answer with exactly this sentence and nothing else: The sources do not say.\n" +
	"After the answer:\n<quotes>[1] \"words of source 1\"</quotes>"

func quotingPrompt(question string) prompt {
	return prompt{system: quotingRules, turns: []turn{{"user", "The sources.\n\n" +
		"=== aa ===\ndocument: \"leave.md\"\n\n[1]\n## Holidays\n\nEverybody has thirty days of paid leave a year. Ask the team lead.\n=== end aa ===\n\n" +
		"=== aa ===\ndocument: \"travel.md\"\n\n[2]\nHotels are paid up to 130 euros a night.\n=== end aa ===\n\nQuestion: " + question}}}
}

func TestQuoted(t *testing.T) {
	const want = "Everybody has thirty days of paid leave a year"
	exact := 0
	for seed := range uint64(100) {
		got, ok := quotingPrompt("How many days of paid leave are there a year?").quoted(rand.New(rand.NewPCG(seed, 1)))
		answer, quotes, _ := strings.Cut(got, "\n\n<quotes>\n")
		if !ok || !strings.HasPrefix(answer, want+" [1].") || !strings.HasPrefix(quotes, `[1] "`) || !strings.HasSuffix(quotes, "</quotes>") {
			t.Fatalf("answered %q", got)
		}
		if strings.Contains(quotes, want) {
			exact++
		}
	}
	if exact < 85 || exact == 100 {
		t.Errorf("%d of 100 quotes are exact; most should be, and not all", exact)
	}
}

func TestQuotedOfNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	if got, ok := quotingPrompt("Which dogs may come to the office party?").quoted(r); !ok || got != "The sources do not say." {
		t.Errorf("answered %q", got)
	}
	plain := prompt{system: "You help.", turns: []turn{{"user", "What is a weir?"}}}
	if got, ok := plain.quoted(r); ok {
		t.Errorf("a prompt without sources was answered with %q", got)
	}
}

func TestGraded(t *testing.T) {
	p := prompt{
		system: "You judge passages.", format: format{kind: "json_schema", schema: json.RawMessage(`{"properties":{"scores":{"items":{"properties":{"passage":{}}}}}}`)},
		turns: []turn{{"user", "Question: How many days of paid leave are there?\n\nPassages:\n\n" +
			"=== passage 1 aa ===\nHotels are paid up to 130 euros.\n=== end of passage 1 aa ===\n\n=== passage 2 aa ===\nThirty days of paid leave.\n=== end of passage 2 aa ===\n\n"}},
	}
	text, ok := p.graded()
	var got struct {
		Scores []struct{ Passage, Score int }
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || !ok || len(got.Scores) != 2 {
		t.Fatalf("%v in %q", err, text)
	}
	if got.Scores[0].Passage != 1 || got.Scores[1].Passage != 2 || got.Scores[1].Score <= got.Scores[0].Score || got.Scores[1].Score > 10 {
		t.Errorf("scored %+v", got.Scores)
	}
}

// Every question has its words, and every document a heading.
func TestHandbook(t *testing.T) {
	n := 0
	for name, text := range Handbook() {
		n++
		if !strings.HasSuffix(name, ".md") || !strings.HasPrefix(text, "# ") {
			t.Errorf("%s begins with %.20q", name, text)
		}
	}
	if n < 10 {
		t.Errorf("%d documents", n)
	}
	r := rand.New(rand.NewPCG(1, 1))
	seen := map[string]int{}
	for range 5000 {
		seen[HandbookQuestion(r)]++
	}
	for kind, list := range handbookQuestions() {
		drawn := 0
		for _, q := range list {
			drawn += seen[q]
		}
		want := map[string]float64{"answered": 1 - elsewhereShare - foreignShare, "elsewhere": elsewhereShare, "foreign": foreignShare}[kind]
		if got := float64(drawn) / 5000; got < want-0.03 || got > want+0.03 {
			t.Errorf("%.3f of the questions are of kind %s, want %.3f", got, kind, want)
		}
	}
}
