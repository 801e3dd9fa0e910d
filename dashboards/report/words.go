package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/weir-dev/weir/price"
)

// longest is how many characters of a name are shown.
const longest = 80

// nameText is somebody's text for one line: without control characters and those that turn the direction of what follows, and not too long.
func nameText(s string) string {
	if s == "" {
		return "(none)"
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == 0x2028 || r == 0x2029:
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x61c:
			return -1
		}
		return r
	}, strings.ToValidUTF8(clip(s, 4*longest), "\uFFFD"))
	return clip(s, longest)
}

// clip ends text after some characters.
func clip(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// usd is an amount as people read it: cents from a dollar on, and three digits that say something below.
func usd(u price.USD) string {
	sign, v := "", u
	if v < 0 {
		sign, v = "−", -v
	}
	places := 2
	if v > 0 && v < price.Dollar {
		places = min(9, 2-int(math.Floor(math.Log10(v.Float64()))))
	}
	unit := price.USD(1)
	for range 9 - places {
		unit *= 10
	}
	whole, rest := v/unit, v%unit
	if 2*rest > unit || 2*rest == unit && whole%2 == 1 {
		whole++
	}
	text := strconv.FormatInt(int64(whole), 10)
	if len(text) <= places {
		text = strings.Repeat("0", places+1-len(text)) + text
	}
	cents := text[len(text)-places:]
	for len(cents) > 2 && cents[len(cents)-1] == '0' {
		cents = cents[:len(cents)-1]
	}
	return sign + "$" + grouped(text[:len(text)-places]) + "." + cents
}

// known is an amount that may not be known.
func known(u *price.USD) string {
	if u == nil {
		return "not known"
	}
	return usd(*u)
}

// change is a difference with its sign.
func change(u price.USD) string {
	if u > 0 {
		return "+" + usd(u)
	}
	return usd(u)
}

// grouped puts commas into digits.
func grouped(digits string) string {
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func count(n int64) string {
	if n < 0 {
		return "−" + grouped(strconv.FormatInt(-n, 10))
	}
	return grouped(strconv.FormatInt(n, 10))
}

// share is a percentage with a digit behind the point below ten.
func share(v *float64) string {
	if v == nil {
		return "–"
	}
	if math.Abs(*v) < 9.95 {
		return strconv.FormatFloat(*v, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(*v, 'f', 0, 64) + " %"
}

// signed is a change in percent.
func signed(v *float64) string {
	if v == nil {
		return ""
	}
	if *v > 0 {
		return "+" + share(v)
	}
	return strings.Replace(share(v), "-", "−", 1)
}

func millis(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v >= 1000:
		return strconv.FormatFloat(*v/1000, 'f', 2, 64) + " s"
	}
	return strconv.FormatFloat(*v, 'f', 0, 64) + " ms"
}

func mean(v *float64) string {
	if v == nil {
		return "–"
	}
	return strconv.FormatFloat(*v, 'f', 3, 64)
}

// plural is a count with its noun.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// pairs are labels in one line.
func pairs(l map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(l)) {
		out = append(out, nameText(name)+"="+nameText(l[name]))
	}
	return strings.Join(out, " ")
}

// zone is the report's own.
func (r *Report) zone() *time.Location {
	if z, err := time.LoadLocation(r.Timezone); err == nil {
		return z
	}
	return time.UTC
}

// moment is a time of the report's zone.
func (r *Report) moment(t time.Time) string { return t.In(r.zone()).Format("Mon 2 Jan 15:04") }

// of is whose report it is.
func (r *Report) of() string {
	if r.Project == "" {
		return "all projects"
	}
	return "project " + nameText(r.Project)
}

// Subject is the report in one line, for a mail.
func (r *Report) Subject() string {
	return fmt.Sprintf("[weir] %s, %s: %s", r.Title, r.of(), r.headline())
}

// headline is the cost with its change.
func (r *Report) headline() string {
	text := known(r.Total.CostUSD)
	if r.Before.ChangePercent != nil {
		text += " (" + signed(r.Before.ChangePercent) + ")"
	}
	return text
}

// against says in a sentence what the period is compared with.
func (r *Report) against() string {
	if r.Running() {
		return fmt.Sprintf("so far, against the same time of %s", r.Before.Name)
	}
	return "against " + r.Before.Name
}

// breaches are the words for kinds of Breach.
var breaches = map[string]string{
	"reached": "limit reached", "refused": "calls refused", "downgraded": "calls sent to a cheaper target", "cut": "streams cut", "overrun": "calls dearer than what was held",
}

// windowText names a budget's window.
func windowText(w price.Window) string {
	if d, ok := w.Rolling(); ok {
		return "rolling " + d.String()
	}
	return string(w)
}

// limits are a budget's.
func (b *Budget) limits() string {
	var out []string
	if b.LimitUSD != nil {
		out = append(out, usd(*b.LimitUSD))
	}
	if b.LimitTokens != nil {
		out = append(out, plural(*b.LimitTokens, "token", "tokens"))
	}
	if b.LimitCalls != nil {
		out = append(out, plural(*b.LimitCalls, "call", "calls"))
	}
	return strings.Join(out, ", ")
}

// spent is what was used of it, in the terms of its limits.
func (b *Budget) spent() string {
	var out []string
	if b.LimitUSD != nil {
		out = append(out, usd(b.SpentUSD))
	}
	if b.LimitTokens != nil {
		out = append(out, plural(b.SpentTokens, "token", "tokens"))
	}
	if b.LimitCalls != nil {
		out = append(out, plural(b.SpentCalls, "call", "calls"))
	}
	return strings.Join(out, ", ")
}

// topCategories are the most frequent ones of a score, with their shares.
func (s *Score) topCategories() string {
	names := slices.SortedFunc(maps.Keys(s.Categories), func(a, b string) int {
		if d := s.Categories[b] - s.Categories[a]; d != 0 {
			return int(d)
		}
		return strings.Compare(a, b)
	})
	var out []string
	for _, name := range names[:min(3, len(names))] {
		out = append(out, nameText(name)+" "+share(percent(float64(s.Categories[name]), float64(s.N))))
	}
	return strings.Join(out, ", ")
}
