package cache

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// mayKeep says that an answer may turn out to be one to keep: it succeeded, and comes in the form that was asked for.
func (a *asking) mayKeep(resp *llm.Response) bool {
	packed := resp.Header.Get("Content-Encoding")
	return resp.Status == http.StatusOK && resp.Stream == a.call.Stream && (packed == "" || strings.EqualFold(packed, "identity")) &&
		resp.ContentLength() <= int64(a.cfg.MaxEntry)
}

// takeWhole reads a plain answer and keeps it. again says that an equal call may fare better.
func (a *asking) takeWhole(ctx context.Context, resp *llm.Response) (kept *Entry, again bool) {
	var buf bytes.Buffer
	if n := resp.ContentLength(); n > 0 {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(resp.Body, int64(a.cfg.MaxEntry)+1))
	from, body := resp.Body, buf.Bytes()
	if err != nil {
		resp.Body = &headed{io.MultiReader(bytes.NewReader(body), failing{err}), from}
		return nil, true
	}
	if len(body) > a.cfg.MaxEntry {
		resp.Body = &headed{io.MultiReader(bytes.NewReader(body), from), from}
		return nil, false
	}
	resp.Body = &headed{bytes.NewReader(body), from}
	if kept = a.entry(resp, body); kept != nil {
		a.keep(ctx, kept)
	}
	return kept, false
}

// headed is a body whose beginning, or all of it, was read ahead.
type headed struct {
	io.Reader
	io.Closer
}

// failing is a body that breaks off.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// watched is a stream that is collected while it is relayed, and kept if it comes to its end.
type watched struct {
	asking *asking
	ctx    context.Context //nolint:containedctx // without cancellation: the entry is put when the stream ends
	resp   *llm.Response
	from   io.ReadCloser
	got    []byte
	over   bool // too long to be kept, or dealt with
}

// Read reads on.
func (b *watched) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if !b.over && len(b.got)+n > b.asking.cfg.MaxEntry {
		b.over, b.got = true, nil
	}
	if !b.over {
		b.got = append(b.got, p[:n]...)
	}
	if err != nil {
		b.end(err == io.EOF)
	}
	return n, err
}

// Close closes the stream. Some clients go at its last event, and the end behind that is never read.
func (b *watched) Close() error {
	b.end(false)
	return b.from.Close()
}

func (b *watched) end(whole bool) {
	if b.over {
		return
	}
	b.over = true
	if !whole && !bytes.HasSuffix(bytes.TrimSpace(b.got), []byte("[DONE]")) {
		return
	}
	if e := b.asking.entry(b.resp, b.got); e != nil {
		b.asking.keep(b.ctx, e)
	}
}

// entry makes an entry of an answer, nil when it is not one to keep: broken off, failed inside, without output, or ended by
// nobody knows what.
func (a *asking) entry(resp *llm.Response, body []byte) *Entry {
	m := llm.NewMeter(llm.MeterConfig{
		Endpoint: a.call.Endpoint, Path: a.call.Path, Dialect: resp.Dialect, Quirks: resp.Quirks, Stream: resp.Stream, Status: resp.Status, Header: resp.Header,
	})
	if resp.Stream {
		if !meterStream(m, body) {
			return nil
		}
	} else {
		if rawjson.Scan(body, nil) != nil {
			return nil
		}
		m.Body(body)
	}
	out := m.End(resp.Stream) // of a stream, only its last event says that it is whole
	if !a.complete(&out) {
		return nil
	}
	counted := out.Source == llm.FromProvider
	if resp.Outcome != nil {
		if out = resp.Outcome(false); !a.complete(&out) {
			return nil
		}
	}
	out.UsageRaw = bytes.Clone(out.UsageRaw)
	if cap(body) > len(body)+len(body)/8 { // the room that the buffer grew by is not counted
		body = bytes.Clone(body)
	}
	now := time.Now()
	return &Entry{
		Project: a.call.Project, Call: a.call.ID, Requested: a.call.Model, Tags: maps.Clone(a.call.Tags), Stored: now, Expires: now.Add(a.wish.ttl),
		Header: repeated(resp.Header), Body: body, Stream: resp.Stream,
		Provider: resp.Provider, PriceAs: resp.PriceAs, Model: resp.Model, Dialect: resp.Dialect, Quirks: resp.Quirks, Dropped: resp.Dropped,
		UsageOnAsking: resp.UsageAsked || a.call.AskedUsage, Uncounted: !counted && out.Source == llm.FromProvider, Outcome: out,
	}
}

// meterStream reads all events, and says that nothing is left over.
func meterStream(m *llm.Meter, body []byte) bool {
	const step = 32 << 10
	var split llm.Splitter
	for part := range slices.Chunk(body, step) {
		split.Write(part)
		for ev, ok := split.Next(); ok; ev, ok = split.Next() {
			if m.Event(ev)&llm.Failed != 0 {
				return false
			}
		}
	}
	if ev, ok := split.Finish(); ok {
		m.Event(ev)
	}
	return len(bytes.TrimSpace(split.Pending())) == 0
}

// complete says that an answer is a whole one.
func (a *asking) complete(o *llm.Outcome) bool {
	if o.Err != nil || !o.Delivered {
		return false
	}
	if a.call.Endpoint == llm.Embeddings {
		return true
	}
	return len(o.FinishReasons) > 0 && !slices.Contains(o.FinishReasons, "") && !slices.Contains(o.FinishReasons, "error")
}

// repeated are the headers that are true of a repeated answer too. What speaks of the first request (its id, its time, how
// much of a limit it left) is not.
func repeated(h http.Header) http.Header {
	out := make(http.Header, 3)
	for _, name := range [...]string{"Content-Type", "Content-Language", "Openai-Version"} {
		if v, ok := h[name]; ok {
			out[name] = slices.Clone(v)
		}
	}
	return out
}
