package account_test

import (
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/account/accounttest"
)

func TestMemoryViews(t *testing.T) {
	accounttest.Views(t, func(*testing.T) account.Views { return &account.MemoryViews{} })
}

func TestWhoMayChangeAView(t *testing.T) {
	v := account.View{Owner: "ann"}
	tests := []struct {
		name string
		role account.Role
		want bool
	}{
		{"ann", account.Viewer, true},
		{"ann", "", false}, // no member any more
		{"bob", account.Approver, false},
		{"bob", account.Admin, true},
	}
	for _, tt := range tests {
		if got := v.MayBeChangedBy(tt.name, tt.role); got != tt.want {
			t.Errorf("%s, %s: got %v, want %v", tt.name, tt.role, got, tt.want)
		}
	}
}
