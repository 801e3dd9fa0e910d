package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/account/accounttest"
)

func TestViews(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		accounttest.Views(t, func(t *testing.T) account.Views { return open(t) })
	})
}
