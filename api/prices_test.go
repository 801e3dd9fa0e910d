package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func decode[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

type priceListText struct {
	Version   string
	Truncated bool
	Prices    []price.Entry
}

// names gives provider/model@project of the prices that are listed.
func (w *world) names(query string) string {
	w.t.Helper()
	var got priceListText
	w.get("/prices?"+query, &got)
	out := make([]string, len(got.Prices))
	for i, e := range got.Prices {
		out[i] = e.Name() + "@" + e.Project + "=" + e.Input.String()
	}
	return strings.Join(out, " ")
}

func entry(t *testing.T, text string) price.Entry {
	t.Helper()
	return decode[price.Entry](t, []byte(text))
}

func TestListPrices(t *testing.T) {
	w := newWorld(t)
	book, err := price.Embedded().With(
		entry(t, `{"provider":"own","model":"m","input_usd_per_mtok":"1","output_usd_per_mtok":"2"}`),
		entry(t, `{"provider":"own","model":"m","effective_from":"2026-06-01","input_usd_per_mtok":"3","output_usd_per_mtok":"4"}`),
		entry(t, `{"provider":"own","model":"m","project":"p","input_usd_per_mtok":"5","output_usd_per_mtok":"6"}`),
		entry(t, `{"provider":"openai","model":"gpt-4o-mini","input_usd_per_mtok":"0.01","output_usd_per_mtok":"0.02"}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	w.book = book
	for _, tt := range []struct{ query, want string }{
		{"provider=own", "own/m@=1 own/m@=3 own/m@p=5"},
		{"q=OWN/M", "own/m@=1 own/m@=3 own/m@p=5"},
		{"q=own+nothing", ""},
		{"provider=own&project=p", "own/m@p=5"},
		{"provider=own&at=2026-05-31", "own/m@=1 own/m@p=5"},
		{"provider=own&at=2026-06-01", "own/m@=3 own/m@p=5"},
		{"provider=openai&model=gpt-4o-mini&at=2026-11-23", "openai/gpt-4o-mini@=0.01"}, // by hand before the catalogue
	} {
		if got := w.names(tt.query); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.query, got, tt.want)
		}
	}
	var all priceListText
	w.get("/prices", &all)
	if all.Version != book.Version() || len(all.Prices) < 100 || all.Truncated {
		t.Errorf("version %q, %d prices, truncated %v", all.Version, len(all.Prices), all.Truncated)
	}
	many := make([]price.Entry, pricesMost)
	for i := range many {
		many[i] = entry(t, fmt.Sprintf(`{"provider":"many","model":"m%d","kind":"free"}`, i))
	}
	if w.book, err = book.With(many...); err != nil {
		t.Fatal(err)
	}
	w.get("/prices", &all)
	if len(all.Prices) != pricesMost || !all.Truncated {
		t.Errorf("%d prices, truncated %v", len(all.Prices), all.Truncated)
	}
}

func TestSetPrice(t *testing.T) {
	w := newWorld(t)
	const mine = `{"provider":"own","model":"m","effective_from":"2026-06-01","input_usd_per_mtok":"1","output_usd_per_mtok":2.5}`
	rec := w.ask("POST", "/prices", mine)
	if rec.Code != http.StatusCreated || w.heard != 1 {
		t.Fatalf("%d %s, told %d times", rec.Code, rec.Body, w.heard)
	}
	equalJSON(t, rec.Body.String(), `{"provider":"own","model":"m","effective_from":"2026-06-01","kind":"token","input_usd_per_mtok":"1","output_usd_per_mtok":"2.5","status":"set"}`)
	w.ask("POST", "/prices", strings.Replace(mine, `"1"`, `"7"`, 1)) // in its place
	if list, _ := w.prices.Prices(t.Context()); len(list) != 1 || list[0].Input.String() != "7" {
		t.Errorf("stored %+v", list)
	}

	for _, query := range []string{"provider=own&model=m", "provider=own&model=m&effective_from=2026-06-02", "provider=own&model=m&effective_from=2026-06-01&project=p"} {
		w.refused(w.ask("DELETE", "/prices?"+query, ""), http.StatusNotFound, llm.NotFound, "own/m")
	}
	for _, tt := range []struct{ query, param string }{{"provider=own", "model"}, {"model=m", "provider"}, {"provider=own&model=m&effective_from=then", "effective_from"}} {
		got := w.refused(w.ask("DELETE", "/prices?"+tt.query, ""), http.StatusBadRequest, llm.InvalidRequest, tt.param)
		if got.Error.Param == nil || *got.Error.Param != tt.param {
			t.Errorf("%s: blames %v", tt.query, got.Error.Param)
		}
	}
	if rec := w.ask("DELETE", "/prices?provider=own&model=m&effective_from="+url.QueryEscape("2026-06-01T02:00:00+02:00"), ""); rec.Code != http.StatusNoContent {
		t.Errorf("delete: %d %s", rec.Code, rec.Body)
	}
	if list, _ := w.prices.Prices(t.Context()); len(list) != 0 {
		t.Errorf("left %+v", list)
	}
}

func TestBadPrices(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ body, word string }{
		{`{}`, "provider is missing"},
		{`{"provider":"own","model":"m"}`, "no price is given"},
		{`{"provider":"own","model":"m","input_usd_per_mtok":"-1"}`, "not a price"},
		{`{"provider":"own","model":"m","input_eur_per_mtok":"1"}`, "input_eur_per_mtok"},
		{`{"provider":"own","model":"m","effective_from":"soon","kind":"free"}`, "effective_from"},
		{`{"provider":"own","model":"m","effective_from":"2026-01-01T00:00:00.0000001Z","kind":"free"}`, "finer than a microsecond"},
		{`{"provider":"own","model":"m","kind":"free","unit_usd":"1"}`, "kind free has a price"},
	} {
		w.refused(w.ask("POST", "/prices", tt.body), http.StatusBadRequest, llm.InvalidRequest, tt.word)
	}
	if list, _ := w.prices.Prices(t.Context()); len(list) != 0 || w.heard != 0 {
		t.Errorf("stored %+v, told %d times", list, w.heard)
	}
}

// A price that no book can be made with would keep every later one out: it is taken back.
func TestPriceUndone(t *testing.T) {
	w := newWorld(t)
	const before = `{"provider":"own","model":"m","input_usd_per_mtok":"1"}`
	w.ask("POST", "/prices", before)
	w.pricesChanged = fmt.Errorf("read again: %w: there are two", price.ErrEntry)
	for _, body := range []string{strings.Replace(before, `"1"`, `"2"`, 1), strings.Replace(before, "own", "new", 1)} {
		w.refused(w.ask("POST", "/prices", body), http.StatusBadRequest, llm.InvalidRequest, "there are two")
	}
	if list, _ := w.prices.Prices(t.Context()); len(list) != 1 || list[0].Provider != "own" || list[0].Input.String() != "1" {
		t.Errorf("left %+v", list)
	}
	w.pricesChanged = errors.New("database is locked") // this passes
	if rec := w.ask("POST", "/prices", strings.Replace(before, "own", "new", 1)); rec.Code != http.StatusCreated || !strings.Contains(w.log.String(), "database is locked") {
		t.Errorf("%d %s, log %s", rec.Code, rec.Body, w.log)
	}
}

func TestUnpriced(t *testing.T) {
	w := newWorld(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	unpriced := func(id string, ago time.Duration) trace.Record {
		return changed(id, func(r *trace.Record) {
			c := &r.Call
			c.Start, c.Provider, c.Model, c.PriceStatus, c.Cost = now.Add(-ago), "my-openai", "gpt-4o-minix", price.Unpriced, 0
		})
	}
	w.record(unpriced("u1", time.Hour), unpriced("u2", 48*time.Hour), unpriced("u3", 31*24*time.Hour))
	for query, calls := range map[string]int{"": 2, "?since=60d": 3, "?since=2h": 1, "?since=60d&until=30d": 1} {
		var got struct {
			Models []struct {
				Provider, Model, Closest string
				Calls                    int
				LastSeen                 time.Time `json:"last_seen"`
			}
		}
		w.get("/prices/unpriced"+query, &got)
		if len(got.Models) != 1 || got.Models[0].Calls != calls || got.Models[0].Closest != "openai/gpt-4o-mini" || got.Models[0].Provider != "my-openai" {
			t.Errorf("%q: %+v, want %d calls", query, got, calls)
		}
	}
	equalJSON(t, w.ask("GET", "/prices/unpriced?since=10m", "").Body.String(), `{"models":[]}`)
}

// The document's schema of a price is written by hand: every field that a price can have is in it.
func TestSchemaOfPrices(t *testing.T) {
	w := newWorld(t)
	var e price.Entry
	v := reflect.ValueOf(&e).Elem()
	rate, err := price.ParseRate("1.5")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range v.Fields() {
		switch f := field.Addr().Interface().(type) {
		case *price.Rate:
			*f = rate
		case *string:
			*f = "x"
		case *int64:
			*f = 1
		}
	}
	e.Kind, e.EffectiveFrom, e.UnitUSD, e.Sources = price.PerToken, t0, 1, []string{"s"}
	hours, err := price.ParseHours("01:00-04:00")
	if err != nil {
		t.Fatal(err)
	}
	e.Tier = &price.Tier{ThresholdTokens: 1, Input: rate, Output: rate}
	e.Peak = []price.Peak{{From: t0, Until: t0, Days: price.Weekdays, Hours: hours, Input: rate, CacheRead: rate, Output: rate}}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	var value map[string]any
	if err := dec.Decode(&value); err != nil {
		t.Fatal(err)
	}
	if len(value) != v.NumField() {
		t.Errorf("%d of %d fields are written: the test fills too few", len(value), v.NumField())
	}
	for _, fault := range w.mismatches(map[string]any{"$ref": "#/components/schemas/Price"}, value, "") {
		t.Error(fault)
	}
}

func TestImportPrices(t *testing.T) {
	w := newWorld(t)
	one := `{"provider":"own","model":"a","input_usd_per_mtok":"1"}`
	for body, want := range map[string]string{
		`{"prices":[]}`: "the list has 0 prices",
		`{"prices":[` + one + `,{"provider":"own","model":"b"}]}`:               "prices[1]: invalid price of own/b: no price is given",
		`{"prices":[` + one + `,` + one + `]}`:                                  "prices[0] and prices[1] are both of own/a",
		`{"prices":[{"provider":"own","model":"a","input_usd_per_mtok":"-1"}]}`: "not a price",
	} {
		if rec := w.ask("POST", "/prices/import", body); rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s, want %q", body, rec.Code, rec.Body, want)
		}
	}
	if list, _ := w.prices.Prices(t.Context()); len(list) != 0 {
		t.Fatalf("of a bad list there is %+v", list)
	}
	rec := w.ask("POST", "/prices/import", `{"prices":[`+one+`,{"provider":"own","model":"b","kind":"free","status":"agreed"}]}`)
	if rec.Code != http.StatusCreated || !strings.Contains(rec.Body.String(), `"imported":2`) || w.heard != 1 {
		t.Errorf("%d %s, heard %d times", rec.Code, rec.Body, w.heard)
	}
	list, _ := w.prices.Prices(t.Context())
	if len(list) != 2 || list[1].Status != "set" {
		t.Errorf("%+v", list)
	}
	// What no book can be made with leaves everything as it was.
	w.pricesChanged = fmt.Errorf("%w: twice", price.ErrEntry)
	rec = w.ask("POST", "/prices/import", `{"prices":[{"provider":"own","model":"a","input_usd_per_mtok":"9"},{"provider":"own","model":"c","kind":"free"}]}`)
	if rec.Code != http.StatusBadRequest {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	list, _ = w.prices.Prices(t.Context())
	names := map[string]string{}
	for _, e := range list {
		names[e.Model] = e.Input.String()
	}
	if len(names) != 2 || names["a"] != "1" || names["b"] != "" {
		t.Errorf("left %v", names)
	}
}
