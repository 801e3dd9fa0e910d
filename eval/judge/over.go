package judge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Doer sends HTTP requests; *http.Client is one.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Over is a Sender that reaches a gateway by its address, ending in /v1, with a virtual key.
func Over(base, key string, client Doer) llm.Sender {
	return llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) {
		req, err := http.NewRequestWithContext(ctx, call.Method, strings.TrimSuffix(base, "/")+call.Path, bytes.NewReader(call.Body))
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		maps.Copy(req.Header, call.Header)
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		req.Header.Set("X-Weir-Cache", call.Cache)
		if call.Session != "" {
			req.Header.Set("X-Weir-Session", call.Session)
		}
		var tags []string
		for _, name := range slices.Sorted(maps.Keys(call.Tags)) {
			tags = append(tags, name+"="+call.Tags[name])
		}
		if len(tags) > 0 {
			req.Header.Set("X-Weir-Tags", strings.Join(tags, ","))
		}
		res, err := client.Do(req) //nolint:bodyclose // it is the caller's to close
		if err != nil {
			if e, ok := errors.AsType[*url.Error](err); ok {
				err = e.Err // without the address, which may hold a secret
			}
			return nil, llm.Faultf(llm.UpstreamUnavailable, "no gateway answers: %v", err).Because(err)
		}
		return &llm.Response{Status: res.StatusCode, Header: res.Header, Body: &toldBody{res.Body, res}, Dialect: llm.OpenAI, Provider: res.Header.Get("X-Weir-Provider")}, nil
	})
}

// toldBody is a body whose cost the gateway tells, before it or behind it.
type toldBody struct {
	io.ReadCloser
	res *http.Response
}

// Cost is what the gateway said, once the body has been read.
func (b *toldBody) Cost() (price.USD, bool) {
	for _, h := range []http.Header{b.res.Header, b.res.Trailer} {
		if usd, err := price.ParseUSD(h.Get("X-Weir-Cost-Usd")); err == nil {
			return usd, true
		}
	}
	return 0, false
}
