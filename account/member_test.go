package account_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/account/accounttest"
)

func TestMemoryMembers(t *testing.T) {
	accounttest.Members(t, func(*testing.T) account.Members { return &account.MemoryMembers{} })
}

func TestMembersTokensHaveTheForm(t *testing.T) {
	form := regexp.MustCompile(`^wm-weir-[a-z0-9]{12}-[A-Za-z0-9]{43}$`)
	id, text, hash := account.MintMember()
	if got, ok := account.MemberID(text.Reveal()); !form.MatchString(text.Reveal()) || !ok || got != id {
		t.Fatalf("minted %q, its id is %q", text.Reveal(), got)
	}
	m := account.Member{ID: id, Hash: hash}
	if !m.Opens(text.Reveal()) || m.Opens(text.Reveal()+"x") || m.Opens("") || (account.Member{}).Opens("") {
		t.Error("a token opens the wrong members")
	}
	if _, key := account.KeyID(text.Reveal()); key {
		t.Error("a member's token is taken for a key")
	}
	_, key, _ := account.Mint()
	for _, text := range []string{"", account.MemberPrefix, key.Reveal(), text.Reveal() + "x", strings.Replace(text.Reveal(), id+"-", id+"x", 1)} {
		if id, ok := account.MemberID(text); ok {
			t.Errorf("%q is the token of %q", text, id)
		}
	}
}

func TestRoles(t *testing.T) {
	for i, have := range account.Roles {
		for n, want := range account.Roles {
			if got := have.May(want); got != (i >= n) {
				t.Errorf("%s.May(%s) = %v", have, want, got)
			}
		}
		if r, err := account.ParseRole(string(have)); err != nil || r != have {
			t.Errorf("ParseRole(%s) = %q, %v", have, r, err)
		}
	}
	for _, none := range []account.Role{"", "root", "Admin"} {
		if none.May(account.Viewer) || account.Admin.May(none) || none.May(none) {
			t.Errorf("%q may something, or is allowed to somebody", none)
		}
		if _, err := account.ParseRole(string(none)); err == nil || !strings.Contains(err.Error(), "viewer, developer, approver, admin") {
			t.Errorf("ParseRole(%q): %v", none, err)
		}
	}
}
