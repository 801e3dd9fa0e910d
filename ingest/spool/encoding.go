package spool

import (
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Fields of a record. The call's id comes first of all, where findID looks for it.
const (
	recordCall    = 1
	recordAttempt = 2
)

// Fields of a span.
const (
	spanID = iota + 1
	spanTraceID
	spanSpanID
	spanParentID
	spanKind
	spanStartSeconds
	spanStartNanos
	spanDuration
	spanTTFT
	spanProject
	spanKeyID
	spanKey
	spanUser
	spanSession
	spanTag
	spanEndpoint
	spanPath
	spanStream
	spanProvider
	spanModelRequested
	spanModel
	spanResponseID
	spanStatus
	spanHTTPStatus
	spanErrorCode
	spanError
	spanFinishReason
	spanServiceTier
	spanUsage
	spanUsageSource
	spanUsageRaw
	spanUnits
	spanCost
	spanSaved
	spanHeld
	spanPriceStatus
	spanPriceVersion
	spanPriceRule
	spanCostLine
	spanProviderCost
	spanCache
	spanAttempts
	spanPrompt
	spanPromptVersion
	spanExperiment
	spanArm
	spanFlag
	spanPromptHash
	spanPromptRevision
	spanEpoch
	spanUnit
	spanOwnText
	spanCacheNeighbor
	spanCacheScore
)

// putRecord appends a record without its bodies.
func putRecord(b []byte, r *trace.Record) []byte {
	b, start := openGroup(b, recordCall)
	b = closeGroup(putSpan(b, &r.Call), start)
	for i := range r.Attempts {
		b, start = openGroup(b, recordAttempt)
		b = closeGroup(putSpan(b, &r.Attempts[i]), start)
	}
	return b
}

// readRecord is putRecord's other half.
func readRecord(meta string, r *trace.Record) error {
	f := fields{rest: meta}
	for f.next() {
		switch {
		case f.is(recordCall, shapeGroup):
			f.err = readSpan(f.text, &r.Call)
		case f.is(recordAttempt, shapeGroup):
			r.Attempts = append(r.Attempts, trace.Span{})
			f.err = readSpan(f.text, &r.Attempts[len(r.Attempts)-1])
		}
	}
	return f.err
}

// findID reads the call's id alone.
func findID(meta []byte) []byte {
	const before = 1 + 4 + 1 // the group's tag and length, the id's tag
	if len(meta) < before+1 || meta[0] != recordCall<<2|shapeGroup || meta[5] != spanID<<2|shapeText {
		return nil
	}
	n := int(meta[before])
	if n >= 0x80 || len(meta) < before+1+n { // ids are short; a longer one is not looked for
		return nil
	}
	return meta[before+1 : before+1+n]
}

func putSpan(b []byte, s *trace.Span) []byte {
	b = putText(b, spanID, s.ID)
	b = putText(b, spanTraceID, s.TraceID)
	b = putText(b, spanSpanID, s.SpanID)
	b = putText(b, spanParentID, s.ParentID)
	b = putText(b, spanKind, string(s.Kind))
	if !s.Start.IsZero() {
		b = putInt(b, spanStartSeconds, s.Start.Unix())
		b = putInt(b, spanStartNanos, int64(s.Start.Nanosecond()))
	}
	b = putInt(b, spanDuration, int64(s.Duration))
	b = putInt(b, spanTTFT, int64(s.TTFT))
	b = putText(b, spanProject, s.Project)
	b = putText(b, spanKeyID, s.KeyID)
	b = putText(b, spanKey, s.Key)
	b = putText(b, spanUser, s.User)
	b = putText(b, spanSession, s.Session)
	for k, v := range s.Tags {
		b = putPair(b, spanTag, k, v)
	}
	b = putText(b, spanEndpoint, string(s.Endpoint))
	b = putText(b, spanPath, s.Path)
	if s.Stream {
		b = putInt(b, spanStream, 1)
	}
	b = putText(b, spanProvider, s.Provider)
	b = putText(b, spanModelRequested, s.ModelRequested)
	b = putText(b, spanModel, s.Model)
	b = putText(b, spanResponseID, s.ResponseID)
	b = putText(b, spanStatus, string(s.Status))
	b = putInt(b, spanHTTPStatus, int64(s.HTTPStatus))
	b = putText(b, spanErrorCode, s.ErrorCode)
	if s.Error != nil {
		b = putError(b, s.Error)
	}
	b = putTexts(b, spanFinishReason, s.FinishReasons)
	b = putText(b, spanServiceTier, s.ServiceTier)
	b = putUsage(b, &s.Usage)
	b = putText(b, spanUsageSource, string(s.UsageSource))
	b = putText(b, spanUsageRaw, s.UsageRaw)
	b = putUnits(b, &s.Units)
	b = putInt(b, spanCost, int64(s.Cost))
	b = putInt(b, spanSaved, int64(s.Saved))
	b = putInt(b, spanHeld, int64(s.Held))
	b = putText(b, spanPriceStatus, string(s.PriceStatus))
	b = putText(b, spanPriceVersion, s.PriceVersion)
	b = putText(b, spanPriceRule, s.PriceRule)
	for i := range s.CostLines {
		b = putLine(b, &s.CostLines[i])
	}
	b = putText(b, spanProviderCost, s.ProviderCost)
	b = putText(b, spanCache, string(s.Cache))
	b = putInt(b, spanAttempts, int64(s.Attempts))
	b = putText(b, spanPrompt, s.Prompt)
	b = putInt(b, spanPromptVersion, int64(s.PromptVersion))
	b = putText(b, spanExperiment, s.Experiment)
	b = putText(b, spanArm, s.Arm)
	b = putTexts(b, spanFlag, s.Flags)
	b = putText(b, spanPromptHash, s.PromptHash)
	b = putInt(b, spanPromptRevision, s.PromptRevision)
	b = putInt(b, spanEpoch, int64(s.Epoch))
	b = putText(b, spanUnit, s.Unit)
	b = putInt(b, spanOwnText, int64(s.OwnText))
	b = putText(b, spanCacheNeighbor, s.CacheNeighbor)
	return putFloat(b, spanCacheScore, s.CacheScore)
}

func readSpan(text string, s *trace.Span) error {
	f := fields{rest: text}
	var sec, nano int64
	started := false
	for f.next() {
		switch f.shape {
		case shapeVarint:
			switch f.field {
			case spanStartSeconds:
				sec, started = f.int(), true
			case spanStartNanos:
				nano, started = f.int(), true
			default:
				readSpanInt(&f, s)
			}
		case shapeFixed:
			if f.field == spanCacheScore {
				s.CacheScore = f.float()
			}
		case shapeText:
			readSpanText(&f, s)
		case shapeGroup:
			readSpanGroup(&f, s)
		}
	}
	if started {
		s.Start = time.Unix(sec, nano).UTC()
	}
	return f.err
}

func readSpanInt(f *fields, s *trace.Span) {
	v := f.int()
	switch f.field {
	case spanDuration:
		s.Duration = time.Duration(v)
	case spanTTFT:
		s.TTFT = time.Duration(v)
	case spanStream:
		s.Stream = v != 0
	case spanHTTPStatus:
		s.HTTPStatus = int(v)
	case spanCost:
		s.Cost = price.USD(v)
	case spanSaved:
		s.Saved = price.USD(v)
	case spanHeld:
		s.Held = price.USD(v)
	case spanAttempts:
		s.Attempts = int(v)
	case spanPromptVersion:
		s.PromptVersion = int(v)
	case spanPromptRevision:
		s.PromptRevision = v
	case spanEpoch:
		s.Epoch = int(v)
	case spanOwnText:
		s.OwnText = int(v)
	}
}

func readSpanText(f *fields, s *trace.Span) {
	switch f.field {
	case spanID:
		s.ID = f.text
	case spanTraceID:
		s.TraceID = f.text
	case spanSpanID:
		s.SpanID = f.text
	case spanParentID:
		s.ParentID = f.text
	case spanKind:
		s.Kind = trace.Kind(f.text)
	case spanProject:
		s.Project = f.text
	case spanKeyID:
		s.KeyID = f.text
	case spanKey:
		s.Key = f.text
	case spanUser:
		s.User = f.text
	case spanSession:
		s.Session = f.text
	case spanTag:
		k, v := f.pair()
		if s.Tags == nil {
			s.Tags = map[string]string{}
		}
		s.Tags[k] = v
	case spanEndpoint:
		s.Endpoint = llm.Endpoint(f.text)
	case spanPath:
		s.Path = f.text
	case spanProvider:
		s.Provider = f.text
	case spanModelRequested:
		s.ModelRequested = f.text
	case spanModel:
		s.Model = f.text
	case spanResponseID:
		s.ResponseID = f.text
	case spanStatus:
		s.Status = trace.Status(f.text)
	case spanErrorCode:
		s.ErrorCode = f.text
	case spanFinishReason:
		s.FinishReasons = append(s.FinishReasons, f.text)
	case spanServiceTier:
		s.ServiceTier = f.text
	case spanUsageSource:
		s.UsageSource = llm.UsageSource(f.text)
	case spanUsageRaw:
		s.UsageRaw = f.text
	case spanPriceStatus:
		s.PriceStatus = price.Status(f.text)
	case spanPriceVersion:
		s.PriceVersion = f.text
	case spanPriceRule:
		s.PriceRule = f.text
	case spanProviderCost:
		s.ProviderCost = f.text
	case spanCache:
		s.Cache = trace.Cache(f.text)
	case spanPrompt:
		s.Prompt = f.text
	case spanExperiment:
		s.Experiment = f.text
	case spanArm:
		s.Arm = f.text
	case spanFlag:
		s.Flags = append(s.Flags, f.text)
	case spanPromptHash:
		s.PromptHash = f.text
	case spanUnit:
		s.Unit = f.text
	case spanCacheNeighbor:
		s.CacheNeighbor = f.text
	}
}

func readSpanGroup(f *fields, s *trace.Span) {
	switch f.field {
	case spanError:
		s.Error, f.err = readError(f.text)
	case spanUsage:
		f.err = readUsage(f.text, &s.Usage)
	case spanUnits:
		f.err = readUnits(f.text, &s.Units)
	case spanCostLine:
		s.CostLines = append(s.CostLines, price.Line{})
		f.err = readLine(f.text, &s.CostLines[len(s.CostLines)-1])
	}
}
