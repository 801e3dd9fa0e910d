package ingest

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

const costHeader = "X-Weir-Cost-Usd"

// Values of headers that every answer has. They are shared and must not be written to; net/http does not.
var (
	nosniff     = []string{"nosniff"}
	cacheUses   = map[llm.CacheUse][]string{"": {"off"}, llm.CacheMiss: {"miss"}, llm.CacheHit: {"hit"}, llm.CacheSemantic: {"semantic"}}
	costTrailer = []string{costHeader}
	noAttempts  = []string{"0"}
	unbuffered  = []string{"no"}
	notCached   = []string{"no-cache"}
)

// costed is a body whose call's cost is known once it has ended.
type costed interface {
	Cost() (price.USD, bool)
}

// relay sends the answer on as it comes.
func (g *Gateway) relay(w http.ResponseWriter, r *http.Request, call *llm.Call, resp *llm.Response) {
	defer resp.Body.Close()
	h := w.Header()
	for name, values := range resp.Header {
		if comesBack(name) {
			h[name] = values
		}
	}
	h["X-Content-Type-Options"] = nosniff
	setAttemptHeaders(h, resp.Attempts)
	h["X-Weir-Cache"] = cacheUses[resp.Cache]
	if resp.Cache == llm.CacheHit || resp.Cache == llm.CacheSemantic { // nobody was asked, and this is who had answered
		h["X-Weir-Provider"], h["X-Weir-Model"], h["X-Weir-Attempts"] = []string{resp.Provider}, []string{resp.Model}, noAttempts
	}
	setUseHeaders(h, call.Use)
	g.cfg.Stamp(h, call, resp.Attempts)
	if len(resp.Dropped) > 0 {
		h.Set("X-Weir-Dropped", strings.Join(resp.Dropped, ","))
	}
	body, _ := resp.Body.(costed)
	whole, _ := resp.Body.(*wholeBody)
	switch {
	case whole != nil:
		setCost(h, whole)
		h.Set("Content-Length", strconv.Itoa(whole.Len()))
	case body != nil:
		h.Del("Content-Length")
		h["Trailer"] = costTrailer
	}
	if resp.Stream {
		h["X-Accel-Buffering"] = unbuffered // proxies in front of weir must not hold events back
		if h.Get("Cache-Control") == "" {
			h["Cache-Control"] = notCached
		}
	}
	w.WriteHeader(resp.Status)
	err := copyBody(w, resp, whole == nil && (resp.Stream || resp.ContentLength() < 0))
	if whole == nil && body != nil && err == nil {
		setCost(h, body)
	}
	if err == nil {
		return
	}
	if r.Context().Err() == nil && !isClientClosed(err) && !errors.Is(err, errClientWrite) {
		g.cfg.Log.LogAttrs(r.Context(), slog.LevelWarn, "answer broken off", slog.String("call", call.ID), slog.Any("error", err))
	}
	panic(http.ErrAbortHandler) // whoever still reads must see a broken answer, not a short one
}

func setAttemptHeaders(h http.Header, attempts []llm.Attempt) {
	if n := len(attempts); n > 0 {
		v := []string{attempts[n-1].Provider, attempts[n-1].Model, strconv.Itoa(n)}
		h["X-Weir-Provider"], h["X-Weir-Model"], h["X-Weir-Attempts"] = v[0:1:1], v[1:2:2], v[2:3:3]
	}
}

// setUseHeaders says which version of a prompt and which arm the call was made with.
func setUseHeaders(h http.Header, u *llm.Use) {
	if u == nil {
		return
	}
	if u.PromptVersion > 0 {
		h["X-Weir-Prompt"] = []string{u.Prompt + "@" + strconv.Itoa(u.PromptVersion)}
	}
	if u.Arm != "" {
		h["X-Weir-Arm"] = []string{u.Arm}
	}
}

func setCost(h http.Header, c costed) {
	if usd, ok := c.Cost(); ok {
		h.Set(costHeader, usd.String())
	}
}

var errClientWrite = errors.New("the client did not take the answer")

// copyBody writes what each read gives; what comes bit by bit is flushed after every write.
func copyBody(w http.ResponseWriter, resp *llm.Response, flush bool) error {
	flusher := http.NewResponseController(w)
	if resp.Stream {
		if err := flusher.Flush(); err != nil { // the head goes out before the first event
			return errors.Join(errClientWrite, err)
		}
	}
	buf := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buf)
	for {
		n, err := resp.Body.Read(*buf)
		if n > 0 {
			if _, werr := w.Write((*buf)[:n]); werr != nil {
				return errors.Join(errClientWrite, werr)
			}
			if flush {
				if ferr := flusher.Flush(); ferr != nil {
					return errors.Join(errClientWrite, ferr)
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
