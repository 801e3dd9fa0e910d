package eval

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/price"
)

// Bounds of definitions.
const (
	MaxDefinition = 1 << 20 // bytes of a file
	maxTargets    = 64
	maxScorers    = 64
	maxRepeat     = 100
	maxConcurrent = 256
)

// Definition says what a run is to do: which items it gives to which targets, and how their answers are scored.
type Definition struct {
	Name        string         `json:"name"`
	Dataset     string         `json:"dataset"` // a file ending in .jsonl or .csv, or the name of a stored dataset, or name@hash
	Columns     Columns        `json:"columns,omitzero"`
	Splits      []Split        `json:"splits,omitempty"` // of a file
	Split       string         `json:"split,omitempty"`  // only its items
	Limit       int            `json:"limit,omitempty"`  // only so many items, the first; 0: all
	Targets     []TargetConfig `json:"targets"`
	Scorers     []ScorerConfig `json:"scorers"`
	Repeat      int            `json:"repeat"`      // how often each target gets each item; at least 1
	Concurrency int            `json:"concurrency"` // asks under way at one time
	Retries     int            `json:"retries"`     // of an ask that failed in a way that may pass
	Timeout     Duration       `json:"timeout"`     // of one ask
	MaxCost     *price.USD     `json:"max_cost_usd,omitempty"`
	Project     string         `json:"project,omitempty"` // of a key that is made for the run
	Gate        Gate           `json:"gate,omitempty"`
	Baseline    string         `json:"baseline,omitempty"` // the file that max_regression compares with
}

// TargetConfig is one thing that answers: a command, a model with or without a prompt, a RAG pipeline, or an HTTP endpoint.
type TargetConfig struct {
	Name string `json:"name"`

	Command []string `json:"command,omitempty"` // gets the input on standard input

	Prompt     string          `json:"prompt,omitempty"` // name@version or name@label
	Model      string          `json:"model,omitempty"`
	Parameters json.RawMessage `json:"parameters,omitempty"` // members of the request: temperature, max_tokens, …
	Variable   string          `json:"variable,omitempty"`   // of the prompt, which a text input becomes; "": the user's message
	Cache      string          `json:"cache,omitempty"`      // off unless given: read, refresh

	RAG string `json:"rag,omitempty"` // a pipeline of the running weir, asked as the model rag/NAME

	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"` // a value env:NAME is that of the environment
	Output  string            `json:"output,omitempty"`  // member of the answer's JSON that is the output, as a.b.0.c; "": the whole answer
}

// ModelName is the model that a target asks; "" is the prompt's own.
func (t *TargetConfig) ModelName() string {
	if t.RAG != "" {
		return "rag/" + t.RAG
	}
	return t.Model
}

// Kind is command, model, rag or http.
func (t *TargetConfig) Kind() string {
	switch {
	case len(t.Command) > 0:
		return "command"
	case t.URL != "":
		return "http"
	case t.RAG != "":
		return "rag"
	}
	return "model"
}

// ScorerConfig is one score that answers get. Which of the options count depends on the metric.
type ScorerConfig struct {
	Name   string `json:"name"`
	Metric string `json:"metric"`

	Pass     *float64 `json:"pass,omitempty"` // a score from here on passes; of one whose least is best, up to here
	Values   []string `json:"values,omitempty"`
	Any      bool     `json:"any,omitempty"` // one of several texts is enough
	Pattern  string   `json:"pattern,omitempty"`
	Case     bool     `json:"ignore_case,omitempty"`
	Trim     bool     `json:"trim,omitempty"` // white space at both ends does not count
	K        int      `json:"k,omitempty"`
	Gain     string   `json:"gain,omitempty"` // of ndcg: linear or exp
	Within   float64  `json:"tolerance,omitempty"`
	Relative bool     `json:"relative,omitempty"` // the tolerance is a share of what is expected

	Schema     json.RawMessage `json:"schema,omitempty"`
	Expression string          `json:"expression,omitempty"`
	Command    []string        `json:"command,omitempty"`
	Timeout    Duration        `json:"timeout,omitzero"`
	MemoryMB   int             `json:"memory_mb,omitempty"`

	Tokenize  string `json:"tokenize,omitempty"`
	Lowercase bool   `json:"lowercase,omitempty"`
	WordOrder int    `json:"word_order,omitempty"`
	Stemmer   bool   `json:"stemmer,omitempty"`

	Model string `json:"model,omitempty"` // of cosine: the one that makes vectors

	Judge       json.RawMessage `json:"judge,omitempty"`       // of the metric judge: a judge.Config
	Calibration string          `json:"calibration,omitempty"` // the file that says how the judge agrees with people
	Floor       float64         `json:"floor,omitempty"`       // of its kappa, before a gate may rest on it; 0: judge.DefaultFloor
	// Fitness says whether a gate may rest on the judge. It is filled in when the run begins, and not read from a file.
	Fitness *judge.Fitness `json:"fitness,omitempty"`
}

// Duration is a time.Duration that is written as 30s or 1m30s.
type Duration time.Duration

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// defaults of a definition.
const (
	defaultConcurrency = 4
	defaultRetries     = 2
	defaultTimeout     = Duration(2 * time.Minute)
)

// Target gives the target of a name, or nil.
func (d *Definition) Target(name string) *TargetConfig {
	if i := slices.IndexFunc(d.Targets, func(t TargetConfig) bool { return t.Name == name }); i >= 0 {
		return &d.Targets[i]
	}
	return nil
}

// Scorer gives the scorer of a name, or nil.
func (d *Definition) Scorer(name string) *ScorerConfig {
	if i := slices.IndexFunc(d.Scorers, func(s ScorerConfig) bool { return s.Name == name }); i >= 0 {
		return &d.Scorers[i]
	}
	return nil
}
