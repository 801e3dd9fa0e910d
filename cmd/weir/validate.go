package main

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/price"
)

// validate reports every fault of the configuration and resolves references to secrets.
func (c *Config) validate(faults *configFaults) {
	checkListen(faults, "listen", c.Listen)
	if c.ListenAdmin != "" {
		checkListen(faults, "listen_admin", c.ListenAdmin)
	}
	if strings.TrimSpace(c.Data) == "" {
		faults.of("data", "want the directory where weir keeps its files")
	}
	for _, store := range []struct {
		name    string
		at      *secretText
		schemes []string
	}{
		{"clickhouse.url", &c.ClickHouse.URL, []string{"clickhouse", "http", "https"}},
		{"control.url", &c.Control.URL, []string{"postgres", "postgresql"}},
		{"redis.url", &c.Redis.URL, []string{"redis", "rediss"}},
	} {
		resolveSecret(faults, store.name, store.at)
		checkURL(faults, store.at.line, store.name, store.at.Reveal(), store.schemes)
	}
	checkContent(faults, faults.lines["record.content"], "record.content", c.Record.Content)
	for path, n := range map[string]int64{
		"max_body": c.MaxBody, "record.max_capture": int64(c.Record.MaxCapture), "spool.max_rows": int64(c.Spool.MaxRows), "spool.max_disk": c.Spool.MaxDisk,
	} {
		if n < 0 {
			faults.of(path, "%d is below zero; 0 takes the default", n)
		}
	}
	for path, choice := range map[string]struct {
		value string
		among []string
	}{
		"spool.fsync":        {c.Spool.Fsync, []string{"always", "interval", "never"}},
		"spool.on_slow_disk": {c.Spool.OnSlowDisk, []string{"wait", "answer"}},
		"spool.on_full":      {c.Spool.OnFull, []string{"drop", "refuse"}},
	} {
		if choice.value != "" && !slices.Contains(choice.among, choice.value) {
			faults.of(path, "%q is none of %s", choice.value, strings.Join(choice.among, ", "))
		}
	}
	if !price.Policy(c.Unpriced).Valid() {
		faults.of("unpriced", "%q is none of reject, default, allow", c.Unpriced)
	}
	if c.Unpriced == "default" && c.Default == nil {
		faults.of("unpriced", "default needs the price to take: default: {input_usd_per_mtok: …, output_usd_per_mtok: …}")
	}
	c.validateProviders(faults)
	c.validateRoutes(faults)
	c.validateProjects(faults)
	c.validateRedis(faults)
	c.validateQdrant(faults)
	c.validateCache(faults)
	c.validateLimits(faults)
	c.validateBudgets(faults)
	c.validateAlerts(faults)
	c.validateReports(faults)
	c.validateRAG(faults)
	c.priceBook(faults)
}

func (c *Config) validateProviders(faults *configFaults) {
	seen := map[string]bool{}
	for i := range c.Providers {
		p := &c.Providers[i]
		at := fmt.Sprintf("providers[%d]", i)
		switch {
		case p.Name == "":
			faults.add(p.line, "%s: has no name", at)
		case strings.ContainsAny(p.Name, "/ \t"):
			faults.add(p.line, "%s: the name %q may hold neither a slash nor a space: clients write provider/model", at, p.Name)
		case seen[p.Name]:
			faults.add(p.line, "%s: there are two providers named %q", at, p.Name)
		default:
			at = "provider " + p.Name
		}
		seen[p.Name] = true
		known := p.known(faults, at)
		if p.BaseURL == "" {
			p.BaseURL = known.baseURL
		}
		if p.BaseURL == "" {
			faults.add(p.line, "%s: has no base_url%s", at, baseURLHint(p.Kind))
		}
		checkURL(faults, p.line, at+": base_url", p.BaseURL, []string{"http", "https"})
		if c.isItself(p.BaseURL) {
			faults.add(p.line, "%s: base_url is weir's own address, so its calls would come back to it for ever", at)
		}
		resolveSecret(faults, at+": api_key", &p.APIKey)
		if p.PriceAs == "" {
			p.PriceAs = known.priceAs
		}
		if p.PriceAs == "" {
			p.PriceAs = p.Name
		}
		for _, pattern := range p.Models {
			if pattern == "" {
				faults.add(p.line, "%s: models: an empty pattern fits nothing; write * for all", at)
			}
		}
		if p.Models == nil {
			p.Models = known.models
		}
	}
	if len(c.Providers) == 1 && c.Providers[0].Models == nil && c.Providers[0].Kind == "compatible" {
		c.Providers[0].Models = []string{"*"} // one server and nothing said: it takes what it is asked
	}
}

func baseURLHint(kind string) string {
	if kind == "azure" {
		return " (the resource's address, as https://NAME.openai.azure.com)"
	}
	return " (with the version, as http://127.0.0.1:8000/v1)"
}

// isItself says whether a URL leads to the address weir listens on.
func (c *Config) isItself(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "0" || u.Port() != port {
		return false
	}
	there := u.Hostname()
	if ip := net.ParseIP(there); there == "localhost" || ip != nil && ip.IsLoopback() {
		listening := net.ParseIP(host)
		return host == "" || host == "localhost" || listening != nil && (listening.IsLoopback() || listening.IsUnspecified())
	}
	return there == host
}

// known is what weir knows of a provider by its kind and preset.
func (p *ProviderConfig) known(faults *configFaults, at string) preset {
	if p.APIVersion != "" && p.Kind != "azure" {
		faults.add(p.line, "%s: api_version belongs to kind azure", at)
	}
	if known, ok := kinds[p.Kind]; ok {
		if p.Preset != "" {
			faults.add(p.line, "%s: preset belongs to kind compatible", at)
		}
		return known
	}
	if p.Kind != "compatible" && (p.Kind != "" || p.Preset == "") {
		faults.add(p.line, "%s: kind %q is none of anthropic, azure, compatible, gemini, openai", at, p.Kind)
	}
	if p.Preset == "" {
		return preset{}
	}
	known, ok := presets[p.Preset]
	if !ok {
		faults.add(p.line, "%s: there is no preset %q; there are %s", at, p.Preset, strings.Join(presetNames(), ", "))
	}
	return known
}

func presetNames() []string { return slices.Sorted(maps.Keys(presets)) }

func (c *Config) validateRoutes(faults *configFaults) {
	names := map[string]bool{}
	for _, p := range c.Providers {
		names[p.Name] = true
	}
	seen := map[string]bool{}
	for i, r := range c.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		switch {
		case r.Model == "":
			faults.add(r.line, "%s: has no model, the name clients ask for", at)
		case seen[r.Model]:
			faults.add(r.line, "%s: there are two routes for %q", at, r.Model)
		default:
			at = "route " + r.Model
		}
		seen[r.Model] = true
		if len(r.Targets) == 0 {
			faults.add(r.line, "%s: has no targets", at)
		}
		if r.Balance != "" && r.Balance != "weight" && r.Balance != "latency" {
			faults.add(r.line, "%s: balance: %q is none of weight, latency", at, r.Balance)
		}
		r.checkPrompt(at, faults)
		if r.Retry.Attempts < 0 || r.Retry.Attempts > 10 {
			faults.add(r.line, "%s: retry.attempts: want 1 to 10, not %d", at, r.Retry.Attempts)
		}
		total := 0
		for _, t := range slices.Concat(r.Targets, r.Fallback) {
			if !names[t.Provider] {
				faults.add(t.line, "%s: there is no provider %q", at, t.Provider)
			}
			if t.Model == "" {
				faults.add(t.line, "%s: a target has no model", at)
			}
			if t.weight() < 0 {
				faults.add(t.line, "%s: the weight %d is below zero", at, t.weight())
			}
		}
		for _, t := range r.Targets {
			total += t.weight()
		}
		if len(r.Targets) > 0 && total == 0 {
			faults.add(r.line, "%s: its weights sum to zero, so no target would ever be drawn", at)
		}
	}
}

func (t TargetConfig) weight() int {
	if t.Weight == nil {
		return 1
	}
	return *t.Weight
}

func (c *Config) validateProjects(faults *configFaults) {
	seen := map[string]bool{}
	for i, p := range c.Projects {
		if p.Name == "" || seen[p.Name] {
			faults.add(p.line, "projects[%d]: want a name of its own, not %q", i, p.Name)
		}
		seen[p.Name] = true
		if p.Provider != "" && !slices.ContainsFunc(c.Providers, func(q ProviderConfig) bool { return q.Name == p.Provider }) {
			faults.add(p.line, "project %s: there is no provider %q", p.Name, p.Provider)
		}
		if p.Record != nil {
			checkContent(faults, p.line, "project "+p.Name+": record.content", p.Record.Content)
		}
	}
}

func checkContent(faults *configFaults, line int, at, content string) {
	if !slices.Contains([]string{"full", "redacted", "hash", "none"}, content) {
		faults.add(line, "%s: %q is none of full, redacted, hash, none", at, content)
	}
}

func checkListen(faults *configFaults, at, address string) {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		faults.of(at, "%q is not host:port; write 127.0.0.1:4000, or :4000 for all addresses", address)
	}
}

// checkURL never shows the URL: it may hold a password.
func checkURL(faults *configFaults, line int, at, text string, schemes []string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		faults.add(line, "%s: is not a URL with a host", at)
	case !slices.Contains(schemes, u.Scheme):
		faults.add(line, "%s: the scheme is none of %s", at, strings.Join(schemes, ", "))
	}
}

// resolveSecret follows env:NAME and file:PATH.
func resolveSecret(faults *configFaults, at string, s *secretText) {
	text := s.Reveal()
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		value, set := os.LookupEnv(name)
		if !set || value == "" {
			faults.add(s.line, "%s: the environment has no %s", at, name)
		}
		s.Secret = account.NewSecret(value)
	} else if file, ok := strings.CutPrefix(text, "file:"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			faults.add(s.line, "%s: cannot read the secret's file: %v", at, err)
		}
		s.Secret = account.NewSecret(strings.TrimSpace(string(b)))
	}
}
