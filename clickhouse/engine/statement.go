package engine

import (
	"strings"
)

// statement is one SQL statement, read just far enough to know how to run it.
type statement struct {
	text string // without a closing semicolon; of an INSERT with inline data, without the data

	insert  bool // begins with INSERT
	read    bool // changes nothing: SELECT, SHOW, …
	session bool // changes the session it runs in: SET, USE, a temporary table

	// Of an INSERT that takes rows from outside its text:
	takesData bool
	fileAt    int    // offset where FROM INFILE belongs
	hasFormat bool   // a FORMAT clause is there
	data      string // inline rows that follow the FORMAT clause
}

// parseStatement reads one statement. Several statements in one text are refused, as the server's HTTP interface does.
func parseStatement(text string) (statement, error) {
	s := statement{text: text}
	var (
		lex        = lexer{text: text}
		first      string
		named      bool // the INSERT's table has been read
		settingsAt = -1
		ended      = -1 // offset of the first semicolon
		values     bool
		sourced    bool // the INSERT has a source in its text: SELECT, VALUES, INFILE
	)
	for {
		tok, ok := lex.next()
		if !ok {
			break
		}
		if ended >= 0 {
			if tok.text == ";" {
				continue
			}
			return s, exceptionf(codeSyntaxError, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed): failed at position %d: send one statement per request", ended+1)
		}
		if tok.text == ";" {
			ended = tok.at
			continue
		}
		word := strings.ToUpper(tok.text)
		if first == "" {
			if word == "(" {
				continue
			}
			first = word
			s.insert = word == "INSERT"
			s.read = isRead(word)
			s.session = word == "SET" || word == "USE"
			continue
		}
		if word == "TEMPORARY" {
			s.session = true
		}
		if !s.insert || sourced {
			continue
		}
		switch {
		case !named:
			if word == "INTO" || word == "TABLE" || word == "FUNCTION" {
				continue
			}
			named = true
		case lex.depth > 0 || tok.text == ")" || tok.after == '.':
		case word == "SETTINGS":
			settingsAt = tok.at
		case word == "VALUES":
			sourced, values = true, true
		case word == "SELECT" || word == "WITH" || word == "FROM" || word == "WATCH" || word == "(":
			sourced = true
		case word == "FORMAT":
			format, ok := lex.next()
			if !ok {
				return s, exceptionf(codeSyntaxError, "SYNTAX_ERROR", "FORMAT at position %d names no format", tok.at+1)
			}
			end := format.at + len(format.text)
			s.takesData, s.hasFormat = true, true
			s.fileAt = tok.at
			if settingsAt >= 0 {
				s.fileAt = settingsAt
			}
			s.text, s.data = text[:end], inlineData(text[end:])
			return s, nil
		}
	}
	if ended >= 0 {
		s.text = text[:ended]
	}
	if s.insert && named && !sourced {
		s.takesData = true
		s.fileAt = len(s.text)
		if settingsAt >= 0 {
			s.fileAt = settingsAt
		}
	}
	if values && strings.HasSuffix(strings.ToUpper(strings.TrimSpace(s.text)), "VALUES") {
		// The rows come apart from the text, as FORMAT Values.
		trimmed := strings.TrimSpace(s.text)
		s.text = trimmed[:len(trimmed)-len("VALUES")]
		s.takesData, s.fileAt = true, len(s.text)
		if settingsAt >= 0 {
			s.fileAt = settingsAt
		}
	}
	return s, nil
}

// fromFile is the INSERT with its rows taken from a file. format is used when the statement names none.
func (s statement) fromFile(path, format string) string {
	sql := s.text[:s.fileAt] + " FROM INFILE " + quote(path) + " " + s.text[s.fileAt:]
	if !s.hasFormat {
		sql += " FORMAT " + format
	}
	return sql
}

func isRead(word string) bool {
	switch word {
	case "SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK", "FROM":
		return true
	}
	return false
}

// inlineData is what follows a FORMAT clause: the blanks up to the first line's end belong to the statement.
func inlineData(rest string) string {
	trimmed := strings.TrimLeft(rest, " \t\r")
	if after, ok := strings.CutPrefix(trimmed, "\n"); ok {
		return after
	}
	if strings.Trim(trimmed, "; \t\r\n") == "" {
		return ""
	}
	return trimmed
}

// quote makes a ClickHouse string literal.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// lexer splits SQL into words, quoted pieces and single characters; blanks and comments fall away.
type lexer struct {
	text  string
	pos   int
	depth int  // open brackets, including those of the last token
	prev  byte // last byte of the last token
}

type token struct {
	text  string
	at    int
	after byte // last byte of the token before it, 0 for the first
}

func (l *lexer) next() (token, bool) {
	l.skipBlanks()
	if l.pos >= len(l.text) {
		return token{}, false
	}
	at := l.pos
	switch c := l.text[at]; {
	case isWordByte(c):
		for l.pos < len(l.text) && isWordByte(l.text[l.pos]) {
			l.pos++
		}
		if c == '$' {
			l.skipHeredoc(at)
		}
	case c == '\'' || c == '"' || c == '`':
		l.skipQuoted(c)
	default:
		l.pos++
		switch c {
		case '(', '[', '{':
			l.depth++
		case ')', ']', '}':
			l.depth--
		}
	}
	tok := token{text: l.text[at:l.pos], at: at, after: l.prev}
	l.prev = l.text[l.pos-1]
	return tok, true
}

func (l *lexer) skipBlanks() {
	for l.pos < len(l.text) {
		rest := l.text[l.pos:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v\x00", rest[0]) >= 0:
			l.pos++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "#!"), strings.HasPrefix(rest, "# "):
			l.skipPast(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			l.skipPast(rest[2:], "*/")
			l.pos = min(l.pos+2, len(l.text))
		default:
			return
		}
	}
}

// skipPast moves behind the next end in rest, or to the end of the text.
func (l *lexer) skipPast(rest, end string) {
	if i := strings.Index(rest, end); i >= 0 {
		l.pos += i + len(end)
		return
	}
	l.pos = len(l.text)
}

// skipQuoted moves behind a quoted piece; a backslash or a doubled quote does not end it.
func (l *lexer) skipQuoted(q byte) {
	for l.pos++; l.pos < len(l.text); l.pos++ {
		switch l.text[l.pos] {
		case '\\':
			l.pos++
		case q:
			if l.pos+1 < len(l.text) && l.text[l.pos+1] == q {
				l.pos++
				continue
			}
			l.pos++
			return
		}
	}
	l.pos = len(l.text)
}

// skipHeredoc moves behind $tag$…$tag$ when one begins at the offset.
func (l *lexer) skipHeredoc(at int) {
	rest := l.text[at:]
	end := strings.IndexByte(rest[1:], '$')
	if end < 0 {
		return
	}
	tag := rest[:end+2]
	for i := range len(tag) {
		if !isWordByte(tag[i]) {
			return
		}
	}
	if i := strings.Index(rest[len(tag):], tag); i >= 0 {
		l.pos = at + len(tag) + i + len(tag)
	}
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
