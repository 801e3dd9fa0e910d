package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/weir-dev/weir/llm"
)

// maxVector bounds the dimensions that are taken, and maxEmbedding the bytes that are read for them.
const (
	maxVector    = 8192
	maxEmbedding = 1 << 20
)

// embed has a vector made of a text, on the account of a call and in its trace. space names what vectors it may be compared
// with.
func (m *semantic) embed(ctx context.Context, call *llm.Call, text string) (v []float32, space string, err error) {
	ask := struct {
		Model      string `json:"model"`
		Input      string `json:"input"`
		Dimensions int    `json:"dimensions,omitempty"`
		Format     string `json:"encoding_format"`
	}{m.Model, text, m.Dimensions, "float"}
	resp, body, err := m.send(ctx, call, llm.Embeddings, "/embeddings", m.Model, ask, maxEmbedding)
	if err != nil {
		return nil, "", fmt.Errorf("make a vector of a question with %s: %w", m.Model, err)
	}
	var said struct {
		Data []struct {
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, "", fmt.Errorf("read the vector that %s made: %w", m.Model, err)
	}
	if len(said.Data) != 1 {
		return nil, "", fmt.Errorf("%s made %d vectors of one question", m.Model, len(said.Data))
	}
	v = said.Data[0].Embedding
	if len(v) == 0 || len(v) > maxVector || m.Dimensions > 0 && len(v) != m.Dimensions {
		return nil, "", fmt.Errorf("%s made a vector of %d dimensions; want %s", m.Model, len(v), wantDimensions(m.Dimensions))
	}
	if !unit(v) {
		return nil, "", fmt.Errorf("%s made a vector that points nowhere", m.Model)
	}
	return v, fmt.Sprintf("%s\n%s\n%d", m.Model, resp.Model, len(v)), nil
}

func wantDimensions(n int) string {
	if n == 0 {
		return fmt.Sprintf("at most %d", maxVector)
	}
	return fmt.Sprintf("%d, as cache.semantic.dimensions says", n)
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

// send asks something of weir's own at the top of the chain, beneath the span of a call and on its account, and reads the
// answer, of at most so many bytes.
func (m *semantic) send(ctx context.Context, on *llm.Call, endpoint llm.Endpoint, path, model string, ask any, most int64) (*llm.Response, []byte, error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	c := &llm.Call{
		ID: llm.NewID(now), TraceID: on.TraceID, SpanID: llm.NewSpanID(), ParentID: on.SpanID, Start: now,
		Endpoint: endpoint, Dialect: llm.OpenAI, Method: http.MethodPost, Path: path, Header: http.Header{"Content-Type": {"application/json"}},
		Body: body, Model: model, Project: on.Project, KeyID: on.KeyID, Key: on.Key, User: on.User, Session: on.Session, Tags: on.Tags,
		Cache: "off", // vectors are long, and would push answers out
	}
	resp, err := m.Top.Send(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, nil, err
	case int64(len(text)) > most:
		return nil, nil, fmt.Errorf("the answer is longer than %d bytes", most)
	case resp.Status != http.StatusOK:
		return nil, nil, fmt.Errorf("the provider answered %d", resp.Status)
	case resp.Stream:
		return nil, nil, errors.New("the provider answered with a stream")
	}
	return resp, text, nil
}
