package prompts

import (
	"fmt"
	"strings"
)

// The longest names, in bytes.
const (
	maxName  = 128
	maxLabel = 64
)

// CheckName says what is wrong with a prompt's name: it begins with a letter or a digit, and goes on with letters, digits, ".",
// "_" and "-", all ASCII, 128 at most. ErrInvalid is in the chain.
func CheckName(name string) error {
	return checkWord("name of a prompt", name, maxName)
}

// CheckLabel says what is wrong with a label's name: it is written as a prompt's name, 64 characters at most, and is not a number,
// which would name a version. Latest passes. ErrInvalid is in the chain.
func CheckLabel(label string) error {
	if err := checkWord("label", label, maxLabel); err != nil {
		return err
	}
	if strings.Trim(label, "0123456789") == "" {
		return fmt.Errorf("%w: the label %q is a number, and numbers name versions; give it a letter", ErrInvalid, label)
	}
	return nil
}

func checkWord(what, word string, most int) error {
	if word == "" {
		return fmt.Errorf("%w: the %s is empty", ErrInvalid, what)
	}
	if len(word) > most {
		return fmt.Errorf("%w: the %s is longer than %d characters", ErrInvalid, what, most)
	}
	for i := range len(word) {
		c := word[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if letter || i > 0 && (c == '.' || c == '_' || c == '-') {
			continue
		}
		return fmt.Errorf("%w: the %s %q may have letters, digits, \".\", \"_\" and \"-\", and begins with a letter or a digit", ErrInvalid, what, word)
	}
	return nil
}
