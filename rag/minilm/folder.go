// Package minilm makes vectors of texts inside weir, by a sentence-transformers model such as all-MiniLM-L6-v2.
package minilm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/weir-dev/weir/rag/wordpiece"
)

// ErrNotBuilt says that the program has no local models in it.
var ErrNotBuilt = errors.New("this weir was built without local models: build it with `make build TAGS=hugot`, or choose another embedding model")

// Folder is a sentence-transformers model as it lies on disk, with what its own files say of it. It is not changed.
type Folder struct {
	Path       string
	ONNX       string // its weights and graph
	Dimensions int    // of a vector
	MaxTokens  int    // of a text, those that begin and end it included; what follows is not read
	Tokenizer  *wordpiece.Tokenizer
}

// Room is how many tokens of a text are read.
func (f *Folder) Room() int { return f.MaxTokens - f.Tokenizer.Around() }

// A folder's files, beside the weights.
const (
	modulesFile   = "modules.json"
	poolingFile   = "config.json" // in the folder of the module
	sentenceFile  = "sentence_bert_config.json"
	promptsFile   = "config_sentence_transformers.json"
	configFile    = "config.json"
	tokenizerFile = "tokenizer.json"
)

// The bounds of what is read of a text.
const (
	minTokens = 16
	maxTokens = 8192
)

// Open reads a folder's settings, without the weights. The error says what is missing, or what of the model cannot be done here.
func Open(path string) (*Folder, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %s", path)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is no folder: want that of a sentence-transformers model", path)
	}
	f := &Folder{Path: path}
	if f.ONNX, err = weights(path); err != nil {
		return nil, err
	}
	if f.Dimensions, err = pooling(path); err != nil {
		return nil, err
	}
	if err := prompted(path); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(path, tokenizerFile))
	if err != nil {
		return nil, missing(path, tokenizerFile, err)
	}
	if f.Tokenizer, err = wordpiece.Read(text); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(path, tokenizerFile), err)
	}
	if err := f.length(); err != nil {
		return nil, err
	}
	return f, nil
}

// weights finds the ONNX file where exports put it.
func weights(path string) (string, error) {
	for _, name := range []string{"model.onnx", filepath.Join("onnx", "model.onnx")} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return filepath.Join(path, name), nil
		}
	}
	return "", fmt.Errorf("%s has no model.onnx, nor onnx/model.onnx: docs/rag.md says where there is one", path)
}

// pooling reads the modules of the model and gives the dimensions of what comes out of them. Only the mean of all tokens' vectors is
// known, made one long or not: which is the same, as weir makes every vector so.
func pooling(path string) (int, error) {
	var modules []struct {
		Path string `json:"path"`
		Type string `json:"type"`
	}
	if err := read(path, modulesFile, &modules); err != nil {
		return 0, err
	}
	dimensions := 0
	for _, m := range modules {
		switch kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]; kind {
		case "Transformer", "Normalize":
		case "Pooling":
			var p pool
			if err := read(path, filepath.Join(m.Path, poolingFile), &p); err != nil {
				return 0, err
			}
			if other := p.other(); other != "" {
				return 0, fmt.Errorf("%s pools by %s, and only the mean of all tokens is known: choose a model that pools by mean", path, other)
			}
			dimensions = p.Dimensions
		default:
			return 0, fmt.Errorf("%s has a module %s, and only Transformer, Pooling and Normalize are known: choose a model without it", path, kind)
		}
	}
	if dimensions < 1 {
		return 0, fmt.Errorf("%s names no module Pooling that says its word_embedding_dimension", filepath.Join(path, modulesFile))
	}
	return dimensions, nil
}

// pool is the settings of a Pooling.
type pool struct {
	Dimensions int    `json:"word_embedding_dimension"`
	Mode       string `json:"pooling_mode"` // in newer files, in place of what follows
	Mean       bool   `json:"pooling_mode_mean_tokens"`
	CLS        bool   `json:"pooling_mode_cls_token"`
	Max        bool   `json:"pooling_mode_max_tokens"`
	MeanSqrt   bool   `json:"pooling_mode_mean_sqrt_len_tokens"`
	Weighted   bool   `json:"pooling_mode_weightedmean_tokens"`
	Last       bool   `json:"pooling_mode_lasttoken"`
}

// other names what it does beside or in place of the mean, "" where that is nothing.
func (p *pool) other() string {
	switch {
	case p.CLS:
		return "the first token (cls)"
	case p.Max:
		return "the maximum (max)"
	case p.MeanSqrt:
		return "the sum over the root of the length (mean_sqrt_len)"
	case p.Weighted:
		return "a weighted mean (weightedmean)"
	case p.Last:
		return "the last token (lasttoken)"
	case p.Mode != "" && p.Mode != "mean":
		return p.Mode
	case p.Mode == "" && !p.Mean:
		return "nothing"
	}
	return ""
}

// prompted refuses a model that wants words of its own before a text, others before questions than before passages.
func prompted(path string) error {
	var f struct {
		Prompts map[string]string `json:"prompts"`
	}
	if err := read(path, promptsFile, &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for name, prompt := range f.Prompts {
		if prompt != "" {
			return fmt.Errorf("%s wants %q before a text (its prompt %q), which weir does not put there: choose a model without prompts", path, prompt, name)
		}
	}
	return nil
}

// length finds out how much of a text is read, and whether the tokenizer is of this model.
func (f *Folder) length() error {
	var config struct {
		Positions  int `json:"max_position_embeddings"`
		Vocabulary int `json:"vocab_size"`
		Hidden     int `json:"hidden_size"`
	}
	if err := read(f.Path, configFile, &config); err != nil {
		return err
	}
	var sentence struct {
		Max int `json:"max_seq_length"`
	}
	if err := read(f.Path, sentenceFile, &sentence); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.MaxTokens = sentence.Max; f.MaxTokens == 0 {
		f.MaxTokens = config.Positions
	}
	switch size := f.Tokenizer.Size(); {
	case f.MaxTokens < minTokens || f.MaxTokens > min(config.Positions, maxTokens):
		return fmt.Errorf("%s reads %d tokens of a text (max_seq_length): want %d to %d, its max_position_embeddings", f.Path, f.MaxTokens, minTokens, min(config.Positions, maxTokens))
	case size > config.Vocabulary:
		return fmt.Errorf("%s is of another model: its tokens go up to %d, and vocab_size of config.json is %d", filepath.Join(f.Path, tokenizerFile), size-1, config.Vocabulary)
	case config.Hidden != f.Dimensions:
		return fmt.Errorf("%s pools vectors of %d dimensions, and hidden_size of config.json is %d: the files are of two models", f.Path, f.Dimensions, config.Hidden)
	}
	return nil
}

// read reads one of a folder's settings.
func read(path, name string, into any) error {
	text, err := os.ReadFile(filepath.Join(path, name))
	if err != nil {
		return missing(path, name, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(path, name), err)
	}
	return nil
}

// missing says which file is not there.
func missing(path, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no %s, which a sentence-transformers model has: %w", path, name, fs.ErrNotExist)
	}
	return err
}
