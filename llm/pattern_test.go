package llm

import (
	"path"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"gpt-*", "gpt-4o-mini", true},
		{"gpt-*", "chatgpt-4o", false},
		{"*", "", true},
		{"*", "meta-llama/Llama-3-8b", true}, // a star crosses slashes
		{"meta-llama/*", "meta-llama/Llama-3-8b", true},
		{"o?", "o3", true},
		{"o?", "o3-mini", false},
		{"", "", true},
		{"", "x", false},
		{"*a*b", "xaxbxb", true},
		{"*a*b", "xaxbxc", false},
		{"images/*", "images/generations", true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// Without slashes and brackets it is path.Match.
func TestMatchAgreesWithPathMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "name")
		want, err := path.Match(pattern, name)
		if err != nil {
			t.Fatal(err)
		}
		if got := Match(pattern, name); got != want {
			t.Fatalf("Match(%q, %q) = %v, path.Match says %v", pattern, name, got, want)
		}
	})
}
