package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// verdict is how a check of doctor ended.
type verdict string

const (
	fine    verdict = "ok"
	warning verdict = "warning" // works, but may not be what is wanted
	fault   verdict = "fault"   // makes doctor exit with 1
	skipped verdict = "skipped" // could not be looked at, or does not apply
)

// check is one thing that doctor looked at.
type check struct {
	Name    string  `json:"name"`
	Verdict verdict `json:"verdict"`
	Found   string  `json:"found"`
	Remedy  string  `json:"remedy,omitempty"`
}

// doctorCommand checks the set-up.
func doctorCommand() *cobra.Command {
	var offline, ready bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the whole set-up and say what to do about each fault",
		Long: `doctor looks at the configuration, the data directory, the embedded engine, the port, the stores, the providers, the
clock and what is built in. It changes nothing and sends no request to a provider: it only opens a connection. It exits
with 1 when something is wrong.

--ready asks a running weir's /readyz and exits with 0 or 1: the health check of a container.`,
		Example: `  weir doctor
  weir doctor --config /etc/weir.yaml --offline
  weir doctor --ready`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configOf(cmd)
			s := newScreen(cmd)
			if ready {
				if err != nil && !errors.Is(err, errConfig) {
					return err
				}
				return s.ready(cmd.Context(), cfg, asJSON(cmd))
			}
			file, _ := cmd.Flags().GetString("config")
			d := &doctor{cfg: cfg, file: cmp.Or(file, os.Getenv("WEIR_CONFIG")), offline: offline, now: s.now}
			checks := d.examine(cmd.Context(), err)
			if err := s.checks(checks, asJSON(cmd)); err != nil {
				return err
			}
			n := 0
			for _, c := range checks {
				if c.Verdict == fault {
					n++
				}
			}
			if n > 0 {
				return sayNo("%s found", noun(n, "fault"))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&offline, "offline", false, "do not try to reach providers and other servers")
	f.BoolVar(&ready, "ready", false, "ask the running weir whether it is ready, and nothing else")
	f.String("listen", "", "address that weir listens on (WEIR_LISTEN; 127.0.0.1:4000)")
	f.String("data", "", "directory of weir's files (WEIR_DATA; ./data)")
	f.Bool("json", false, "print the checks as JSON")
	return cmd
}

// doctor looks at one configuration.
type doctor struct {
	cfg     Config
	file    string
	offline bool
	now     time.Time
}

// examine runs every check, in the order in which faults should be mended. configErr is what reading the configuration
// said.
func (d *doctor) examine(ctx context.Context, configErr error) []check {
	checks := []check{d.configuration(configErr)}
	if configErr != nil && !errors.Is(configErr, errConfig) {
		return checks // what is configured is not known, so the rest would look at the wrong things
	}
	checks = append(checks, d.dataDirectory(), d.diskSpace())
	running, port := d.port(ctx)
	checks = append(checks, port, d.engine(), d.clickhouse(ctx, running), d.control(ctx, running))
	if !d.cfg.Redis.URL.IsZero() {
		checks = append(checks, d.redis(ctx, running))
	}
	if !d.cfg.Qdrant.URL.IsZero() {
		checks = append(checks, d.qdrant(ctx, running))
	}
	if running != nil {
		checks = append(checks, running.rest()...)
	}
	checks = append(checks, d.providerKeys())
	checks = append(checks, d.providers(ctx)...)
	return append(checks, d.clock(), consoleAssets(), optionalTools())
}

// checks prints them.
func (s *screen) checks(checks []check, asJSON bool) error {
	wrong := slices.ContainsFunc(checks, func(c check) bool { return c.Verdict == fault })
	if asJSON {
		return s.encode(map[string]any{"ok": !wrong, "version": version, "checks": checks})
	}
	marks := map[verdict]string{fine: "[ok]  ", warning: "[warn]", fault: "[FAIL]", skipped: "[skip]"}
	if utf8Locale() {
		marks = map[verdict]string{fine: "✓", warning: "!", fault: "✗", skipped: "–"}
	}
	colours := map[verdict]text.Color{fine: text.FgGreen, warning: text.FgYellow, fault: text.FgRed, skipped: text.Faint}
	indent := strings.Repeat(" ", text.StringWidthWithoutEscSequences(marks[fault])+1)
	for _, c := range checks {
		found := strings.ReplaceAll(cleanLines(c.Found), "\n", "\n"+indent)
		if _, err := fmt.Fprintf(s.out, "%s %s: %s\n", s.paint(marks[c.Verdict], colours[c.Verdict]), clean(c.Name), found); err != nil {
			return err
		}
		if c.Remedy != "" {
			fmt.Fprintf(s.out, "%s%s\n", indent, clean(c.Remedy))
		}
	}
	return nil
}

// utf8Locale says whether a terminal of this environment shows more than ASCII.
func utf8Locale() bool {
	l := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return strings.Contains(l, "utf-8") || strings.Contains(l, "utf8")
}

// readyAnswer is what /readyz says.
type readyAnswer struct {
	Status  string            `json:"status"`
	Reasons map[string]string `json:"reasons"`
}

// ready asks the running weir, and answers with its exit code.
func (s *screen) ready(ctx context.Context, cfg Config, asJSON bool) error {
	at := localAddress(cmp.Or(cfg.ListenAdmin, cfg.Listen))
	r, err := askReady(ctx, at)
	if err != nil {
		return sayNo("no weir is ready at %s: %w", at, err)
	}
	if asJSON {
		if err := s.encode(r); err != nil {
			return err
		}
	}
	if len(r.Reasons) == 0 && r.Status == "ready" {
		if !asJSON {
			fmt.Fprintln(s.out, "ready")
		}
		return nil
	}
	var list []string
	for part, reason := range r.Reasons {
		list = append(list, part+": "+reason)
	}
	slices.Sort(list)
	return sayNo("the weir at %s is not ready: %s", at, clean(strings.Join(list, "; ")))
}

// localAddress is where this machine reaches what listens on an address.
func localAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	ip := net.ParseIP(host)
	switch {
	case host == "" || ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// errStranger is in the chain when something answers that is no weir.
var errStranger = errors.New("what listens there is not weir")

// askReady reads /readyz; an answer of "not ready" is no error.
func askReady(ctx context.Context, address string) (readyAnswer, error) {
	var r readyAnswer
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second) // weir's own checks take 2 at most
	defer cancel()
	at := url.URL{Scheme: "http", Host: address, Path: "/readyz"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return r, err
	}
	direct := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // no proxy stands before this machine
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := direct.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return r, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, 1<<20)).Decode(&r); err != nil || r.Status == "" {
		return r, fmt.Errorf("%w (HTTP %d)", errStranger, res.StatusCode)
	}
	return r, nil
}
