package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
)

type (
	embeddingRequest struct {
		Input          json.RawMessage `json:"input"`
		Dimensions     *int            `json:"dimensions"`
		EncodingFormat string          `json:"encoding_format"`
	}
	embeddingAnswer struct {
		Object string          `json:"object"`
		Data   []embedding     `json:"data"`
		Model  string          `json:"model"`
		Usage  *embeddingUsage `json:"usage,omitempty"`
	}
	embedding struct {
		Object    string `json:"object"`
		Index     int    `json:"index"`
		Embedding any    `json:"embedding"` // []float32, or base64 of them
	}
	embeddingUsage struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	}
)

// embed answers POST /v1/embeddings.
func (s *Simulator) embed(x *exchange) error {
	if x.model.kind != embeddingKind {
		return &apiError{status: 403, kind: "invalid_request_error", message: "You are not allowed to generate embeddings from this model"}
	}
	var q embeddingRequest
	if err := decode(x.body, &q); err != nil {
		return err
	}
	if len(q.Input) == 0 {
		return missing("input")
	}
	inputs, err := readInputs(q.Input, "input")
	if err != nil {
		return err
	}
	if len(inputs) > 2048 {
		return invalid("input", fmt.Sprintf("Invalid 'input': expected at most 2048 entries, but got %d.", len(inputs)))
	}
	dims := x.model.dimensions
	if q.Dimensions != nil {
		if x.model.id == "text-embedding-ada-002" {
			return invalid("dimensions", "This model does not support specifying dimensions.")
		}
		if *q.Dimensions < 1 || *q.Dimensions > dims {
			return invalid("dimensions", fmt.Sprintf("Invalid value for 'dimensions' = %d. Must be between 1 and %d.", *q.Dimensions, dims))
		}
		dims = *q.Dimensions
	}
	if q.EncodingFormat != "" && q.EncodingFormat != "float" && q.EncodingFormat != "base64" {
		return invalid("encoding_format", "Invalid value: '"+q.EncodingFormat+"'. Supported values are: 'float' and 'base64'.")
	}
	count := counterFor(x.model)
	out := embeddingAnswer{Object: "list", Model: x.model.name(), Data: make([]embedding, len(inputs))}
	total := count.prompt("embeddings", x.body)
	for i, in := range inputs {
		if in.text == "" {
			return invalid("input", "Invalid 'input': input cannot be an empty string.")
		}
		v := Embed(x.model.id, in.text, dims)
		out.Data[i] = embedding{Object: "embedding", Index: i, Embedding: v}
		if q.EncodingFormat == "base64" {
			out.Data[i].Embedding = base64Floats(v)
		}
	}
	switch x.b.Usage {
	case "none":
	case "zero":
		out.Usage = &embeddingUsage{}
	default:
		out.Usage = &embeddingUsage{total, total}
	}
	if err := x.pace.whole(x.ctx, total/200); err != nil {
		return err
	}
	if err := s.plain(x, out); err != nil {
		return err
	}
	s.bill(total, 0)
	return nil
}

// Embed returns the unit vector a model gives a text. Each word stem, pair of neighbours and letter trigram adds to a few
// places of the vector, so that texts with words in common lie near each other and others nearly at right angles.
// dims must be positive.
func Embed(modelID, text string, dims int) []float32 {
	sum := make([]float64, dims)
	add := func(kind, feature string, weight float64) {
		h := fnv.New64a()
		h.Write([]byte(modelID + "\x00" + kind + "\x00" + feature))
		x := h.Sum64()
		for range 4 {
			// splitmix64, for places and signs independent of each other
			x += 0x9e3779b97f4a7c15
			z := x
			z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
			z = (z ^ z>>27) * 0x94d049bb133111eb
			z ^= z >> 31
			if place := int(z % uint64(dims)); z>>63 == 0 {
				sum[place] += weight
			} else {
				sum[place] -= weight
			}
		}
	}
	counts := map[string]float64{}
	var order []string
	previous := ""
	for _, w := range words(text) {
		if stopWords()[w] {
			add("stop", w, .05)
			continue
		}
		s := stem(w)
		if counts["w"+s] == 0 {
			order = append(order, "w"+s)
		}
		counts["w"+s]++
		if previous != "" {
			if pair := "p" + previous + " " + s; counts[pair] == 0 {
				order = append(order, pair)
				counts[pair] = .25
			}
		}
		previous = s
	}
	for _, f := range order {
		add(f[:1], f[1:], math.Sqrt(counts[f]))
		if f[0] == 'w' {
			padded := "^" + f[1:] + "$"
			for i := 0; i+3 <= len(padded); i++ {
				add("t", padded[i:i+3], .3*math.Sqrt(counts[f])/math.Sqrt(float64(len(padded))))
			}
		}
	}
	if len(order) == 0 {
		add("raw", text, 1)
	}
	var norm float64
	for _, v := range sum {
		norm += v * v
	}
	if norm == 0 {
		sum[0], norm = 1, 1
	}
	out := make([]float32, dims)
	for i, v := range sum {
		out[i] = float32(v / math.Sqrt(norm))
	}
	return out
}

// base64Floats is the little-endian form the base64 encoding carries.
func base64Floats(v []float32) string {
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(b)
}
