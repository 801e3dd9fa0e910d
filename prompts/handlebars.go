package prompts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A hbReader turns a Handlebars body into templates of ours, as far as both mean the same.
type hbReader struct {
	src    string
	shape  *outline // of the variables; nil: not known
	faults []hbFault

	messages []Message
	role     string   // of the message that is being read; "": none was said
	parts    []hbPart // of the message that is being read
	blocks   []hbBlock
}

// A hbFault is what we do not read, and where, in bytes.
type hbFault struct {
	at   int
	text string
}

// A hbPart is a piece of a message.
type hbPart struct {
	tag     string // ours; "": a text
	text    string // with the lines on which a block's tag stands alone
	printed string // without them
	moved   bool   // a partial that moves in what it takes
}

var roleTag = regexp.MustCompile(`^role\s+(?:"([A-Za-z]+)"|'([A-Za-z]+)')$`)

// read gives a text, when no role is named, or messages.
func (r *hbReader) read() (text string, messages []Message) {
	tokens, at, fault := hbScan(r.src)
	if fault != "" {
		r.faults = append(r.faults, hbFault{at, fault})
		return "", nil
	}
	whole, printed := hbTexts(r.src, tokens, false), hbTexts(r.src, tokens, true)
	named := false
	for i := range tokens {
		t := &tokens[i]
		switch {
		case t.kind == 0:
			r.parts = append(r.parts, hbPart{text: whole[i], printed: printed[i]})
		case t.kind == 'v' && roleTag.MatchString(t.text):
			r.begin(t, named)
			named = true
		case t.kind == 'v' && t.text == "history":
			r.history(t, tokens[i+1:])
		default:
			r.tag(t)
		}
	}
	for _, b := range r.blocks {
		r.faults = append(r.faults, hbFault{b.at, fmt.Sprintf("{{#%s}} is not closed", b.word)})
	}
	content := r.content()
	if !named {
		return content, nil
	}
	return "", append(r.messages, Message{r.role, content})
}

// begin starts a message. Space in front of the first one is none.
func (r *hbReader) begin(t *hbToken, named bool) {
	if len(r.blocks) > 0 {
		r.fault(t, "{{role}} within a block is not read: a prompt has the same messages each time")
	}
	m := roleTag.FindStringSubmatch(t.text)
	role := m[1] + m[2]
	if role == "model" {
		role = "assistant"
	}
	if !slices.Contains(roles, role) {
		r.fault(t, "the role %q is not read: roles are %s and model", role, strings.Join(roles, ", "))
	}
	content := r.content()
	if named {
		r.messages = append(r.messages, Message{r.role, content})
	} else if strings.TrimSpace(content) != "" {
		r.messages = append(r.messages, Message{"user", content})
	}
	r.role, r.parts = role, nil
}

// history is read where a caller's messages go anyway.
func (r *hbReader) history(t *hbToken, rest []hbToken) {
	for _, after := range rest {
		if after.kind != '!' && (after.kind != 0 || strings.TrimSpace(after.text) != "") {
			r.fault(t, "{{history}} is read at the end only: the caller's messages go behind the prompt's")
			return
		}
	}
}

// content writes the message that is being read as a template of ours: as it stands when that prints the same, else with the lines of
// tags taken away and a comment behind each tag, so that none is taken for one that stands alone.
func (r *hbReader) content() string {
	var as, guarded strings.Builder
	moved := false
	for _, p := range r.parts {
		as.WriteString(p.tag + p.text)
		guarded.WriteString(p.tag + p.printed)
		if len(p.tag) > 2 && strings.IndexByte("#^/>!", p.tag[2]) >= 0 {
			guarded.WriteString("{{!}}")
		}
		moved = moved || p.moved
	}
	if slices.Equal(r.gaps(as.String()), r.wanted()) {
		return as.String()
	}
	if moved {
		r.faults = append(r.faults, hbFault{0, "a partial on a line by itself is not read beside ~; take the ~ away"})
	}
	return guarded.String()
}

// gaps are the texts between the tags of a template of ours.
func (r *hbReader) gaps(template string) []string {
	tokens, err := scan(template)
	if err != nil {
		return nil
	}
	out := []string{""}
	for _, t := range tokens {
		switch t.kind {
		case 0:
			out[len(out)-1] += t.text
		case '!':
		default:
			out = append(out, "")
		}
	}
	return out
}

// wanted are the texts between the tags as Handlebars prints them.
func (r *hbReader) wanted() []string {
	out := []string{""}
	for _, p := range r.parts {
		switch {
		case p.tag == "":
			out[len(out)-1] += p.printed
		case !strings.HasPrefix(p.tag, "{{!"):
			out = append(out, "")
		}
	}
	return out
}

func (r *hbReader) fault(t *hbToken, format string, args ...any) {
	r.faults = append(r.faults, hbFault{t.start, fmt.Sprintf(format, args...)})
}

func (r *hbReader) put(tags ...string) {
	for _, tag := range tags {
		r.parts = append(r.parts, hbPart{tag: tag})
	}
}
