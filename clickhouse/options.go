package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// remedy ends every complaint about a URL, without repeating the URL: it holds a password.
const remedy = "want clickhouse://user:password@host:9000/database, or http(s)://user:password@host:8123/database"

// options makes the driver's options of cfg. Errors never hold the URL's password.
func options(cfg Config) (*ch.Options, error) {
	opt := &ch.Options{Protocol: ch.HTTP, Addr: []string{"engine"}}
	if cfg.URL != "" || cfg.Dial == nil {
		parsed, err := parseURL(cfg.URL)
		if err != nil {
			return nil, err
		}
		if cfg.Dial == nil {
			opt = parsed
		} else {
			opt.Auth.Database = parsed.Auth.Database
		}
	}
	if opt.Auth.Database == "" {
		opt.Auth.Database = "default"
	}
	if cfg.Dial != nil {
		opt.Compression = &ch.Compression{Method: ch.CompressionNone}
		opt.DialContext = func(ctx context.Context, addr string) (net.Conn, error) { return cfg.Dial(ctx, "unix", addr) }
		opt.TransportFunc = func(t *http.Transport) (http.RoundTripper, error) {
			t.Proxy = nil // HTTP_PROXY is for the world outside
			return t, nil
		}
	}
	opt.MaxOpenConns = cfg.MaxConns
	if opt.MaxOpenConns <= 0 {
		opt.MaxOpenConns = 8
	}
	opt.MaxIdleConns = opt.MaxOpenConns
	if opt.DialTimeout == 0 {
		opt.DialTimeout = 5 * time.Second
	}
	if opt.ReadTimeout == 0 {
		opt.ReadTimeout = 5 * time.Minute
	}
	opt.ClientInfo.Products = append(opt.ClientInfo.Products, struct{ Name, Version string }{"weir", "1"})
	return opt, nil
}

func parseURL(raw string) (*ch.Options, error) {
	if raw == "" {
		return nil, errors.New("no ClickHouse URL: " + remedy)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the ClickHouse URL cannot be parsed: " + remedy)
	}
	switch u.Scheme {
	case "clickhouse", "http", "https":
	default:
		return nil, fmt.Errorf("the ClickHouse URL begins with %q: %s", u.Scheme, remedy)
	}
	if u.Host == "" {
		return nil, errors.New("the ClickHouse URL has no host: " + remedy)
	}
	if strings.Contains(strings.Trim(u.Path, "/"), "/") {
		return nil, fmt.Errorf("the ClickHouse URL's path %q is not the name of a database: %s", u.Path, remedy)
	}
	if u.Port() == "" && !strings.Contains(u.Host, ",") {
		u.Host += map[string]string{"clickhouse": ":9000", "http": ":8123", "https": ":8443"}[u.Scheme]
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if q := u.Query(); u.Scheme == "https" && !q.Has("secure") {
		q.Set("secure", "true")
		u.RawQuery = q.Encode()
	}
	opt, err := ch.ParseDSN(u.String())
	if err != nil {
		return nil, fmt.Errorf("the ClickHouse URL's options%s: %s", unlessSecret(err, u), remedy)
	}
	return opt, nil
}

// unlessSecret gives what the driver says of a URL, or nothing when it repeats the URL's password.
func unlessSecret(err error, u *url.URL) string {
	secret, _ := u.User.Password()
	escaped := strings.TrimPrefix(url.UserPassword("", secret).String(), ":")
	for _, form := range []string{secret, escaped, url.QueryEscape(secret)} {
		if form != "" && strings.Contains(err.Error(), form) {
			return ""
		}
	}
	return ": " + err.Error()
}
