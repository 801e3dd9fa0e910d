package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// screen is where a command's data goes.
type screen struct {
	out    io.Writer
	err    io.Writer // for people, beside the data
	width  int       // columns of the terminal; 0: not a terminal, nothing is cut
	colour bool
	now    time.Time
	zone   *time.Location
}

// newScreen looks at what standard output is.
func newScreen(cmd *cobra.Command) *screen {
	s := &screen{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), now: time.Now(), zone: time.Local}
	if !onTerminal(cmd) {
		return s
	}
	s.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.width = w
	}
	return s
}

// column is one column of a sheet.
type column struct {
	name  string
	right bool // numbers
	flex  bool // cut when the terminal is narrow
	drop  int  // left out when the terminal is narrow, the highest first, equal ones together; 0: never
	paint func(cell string) text.Colors
}

// sheet is a table of text.
type sheet struct {
	columns []column
	rows    [][]string
	total   []string // nil: none
}

const (
	gap     = 2 // spaces between columns
	minFlex = 8
)

// table writes the sheet, its cells cleaned.
func (s *screen) table(sh sheet) error {
	for _, row := range append(sh.rows, sh.total) {
		for i := range row {
			row[i] = clean(row[i])
		}
	}
	widths := sh.fit(s.width)
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{PaddingRight: strings.Repeat(" ", gap)},
		Format:  table.FormatOptions{Header: text.FormatDefault, Footer: text.FormatDefault, Row: text.FormatDefault},
		Options: table.OptionsNoBordersAndSeparators,
	})
	t.SuppressTrailingSpaces()
	var head, foot table.Row
	var configs []table.ColumnConfig
	for i, c := range sh.columns {
		if widths[i] < 0 {
			continue
		}
		head = append(head, s.paint(strings.ToUpper(c.name), text.Faint))
		if sh.total != nil {
			foot = append(foot, s.paint(sh.total[i], text.Bold))
		}
		cfg := table.ColumnConfig{Number: len(head)}
		if c.right {
			cfg.Align, cfg.AlignHeader, cfg.AlignFooter = text.AlignRight, text.AlignRight, text.AlignRight
		}
		configs = append(configs, cfg)
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(head)
	for _, cells := range sh.rows {
		var row table.Row
		for i, c := range sh.columns {
			if widths[i] < 0 {
				continue
			}
			cell := cells[i]
			if c.flex {
				cell = text.Snip(cell, widths[i], "~")
			}
			if s.colour && c.paint != nil {
				cell = s.paint(cell, c.paint(cells[i])...)
			}
			row = append(row, cell)
		}
		t.AppendRow(row)
	}
	if foot != nil {
		t.AppendFooter(foot)
	}
	_, err := fmt.Fprintln(s.out, t.Render())
	return err
}

// fit gives the width of each column within a terminal's width, -1 for a column that is left out.
func (sh *sheet) fit(width int) []int {
	widths := make([]int, len(sh.columns))
	total := -gap
	for i, c := range sh.columns {
		widths[i] = text.StringWidthWithoutEscSequences(c.name)
		for _, row := range append(sh.rows, sh.total) {
			if row != nil {
				widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(row[i]))
			}
		}
		total += widths[i] + gap
	}
	if width <= 0 {
		return widths
	}
	for total > width {
		// The widest flexible column gives first, then columns go.
		wide, out := -1, -1
		for i, c := range sh.columns {
			if c.flex && widths[i] > max(minFlex, len(c.name)) && (wide < 0 || widths[i] > widths[wide]) {
				wide = i
			}
			if c.drop > 0 && widths[i] >= 0 && (out < 0 || c.drop > sh.columns[out].drop) {
				out = i
			}
		}
		switch {
		case wide >= 0 && widths[wide] > 24 || wide >= 0 && out < 0:
			widths[wide]--
			total--
		case out >= 0:
			for i, c := range sh.columns {
				if c.drop == sh.columns[out].drop {
					total -= widths[i] + gap
					widths[i] = -1
				}
			}
		default:
			return widths // too narrow for what is left: the terminal wraps it
		}
	}
	return widths
}

// paint colours text on a terminal that takes colours.
func (s *screen) paint(t string, colours ...text.Color) string {
	if !s.colour || len(colours) == 0 || t == "" {
		return t
	}
	text.EnableColors()
	return text.Colors(colours).Sprint(t)
}

// title writes a heading.
func (s *screen) title(t string) { fmt.Fprintf(s.out, "\n%s\n", s.paint(t, text.Bold)) }

// facts writes names and values in two columns; empty values are left out.
func (s *screen) facts(pairs ...string) {
	wide := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			wide = max(wide, len(pairs[i]))
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(s.out, "%s  %s\n", s.paint(fmt.Sprintf("%-*s", wide, pairs[i]), text.Faint), clean(pairs[i+1]))
		}
	}
}

// note tells people something that is not data.
func (s *screen) note(format string, args ...any) { fmt.Fprintf(s.err, format+"\n", args...) }

// asItCame writes the API's answer, ended by a line's end.
func (s *screen) asItCame(raw []byte) error {
	if len(raw) > 0 && raw[len(raw)-1] != '\n' {
		raw = append(raw, '\n')
	}
	_, err := s.out.Write(raw)
	return err
}

// encode writes v as indented JSON, for data that no API answered.
func (s *screen) encode(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// line writes v as JSON on one line.
func (s *screen) line(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// clean makes recorded text fit for one line of a terminal: what clients sent must not move its cursor.
func clean(t string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, t)
}

// cleanLines is clean, but keeps lines and tabs.
func cleanLines(t string) string {
	lines := strings.Split(strings.ReplaceAll(t, "\r\n", "\n"), "\n")
	for i, l := range lines {
		parts := strings.Split(l, "\t")
		for n := range parts {
			parts[n] = clean(parts[n])
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n")
}

// moment is a time of the API in this machine's zone. Unknown stays "-".
func (s *screen) moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(s.zone).Format(time.DateTime)
}

// brief is a moment as short as it can be: today's have no date.
func (s *screen) brief(t time.Time) string {
	t = t.In(s.zone)
	switch now := s.now.In(s.zone); {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format(time.TimeOnly)
	case t.Year() == now.Year():
		return t.Format("01-02 15:04:05")
	}
	return t.Format(time.DateTime)
}

// money is a decimal string of dollars as the API gave it. Unknown is not zero.
func money(usd *string) string {
	if usd == nil || *usd == "" {
		return "unknown"
	}
	return *usd
}

// count writes a number with its thousands apart.
func count(n int64) string {
	t := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, t = "-", t[1:]
	}
	for i := len(t) - 3; i > 0; i -= 3 {
		t = t[:i] + "," + t[i:]
	}
	return sign + t
}

// millis writes milliseconds, seconds above ten thousand of them. Unknown is "-".
func millis(ms *float64) string {
	switch {
	case ms == nil:
		return "-"
	case *ms >= 10_000:
		return fmt.Sprintf("%.1f s", *ms/1000)
	case *ms > 0 && *ms < 10:
		return fmt.Sprintf("%.1f ms", *ms)
	}
	return fmt.Sprintf("%.0f ms", *ms)
}

// statusColour shows at a glance which calls did not end well.
func statusColour(status string) text.Colors {
	switch status {
	case "ok", "active":
		return text.Colors{text.FgGreen}
	case "error", "cut", "revoked":
		return text.Colors{text.FgRed}
	}
	return text.Colors{text.FgYellow}
}

// noun joins a number and its noun.
func noun(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(int64(n)) + " " + one + "s"
}
