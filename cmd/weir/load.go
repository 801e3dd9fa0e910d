package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/weir-dev/weir/account"
)

// loadConfig reads the file, lays the environment and the flags over it and validates the whole. Every fault is in the
// error, each with its line.
func loadConfig(file string, overrides ...func(*Config)) (Config, error) {
	cfg := defaultConfig()
	file = cmp.Or(file, os.Getenv("WEIR_CONFIG"))
	faults := &configFaults{file: file}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return cfg, fmt.Errorf("read configuration (--config or WEIR_CONFIG): %w", err)
		}
		decodeConfig(text, &cfg, faults)
	}
	before := cfg
	fromEnvironment(&cfg)
	for _, override := range overrides {
		override(&cfg)
	}
	for path, changed := range map[string]bool{"listen": cfg.Listen != before.Listen, "listen_admin": cfg.ListenAdmin != before.ListenAdmin, "data": cfg.Data != before.Data} {
		if changed {
			delete(faults.lines, path) // what is wrong with it does not stand in the file
		}
	}
	cfg.validate(faults)
	return cfg, faults.asError()
}

// fromEnvironment lays WEIR_* and the providers' keys over the file.
func fromEnvironment(cfg *Config) {
	for name, to := range map[string]*string{"WEIR_LISTEN": &cfg.Listen, "WEIR_LISTEN_ADMIN": &cfg.ListenAdmin, "WEIR_DATA": &cfg.Data} {
		if v := os.Getenv(name); v != "" {
			*to = v
		}
	}
	for name, to := range map[string]*secretText{
		"WEIR_CLICKHOUSE_URL": &cfg.ClickHouse.URL, "WEIR_CONTROL_URL": &cfg.Control.URL,
		"WEIR_REDIS_URL": &cfg.Redis.URL, "WEIR_QDRANT_URL": &cfg.Qdrant.URL,
	} {
		if v := os.Getenv(name); v != "" {
			*to = secretText{Secret: account.NewSecret(v)}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		cfg.providerFromKey(ProviderConfig{Name: name, Kind: name}, kinds[name])
	}
	for _, name := range presetNames() {
		cfg.providerFromKey(ProviderConfig{Name: name, Kind: "compatible", Preset: name}, presets[name])
	}
}

// providerFromKey adds a provider whose key is in the environment and whose name is not configured otherwise.
func (c *Config) providerFromKey(p ProviderConfig, known preset) {
	if known.env == "" || os.Getenv(known.env) == "" || c.hasProvider(p.Name) {
		return
	}
	p.APIKey = secretText{Secret: account.NewSecret("env:" + known.env)}
	if p.Kind == "azure" {
		p.BaseURL = os.Getenv("AZURE_OPENAI_ENDPOINT")
		p.APIVersion = cmp.Or(os.Getenv("AZURE_OPENAI_API_VERSION"), os.Getenv("OPENAI_API_VERSION"))
	}
	c.Providers = append(c.Providers, p)
}

func (c *Config) hasProvider(name string) bool {
	for _, p := range c.Providers {
		if p.Name == name {
			return true
		}
	}
	return false
}
