package vectorstest

import (
	"testing"

	"github.com/weir-dev/weir/ingest/cache"
)

func TestMemory(t *testing.T) {
	Test(t, func(*testing.T) cache.Vectors { return &Memory{} })
}
