package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/price"
)

// priceChange is one price of a model that a file has otherwise.
type priceChange struct {
	Provider string   `json:"provider"`
	Model    string   `json:"model"`
	Project  string   `json:"project,omitempty"`
	From     string   `json:"effective_from,omitempty"`
	Price    string   `json:"price"`   // which: input, output, cache read, …
	Before   *string  `json:"before"`  // dollars per million tokens; null: none
	After    *string  `json:"after"`   // null: none
	Percent  *float64 `json:"percent"` // null: there is none to compare
	Line     int      `json:"line"`
}

// importReport is what an import found and did.
type importReport struct {
	Changes   []priceChange `json:"changes"`
	Models    int           `json:"models"` // that differ or are new
	Unchanged int           `json:"unchanged"`
	Warnings  []string      `json:"warnings"`
	Skipped   []string      `json:"skipped"`
	Imported  int           `json:"imported"`
}

func pricesImportCommand() *cobra.Command {
	var (
		format          string
		dryRun, offline bool
	)
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Set the prices of a file, as far as they differ from those in force",
		Long: `import reads prices in weir's own form (YAML, JSON, or a JSON object a line) or the common JSON map of models with
input_cost_per_token. A file with a fault is refused whole, each fault with its line. What differs from the book in force is
shown, and, without --dry-run, set. A price more than 1 % off the built-in book's is warned of: one of the two is wrong, or
old.`,
		Example: `  weir prices import negotiated.yaml --dry-run
  weir prices import model_prices.json --format map
  weir prices import prices.yaml --dry-run --offline`,
		Args: oneArg("a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "" && format != "weir" && format != "map" {
				return fmt.Errorf("--format %q is neither weir nor map", format)
			}
			if offline && !dryRun {
				return errors.New("--offline has no server to set prices at: add --dry-run")
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("read prices: %w", err)
			}
			file, err := readPriceFile(filepath.Base(args[0]), text, format)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			present, err := presentPrices(cmd, offline, file, s.now)
			if err != nil {
				return err
			}
			report, changed := compareFile(file, present, s.now)
			if !dryRun && len(changed) > 0 {
				c, err := newClient(cmd)
				if err != nil {
					return err
				}
				const most = 500 // in one request
				for part := range slices.Chunk(changed, most) {
					if _, err := c.do(cmd.Context(), http.MethodPost, "prices/import", nil, map[string]any{"prices": part}, nil); err != nil {
						return fmt.Errorf("set prices (%d of %d are set): %w", report.Imported, len(changed), err)
					}
					report.Imported += len(part)
				}
			}
			if asJSON(cmd) {
				return s.encode(report)
			}
			return s.importReport(report, dryRun)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "weir or map; nothing: by what is in the file")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	cmd.Flags().BoolVar(&offline, "offline", false, "compare with the built-in book alone, without a server")
	return cmd
}

func priceKey(provider, model, project string) string {
	return provider + "\x00" + model + "\x00" + project
}

// presentPrices are the prices in force of the file's providers.
func presentPrices(cmd *cobra.Command, offline bool, file *priceFile, now time.Time) (map[string]*price.Entry, error) {
	providers := map[string]bool{}
	for _, p := range file.prices {
		providers[p.Provider] = true
	}
	out := map[string]*price.Entry{}
	for _, provider := range slices.Sorted(maps.Keys(providers)) {
		q := url.Values{"provider": {provider}}
		if !offline {
			q.Set("at", stamp(now))
		}
		_, book, err := readPrices(cmd, offline, q)
		if err != nil {
			return nil, err
		}
		if book.Truncated {
			return nil, fmt.Errorf("the book has more prices of %s than the API lists at once, so that the file cannot be compared with them", provider)
		}
		for _, p := range book.Prices {
			e := &price.Entry{}
			if err := json.Unmarshal(p.raw, e); err != nil {
				return nil, fmt.Errorf("read the price of %s/%s: %w", p.Provider, p.Model, err)
			}
			at := priceKey(e.Provider, e.Model, e.Project)
			if old := out[at]; !e.EffectiveFrom.After(now) && (old == nil || e.EffectiveFrom.After(old.EffectiveFrom)) {
				out[at] = e
			}
		}
	}
	return out, nil
}

// compareFile tells what a file has otherwise than the prices in force, and which of its prices are to be set for it.
func compareFile(file *priceFile, present map[string]*price.Entry, now time.Time) (importReport, []price.Entry) {
	report := importReport{Changes: []priceChange{}, Warnings: []string{}, Skipped: append([]string{}, file.skipped...)}
	var changed []price.Entry
	builtIn := price.Embedded()
	for i := range file.prices {
		p := &file.prices[i]
		at := now
		if p.EffectiveFrom.After(now) {
			at = p.EffectiveFrom
		}
		if other, ok := builtIn.Find(p.Provider, p.Model, at); ok {
			report.Warnings = append(report.Warnings, secondSource(file.name, p, &other)...)
		}
		old := present[priceKey(p.Provider, p.Model, p.Project)]
		if old == nil && p.Project != "" {
			old = present[priceKey(p.Provider, p.Model, "")]
		}
		if old == nil {
			old = &price.Entry{}
		}
		changes := priceChanges(old, &p.Entry)
		if len(changes) == 0 && old.Provider != "" {
			report.Unchanged++
			continue
		}
		for _, c := range changes {
			c.Provider, c.Model, c.Project, c.Line = p.Provider, p.Model, p.Project, p.line
			if !p.EffectiveFrom.IsZero() {
				c.From = p.EffectiveFrom.Format(time.RFC3339)
			}
			report.Changes = append(report.Changes, c)
		}
		report.Models++
		changed = append(changed, p.Entry)
	}
	return report, changed
}

// secondSource warns of what is more than one percent off another source.
func secondSource(file string, p *filePrice, other *price.Entry) []string {
	var out []string
	for _, r := range rateFlags {
		mine, theirs := *r.of(&p.Entry), *r.of(other)
		if pc := percent(theirs.String(), mine.String()); pc != nil && (*pc > 1 || *pc < -1) {
			out = append(out, fmt.Sprintf("%s:%d: %s: %s %s is %+.1f %% off the built-in book's %s", file, p.line, p.Name(), strings.ReplaceAll(r.flag, "-", " "), mine, *pc, theirs))
		}
	}
	return out
}

// percent is how far after is from before; nil when one is not known, or before is nothing.
func percent(before, after string) *float64 {
	b, ok := new(big.Rat).SetString(before)
	a, ok2 := new(big.Rat).SetString(after)
	if !ok || !ok2 || b.Sign() == 0 {
		return nil
	}
	a.Sub(a, b).Quo(a, b)
	f, _ := a.Float64()
	f *= 100
	return &f
}

// priceChanges are the prices in which two entries differ, in their order on paper.
func priceChanges(before, after *price.Entry) []priceChange {
	old, now := priceTexts(before), priceTexts(after)
	var out []priceChange
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if old[name] == now[name] {
			continue
		}
		text := now[name]
		c := priceChange{Price: name, After: &text, Percent: percent(old[name], text)}
		if was, ok := old[name]; ok {
			c.Before = &was
		}
		out = append(out, c)
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, still := now[name]; !still {
			was := old[name]
			out = append(out, priceChange{Price: name, Before: &was})
		}
	}
	return out
}

// priceTexts are an entry's prices as texts, by names for people.
func priceTexts(e *price.Entry) map[string]string {
	out := map[string]string{}
	if e.Provider == "" && e.Model == "" {
		return out
	}
	text, err := json.Marshal(e)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &fields) != nil {
		return out
	}
	for name, v := range fields {
		short, isPrice := strings.CutSuffix(name, "_usd_per_mtok")
		switch {
		case isPrice, name == "unit_usd", name == "tier", name == "peak":
			out[strings.ReplaceAll(short, "_", " ")] = plainValue(v)
		case name == "kind" && e.Kind != price.PerToken && e.Kind != "":
			out[name] = plainValue(v)
		}
	}
	return out
}

func (s *screen) importReport(r importReport, dryRun bool) error {
	for _, w := range r.Warnings {
		s.note("warning: %s", clean(w))
	}
	if n := len(r.Skipped); n > 0 {
		s.note("%s without a price per token passed over (--json lists them)", noun(n, "model"))
	}
	if r.Models == 0 {
		s.note("nothing differs from the prices in force (%s)", noun(r.Unchanged, "price"))
		return nil
	}
	sh := sheet{columns: []column{
		{name: "provider"},
		{name: "model", flex: true},
		{name: "project", drop: 2},
		{name: "from", drop: 1},
		{name: "price"},
		{name: "now", right: true, flex: true},
		{name: "file", right: true, flex: true},
		{name: "change", right: true},
	}}
	for _, c := range r.Changes {
		change := "new"
		switch {
		case c.Percent != nil:
			change = fmt.Sprintf("%+.1f %%", *c.Percent)
		case c.After == nil:
			change = "gone"
		case c.Before != nil:
			change = "other"
		}
		sh.rows = append(sh.rows, []string{c.Provider, c.Model, c.Project, c.From, c.Price, orDash(c.Before), orDash(c.After), change})
	}
	if dryRun {
		defer s.note("a dry run: %s would be set, %d stay as they are", noun(r.Models, "price"), r.Unchanged)
	} else {
		defer s.note("set %s, %d stay as they were; recorded calls keep their cost until weir prices reprice", noun(r.Imported, "price"), r.Unchanged)
	}
	return s.table(sh)
}

func orDash(text *string) string {
	if text == nil || *text == "" {
		return "-"
	}
	return *text
}
