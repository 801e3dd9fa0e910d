package judge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Kind is what a judge does.
type Kind string

// The kinds. RubricKind and GEval grade by a rubric, GEval with the mean over the grades the model found probable. The others judge
// what a retrieval pipeline answered and retrieved. Pairwise says which of two outputs is better, and is made by NewPairwise.
const (
	RubricKind       Kind = "rubric"
	GEval            Kind = "geval"
	Faithfulness     Kind = "faithfulness"
	AnswerRelevancy  Kind = "answer_relevancy"
	ContextPrecision Kind = "context_precision"
	ContextRecall    Kind = "context_recall"
	Pairwise         Kind = "pairwise"
)

// Kinds are all there are.
var Kinds = []Kind{RubricKind, GEval, Faithfulness, AnswerRelevancy, ContextPrecision, ContextRecall, Pairwise}

// Config says which judge.
type Config struct {
	Kind Kind `json:"kind"` // "" is rubric
	// Rubric is the name of a built-in one; Criteria, Steps, Grades and Pass are used in its place where they are set.
	Rubric   string   `json:"rubric,omitempty"`
	Criteria string   `json:"criteria,omitempty"`
	Steps    []string `json:"steps,omitempty"`
	Grades   []Grade  `json:"grades,omitempty"`
	Pass     *float64 `json:"pass,omitempty"` // of kinds without a rubric, on 0 to 1; 0.5 unless set
	// Prompt is name@label of a registry, in place of the built-in messages.
	Prompt string `json:"prompt,omitempty"`

	Model string `json:"model,omitempty"`
	// Panel are several models, whose median grade holds; in place of Model.
	Panel []string `json:"panel,omitempty"`
	// Votes is how often the model is asked, an odd number: the median holds, and asking ends when it is sure. 0 is once.
	Votes int `json:"votes,omitempty"`
	// AllVotes asks them all, though the outcome is sure: to say how much the judge varies, votes must not depend on votes.
	AllVotes bool `json:"all_votes,omitempty"`
	// Temperature is 0 unless set; 0.7 when there are votes, for at 0 they would be one.
	Temperature *float64 `json:"temperature,omitempty"`
	MaxTokens   int      `json:"max_tokens,omitempty"` // of an answer; 0: 1,024, and 4,096 for lists of statements
	Format      Format   `json:"format,omitempty"`

	// Strictness is how many questions answer relevancy makes of an answer; 0 is 3. Embedding is the model that makes vectors of them.
	Strictness int    `json:"strictness,omitempty"`
	Embedding  string `json:"embedding,omitempty"`
}

// Bounds of a Config.
const (
	maxPanel      = 15
	maxVotes      = 99
	maxStrictness = 20
)

// Check says all that is wrong with a configuration.
func (c *Config) Check() error {
	var faults []error
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	kind := c.kind()
	say(!slices.Contains(Kinds, kind), "the kind %.60q is unknown: want %v", kind, Kinds)
	say(c.Model == "" && len(c.Panel) == 0, "there is no model")
	say(c.Model != "" && len(c.Panel) > 0, "there is a model and a panel: want one of them")
	say(len(c.Panel) == 1 || len(c.Panel) > maxPanel, "the panel has %d models: want 2 to %d", len(c.Panel), maxPanel)
	say(len(c.Panel) > 0 && c.Votes > 1, "there is a panel and there are votes: want one of them")
	say(c.Votes < 0 || c.Votes > maxVotes || c.Votes > 1 && c.Votes%2 == 0, "there are %d votes: want an odd number up to %d", c.Votes, maxVotes)
	say(kind == Pairwise && (len(c.Panel) > 0 || c.Votes > 1), "pairs are judged by one model, twice: no panel, no votes")
	say(c.Temperature != nil && !(*c.Temperature >= 0 && *c.Temperature <= 2), "the temperature is not from 0 to 2")
	say(c.MaxTokens < 0 || c.MaxTokens > 1<<17, "max_tokens is %d: want 1 to %d", c.MaxTokens, 1<<17)
	say(!slices.Contains([]Format{"", BySchema, ByObject, ByWords}, c.Format), "the format %.60q is unknown: want %s, %s or %s", c.Format, BySchema, ByObject, ByWords)
	say(c.Strictness < 0 || c.Strictness > maxStrictness, "the strictness is %d: want 1 to %d", c.Strictness, maxStrictness)
	say(kind == AnswerRelevancy && c.Embedding == "", "answer relevancy compares questions by vectors, and there is no embedding model")
	if c.graded() {
		if r, err := c.rubric(); err != nil {
			faults = append(faults, err)
		} else if err := r.Check(); err != nil {
			faults = append(faults, err)
		}
	} else if c.Rubric != "" || c.Criteria != "" || len(c.Grades) > 0 || len(c.Steps) > 0 {
		faults = append(faults, fmt.Errorf("a judge of %s has no rubric of its own: leave rubric, criteria, steps and grades out", kind))
	} else if c.Pass != nil && !(*c.Pass > 0 && *c.Pass <= 1) {
		faults = append(faults, errors.New("pass is not above 0 and at most 1"))
	}
	return errors.Join(faults...)
}

func (c *Config) kind() Kind {
	if c.Kind == "" {
		return RubricKind
	}
	return c.Kind
}

func (c *Config) graded() bool {
	return slices.Contains([]Kind{RubricKind, GEval, Pairwise}, c.kind())
}

// rubric is the built-in one with what the configuration sets in its place.
func (c *Config) rubric() (Rubric, error) {
	r := Rubric{Name: "custom", Pass: math.NaN()}
	if c.Rubric != "" {
		var err error
		if r, err = BuiltIn(c.Rubric); err != nil {
			return r, err
		}
	} else if strings.TrimSpace(c.Criteria) == "" {
		return r, errors.New("there is neither a rubric nor criteria")
	}
	if c.Criteria != "" {
		r.Criteria = c.Criteria
	}
	if len(c.Steps) > 0 {
		r.Steps = c.Steps
	}
	if len(c.Grades) > 0 {
		r.Grades, r.Pass = c.Grades, math.NaN()
	}
	if len(r.Grades) == 0 {
		r.Grades = five("not at all", "hardly", "in part", "mostly", "wholly")
	}
	if c.Pass != nil {
		r.Pass = *c.Pass
	}
	if math.IsNaN(r.Pass) && len(r.Grades) > 1 { // the upper two fifths of the scale
		low, high := r.ends()
		r.Pass = low + (high-low)*0.6
	}
	return r, nil
}

func (c *Config) pass() float64 {
	if c.Pass != nil {
		return *c.Pass
	}
	return 0.5
}

func (c *Config) temperature() float64 {
	switch {
	case c.Temperature != nil:
		return *c.Temperature
	case c.Votes > 1:
		return 0.7
	}
	return 0
}

func (c *Config) maxTokens(usual int) int {
	if c.MaxTokens > 0 {
		return c.MaxTokens
	}
	return usual
}

// New makes the judge that a configuration asks for. prompts is needed only when it names a prompt of a registry.
func New(ctx context.Context, c Config, asker *Asker, prompts Resolver) (Judge, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.kind() == Pairwise {
		return nil, errors.New("a pairwise judge compares two outputs and grades none: make it with NewPairwise")
	}
	prompt, err := c.resolve(ctx, prompts)
	if err != nil {
		return nil, err
	}
	switch {
	case len(c.Panel) > 0:
		p := &panel{}
		for _, model := range c.Panel {
			one := c
			one.Panel, one.Model = nil, model
			j := one.single(asker, prompt)
			p.judges, p.models = append(p.judges, j), append(p.models, model)
		}
		p.scale = scaleOf(&c)
		return p, nil
	case c.Votes > 1:
		return &votes{of: c.single(asker, prompt), n: c.Votes, all: c.AllVotes, model: c.Model, scale: scaleOf(&c)}, nil
	}
	return c.single(asker, prompt), nil
}

// voter is a judge that can be asked again for another opinion.
type voter interface {
	Judge
	vote(ctx context.Context, c Case, vote int) (Judgement, error)
	plan(ctx context.Context, c Case, vote int) ([]Question, error)
}

func (c *Config) single(asker *Asker, prompt Prompt) voter {
	b := base{asker: asker, cfg: *c, prompt: prompt}
	switch c.kind() {
	case Faithfulness:
		return newStatements(b, false)
	case ContextRecall:
		return newStatements(b, true)
	case ContextPrecision:
		return newChunks(b)
	case AnswerRelevancy:
		return newRelevancy(b)
	}
	return newGrader(b)
}

// resolve gives the prompt of the judge's first question.
func (c *Config) resolve(ctx context.Context, prompts Resolver) (Prompt, error) {
	if c.Prompt == "" {
		switch c.kind() {
		case Faithfulness, ContextRecall:
			return builtin("supported"), nil
		case ContextPrecision:
			return builtin("useful"), nil
		case AnswerRelevancy:
			return builtin("question"), nil
		case Pairwise:
			return builtin("pair"), nil
		}
		return builtin("grade"), nil
	}
	if prompts == nil {
		return nil, fmt.Errorf("the judge's prompt %s is of a registry, and there is none here: name a built-in rubric, or ask a running weir", c.Prompt)
	}
	p, err := prompts(ctx, c.Prompt)
	if err != nil {
		return nil, fmt.Errorf("the judge's prompt %s: %w", c.Prompt, err)
	}
	return p, nil
}

// base is what all single judges have.
type base struct {
	asker   *Asker
	cfg     Config
	prompt  Prompt
	version Version
}

// Version implements Judge.
func (b *base) Version() Version { return b.version }

// seal makes the version of all that grades depend on.
func (b *base) seal(rubric string, parts ...string) {
	b.version = Version{
		Kind: b.cfg.kind(), Rubric: rubric, Prompt: hashOf(append(parts, b.prompt.Hash())...), Models: []string{b.cfg.Model},
		Params: string(marshal(map[string]any{
			"temperature": b.cfg.temperature(), "max_tokens": b.cfg.MaxTokens, "format": b.cfg.Format, "strictness": b.cfg.Strictness, "embedding": b.cfg.Embedding, "pass": b.cfg.Pass,
		})),
	}.sealed()
}

// question is one with what the configuration says.
func (b *base) question(step string, vote int, messages []Message, r *reader, maxTokens, expect int) Question {
	most := b.cfg.maxTokens(maxTokens)
	return Question{
		Version: b.version.Hash, Step: step, Vote: vote, Model: b.cfg.Model, Messages: messages, Schema: r.text, Format: b.cfg.Format,
		Temperature: b.cfg.temperature(), MaxTokens: most, Expect: min(most, expect),
	}
}
