package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// call is what every answer says of a recorded call.
type call struct {
	ID             string            `json:"id"`
	TraceID        string            `json:"trace_id"`
	StartTime      stamp             `json:"start_time"`
	DurationMS     float64           `json:"duration_ms"`
	TTFTMS         *float64          `json:"ttft_ms"` // of a stream; null: not known
	Project        string            `json:"project"`
	Key            string            `json:"key"`
	User           string            `json:"user"`
	Session        string            `json:"session"`
	Tags           map[string]string `json:"tags"`
	Endpoint       llm.Endpoint      `json:"endpoint"`
	Stream         bool              `json:"stream"`
	Provider       string            `json:"provider"`
	ModelRequested string            `json:"model_requested"`
	Model          string            `json:"model"`
	Status         trace.Status      `json:"status"`
	HTTPStatus     int               `json:"http_status"`
	ErrorCode      string            `json:"error_code"`
	Usage          llm.Usage         `json:"usage"`
	UsageSource    llm.UsageSource   `json:"usage_source"`
	CostUSD        *price.USD        `json:"cost_usd"` // null: not known
	SavedUSD       price.USD         `json:"saved_usd"`
	PriceStatus    price.Status      `json:"price_status"`
	PriceVersion   string            `json:"price_version"`
	Cache          trace.Cache       `json:"cache"`
	CacheNeighbor  string            `json:"cache_neighbor"` // the call whose answer this one got, when their questions are only like
	CacheScore     *float64          `json:"cache_score"`    // how like they are, from 0 to 1
	Attempts       int               `json:"attempts"`
	Prompt         string            `json:"prompt"` // name or name@version
	Arm            string            `json:"arm"`
	Units          units             `json:"units"`
	FinishReasons  []string          `json:"finish_reasons"`
	Flags          []string          `json:"flags"`
}

// units are billed things that are not tokens.
type units struct {
	WebSearch    int64   `json:"web_search"`
	Image        int64   `json:"image"`
	AudioSeconds float64 `json:"audio_seconds"`
}

// listedCall is a call in a list.
type listedCall struct {
	call
	InputPreview  string `json:"input_preview"`
	OutputPreview string `json:"output_preview"`
}

// callList is a page of calls.
type callList struct {
	Calls []listedCall `json:"calls"`
	Next  string       `json:"next"` // "" at the end
}

// spanLine is a span of a trace.
type spanLine struct {
	listedCall
	Kind     trace.Kind `json:"kind"`
	SpanID   string     `json:"span_id"`
	ParentID string     `json:"parent_id"`
	Error    *llm.Error `json:"error"`
}

// traceAnswer is a trace.
type traceAnswer struct {
	TraceID string     `json:"trace_id"`
	Spans   []spanLine `json:"spans"`
}

// spanFacts are those of a call that are said of one call at a time.
type spanFacts struct {
	SpanID          string          `json:"span_id"`
	ParentID        string          `json:"parent_id"`
	KeyID           string          `json:"key_id"`
	Path            string          `json:"path"`
	ResponseID      string          `json:"response_id"`
	ServiceTier     string          `json:"service_tier"`
	PromptHash      string          `json:"prompt_hash"`     // of the version's content
	PromptRevision  int64           `json:"prompt_revision"` // of the label that named the version; 0: it was named by its number
	Experiment      string          `json:"experiment"`
	Epoch           int             `json:"epoch"`     // of the experiment; 0: the call is not part of its analysis
	Unit            string          `json:"unit"`      // what the arm was assigned by
	UsageRaw        json.RawMessage `json:"usage_raw"` // as the provider sent it, or null
	PriceRule       string          `json:"price_rule"`
	HeldUSD         *price.USD      `json:"held_usd"`          // what was held for a call that was lost
	ProviderCostUSD *string         `json:"provider_cost_usd"` // as the provider reported it
	Error           *llm.Error      `json:"error"`
}

// attempt is one try at a provider.
type attempt struct {
	ID         string       `json:"id"`
	Provider   string       `json:"provider"`
	Model      string       `json:"model"`
	Status     trace.Status `json:"status"`
	HTTPStatus int          `json:"http_status"`
	Error      *llm.Error   `json:"error"`
	StartTime  stamp        `json:"start_time"`
	DurationMS float64      `json:"duration_ms"`
	CostUSD    *price.USD   `json:"cost_usd"`
}

// callDetail is a call whole.
type callDetail struct {
	call
	spanFacts
	Attempts      []attempt       `json:"attempts"` // in place of their number
	CostExplained []costLine      `json:"cost_explained"`
	CostNote      string          `json:"cost_note"` // why the lines may not add up to the cost; "" when they do
	Request       json.RawMessage `json:"request"`   // JSON, or a string of what is not; null when none is kept
	Response      json.RawMessage `json:"response"`
}

// exportedCall is a call in an export.
type exportedCall struct {
	call
	spanFacts
	Request  json.RawMessage `json:"request,omitempty"` // with bodies only
	Response json.RawMessage `json:"response,omitempty"`
}

func callOf(s *trace.Span) call {
	c := call{
		ID: s.ID, TraceID: s.TraceID, StartTime: stamp(s.Start), DurationMS: millis(s.Duration), TTFTMS: knownMillis(s.TTFT),
		Project: s.Project, Key: s.Key, User: s.User, Session: s.Session, Tags: s.Tags, Endpoint: s.Endpoint, Stream: s.Stream,
		Provider: s.Provider, ModelRequested: s.ModelRequested, Model: s.Model, Status: s.Status, HTTPStatus: s.HTTPStatus,
		ErrorCode: s.ErrorCode, Usage: s.Usage, UsageSource: s.UsageSource, CostUSD: knownCost(s), SavedUSD: s.Saved,
		PriceStatus: s.PriceStatus, PriceVersion: s.PriceVersion, Cache: s.Cache, Attempts: s.Attempts, Prompt: s.Prompt, Arm: s.Arm,
		Units: units(s.Units), FinishReasons: list(s.FinishReasons), Flags: list(s.Flags),
	}
	if c.CacheNeighbor = s.CacheNeighbor; c.CacheNeighbor != "" {
		c.CacheScore = &s.CacheScore
	}
	if c.Tags == nil {
		c.Tags = map[string]string{}
	}
	if s.PromptVersion > 0 {
		c.Prompt = fmt.Sprintf("%s@%d", s.Prompt, s.PromptVersion)
	}
	return c
}

func listedOf(row *trace.CallRow) listedCall {
	return listedCall{callOf(&row.Span), row.InputPreview, row.OutputPreview}
}

func factsOf(s *trace.Span) spanFacts {
	f := spanFacts{
		SpanID: s.SpanID, ParentID: s.ParentID, KeyID: s.KeyID, Path: s.Path, ResponseID: s.ResponseID, ServiceTier: s.ServiceTier,
		PromptHash: s.PromptHash, PromptRevision: s.PromptRevision, Experiment: s.Experiment, Epoch: s.Epoch, Unit: s.Unit, UsageRaw: jsonOf([]byte(s.UsageRaw)), PriceRule: s.PriceRule, Error: s.Error,
	}
	if s.Held != 0 {
		f.HeldUSD = &s.Held
	}
	if s.ProviderCost != "" {
		f.ProviderCostUSD = &s.ProviderCost
	}
	return f
}

// attemptsOf gives the tries of a call. A call with a single try has no span for it: the call is the try.
func attemptsOf(r *trace.Record) []attempt {
	out := []attempt{}
	add := func(s *trace.Span) {
		out = append(out, attempt{
			ID: s.ID, Provider: s.Provider, Model: s.Model, Status: s.Status, HTTPStatus: s.HTTPStatus, Error: s.Error,
			StartTime: stamp(s.Start), DurationMS: millis(s.Duration), CostUSD: knownCost(s),
		})
	}
	if len(r.Attempts) == 0 {
		if r.Call.Attempts == 1 {
			add(&r.Call)
		}
		return out
	}
	for i := range r.Attempts {
		add(&r.Attempts[i])
	}
	// The answer is priced on the call alone; here it is shown where it was spent.
	if last := &r.Attempts[len(r.Attempts)-1]; last.Status == trace.StatusOK && last.Cost == 0 {
		out[len(out)-1].CostUSD = knownCost(&r.Call)
	}
	return out
}

func exportedOf(r *trace.Record, bodies bool) exportedCall {
	e := exportedCall{call: callOf(&r.Call), spanFacts: factsOf(&r.Call)}
	if bodies {
		e.Request, e.Response = jsonOf(r.Body.Request), jsonOf(r.Body.Response)
	}
	return e
}

// jsonOf gives recorded bytes as a JSON value: themselves when they are JSON, null when there are none, else a string.
// What is not UTF-8 is replaced.
func jsonOf(b []byte) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	if json.Valid(b) {
		return b
	}
	text, _ := json.Marshal(string(b)) // a string: it cannot fail
	return text
}

func knownCost(s *trace.Span) *price.USD {
	if cost, known := s.KnownCost(); known {
		return &cost
	}
	return nil
}

// millis is a duration in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// knownMillis is null for zero, which is not known.
func knownMillis(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	ms := millis(d)
	return &ms
}

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
