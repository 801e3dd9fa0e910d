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
	h.Set("X-Content-Type-Options", "nosniff")
	setAttemptHeaders(h, resp.Attempts)
	h.Set("X-Weir-Cache", "off")
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
		h.Set("Trailer", costHeader)
	}
	if resp.Stream {
		h.Set("X-Accel-Buffering", "no") // proxies in front of weir must not hold events back
		if h.Get("Cache-Control") == "" {
			h.Set("Cache-Control", "no-cache")
		}
	}
	w.WriteHeader(resp.Status)
	err := copyBody(w, resp, whole == nil && (resp.Stream || resp.ContentLength() < 0))
	if whole == nil && body != nil && err == nil {
		setCost(h, body)
	}
	if err == nil || r.Context().Err() != nil || isClientClosed(err) {
		return
	}
	if !errors.Is(err, errClientWrite) {
		g.cfg.Log.LogAttrs(r.Context(), slog.LevelWarn, "answer broken off", slog.String("call", call.ID), slog.Any("error", err))
		panic(http.ErrAbortHandler) // the client must see a broken answer, not a short one
	}
}

func setAttemptHeaders(h http.Header, attempts []llm.Attempt) {
	if n := len(attempts); n > 0 {
		h.Set("X-Weir-Provider", attempts[n-1].Provider)
		h.Set("X-Weir-Model", attempts[n-1].Model)
		h.Set("X-Weir-Attempts", strconv.Itoa(n))
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
