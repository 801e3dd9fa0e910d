package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/eval/evaltest"
)

func TestDatasets(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) { evaltest.TestDatasets(t, open(t)) })
}

func TestEvalRuns(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) { evaltest.TestRuns(t, open(t)) })
}
