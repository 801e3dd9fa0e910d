package retrieval

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// Question is one that is asked of an index, with the places that answer it.
type Question struct {
	ID       string  `json:"id"` // its number in the file unless given
	Question string  `json:"question"`
	Kind     string  `json:"kind,omitempty"` // a group to count it in
	Relevant []Label `json:"relevant,omitempty"`
	// Unanswerable says that nothing in the documents answers it.
	Unanswerable bool `json:"unanswerable,omitempty"`
}

// Label is a place that answers a question. A quote holds whatever the documents are cut by: a passage is relevant when the quote
// is in it. Without one, each passage of the document is, or the one passage of that id.
type Label struct {
	Document string  `json:"document"`        // its id; in a label that is only a text, a document's or a passage's
	Quote    string  `json:"quote,omitempty"` // words of the document; any white space stands for any other
	Grade    float64 `json:"grade,omitempty"` // how relevant, above 0; 1 unless given
}

// UnmarshalJSON reads a label; a text alone is a document's or a passage's id.
func (l *Label) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		*l = Label{}
		return json.Unmarshal(raw, &l.Document)
	}
	type plain Label
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode((*plain)(l))
}

func (l *Label) grade() float64 { return cmp.Or(l.Grade, 1) }

const (
	maxQuestion = 32 << 10 // bytes; a pipeline takes no longer one
	maxLine     = 1 << 20  // bytes
	maxLabels   = 200      // of a question
	maxGrade    = 100
)

// Read reads questions, a JSON object a line; name is what errors call the file.
func Read(r io.Reader, name string) ([]Question, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var out []Question
	seen := map[string]int{}
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		q, err := readQuestion(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		q.ID = cmp.Or(q.ID, strconv.Itoa(len(out)+1))
		if at, twice := seen[q.ID]; twice {
			return nil, fmt.Errorf("%s:%d: the id %.60q stands in line %d too", name, n, q.ID, at)
		}
		seen[q.ID] = n
		out = append(out, q)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s, after line %d: %w", name, n, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no questions", name)
	}
	return out, nil
}

const wanted = `want {"question": "…", "relevant": [{"document": "id", "quote": "…"}]}, with ids of documents or passages in place of the objects, or "unanswerable": true`

func readQuestion(line []byte) (Question, error) {
	var q Question
	if !utf8.Valid(line) {
		return q, errors.New("it is not UTF-8")
	}
	if err := json.Unmarshal(line, &q); err != nil {
		return q, fmt.Errorf("%s: %w", wanted, err)
	}
	switch {
	case q.Question == "" || len(q.Relevant) == 0 && !q.Unanswerable:
		return q, errors.New(wanted)
	case q.Unanswerable && len(q.Relevant) > 0:
		return q, errors.New("it is unanswerable, and something answers it: want one of the two")
	case len(q.Question) > maxQuestion:
		return q, fmt.Errorf("the question is longer than %d bytes", maxQuestion)
	case len(q.Relevant) > maxLabels:
		return q, fmt.Errorf("more than %d places answer it", maxLabels)
	}
	for i := range q.Relevant {
		l := &q.Relevant[i]
		if l.Document == "" {
			return q, fmt.Errorf("place %d names no document", i+1)
		}
		if !(l.grade() > 0 && l.grade() <= maxGrade) || math.IsNaN(l.Grade) {
			return q, fmt.Errorf("place %d has the grade %v: want above 0, up to %d", i+1, l.Grade, maxGrade)
		}
	}
	return q, nil
}

// Write writes questions as Read reads them.
func Write(w io.Writer, questions []Question) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range questions {
		if err := enc.Encode(&questions[i]); err != nil {
			return fmt.Errorf("write questions: %w", err)
		}
	}
	return nil
}

// Documents are the ids that labels name, each once, in their order. Ids of passages are among them.
func Documents(questions []Question) []string {
	var out []string
	seen := map[string]bool{}
	for i := range questions {
		for _, l := range questions[i].Relevant {
			if !seen[l.Document] {
				seen[l.Document] = true
				out = append(out, l.Document)
			}
		}
	}
	return out
}
