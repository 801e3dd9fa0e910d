package judge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/weir-dev/weir/internal/jsonschema"
	"github.com/weir-dev/weir/internal/rawjson"
)

// MaxRaw is how much of an unreadable answer is kept, in bytes.
const MaxRaw = 16 << 10

// Reply is what a model said.
type Reply struct {
	Text   string  `json:"text"`
	Tokens []Token `json:"tokens,omitempty"` // when probabilities were asked for and given
	Cut    bool    `json:"cut,omitempty"`    // it reached the most tokens it may have

	Vectors [][]float64 `json:"vectors,omitempty"` // of texts that were to be embedded
}

// Token is one token of an answer, with the most probable ones in its place.
type Token struct {
	Text         string        `json:"token"`
	Alternatives []Probability `json:"top_logprobs"`
}

// Probability is a token and the logarithm of its probability.
type Probability struct {
	Text    string  `json:"token"`
	LogProb float64 `json:"logprob"`
}

// readTokens reads the probabilities out of an answer of chat.completions.
func readTokens(body []byte) []Token {
	var answer struct {
		Choices []struct {
			LogProbs struct {
				Content []Token `json:"content"`
			} `json:"logprobs"`
		} `json:"choices"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Choices) == 0 {
		return nil
	}
	return answer.Choices[0].LogProbs.Content
}

// readVectors reads an answer of embeddings: one vector of finite numbers for each text, all of one length.
func readVectors(body []byte, want int) ([][]float64, error) {
	var answer struct {
		Data []struct {
			Index     int       `json:"index"`
			Embedding []float64 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the vectors are no JSON of the usual form: %w", err)
	}
	out := make([][]float64, want)
	for _, d := range answer.Data {
		if d.Index >= 0 && d.Index < want {
			out[d.Index] = d.Embedding
		}
	}
	for _, v := range out {
		if len(v) == 0 || len(v) != len(out[0]) {
			return nil, fmt.Errorf("got %d vectors for %d texts, or of unequal length", len(answer.Data), want)
		}
	}
	return out, nil
}

// UnreadableError is an answer that does not have the shape that was asked for, repair included.
type UnreadableError struct {
	Fault string
	Raw   string // what was said last, clipped to MaxRaw
}

// Error says what is wrong with the answer.
func (e *UnreadableError) Error() string { return "the judge's answer cannot be read: " + e.Fault }

// clip cuts a text to so many bytes, and says how many there were.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + fmt.Sprintf("… (%d bytes)", len(s))
}

// reader reads answers of one schema.
type reader struct {
	text   json.RawMessage
	schema *jsonschema.Schema
}

// newReader compiles a schema of this package's own making.
func newReader(text []byte) *reader {
	schema, err := jsonschema.Compile(text)
	if err != nil {
		panic(fmt.Sprintf("judge: %v: %s", err, text))
	}
	return &reader{text, schema}
}

// read puts an answer into out. Only one JSON object that fits the schema is an answer, in a code fence if need be: nothing is
// picked out of prose, where a stranger's text may be quoted.
func (r *reader) read(answer *Reply, out any) error {
	text := unfenced(answer.Text)
	if text == "" {
		return fmt.Errorf("it is empty%s", cutShort(answer))
	}
	if text[0] != '{' {
		return fmt.Errorf("it is not a JSON object%s", cutShort(answer))
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("it is not JSON: %w%s", err, cutShort(answer))
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("it has more than one JSON object")
	}
	if err := rawjson.ScanUnique([]byte(text), nil); err != nil {
		return fmt.Errorf("its JSON is ambiguous: %w", err)
	}
	if faults := r.schema.Validate(v); len(faults) > 0 {
		at := strings.Join(faults[0].Path, ".")
		if at == "" {
			at = "it"
		}
		return fmt.Errorf("%s %s", clip(at, 60), clip(faults[0].Reason, 300))
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(out); err != nil {
		return fmt.Errorf("it does not fit: %w", err)
	}
	return nil
}

func cutShort(answer *Reply) string {
	if answer.Cut {
		return "; it was cut off at the most tokens it may have"
	}
	return ""
}

// unfenced takes a code fence away that is around all of a text.
func unfenced(s string) string {
	s = strings.TrimSpace(s)
	inner, ok := strings.CutPrefix(s, "```")
	if !ok {
		return s
	}
	inner, ok = strings.CutSuffix(inner, "```")
	if !ok {
		return s
	}
	if language, rest, ok := strings.Cut(inner, "\n"); ok && !strings.ContainsAny(language, "{}") {
		inner = rest
	}
	return strings.TrimSpace(inner)
}

// probable is the least probability that counts in a weighted grade.
const probable = 0.01

// weighted is the mean of the grades that stand among the alternatives of the last token that is the grade, by their probability.
// False when the model gave no probabilities, or the grade is not one token.
func (r *Rubric) weighted(tokens []Token, grade int) (float64, bool) {
	number := func(s string) (int, bool) {
		s = strings.TrimSpace(s)
		n := json.Number(s)
		v, err := n.Int64()
		if err != nil || v < math.MinInt32 || v > math.MaxInt32 {
			return 0, false
		}
		return int(v), true
	}
	for _, token := range slices.Backward(tokens) {
		if v, ok := number(token.Text); !ok || v != grade {
			continue
		}
		var sum, mass float64
		seen := map[int]bool{}
		for _, a := range token.Alternatives {
			v, ok := number(a.Text)
			p := math.Exp(a.LogProb)
			if _, on := r.index(float64(v)); !ok || !on || !(p >= probable && p <= 1+1e-6) {
				continue
			}
			seen[v] = true
			sum += p * float64(v)
			mass += p
		}
		if !seen[grade] {
			return 0, false
		}
		return sum / mass, true
	}
	return 0, false
}
