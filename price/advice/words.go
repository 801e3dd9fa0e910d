package advice

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/weir-dev/weir/price"
)

// named says what a group is of.
func named(g Group) string {
	parts := []string{g.Model}
	for _, p := range []struct{ what, value string }{{"prompt ", g.Prompt}, {"key ", g.Key}, {"user ", g.User}, {"project ", g.Project}} {
		if p.value != "" {
			parts = append(parts, p.what+quoted(p.value))
		}
	}
	return strings.Join(parts, ", ")
}

// quoted is a name of a client's on one short line.
func quoted(s string) string {
	const most = 60
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

// filter is the group as GET /calls picks it.
func (g Group) filter() map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{
		"project": g.Project, "provider": g.Provider, "model": g.Model, "prompt": g.Prompt, "key": g.Key, "user": g.User,
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

func whole(v float64) string { return strconv.FormatFloat(math.Round(v), 'f', 0, 64) }

// percent is a share in whole percents.
func percent(part, of float64) string {
	if of == 0 {
		return "0"
	}
	return whole(100 * part / of)
}

// nano is an amount of dollars, within what a row can hold.
func nano(dollars float64) price.USD {
	n := math.Round(dollars * 1e9)
	switch most := float64(price.MaxUSD); {
	case n >= most:
		return price.MaxUSD
	case n <= -most:
		return -price.MaxUSD
	}
	return price.USD(n)
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	if n%2 == 1 {
		return list[n/2]
	}
	return (list[n/2-1] + list[n/2]) / 2
}
