package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/sqldb"
)

// openRegistry reads the prompts that calls are answered with. With PostgreSQL this weir is one of several from now on, and
// moves of labels wait for it.
func openRegistry(ctx context.Context, control *sqldb.DB, arms *arms, dir *dataDir, at net.Addr, log *slog.Logger) (*prompts.Registry, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "weir"
	}
	cfg := prompts.RegistryConfig{Store: gatewayState{control, arms}, Name: host + " " + at.String(), LastGood: dir.file("prompts.json"), Log: log}
	if replicas, several := control.Replicas(); several {
		cfg.Replicas = replicas
	}
	return prompts.OpenRegistry(ctx, cfg)
}

// promptConfig is what the stage that puts prompts into calls is made of.
func promptConfig(cfg Config, registry *prompts.Registry, arms *arms, ring *account.Keyring) prompts.ResolveConfig {
	out := prompts.ResolveConfig{
		Registry: registry, Routes: map[string]prompts.Ref{}, Arms: arms,
		Models: func(call *llm.Call) []string { return ring.Models(call.KeyID) },
	}
	for _, r := range cfg.Routes {
		if ref, err := prompts.ParseRef(r.Prompt); err == nil { // validated; none is no Ref
			out.Routes[r.Model] = ref
		}
	}
	return out
}

// replicasOf lists the weirs that share the control plane; nil when it does not say.
func replicasOf(ctx context.Context, registry *prompts.Registry) []api.Replica {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	live, err := registry.Replicas(ctx)
	if err != nil {
		return nil
	}
	out := make([]api.Replica, len(live))
	for i, r := range live {
		out[i] = api.Replica{ID: r.ID, Name: r.Name, StartedAt: r.StartedAt, PromptsRevision: r.Revision}
	}
	return out
}

// promptMetrics gives what /metrics says of the registry.
func promptMetrics(registry *prompts.Registry) func() metrics.Prompts {
	return func() metrics.Prompts {
		now := metrics.Prompts{Revision: registry.Revision(), Stale: registry.Health() != nil}
		if snapshot := registry.Current(); snapshot != nil {
			for _, p := range snapshot.State().Prompts {
				for label, at := range p.Labels {
					if label != prompts.Latest {
						now.Moves = append(now.Moves, metrics.Move{Prompt: p.Name, Label: label, Version: at.Number, At: at.MovedAt})
					}
				}
			}
		}
		return now
	}
}

// checkPrompt reports what is wrong with a route's prompt.
func (r *RouteConfig) checkPrompt(at string, faults *configFaults) {
	if r.Prompt == "" {
		return
	}
	if _, err := prompts.ParseRef(r.Prompt); err != nil {
		faults.add(r.line, "%s: prompt: %v", at, err)
	}
}
