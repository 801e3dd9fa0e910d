package rag

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
)

// Config is what a Pipeline is made of.
type Config struct {
	Settings
	Index Index
	Store string // what Index is, by OpenTelemetry's name: clickhouse, qdrant
	Alias string // that points at the collection it searches
	// Embedder gives what makes vectors of a question for collections of a shape, on the account of a call.
	Embedder func(send llm.Sender, on *llm.Call, of Shape) (Embedder, error)
	// Terms gives the words of a question, each with weight 1.
	Terms func(text string) Terms
	// Top is the gateway's chain: what answers, rewrites, scores and embeds is asked there.
	Top llm.Sender
	// Price estimates what a call of a project would cost, and false when that is not known.
	Price func(project, model string, u llm.Usage) (price.USD, bool)
	// Answered hears of every question and the call on whose account it was, once its answer has ended. Nil: nobody does. It must not
	// wait for a store, nor keep the call.
	Answered func(on *llm.Call, a Asked)
	// Spans hears of the spans of every question. Nil: nobody does. It must not wait for a store.
	Spans func([]Span)
	// Ran hears of every question, and of those that failed. Nil: nobody does. It must not wait for a store.
	Ran func(Ran)
	// Recall measures what the approximate search misses. Nil: nobody does.
	Recall *Recall
	// Words gives what a registry's prompt says, and which version of it that is; needed with Settings.Prompt.
	Words func(ctx context.Context, prompt string) (string, llm.Use, error)
	// Kept says whether what is said in a project may be kept; nil: always.
	Kept func(project string) bool
}

// Pipeline answers questions from the documents of a collection. Safe for concurrent use.
type Pipeline struct {
	cfg    Config
	tokens func(string) int // counts as the answering model does

	mu   sync.Mutex // guards what follows
	now  Collection // that the alias points at
	seen time.Time
}

// New makes a pipeline.
func New(cfg Config) *Pipeline {
	cfg.Settings = cfg.filled()
	enc, _ := tokens.For(cfg.Model)
	if cfg.Kept == nil {
		cfg.Kept = func(string) bool { return true }
	}
	if cfg.Price == nil {
		cfg.Price = func(string, string, llm.Usage) (price.USD, bool) { return 0, false }
	}
	return &Pipeline{cfg: cfg, tokens: func(s string) int { return tokens.CountString(enc, s) }}
}

// Settings are the pipeline's, with the defaults filled in.
func (p *Pipeline) Settings() Settings { return p.cfg.Settings }

// Index is where it searches.
func (p *Pipeline) Index() Index { return p.cfg.Index }

// Recalled is the mean share of what is nearest by meaning that the approximate search found, over so many of the last questions; of
// none it is not known.
func (p *Pipeline) Recalled() (mean float64, questions int) {
	if p.cfg.Recall == nil {
		return 0, 0
	}
	return p.cfg.Recall.Of(p.cfg.Name)
}

// Alias is what points at the collection that it searches.
func (p *Pipeline) Alias() string { return p.cfg.Alias }

// resolveEvery is how long an alias is trusted: the collection that it pointed at a moment ago is still there, since a swap keeps
// it to go back to.
const resolveEvery = time.Second

// collection is what the alias points at. The name is settled once for each question, so that its vector and its search are of one
// collection though the alias moves meanwhile.
func (p *Pipeline) collection(ctx context.Context, fresh bool) (Collection, error) {
	p.mu.Lock()
	now, seen := p.now, p.seen
	p.mu.Unlock()
	if !fresh && now.Name != "" && time.Since(seen) < resolveEvery {
		return now, nil
	}
	info, err := p.cfg.Index.Collection(ctx, p.cfg.Alias)
	if err != nil {
		return Collection{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.seen = info.Collection, time.Now()
	return p.now, nil
}

// Moved makes the next question look where the alias points.
func (p *Pipeline) Moved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.seen = Collection{}, time.Time{}
}

// fault is what a client is told about an error of the index or of a model's call.
func (p *Pipeline) fault(err error) *llm.Fault {
	name := p.cfg.Name
	if f, ok := errors.AsType[*llm.Fault](err); ok {
		own := *f
		own.Attempts = nil // they are in the record of the call that made them
		return &own
	}
	switch {
	case errors.Is(err, context.Canceled):
		return llm.Faultf(llm.ClientClosed, "the client went away before the answer's end").Because(err)
	case errors.Is(err, ErrNoCollection):
		return llm.Faultf(llm.NotFound, "nothing has been indexed for the pipeline %s yet; run weir rag index %s PATH…", name, name).Because(err)
	case errors.Is(err, ErrAway):
		return llm.Faultf(llm.UpstreamUnavailable, "the vector store of the pipeline %s cannot be reached now", name).Because(err)
	case errors.Is(err, ErrOtherShape):
		return llm.Faultf(llm.UpstreamUnavailable, "the embedding model of the pipeline %s makes vectors of other dimensions than its collection has; index it anew with weir rag index %s PATH… and swap", name, name).Because(err)
	}
	return llm.Faultf(llm.UpstreamUnavailable, "the pipeline %s could not search its documents; the operator's log has the cause", name).Because(err)
}

// Question is what a pipeline is asked.
type Question struct {
	Text string
	// Earlier are the messages before it, oldest first.
	Earlier []Turn
	Labels  map[string][]string // restricts to chunks that have, for every name, one of the values
	// Lists says by what is searched; nil: by both. Only StepDense and StepSparse mean something.
	Lists []Step
	Exact bool // compare with every point
	TopK  int  // chunks of each list; 0: as the settings say
	// Bare asks no model but the one that embeds: the question is not rewritten, and what is found is not scored.
	Bare bool
	// Collection is searched in place of the one that the alias points at; "": that one.
	Collection string
}

// Turn is a message of the conversation so far.
type Turn struct {
	Role, Text string
}

// MaxQuestion bounds a question, in bytes.
const MaxQuestion = 32 << 10

func (q *Question) check() *llm.Fault {
	switch {
	case q.Text == "":
		return &llm.Fault{Code: llm.InvalidRequest, Param: "messages", Message: "the last message with the role user has no text to search with"}
	case len(q.Text) > MaxQuestion:
		return &llm.Fault{Code: llm.InvalidRequest, Param: "messages", Message: fmt.Sprintf("the question is longer than %d bytes", MaxQuestion)}
	case q.TopK < 0 || q.TopK > MaxTopK:
		return &llm.Fault{Code: llm.InvalidRequest, Param: "top_k", Message: fmt.Sprintf("top_k %d is not from 1 to %d, or 0 for the pipeline's own", q.TopK, MaxTopK)}
	case len(q.Labels) > maxLabels:
		return &llm.Fault{Code: llm.InvalidRequest, Param: "labels", Message: fmt.Sprintf("there are more than %d labels to filter by", maxLabels)}
	}
	for name, values := range q.Labels {
		if len(values) > maxLabelValues {
			return &llm.Fault{Code: llm.InvalidRequest, Param: "labels", Message: fmt.Sprintf("the label %.60q has more than %d values to choose from", name, maxLabelValues)}
		}
	}
	return nil
}

// Bounds on a filter.
const (
	maxLabels      = 16
	maxLabelValues = 100
)
