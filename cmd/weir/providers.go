package main

import (
	"cmp"
	"net/url"

	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/ingest/upstream"
	"github.com/weir-dev/weir/llm"
)

// routingTable makes the providers' senders and the routes between them.
func routingTable(cfg Config) *route.Table {
	providers := make([]route.Provider, 0, len(cfg.Providers))
	for _, p := range cfg.Providers {
		base, _ := url.Parse(p.BaseURL) // validated
		limits := cfg.Timeouts
		if p.Timeouts != nil {
			limits = *p.Timeouts
		}
		known := presets[p.Preset] // zero for the other kinds
		providers = append(providers, route.Provider{
			Name: p.Name, PriceAs: p.PriceAs, Models: p.Models,
			Send: sender(p.Kind, upstream.Config{
				Name: p.Name, PriceAs: p.PriceAs, BaseURL: base, APIKey: p.APIKey.Secret, APIVersion: p.APIVersion, Quirks: known.quirks,
				NoStreamOptions: known.refused, UncertainStreamOptions: p.Kind == "compatible" && !known.streamOptions,
				AllowPrivate: p.AllowPrivate, ConnectTimeout: limits.Connect, FirstByteTimeout: limits.FirstByte, IdleTimeout: limits.Idle,
			}),
		})
	}
	targets := func(list []TargetConfig) []route.Target {
		out := make([]route.Target, len(list))
		for i, t := range list {
			out[i] = route.Target{Provider: t.Provider, Model: t.Model, Weight: t.weight()}
		}
		return out
	}
	aliases := make([]route.Alias, 0, len(cfg.Routes))
	for _, r := range cfg.Routes {
		aliases = append(aliases, route.Alias{
			Model: r.Model, Targets: targets(r.Targets), Fallback: targets(r.Fallback), Fastest: r.Balance == "latency", FirstByte: r.FirstByte,
			Retry: route.Retry{Attempts: r.Retry.Attempts, Wait: r.Retry.Wait, MaxWait: r.Retry.MaxWait},
		})
	}
	return route.NewTable(providers, aliases)
}

// sender makes the Sender that speaks the dialect of a provider's kind.
func sender(kind string, cfg upstream.Config) llm.Sender {
	switch kind {
	case "anthropic":
		return upstream.NewAnthropic(cfg)
	case "gemini":
		return upstream.NewGemini(cfg)
	case "azure":
		return upstream.NewAzure(cfg)
	}
	return upstream.NewOpenAI(cfg)
}

// projectProvider answers which provider takes a project's unmodelled calls.
func projectProvider(cfg Config) func(string) (string, bool) {
	by := map[string]string{}
	for _, p := range cfg.Projects {
		if p.Provider != "" {
			by[p.Name] = p.Provider
		}
	}
	return func(project string) (string, bool) {
		name, ok := by[project]
		return name, ok
	}
}

// priceNames answers a provider's name in the price book.
func priceNames(cfg Config) func(string) string {
	by := map[string]string{}
	for _, p := range cfg.Providers {
		by[p.Name] = p.PriceAs
	}
	return func(provider string) string { return cmp.Or(by[provider], provider) }
}
