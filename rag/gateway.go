package rag

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
)

// ErrTextRefused says that an embedder will not take one of the texts it was given, however often it is asked.
var ErrTextRefused = errors.New("the embedding model does not take the text")

// Bounds of what is sent at a time. OpenAI takes 8191 tokens a text, and 300,000 in all.
const (
	defaultEmbedTexts  = 128
	maxTextTokens      = 8191
	maxRequestTokens   = 250_000
	maxDimensions      = 8192
	embedTries         = 6
	firstPause         = 500 * time.Millisecond // doubled each time
	longestPause       = time.Minute
	maxEmbeddingAnswer = 1 << 20 // bytes, and as many again for each text
	shownAnswer        = 300     // bytes of a provider's refusal
)

// GatewayEmbedder has vectors made through the gateway's own chain, so that they are limited, paid for and recorded as any
// call. The fields are not changed once it is in use.
type GatewayEmbedder struct {
	Top llm.Sender // the outermost stage
	// On is on whose account the calls are, and in which trace beneath which span; needed.
	On         *llm.Call
	Name       string // of the model, as a client asks for it
	Dimensions int    // of a vector, which the model is asked for too; 0: as many as it gives
	// Cache is what the calls ask of the response cache, as X-Weir-Cache does.
	Cache string
	// Ask says that the model is asked for Dimensions, which not every model can be.
	Ask bool
	// MaxTexts bounds the texts of one call; 0 is 128.
	MaxTexts int
	// Tries is how often a call is made at most; 0 is 6.
	Tries int
	// Sent hears of every call: how many texts it had, and how it ended. Nil: nobody does.
	Sent func(texts int, err error)
}

var _ Embedder = (*GatewayEmbedder)(nil)

// Model is the name the vectors go by.
func (g *GatewayEmbedder) Model() string { return g.Name }

// Embed sends the texts in as many calls as it takes, one after the other. A call that found its provider busy or failing is
// made again, after a pause. ErrTextRefused is in the chain of an error that another try would not mend, where a text is the
// cause.
func (g *GatewayEmbedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		n, err := g.fitting(texts)
		if err != nil {
			return nil, err
		}
		some, err := g.patiently(ctx, texts[:n])
		if err != nil {
			return nil, fmt.Errorf("make vectors of %d texts with %s: %w", n, g.Name, err)
		}
		vectors, texts = append(vectors, some...), texts[n:]
	}
	return vectors, nil
}

// fitting says how many of the texts go into one call.
func (g *GatewayEmbedder) fitting(texts []string) (int, error) {
	most := g.MaxTexts
	if most <= 0 {
		most = defaultEmbedTexts
	}
	enc, _ := tokens.For(g.Name)
	sum, n := 0, 0
	for _, text := range texts[:min(most, len(texts))] {
		count := len(text) // a token has a byte at least
		if count > maxTextTokens {
			count = tokens.CountString(enc, text)
		}
		switch {
		case text == "":
			return 0, fmt.Errorf("%w: it is empty", ErrTextRefused)
		case count > maxTextTokens:
			return 0, fmt.Errorf("%w: it has %d tokens, and at most %d are taken; split documents into smaller chunks (splitter.tokens)", ErrTextRefused, count, maxTextTokens)
		}
		if sum += count; n > 0 && sum > maxRequestTokens {
			break
		}
		n++
	}
	return n, nil
}

// patiently tries until there is an answer, or no more hope.
func (g *GatewayEmbedder) patiently(ctx context.Context, texts []string) ([][]float32, error) {
	pause := firstPause
	for try := 1; ; try++ {
		vectors, err := g.once(ctx, texts)
		if g.Sent != nil {
			g.Sent(len(texts), err)
		}
		busy, ok := errors.AsType[*busyError](err)
		if err == nil || !ok || try == cmp.Or(g.Tries, embedTries) {
			return vectors, err
		}
		timer := time.NewTimer(min(max(pause, busy.after), longestPause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
		pause *= 2
	}
}

// busyError is one that may pass.
type busyError struct {
	after time.Duration // when it is worth trying again; 0: nobody said
	err   error
}

func (e *busyError) Error() string { return e.err.Error() }
func (e *busyError) Unwrap() error { return e.err }

// once makes one call.
func (g *GatewayEmbedder) once(ctx context.Context, texts []string) ([][]float32, error) {
	ask := struct {
		Model      string   `json:"model"`
		Input      []string `json:"input"`
		Dimensions int      `json:"dimensions,omitempty"`
		Format     string   `json:"encoding_format"`
	}{Model: g.Name, Input: texts, Format: "float"}
	if g.Ask {
		ask.Dimensions = g.Dimensions
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	now, on := time.Now(), g.On
	resp, err := g.Top.Send(ctx, &llm.Call{
		ID: llm.NewID(now), TraceID: on.TraceID, SpanID: llm.NewSpanID(), ParentID: on.SpanID, Start: now,
		Endpoint: llm.Embeddings, Dialect: llm.OpenAI, Method: http.MethodPost, Path: "/embeddings",
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Model: g.Name,
		Project: on.Project, KeyID: on.KeyID, Key: on.Key, User: on.User, Session: on.Session, Tags: on.Tags, Use: beneath(on.Use), Cache: g.Cache,
	})
	if err != nil {
		return nil, mayPass(ctx, err)
	}
	defer resp.Body.Close()
	most := int64(len(texts)+1) * maxEmbeddingAnswer
	answer, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, mayPass(ctx, fmt.Errorf("read the answer: %w", err))
	case int64(len(answer)) > most:
		return nil, fmt.Errorf("the answer is longer than %d bytes", most)
	case resp.Status != http.StatusOK:
		return nil, refusal(resp, answer)
	}
	return g.read(answer, len(texts))
}

// mayPass tells a failure to try again from one that stays.
func mayPass(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fault, ok := errors.AsType[*llm.Fault](err)
	if !ok {
		return &busyError{err: err}
	}
	switch fault.Code {
	case llm.RateLimited, llm.UpstreamUnavailable, llm.UpstreamTimeout, llm.BudgetUnavailable, llm.RecordUnavailable:
		return &busyError{fault.RetryAfter, err}
	}
	return err
}

// refusal makes an error of a provider's.
func refusal(resp *llm.Response, answer []byte) error {
	err := fmt.Errorf("the provider answered %d: %s", resp.Status, clip(string(answer), shownAnswer))
	switch {
	case resp.Status == http.StatusTooManyRequests || resp.Status >= 500 || resp.Status == http.StatusRequestTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &busyError{time.Duration(min(max(seconds, 0), int(longestPause/time.Second))) * time.Second, err}
	case resp.Status == http.StatusBadRequest || resp.Status == http.StatusRequestEntityTooLarge || resp.Status == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", ErrTextRefused, err)
	}
	return err
}

// read takes the vectors out of an answer, in the order of the texts.
func (g *GatewayEmbedder) read(answer []byte, want int) ([][]float32, error) {
	var said struct {
		Data []struct {
			Index     *int   `json:"index"`
			Embedding vector `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(said.Data) != want {
		return nil, fmt.Errorf("the answer has %d vectors, want %d", len(said.Data), want)
	}
	vectors := make([][]float32, want)
	for i, one := range said.Data {
		at, v := i, one.Embedding
		if one.Index != nil {
			at = *one.Index
		}
		switch {
		case at < 0 || at >= want || vectors[at] != nil:
			return nil, fmt.Errorf("the answer has vectors of which one says index %d, and there are %d", at, want)
		case len(v) == 0 || len(v) > maxDimensions:
			return nil, fmt.Errorf("the answer has a vector of %d dimensions; want 1 to %d", len(v), maxDimensions)
		case g.Dimensions > 0 && len(v) != g.Dimensions:
			return nil, &DimensionsError{Model: g.Name, Got: len(v), Want: g.Dimensions}
		case !unit(v):
			return nil, errors.New("the answer has a vector that points nowhere")
		}
		vectors[at] = v
	}
	return vectors, nil
}

// DimensionsError says that a model makes vectors of other dimensions than are asked for.
type DimensionsError struct {
	Model     string
	Got, Want int
}

func (e *DimensionsError) Error() string {
	return fmt.Sprintf("%s makes vectors of %d dimensions, and the collection is of %d: set embedding.dimensions to %d and index into a new collection, or name the model that the collection was made with",
		e.Model, e.Got, e.Want, e.Got)
}

// vector is read from JSON numbers, or from base64 of little-endian float32.
type vector []float32

// UnmarshalJSON reads either form.
func (v *vector) UnmarshalJSON(text []byte) error {
	if len(text) == 0 || text[0] != '"' {
		return json.Unmarshal(text, (*[]float32)(v))
	}
	var raw []byte
	if err := json.Unmarshal(text, &raw); err != nil {
		return fmt.Errorf("a vector in base64: %w", err)
	}
	if len(raw)%4 != 0 {
		return fmt.Errorf("a vector in base64 has %d bytes, which is no number of float32", len(raw))
	}
	*v = make(vector, len(raw)/4)
	for i := range *v {
		(*v)[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return nil
}

// unit makes a vector's length 1, and says false of one that has none.
func unit(v []float32) bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	length := math.Sqrt(sum)
	if length == 0 || math.IsNaN(length) || math.IsInf(length, 0) {
		return false
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / length)
	}
	return true
}
