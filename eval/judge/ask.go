package judge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
)

// Defaults of an Asker.
const (
	defaultMaxAnswer = 8 << 20 // bytes: twenty probabilities a token are long
	defaultTimeout   = 2 * time.Minute
	maxWaits         = 3               // how often a question waits when it is told to
	maxWait          = 2 * time.Minute // and how long at most
	mostDropped      = 4               // members a model may refuse, one after another
)

// Price says what a usage of a model costs; false when it is not known.
type Price func(model string, u llm.Usage) (price.USD, bool)

// AskerConfig says how questions are asked.
type AskerConfig struct {
	// Send carries calls: the gateway's own chain, or Over a gateway's address, so that each question is traced, priced, cached and
	// held to budgets like any call.
	Send llm.Sender
	// Price is for estimates, for the limit, and for the cost of answers that do not tell theirs; nil: nothing has a known price.
	Price Price
	// Limit is what all questions may cost together, 0 for no limit. With a limit, a model without a price is not asked.
	Limit price.USD
	// Cache remembers answers that could be read; nil: nothing is remembered.
	Cache Cache
	// Call is what every call has in common: project, key, session, tags, X-Weir-Cache ("off" unless set; for vectors "read").
	Call llm.Call

	MaxAnswer int64         // bytes of an answer; 0: 8 MiB
	Timeout   time.Duration // of a question; 0: two minutes
}

// Asker asks models for judges, within a limit. Safe for concurrent use.
type Asker struct {
	cfg        AskerConfig
	embedCache string // X-Weir-Cache of requests for vectors, which are the same each time

	mu      sync.Mutex // guards what follows
	spent   price.USD
	held    price.USD
	total   Tally
	dropped map[string][]string // by model: members it would not take
}

// NewAsker makes one.
func NewAsker(cfg AskerConfig) *Asker {
	cfg.MaxAnswer = cmp.Or(cfg.MaxAnswer, defaultMaxAnswer)
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	vectors := cmp.Or(cfg.Call.Cache, "read")
	cfg.Call.Cache = cmp.Or(cfg.Call.Cache, "off")
	return &Asker{cfg: cfg, embedCache: vectors, dropped: map[string][]string{}}
}

// Spent is what all questions so far took.
func (a *Asker) Spent() Tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.total
	t.Dropped = slices.Clone(t.Dropped)
	return t
}

// ask gets an answer that accept takes: from memory, from the model, or from the model asked once more with what was wrong.
func (a *Asker) ask(ctx context.Context, q Question, accept func(*Reply) error) (Reply, Tally, error) {
	var tally Tally
	key := q.Key()
	if r, ok := a.remembered(ctx, key); ok && accept(&r) == nil {
		tally.Cached = 1
		a.count(tally)
		return r, tally, nil
	}
	r, err := a.send(ctx, &q, &tally)
	if err != nil {
		a.count(tally)
		return r, tally, err
	}
	fault := accept(&r)
	if fault != nil && q.Embed == nil {
		again := q
		again.Messages = append(slices.Clone(q.Messages), Message{"assistant", clip(r.Text, MaxRaw)},
			Message{"user", "Your answer cannot be read: " + fault.Error() + ".\n" + formatOf(q.Schema)})
		tally.Repairs++
		first := r
		r, err = a.send(ctx, &again, &tally)
		if err != nil {
			a.count(tally)
			if _, refused := errors.AsType[*RefusedError](err); refused {
				return first, tally, &UnreadableError{fault.Error(), clip(first.Text, MaxRaw)}
			}
			return r, tally, err
		}
		fault = accept(&r)
	}
	a.count(tally)
	if fault != nil {
		return r, tally, &UnreadableError{fault.Error(), clip(r.Text, MaxRaw)}
	}
	if a.cfg.Cache != nil {
		a.cfg.Cache.Put(ctx, key, marshal(r))
	}
	return r, tally, nil
}

func (a *Asker) remembered(ctx context.Context, key string) (r Reply, ok bool) {
	if a.cfg.Cache == nil {
		return r, false
	}
	text, ok := a.cfg.Cache.Get(ctx, key)
	return r, ok && json.Unmarshal(text, &r) == nil
}

func (a *Asker) count(t Tally) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total.Add(t)
}

// send asks a model once, or as often as it takes to find what the model takes.
func (a *Asker) send(ctx context.Context, q *Question, tally *Tally) (Reply, error) {
	waits := 0
	for {
		a.mu.Lock()
		dropped := slices.Clone(a.dropped[q.Model])
		a.mu.Unlock()
		tally.Add(Tally{Dropped: dropped})
		reply, err := a.sendOnce(ctx, q, dropped, tally)
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok {
			return reply, err
		}
		if name := unwanted(refused.Param); refused.Status == http.StatusBadRequest && name != "" && !slices.Contains(dropped, name) && len(dropped) < mostDropped {
			a.mu.Lock()
			if !slices.Contains(a.dropped[q.Model], name) {
				a.dropped[q.Model] = append(a.dropped[q.Model], name)
			}
			a.mu.Unlock()
			continue
		}
		if refused.stops() {
			return reply, &StopError{err}
		}
		if refused.Wait <= 0 || refused.Wait > maxWait || waits == maxWaits {
			return reply, err
		}
		waits++
		timer := time.NewTimer(refused.Wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return reply, ctx.Err()
		}
	}
}

// sendOnce holds what a question may cost, asks it, and settles.
func (a *Asker) sendOnce(ctx context.Context, q *Question, dropped []string, tally *Tally) (Reply, error) {
	body := q.body(dropped)
	hold, err := a.hold(q, body)
	if err != nil {
		return Reply{}, err
	}
	// Until it is known better, an answer that came costs what was held for it.
	spent := price.USD(0)
	defer func() { a.settle(hold, spent) }()

	inner, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	call := a.call(q, body)
	resp, err := a.cfg.Send.Send(inner, call)
	if err != nil {
		if ctx.Err() != nil {
			return Reply{}, ctx.Err()
		}
		return Reply{}, refusal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, a.cfg.MaxAnswer+1))
	if resp.Status >= http.StatusMultipleChoices {
		return Reply{}, refusedWith(resp, raw)
	}
	tally.Calls++
	usage, cut := a.meter(call, resp, raw)
	cost, known := a.costOf(q.Model, resp, usage)
	if known {
		tally.Cost += cost
		spent = cost
	} else {
		tally.Unpriced++
		spent = hold
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return Reply{}, ctx.Err()
	case err != nil:
		return Reply{}, &RefusedError{Message: "the answer broke off: " + err.Error()}
	case int64(len(raw)) > a.cfg.MaxAnswer:
		said := llm.Assemble(call.Endpoint, cmp.Or(resp.Dialect, llm.OpenAI), resp.Stream, raw)
		return Reply{}, &UnreadableError{fmt.Sprintf("it is longer than %d KiB", a.cfg.MaxAnswer>>10), clip(firstOf(said), MaxRaw)}
	}
	if q.Embed != nil {
		vectors, err := readVectors(raw, len(q.Embed))
		if err != nil {
			return Reply{}, &UnreadableError{err.Error(), clip(string(raw), MaxRaw)}
		}
		return Reply{Vectors: vectors}, nil
	}
	out := Reply{Text: firstOf(llm.Assemble(call.Endpoint, cmp.Or(resp.Dialect, llm.OpenAI), resp.Stream, raw)), Cut: cut}
	if q.LogProbs {
		out.Tokens = readTokens(raw)
	}
	return out, nil
}

func firstOf(said llm.Answer) string {
	if len(said.Texts) > 0 && said.Texts[0] != "" {
		return said.Texts[0]
	}
	return said.Refusal
}

// call is the call that carries a question.
func (a *Asker) call(q *Question, body []byte) *llm.Call {
	c := a.cfg.Call.Clone()
	now := time.Now()
	c.ID, c.Start, c.SpanID = llm.NewID(now), now, llm.NewSpanID()
	c.TraceID = cmp.Or(c.TraceID, llm.NewTraceID())
	c.Endpoint, c.Dialect, c.Method, c.Path = llm.ChatCompletions, llm.OpenAI, http.MethodPost, "/chat/completions"
	if q.Embed != nil {
		c.Endpoint, c.Path, c.Cache = llm.Embeddings, "/embeddings", a.embedCache
	}
	c.Header = http.Header{"Content-Type": {"application/json"}}
	c.Body, c.Model = body, q.Model
	if c.Tags == nil {
		c.Tags = map[string]string{}
	}
	c.Tags["judge"], c.Tags["judge_step"] = q.Version, q.Step
	return c
}

// meter reads the usage, and whether the answer was cut off.
func (a *Asker) meter(call *llm.Call, resp *llm.Response, raw []byte) (llm.Usage, bool) {
	m := llm.NewMeter(llm.MeterConfig{
		Endpoint: call.Endpoint, Dialect: cmp.Or(resp.Dialect, llm.OpenAI), Path: call.Path, Status: resp.Status, Header: resp.Header, Quirks: resp.Quirks,
	})
	m.Body(raw)
	out := m.End(false)
	return out.Usage, slices.Contains(out.FinishReasons, "length")
}

// costOf takes what the gateway says, or else computes it.
func (a *Asker) costOf(model string, resp *llm.Response, usage llm.Usage) (price.USD, bool) {
	if told, ok := resp.Body.(interface{ Cost() (price.USD, bool) }); ok {
		if usd, known := told.Cost(); known {
			return usd, true
		}
	}
	if a.cfg.Price == nil || usage == (llm.Usage{}) {
		return 0, false
	}
	return a.cfg.Price(model, usage)
}

// hold sets aside what a question can cost at most: all its tokens, and as many of the answer as it may have.
func (a *Asker) hold(q *Question, body []byte) (price.USD, error) {
	if a.cfg.Limit <= 0 {
		return 0, nil
	}
	most, known := a.price(q, body, q.MaxTokens)
	if !known {
		return 0, &StopError{fmt.Errorf("the model %s has no known price, so the limit of %s USD cannot be kept: give it a price, or no limit", q.Model, a.cfg.Limit)}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spent+a.held+most > a.cfg.Limit {
		return 0, &StopError{fmt.Errorf("%w: %s USD of %s are spent, %s are held, and the next question may cost %s", ErrLimit, a.spent, a.cfg.Limit, a.held, most)}
	}
	a.held += most
	return most, nil
}

func (a *Asker) settle(hold, spent price.USD) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held -= hold
	a.spent += spent
}

// price is what a question costs with so many tokens of answer.
func (a *Asker) price(q *Question, body []byte, output int) (price.USD, bool) {
	if a.cfg.Price == nil {
		return 0, false
	}
	return a.cfg.Price(q.Model, usageOf(q, body, output))
}

func usageOf(q *Question, body []byte, output int) llm.Usage {
	enc, _ := tokens.For(q.Model) // of an unknown model it is an estimate
	if q.Embed != nil {
		return llm.Usage{InputUncached: int64(tokens.Request("embeddings", enc, body))}
	}
	return llm.Usage{InputUncached: int64(tokens.ChatRequest(enc, body)), OutputText: int64(output)}
}

// RefusedError is an answer that is none: the provider or the gateway refused.
type RefusedError struct {
	Status  int // 0: nobody answered
	Code    string
	Param   string
	Message string
	Wait    time.Duration // until it is worth asking again; 0: not said
}

// Error says who refused and why.
func (e *RefusedError) Error() string {
	if e.Status == 0 {
		return "the judge's model did not answer: " + e.Message
	}
	return fmt.Sprintf("the judge's model answered %d: %s", e.Status, cmp.Or(e.Message, e.Code, "no reason given"))
}

// stops says that no other question would fare better.
func (e *RefusedError) stops() bool {
	switch llm.Code(e.Code) {
	case llm.BudgetExceeded, llm.BudgetUnavailable, llm.Unauthorized, llm.Forbidden, llm.ModelUnknown, llm.EndpointDenied:
		return true
	}
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// refusal reads a failure of a sender.
func refusal(err error) error {
	f := llm.AsFault(err)
	return &RefusedError{Code: string(f.Code), Param: f.Param, Message: f.Message, Wait: f.RetryAfter}
}

// refusedWith reads an answer of an error status.
func refusedWith(resp *llm.Response, raw []byte) error {
	var said struct {
		Error struct {
			Message string `json:"message"`
			Code    any    `json:"code"`
			Type    string `json:"type"`
			Param   string `json:"param"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &said) // without a message the status says it
	e := &RefusedError{Status: resp.Status, Param: said.Error.Param, Message: clip(said.Error.Message, 500)}
	code, _ := said.Error.Code.(string)
	e.Code = cmp.Or(code, said.Error.Type)
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 && (resp.Status == http.StatusTooManyRequests || resp.Status >= 500) {
		e.Wait = time.Duration(s) * time.Second
	}
	return e
}
