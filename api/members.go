package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
)

// member is a member without the token.
type member struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"` // what the member's changes are signed with
	Email     string       `json:"email"`
	Role      account.Role `json:"role"`
	CreatedAt stamp        `json:"created_at"`
	RemovedAt *stamp       `json:"removed_at"` // null: a member
}

// memberList is all members.
type memberList struct {
	Members []member `json:"members"`
}

// newMember asks for a member.
type newMember struct {
	Name  string       `json:"name"`
	Email string       `json:"email,omitempty"`
	Role  account.Role `json:"role"`
}

// newRole asks for another role of a member.
type newRole struct {
	Role account.Role `json:"role"`
}

// madeMember is a member with a token just made.
type madeMember struct {
	ID    string       `json:"id"`
	Name  string       `json:"name"`
	Role  account.Role `json:"role"`
	Token string       `json:"token"` // the secret, never to be read again
}

func (a *API) memberRoutes() []route {
	return []route{
		{
			method: "GET", path: "/members", name: "listMembers", summary: "All members by name, removed ones too; never their tokens",
			status: http.StatusOK, out: memberList{}, handle: a.listMembers,
		},
		{
			method: "POST", path: "/members", name: "addMember", summary: "Add a member; the token is in this answer only", role: account.Admin,
			in: newMember{}, status: http.StatusCreated, out: madeMember{}, handle: a.addMember,
		},
		{
			method: "PUT", path: "/members/{id}/role", name: "setMemberRole", summary: "Give a member, named by id or name, another role from now on", role: account.Admin,
			in: newRole{}, status: http.StatusOK, out: member{}, handle: a.setMemberRole,
		},
		{
			method: "POST", path: "/members/{id}/rotate", name: "rotateMember", summary: "Give a member another token; the old one, and the sessions begun with it, end", role: account.Admin,
			status: http.StatusCreated, out: madeMember{}, handle: a.rotateMember,
		},
		{
			method: "DELETE", path: "/members/{id}", name: "removeMember", summary: "Remove a member; the name stays taken", role: account.Admin,
			status: http.StatusNoContent, handle: a.removeMember,
		},
	}
}

func shownMember(m account.Member) member {
	return member{ID: m.ID, Name: m.Name, Email: m.Email, Role: m.Role, CreatedAt: stamp(m.CreatedAt), RemovedAt: stampOf(m.RemovedAt)}
}

func (a *API) listMembers(w http.ResponseWriter, r *http.Request) error {
	list, err := a.cfg.Members.ListMembers(r.Context())
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	out := memberList{Members: make([]member, len(list))}
	for i, m := range list {
		out.Members[i] = shownMember(m)
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) addMember(w http.ResponseWriter, r *http.Request) error {
	var in newMember
	if err := read(r, &in); err != nil {
		return err
	}
	switch {
	case !isName(in.Name):
		return bad("name", "the name %q is none: want 1 to 64 letters, digits, dots, dashes and underscores", clip(in.Name))
	case strings.EqualFold(in.Name, account.AdminName):
		return bad("name", "the name %s is what changes with the admin token are signed with; choose another", account.AdminName)
	case len(in.Email) > 254 || in.Email != "" && !strings.Contains(in.Email, "@") || strings.ContainsFunc(in.Email, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return bad("email", "the email %q is no address", clip(in.Email))
	}
	role, err := account.ParseRole(string(in.Role))
	if err != nil {
		return bad("role", "%v", err)
	}
	m := account.Member{Name: in.Name, Email: in.Email, Role: role, CreatedAt: time.Now()}
	var text account.Secret
	m.ID, text, m.Hash = account.MintMember()
	if err := a.cfg.Members.AddMember(r.Context(), m); err != nil {
		return fmt.Errorf("add member: %w", err)
	}
	return answer(w, http.StatusCreated, madeMember{m.ID, m.Name, m.Role, text.Reveal()})
}

// memberOf finds the member that a path names, by id or name.
func (a *API) memberOf(r *http.Request) (account.Member, error) {
	word := r.PathValue("id")
	list, err := a.cfg.Members.ListMembers(r.Context())
	if err != nil {
		return account.Member{}, fmt.Errorf("find member: %w", err)
	}
	for _, m := range list {
		if (m.ID == word || m.Name == word) && m.RemovedAt.IsZero() {
			return m, nil
		}
	}
	return account.Member{}, account.ErrNoMember
}

func (a *API) setMemberRole(w http.ResponseWriter, r *http.Request) error {
	var in newRole
	if err := read(r, &in); err != nil {
		return err
	}
	role, err := account.ParseRole(string(in.Role))
	if err != nil {
		return bad("role", "%v", err)
	}
	m, err := a.memberOf(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Members.SetMemberRole(r.Context(), m.ID, role); err != nil {
		return fmt.Errorf("set role: %w", err)
	}
	m.Role = role
	return answer(w, http.StatusOK, shownMember(m))
}

func (a *API) rotateMember(w http.ResponseWriter, r *http.Request) error {
	m, err := a.memberOf(r)
	if err != nil {
		return err
	}
	text, hash := account.MintMemberToken(m.ID)
	if err := a.cfg.Members.SetMemberToken(r.Context(), m.ID, hash); err != nil {
		return fmt.Errorf("rotate member: %w", err)
	}
	return answer(w, http.StatusCreated, madeMember{m.ID, m.Name, m.Role, text.Reveal()})
}

func (a *API) removeMember(w http.ResponseWriter, r *http.Request) error {
	m, err := a.memberOf(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Members.RemoveMember(r.Context(), m.ID, time.Now()); err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
