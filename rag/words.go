package rag

import (
	_ "embed" // for the texts that models are given
	"strconv"
	"strings"
)

// NotInSources is the whole of an answer to a question that the sources do not answer.
const NotInSources = "The sources do not answer this question."

//go:embed words/answer.txt
var answerWords string

//go:embed words/rewrite.txt
var rewriteWords string

//go:embed words/rerank.txt
var rerankWords string

// answerSystem is what the model that answers is told: what the pipeline's owner wants said, then the rules.
func answerSystem(own string) string {
	rules := strings.TrimSpace(strings.ReplaceAll(answerWords, "{{not_in_sources}}", NotInSources))
	if own = strings.TrimSpace(own); own != "" {
		return own + "\n\n" + rules
	}
	return rules
}

func rerankSystem(count int) string {
	return strings.TrimSpace(strings.ReplaceAll(rerankWords, "{{count}}", strconv.Itoa(count)))
}

// saysNotInSources says whether an answer is that the sources do not say.
func saysNotInSources(answer string) bool {
	return strings.HasPrefix(strings.TrimLeft(fold(answer).text, `"' `), strings.TrimRight(fold(NotInSources).text, "."))
}
