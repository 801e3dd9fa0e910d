package limit

import (
	"bytes"
	"context"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/trace"
)

const (
	bytesPerToken = 4        // of English and code, JSON around it included
	longBody      = 16 << 10 // from here on it is worth looking whether the bytes are text at all
)

// Estimate is about how many tokens a call's input has: a token for each four bytes of its body. A long body with pictures
// or sound in it is counted, since their bytes are not what they cost. What weir does not model cannot be estimated and is 0.
func Estimate(call *llm.Call) int64 {
	if call.Endpoint == llm.Passthrough {
		return 0
	}
	if len(call.Body) >= longBody && bytes.Contains(call.Body, []byte("base64")) {
		enc, _ := tokens.For(call.Model)
		return int64(tokens.Request(string(call.Endpoint), enc, call.Body))
	}
	return int64(len(call.Body)+bytesPerToken-1) / bytesPerToken
}

// Observe corrects the estimate of a call by what its record says was used. It is an observer of records, and wants every
// one of them.
func (l *Limits) Observe(rec *trace.Record) {
	s := &rec.Call
	asks, ok := l.forget(s.ID)
	if !ok {
		return
	}
	used := s.Usage.Input() + s.Usage.Output()
	if used < 0 || s.Cache == trace.CacheHit || s.Cache == trace.CacheSemantic { // a hit's usage is that of the original
		used = 0
	}
	used = min(used, owed*most)
	if used == asks[0].N {
		return
	}
	for i := range asks {
		asks[i].N = used - asks[i].N
	}
	l.settle(context.Background(), asks)
}
