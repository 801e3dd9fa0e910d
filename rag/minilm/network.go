//go:build hugot

package minilm

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/knights-analytics/hugot/backends"
	"github.com/knights-analytics/hugot/options"
)

// runtimeName is hugot's name for what computes in Go alone.
const runtimeName = "GO"

// largeWeights, in bytes, are no shapes or other small numbers, which are looked at whenever the network is compiled.
const largeWeights = 64 << 10

// network is the model's network, ready to run. Safe for concurrent use.
type network struct {
	pipeline backends.BasePipeline
	output   int // which one has the tokens' vectors
}

// loadNetwork reads the weights: some hundred milliseconds, and three times their size of memory, of which one time is kept.
func loadNetwork(f *Folder) (n *network, err error) {
	defer func() { err = caught(recover(), err) }()
	text, err := os.ReadFile(f.ONNX)
	if err != nil {
		return nil, err
	}
	model := &backends.Model{ID: f.ONNX, Path: f.Path, OnnxBytes: text, Pipelines: map[string]backends.Pipeline{}}
	o := options.Defaults()
	o.Backend = runtimeName
	if err := backends.CreateModelBackend(model, o); err != nil {
		return nil, err
	}
	mend(model.GoMLXModel)
	for _, in := range model.InputsMeta {
		if !slices.Contains([]string{"input_ids", "attention_mask", "token_type_ids"}, in.Name) {
			return nil, fmt.Errorf("it wants an input %q: want input_ids, attention_mask and token_type_ids, as of BERT", in.Name)
		}
	}
	output := slices.IndexFunc(model.OutputsMeta, func(o backends.InputOutputInfo) bool { return len(o.Dimensions) == 3 })
	if output < 0 {
		return nil, errors.New("none of its outputs has a vector for each token (three dimensions); docs/rag.md says which exports can be run")
	}
	return &network{backends.BasePipeline{Model: model, Runtime: runtimeName}, output}, nil
}

// mend takes the names off the axes of the inputs, which may have any size here: there are exports that give both axes the same. And
// it lets go of the file's own copy of the large weights, which the runtime has.
func mend(model *backends.GoMLXModel) {
	for _, weights := range model.OnnxModel.Proto.Graph.Initializer {
		if len(weights.RawData) >= largeWeights {
			weights.RawData = nil
		}
	}
	for i := range model.OnnxModel.InputsShapes {
		if s := &model.OnnxModel.InputsShapes[i]; len(s.Names) == 2 {
			s.Names, s.Dimensions = []string{"batch_size", "sequence_length"}, []int{-1, -1}
		}
	}
}

// run gives, for each text, the mean of its tokens' vectors. All are padded to a length.
func (n *network) run(ids [][]uint32, length int) (vectors [][]float32, err error) {
	defer func() { err = caught(recover(), err) }()
	batch := backends.NewBatch(len(ids))
	batch.MaxSequenceLength = length
	batch.Input = make([]backends.TokenizedInput, len(ids))
	for i, text := range ids {
		ones := slices.Repeat([]uint32{1}, len(text))
		batch.Input[i] = backends.TokenizedInput{TokenIDs: text, TypeIDs: make([]uint32, len(text)), AttentionMask: ones, MaxAttentionIndex: len(text) - 1}
	}
	defer func() { err = errors.Join(err, batch.Destroy()) }()
	if err := backends.CreateInputTensors(batch, n.pipeline.Model, runtimeName); err != nil {
		return nil, err
	}
	if err := backends.RunSessionOnBatch(batch, &n.pipeline); err != nil {
		return nil, err
	}
	tokens, ok := batch.OutputValues[n.output].([][][]float32) // without those of the padding
	if !ok || len(tokens) != len(ids) {
		return nil, fmt.Errorf("it gave %T of %d texts", batch.OutputValues[n.output], len(ids))
	}
	for _, t := range tokens {
		vectors = append(vectors, mean(t))
	}
	return vectors, nil
}

// mean is that of vectors.
func mean(tokens [][]float32) []float32 {
	if len(tokens) == 0 {
		return nil
	}
	sums := make([]float64, len(tokens[0]))
	for _, t := range tokens {
		for i, x := range t {
			sums[i] += float64(x)
		}
	}
	out := make([]float32, len(sums))
	for i, sum := range sums {
		out[i] = float32(sum / float64(len(tokens)))
	}
	return out
}

// caught makes an error of a panic of the runtime's, where there was one.
func caught(panicked any, err error) error {
	if panicked != nil {
		return fmt.Errorf("the runtime failed: %v", panicked)
	}
	return err
}
