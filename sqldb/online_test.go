package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/eval/online/onlinetest"
)

func TestOnline(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) { onlinetest.TestStore(t, open(t)) })
}
