package main

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/alert/notify"
	"github.com/weir-dev/weir/internal/outbox"
)

// AlertsConfig is rules that are looked at, and whom to tell. Rules made by the API are looked at besides.
type AlertsConfig struct {
	ConsoleURL string          `yaml:"console_url"` // where people reach the console, for links; empty: where it listens
	Rules      []alert.Rule    `yaml:"rules"`
	Notify     []ChannelConfig `yaml:"notify"`
}

// ChannelConfig is somebody who is told of alerts.
type ChannelConfig struct {
	Name         string     `yaml:"name"`
	Kind         string     `yaml:"kind"`          // webhook, slack, email
	URL          secretText `yaml:"url"`           // of a webhook, and of Slack's incoming webhook
	Secret       secretText `yaml:"secret"`        // signs what a webhook is sent
	AllowPrivate bool       `yaml:"allow_private"` // the host may be, or lead to, a private address
	Host         string     `yaml:"host"`          // of a mail server, with its port
	TLS          string     `yaml:"tls"`           // starttls, tls, none
	Username     string     `yaml:"username"`
	Password     secretText `yaml:"password"`
	From         string     `yaml:"from"`
	To           []string   `yaml:"to"`

	position
}

func (c *Config) validateAlerts(faults *configFaults) {
	a := &c.Alerts
	checkURL(faults, faults.lines["alerts.console_url"], "alerts.console_url", a.ConsoleURL, []string{"http", "https"})
	names := []string{}
	for i := range a.Notify {
		n := &a.Notify[i]
		at := fmt.Sprintf("alerts.notify[%d]", i)
		if n.Name == "" || slices.Contains(names, n.Name) {
			faults.add(n.line, "%s: want a name of its own, not %q", at, n.Name)
		}
		names = append(names, n.Name)
		n.validate(at, faults)
	}
	seen := map[string]bool{}
	for i := range a.Rules {
		at := fmt.Sprintf("alerts.rules[%d]", i)
		addRuleFaults(faults, at, a.Rules[i].Check(names))
		if name := a.Rules[i].Name; seen[name] && name != "" {
			faults.of(at+".name", "there are two rules named %q", name)
		}
		seen[a.Rules[i].Name] = true
	}
}

// addRuleFaults adds what is wrong with the rule at a path; what is missing stands where the rule begins.
func addRuleFaults(faults *configFaults, at string, list alert.Faults) {
	begins := 0
	for path, line := range faults.lines {
		if strings.HasPrefix(path, at+".") && (begins == 0 || line < begins) {
			begins = line
		}
	}
	for _, f := range list {
		path := strings.TrimPrefix(at+"."+f.Field, ".")
		line, ok := faults.lines[path]
		if !ok {
			line = begins
		}
		faults.add(line, "%s: %s", path, f.Text)
	}
}

func (n *ChannelConfig) validate(at string, faults *configFaults) {
	resolveSecret(faults, at+".url", &n.URL)
	resolveSecret(faults, at+".secret", &n.Secret)
	resolveSecret(faults, at+".password", &n.Password)
	isMail := n.Kind == "email"
	switch n.Kind {
	case "webhook", "slack":
		if n.URL.IsZero() {
			faults.add(n.line, "%s: has no url", at)
		}
		checkURL(faults, n.URL.line, at+".url", n.URL.Reveal(), []string{"http", "https"})
		if n.Kind == "slack" && !n.Secret.IsZero() {
			faults.add(n.Secret.line, "%s.secret: Slack checks no signatures; its url is the secret", at)
		}
	case "email":
		if n.TLS != "" && n.TLS != "starttls" && n.TLS != "tls" && n.TLS != "none" {
			faults.of(at+".tls", "%q is none of starttls, tls, none", n.TLS)
		}
		if _, err := n.mail(); err != nil {
			faults.add(n.line, "%s: %v", at, err)
		}
		if n.TLS == "none" && n.Username != "" {
			faults.of(at+".tls", "none would send the password in the clear: use starttls or tls, or no username")
		}
	default:
		faults.add(n.line, "%s: kind %q is none of webhook, slack, email", at, n.Kind)
		return
	}
	for name, set := range map[string]bool{
		"host": n.Host != "", "tls": n.TLS != "", "username": n.Username != "", "password": !n.Password.IsZero(), "from": n.From != "", "to": len(n.To) > 0,
	} {
		if set && !isMail {
			faults.of(at+"."+name, "belongs to kind email")
		}
	}
	for name, set := range map[string]bool{"url": !n.URL.IsZero(), "secret": !n.Secret.IsZero()} {
		if set && isMail {
			faults.of(at+"."+name, "does not belong to kind email")
		}
	}
}

// mail makes the channel of a mail server.
func (n *ChannelConfig) mail() (*notify.Mail, error) {
	host, text, err := net.SplitHostPort(n.Host)
	port, err2 := strconv.ParseUint(text, 10, 16)
	if err != nil || err2 != nil || host == "" {
		return nil, fmt.Errorf("host %q is not host:port; write smtp.example.org:587", n.Host)
	}
	if len(n.To) == 0 {
		return nil, fmt.Errorf("to: wants at least one address")
	}
	return notify.NewMail(notify.MailConfig{
		Host: host, Port: int(port), Security: notify.Security(n.TLS), Username: n.Username, Password: n.Password.Secret, From: n.From, To: n.To, AllowPrivate: n.AllowPrivate,
	})
}

// channels makes those who are told.
func (c *AlertsConfig) channels() (notify.Channels, error) {
	out := notify.Channels{}
	for i := range c.Notify {
		n := &c.Notify[i]
		switch n.Kind {
		case "email":
			m, err := n.mail()
			if err != nil {
				return nil, fmt.Errorf("alerts: %s: %w", n.Name, err)
			}
			out[n.Name] = m
		default:
			at, err := url.Parse(n.URL.Reveal())
			if err != nil {
				return nil, fmt.Errorf("alerts: the url of %s is none", n.Name)
			}
			to := outbox.NewPoster(at, n.Secret.Secret, n.AllowPrivate)
			if n.Kind == "slack" {
				out[n.Name] = notify.Slack{To: to}
			} else {
				out[n.Name] = notify.Webhook{To: to}
			}
		}
	}
	return out, nil
}
