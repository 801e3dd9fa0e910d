package minilm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a file of a folder, with the folders above it; text "" removes it.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if text == "" {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// small is a folder as sentence-transformers writes them, with few words and no weights.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tokenizer, err := os.ReadFile("../wordpiece/testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"model.onnx":                        "no weights",
		"tokenizer.json":                    string(tokenizer),
		"config.json":                       `{"max_position_embeddings": 512, "vocab_size": 38, "hidden_size": 384}`,
		"sentence_bert_config.json":         `{"max_seq_length": 256, "do_lower_case": false}`,
		"modules.json":                      `[{"path": "", "type": "sentence_transformers.models.Transformer"}, {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}, {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]`,
		"1_Pooling/config.json":             `{"word_embedding_dimension": 384, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": false}`,
		"config_sentence_transformers.json": `{"prompts": {"query": "", "document": ""}, "default_prompt_name": null}`,
	} {
		write(t, dir, name, text)
	}
	return dir
}

func TestOpen(t *testing.T) {
	dir := small(t)
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.Dimensions != 384 || f.MaxTokens != 256 || f.Room() != 254 || f.ONNX != filepath.Join(dir, "model.onnx") {
		t.Errorf("%+v", f)
	}

	// As the hub has them: the weights in a folder of their own, no length but the network's, and the newer way to name a mean.
	write(t, dir, "model.onnx", "")
	write(t, dir, "onnx/model.onnx", "no weights")
	write(t, dir, "sentence_bert_config.json", "")
	write(t, dir, "config_sentence_transformers.json", "")
	write(t, dir, "1_Pooling/config.json", `{"word_embedding_dimension": 384, "pooling_mode": "mean"}`)
	if f, err = Open(dir); err != nil || f.MaxTokens != 512 || f.ONNX != filepath.Join(dir, "onnx", "model.onnx") {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	for want, change := range map[string][2]string{
		"has no model.onnx, nor onnx/model.onnx":             {"model.onnx", ""},
		"has no modules.json":                                {"modules.json", ""},
		"has no tokenizer.json":                              {"tokenizer.json", ""},
		"has no config.json":                                 {"config.json", ""},
		"has no 1_Pooling/config.json":                       {"1_Pooling", ""},
		"tokenizer.json: unexpected end of JSON input":       {"tokenizer.json", "{"},
		"names no module Pooling":                            {"modules.json", "[]"},
		"has a module Dense":                                 {"modules.json", `[{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]`},
		"pools by the first token (cls)":                     {"1_Pooling/config.json", `{"word_embedding_dimension": 384, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}`},
		"pools by the maximum (max)":                         {"1_Pooling/config.json", `{"word_embedding_dimension": 384, "pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": true}`},
		"pools by lasttoken":                                 {"1_Pooling/config.json", `{"word_embedding_dimension": 384, "pooling_mode": "lasttoken"}`},
		"pools by nothing":                                   {"1_Pooling/config.json", `{"word_embedding_dimension": 384}`},
		"pools vectors of 768 dimensions":                    {"1_Pooling/config.json", `{"word_embedding_dimension": 768, "pooling_mode_mean_tokens": true}`},
		"is of another model: its tokens go up to 37":        {"config.json", `{"max_position_embeddings": 512, "vocab_size": 30, "hidden_size": 384}`},
		"reads 1024 tokens of a text (max_seq_length)":       {"sentence_bert_config.json", `{"max_seq_length": 1024}`},
		`wants "query: " before a text (its prompt "query")`: {"config_sentence_transformers.json", `{"prompts": {"query": "query: "}}`},
		"sentence_bert_config.json: json: cannot unmarshal":  {"sentence_bert_config.json", `{"max_seq_length": "many"}`},
	} {
		dir := small(t)
		write(t, dir, change[0], change[1])
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		} else if !strings.Contains(err.Error(), dir) {
			t.Errorf("%v does not name the folder", err)
		}
	}
	dir := small(t)
	if _, err := Open(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "there is no folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "model.onnx")); err == nil || !strings.Contains(err.Error(), "is no folder") {
		t.Errorf("a file: %v", err)
	}
}

func TestLoad(t *testing.T) {
	f, err := Open(small(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load("local:small", f)
	switch {
	case !Built && !errors.Is(err, ErrNotBuilt):
		t.Errorf("without local models: %v", err)
	case Built && (err == nil || !strings.Contains(err.Error(), "load "+f.ONNX)):
		t.Errorf("a file that is no model: %v", err)
	}
}
