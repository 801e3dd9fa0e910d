package prompts

import (
	"fmt"
)

// Place is what a store knows of a label that is to move, within the step that moves it.
type Place struct {
	Newest    int  // number of the prompt's newest version; 0: there is no such prompt
	Deleted   bool // the version that it is to point to is
	At        int  // the version that it points to; 0: it is not there
	Protected bool
	WasAt     bool // it was at that version before
}

// CheckMove says whether a label may move to a version, as the contract of Store has it. Stores ask it, so that all
// refuse the same.
func CheckMove(m Move, expect int, p Place) error {
	if err := checkTarget(m.Prompt, m.Number, p); err != nil {
		return err
	}
	if err := checkExpected(m.Prompt, m.Label, expect, p.At); err != nil {
		return err
	}
	if p.Protected && !p.WasAt && p.At != m.Number {
		return fmt.Errorf("label %s of prompt %s has never been at version %d, and goes there by an approved change request only: %w", m.Label, m.Prompt, m.Number, ErrProtected)
	}
	return nil
}

// checkTarget says whether there is a version to point to.
func checkTarget(name string, number int, p Place) error {
	switch {
	case p.Newest == 0:
		return fmt.Errorf("prompt %s: %w", name, ErrNoPrompt)
	case number < 1 || number > p.Newest:
		return fmt.Errorf("prompt %s has the versions 1 to %d, and no %d: %w", name, p.Newest, number, ErrNoVersion)
	case p.Deleted:
		return fmt.Errorf("version %d of prompt %s: %w", number, name, ErrDeleted)
	}
	return nil
}

func checkExpected(name, label string, expect, at int) error {
	switch {
	case expect < 0 || expect == at:
		return nil
	case at == 0:
		return fmt.Errorf("label %s of prompt %s is not there, and was expected at version %d: %w", label, name, expect, ErrConflict)
	case expect == 0:
		return fmt.Errorf("label %s of prompt %s is at version %d, and was expected not to be there: %w", label, name, at, ErrConflict)
	}
	return fmt.Errorf("label %s of prompt %s is at version %d, and was expected at %d: %w", label, name, at, expect, ErrConflict)
}

// CheckAfter says whether a content may follow the newest version.
func CheckAfter(p Push, newest int) error {
	if p.After == 0 || p.After == newest {
		return nil
	}
	return fmt.Errorf("the newest version of prompt %s is %d, and the change was made to %d: %w", p.Name, newest, p.After, ErrConflict)
}

// CheckRemove says whether a label may be taken away.
func CheckRemove(name, label string, p Place) error {
	switch {
	case p.Newest == 0:
		return fmt.Errorf("prompt %s: %w", name, ErrNoPrompt)
	case p.At == 0:
		return fmt.Errorf("label %s of prompt %s: %w", label, name, ErrNoLabel)
	case p.Protected:
		return fmt.Errorf("label %s of prompt %s: %w", label, name, ErrProtected)
	}
	return nil
}

// CheckOpen says whether a change may be asked for.
func CheckOpen(c Change, p Place) error {
	if err := checkTarget(c.Prompt, c.To, p); err != nil {
		return err
	}
	if p.At == c.To {
		return fmt.Errorf("label %s of prompt %s is at version %d already: %w", c.Label, c.Prompt, c.To, ErrConflict)
	}
	return nil
}

// CheckDelete says whether a version may be deleted.
func CheckDelete(name string, number int, p Place) error { return checkTarget(name, number, p) }

// Pointed is the error about a version that cannot be deleted since a label points to it.
func Pointed(name, label string, number int) error {
	return fmt.Errorf("version %d of prompt %s cannot be deleted while label %s points to it: %w", number, name, label, ErrPointed)
}

// NotProtected is the error about a label that cannot be set free.
func NotProtected(name, label string) error {
	return fmt.Errorf("label %s of prompt %s is not protected: %w", label, name, ErrNoLabel)
}
