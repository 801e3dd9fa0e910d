package upstream

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// embed translates an embeddings call to batchEmbedContents and back.
func (g *Gemini) embed(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	r, fault := readRequest(g.cfg.Name, call.Body)
	if fault != nil {
		return nil, fault
	}
	body, packed, fault := toBatchEmbed(r, call)
	if fault != nil {
		return nil, fault
	}
	o := order{method: http.MethodPost, url: g.base + geminiModel(call.Model) + ":batchEmbedContents", header: g.header(call), body: body}
	return g.send(ctx, call, o, llm.Gemini, &fromBatchEmbed{call: call, packed: packed}, r.dropped)
}

// toBatchEmbed writes the request. packed says that the client wants its vectors in base64.
func toBatchEmbed(r *request, call *llm.Call) (body []byte, packed bool, fault *llm.Fault) {
	var texts []rawjson.Value
	switch input := r.take("input"); input.Kind() {
	case rawjson.String:
		texts = append(texts, input)
	case rawjson.Array:
		input.Each(func(_ int, v rawjson.Value) bool {
			if v.Kind() != rawjson.String {
				fault = r.refuse("input", "it takes texts, not tokens")
				return false
			}
			texts = append(texts, v)
			return true
		})
	}
	if fault != nil {
		return nil, false, fault
	}
	if len(texts) == 0 {
		return nil, false, badParam("input", "want a text or an array of texts")
	}
	format, fault := r.takeText("encoding_format")
	if fault != nil {
		return nil, false, fault
	}
	if format != "" && format != "float" && format != "base64" {
		return nil, false, badParam("encoding_format", "want float or base64")
	}
	dimensions, fault := r.takeNumber("dimensions")
	if fault != nil {
		return nil, false, fault
	}
	if fault := r.rest(); fault != nil {
		return nil, false, fault
	}
	var all list
	for _, text := range texts {
		part, content, one := object{}, object{}, object{}
		part.raw("text", text)
		content.list("parts", list{part.done()})
		one.str("model", geminiModel(call.Model)[1:])
		one.raw("content", content.done())
		one.raw("outputDimensionality", dimensions)
		all = append(all, one.done())
	}
	o := object{}
	o.list("requests", all)
	return o.done(), format == "base64", nil
}

// fromBatchEmbed puts an answer of batchEmbedContents into OpenAI's form. It is never a stream.
type fromBatchEmbed struct {
	call   *llm.Call
	packed bool
}

func (f *fromBatchEmbed) whole(body []byte, out llm.Outcome) ([]byte, bool) {
	v := rawjson.Value(trimmed(body))
	if rawjson.Scan(v, nil) != nil || v.Get("embeddings").Kind() != rawjson.Array {
		return nil, false
	}
	var data list
	v.Get("embeddings").Each(func(i int, e rawjson.Value) bool {
		o := object{}
		o.str("object", "embedding")
		o.int("index", int64(i))
		vector := []byte(e.Get("values"))
		if vector == nil {
			vector = []byte("[]")
		}
		if f.packed {
			vector = pack(vector)
		}
		o.raw("embedding", vector)
		data = append(data, o.done())
		return true
	})
	o := object{}
	o.str("object", "list")
	o.list("data", data)
	o.str("model", f.call.Model)
	if out.Source == llm.FromProvider {
		u := object{}
		u.int("prompt_tokens", out.Usage.Input())
		u.int("total_tokens", out.Usage.Input())
		o.raw("usage", u.done())
	}
	return append(o.done(), '\n'), true
}

// pack writes a vector as OpenAI does in base64: 32-bit floats, little-endian.
func pack(vector rawjson.Value) []byte {
	var raw []byte
	vector.Each(func(_ int, v rawjson.Value) bool {
		f, err := strconv.ParseFloat(string(v), 32)
		if err != nil {
			f = 0
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(f)))
		return true
	})
	return rawjson.Quote(base64.StdEncoding.EncodeToString(raw))
}

func (*fromBatchEmbed) event(dst []byte, _ llm.Event) []byte  { return dst }
func (*fromBatchEmbed) done(dst []byte, _ llm.Outcome) []byte { return dst }
func (*fromBatchEmbed) saysWhenDone() bool                    { return false }
