package simulator

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// passage is a piece of context the prompt came with.
type passage struct{ label, text string }

var (
	labelled   = regexp.MustCompile(`(?m)^\s*(?:\[([\w.:#/-]{1,64})\]|(?:passage|document|source|chunk)\s+\[?([\w.-]{1,32})\]?\s*[:.)])\s*`)
	contextTag = regexp.MustCompile(`(?is)<(?:context|passages|documents|sources)>(.*?)</(?:context|passages|documents|sources)>`)
	contextHdr = regexp.MustCompile(`(?is)(?:^|\n)\s*(?:context|passages|documents|sources)\s*:\s*\n?(.*?)(?:\n\s*(?:question|query|user)\s*:|$)`)
	questionAt = regexp.MustCompile(`(?is)(?:^|\n)\s*(?:question|query)\s*:\s*(.+)$`)
)

// passages finds context in a text: lines that open with [label], or what stands under "Context:".
func passages(text string) []passage {
	var out []passage
	if at := labelled.FindAllStringSubmatchIndex(text, -1); len(at) > 0 {
		for i, m := range at {
			end := len(text)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			var label strings.Builder
			for g := 2; g < len(m); g += 2 {
				if m[g] >= 0 {
					label.WriteString(text[m[g]:m[g+1]])
				}
			}
			body := questionAt.ReplaceAllString(text[m[1]:end], "")
			out = append(out, passage{label.String(), strings.TrimSpace(body)})
		}
		return out
	}
	for _, re := range []*regexp.Regexp{contextTag, contextHdr} {
		if m := re.FindStringSubmatch(text); m != nil {
			for part := range strings.SplitSeq(m[1], "\n\n") {
				if part = strings.TrimSpace(part); part != "" {
					out = append(out, passage{text: part})
				}
			}
			return out
		}
	}
	return nil
}

// fromPassages answers from the context in the prompt, in its own sentences, with the labels as citations. It reports
// false when there is no context.
func (p prompt) fromPassages(r *rand.Rand) (string, bool) {
	newest := p.last()
	found := append(passages(p.system), passages(newest)...)
	if len(found) == 0 {
		return "", false
	}
	ask := newest
	if m := questionAt.FindStringSubmatch(newest); m != nil {
		ask = m[1]
	} else if at := labelled.FindAllStringIndex(newest, -1); len(at) > 0 && at[0][0] > 0 {
		ask = newest[:at[0][0]]
	}
	want := stemsOf(ask)
	type scored struct {
		text, label string
		score       int
	}
	var all []scored
	for _, ps := range found {
		title := overlap(stemsOf(ps.text), want)
		for _, s := range sentencesOf(ps.text) {
			if n := overlap(stemsOf(s), want); n > 0 {
				all = append(all, scored{s, ps.label, 4*n + title})
			}
		}
	}
	if len(all) == 0 {
		return fmt.Sprintf("The passages say nothing about %s, so I cannot answer from them.", phrases(ask)[0]), true
	}
	slices.SortStableFunc(all, func(a, b scored) int { return b.score - a.score })
	var out []string
	for i, s := range all[:min(len(all), 1+r.IntN(2))] {
		if i > 0 && 2*s.score < all[0].score {
			break
		}
		text := s.text
		if s.label != "" {
			end := ""
			if before, ok := strings.CutSuffix(text, "."); ok {
				text, end = before, "."
			}
			text += " [" + s.label + "]" + end
		}
		out = append(out, text)
	}
	return strings.Join(out, " "), true
}

// plainWords turns a tool's result into a clause: "level 1.4, unit m" of {"level": 1.4, "unit": "m"}.
func plainWords(result string) string {
	keys, values, err := orderedObject(json.RawMessage(result))
	if err != nil || len(keys) == 0 {
		return strings.TrimSuffix(strings.TrimSpace(result), ".") + "."
	}
	var parts []string
	for i, k := range keys {
		v := strings.Trim(string(values[i]), `"`)
		if len(v) > 60 || strings.ContainsAny(v, "{[") {
			continue
		}
		parts = append(parts, strings.ReplaceAll(k, "_", " ")+" "+v)
	}
	if len(parts) == 0 {
		return "The tool returned " + fmt.Sprint(len(keys)) + " fields."
	}
	return strings.Join(parts, ", ") + "."
}
