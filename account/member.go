package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"time"
)

// Member is somebody who may use the console and the API, with a token of their own.
type Member struct {
	ID        string // 12 of [a-z0-9], the public half of the token's text
	Name      string // what changes are signed with; never given to another, even after the member was removed
	Email     string // "" unknown
	Role      Role
	Hash      [32]byte  // SHA-256 of the whole token text; the token itself is nowhere
	CreatedAt time.Time // UTC
	RemovedAt time.Time // zero: a member
}

// AdminName is what changes are signed with that were made with the admin token. No member may have it.
const AdminName = "admin"

// MemberPrefix begins every member's token.
const MemberPrefix = "wm-weir-"

// Errors of Members. Test with errors.Is.
var (
	ErrNoMember    = errors.New("no such member")
	ErrMemberTaken = errors.New("a member has or had this name")
)

// Members keeps members. Safe for concurrent use by several processes. Times come back in UTC, to the microsecond.
type Members interface {
	// AddMember stores a new member. ErrMemberTaken when one of its name is there, or was.
	AddMember(ctx context.Context, m Member) error
	// Member finds one by id, removed ones too. ErrNoMember when there is none.
	Member(ctx context.Context, id string) (Member, error)
	// ListMembers gives all by name, removed ones too.
	ListMembers(ctx context.Context) ([]Member, error)
	// SetMemberRole gives a member another role from now on. ErrNoMember when there is none, or it was removed.
	SetMemberRole(ctx context.Context, id string, role Role) error
	// SetMemberToken puts a token in place of a member's, which opens nothing any more. ErrNoMember as above.
	SetMemberToken(ctx context.Context, id string, hash [32]byte) error
	// RemoveMember ends a member at t; the name stays taken, since it stands under what the member did. ErrNoMember as above.
	RemoveMember(ctx context.Context, id string, t time.Time) error
}

// MintMember makes a new member's id and token: the text that the member keeps, and the hash that is stored.
func MintMember() (id string, text Secret, hash [32]byte) {
	id = randomText(lower, idLen)
	text, hash = MintMemberToken(id)
	return id, text, hash
}

// MintMemberToken makes another token for a member: wm-weir-<id>-<secret>, the secret 43 characters of 62, 256 bits.
func MintMemberToken(id string) (text Secret, hash [32]byte) {
	s := MemberPrefix + id + "-" + randomText(alnum, secretLen)
	return Secret{s}, sha256.Sum256([]byte(s))
}

// MemberID reads the id out of a presented token, and false when the text has not the form of a member's.
func MemberID(text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, MemberPrefix)
	if !ok || len(rest) != idLen+1+secretLen || rest[idLen] != '-' {
		return "", false
	}
	return rest[:idLen], true
}

// Opens says, in constant time, whether the presented text is this member's token. A removed member's opens nothing.
func (m Member) Opens(text string) bool {
	h := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(h[:], m.Hash[:]) == 1 && m.RemovedAt.IsZero()
}
