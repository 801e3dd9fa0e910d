package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/price"
)

// apiPrice is a price as the API lists it; what is not known is nil or empty.
type apiPrice struct {
	Provider      string  `json:"provider"`
	Model         string  `json:"model"`
	Project       string  `json:"project"`
	Mode          string  `json:"mode"`
	Kind          string  `json:"kind"`
	EffectiveFrom *string `json:"effective_from"`
	Input         *string `json:"input_usd_per_mtok"`
	CacheRead     *string `json:"cache_read_usd_per_mtok"`
	CacheWrite5m  *string `json:"cache_write_5m_usd_per_mtok"`
	Output        *string `json:"output_usd_per_mtok"`
	UnitUSD       *string `json:"unit_usd"`
	ContextWindow *int64  `json:"context_window"`
	Status        string  `json:"status"`

	raw json.RawMessage
}

// UnmarshalJSON keeps the whole object beside the fields of a table.
func (p *apiPrice) UnmarshalJSON(b []byte) error {
	type fields apiPrice
	p.raw = bytes.Clone(b)
	return json.Unmarshal(b, (*fields)(p))
}

// priceBook is the book as the API lists it.
type priceBook struct {
	Version   string     `json:"version"`
	Prices    []apiPrice `json:"prices"`
	Truncated bool       `json:"truncated"` // there are more
}

// pricesCommand reads and sets prices.
func pricesCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "prices",
		Short: "The price book: what each model costs from which day on",
		Long: `prices lists the book in force: the built-in one, under the configuration's prices, under those set here. All are dollars
per million tokens. Setting a price never changes what past calls cost.`,
		Example: `  weir prices list --provider openai
  weir prices show gpt-4o-mini
  weir prices set local qwen3-32b --input 0.10 --output 0.30`,
	})
	clientFlags(cmd)
	cmd.AddCommand(pricesListCommand(), pricesShowCommand(), pricesSetCommand(), pricesDeleteCommand(), pricesUnpricedCommand(), pricesImportCommand(), pricesRepriceCommand(), pricesSimulateCommand())
	return cmd
}

// readPrices asks the API for prices, or the built-in book when offline.
func readPrices(cmd *cobra.Command, offline bool, q url.Values) ([]byte, priceBook, error) {
	var book priceBook
	if offline {
		raw, err := embeddedPrices(q)
		if err == nil {
			err = json.Unmarshal(raw, &book)
		}
		return raw, book, err
	}
	c, err := newClient(cmd)
	if err != nil {
		return nil, book, err
	}
	raw, err := c.get(cmd.Context(), "prices", q, &book)
	if errors.Is(err, errNoServer) {
		err = fmt.Errorf("%w; --offline shows the built-in book without a server", err)
	}
	return raw, book, err
}

// embeddedPrices is the built-in book as the API would list it.
func embeddedPrices(q url.Values) ([]byte, error) {
	book := price.Embedded()
	list := []price.Entry{}
	for e := range book.Entries() {
		if want := q.Get("provider"); want != "" && e.Provider != want {
			continue
		}
		if want := q.Get("model"); want != "" && e.Model != want {
			continue
		}
		name := strings.ToLower(e.Name())
		if !slices.ContainsFunc(strings.Fields(strings.ToLower(q.Get("q"))), func(word string) bool { return !strings.Contains(name, word) }) {
			list = append(list, e)
		}
	}
	return json.MarshalIndent(map[string]any{"version": book.Version(), "prices": list, "truncated": false}, "", "  ")
}

func pricesListCommand() *cobra.Command {
	var (
		provider, model, words string
		offline                bool
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List prices, in dollars per million tokens",
		Example: `  weir prices list --q sonnet
  weir prices list --provider openai --offline`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{}
			for name, v := range map[string]string{"provider": provider, "model": model, "q": words} {
				if v != "" {
					q.Set(name, v)
				}
			}
			raw, book, err := readPrices(cmd, offline, q)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(book.Prices) == 0 {
				s.note("no price matches")
				return nil
			}
			return s.prices(book)
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "", "only this provider's")
	cmd.Flags().StringVar(&model, "model", "", "only this model's")
	cmd.Flags().StringVar(&words, "q", "", "words that provider/model holds")
	offlineFlag(cmd, &offline)
	return cmd
}

func offlineFlag(cmd *cobra.Command, offline *bool) {
	cmd.Flags().BoolVar(offline, "offline", false, "the built-in book alone, without a server")
}

func (s *screen) prices(book priceBook) error {
	sh := sheet{columns: []column{
		{name: "provider"},
		{name: "model", flex: true},
		{name: "project", drop: 5},
		{name: "from", drop: 3},
		{name: "input", right: true},
		{name: "cache read", right: true, drop: 1},
		{name: "cache write", right: true, drop: 2},
		{name: "output", right: true},
		{name: "context", right: true, drop: 6},
		{name: "status", drop: 4},
	}}
	for _, p := range book.Prices {
		from := known(p.EffectiveFrom)
		if p.EffectiveFrom == nil || from == "" {
			from = "always"
		}
		input, output := known(p.Input), known(p.Output)
		switch price.Kind(p.Kind) {
		case price.Free:
			input, output = "free", "free"
		case price.PerSecond:
			input, output = known(p.UnitUSD)+"/s", ""
		case price.PerCall:
			input, output = known(p.UnitUSD)+"/call", ""
		}
		window := ""
		if p.ContextWindow != nil && *p.ContextWindow > 0 {
			window = count(*p.ContextWindow)
		}
		sh.rows = append(sh.rows, []string{p.Provider, p.Model, p.Project, from, input, known(p.CacheRead), known(p.CacheWrite5m), output, window, p.Status})
	}
	if book.Truncated {
		defer s.note("there are more: ask for less with --q, --provider or --model")
	}
	defer s.note("%s of book %s, in dollars per million tokens; an empty field is not known or not offered", noun(len(book.Prices), "price"), clean(book.Version))
	return s.table(sh)
}

func known(t *string) string {
	if t == nil {
		return ""
	}
	return *t
}

func pricesShowCommand() *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "show MODEL",
		Short: "Show all that is known of a model's prices",
		Example: `  weir prices show gpt-4o-mini
  weir prices show anthropic/claude-sonnet-4-5 --json`,
		Args: oneArg("a model, or provider/model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			want := args[0]
			_, book, err := readPrices(cmd, offline, url.Values{"q": {want}})
			if err != nil {
				return err
			}
			book.Prices = slices.DeleteFunc(book.Prices, func(p apiPrice) bool { return p.Model != want && p.Provider+"/"+p.Model != want })
			if len(book.Prices) == 0 {
				provider, model, ok := strings.Cut(want, "/")
				if !ok {
					provider, model = "", want
				}
				hint := "weir prices list --q WORD looks for names"
				if near := price.Embedded().Closest(provider, model); near != "" {
					hint = "the nearest name is " + near + "; " + hint
				}
				return sayNo("there is no price of %s: %s", want, hint)
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				list := make([]json.RawMessage, len(book.Prices))
				for i, p := range book.Prices {
					list[i] = p.raw
				}
				return s.encode(map[string]any{"version": book.Version, "prices": list})
			}
			for i, p := range book.Prices {
				if i > 0 {
					fmt.Fprintln(s.out)
				}
				if err := s.price(p); err != nil {
					return err
				}
			}
			return nil
		},
	}
	offlineFlag(cmd, &offline)
	return cmd
}

// price shows every field of a price, in the order of the book.
func (s *screen) price(p apiPrice) error {
	dec := json.NewDecoder(bytes.NewReader(p.raw))
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("read a price: %w", err)
	}
	var pairs []string
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return fmt.Errorf("read a price: %w", err)
		}
		label := strings.ReplaceAll(strings.TrimSuffix(fmt.Sprint(name), "_usd_per_mtok"), "_", " ")
		if strings.HasSuffix(fmt.Sprint(name), "_usd_per_mtok") {
			label += ", usd per mtok"
		}
		pairs = append(pairs, label, plainValue(value))
	}
	s.facts(pairs...)
	return nil
}

// plainValue is a text as it is, a list of texts with commas, and other JSON on one line.
func plainValue(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var list []string
	if json.Unmarshal(value, &list) == nil {
		return strings.Join(list, ", ")
	}
	var line bytes.Buffer
	if json.Compact(&line, value) != nil {
		return string(value)
	}
	return line.String()
}

// unpricedModel is a model that answered calls and has no price.
type unpricedModel struct {
	Provider string    `json:"provider"`
	PriceAs  string    `json:"price_as"`
	Model    string    `json:"model"`
	Calls    int64     `json:"calls"`
	LastSeen time.Time `json:"last_seen"`
	Closest  string    `json:"closest"`
}

func pricesUnpricedCommand() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:   "unpriced",
		Short: "List models that answered calls and have no price",
		Example: `  weir prices unpriced
  weir prices unpriced --since 7d`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			t, err := parsePast("since", since, s.now)
			if err != nil {
				return err
			}
			q := url.Values{}
			if !t.IsZero() {
				q.Set("since", stamp(t))
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, models, err := c.unpriced(cmd.Context(), q)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(models) == 0 {
				s.note("every model that was called has a price")
				return nil
			}
			sh := sheet{columns: []column{
				{name: "provider"}, {name: "model", flex: true}, {name: "calls", right: true}, {name: "last seen", drop: 1}, {name: "nearest name with a price", flex: true},
			}}
			for _, m := range models {
				sh.rows = append(sh.rows, []string{m.Provider, m.Model, count(m.Calls), s.moment(m.LastSeen), m.Closest})
			}
			if err := s.table(sh); err != nil {
				return err
			}
			s.note("set them with, if the prices are right:")
			for _, m := range models {
				s.note("  %s", m.command(s.now))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "30d", "from when on: 7d, 30d ago, a day or a time")
	return cmd
}

// command sets the model's price, to the nearest name's where there is one.
func (m unpricedModel) command(now time.Time) string {
	words := []string{"weir prices set", shellWord(cmp.Or(m.PriceAs, m.Provider)), shellWord(m.Model)}
	provider, model, _ := strings.Cut(m.Closest, "/")
	near, ok := price.Embedded().Find(provider, model, now)
	if !ok || !near.Input.Known() && !near.Output.Known() {
		return strings.Join(append(words, "--input USD --output USD"), " ")
	}
	for _, r := range rateFlags {
		if rate := *r.of(&near); rate.Known() {
			words = append(words, "--"+r.flag, rate.String())
		}
	}
	return strings.Join(words, " ") + "  # as " + clean(m.Closest)
}

// shellWord quotes a name for a shell where it must be.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/:@+", r)
	}
	if text = clean(text); text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func (c *client) unpriced(ctx context.Context, q url.Values) ([]byte, []unpricedModel, error) {
	var list struct {
		Models []unpricedModel `json:"models"`
	}
	raw, err := c.get(ctx, "prices/unpriced", q, &list)
	return raw, list.Models, err
}
