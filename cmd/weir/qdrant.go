package main

import (
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/rag/qdrant"
)

// QdrantConfig names the server that keeps passages and their vectors. Without a URL ClickHouse keeps them.
type QdrantConfig struct {
	URL          secretText    `yaml:"url"`
	APIKey       secretText    `yaml:"api_key"`
	Quantization string        `yaml:"quantization"` // none, scalar: how vectors of new collections are kept in memory
	Timeout      time.Duration `yaml:"timeout"`      // of one request; a server that takes longer counts as away
}

// openQdrant prepares the index on the Qdrant server: it does not wait for it. nil: none is configured.
func openQdrant(cfg Config) (*qdrant.Store, error) {
	if cfg.Qdrant.URL.IsZero() {
		return nil, nil
	}
	return qdrant.Open(qdrant.Config{
		URL: cfg.Qdrant.URL.Reveal(), APIKey: cfg.Qdrant.APIKey.Secret, Quantization: qdrant.Quantization(cfg.Qdrant.Quantization), Timeout: cfg.Qdrant.Timeout,
	})
}

// validateQdrant reports what is wrong with the settings of the vector server.
func (c *Config) validateQdrant(faults *configFaults) {
	resolveSecret(faults, "qdrant.url", &c.Qdrant.URL)
	resolveSecret(faults, "qdrant.api_key", &c.Qdrant.APIKey)
	if !c.Qdrant.APIKey.IsZero() && c.Qdrant.URL.IsZero() {
		faults.of("qdrant.api_key", "there is no qdrant.url that it could open")
	}
	if q := c.Qdrant.Quantization; q != "" && !slices.Contains(qdrant.Quantizations, q) {
		faults.of("qdrant.quantization", "%q is none of %s", q, strings.Join(qdrant.Quantizations, ", "))
	}
	if t := c.Qdrant.Timeout; t > 0 && (t < 10*time.Millisecond || t > 10*time.Minute) {
		faults.of("qdrant.timeout", "%s is not from 10ms to 10m", t)
	}
	if url := c.Qdrant.URL.Reveal(); url != "" {
		if err := qdrant.CheckURL(url); err != nil {
			faults.add(c.Qdrant.URL.line, "qdrant.url: %v", err)
		}
	}
}
