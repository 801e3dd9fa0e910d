package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/price"
)

func TestPricesOfAFileThatHoldsItself(t *testing.T) {
	_, err := readPriceFile("loop.yaml", []byte("prices:\n  - &a {provider: p, model: m, input_usd_per_mtok: 1, tier: *a}\n"), "")
	if err == nil || !strings.Contains(err.Error(), "loop.yaml:2: tier") {
		t.Errorf("%v", err)
	}
}

// What is read can be put into a book, and what a book gives can be read.
func FuzzPriceFile(f *testing.F) {
	f.Add([]byte("prices:\n  - {provider: openai, model: gpt-4o, input_usd_per_mtok: 2.5, output_usd_per_mtok: 10}\n"))
	f.Add([]byte(`{"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":2.5e-06,"input_cost_per_token_above_128k_tokens":5e-06}}`))
	f.Add([]byte(`{"provider":"a","model":"b","kind":"free"}` + "\n" + `{"provider":"a","model":"c","kind":"call","unit_usd":"0.1"}`))
	f.Add([]byte("- &a {provider: p, model: m, peak: [*a]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []string{"", "weir", "map"} {
			file, err := readPriceFile("f", text, format)
			if err != nil {
				if _, ok := errors.AsType[*priceFile](err); !ok {
					t.Fatalf("%T", err)
				}
				continue
			}
			var entries []price.Entry
			for _, p := range file.prices {
				entries = append(entries, p.Entry)
			}
			if _, err := price.Embedded().With(entries...); err != nil {
				t.Fatal(err)
			}
			compareFile(file, map[string]*price.Entry{}, time.Now())
		}
	})
}

func FuzzUsageFile(f *testing.F) {
	f.Add([]byte(`{"data":[{"start_time":1741046400,"results":[{"amount":{"value":10.5,"currency":"usd"},"line_item":"gpt-4o, input"}]}]}`))
	f.Add([]byte("date,model,cost_usd\n2025-03-04,gpt-4o,1.5\n"))
	f.Add([]byte("date,model,cost\n1\"00000"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := readUsageFile("f", text)
		if err != nil {
			_ = err.Error()
			return
		}
		compareUsage(file, map[dayModel]*usageFigures{}, 1)
	})
}
