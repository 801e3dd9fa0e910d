package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/promptstest"
)

func TestPrompts(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		promptstest.Store(t, func(t *testing.T) prompts.Store { return open(t) })
	})
}
