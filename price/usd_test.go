package price

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestUSDText(t *testing.T) {
	for _, c := range []struct {
		amount USD
		text   string
	}{
		{0, "0.000000000"},
		{1, "0.000000001"},
		{-1, "-0.000000001"},
		{13_500, "0.000013500"},
		{3*Dollar + 25*Cent, "3.250000000"},
		{MaxUSD, "999999999.999999999"},
		{math.MinInt64, "-9223372036.854775808"},
	} {
		if got := c.amount.String(); got != c.text {
			t.Errorf("USD(%d).String() = %s, want %s", int64(c.amount), got, c.text)
		}
	}
}

func TestParseUSDRefuses(t *testing.T) {
	for _, s := range []string{"", ".", "1.", ".5", "1e-6", "1.0000000001", "1234567890", "--1", "1,5", "NaN", " 1", "0x1"} {
		if v, err := ParseUSD(s); !errors.Is(err, ErrNotMoney) {
			t.Errorf("ParseUSD(%q) = %v, %v, want ErrNotMoney", s, v, err)
		}
	}
}

func TestUSDRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := USD(rapid.Int64Range(-int64(MaxUSD), int64(MaxUSD)).Draw(t, "nanodollars"))
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got USD
		if err := json.Unmarshal(b, &got); err != nil || got != want {
			t.Fatalf("%s came back as %v, %v", b, got, err)
		}
	})
}
