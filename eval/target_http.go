package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// NewHTTP makes a target of an endpoint: it is sent {"id", "input", "context"} as JSON, and its answer is the output, or the member of it that
// the configuration names.
func NewHTTP(c TargetConfig, client *http.Client, timeout time.Duration) (Target, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range c.Headers {
		if env, ok := strings.CutPrefix(value, "env:"); ok {
			if value = os.Getenv(env); value == "" {
				return nil, fmt.Errorf("target %s: the header %s takes its value from %s, which is not set", c.Name, name, env)
			}
		}
		header.Set(name, value)
	}
	return TargetFunc(func(ctx context.Context, a Ask) (Answer, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		body := marshal(struct {
			ID      string          `json:"id"`
			Input   json.RawMessage `json:"input"`
			Context json.RawMessage `json:"context,omitempty"`
		}{a.Item.ID, a.Item.Input, a.Item.Context})
		begin := time.Now()
		_, raw, err := post(ctx, client, c.URL, header, body)
		if err != nil {
			return Answer{}, err
		}
		out := Answer{LatencyMS: milliseconds(begin), Text: strings.ToValidUTF8(string(raw), "\uFFFD")}
		if c.Output != "" {
			v, err := member(raw, c.Output)
			if err != nil {
				return Answer{}, &AskError{Err: err}
			}
			out.Text = Text(v)
		}
		return out, nil
	}), nil
}

// refusedError is an answer that is none.
type refusedError struct {
	status int
	body   []byte
}

// Error has the status, and the message of an error as most APIs write one.
func (e *refusedError) Error() string {
	if message := Text(first(e.body, "error.message", "error", "message")); message != "" {
		return fmt.Sprintf("HTTP %d: %s", e.status, clip(message))
	}
	return fmt.Sprintf("HTTP %d: %s", e.status, clip(string(e.body)))
}

func first(body []byte, paths ...string) json.RawMessage {
	for _, p := range paths {
		if v, err := member(body, p); err == nil {
			return v
		}
	}
	return nil
}

// post sends a body and reads the whole answer. What is not a success is an *AskError.
func post(ctx context.Context, client *http.Client, to string, header http.Header, body []byte) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, nil, &AskError{Err: err}
	}
	req.Header = header.Clone()
	res, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the address, which may hold a secret
		}
		return nil, nil, &AskError{Err: err, Again: ctx.Err() == nil}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxOutput+1))
	switch {
	case err != nil:
		return nil, nil, &AskError{Err: fmt.Errorf("read the answer: %w", err), Again: ctx.Err() == nil}
	case len(raw) > maxOutput:
		return nil, nil, &AskError{Err: errTooMuch}
	case res.StatusCode >= http.StatusMultipleChoices:
		out := &AskError{Err: &refusedError{res.StatusCode, raw}, Again: res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout || res.StatusCode >= 500}
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s >= 0 {
			out.Wait = time.Duration(s) * time.Second
		}
		return res.Header, raw, out
	}
	return res.Header, raw, nil
}

// member is the value in a JSON document at a path such as choices.0.message.content.
func member(raw json.RawMessage, path string) (json.RawMessage, error) {
	for name := range strings.SplitSeq(path, ".") {
		var list []json.RawMessage
		if i, err := strconv.Atoi(name); err == nil && json.Unmarshal(raw, &list) == nil {
			if i < 0 || i >= len(list) {
				return nil, fmt.Errorf("the answer's list has no place %d (of %s)", i, path)
			}
			raw = list[i]
			continue
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil || object[name] == nil {
			return nil, fmt.Errorf("the answer has no member %q (of %s)", name, path)
		}
		raw = object[name]
	}
	return raw, nil
}
