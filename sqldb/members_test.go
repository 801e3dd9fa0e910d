package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/account/accounttest"
)

func TestMembers(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		accounttest.Members(t, func(t *testing.T) account.Members { return open(t) })
	})
}
