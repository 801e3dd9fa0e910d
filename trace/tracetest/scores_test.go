package tracetest

import (
	"testing"

	"github.com/weir-dev/weir/trace"
)

func TestMemoryScores(t *testing.T) {
	TestScores(t, func(*testing.T) trace.Scores { return &MemoryScores{} })
}
