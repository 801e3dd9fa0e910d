package llm

// Use is which version of a prompt a call was made with, and which arm of an experiment it fell to. The zero value: none.
type Use struct {
	Prompt         string // its name
	PromptVersion  int    // from 1
	PromptHash     string // of the version's content
	PromptRevision int64  // of the label that named the version; 0 when the caller named the version by its number

	// Model is what is asked for when the call itself names none: the version's model, or the arm's.
	Model string

	Experiment string // its name
	Arm        string
	// Epoch numbers, from 1, the stretches of an experiment with the same weights. At 0 the call is not part of its
	// analysis: the arm was asked for, the unit is outside of what is compared so far, or it was made for another call.
	Epoch int
	Unit  string // what the arm was assigned by: a user, a session, a key or a header's value
	// Request, if not nil, is recorded in place of the call's body: the client's, with the messages that the prompt made.
	Request []byte
	// OwnText is how long the text is that the user wrote in this call, in bytes of UTF-8: known before an arm acts on
	// it, it explains a part of what calls cost. 0 outside of experiments.
	OwnText int
}
