package price

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sameRate = cmp.AllowUnexported(Rate{}, span{})

func TestEntryJSON(t *testing.T) {
	e := Entry{
		Provider: "local", Model: "qwen3", Project: "p", Mode: "chat", Kind: PerToken,
		EffectiveFrom: time.Date(2026, 7, 30, 0, 0, 0, 0, time.UTC),
		Input:         rate(t, "0.15"), CacheRead: rate(t, "0.015"), Output: rate(t, "0.6"), BatchInput: rate(t, "0.075"), FlexOutput: rate(t, "0.3"),
		Tier: &Tier{ThresholdTokens: 1000, Input: rate(t, "0.3"), Output: rate(t, "0.9")},
		Peak: []Peak{{
			From: time.Date(2026, 8, 16, 16, 0, 0, 0, time.UTC), Days: Weekdays,
			Hours: Hours{{60, 240}}, Input: rate(t, "0.3"), Output: rate(t, "1.2"),
		}},
		ContextWindow: 32768, MaxOutput: 4096, Tokenizer: "provider", Sources: []string{"us"}, Status: "set",
	}
	want := `{"provider":"local","model":"qwen3","effective_from":"2026-07-30","project":"p","mode":"chat","kind":"token",` +
		`"input_usd_per_mtok":"0.15","cache_read_usd_per_mtok":"0.015","output_usd_per_mtok":"0.6",` +
		`"tier":{"threshold_tokens":1000,"input_usd_per_mtok":"0.3","output_usd_per_mtok":"0.9"},` +
		`"batch_input_usd_per_mtok":"0.075","flex_output_usd_per_mtok":"0.3",` +
		`"peak":[{"from":"2026-08-16T16:00:00Z","days":"mon-fri","hours_utc":"01:00-04:00","input_usd_per_mtok":"0.3","output_usd_per_mtok":"1.2"}],` +
		`"context_window":32768,"max_output_tokens":4096,"tokenizer":"provider","sources":["us"],"status":"set"}`
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	var back Entry
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, back, sameRate); diff != "" {
		t.Errorf("back from JSON (-want +got):\n%s", diff)
	}
}

func TestEntryJSONHasTimesAndUnits(t *testing.T) {
	const in = `{"provider":"local","model":"whisper","effective_from":"2026-07-30T12:30:00Z","kind":"second","unit_usd":"0.000100000"}`
	var e Entry
	if err := json.Unmarshal([]byte(in), &e); err != nil {
		t.Fatal(err)
	}
	if e.UnitUSD != 100_000*Nanodollar {
		t.Errorf("unit_usd is %d, want 100000", e.UnitUSD)
	}
	if b, err := json.Marshal(e); err != nil || string(b) != in {
		t.Errorf("came back as %s, %v, want %s", b, err, in)
	}
}

func TestParseEntries(t *testing.T) {
	got, err := ParseEntries(strings.NewReader(`{"provider":"a","model":"x","input_usd_per_mtok":"1","output_usd_per_mtok":2}

{"provider":"a","model":"y","kind":"free"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{Provider: "a", Model: "x", Kind: PerToken, Input: rate(t, "1"), Output: rate(t, "2")},
		{Provider: "a", Model: "y", Kind: Free},
	}
	if diff := cmp.Diff(want, got, sameRate); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// Each faulty line stands second, after a good one.
func TestParseEntriesSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{`, "unexpected end"},
		{`[]`, "cannot unmarshal"},
		{`{"provider":"a","model":"good","input_usd_per_mtok":"1"}`, "line 1 has one for all projects from ever too"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","currency":"EUR"}`, `unknown field "currency"`},
		{`{"provider":"a","model":"x","input_eur_per_mtok":"1"}`, `unknown field "input_eur_per_mtok"`},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"-1"}`, "not negative"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1e-3"}`, "not a price"},
		{`{"provider":"a","model":"x"}`, "no price is given"},
		{`{"model":"x","kind":"free"}`, "provider is missing"},
		{`{"provider":"a","kind":"free"}`, "model is missing"},
		{`{"provider":"a","model":"x","kind":"gpu"}`, `kind "gpu" is unknown`},
		{`{"provider":"a","model":"x","kind":"free","input_usd_per_mtok":"0"}`, "kind free has a price"},
		{`{"provider":"a","model":"x","kind":"call"}`, "needs unit_usd above zero"},
		{`{"provider":"a","model":"x","kind":"call","unit_usd":"-0.01"}`, "needs unit_usd above zero"},
		{`{"provider":"a","model":"x","kind":"second","unit_usd":"0.01","output_usd_per_mtok":"1"}`, "remove the prices per token"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","unit_usd":"1"}`, "unit_usd is for"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","effective_from":"23.11.2026"}`, "want a day such as"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","tier":{"threshold_tokens":0,"input_usd_per_mtok":"1"}}`, "must be above zero"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","tier":{"threshold_tokens":5}}`, "tier has no price"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","context_window":-1}`, "must not be negative"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","peak":[{"days":"daily","input_usd_per_mtok":"1"}]}`, "peak 1 has no hours_utc"},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","peak":[{"days":"sundays","hours_utc":"01:00-02:00"}]}`, `days "sundays"`},
		{`{"provider":"a","model":"x","input_usd_per_mtok":"1","peak":[{"days":"daily","hours_utc":"04:00-01:00"}]}`, "within one UTC day"},
	} {
		got, err := ParseEntries(strings.NewReader(`{"provider":"a","model":"good","kind":"free"}` + "\n" + c.line))
		if err == nil {
			t.Errorf("%s: was read as %+v, want an error with %q", c.line, got, c.want)
			continue
		}
		if !strings.Contains(err.Error(), "line 2: ") || !strings.Contains(err.Error(), c.want) || got != nil {
			t.Errorf("%s:\ngot  %v, %v\nwant line 2 and %q, and no entries", c.line, got, err, c.want)
		}
	}
}

func TestParseEntriesReportsAllLines(t *testing.T) {
	_, err := ParseEntries(strings.NewReader("{\n{}\n" + strings.Repeat(" ", maxLine+1)))
	for _, want := range []string{"line 1: ", "line 2: ", "line 3: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if !errors.Is(err, ErrEntry) {
		t.Errorf("got %v, want ErrEntry in its chain", err)
	}
}

func FuzzParseEntries(f *testing.F) {
	f.Add(`{"provider":"a","model":"x","input_usd_per_mtok":"1","tier":{"threshold_tokens":5,"output_usd_per_mtok":2}}`)
	f.Add(`{"provider":"a","model":"x","kind":"second","unit_usd":"0.1","effective_from":"2026-01-01"}` + "\n{")
	f.Add(`{"provider":"a","model":"x","input_usd_per_mtok":"1","peak":[{"days":"daily","hours_utc":"00:00-24:00","output_usd_per_mtok":"3"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := ParseEntries(strings.NewReader(text))
		if err != nil {
			if !strings.Contains(err.Error(), "line ") {
				t.Fatalf("the error names no line: %v", err)
			}
			return
		}
		var again strings.Builder
		enc := json.NewEncoder(&again)
		for _, e := range entries {
			if err := enc.Encode(e); err != nil {
				t.Fatal(err)
			}
		}
		back, err := ParseEntries(strings.NewReader(again.String()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again.String())
		}
		if diff := cmp.Diff(entries, back, sameRate, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("back from JSON (-want +got):\n%s", diff)
		}
	})
}

func TestPeakHolds(t *testing.T) {
	hours, err := ParseHours("01:00-04:00 06:00-10:00")
	if err != nil {
		t.Fatal(err)
	}
	p := Peak{Days: Weekdays, Hours: hours, From: time.Date(2026, 9, 10, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		at   string
		want bool
	}{
		{"2026-11-23T00:59:59Z", false}, // a Monday
		{"2026-11-23T01:00:00Z", true},
		{"2026-11-23T03:59:59Z", true},
		{"2026-11-23T04:00:00Z", false},
		{"2026-11-23T09:59:00Z", true},
		{"2026-11-23T10:00:00Z", false},
		{"2026-11-23T09:30:00+08:00", true}, // 01:30 UTC
		{"2026-11-21T02:00:00Z", false},     // a Saturday
		{"2026-11-22T02:00:00Z", false},     // a Sunday
		{"2026-09-09T02:00:00Z", false},     // before
		{"2026-12-01T02:00:00Z", false},     // after
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.holds(at); got != c.want {
			t.Errorf("at %s the peak holds: %v, want %v", c.at, got, c.want)
		}
	}
}
