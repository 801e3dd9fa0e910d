package simulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// modelEntry is a model as GET /v1/models tells of it.
type modelEntry struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func entryOf(id, owner string) modelEntry {
	return modelEntry{id, "model", someday.Unix(), owner}
}

// listModels answers GET /v1/models.
func (s *Simulator) listModels(w http.ResponseWriter, _ *http.Request) error {
	out := struct {
		Object string       `json:"object"`
		Data   []modelEntry `json:"data"`
	}{Object: "list"}
	for id, m := range s.models {
		out.Data = append(out.Data, entryOf(id, m.owner))
	}
	slices.SortFunc(out.Data, func(a, b modelEntry) int { return cmp.Compare(a.ID, b.ID) })
	return writeJSON(w, out)
}

// showModel answers GET /v1/models/{id}.
func (s *Simulator) showModel(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	m, ok := s.lookup(id)
	if !ok {
		return modelNotFound(id)
	}
	return writeJSON(w, entryOf(id, m.owner))
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// harmful maps each category of a moderation to words that raise it.
var harmful = []struct {
	category string
	words    []string
}{
	{"harassment", []string{"idiot", "stupid", "loser", "moron"}},
	{"hate", []string{"subhuman", "vermin"}},
	{"illicit", []string{"counterfeit", "steal", "launder"}},
	{"self-harm", []string{"suicide", "self-harm"}},
	{"sexual", []string{"porn", "nude"}},
	{"violence", []string{"kill", "stab", "shoot", "bomb", "attack"}},
}

// moderate answers POST /v1/moderations by looking for words.
func (s *Simulator) moderate(x *exchange) error {
	var q struct {
		Input json.RawMessage `json:"input"`
	}
	if err := decode(x.body, &q); err != nil {
		return err
	}
	if len(q.Input) == 0 {
		return missing("input")
	}
	var texts []string
	if inputs, err := readInputs(q.Input, "input"); err == nil {
		for _, in := range inputs {
			texts = append(texts, in.text)
		}
	} else if text := contentText(q.Input); text != "" {
		texts = []string{text}
	} else {
		return err
	}
	type result struct {
		Flagged    bool               `json:"flagged"`
		Categories map[string]bool    `json:"categories"`
		Scores     map[string]float64 `json:"category_scores"`
	}
	out := struct {
		ID      string   `json:"id"`
		Model   string   `json:"model"`
		Results []result `json:"results"`
	}{ID: "modr-" + newID(x.dice, 24), Model: x.model.name()}
	for _, text := range texts {
		res := result{Categories: map[string]bool{}, Scores: map[string]float64{}}
		have := strings.Fields(strings.Join(words(text), " "))
		for _, h := range harmful {
			score := .0001 + .01*x.dice.Float64()
			if slices.ContainsFunc(h.words, func(w string) bool { return slices.Contains(have, w) }) {
				score = .7 + .29*x.dice.Float64()
			}
			res.Scores[h.category] = score
			res.Categories[h.category] = score > .5
			res.Flagged = res.Flagged || score > .5
		}
		out.Results = append(out.Results, res)
	}
	if err := x.pace.start(x.ctx, 0); err != nil {
		return err
	}
	return s.plain(x, out)
}
