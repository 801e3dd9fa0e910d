package price

import "strings"

// maxModel bounds the model names that are looked up; no provider's name is near it.
const maxModel = 512

// match says whether s is what pattern means, and what its wildcards stood for, in order: * for any run of characters,
// as short as can be, and a run of # for as many digits.
func match(pattern, s string) (wild []string, ok bool) {
	switch {
	case pattern == "":
		return nil, s == ""
	case pattern[0] == '*':
		for n := range len(s) + 1 {
			if rest, ok := match(pattern[1:], s[n:]); ok {
				return append([]string{s[:n]}, rest...), true
			}
		}
		return nil, false
	case pattern[0] == '#':
		n := len(pattern) - len(strings.TrimLeft(pattern, "#"))
		if len(s) < n || !isDigits(s[:n]) {
			return nil, false
		}
		rest, ok := match(pattern[n:], s[n:])
		return append([]string{s[:n]}, rest...), ok
	default:
		n := strings.IndexAny(pattern, "*#")
		if n < 0 {
			n = len(pattern)
		}
		if !strings.HasPrefix(s, pattern[:n]) {
			return nil, false
		}
		return match(pattern[n:], s[n:])
	}
}

// expand puts what the wildcards stood for in the place of $1, $2, ….
func expand(template string, wild []string) string {
	for i, w := range wild {
		template = strings.ReplaceAll(template, "$"+string(rune('1'+i)), w)
	}
	return template
}

func isPattern(model string) bool { return strings.ContainsAny(model, "*#") }
