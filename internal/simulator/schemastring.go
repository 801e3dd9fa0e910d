package simulator

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"
)

var (
	emailInText = regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]*\w`)
	urlInText   = regexp.MustCompile(`https?://[^\s"'<>)]+`)
	dateInText  = regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}\b`)
	idInText    = regexp.MustCompile(`\b[A-Z]{2,}-?\d{2,}\b|#\d{2,}\b`)
	nameInText  = regexp.MustCompile(`\b[A-Z][a-z]+(?: [A-Z][a-z]+)+\b`)
	placeInText = regexp.MustCompile(`\b(?:in|at|to|from|for|near) ([A-Z][\p{L}-]+(?: [A-Z][\p{L}-]+)?)`)
)

// someday is the day that generated dates are counted from.
var someday = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// string writes a string for a property: what the text says under that name where it can be told, else an invention.
func (f filler) string(s schema, name string) string {
	v := f.formatted(s.Format)
	if v == "" {
		v = f.named(strings.ToLower(name), s.Description)
	}
	if s.Pattern != "" {
		v = f.matching(s.Pattern, v)
	}
	if s.MaxLength != nil {
		if r := []rune(v); len(r) > *s.MaxLength {
			v = strings.TrimSpace(string(r[:*s.MaxLength]))
		}
	}
	for n := len([]rune(v)); n < s.MinLength; n = len([]rune(v)) {
		v += strings.Repeat("x", s.MinLength-n)
	}
	return v
}

// formatted obeys the schema's format; "" for none.
func (f filler) formatted(format string) string {
	day := someday.AddDate(0, 0, f.r.IntN(300)).Add(time.Duration(f.r.IntN(86_400)) * time.Second)
	switch format {
	case "date":
		return cmp.Or(dateInText.FindString(f.text), day.Format(time.DateOnly))
	case "date-time":
		return day.Format(time.RFC3339)
	case "time":
		return day.Format("15:04:05Z")
	case "duration":
		return fmt.Sprintf("PT%dM", 5+f.r.IntN(90))
	case "email":
		return cmp.Or(emailInText.FindString(f.text), fmt.Sprintf("user%d@example.com", f.r.IntN(900)+100))
	case "uri", "url":
		return cmp.Or(urlInText.FindString(f.text), fmt.Sprintf("https://example.com/%s", strings.ReplaceAll(identifier(f.phrase(0), false), "_", "-")))
	case "hostname":
		return "example.com"
	case "ipv4":
		return fmt.Sprintf("192.0.2.%d", 1+f.r.IntN(250))
	case "ipv6":
		return fmt.Sprintf("2001:db8::%x", 1+f.r.IntN(60_000))
	case "uuid":
		h := hexID(f.r, 32)
		return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
	}
	return ""
}

// named guesses from the property's name what is wanted.
func (f filler) named(name, description string) string {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(name, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("email"):
		return f.formatted("email")
	case has("url", "link", "website"):
		return f.formatted("uri")
	case has("date", "day", "deadline"):
		return f.formatted("date")
	case name == "id" || strings.HasSuffix(name, "_id") || has("number", "ticket", "sku", "code"):
		return cmp.Or(idInText.FindString(f.text), fmt.Sprintf("WR-%05d", f.r.IntN(100_000)))
	case has("city", "location", "place", "country", "gauge", "station", "address", "region"):
		if m := placeInText.FindStringSubmatch(f.text); m != nil {
			return m[1]
		}
		return pick(f.r, []string{"Kingston", "Teddington", "Bern", "Utrecht", "Graz", "Molesey"})
	case has("name", "author", "person", "customer", "assignee"):
		return cmp.Or(nameInText.FindString(f.text), pick(f.r, []string{"Ada Brook", "Jonas Weil", "Mara Stein", "Tom Sluis", "Ines Ford"}))
	case has("summary", "reason", "description", "explanation", "comment", "rationale", "text", "answer", "message", "body", "content", "feedback", "thought"):
		all := topicOf(f.text, description).say
		ph := phrases(f.text)
		return strings.NewReplacer("{a}", ph[0], "{b}", ph[1], "{n}", fmt.Sprint(2+f.r.IntN(20)), "{id}", "WR-10482", "{day}", "Tuesday").Replace(ranked(all, stemsOf(f.text), f.r)[0])
	case has("language", "lang"):
		return "en"
	case has("currency"):
		return pick(f.r, []string{"USD", "EUR", "CHF"})
	case has("sentiment"):
		return pick(f.r, []string{"positive", "neutral", "negative"})
	case has("unit"):
		return "m"
	case has("query", "sql"):
		return strings.Join(phrases(f.text)[:2], " ")
	}
	return f.phrase(f.r.IntN(3))
}

// phrase is the i-th thing the text is about.
func (f filler) phrase(i int) string {
	all := phrases(f.text)
	return all[i%len(all)]
}

// matching returns v when it matches the pattern, else the first of some usual forms that does.
func (f filler) matching(pattern, v string) string {
	re, err := regexp.Compile(pattern)
	if err != nil || re.MatchString(v) {
		return v
	}
	n := fmt.Sprintf("%05d", f.r.IntN(100_000))
	for _, c := range []string{
		idInText.FindString(f.text), dateInText.FindString(f.text), "WR-" + n, "WR" + n, "ABC-" + n[:3], "ABC" + n[:3], "A" + n[:3],
		n, n[:4], n[:3], n[:2], n[:1], "wr-" + n, identifier(f.phrase(0), false), identifier(f.phrase(0), true),
		strings.ToUpper(identifier(f.phrase(0), false)), "abc", "ABC", "AB", "2026-03-02", "2026-03-02T09:00:00Z", "09:00", "+41315550123", "1.0.0", "v1.0.0", "#336699", "yes", "true",
	} {
		if c != "" && re.MatchString(c) {
			return c
		}
	}
	return v
}

var keyInText = regexp.MustCompile("[\"'`]([a-zA-Z_][a-zA-Z0-9_]{0,40})[\"'`]\\s*(?::|\\(|,|\\band\\b|\\}|\\.|$)")

// freeObject writes a JSON object without a schema: with the keys the prompt names in quotes, or with a few of its own.
func (p prompt) freeObject(r *rand.Rand) string {
	f := filler{text: p.last(), r: r}
	var keys []string
	seen := map[string]bool{}
	for _, m := range keyInText.FindAllStringSubmatch(p.system+"\n"+f.text, -1) {
		if !seen[m[1]] && len(keys) < 12 {
			seen[m[1]] = true
			keys = append(keys, m[1])
		}
	}
	if len(keys) == 0 {
		keys = []string{"topic", "summary", "confidence"}
	}
	var w bytes.Buffer
	w.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			w.WriteByte(',')
		}
		writeString(&w, k)
		w.WriteByte(':')
		f.free(&w, strings.ToLower(k), r)
	}
	w.WriteByte('}')
	return w.String()
}

// free writes a value whose kind only the key tells.
func (f filler) free(w *bytes.Buffer, key string, r *rand.Rand) {
	zero, one := 0.0, 1.0
	switch {
	case strings.Contains(key, "score") || strings.Contains(key, "confidence") || strings.Contains(key, "probability"):
		w.WriteString(f.number(schema{Type: []byte(`"number"`), Minimum: &zero, Maximum: &one}))
	case strings.HasPrefix(key, "is_") || strings.HasPrefix(key, "has_") || key == "pass" || key == "passed" || key == "correct":
		fmt.Fprint(w, r.IntN(4) > 0)
	case strings.Contains(key, "count") || strings.Contains(key, "amount") || strings.Contains(key, "quantity") || key == "age" || key == "rating":
		w.WriteString(f.number(schema{Type: []byte(`"integer"`), Minimum: &one}))
	case strings.HasSuffix(key, "s") && !strings.HasSuffix(key, "ss") && !strings.HasSuffix(key, "us"):
		f.array(w, schema{}, key, 0)
	default:
		writeString(w, f.string(schema{}, key))
	}
}
