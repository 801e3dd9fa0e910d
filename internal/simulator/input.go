package simulator

import (
	"encoding/json"
	"fmt"
)

// input is one text of a completion or embedding request.
type input struct{ text string }

// readInputs reads a string, a list of strings, a list of token ids, or a list of such lists.
func readInputs(raw json.RawMessage, param string) ([]input, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []input{{text: text}}, nil
	}
	var texts []string
	if json.Unmarshal(raw, &texts) == nil && len(texts) > 0 {
		out := make([]input, len(texts))
		for i, t := range texts {
			out[i].text = t
		}
		return out, nil
	}
	var ids []int
	if json.Unmarshal(raw, &ids) == nil && len(ids) > 0 {
		return []input{tokenInput(ids)}, nil
	}
	var lists [][]int
	if json.Unmarshal(raw, &lists) == nil && len(lists) > 0 {
		out := make([]input, len(lists))
		for i, ids := range lists {
			out[i] = tokenInput(ids)
		}
		return out, nil
	}
	return nil, invalid(param, "Invalid '"+param+"': expected a string, a list of strings, or lists of token ids, and none of them empty.")
}

// tokenInput stands for text that came as ids: the ids themselves are its words.
func tokenInput(ids []int) input { return input{fmt.Sprint(ids)} }
