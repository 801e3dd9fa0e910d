package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/eval/evaltest"
)

func TestAnnotations(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) { evaltest.TestAnnotations(t, open(t)) })
}
