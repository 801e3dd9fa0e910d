package prompts

import (
	"fmt"
	"slices"
	"strings"
)

// What partials may come to.
const (
	maxParts     = 64 // different partials of a prompt
	maxPartDepth = 16 // partials in one another
)

// Resolver gives the version that a partial names, compiled, and the revision of the label that named it (0 when a number did). In one
// rendering it is asked once for each Ref.
type Resolver func(Ref) (c *Compiled, revision int64, err error)

// A part is a partial that was found.
type part struct {
	*Compiled
}

// resolve finds all partials, those of partials too, whether or not they will be reached: so a prompt that cannot be put together is
// refused with any variables.
func (c *Compiled) resolve(find Resolver) (map[Ref]part, []Pin, error) {
	if len(c.refs) == 0 {
		return nil, nil, nil
	}
	s := search{whole: c, find: find, parts: map[Ref]part{}}
	if err := s.walk(c, nil); err != nil {
		return nil, nil, err
	}
	return s.parts, s.pins, nil
}

// A search is one walk through the partials.
type search struct {
	whole *Compiled
	find  Resolver
	parts map[Ref]part
	pins  []Pin
}

func (s *search) walk(c *Compiled, above []string) error {
	above = append(slices.Clip(above), c.String())
	for _, p := range c.refs {
		if _, done := s.parts[p.Ref]; done {
			continue
		}
		if err := s.visit(c, p, above); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) visit(c *Compiled, p Partial, above []string) error {
	if s.find == nil {
		return s.fail(c, p, ErrNoPrompt)
	}
	found, revision, err := s.find(p.Ref)
	if err != nil {
		return s.fail(c, p, err)
	}
	for i, name := range above {
		if name == found.String() {
			return s.fail(c, p, fmt.Errorf("%w: %s", ErrCycle, strings.Join(append(slices.Clip(above[i:]), name), " → ")))
		}
	}
	if len(found.Version.Messages) > 0 {
		return s.fail(c, p, fmt.Errorf("%w: %s has messages, and only a text can be taken into another prompt", ErrInvalid, found))
	}
	if len(above) > maxPartDepth || len(s.pins) == maxParts {
		return s.fail(c, p, fmt.Errorf("%w: partials are %d deep and %d in all at most", ErrBounds, maxPartDepth, maxParts))
	}
	s.pins = append(s.pins, Pin{p.Ref.String(), found.Version.Name, found.Version.Number, found.Version.Hash, revision})
	if err := s.walk(found, above); err != nil {
		return err
	}
	s.parts[p.Ref] = part{found}
	return nil
}

func (s *search) fail(c *Compiled, p Partial, err error) error {
	return fmt.Errorf("prompt %s: partial %s at line %d, column %d of %s: %w", s.whole, p.Ref, p.Line, p.Column, c, err)
}

// partial renders another prompt's text in place, with the values around it. One that stands on a line by itself has each of its lines
// moved in as far; what is filled in is not moved.
func (r *renderer) partial(n *node) error {
	c := r.parts[r.now.refs[n.ref].Ref].Compiled
	t := c.templates[0]
	if n.pad != "" {
		var err error
		if t, err = r.moved(t, n.pad); err != nil {
			return err
		}
	}
	part, now := r.part, r.now
	r.part, r.now = c, t
	err := r.nodes(t.nodes)
	r.part, r.now = part, now
	return err
}

func (r *renderer) moved(t *Template, pad string) (*Template, error) {
	lines := strings.SplitAfter(t.source, "\n")
	if len(t.source)+len(lines)*len(pad) > maxTemplate {
		return nil, r.bounds("a partial is larger than 256 KiB with the space in front of its lines")
	}
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			b.WriteString(pad)
			b.WriteString(line)
		}
	}
	moved, err := Parse(b.String())
	if err != nil {
		return nil, fmt.Errorf("prompt %s: %w", r.part, err)
	}
	moved.indent = len(pad)
	return moved, nil
}
