package prompts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrRef is in the chain of an error of ParseRef.
var ErrRef = errors.New("not a reference to a prompt")

// ParseRef reads "name", "name@label" or "name@7". ErrRef is in the chain of its errors, which say how one is written.
func ParseRef(text string) (Ref, error) {
	name, version, at := strings.Cut(text, "@")
	r := Ref{Name: name}
	if err := CheckName(name); err != nil {
		return Ref{}, badRef(text, err)
	}
	if !at {
		return r, nil
	}
	if version != "" && strings.Trim(version, "0123456789") == "" {
		n, err := strconv.Atoi(version)
		if err != nil || n < 1 || version[0] == '0' || n > 1<<31-1 {
			return Ref{}, fmt.Errorf("%w: %.200q: versions are numbers from 1", ErrRef, text)
		}
		r.Number = n
		return r, nil
	}
	if err := CheckLabel(version); err != nil {
		return Ref{}, badRef(text, err)
	}
	r.Label = version
	return r, nil
}

func badRef(text string, err error) error {
	return fmt.Errorf("%w: %.200q: write name, name@label or name@7 (%s)", ErrRef, text, strings.TrimPrefix(err.Error(), ErrInvalid.Error()+": "))
}

// String writes a Ref as ParseRef reads it.
func (r Ref) String() string {
	switch {
	case r.Number > 0:
		return r.Name + "@" + strconv.Itoa(r.Number)
	case r.Label != "":
		return r.Name + "@" + r.Label
	}
	return r.Name
}
