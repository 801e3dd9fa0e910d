package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/weir-dev/weir/internal/rawjson"
)

// MaxJSON is how long an experiment's description may be, in bytes.
const MaxJSON = 1 << 20

// Parse reads an experiment from JSON, fills what is left open and checks it. Unknown members are refused. What is wrong is in an
// error that wraps ErrExperiment.
func Parse(raw []byte) (Experiment, error) {
	var e Experiment
	if len(raw) > MaxJSON {
		return e, fmt.Errorf("%w: it has %d bytes, at most %d are read", ErrExperiment, len(raw), MaxJSON)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return e, fmt.Errorf("%w: %w", ErrExperiment, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return e, fmt.Errorf("%w: there is more after its end", ErrExperiment)
	}
	return e, e.Check()
}

// Apply sets the arm's parameters and model in a request's body, which must be a JSON object. The body given is not changed.
func (a *Arm) Apply(body []byte) []byte {
	for _, name := range slices.Sorted(maps.Keys(a.Parameters)) {
		body = rawjson.Set(body, name, a.Parameters[name])
	}
	if a.Model != "" {
		body = rawjson.Set(body, "model", rawjson.Quote(a.Model))
	}
	return body
}
