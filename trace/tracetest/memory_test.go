package tracetest

import (
	"testing"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	Test(t, func(*testing.T) Store { return &Memory{Preview: Preview} })
}
