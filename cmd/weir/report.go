package main

import (
	"context"
	"time"

	"github.com/weir-dev/weir/api"
)

// systemReport describes this weir for the API and the console. It names no secret.
func systemReport(cfg Config, control string, health *readiness) func(context.Context) api.System {
	started := time.Now().UTC()
	return func(ctx context.Context) api.System {
		reasons := health.reasons(ctx)
		s := api.System{
			Version: version, StartedAt: started, UptimeSeconds: time.Since(started).Seconds(), DataDir: cfg.Data, Listen: cfg.Listen,
			ClickHouse: api.StoreHealth{Mode: "server", OK: reasons["clickhouse"] == "", Error: reasons["clickhouse"]},
			Control:    api.ControlHealth{Kind: control},
		}
		if reasons["control"] == "" {
			s.Replicas = replicasOf(ctx, health.prompts)
		}
		if health.qdrant != nil {
			s.Qdrant = &api.StoreHealth{Mode: "server", OK: reasons["qdrant"] == "", Error: reasons["qdrant"]}
		}
		if health.engine != nil {
			s.ClickHouse.Mode = "embedded"
		}
		for _, p := range cfg.Providers {
			s.Providers = append(s.Providers, api.ProviderInfo{Name: p.Name, Kind: p.Kind, BaseURL: p.BaseURL, Live: p.Preset != "simulated"})
		}
		return s
	}
}
