package simulator

import (
	"errors"
	"io"
	"net/http/httptest"
	"testing"

	openai "github.com/sashabaranov/go-openai"
)

// The client most programs use must understand every answer.
func TestOpenAIClient(t *testing.T) {
	srv := httptest.NewServer(New(Config{APIKey: "sk-test"}))
	defer srv.Close()
	cfg := openai.DefaultConfig("sk-test")
	cfg.BaseURL = srv.URL + "/v1"
	client := openai.NewClientWithConfig(cfg)

	q := openai.ChatCompletionRequest{
		Model:         "gpt-4.1-mini",
		Messages:      []openai.ChatCompletionMessage{{Role: "user", Content: "How do I cancel my subscription?"}},
		StreamOptions: &openai.StreamOptions{IncludeUsage: true},
	}
	stream, err := client.CreateChatCompletionStream(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var text string
	var u *openai.Usage
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(chunk.Choices) > 0 {
			text += chunk.Choices[0].Delta.Content
		}
		if chunk.Usage != nil {
			u = chunk.Usage
		}
	}
	if text == "" || u == nil || u.CompletionTokens == 0 {
		t.Errorf("got text %q and usage %+v", text, u)
	}

	q.StreamOptions = nil
	plain, err := client.CreateChatCompletion(t.Context(), q)
	if err != nil || plain.Choices[0].Message.Content == "" {
		t.Errorf("got %+v, %v", plain, err)
	}
	vectors, err := client.CreateEmbeddings(t.Context(), openai.EmbeddingRequest{Model: openai.SmallEmbedding3, Input: "weir", EncodingFormat: openai.EmbeddingEncodingFormatBase64})
	if err != nil || len(vectors.Data) != 1 || len(vectors.Data[0].Embedding) != 1536 {
		t.Errorf("got %d vectors, %v", len(vectors.Data), err)
	}
	q.Model = "gpt-9-tiny"
	_, err = client.CreateChatCompletion(t.Context(), q)
	if e, ok := errors.AsType[*openai.APIError](err); !ok || e.HTTPStatusCode != 404 || e.Code != "model_not_found" {
		t.Errorf("got %v, want model_not_found", err)
	}
	models, err := client.ListModels(t.Context())
	if err != nil || len(models.Models) < len(Models()) {
		t.Errorf("got %d models, %v", len(models.Models), err)
	}
}
