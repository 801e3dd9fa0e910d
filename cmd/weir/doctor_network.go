package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/weir-dev/weir/account"
)

// dialTimeout bounds how long one server is tried.
const dialTimeout = 2 * time.Second

// runningWeir is what a weir that answers says of itself.
type runningWeir struct {
	address string
	version string // "" when its API did not say
	reasons map[string]string
}

// port says whether weir could listen, or already does.
func (d *doctor) port(ctx context.Context) (*runningWeir, check) {
	c := check{Name: "port"}
	at := localAddress(cmp.Or(d.cfg.ListenAdmin, d.cfg.Listen))
	ready, err := askReady(ctx, at)
	switch {
	case err == nil:
		r := &runningWeir{address: at, reasons: ready.Reasons, version: d.askVersion(ctx, at)}
		c.Verdict, c.Found = fine, strings.TrimSuffix("a weir answers at "+at+", version "+r.version, ", version ")
		return r, c
	case errors.Is(err, syscall.ECONNREFUSED):
		c.Verdict, c.Found = fine, d.cfg.Listen+" is free; no weir runs there"
		return nil, c
	case errors.Is(err, errStranger):
		return nil, c.wrong("another program listens on "+at, "stop it, or choose another address with --listen or WEIR_LISTEN")
	}
	return nil, c.wrong(fmt.Sprintf("%s: %v", at, err), "give an address of this machine with --listen or WEIR_LISTEN; if a weir runs there, look at its log")
}

// askVersion asks a running weir's API, which wants the admin token.
func (d *doctor) askVersion(ctx context.Context, address string) string {
	token := os.Getenv("WEIR_ADMIN_TOKEN")
	if token == "" {
		text, err := os.ReadFile((&dataDir{path: d.cfg.Data}).file(adminTokenFile))
		if err != nil {
			return ""
		}
		token = strings.TrimSpace(string(text))
	}
	c := &client{base: &url.URL{Scheme: "http", Host: address}, token: account.NewSecret(token), http: http.DefaultClient, timeout: dialTimeout}
	var system struct {
		Version string `json:"version"`
	}
	if _, err := c.get(ctx, "system", nil, &system); err != nil {
		return "" // the other checks say what is wrong
	}
	return system.Version
}

// part is one reason of /readyz as a check.
func (r *runningWeir) part(name, part, remedy string) check {
	c := check{Name: name, Verdict: fine, Found: "the running weir reaches it"}
	if reason := r.reasons[part]; reason != "" {
		return c.wrong(reason, remedy)
	}
	return c
}

// rest are the reasons that no other check speaks of.
func (r *runningWeir) rest() []check {
	var out []check
	for part, reason := range r.reasons {
		if !slices.Contains([]string{"clickhouse", "control", "redis", "qdrant"}, part) {
			out = append(out, check{Name: part}.wrong(reason, "weir's log says more"))
		}
	}
	slices.SortFunc(out, func(a, b check) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (d *doctor) clickhouse(ctx context.Context, running *runningWeir) check {
	const remedy = "calls are answered and their records wait; look at ClickHouse and at weir's log"
	switch {
	case running != nil:
		return running.part("ClickHouse", "clickhouse", remedy)
	case d.cfg.ClickHouse.URL.IsZero():
		return check{Name: "ClickHouse", Verdict: skipped, Found: "embedded, and weir is not running"}
	}
	return d.server(ctx, "ClickHouse", d.cfg.ClickHouse.URL.Reveal(), map[string]string{"clickhouse": "9000", "http": "8123", "https": "8443"}, "start it, or correct WEIR_CLICKHOUSE_URL")
}

func (d *doctor) control(ctx context.Context, running *runningWeir) check {
	switch {
	case running != nil:
		return running.part("control plane", "control", "look at the database and at weir's log")
	case d.cfg.Control.URL.IsZero():
		return check{Name: "control plane", Verdict: skipped, Found: "SQLite in the data directory, and weir is not running"}
	}
	return d.server(ctx, "control plane", d.cfg.Control.URL.Reveal(), map[string]string{"postgres": "5432", "postgresql": "5432"}, "start it, or correct WEIR_CONTROL_URL")
}

func (d *doctor) redis(ctx context.Context, running *runningWeir) check {
	if running != nil {
		return running.part("Redis", "redis", "calls are answered as redis.on_away says; look at Redis and at weir's log")
	}
	return d.server(ctx, "Redis", d.cfg.Redis.URL.Reveal(), map[string]string{"redis": "6379", "rediss": "6379"}, "start it, or correct WEIR_REDIS_URL")
}

func (d *doctor) qdrant(ctx context.Context, running *runningWeir) check {
	if running != nil {
		return running.part("Qdrant", "qdrant", "pipelines kept there do not answer, other calls do; look at Qdrant and at weir's log")
	}
	return d.server(ctx, "Qdrant", d.cfg.Qdrant.URL.Reveal(), map[string]string{"http": "6334", "https": "6334", "grpc": "6334", "grpcs": "6334"}, "start it, or correct WEIR_QDRANT_URL")
}

// server tries a configured server by its URL, which is not shown: it may hold a password.
func (d *doctor) server(ctx context.Context, name, text string, ports map[string]string, remedy string) check {
	c := check{Name: name}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return c.wrong("its address cannot be read", remedy)
	}
	if d.offline {
		c.Verdict, c.Found = skipped, u.Host+" was not tried (--offline)"
		return c
	}
	at := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), ports[u.Scheme]))
	if err := dial(ctx, at); err != nil {
		return c.wrong(fmt.Sprintf("%s cannot be reached: %v", at, err), remedy)
	}
	c.Verdict, c.Found = fine, at+" takes connections; weir is not running, so no more is known"
	return c
}

// dial opens a connection and closes it.
func dial(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var n net.Dialer
	conn, err := n.DialContext(ctx, "tcp", address)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("no answer within %s", dialTimeout)
		}
		return err
	}
	return conn.Close()
}

// providerKeys names the variables that hold providers' keys, never what they hold.
func (d *doctor) providerKeys() check {
	c := check{Name: "provider keys", Verdict: fine}
	var names []string
	for _, known := range []map[string]preset{kinds, presets} {
		for _, p := range known {
			if p.env != "" && os.Getenv(p.env) != "" {
				names = append(names, p.env)
			}
		}
	}
	slices.Sort(names)
	switch {
	case len(names) > 0:
		c.Found = "in the environment: " + strings.Join(names, ", ")
	case len(d.cfg.Providers) > 0:
		c.Found = "none in the environment; the configuration names its providers"
	default:
		c.Verdict, c.Found = warning, "none in the environment, and no provider is configured"
		c.Remedy = "set OPENAI_API_KEY (or another provider's), or name a provider in weir.yaml; weir demo needs neither"
	}
	return c
}

// providers tries every provider's address, all at once.
func (d *doctor) providers(ctx context.Context) []check {
	checks := make([]check, len(d.cfg.Providers))
	var wg sync.WaitGroup
	for i, p := range d.cfg.Providers {
		wg.Go(func() { checks[i] = d.provider(ctx, p) })
	}
	wg.Wait()
	return checks
}

func (d *doctor) provider(ctx context.Context, p ProviderConfig) check {
	c := check{Name: "provider " + p.Name}
	u, err := url.Parse(p.BaseURL)
	if err != nil || u.Hostname() == "" {
		return c.wrong("its base_url cannot be read", "correct base_url")
	}
	if d.offline {
		c.Verdict, c.Found = skipped, u.Host+" was not tried (--offline)"
		return c
	}
	via := ""
	target := u
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && proxy != nil {
		target, via = proxy, " through the proxy "+proxy.Host
	}
	at := net.JoinHostPort(target.Hostname(), cmp.Or(target.Port(), map[string]string{"http": "80", "https": "443", "socks5": "1080"}[target.Scheme]))
	if err := dial(ctx, at); err != nil {
		return c.wrong(fmt.Sprintf("%s cannot be reached%s: %v", u.Host, via, err), "look at base_url, the network, and HTTPS_PROXY if there is a proxy")
	}
	c.Verdict, c.Found = fine, u.Host+" takes connections"+via
	return c
}
