package price

import (
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func rate(tb testing.TB, s string) Rate {
	tb.Helper()
	r, err := ParseRate(s)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestRateText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"0", "0"},
		{"3", "3"},
		{"003.500", "3.5"},
		{"0.003625", "0.003625"},
		{"0.000000000001", "0.000000000001"},
		{"999999.999999999999", "999999.999999999999"},
	} {
		if got := rate(t, c.in).String(); got != c.want {
			t.Errorf("ParseRate(%q) prints %q, want %q", c.in, got, c.want)
		}
	}
	if rate(t, "").Known() || !rate(t, "0").Known() {
		t.Error("an empty price must be unknown and zero must be known")
	}
}

func TestParseRateRefuses(t *testing.T) {
	for _, s := range []string{"-1", "+1", ".5", "1.", "1e3", "1000000", "0.0000000000001", "NaN", "1,5", " 1", "$1"} {
		if r, err := ParseRate(s); !errors.Is(err, ErrNotRate) {
			t.Errorf("ParseRate(%q) = %v, %v, want ErrNotRate", s, r, err)
		}
	}
}

func TestRateJSON(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`"0.15"`, `"0.15"`},
		{`0.15`, `"0.15"`},
		{`""`, `null`},
		{`null`, `null`},
	} {
		var r Rate
		if err := json.Unmarshal([]byte(c.in), &r); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		if got, err := json.Marshal(r); err != nil || string(got) != c.want {
			t.Errorf("%s came back as %s, %v, want %s", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{`"-1"`, `1e2`, `true`, `{}`, `"a"`} {
		var r Rate
		if err := json.Unmarshal([]byte(in), &r); err == nil {
			t.Errorf("%s was read as %s, want an error", in, r)
		}
	}
}

func TestRateRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Rate{atto: rapid.Int64Range(0, 999_999_999_999_999_999).Draw(t, "attodollars"), known: true}
		got, err := ParseRate(want.String())
		if err != nil || got != want {
			t.Fatalf("%s came back as %s, %v", want, got, err)
		}
		if back, ok := rateOf(want.rat()); !ok || back != want {
			t.Fatalf("%s as a fraction came back as %s, %v", want, back, ok)
		}
	})
}
