package alert_test

import (
	"testing"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/alert/alerttest"
)

func TestMemory(t *testing.T) {
	alerttest.TestStore(t, func(*testing.T) alert.Store { return &alert.Memory{} })
}
