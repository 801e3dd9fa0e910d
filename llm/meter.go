package llm

import (
	"net/http"
	"slices"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
)

// MeterConfig says what kind of answer a Meter reads.
type MeterConfig struct {
	Endpoint Endpoint
	Path     string // after /v1, as in Call; tells images and audio apart among the passthrough
	Dialect  Dialect
	Quirks   Quirks
	Stream   bool // the body is an event stream
	Status   int  // HTTP status
	Header   http.Header
}

// Mark says what one event of a stream meant. The values are flags.
type Mark uint8

// The marks of an event.
const (
	Content   Mark = 1 << iota // some output was delivered
	Terminal                   // the stream is complete after it: [DONE], message_stop, response.completed, …
	UsageOnly                  // a chunk with empty choices whose purpose is usage
	Failed                     // the event carries an error
)

// Meter reads one answer on the side, while its bytes go to the client: usage, finish reasons, errors, completeness. It
// keeps no text. Not safe for concurrent use.
type Meter struct {
	MeterConfig
	wire wire

	out      Outcome
	finish   []string // by choice index
	counts   counts   // of the last valid usage block
	usage    bool     // counts is set
	stale    bool     // output came after the block
	raw      []byte   // text of the block
	terminal bool
	bytes    bool // a plain body held something
	short    bool // a plain body ended in the middle of its JSON, though nobody broke it off
}

// wire reads one wire form into a Meter. An implementation may keep what it must remember between events.
type wire interface {
	// event reads an event whose data is not empty and not [DONE].
	event(m *Meter, ev Event) Mark
	// body reads a plain body of a status below 400.
	body(m *Meter, b []byte)
}

// NewMeter makes the meter for one answer.
func NewMeter(c MeterConfig) *Meter {
	m := &Meter{MeterConfig: c}
	switch {
	case c.Dialect == Anthropic:
		m.wire = &anthropicWire{}
	case c.Dialect == Gemini:
		m.wire = &geminiWire{}
	case c.Dialect == Cohere:
		m.wire = cohereWire{}
	case c.Endpoint == Responses || strings.HasPrefix(c.Path, "/responses"):
		m.wire = &responsesWire{}
	default:
		m.wire = openaiWire{}
	}
	return m
}

// Event reads one event of a stream. Events without data mean nothing.
func (m *Meter) Event(ev Event) Mark {
	if len(ev.Data) == 0 {
		return 0
	}
	if isDone(ev.Data) {
		m.terminal = true
		return Terminal
	}
	usage := m.usage
	m.usage = false // set again by a valid block in this event
	mark := m.wire.event(m, ev)
	if mark&Content != 0 {
		m.out.Delivered = true
		m.stale = !m.usage
	} else if m.usage {
		m.stale = false
	}
	m.usage = m.usage || usage
	if mark&Terminal != 0 {
		m.terminal = true
	}
	return mark
}

// Body reads a plain body, whole, of any status. Of a body that was cut off, what can be read is read.
func (m *Meter) Body(b []byte) {
	m.bytes = len(b) > 0
	if m.Status >= 400 {
		m.out.Err = NormalError(m.Status, m.Header, b)
		return
	}
	m.wire.body(m, b)
	m.short = !m.usage && m.out.Err == nil && m.generates() && firstOf(b) == '{' && rawjson.Scan(b, nil) != nil
}

// End closes the books; call it once, after the last Event or Body. Cut says that the connection broke before the body
// had ended.
func (m *Meter) End(cut bool) Outcome {
	o := m.out
	o.FinishReasons = m.finish
	cut = cut || m.short
	switch {
	case o.Err != nil:
	case m.Status >= 400:
		o.Err = NormalError(m.Status, m.Header, nil)
	case m.Stream && !m.terminal && (cut || !m.finished()), !m.Stream && cut:
		o.Err = &Error{Type: "stream_truncated", Message: "the answer broke off before it was complete", Status: http.StatusBadGateway, Retryable: true}
	}
	if !m.Stream && cut && m.bytes && m.Status < 400 && m.generates() {
		o.Delivered = true
	}
	m.settle(&o)
	return o
}

// finished says that every choice seen has a finish reason.
func (m *Meter) finished() bool {
	if slices.Contains(m.finish, "") {
		return false
	}
	return len(m.finish) > 0 || !m.generates()
}

// generates says that the endpoint is one whose answers are output of a model.
func (m *Meter) generates() bool {
	switch m.Endpoint {
	case ChatCompletions, Completions, Embeddings, Responses, Messages:
		return true
	case Models:
		return false
	}
	return m.images() || strings.HasPrefix(m.Path, "/audio/")
}

// stored says that the answer is a look at an object that was made, and paid for, by an earlier call.
func (m *Meter) stored() bool {
	path, _, _ := strings.Cut(m.Path, "?")
	for _, list := range [...]string{"/responses/", "/chat/completions/"} {
		if id, ok := strings.CutPrefix(path, list); ok && id != "" && id != "compact" {
			return true
		}
	}
	return false
}

func (m *Meter) images() bool { return strings.HasPrefix(m.Path, "/images/") }

// maxChoices bounds what a hostile choice index can make a Meter hold.
const maxChoices = 1024

// choice notes that a choice was seen.
func (m *Meter) choice(i int) bool {
	if i < 0 || i >= maxChoices {
		return false
	}
	for len(m.finish) <= i {
		m.finish = append(m.finish, "")
	}
	return true
}

// finishAs notes a choice's finish reason; an absent or null one changes nothing.
func (m *Meter) finishAs(i int, v rawjson.Value) {
	if w, ok := v.Text(); ok && len(w) > 0 && m.choice(i) {
		m.finish[i] = finishWord(w)
	}
}

// finishWord puts any provider's finish reason into OpenAI's words. What is not known ended somehow: stop.
func finishWord(w []byte) string {
	switch string(w) {
	case "length", "max_tokens", "MAX_TOKENS", "model_length", "model_context_window_exceeded", "max_output_tokens", "ERROR_LIMIT":
		return "length"
	case "tool_calls", "function_call", "tool_use", "TOOL_CALL":
		return "tool_calls"
	case "content_filter", "refusal", "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ERROR_TOXIC",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER":
		return "content_filter"
	case "error", "abort", "insufficient_system_resource", "ERROR", "TIMEOUT":
		return "error"
	}
	return "stop"
}

// keep puts a string that has something in it into *dst.
func keep(dst *string, v rawjson.Value) {
	if t, ok := v.Text(); ok && len(t) > 0 && string(t) != *dst {
		*dst = strings.ToValidUTF8(string(t[:min(len(t), 512)]), "\ufffd")
	}
}

// fail notes the error a body or event carries; the first one stays.
func (m *Meter) fail(body []byte) Mark {
	if m.out.Err == nil {
		m.out.Err = errorWithin(m.Header, body)
	}
	if m.out.Err == nil { // said to have failed, without a reason
		m.out.Err = &Error{Type: "http_502", Status: http.StatusBadGateway, Retryable: true}
	}
	return Failed
}
