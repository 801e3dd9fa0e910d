package experimenttest

import (
	"testing"

	"github.com/weir-dev/weir/prompts/experiment"
)

func TestMemory(t *testing.T) {
	TestReader(t, func(_ *testing.T, calls []Observation) experiment.Reader { return &Memory{Calls: calls} })
}

func TestStoreInMemory(t *testing.T) {
	TestStore(t, func(*testing.T) Store { return &experiment.Memory{} })
}
