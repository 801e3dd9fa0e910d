package prompts

import (
	"fmt"
	"strings"
)

// A token is a stretch of text, or a tag.
type token struct {
	kind  byte   // 0 text, 'v' value, and '#', '^', '/', '!', '>', '=' as they are written
	text  string // of a text; of a tag what stands in it, trimmed
	start int    // in the source
	end   int    // past it
	pad   string // of a partial on a line of its own: the space in front of it
}

// scan cuts a template into texts and tags, and takes the lines away on which nothing but a tag that prints nothing stands.
func scan(src string) ([]token, error) {
	tokens, err := cut(src)
	if err != nil {
		return nil, err
	}
	ownLines(src, tokens)
	return tokens, nil
}

func cut(src string) ([]token, error) {
	tokens := make([]token, 0, 2*strings.Count(src, "{{")+1)
	open, end := "{{", "}}"
	for at := 0; at < len(src); {
		i := strings.Index(src[at:], open)
		if i < 0 {
			return append(tokens, token{text: src[at:], start: at, end: len(src)}), nil
		}
		if i > 0 {
			tokens = append(tokens, token{text: src[at : at+i], start: at, end: at + i})
		}
		start := at + i
		t, err := tag(src, start, open, end)
		if err != nil {
			return nil, err
		}
		if t.kind == '=' {
			if open, end, err = delimiters(src, t); err != nil {
				return nil, err
			}
		}
		tokens = append(tokens, t)
		at = t.end
	}
	return tokens, nil
}

// tag reads the tag that opens at start.
func tag(src string, start int, open, end string) (token, error) {
	t := token{kind: 'v', start: start}
	inner := start + len(open)
	closing := end
	if inner < len(src) {
		switch c := src[inner]; c {
		case '#', '^', '/', '!', '>', '=':
			t.kind = c
			inner++
			if c == '=' {
				closing = "=" + end
			}
		case '&':
			inner++
		case '{':
			if open == "{{" && end == "}}" {
				inner++
				closing = "}}}"
			}
		}
	}
	n := strings.Index(src[inner:], closing)
	if n < 0 {
		return token{}, syntax(src, start, "%s is not closed: its %s is missing", open, closing)
	}
	t.text = strings.TrimSpace(src[inner : inner+n])
	t.end = inner + n + len(closing)
	return t, nil
}

// delimiters reads {{=<% %>=}}.
func delimiters(src string, t token) (open, end string, err error) {
	open, end, ok := strings.Cut(t.text, " ")
	end = strings.TrimSpace(end)
	if !ok || open == "" || end == "" || strings.ContainsAny(open+end, " \t\r\n=") || len(open) > 8 || len(end) > 8 {
		return "", "", syntax(src, t.start, "delimiters are set by two words, as in {{=<%% %%>=}}")
	}
	return open, end, nil
}

// ownLines finds tags that print nothing (sections, comments, partials, delimiters) and stand on a line by themselves, and takes the
// rest of that line from the texts beside them. A partial keeps the space in front of it.
func ownLines(src string, tokens []token) {
	for i := range tokens {
		t := &tokens[i]
		if t.kind == 0 || t.kind == 'v' {
			continue
		}
		before, after, alone := besides(src, t.start, t.end)
		if !alone {
			continue
		}
		if before != "" { // the text in front ends with it
			tokens[i-1].text = strings.TrimSuffix(tokens[i-1].text, before)
			if t.kind == '>' {
				t.pad = before
			}
		}
		if after != "" { // the text behind begins with it
			tokens[i+1].text = strings.TrimPrefix(tokens[i+1].text, after)
		}
	}
}

// besides gives what stands on the line of a tag in front of it and, with the line's end, behind it, and whether that is only space.
func besides(src string, start, end int) (before, after string, alone bool) {
	from := start
	for from > 0 && (src[from-1] == ' ' || src[from-1] == '\t') {
		from--
	}
	to := end
	for to < len(src) && (src[to] == ' ' || src[to] == '\t') {
		to++
	}
	if from > 0 && src[from-1] != '\n' {
		return "", "", false
	}
	switch {
	case to == len(src):
	case src[to] == '\n':
		to++
	case strings.HasPrefix(src[to:], "\r\n"):
		to += 2
	default:
		return "", "", false
	}
	return src[from:start], src[end:to], true
}

func syntax(src string, at int, format string, args ...any) error {
	line, column := position(src, at)
	return &SyntaxError{line, column, fmt.Sprintf(format, args...)}
}
