package prompts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Snapshot is all prompts at one revision, in the form that calls use. It never changes. Safe for concurrent use.
type Snapshot struct {
	state   *State
	prompts map[string]*shelf
}

// shelf is one prompt of a snapshot.
type shelf struct {
	*Prompt
	versions []served // of Prompt.Versions, in its order
}

// served is a version as calls use it, made when the first one does.
type served struct {
	once sync.Once
	made *recipe
	err  error
}

// NewSnapshot makes a snapshot of a state, which must not be changed any more.
func NewSnapshot(state *State) *Snapshot {
	s := &Snapshot{state: state, prompts: make(map[string]*shelf, len(state.Prompts))}
	for name, p := range state.Prompts {
		s.prompts[name] = &shelf{Prompt: p, versions: make([]served, len(p.Versions))}
	}
	return s
}

// State is what the snapshot was made of. It must not be changed.
func (s *Snapshot) State() *State { return s.state }

// Revision is the snapshot's.
func (s *Snapshot) Revision() int64 { return s.state.Revision }

// Find gives the version that a reference names, and the revision of the label that named it: 0 when it was a number. The
// error says what there is instead; ErrNoPrompt, ErrNoLabel, ErrNoVersion or ErrDeleted is in its chain.
func (s *Snapshot) Find(ref Ref) (*Version, int64, error) {
	_, v, revision, err := s.find(ref)
	return v, revision, err
}

func (s *Snapshot) find(ref Ref) (*shelf, *Version, int64, error) {
	p, ok := s.prompts[ref.Name]
	if !ok {
		return nil, nil, 0, fmt.Errorf("%w: %s; %s", ErrNoPrompt, ref.Name, near("prompts", ref.Name, maps.Keys(s.prompts)))
	}
	number, revision := ref.Number, int64(0)
	if number == 0 {
		at, ok := p.pointer(ref.Label)
		if !ok {
			return p, nil, 0, p.noLabel(ref.Label)
		}
		number, revision = at.Number, at.Revision
	}
	if number < 1 || number > len(p.Versions) {
		return p, nil, 0, fmt.Errorf("%w: %s@%d; it has the versions 1 to %d", ErrNoVersion, p.Name, number, len(p.Versions))
	}
	v := &p.Versions[number-1]
	if !v.DeletedAt.IsZero() {
		return p, nil, 0, fmt.Errorf("%w: %s@%d, on %s; %s", ErrDeleted, p.Name, number, v.DeletedAt.Format("2006-01-02"), p.labelled())
	}
	return p, v, revision, nil
}

// pointer finds a label; none means production, else the newest version.
func (p *shelf) pointer(label string) (Pointer, bool) {
	if label != "" {
		at, ok := p.Labels[label]
		return at, ok
	}
	if at, ok := p.Labels[Production]; ok {
		return at, true
	}
	at, ok := p.Labels[Latest]
	return at, ok
}

func (p *shelf) noLabel(label string) error {
	if label == "" || label == Latest && len(p.Versions) > 0 {
		return fmt.Errorf("%w: all versions of %s were deleted; push another one", ErrDeleted, p.Name)
	}
	return fmt.Errorf("%w: %s@%s; %s", ErrNoLabel, p.Name, label, p.labelled())
}

// labelled says what labels the prompt has.
func (p *shelf) labelled() string {
	const most = 20
	names := slices.Sorted(maps.Keys(p.Labels))
	switch {
	case len(names) == 0:
		return "it has no labels"
	case len(names) > most:
		return "it has the labels " + strings.Join(names[:most], ", ") + " and others"
	}
	return "it has the labels " + strings.Join(names, ", ")
}

// recipe gives a version in the form that calls use.
func (s *Snapshot) recipe(p *shelf, v *Version) (*recipe, error) {
	r := &p.versions[v.Number-1]
	r.once.Do(func() { r.made, r.err = newRecipe(s, v) })
	return r.made, r.err
}
