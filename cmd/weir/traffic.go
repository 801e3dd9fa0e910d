package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sashabaranov/go-openai"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/rag"
)

// liveTraffic sends made-up calls through the gateway until ctx ends, as a client would.
func liveTraffic(ctx context.Context, s *service, opts demoOptions, log *slog.Logger) error {
	clients := map[string]*openai.Client{}
	for _, project := range []string{demoProject, demoInside} {
		key, err := demoKey(ctx, s, project)
		if err != nil {
			return fmt.Errorf("make a key for the demo's traffic: %w", err)
		}
		clients[project] = trafficClient(s.gateway, key)
	}
	const atOnce = 32 // calls under way; beyond it the traffic slows down
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { askHandbook(ctx, s, clients[demoProject], opts, log) })
	cfg := simulator.TrafficConfig{Seed: uint64(time.Now().Unix()), Rate: opts.rate, ProjectOf: demoProjectOf}
	state, err := s.stores.prompts.State(ctx)
	if err != nil {
		return fmt.Errorf("read the demo's prompts: %w", err)
	}
	cfg.Prompts = state.Prompts[demoSupport] != nil // there are none in a demo of an earlier version
	for r := range simulator.Traffic(ctx, cfg) {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := send(ctx, clients[r.Project], r); err != nil && ctx.Err() == nil {
				log.Debug("a call of the demo failed, as some do", "model", r.Model, "error", err)
			}
		})
	}
	return nil
}

// headerKey carries a request's headers through the client to its transport.
type headerKey struct{}

// trafficClient is go-openai's client of the gateway.
func trafficClient(gateway string, key account.Secret) *openai.Client {
	cfg := openai.DefaultConfig(key.Reveal())
	cfg.BaseURL = gateway
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		if h, ok := req.Context().Value(headerKey{}).(http.Header); ok {
			req = req.Clone(req.Context())
			maps.Copy(req.Header, h)
		}
		return http.DefaultTransport.RoundTrip(req)
	})}
	return openai.NewClientWithConfig(cfg)
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// simulated is the name by which the demo's own calls ask for a model, so that none goes to a live provider whose key is in the environment.
// What a pipeline asks is simulated anyway.
func simulated(model string) string {
	if strings.HasPrefix(model, rag.ModelPrefix) {
		return model
	}
	return "simulated/" + model
}

// send makes one call.
func send(ctx context.Context, client *openai.Client, r simulator.Request) error {
	ctx = context.WithValue(ctx, headerKey{}, r.Header)
	if r.Path == "/v1/embeddings" {
		var req openai.EmbeddingRequest
		if err := json.Unmarshal(r.Body, &req); err != nil {
			return err
		}
		req.Model = openai.EmbeddingModel(simulated(string(req.Model)))
		_, err := client.CreateEmbeddings(ctx, req)
		return err
	}
	var req openai.ChatCompletionRequest
	if err := json.Unmarshal(r.Body, &req); err != nil {
		return err
	}
	req.Model = simulated(req.Model)
	if !req.Stream {
		_, err := client.CreateChatCompletion(ctx, req)
		return err
	}
	stream, err := client.CreateChatCompletionStream(ctx, req)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
