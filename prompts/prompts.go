// Package prompts keeps prompts as named, numbered templates, moves labels between their versions, and puts them into calls.
package prompts

import (
	"encoding/json"
	"errors"
	"time"
)

// Version is one state of a prompt, and never changes.
type Version struct {
	Name   string // of the prompt: see CheckName
	Number int    // from 1, without gaps
	Hash   string // of the content, sha256: and 64 hex digits; equal contents have equal hashes
	Content

	Author    string
	Message   string // why it was made
	CreatedAt time.Time
	// DeletedAt, when it is set, says that the version's content is gone for good; its number is not given again.
	DeletedAt time.Time
	DeletedBy string
}

// Content is what a prompt says, and how a model is to be asked with it.
type Content struct {
	Text     string    `json:"text,omitempty"`     // a template; a prompt has a text or messages
	Messages []Message `json:"messages,omitempty"` // of a chat

	Model          string          `json:"model,omitempty"`           // what to ask when the caller names none
	Settings       json.RawMessage `json:"settings,omitempty"`        // an object of request members: temperature, max_tokens, …
	Variables      json.RawMessage `json:"variables,omitempty"`       // a JSON Schema of the object of variables; without one, the template's names are all wanted
	Defaults       json.RawMessage `json:"defaults,omitempty"`        // an object: values of variables that the caller leaves out
	ResponseFormat json.RawMessage `json:"response_format,omitempty"` // as OpenAI's response_format
	Tools          json.RawMessage `json:"tools,omitempty"`           // as OpenAI's tools, an array
}

// Message is one message of a chat.
type Message struct {
	Role    string `json:"role"`    // system, developer, user, assistant
	Content string `json:"content"` // a template
}

// Ref names a version of a prompt: by label, by number, or, with neither, the one that Default says.
type Ref struct {
	Name   string
	Label  string
	Number int
}

// Labels with a meaning of their own.
const (
	// Latest points to the newest version that is not deleted. It moves by itself, and by nobody.
	Latest = "latest"
	// Production is what a Ref without a label means, when the prompt has it; else it means Latest.
	Production = "production"
)

// Pointer is where a label points.
type Pointer struct {
	Prompt, Label string
	Number        int
	// Revision counts the moves of all labels of an installation, so that it says which of two states is the newer one.
	Revision int64
	MovedAt  time.Time
}

// Move is one move of a label, kept for ever.
type Move struct {
	Pointer
	From   int    // the version it pointed to before; 0: it was made
	Author string // who moved it
	Reason string
	Change string // id of the change request that allowed it, ""
}

// The errors that stores and the registry answer with; the text around them says what and why.
var (
	ErrNoPrompt  = errors.New("no such prompt")
	ErrNoVersion = errors.New("no such version of the prompt")
	ErrNoLabel   = errors.New("the prompt has no such label")
	ErrDeleted   = errors.New("the version of the prompt was deleted")
	ErrConflict  = errors.New("somebody else was quicker") // what was read before has changed: read it again
	ErrProtected = errors.New("the label is protected")    // it moves by an approved change request only
	ErrInvalid   = errors.New("not a prompt")              // in the chain of an error that says everything that is wrong with it
)
