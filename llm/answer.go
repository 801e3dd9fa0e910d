package llm

// Answer is what a provider's body says, read out of its wire form. Texts and tool calls are for people, scorers and
// estimates; they are assembled off the request's path.
type Answer struct {
	Texts     []string   // per choice, in order of choice index
	Refusal   string     // of choice 0
	Reasoning string     // visible reasoning of choice 0
	ToolCalls []ToolCall // all choices, in order of choice and index
}

// ToolCall is a function the model wants called.
type ToolCall struct {
	Choice    int    `json:"choice"`
	Index     int    `json:"index"` // position among the calls of its choice
	ID        string `json:"id"`    // "" when the provider gave none
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // JSON text as the model wrote it
}

// Outcome is what the metering of one answer found. It is complete once the body has ended.
type Outcome struct {
	Model         string   // last non-empty model named by the answer, "" if it names none
	ResponseID    string   // the provider's own id of the answer, "" if it gives none
	FinishReasons []string // per choice in OpenAI's words; "" = seen, never finished; nil = no choice
	ServiceTier   string   // as served
	Usage         Usage
	Source        UsageSource
	// InputMissing and OutputMissing say that the provider gave no usable count for that side and something was
	// generated, so that an estimate is due. Source is then Estimated.
	InputMissing, OutputMissing bool
	UsageRaw                    []byte // the provider's usage object as it came, or nil
	ProviderCost                string // decimal dollars as the provider reported them, "" if it did not
	Units                       Units
	Err                         *Error // the answer's error, also one inside a 200 answer or a stream that was cut; nil if none
	Clamped                     bool   // a detail count was larger than its total, or a count made no sense
	Delivered                   bool   // some output (text, tool call, audio, vector) was in the answer
}
