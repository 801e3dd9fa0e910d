package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/weir-dev/weir/prompts"
)

// promptRow is one line of the list of prompts.
type promptRow struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"` // text, chat; "" when its newest version was deleted
	Model     string         `json:"model"`
	Versions  int            `json:"versions"` // deleted ones too
	Labels    map[string]int `json:"labels"`   // the version that each points to
	Protected []string       `json:"protected"`
	Message   string         `json:"message"` // of the newest version
	Author    string         `json:"author"`
	UpdatedAt stamp          `json:"updated_at"` // when the newest version was pushed
}

// promptList is all prompts at one revision.
type promptList struct {
	Prompts  []promptRow `json:"prompts"`
	Revision int64       `json:"revision"`
}

// promptDetail is a prompt with its history.
type promptDetail struct {
	Name        string        `json:"name"`
	Revision    int64         `json:"revision"`
	Versions    []versionRow  `json:"versions"` // newest first
	Labels      []promptLabel `json:"labels"`
	Protections []protection  `json:"protections"`
}

// versionRow is a version without its content.
type versionRow struct {
	Version   int      `json:"version"`
	Hash      string   `json:"hash"`
	Kind      string   `json:"kind"` // text, chat; "" once deleted
	Model     string   `json:"model"`
	Labels    []string `json:"labels"` // that point to it
	Author    string   `json:"author"`
	Message   string   `json:"message"`
	CreatedAt stamp    `json:"created_at"`
	DeletedAt *stamp   `json:"deleted_at"` // null: it is there
	DeletedBy string   `json:"deleted_by"`
}

// promptLabel is where a label points.
type promptLabel struct {
	Label     string `json:"label"`
	Version   int    `json:"version"`
	Revision  int64  `json:"revision"` // of the move
	MovedAt   stamp  `json:"moved_at"`
	Protected bool   `json:"protected"`
}

// promptVersion is a version with its content.
type promptVersion struct {
	Name string `json:"name"`
	versionRow
	Revision int64           `json:"revision"` // of the label that named it; 0: it was named by number
	Content  prompts.Content `json:"content"`
}

func kindOfPrompt(c *prompts.Content) string {
	switch {
	case len(c.Messages) > 0:
		return "chat"
	case c.Text != "":
		return "text"
	}
	return ""
}

// snapshot is all prompts as they are now.
func (a *API) snapshot(ctx context.Context) (*prompts.Snapshot, error) {
	if err := a.cfg.Registry.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("read prompts: %w", err)
	}
	return a.cfg.Registry.Current(), nil
}

// promptOf finds the prompt that a path names.
func (a *API) promptOf(r *http.Request) (*prompts.Snapshot, *prompts.Prompt, error) {
	s, err := a.snapshot(r.Context())
	if err != nil {
		return nil, nil, err
	}
	name := r.PathValue("name")
	if err := prompts.CheckName(name); err != nil {
		return nil, nil, err
	}
	p, ok := s.State().Prompts[name]
	if !ok {
		_, _, err := s.Find(prompts.Ref{Name: name}) // says which names are like it
		return nil, nil, err
	}
	return s, p, nil
}

// versionOf finds the version of a path's prompt that a word names: a number, a label, or nothing.
func (a *API) versionOf(r *http.Request, word string) (*prompts.Snapshot, *prompts.Version, int64, error) {
	s, p, err := a.promptOf(r)
	if err != nil {
		return nil, nil, 0, err
	}
	ref := prompts.Ref{Name: p.Name}
	if word != "" {
		if ref, err = prompts.ParseRef(p.Name + "@" + word); err != nil {
			return nil, nil, 0, err
		}
	}
	v, revision, err := s.Find(ref)
	return s, v, revision, err
}

func (a *API) listPrompts(w http.ResponseWriter, r *http.Request) error {
	s, err := a.snapshot(r.Context())
	if err != nil {
		return err
	}
	state := s.State()
	out := promptList{Prompts: []promptRow{}, Revision: state.Revision}
	for _, name := range slices.Sorted(maps.Keys(state.Prompts)) {
		p := state.Prompts[name]
		newest := &p.Versions[len(p.Versions)-1]
		row := promptRow{
			Name: name, Kind: kindOfPrompt(&newest.Content), Model: newest.Model, Versions: len(p.Versions), Labels: map[string]int{},
			Protected: list(slices.Sorted(maps.Keys(p.Protected))), Message: newest.Message, Author: newest.Author, UpdatedAt: stamp(newest.CreatedAt),
		}
		for label, at := range p.Labels {
			row.Labels[label] = at.Number
		}
		out.Prompts = append(out.Prompts, row)
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) getPrompt(w http.ResponseWriter, r *http.Request) error {
	s, p, err := a.promptOf(r)
	if err != nil {
		return err
	}
	out := promptDetail{Name: p.Name, Revision: s.Revision(), Labels: []promptLabel{}, Protections: []protection{}}
	for i := range p.Versions {
		out.Versions = append(out.Versions, rowOfVersion(p, &p.Versions[i]))
	}
	slices.Reverse(out.Versions)
	for _, label := range slices.Sorted(maps.Keys(p.Labels)) {
		at := p.Labels[label]
		_, protected := p.Protected[label]
		out.Labels = append(out.Labels, promptLabel{label, at.Number, at.Revision, stamp(at.MovedAt), protected})
	}
	for _, label := range slices.Sorted(maps.Keys(p.Protected)) {
		out.Protections = append(out.Protections, shownProtection(label, p.Protected[label]))
	}
	return answer(w, http.StatusOK, out)
}

func rowOfVersion(p *prompts.Prompt, v *prompts.Version) versionRow {
	out := versionRow{
		Version: v.Number, Hash: v.Hash, Kind: kindOfPrompt(&v.Content), Model: v.Model, Labels: []string{}, Author: v.Author, Message: v.Message,
		CreatedAt: stamp(v.CreatedAt), DeletedAt: stampOf(v.DeletedAt), DeletedBy: v.DeletedBy,
	}
	for _, label := range slices.Sorted(maps.Keys(p.Labels)) {
		if p.Labels[label].Number == v.Number {
			out.Labels = append(out.Labels, label)
		}
	}
	return out
}

func (a *API) fetchPrompt(w http.ResponseWriter, r *http.Request) error {
	return a.showVersion(w, r, r.URL.Query().Get("ref"))
}

func (a *API) getPromptVersion(w http.ResponseWriter, r *http.Request) error {
	return a.showVersion(w, r, r.PathValue("version"))
}

// showVersion answers with a version, or with 304 when the client has it as it is.
func (a *API) showVersion(w http.ResponseWriter, r *http.Request, word string) error {
	s, v, revision, err := a.versionOf(r, word)
	if err != nil {
		return err
	}
	row := rowOfVersion(s.State().Prompts[v.Name], v)
	// All that can change of the answer: which version, by which move, and the labels that point to it.
	etag := fmt.Sprintf("%q", fmt.Sprintf("%s-%d-%d-%x", v.Hash, v.Number, revision, fmt.Sprint(row.Labels)))
	w.Header().Set("ETag", etag)
	if sameETag(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return answer(w, http.StatusOK, promptVersion{Name: v.Name, versionRow: row, Revision: revision, Content: v.Content})
}

// newVersion asks for a content to be stored.
type newVersion struct {
	Name    string          `json:"name"`
	Content prompts.Content `json:"content"`
	Message string          `json:"message,omitempty"` // why
	After   int             `json:"after,omitempty"`   // the newest version that the content was made from: another one since is a conflict
	Label   string          `json:"label,omitempty"`   // to be pointed to the version in the same request
}

// pushed is the version that has a content.
type pushed struct {
	Name      string   `json:"name"`
	Version   int      `json:"version"`
	Hash      string   `json:"hash"`
	Made      bool     `json:"made"`      // false: the content was this version's already
	Warnings  []string `json:"warnings"`  // what may be a mistake
	Revision  int64    `json:"revision"`  // of all prompts
	Converged bool     `json:"converged"` // every weir on the same store serves it
	Behind    []string `json:"behind"`    // those that did not say so in time, by name
}

func (a *API) pushPrompt(w http.ResponseWriter, r *http.Request) error {
	var in newVersion
	if err := read(r, &in); err != nil {
		return err
	}
	if err := prompts.CheckName(in.Name); err != nil {
		return err
	}
	if err := checkTexts(textField{"message", in.Message}); err != nil {
		return err
	}
	warnings, err := prompts.Check(in.Content)
	if err != nil {
		return err
	}
	s, err := a.snapshot(r.Context())
	if err != nil {
		return err
	}
	more, err := checkPartials(s, in.Name, in.Content)
	if err != nil {
		return err
	}
	if in.Label != "" {
		if err := checkMovable(s.State().Prompts[in.Name], in.Label); err != nil {
			return err
		}
	}
	now, who := time.Now(), callerOf(r)
	v, made, err := a.cfg.Prompts.Push(r.Context(), prompts.Push{Name: in.Name, Content: in.Content, Author: who.name, Message: in.Message, At: now, After: in.After})
	if err != nil {
		return err
	}
	if in.Label != "" {
		m := prompts.Move{Pointer: prompts.Pointer{Prompt: in.Name, Label: in.Label, Number: v.Number, MovedAt: now}, Author: who.name, Reason: in.Message}
		if _, err := a.cfg.Prompts.MoveLabel(r.Context(), m, -1); err != nil {
			a.cfg.Registry.Changed(r.Context())
			return fmt.Errorf("version %d is stored, but: %w", v.Number, err)
		}
	}
	c := a.cfg.Registry.Changed(r.Context())
	return answer(w, http.StatusOK, pushed{v.Name, v.Number, v.Hash, made, list(slices.Concat(warnings, more)), c.Revision, c.Converged, behind(c)})
}

func (a *API) deletePromptVersion(w http.ResponseWriter, r *http.Request) error {
	name, word := r.PathValue("name"), r.PathValue("version")
	n, err := strconv.Atoi(word)
	if err != nil {
		return bad("version", "%q is no version's number; labels move, so that a version is deleted by its number", clip(word))
	}
	if err := a.unserved(r.Context(), name, n); err != nil {
		return err
	}
	if err := a.cfg.Prompts.DeleteVersion(r.Context(), name, n, callerOf(r).name, time.Now()); err != nil {
		return err
	}
	a.cfg.Registry.Changed(r.Context())
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// renderRequest asks what a version makes of variables.
type renderRequest struct {
	Ref       string          `json:"ref,omitempty"`       // a version's number or a label; production, else the newest version, unless given
	Variables json.RawMessage `json:"variables,omitempty"` // an object
	// Content, unless left out, is rendered in place of a version's, as the prompt's next one would be.
	Content *prompts.Content `json:"content,omitempty"`
}

// renderedPrompt is what a version makes of variables.
type renderedPrompt struct {
	Name     string `json:"name"`
	Version  int    `json:"version"` // 0: of a content that is not stored
	Hash     string `json:"hash"`
	Revision int64  `json:"revision"`
	prompts.Rendered
}

func (a *API) renderPrompt(w http.ResponseWriter, r *http.Request) error {
	var in renderRequest
	if err := read(r, &in); err != nil {
		return err
	}
	out := renderedPrompt{Name: r.PathValue("name")}
	var v *prompts.Version
	s, err := a.snapshot(r.Context())
	if err != nil {
		return err
	}
	if in.Content != nil {
		if err := prompts.CheckName(out.Name); err != nil {
			return err
		}
		if _, err := prompts.Check(*in.Content); err != nil {
			return err
		}
		v = &prompts.Version{Name: out.Name, Content: *in.Content}
	} else if s, v, out.Revision, err = a.versionOf(r, in.Ref); err != nil {
		return err
	}
	compiled, err := prompts.Compile(*v)
	if err != nil {
		return err
	}
	if out.Rendered, err = compiled.Render(in.Variables, partialsOf(s, nil)); err != nil {
		return err
	}
	out.Version, out.Hash = v.Number, v.Hash
	return answer(w, http.StatusOK, out)
}
