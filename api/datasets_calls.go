package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
)

// mostAdded bounds the calls that are added to a dataset at one time.
const mostAdded = 100

// addedCalls says which calls become items of a dataset.
type addedCalls struct {
	CallIDs  []string `json:"call_ids"`
	Message  string   `json:"message,omitempty"`
	Expected string   `json:"expected,omitempty"` // answer: what was answered is what is expected; none: nothing is
}

// datasetWithCalls is the version that has the calls, and the calls whose question an item asks already.
type datasetWithCalls struct {
	madeDataset
	Added   int            `json:"added"`
	Present []presentCall  `json:"present"`
	Skipped map[string]int `json:"skipped"` // by reason
}

// presentCall is a call whose question is in the dataset already.
type presentCall struct {
	CallID string `json:"call_id"`
	ItemID string `json:"item_id"`
}

// datasetCallRoutes are those that put single calls into datasets.
func (a *API) datasetCallRoutes() []route {
	return []route{{
		method: "POST", path: "/datasets/{name}/calls", name: "addCallsToDataset", role: account.Developer,
		summary: "Store a version that has single calls beside the items of the newest one; a question that an item asks already is not added again",
		in:      addedCalls{}, status: http.StatusCreated, out: datasetWithCalls{}, handle: a.addCallsToDataset,
	}}
}

func (a *API) addCallsToDataset(w http.ResponseWriter, r *http.Request) error {
	var in addedCalls
	if err := read(r, &in); err != nil {
		return err
	}
	switch {
	case len(in.CallIDs) == 0 || len(in.CallIDs) > mostAdded:
		return bad("call_ids", "call_ids names %d calls: want 1 to %d", len(in.CallIDs), mostAdded)
	case !slices.Contains([]string{"", "answer", "none"}, in.Expected):
		return bad("expected", "expected=%q is unknown: want answer or none", clip(in.Expected))
	}
	name := r.PathValue("name")
	version, s, err := a.cfg.Datasets.Dataset(r.Context(), name, "")
	if err != nil && !errors.Is(err, eval.ErrNoDataset) {
		return fmt.Errorf("read dataset: %w", err)
	}
	asked := make(map[string]string, len(s.Items))
	for i := range s.Items {
		asked[string(s.Items[i].Input)] = s.Items[i].ID
	}
	out := datasetWithCalls{Present: []presentCall{}, Skipped: map[string]int{}}
	items := slices.Clone(s.Items)
	for _, id := range in.CallIDs {
		rec, err := a.record(r, id)
		if err != nil {
			return fmt.Errorf("read call %s: %w", clip(id), err)
		}
		it, reason := eval.ItemOfCall(&rec, in.Expected != "none")
		if reason != "" {
			out.Skipped[reason]++
			continue
		}
		if there, ok := asked[string(it.Input)]; ok {
			out.Present = append(out.Present, presentCall{id, there})
			continue
		}
		asked[string(it.Input)] = it.ID
		items, out.Added = append(items, it), out.Added+1
	}
	if out.Added == 0 {
		if len(out.Present) == 0 {
			return bad("call_ids", "none of these calls can be made an item%s", reasons(out.Skipped))
		}
		out.madeDataset = madeDataset{versionOf(version), false}
		return answer(w, http.StatusCreated, out)
	}
	if out.madeDataset, err = a.storeDataset(r, name, in.Message, items, s.Splits); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, out)
}
