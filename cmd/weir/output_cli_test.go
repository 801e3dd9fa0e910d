package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
)

func TestTableFitsItsTerminal(t *testing.T) {
	sh := func() sheet {
		return sheet{
			columns: []column{{name: "name", flex: true}, {name: "note", drop: 1}, {name: "n", right: true}},
			rows:    [][]string{{"a name that is long enough to be cut", "extra", "1"}, {"b", "", "1000"}},
			total:   []string{"total", "", "1001"},
		}
	}
	tests := []struct {
		width int
		want  string
	}{
		{0, `
NAME                                  NOTE      N
a name that is long enough to be cut  extra     1
b                                            1000
total                                        1001
`}, // not a terminal: nothing is cut
		{41, `
NAME                          NOTE      N
a name that is long enough ~  extra     1
b                                    1000
total                                1001
`},
		{30, `
NAME                         N
a name that is long eno~     1
b                         1000
total                     1001
`},
		{14, `
NAME         N
a name ~     1
b         1000
total     1001
`},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		s := &screen{out: &out, width: tt.width}
		if err := s.table(sh()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), out.String()); diff != "" {
			t.Errorf("width %d (-want +got):\n%s", tt.width, diff)
		}
	}
}

func TestTableInColour(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, colour: true, width: 80}
	sh := sheet{columns: []column{{name: "status", paint: statusColour}}, rows: [][]string{{"ok"}, {"error"}}}
	if err := s.table(sh); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[32mok\x1b[0m", "\x1b[31merror\x1b[0m"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want %q in it", out.String(), want)
		}
	}
	if got := (&screen{}).paint("ok", text.FgGreen); got != "ok" {
		t.Errorf("without colours: got %q", got)
	}
}

func TestRecordedTextMovesNoCursor(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 漢": "plain é 漢", "a\x1b[2Jb": "a\ufffd[2Jb", "two\nlines\tand\rmore": "two lines and more", "bell\x07 \x9b": "bell\ufffd \ufffd", "\u202eevil": "\ufffdevil",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q): got %q, want %q", in, got, want)
		}
	}
	if got, want := cleanLines("a\r\nb\tc\x1b"), "a\nb\tc\ufffd"; got != want {
		t.Errorf("cleanLines: got %q, want %q", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -12: "-12"} {
		if got := count(n); got != want {
			t.Errorf("count(%d): got %q, want %q", n, got, want)
		}
	}
	for ms, want := range map[float64]string{0: "0 ms", 0.25: "0.2 ms", 12.6: "13 ms", 9999: "9999 ms", 12345: "12.3 s"} {
		if got := millis(&ms); got != want {
			t.Errorf("millis(%v): got %q, want %q", ms, got, want)
		}
	}
	some, zero := "0.000000001", "0"
	for usd, want := range map[*string]string{nil: "unknown", &some: "0.000000001", &zero: "0"} {
		if got := money(usd); got != want {
			t.Errorf("money: got %q, want %q", got, want)
		}
	}
}

func TestBriefTimes(t *testing.T) {
	s := &screen{now: noon, zone: noon.Location()}
	for at, want := range map[string]string{
		"2026-11-24T08:00:00Z": "10:00:00", "2026-11-23T22:30:00Z": "00:30:00", "2026-11-23T08:00:00Z": "11-23 10:00:00", "2025-11-24T08:00:00Z": "2025-11-24 10:00:00",
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.brief(when); got != want {
			t.Errorf("brief(%s): got %q, want %q", at, got, want)
		}
	}
	if got := s.moment(time.Time{}); got != "-" {
		t.Errorf("moment of nothing: got %q", got)
	}
}
