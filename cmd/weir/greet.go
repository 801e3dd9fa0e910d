package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// greet tells, once everything listens, where things are. It is the only place that shows secrets: the first key and the
// sign-in link once, the admin token on a terminal only.
func greet(cmd *cobra.Command, cfg Config) func(*service) {
	return func(s *service) {
		var b strings.Builder
		line := func(what, text string) { fmt.Fprintf(&b, "  %-9s %s\n", what, text) }
		fmt.Fprintf(&b, "\nweir %s is ready\n\n", version)
		line("console", s.url)
		line("sign in", s.signIn+"   (works once, for 15 minutes)")
		line("gateway", s.gateway)
		key := "YOUR_KEY"
		if !s.firstKey.IsZero() {
			key = s.firstKey.Reveal()
			line("key", key+"   (project default; shown this once)")
		} else {
			line("key", "make one with: weir keys create --project default --name NAME")
		}
		token := "in " + s.dir.file(adminTokenFile)
		if s.madeAdmin && onTerminal(cmd) {
			token = s.admin.Reveal() + "   (also " + token + ")"
		} else if os.Getenv("WEIR_ADMIN_TOKEN") != "" {
			token = "as WEIR_ADMIN_TOKEN says"
		}
		line("admin", token)
		if len(cfg.Providers) == 0 {
			fmt.Fprint(&b, "\nNo provider is configured: set OPENAI_API_KEY (or another provider's), or name one in weir.yaml.\nWithout a key, weir demo shows everything with a simulated provider.\n")
		} else {
			fmt.Fprintf(&b, "\nTry it:\n\n  curl %s/chat/completions -H 'Authorization: Bearer %s' \\\n    -H 'Content-Type: application/json' \\\n    -d '{\"model\": \"%s\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello!\"}]}'\n",
				s.gateway, key, cfg.exampleModel())
		}
		_, _ = fmt.Fprintln(cmd.OutOrStdout(), b.String()) // nobody to tell when standard output is gone
	}
}

// exampleModel is a model that the configuration can answer.
func (c *Config) exampleModel() string {
	if len(c.Routes) > 0 {
		return c.Routes[0].Model
	}
	p := c.Providers[0]
	switch {
	case p.Kind == "openai" || p.Preset == "simulated":
		return "gpt-4o-mini"
	case p.Kind == "anthropic":
		return "claude-haiku-4-5"
	case p.Kind == "gemini" || p.Preset == "gemini":
		return "gemini-2.5-flash"
	case p.Preset == "mistral":
		return "mistral-small-latest"
	}
	return p.Name + "/MODEL"
}

// onTerminal says whether a person reads standard output.
func onTerminal(cmd *cobra.Command) bool {
	f, ok := cmd.OutOrStdout().(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
