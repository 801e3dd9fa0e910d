package upstream

import (
	"strconv"
	"strings"
)

// claude is what a model's name tells about it.
type claude struct {
	opus         bool
	major, minor int
	known        bool // the name holds a version; one that does not is taken for a newer model
}

// readClaude reads names such as claude-3-5-haiku-20241022, claude-opus-4-1 and claude-sonnet-4@20250514.
func readClaude(model string) claude {
	var c claude
	numbers := 0
	words := strings.FieldsFunc(model, func(r rune) bool { return strings.ContainsRune("-@:./", r) })
	for i, word := range words {
		if word == "opus" {
			c.opus = true
		}
		n, err := strconv.Atoi(word)
		if err != nil || len(word) > 2 {
			if numbers > 0 && i > 0 {
				numbers = 2 // 4-v1 and 3-opus have no minor number
			}
			continue
		}
		switch numbers {
		case 0:
			c.major, c.known = n, true
		case 1:
			c.minor = n
		}
		numbers++
	}
	return c
}

func (c claude) atLeast(major, minor int) bool {
	return !c.known || c.major > major || c.major == major && c.minor >= minor
}

// maxOutput is the most tokens the model may be asked for: what OpenAI's dialect means by not naming a bound.
func (c claude) maxOutput() int64 {
	switch {
	case !c.atLeast(3, 5):
		return 4096
	case !c.atLeast(3, 7):
		return 8192
	case c.opus && !c.atLeast(4, 5):
		return 32_000
	}
	return 64_000
}

// defaultMax is the max_tokens of a request that names none. It leaves room for the prompt in a window of 200,000
// tokens, since a sum beyond the window is refused; the prompt is taken to be a third of its bytes.
func (c claude) defaultMax(promptBytes int) int64 {
	const window, least = 200_000, 8192
	return min(c.maxOutput(), max(least, window-int64(promptBytes)/3))
}

// thinking is how a model is told how much to think.
type thinking int

const (
	noThinking thinking = iota
	budgeted            // a number of tokens
	adaptive            // an effort, by name
)

// leastBudget is the smallest number of tokens to think with that the API takes.
const leastBudget = 1024

func (c claude) thinking() thinking {
	switch {
	case c.atLeast(4, 6):
		return adaptive
	case c.atLeast(3, 7):
		return budgeted
	}
	return noThinking
}

// budgetFor is the budget of an effort in OpenAI's words; false for a word it does not have.
func budgetFor(effort string) (int64, bool) {
	switch effort {
	case "minimal":
		return leastBudget, true
	case "low":
		return 2048, true
	case "medium":
		return 8192, true
	case "high":
		return 16_384, true
	case "xhigh":
		return 32_768, true
	}
	return 0, false
}

// effortFor is Anthropic's word for one of OpenAI's.
func (c claude) effortFor(effort string) string {
	switch {
	case effort == "minimal":
		return "low"
	case effort == "xhigh" && !c.atLeast(4, 7):
		return "high"
	}
	return effort
}
