package rag

import (
	"fmt"
	"regexp"
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

// CheckName says whether a collection, an alias or a pipeline may be called so; the error says how it may.
func CheckName(name string) error {
	if nameForm.MatchString(name) {
		return nil
	}
	const shown = 80 // of a name that is too long
	return fmt.Errorf("%.*q is no name for a collection: want 1 to 64 of a-z, 0-9, _, . and -, beginning with a letter or a digit", shown, name)
}
