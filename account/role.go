package account

import (
	"fmt"
	"slices"
	"strings"
)

// Role says what somebody may do. Each role may do what those before it may.
type Role string

// The roles, the least first. The zero value may do nothing.
const (
	Viewer    Role = "viewer"    // reads everything
	Developer Role = "developer" // changes prompts, datasets and experiments, and tries them out
	Approver  Role = "approver"  // reviews changes of protected labels and carries them out
	Admin     Role = "admin"     // all
)

// Roles lists them, the least first.
var Roles = []Role{Viewer, Developer, Approver, Admin}

// May says whether the role is the wanted one or more. No role may what is not a role's.
func (r Role) May(want Role) bool {
	have, need := slices.Index(Roles, r), slices.Index(Roles, want)
	return need >= 0 && have >= need
}

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	if r := Role(text); slices.Contains(Roles, r) {
		return r, nil
	}
	names := make([]string, len(Roles))
	for i, r := range Roles {
		names[i] = string(r)
	}
	return "", fmt.Errorf("%.100q is no role; the roles are %s", text, strings.Join(names, ", "))
}
