package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/weir-dev/weir/internal/jsonschema"
)

func jsonMetrics() []metric {
	return []metric{
		{name: "json_valid", about: "the answer is one JSON value", pass: &whole, make: func(ScorerConfig) (Scorer, error) {
			return ScorerFunc(func(s Sample) Score {
				_, err := oneJSON(s.Answer.Text)
				out := yes(err == nil)
				if err != nil {
					out.Reason = clip(err.Error())
				}
				return out
			}), nil
		}},
		{name: "json_schema", about: "the answer is a JSON value that fits schema", pass: &whole, make: fitsSchema},
	}
}

// oneJSON reads exactly one value, numbers as they are written.
func oneJSON(t string) (any, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(t)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the answer is empty")
		}
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON value")
	}
	return v, nil
}

func fitsSchema(c ScorerConfig) (Scorer, error) {
	if c.Schema == nil {
		return nil, errors.New("there is no schema")
	}
	schema, err := jsonschema.Compile(c.Schema)
	if err != nil {
		return nil, err
	}
	return ScorerFunc(func(s Sample) Score {
		v, err := oneJSON(s.Answer.Text)
		if err != nil {
			return Score{State: Scored, Reason: clip("no JSON: " + err.Error())}
		}
		faults := schema.Validate(v)
		out := yes(len(faults) == 0)
		if len(faults) > 0 {
			out.Reason = clip(strings.TrimSpace(strings.Join(faults[0].Path, ".") + " " + faults[0].Reason))
		}
		return out
	}), nil
}
