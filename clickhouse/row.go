package clickhouse

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// callRow is one row of calls. Its tags are the only list of the table's columns outside the migrations.
type callRow struct {
	ID       string `ch:"id"`
	CallID   string `ch:"call_id"` // of an attempt, its call's id
	TraceID  string `ch:"trace_id"`
	SpanID   string `ch:"span_id"`
	ParentID string `ch:"parent_id"`
	Kind     string `ch:"kind"`

	StartTime time.Time `ch:"start_time"`
	Duration  int64     `ch:"duration_ns"`
	TTFT      *int64    `ch:"ttft_ns"`

	Project   string   `ch:"project"`
	KeyID     string   `ch:"key_id"`
	Key       string   `ch:"key"`
	User      string   `ch:"user"`
	Session   string   `ch:"session"`
	TagNames  []string `ch:"tag_names"`
	TagValues []string `ch:"tag_values"`

	Endpoint       string `ch:"endpoint"`
	Path           string `ch:"path"`
	Stream         bool   `ch:"stream"`
	Provider       string `ch:"provider"`
	ModelRequested string `ch:"model_requested"`
	Model          string `ch:"model"`
	ResponseID     string `ch:"response_id"`

	Status         string   `ch:"status"`
	HTTPStatus     int32    `ch:"http_status"`
	ErrorCode      string   `ch:"error_code"`
	HasError       bool     `ch:"has_error"`
	ErrorType      string   `ch:"error_type"`
	ErrorMessage   string   `ch:"error_message"`
	ErrorStatus    int32    `ch:"error_status"`
	ErrorRetryable bool     `ch:"error_retryable"`
	FinishReasons  []string `ch:"finish_reasons"`
	ServiceTier    string   `ch:"service_tier"`

	InputUncached int64   `ch:"input_uncached"`
	CacheRead     int64   `ch:"cache_read"`
	CacheWrite5m  int64   `ch:"cache_write_5m"`
	CacheWrite1h  int64   `ch:"cache_write_1h"`
	InputAudio    int64   `ch:"input_audio"`
	OutputText    int64   `ch:"output_text"`
	Reasoning     int64   `ch:"reasoning"`
	OutputAudio   int64   `ch:"output_audio"`
	UsageSource   string  `ch:"usage_source"`
	UsageRaw      string  `ch:"usage_raw"`
	WebSearch     int64   `ch:"web_search"`
	Image         int64   `ch:"image"`
	AudioSeconds  float64 `ch:"audio_seconds"`

	Cost         knownMoney `ch:"cost"`
	Saved        money      `ch:"saved"`
	Held         money      `ch:"held"`
	PriceStatus  string     `ch:"price_status"`
	PriceVersion string     `ch:"price_version"`
	PriceRule    string     `ch:"price_rule"`
	CostLines    string     `ch:"cost_lines"` // JSON, "" for none
	ProviderCost string     `ch:"provider_cost"`

	Cache         string   `ch:"cache"`
	Attempts      int32    `ch:"attempts"`
	Prompt        string   `ch:"prompt"`
	PromptVersion int32    `ch:"prompt_version"`
	Experiment    string   `ch:"experiment"`
	Arm           string   `ch:"arm"`
	Flags         []string `ch:"flags"`

	PromptHash     string `ch:"prompt_hash"`
	PromptRevision int64  `ch:"prompt_revision"`
	Epoch          int32  `ch:"epoch"`
	Unit           string `ch:"unit"`
	OwnText        int64  `ch:"own_text"`

	CacheNeighbor string  `ch:"cache_neighbor"`
	CacheScore    float64 `ch:"cache_score"`

	InputPreview  string `ch:"input_preview"`
	OutputPreview string `ch:"output_preview"`
}

// The times a row can hold: within a DateTime on both sides of every time zone.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2106, 1, 1, 0, 0, 0, 0, time.UTC)
)

// newCallRow makes the row of a span. What a row cannot hold is cut to what it can, and flagged.
func newCallRow(s *trace.Span, callID string) callRow {
	r := callRow{
		ID: s.ID, CallID: callID, TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentID, Kind: string(s.Kind),
		Duration: int64(s.Duration),
		Project:  s.Project, KeyID: s.KeyID, Key: s.Key, User: s.User, Session: s.Session,
		Endpoint: string(s.Endpoint), Path: s.Path, Stream: s.Stream, Provider: s.Provider,
		ModelRequested: s.ModelRequested, Model: s.Model, ResponseID: s.ResponseID,
		Status: string(s.Status), HTTPStatus: int32(s.HTTPStatus), ErrorCode: s.ErrorCode,
		FinishReasons: s.FinishReasons, ServiceTier: s.ServiceTier,
		InputUncached: s.Usage.InputUncached, CacheRead: s.Usage.CacheRead, CacheWrite5m: s.Usage.CacheWrite5m,
		CacheWrite1h: s.Usage.CacheWrite1h, InputAudio: s.Usage.InputAudio, OutputText: s.Usage.OutputText,
		Reasoning: s.Usage.Reasoning, OutputAudio: s.Usage.OutputAudio,
		UsageSource: string(s.UsageSource), UsageRaw: s.UsageRaw,
		WebSearch: s.Units.WebSearch, Image: s.Units.Image, AudioSeconds: s.Units.AudioSeconds,
		PriceStatus: string(s.PriceStatus), PriceVersion: s.PriceVersion, PriceRule: s.PriceRule, ProviderCost: s.ProviderCost,
		Cache: string(s.Cache), CacheNeighbor: s.CacheNeighbor, CacheScore: s.CacheScore, Attempts: int32(s.Attempts), Prompt: s.Prompt, PromptVersion: int32(s.PromptVersion),
		Experiment: s.Experiment, Arm: s.Arm, Flags: s.Flags, PromptHash: s.PromptHash, PromptRevision: s.PromptRevision,
		Epoch: int32(s.Epoch), Unit: s.Unit, OwnText: int64(s.OwnText),
	}
	if s.TTFT > 0 {
		ns := int64(s.TTFT)
		r.TTFT = &ns
	}
	for name := range s.Tags {
		r.TagNames = append(r.TagNames, name)
	}
	slices.Sort(r.TagNames) // a batch that is sent again must be the same
	for _, name := range r.TagNames {
		r.TagValues = append(r.TagValues, s.Tags[name])
	}
	if s.Error != nil {
		r.HasError, r.ErrorType, r.ErrorMessage = true, s.Error.Type, s.Error.Message
		r.ErrorStatus, r.ErrorRetryable = int32(s.Error.Status), s.Error.Retryable
	}
	if len(s.CostLines) > 0 {
		lines, _ := json.Marshal(s.CostLines) // strings and integers: it cannot fail
		r.CostLines = string(lines)
	}

	var within bool
	if r.StartTime, within = inRange(s.Start); !within {
		r.flag("time_clamped")
	}
	cost, known := s.KnownCost()
	if known {
		r.Cost = knownMoney{r.clamp(cost), true}
	}
	r.Saved, r.Held = r.clamp(s.Saved), r.clamp(s.Held)
	return r
}

// inRange gives a time as a row holds it, and says false when that is another one.
func inRange(t time.Time) (time.Time, bool) {
	t = t.UTC().Truncate(time.Microsecond)
	switch {
	case t.Before(earliest):
		return earliest, false
	case t.After(latest):
		return latest, false
	}
	return t, true
}

func (r *callRow) clamp(u price.USD) money {
	u, clamped := u.Clamp()
	if clamped {
		r.flag("cost_clamped")
	}
	return money(u)
}

func (r *callRow) flag(name string) {
	if !slices.Contains(r.Flags, name) {
		r.Flags = append(slices.Clip(r.Flags), name)
	}
}

// span reads the row back.
func (r *callRow) span() (trace.Span, error) {
	s := trace.Span{
		ID: r.ID, TraceID: r.TraceID, SpanID: r.SpanID, ParentID: r.ParentID, Kind: trace.Kind(r.Kind),
		Start: r.StartTime.UTC(), Duration: time.Duration(r.Duration),
		Project: r.Project, KeyID: r.KeyID, Key: r.Key, User: r.User, Session: r.Session,
		Endpoint: llm.Endpoint(r.Endpoint), Path: r.Path, Stream: r.Stream, Provider: r.Provider,
		ModelRequested: r.ModelRequested, Model: r.Model, ResponseID: r.ResponseID,
		Status: trace.Status(r.Status), HTTPStatus: int(r.HTTPStatus), ErrorCode: r.ErrorCode,
		FinishReasons: orNil(r.FinishReasons), ServiceTier: r.ServiceTier,
		Usage: llm.Usage{
			InputUncached: r.InputUncached, CacheRead: r.CacheRead, CacheWrite5m: r.CacheWrite5m,
			CacheWrite1h: r.CacheWrite1h, InputAudio: r.InputAudio, OutputText: r.OutputText,
			Reasoning: r.Reasoning, OutputAudio: r.OutputAudio,
		},
		UsageSource: llm.UsageSource(r.UsageSource), UsageRaw: r.UsageRaw,
		Units: llm.Units{WebSearch: r.WebSearch, Image: r.Image, AudioSeconds: r.AudioSeconds},
		Cost:  price.USD(r.Cost.amount), Saved: price.USD(r.Saved), Held: price.USD(r.Held),
		PriceStatus: price.Status(r.PriceStatus), PriceVersion: r.PriceVersion, PriceRule: r.PriceRule,
		ProviderCost: r.ProviderCost, Cache: trace.Cache(r.Cache), CacheNeighbor: r.CacheNeighbor, CacheScore: r.CacheScore, Attempts: int(r.Attempts),
		Prompt: r.Prompt, PromptVersion: int(r.PromptVersion), Experiment: r.Experiment, Arm: r.Arm, Flags: orNil(r.Flags),
		PromptHash: r.PromptHash, PromptRevision: r.PromptRevision, Epoch: int(r.Epoch), Unit: r.Unit, OwnText: int(r.OwnText),
	}
	if r.TTFT != nil {
		s.TTFT = time.Duration(*r.TTFT)
	}
	if len(r.TagNames) > 0 {
		s.Tags = make(map[string]string, len(r.TagNames))
		for i, name := range r.TagNames {
			s.Tags[name] = r.TagValues[i]
		}
	}
	if r.HasError {
		s.Error = &llm.Error{Type: r.ErrorType, Message: r.ErrorMessage, Status: int(r.ErrorStatus), Retryable: r.ErrorRetryable}
	}
	if r.CostLines != "" {
		if err := json.Unmarshal([]byte(r.CostLines), &s.CostLines); err != nil {
			return s, fmt.Errorf("call %s: cost_lines: %w", r.CallID, err)
		}
	}
	return s, nil
}

// row reads the row back as a line of a list.
func (r *callRow) row() (trace.CallRow, error) {
	s, err := r.span()
	s.CostLines = nil
	return trace.CallRow{Span: s, InputPreview: r.InputPreview, OutputPreview: r.OutputPreview}, err
}

func orNil(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}

// bodyRow is one row of bodies.
type bodyRow struct {
	CallID     string    `ch:"call_id"`
	TraceID    string    `ch:"trace_id"`
	SpanID     string    `ch:"span_id"`
	Project    string    `ch:"project"`
	StartTime  time.Time `ch:"start_time"`
	Request    []byte    `ch:"request"`
	Response   []byte    `ch:"response"`
	InputText  string    `ch:"input_text"`
	OutputText string    `ch:"output_text"`
	Bytes      uint64    `ch:"bytes"`
}
