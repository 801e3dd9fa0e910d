package upstream

import (
	"compress/gzip"
	"context"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-dev/weir/llm"
)

// translator puts one answer of a provider into OpenAI's form. It serves one answer and one goroutine.
type translator interface {
	// whole translates a plain answer of a good status; false says that it is none.
	whole(body []byte, out llm.Outcome) ([]byte, bool)
	// event appends what the client is to see of an event of a stream; nothing is fine.
	event(dst []byte, ev llm.Event) []byte
	// done appends what ends a complete stream.
	done(dst []byte, out llm.Outcome) []byte
	// saysWhenDone: the dialect has an event that ends a stream, as against ending with the body.
	saysWhenDone() bool
}

// translatedLimit bounds a plain answer that is translated, in bytes.
const translatedLimit = 64 << 20

// translated makes the response to a call out of the provider's in dialect native. It owns resp.
func (l *link) translated(call *llm.Call, resp *llm.Response, native llm.Dialect, t translator) (*llm.Response, error) {
	meter := llm.NewMeter(llm.MeterConfig{
		Endpoint: call.Endpoint, Path: call.Path, Dialect: native, Quirks: l.cfg.Quirks, Stream: resp.Stream, Status: resp.Status, Header: resp.Header,
	})
	if err := unzip(resp); err != nil {
		_ = resp.Body.Close()
		return nil, l.broken(resp, "its answer claims to be gzip and is not", err)
	}
	h := resp.Header
	h.Del("Content-Length")
	if h.Get("X-Request-Id") == "" && h.Get("Request-Id") != "" { // where OpenAI's clients look for it
		h.Set("X-Request-Id", h.Get("Request-Id"))
	}
	resp.Dialect, resp.Quirks = llm.OpenAI, llm.Quirks{}
	if resp.Stream && resp.Status < 400 {
		s := &translatedStream{link: l, from: resp.Body, meter: meter, translator: t}
		resp.Body, resp.Outcome = s, s.outcome
		return resp, nil
	}
	resp.Stream = false
	body, err := io.ReadAll(io.LimitReader(resp.Body, translatedLimit+1))
	_ = resp.Body.Close()
	switch {
	case err != nil:
		fault := llm.AsFault(err)
		fault.Attempts = resp.Attempts
		return nil, fault
	case len(body) > translatedLimit:
		return nil, l.broken(resp, "its answer is larger than "+strconv.Itoa(translatedLimit)+" bytes, too large to be translated", nil)
	}
	meter.Body(body)
	out := meter.End(false)
	if out.Err != nil {
		l.translatedError(resp, body, out.Err)
		body = errorBody(l.cfg.Name, out.Err)
	} else {
		var ok bool
		if body, ok = t.whole(body, out); !ok {
			return nil, l.broken(resp, "its answer is not what it should be: check that its base_url leads to the provider's API", nil)
		}
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Body = &bytesBody{b: body}
	resp.Outcome = func(bool) llm.Outcome { return out }
	return resp, nil
}

// translatedError gives an error answer its status, also one that came with a good one, and tells in the header when to
// try again if only the body does.
func (l *link) translatedError(resp *llm.Response, body []byte, e *llm.Error) {
	if resp.Status < 400 {
		resp.Status = e.Status
	}
	if wait, ok := llm.RetryDelay(resp.Status, resp.Header, body); ok && resp.Header.Get("Retry-After") == "" {
		resp.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(min(wait, 24*time.Hour).Seconds()))))
	}
}

// broken is an answer that cannot be used.
func (l *link) broken(resp *llm.Response, why string, err error) *llm.Fault {
	fault := llm.Faultf(llm.UpstreamUnavailable, "provider %s answered %d, but %s", l.cfg.Name, resp.Status, why).Because(err)
	for i := range resp.Attempts {
		resp.Attempts[i].Err = &llm.Error{Type: string(fault.Code), Message: fault.Message, Status: http.StatusBadGateway, Retryable: true}
	}
	fault.Attempts = resp.Attempts
	return fault
}

// unzip reads a body that came compressed though nobody asked for it: it must be understood to be translated.
func unzip(resp *llm.Response) error {
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return nil
	}
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		return err
	}
	resp.Header.Del("Content-Encoding")
	resp.Body = &headed{Reader: z, Closer: resp.Body}
	return nil
}

// bytesBody is a body that is all there.
type bytesBody struct{ b []byte }

// Read gives what is left.
func (r *bytesBody) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

// Close has nothing to do.
func (*bytesBody) Close() error { return nil }

// relist makes OpenAI's list of models, or one of them, out of the provider's.
func (l *link) relist(resp *llm.Response, list func(body []byte) ([]byte, bool)) (*llm.Response, error) {
	if err := unzip(resp); err != nil {
		_ = resp.Body.Close()
		return nil, l.broken(resp, "its list claims to be gzip and is not", err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, translatedLimit))
	_ = resp.Body.Close()
	if err != nil {
		fault := llm.AsFault(err)
		fault.Attempts = resp.Attempts
		return nil, fault
	}
	if e := llm.NormalError(resp.Status, resp.Header, body); e != nil {
		l.translatedError(resp, body, e)
		body = errorBody(l.cfg.Name, e)
	} else {
		var ok bool
		if body, ok = list(body); !ok {
			return nil, l.broken(resp, "its list of models is none: check that its base_url leads to the provider's API", nil)
		}
	}
	resp.Dialect, resp.Stream, resp.Quirks = llm.OpenAI, false, llm.Quirks{}
	resp.Header.Set("Content-Type", "application/json")
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Body = &bytesBody{b: body}
	return resp, nil
}

// modelEntry is an entry of OpenAI's list of models.
func modelEntry(id, owner string, created int64) []byte {
	o := object{}
	o.str("id", id)
	o.str("object", "model")
	o.int("created", created)
	o.str("owned_by", owner)
	return o.done()
}

func modelList(all list) []byte {
	o := object{}
	o.str("object", "list")
	o.list("data", all)
	return append(o.done(), '\n')
}

// send asks and translates: the way of every call that is not in the provider's own dialect.
func (l *link) send(ctx context.Context, call *llm.Call, o order, native llm.Dialect, t translator, dropped []string) (*llm.Response, error) {
	resp, err := l.ask(ctx, call, o, native)
	if err != nil {
		return nil, err
	}
	if resp, err = l.translated(call, resp, native, t); err != nil {
		return nil, err
	}
	resp.Dropped = dropped
	return resp, nil
}
