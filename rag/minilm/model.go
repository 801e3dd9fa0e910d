//go:build hugot

package minilm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/weir-dev/weir/rag"
)

// Built says whether local models are built in.
const Built = true

// What is computed at a time. The runtime keeps what it made for each size of a batch, so that there are few: lengths are multiples
// of a step, and the texts of a batch a power of two. Larger batches are hardly faster, and hold up what waits behind them.
const (
	lengthStep  = 16
	batchTokens = 512 // with the padding
)

// Model is a model in memory. Safe for concurrent use: one batch of many texts is computed at a time, on all processors, and beside
// it one text that came alone, as a question does.
type Model struct {
	name        string
	folder      *Folder
	network     *network
	many, alone chan struct{} // each is full while somebody computes
}

var _ rag.Embedder = (*Model)(nil)

// Load reads a model into memory and tries it out; name is what it goes by. It stays there for as long as the program runs.
func Load(name string, f *Folder) (rag.Embedder, error) {
	n, err := loadNetwork(f)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", f.ONNX, err)
	}
	m := &Model{name: name, folder: f, network: n, many: make(chan struct{}, 1), alone: make(chan struct{}, 1)}
	if err := m.try(); err != nil {
		return nil, fmt.Errorf("try out %s: %w; docs/rag.md says which exports can be run", f.ONNX, err)
	}
	return m, nil
}

// try makes two vectors, of texts of two lengths.
func (m *Model) try() error {
	ids := [][]uint32{m.folder.Tokenizer.IDs("A trial.", m.folder.MaxTokens), m.folder.Tokenizer.IDs("And one more, that is longer.", m.folder.MaxTokens)}
	vectors, err := m.network.run(ids, m.padded(len(ids[1])))
	for _, v := range vectors {
		err = errors.Join(err, m.check(v))
	}
	return err
}

// Model is the name that it was loaded by.
func (m *Model) Model() string { return m.name }

// Embed makes the vectors; of a text longer than the model reads, of its beginning. When ctx ends, the batch under way is finished
// and no other begun. A text whose vector cannot be made is named by its number in the error, with rag.ErrTextRefused in its chain.
func (m *Model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	turn := m.many
	if len(texts) == 1 {
		turn = m.alone
	}
	ids := make([][]uint32, len(texts))
	order := make([]int, len(texts))
	for i, text := range texts {
		ids[i], order[i] = m.folder.Tokenizer.IDs(text, m.folder.MaxTokens), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(len(ids[b])-len(ids[a]), a-b) })
	vectors := make([][]float32, len(texts))
	for len(order) > 0 {
		length := m.padded(len(ids[order[0]]))
		n := max(1, min(len(order), batchTokens/length))
		n = 1 << (bits.Len(uint(n)) - 1)
		if err := m.batch(ctx, turn, ids, order[:n], length, vectors); err != nil {
			return nil, err
		}
		order = order[n:]
	}
	return vectors, nil
}

// padded is the length that texts of so many tokens are padded to.
func (m *Model) padded(tokens int) int {
	return min((tokens+lengthStep-1)/lengthStep*lengthStep, m.folder.MaxTokens)
}

// batch makes the vectors of some of the texts when it is their turn.
func (m *Model) batch(ctx context.Context, turn chan struct{}, ids [][]uint32, which []int, length int, vectors [][]float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-turn }()
	some := make([][]uint32, len(which))
	for i, at := range which {
		some[i] = ids[at]
	}
	made, err := m.network.run(some, length)
	for i, at := range which {
		if err != nil {
			break
		}
		vectors[at] = made[i]
		err = m.check(made[i])
	}
	if err == nil || ctx.Err() != nil {
		return errors.Join(ctx.Err())
	}
	// Each on its own, to see which one it is.
	for i, at := range which {
		made, err := m.network.run(some[i:i+1], m.padded(len(some[i])))
		if err == nil {
			err = m.check(made[0])
		}
		if err != nil {
			return fmt.Errorf("%w: text %d: %w", rag.ErrTextRefused, at, err)
		}
		vectors[at] = made[0]
	}
	return nil
}

// check makes a vector's length 1, or says what is wrong with it.
func (m *Model) check(v []float32) error {
	if len(v) != m.folder.Dimensions {
		return &rag.DimensionsError{Model: m.name, Got: len(v), Want: m.folder.Dimensions}
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	length := math.Sqrt(sum)
	if length == 0 || math.IsNaN(length) || math.IsInf(length, 0) {
		return errors.New("its vector points nowhere")
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / length)
	}
	return nil
}
