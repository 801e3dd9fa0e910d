package prompts_test

import (
	"testing"

	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/promptstest"
)

func TestMemory(t *testing.T) {
	promptstest.Store(t, func(*testing.T) prompts.Store { return &prompts.Memory{} })
}
