package clickhouse

import (
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct {
		protocol       ch.Protocol
		addr, database string
	}{
		"clickhouse://u:p@host:9000/weir":              {ch.Native, "host:9000", "weir"},
		"clickhouse://u:p@host":                        {ch.Native, "host:9000", "default"},
		"http://host/weir":                             {ch.HTTP, "host:8123", "weir"},
		"https://u:p@host:8443/weir/":                  {ch.HTTP, "host:8443", "weir"},
		"https://u@host/":                              {ch.HTTP, "host:8443", "default"},
		"clickhouse://h:9440/weir?secure=true":         {ch.Native, "h:9440", "weir"},
		"clickhouse://a:9000,b:9000/weir?compress=lz4": {ch.Native, "a:9000", "weir"},
	} {
		opt, err := options(Config{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if opt.Protocol != want.protocol || opt.Addr[0] != want.addr || opt.Auth.Database != want.database {
			t.Errorf("%s: %v %v %q, want %v", url, opt.Protocol, opt.Addr, opt.Auth.Database, want)
		}
	}
}

func TestBadURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "host:9000", "postgres://u:hunter2@host/db", "clickhouse://", "clickhouse:///db", "http://u:hunter2@/db",
		"clickhouse://u:hunter2@host:9000/a/b", "clickhouse://u:hunter2@host:x/db", "clickhouse://u:hunter2@host/db?dial_timeout=hunter2",
		"clickhouse://u:hunter2%zz@host/db", "http://u:hunter2@ho st/db", "clickhouse://u:hun%2Fter2@host/db?dial_timeout=hun%2Fter2",
	} {
		db, err := Open(Config{URL: url})
		if err == nil {
			_ = db.Close()
			t.Errorf("Open(%q) succeeded", url)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "hun/ter2") || strings.Contains(err.Error(), "hun%2Fter2") {
			t.Errorf("Open(%q) tells the password: %v", url, err)
		}
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("Open(%q) does not say what to do: %v", url, err)
		}
	}
}
