package spool

import (
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Fields of the groups within a span.
const (
	errorType      = 1
	errorMessage   = 2
	errorStatus    = 3
	errorRetryable = 4

	usageInputUncached = 1
	usageCacheRead     = 2
	usageCacheWrite5m  = 3
	usageCacheWrite1h  = 4
	usageInputAudio    = 5
	usageOutputText    = 6
	usageReasoning     = 7
	usageOutputAudio   = 8

	unitsWebSearch    = 1
	unitsImage        = 2
	unitsAudioSeconds = 3

	lineBucket    = 1
	lineTokens    = 2
	linePerMTok   = 3
	lineAmountUSD = 4
	lineRule      = 5
)

func putError(b []byte, e *llm.Error) []byte {
	b, start := openGroup(b, spanError)
	b = putText(b, errorType, e.Type)
	b = putText(b, errorMessage, e.Message)
	b = putInt(b, errorStatus, int64(e.Status))
	if e.Retryable {
		b = putInt(b, errorRetryable, 1)
	}
	return closeGroup(b, start)
}

func readError(text string) (*llm.Error, error) {
	e := &llm.Error{}
	f := fields{rest: text}
	for f.next() {
		switch {
		case f.is(errorType, shapeText):
			e.Type = f.text
		case f.is(errorMessage, shapeText):
			e.Message = f.text
		case f.is(errorStatus, shapeVarint):
			e.Status = int(f.int())
		case f.is(errorRetryable, shapeVarint):
			e.Retryable = f.int() != 0
		}
	}
	return e, f.err
}

func putUsage(b []byte, u *llm.Usage) []byte {
	if *u == (llm.Usage{}) {
		return b
	}
	b, start := openGroup(b, spanUsage)
	b = putInt(b, usageInputUncached, u.InputUncached)
	b = putInt(b, usageCacheRead, u.CacheRead)
	b = putInt(b, usageCacheWrite5m, u.CacheWrite5m)
	b = putInt(b, usageCacheWrite1h, u.CacheWrite1h)
	b = putInt(b, usageInputAudio, u.InputAudio)
	b = putInt(b, usageOutputText, u.OutputText)
	b = putInt(b, usageReasoning, u.Reasoning)
	b = putInt(b, usageOutputAudio, u.OutputAudio)
	return closeGroup(b, start)
}

func readUsage(text string, u *llm.Usage) error {
	f := fields{rest: text}
	for f.next() {
		if f.shape != shapeVarint {
			continue
		}
		switch v := f.int(); f.field {
		case usageInputUncached:
			u.InputUncached = v
		case usageCacheRead:
			u.CacheRead = v
		case usageCacheWrite5m:
			u.CacheWrite5m = v
		case usageCacheWrite1h:
			u.CacheWrite1h = v
		case usageInputAudio:
			u.InputAudio = v
		case usageOutputText:
			u.OutputText = v
		case usageReasoning:
			u.Reasoning = v
		case usageOutputAudio:
			u.OutputAudio = v
		}
	}
	return f.err
}

func putUnits(b []byte, u *llm.Units) []byte {
	if *u == (llm.Units{}) {
		return b
	}
	b, start := openGroup(b, spanUnits)
	b = putInt(b, unitsWebSearch, u.WebSearch)
	b = putInt(b, unitsImage, u.Image)
	b = putFloat(b, unitsAudioSeconds, u.AudioSeconds)
	return closeGroup(b, start)
}

func readUnits(text string, u *llm.Units) error {
	f := fields{rest: text}
	for f.next() {
		switch {
		case f.is(unitsWebSearch, shapeVarint):
			u.WebSearch = f.int()
		case f.is(unitsImage, shapeVarint):
			u.Image = f.int()
		case f.is(unitsAudioSeconds, shapeFixed):
			u.AudioSeconds = f.float()
		}
	}
	return f.err
}

func putLine(b []byte, l *price.Line) []byte {
	b, start := openGroup(b, spanCostLine)
	b = putText(b, lineBucket, l.Bucket)
	b = putInt(b, lineTokens, l.Tokens)
	b = putText(b, linePerMTok, l.PerMTok)
	b = putText(b, lineAmountUSD, l.AmountUSD)
	b = putText(b, lineRule, l.Rule)
	return closeGroup(b, start)
}

func readLine(text string, l *price.Line) error {
	f := fields{rest: text}
	for f.next() {
		switch {
		case f.is(lineBucket, shapeText):
			l.Bucket = f.text
		case f.is(lineTokens, shapeVarint):
			l.Tokens = f.int()
		case f.is(linePerMTok, shapeText):
			l.PerMTok = f.text
		case f.is(lineAmountUSD, shapeText):
			l.AmountUSD = f.text
		case f.is(lineRule, shapeText):
			l.Rule = f.text
		}
	}
	return f.err
}
