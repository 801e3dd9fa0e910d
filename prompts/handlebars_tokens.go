package prompts

import (
	"strings"
)

// A hbToken is a stretch of text, or a tag of Handlebars.
type hbToken struct {
	kind        byte   // 0 text, 'v' value, and '#', '^', '/', '!', '>' as they are written; 'e' else
	text        string // of a text as it stands; of a tag what stands in it, trimmed
	start, end  int    // in the body
	left, right bool   // ~ on that side
}

// block says that the tag prints nothing, so that a line which has only it goes.
func (t *hbToken) block() bool { return t.kind != 0 && t.kind != 'v' }

// hbScan cuts a body into texts and tags. at is where a fault is, in bytes.
func hbScan(src string) (tokens []hbToken, at int, fault string) {
	for at := 0; at < len(src); {
		i := strings.Index(src[at:], "{{")
		if i < 0 {
			i = len(src) - at
		}
		if i > 0 {
			tokens = append(tokens, hbToken{text: src[at : at+i], start: at, end: at + i})
		}
		start := at + i
		if start == len(src) {
			break
		}
		if start > 0 && src[start-1] == '\\' {
			return nil, start - 1, "escaped braces are not read; add weir.template: mustache in front and change the delimiters: {{=<% %>=}}"
		}
		t, fault := hbTag(src, start)
		if fault != "" {
			return nil, start, fault
		}
		tokens = append(tokens, t)
		at = t.end
	}
	return tokens, 0, ""
}

func hbTag(src string, start int) (t hbToken, fault string) {
	t = hbToken{kind: 'v', start: start}
	inner := start + 2
	if strings.HasPrefix(src[inner:], "~") {
		t.left = true
		inner++
	}
	closing := "}}"
	switch {
	case strings.HasPrefix(src[inner:], "!--"):
		t.kind, closing, inner = '!', "--}}", inner+3
		if n, m := strings.Index(src[inner:], "--~}}"), strings.Index(src[inner:], "--}}"); n >= 0 && (m < 0 || n < m) {
			closing = "--~}}"
		}
	case strings.HasPrefix(src[inner:], "{"):
		closing, inner = "}}}", inner+1
	case strings.HasPrefix(src[inner:], "&"):
		inner++
	case inner < len(src) && strings.IndexByte("#^/!>", src[inner]) >= 0:
		t.kind, inner = src[inner], inner+1
	}
	n := strings.Index(src[inner:], closing)
	if n < 0 {
		return t, "{{ is not closed: its " + closing + " is missing"
	}
	t.end = inner + n + len(closing)
	text := src[inner : inner+n]
	switch closing {
	case "--~}}":
		t.right = true
	case "}}":
		text, t.right = strings.CutSuffix(text, "~")
	}
	t.text = strings.TrimSpace(text)
	if t.kind == 'v' && (t.text == "else" || strings.HasPrefix(t.text, "else ")) || t.kind == '^' && t.text == "" {
		t.kind = 'e'
	}
	return t, ""
}

// hbTexts gives each token's text as Handlebars prints it: without what ~ takes, and without the lines on which a block's tag
// stands alone. With tildes alone those lines are still there.
func hbTexts(src string, tokens []hbToken, lines bool) []string {
	out := make([]string, len(tokens))
	for i := range tokens {
		if tokens[i].kind == 0 {
			out[i] = tokens[i].text
		}
	}
	for i := range tokens {
		t := &tokens[i]
		if t.kind == 0 {
			continue
		}
		before, after, alone := besides(src, t.start, t.end)
		alone = alone && t.block() && lines
		if i > 0 && tokens[i-1].kind == 0 {
			if alone {
				out[i-1] = strings.TrimSuffix(out[i-1], before)
			}
			if t.left {
				out[i-1] = strings.TrimRight(out[i-1], " \t\r\n\f\v")
			}
		}
		if i+1 < len(tokens) && tokens[i+1].kind == 0 {
			if alone {
				out[i+1] = strings.TrimPrefix(out[i+1], after)
			}
			if t.right {
				out[i+1] = strings.TrimLeft(out[i+1], " \t\r\n\f\v")
			}
		}
	}
	return out
}
