package eval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The guide names every metric, and its examples are read.
func TestTheGuideIsWhole(t *testing.T) {
	text, err := os.ReadFile("../docs/evaluation.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range MetricNames() {
		if !strings.Contains(string(text), "`"+m[0]+"`") {
			t.Errorf("docs/evaluation.md does not name %s", m[0])
		}
	}
	_, example, _ := strings.Cut(string(text), "```yaml\n# eval.yaml\n")
	example, _, _ = strings.Cut(example, "```")
	if _, err := ReadDefinition("docs/evaluation.md", []byte(example)); err != nil {
		t.Error(err)
	}
	file := filepath.Join("..", "deploy", "ci", "eval.yaml")
	ci, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadDefinition(file, ci); err != nil {
		t.Error(err)
	}
}
