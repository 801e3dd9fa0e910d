package rag

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Note is the member weir of an answer: what the pipeline did for it.
type Note struct {
	Pipeline     string `json:"pipeline"`
	Collection   string `json:"collection"`
	Question     string `json:"question"` // as it was searched with
	NotInSources bool   `json:"not_in_sources"`
	Sources      int    `json:"sources"`
	// RetrievalMS is how long finding the passages took, in milliseconds.
	RetrievalMS float64 `json:"retrieval_ms"`
	// CostUSD is what the answer cost with all that was asked for it; null when some of it has no known price.
	CostUSD *price.USD `json:"cost_usd"`
	Stages  []Stage    `json:"stages,omitempty"` // when asked for
}

// Stage is a stage as it ran.
type Stage struct {
	Step   Step    `json:"stage"`
	TookMS float64 `json:"took_ms"`
	Out    int     `json:"out"` // chunks that came out of it
	Note   string  `json:"note,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// Result is an answer with everything that is known of how it came about.
type Result struct {
	Asked
	Searched  string // the question as it was searched with
	Answer    string
	Citations []Citation
	Contexts  []string         // the passages' texts
	Passages  []Passage        // in the order of the prompt
	Found     map[string]Chunk // the chunks that were found, by id
	Stages    []Stage
	Cost      price.USD // of everything
	CostKnown bool
}

// Passage is a source as the model was given it, or would have been.
type Passage struct {
	Source   int      `json:"source"` // its number in the prompt, from 1
	ID       string   `json:"id"`     // of the best chunk that it stands for
	Document string   `json:"document"`
	Title    string   `json:"title"`
	Headings []string `json:"headings"`
	Start    int      `json:"start"` // byte offsets in the document
	End      int      `json:"end"`
	Tokens   int      `json:"tokens"` // with what stands around it in the prompt
	Text     string   `json:"text"`
}

// Ask answers a question on the account of a call, or only finds the passages for it. What a provider refuses is an error here. The
// error is a *llm.Fault; the result beside it says how far the question came.
func (p *Pipeline) Ask(ctx context.Context, on *llm.Call, q Question, answer bool) (Result, error) {
	if fault := q.check(); fault != nil {
		return Result{}, fault
	}
	r := p.begin(on, q)
	err := r.retrieve(ctx)
	if err == nil && answer {
		err = r.plainAnswer(ctx)
	}
	if err != nil {
		err = p.fault(err)
	}
	r.end(err)
	usd, known := r.Spent()
	found := make(map[string]Chunk, len(r.found))
	for _, c := range r.found {
		found[c.ID] = c.Chunk
	}
	return Result{
		Asked: r.asked(), Searched: r.searched, Answer: r.answer, Citations: r.citations, Contexts: r.contexts(), Passages: passagesOf(r.sources), Found: found, Stages: r.stages(),
		Cost: usd, CostKnown: known,
	}, err
}

// plainAnswer has the answer made for a bare question.
func (r *run) plainAnswer(ctx context.Context) error {
	if len(r.sources) == 0 {
		r.nothing()
		return nil
	}
	raw := marshal(message{"user", r.question.Text})
	req := &request{members: map[string]json.RawMessage{}, messages: []json.RawMessage{raw}, question: r.question}
	resp, err := r.generate(ctx, req, "")
	if err != nil {
		return err
	}
	body, err := readAll(resp)
	if err != nil {
		return err
	}
	if resp.Status != http.StatusOK {
		e := llm.NormalError(resp.Status, resp.Header, body)
		return llm.Faultf(llm.UpstreamUnavailable, "%s answered %d: %s", r.cfg.Model, resp.Status, clip(e.Message, 200))
	}
	said := llm.Assemble(llm.ChatCompletions, resp.Dialect, resp.Stream, body)
	if len(said.Texts) == 0 {
		return llm.Faultf(llm.UpstreamUnavailable, "%s answered nothing", r.cfg.Model)
	}
	var f quoteFilter
	f.Write(said.Texts[0])
	r.cite(&f)
	return nil
}

// generate asks for the answer. Its stage begins here and ends in cite.
func (r *run) generate(ctx context.Context, req *request, cache string) (*llm.Response, error) {
	st := stepRun{Step: StepGenerate, span: llm.NewSpanID(), start: time.Now()}
	st.set(attrOperation, "chat")
	st.set(attrRequestModel, r.cfg.Model)
	settings := r.cfg.Settings
	var use *llm.Use
	if settings.Prompt != "" {
		text, version, err := r.cfg.Words(ctx, settings.Prompt)
		if err != nil {
			return nil, err
		}
		settings.System, use = text, &version
	}
	call := r.call(st.span, r.cfg.Model, req.body(&settings, r.sources))
	if use != nil {
		if call.Use != nil {
			use.Experiment, use.Arm = call.Use.Experiment, call.Use.Arm
		}
		call.Use = use
	}
	call.Cache, call.AskedUsage = cache, req.usage
	call.Stream = isTrue(req.members["stream"])
	resp, err := r.Send(ctx, call)
	st.took, st.err = time.Since(st.start), err
	r.steps = append(r.steps, st)
	if err != nil {
		return nil, err
	}
	r.generation = call
	if body, ok := resp.Body.(costed); ok {
		r.cost = body.Cost
	}
	return resp, nil
}

func isTrue(raw json.RawMessage) bool { return string(raw) == "true" }

// generated closes the stage of generation.
func (r *run) generated(err error) {
	if n := len(r.steps); n > 0 && r.steps[n-1].Step == StepGenerate {
		st := &r.steps[n-1]
		st.took, st.err = time.Since(st.start), errors.Join(st.err, err)
	}
}

// cite reads the whole answer: what it says and what it rests on. It gives what was not shown of it yet.
func (r *run) cite(f *quoteFilter) (rest string) {
	r.generated(nil)
	_ = r.step(StepCite, func(st *stepRun) error {
		var quotes string
		rest, quotes = f.End()
		r.answer = f.Shown()
		if saysNotInSources(r.answer) {
			r.silent = true
			return nil
		}
		r.citations = Cite(r.answer, quotes, r.sources)
		bad := 0
		for i, c := range r.citations {
			if !c.Verified {
				bad++
			}
			if c.ID == "" {
				continue
			}
			if of := r.sources[c.Source-1].Candidate; of.Places[StepCite].Rank == 0 { // its first citation's place is its own
				of.place(StepCite, i+1, 0)
			}
		}
		st.out = len(r.citations)
		if bad > 0 {
			st.note = fmt.Sprintf("%d of %d not verified", bad, len(r.citations))
		}
		return nil
	})
	return rest
}

// nothing is the answer when nothing was found: no model is asked.
func (r *run) nothing() { r.answer, r.silent = NotInSources, true }

// contexts are the passages as the model was given them.
func (r *run) contexts() []string {
	out := make([]string, len(r.sources))
	for i, s := range r.sources {
		out[i] = s.Text
	}
	return out
}

// PassagesOf makes the passages of chunks that were packed, best first, as a prompt of these settings has them.
func PassagesOf(chunks []Chunk, s Settings) []Passage { return passagesOf(sourcesOf(chunks, s)) }

// CitationsOf finds what an answer rests on as the answering model wrote it, with its part of quotes, among chunks that were packed,
// best first, as a prompt of these settings has them.
func CitationsOf(written string, chunks []Chunk, s Settings) []Citation {
	var f quoteFilter
	f.Write(written)
	_, quotes := f.End()
	if saysNotInSources(f.Shown()) {
		return nil
	}
	return Cite(f.Shown(), quotes, sourcesOf(chunks, s))
}

func sourcesOf(chunks []Chunk, s Settings) []*Source {
	sources := make([]*Source, len(chunks))
	for i := range chunks {
		c := &Candidate{Chunk: chunks[i]}
		text, start, end := passage(c, s.Parents)
		sources[i] = &Source{Candidate: c, Text: text, Start: start, End: end, Tokens: c.Tokens}
	}
	if s.Order == Edges {
		sources = edges(sources)
	}
	for i, s := range sources {
		s.Number = i + 1
	}
	return sources
}

func passagesOf(sources []*Source) []Passage {
	out := make([]Passage, len(sources))
	for i, s := range sources {
		c := s.Candidate
		out[i] = Passage{s.Number, c.ID, c.Document, c.Title, append([]string{}, c.Headings...), s.Start, s.End, s.Tokens, s.Text}
	}
	return out
}

func (r *run) stages() []Stage {
	out := make([]Stage, len(r.steps))
	for i, st := range r.steps {
		out[i] = Stage{Step: st.Step, TookMS: float64(st.took) / float64(time.Millisecond), Out: st.out, Note: st.note}
		if st.err != nil {
			out[i].Error = r.fault(st.err).Message
		}
	}
	return out
}

// note is what the answer says of itself.
func (r *run) note(explain bool) Note {
	n := Note{
		Pipeline: r.cfg.Name, Collection: r.collection.Name, Question: r.searched, NotInSources: r.silent, Sources: len(r.sources),
		RetrievalMS: float64(r.retrieved) / float64(time.Millisecond),
	}
	if usd, known := r.Spent(); known {
		n.CostUSD = &usd
	}
	if explain {
		n.Stages = r.stages()
	}
	return n
}
