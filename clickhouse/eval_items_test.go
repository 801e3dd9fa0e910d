package clickhouse

import (
	"testing"

	"github.com/weir-dev/weir/eval/evaltest"
)

func TestEvalResults(t *testing.T) { evaltest.TestResults(t, openTest(t, testConfig(t))) }
