package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/internal/simulator"
)

// A model that had no price gets one, and what its calls cost is found in the sums, once.
func TestRepriceEndToEnd(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{})
	cfg.Providers[0].PriceAs = "own" // no such provider is in the book
	s := startWeir(t, cfg)
	ask := func(method, path, body string, into any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.url+"/api/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.admin.Reveal())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %d, %v, %v", method, path, resp.StatusCode, into, err)
		}
	}
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+"/chat/completions", strings.NewReader(`{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.StatusCode)
		}
	}
	type sums struct {
		Calls    int64   `json:"calls"`
		Unpriced int64   `json:"unpriced_calls"`
		Cost     *string `json:"cost_usd"`
	}
	costs := func() sums {
		var out struct{ Total sums }
		ask("GET", "costs?by=model,day", "", &out)
		return out.Total
	}
	s.settle(t)
	if got := costs(); got.Calls != 3 || got.Unpriced != 3 || got.Cost != nil {
		t.Fatalf("before: %+v", got)
	}
	var unpriced struct {
		Models []struct {
			PriceAs string `json:"price_as"`
			Model   string
		}
	}
	ask("GET", "prices/unpriced", "", &unpriced)
	if len(unpriced.Models) != 1 || unpriced.Models[0].Model != "gpt-4o-mini-2024-07-18" {
		t.Fatalf("unpriced: %+v", unpriced)
	}
	var set struct{ Imported int }
	ask("POST", "prices/import", `{"prices":[{"provider":"`+unpriced.Models[0].PriceAs+`","model":"gpt-4o-mini-2024-07-18","kind":"call","unit_usd":"0.25"}]}`, &set)
	type report struct {
		Total struct {
			Changed     int64  `json:"changed"`
			NewlyPriced int64  `json:"newly_priced"`
			Difference  string `json:"difference_usd"`
		}
		Applied bool
	}
	var got []report
	for _, body := range []string{`{"since":"1h"}`, `{"since":"1h","apply":true}`, `{"since":"1h","apply":true}`} {
		var r report
		ask("POST", "prices/reprice", body, &r)
		got = append(got, r)
	}
	want := make([]report, 3)
	want[0].Total.Changed, want[0].Total.NewlyPriced, want[0].Total.Difference = 3, 3, "0.750000000"
	want[1], want[1].Applied = want[0], true
	want[2].Total.Difference, want[2].Applied = "0.000000000", true
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := costs(); got.Calls != 3 || got.Unpriced != 0 || got.Cost == nil || *got.Cost != "0.750000000" {
		t.Errorf("after: %+v", got)
	}
	ask("GET", "prices/unpriced", "", &unpriced)
	if len(unpriced.Models) != 0 {
		t.Errorf("still unpriced: %+v", unpriced)
	}
}
