package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/account"
)

// The people of the demo. Those who are to sign in need another token: nobody has seen theirs.
const (
	demoAuthor   = "jonas"
	demoWriter   = "lena"
	demoApprover = "ines"
	demoAdmin    = "mara"
)

// members gives the demo a member of each role.
func (d *demoStory) members(ctx context.Context) error {
	for i, m := range []account.Member{
		{Name: demoAdmin, Role: account.Admin},
		{Name: demoApprover, Role: account.Approver},
		{Name: demoAuthor, Role: account.Developer},
		{Name: demoWriter, Role: account.Developer},
		{Name: "tom", Role: account.Viewer},
	} {
		m.ID, _, m.Hash = account.MintMember()
		m.Email = m.Name + "@brookside.example"
		m.CreatedAt = d.at(0).Add(-time.Duration(40-4*i) * 24 * time.Hour)
		if err := d.s.stores.members.AddMember(ctx, m); err != nil && !errors.Is(err, account.ErrMemberTaken) {
			return fmt.Errorf("add the member %s: %w", m.Name, err)
		}
	}
	return nil
}
