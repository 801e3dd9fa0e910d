package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
)

// Bounds of datasets.
const (
	maxDataset = 64 << 20 // bytes of a request
	mostItems  = 200_000  // of a version
	mostCalls  = 10_000   // that one request makes items of
)

// newDataset is a version of a dataset that is to be stored.
type newDataset struct {
	Name    string       `json:"name"`
	Items   []eval.Item  `json:"items"`
	Splits  []eval.Split `json:"splits,omitempty"`
	Message string       `json:"message,omitempty"` // why it is as it is
}

// datasetVersion is a version of a dataset.
type datasetVersion struct {
	Name      string       `json:"name"`
	Version   int          `json:"version"`
	Hash      string       `json:"hash"`
	Items     int          `json:"items"`
	Splits    []eval.Split `json:"splits"`
	Message   string       `json:"message"`
	Author    string       `json:"author"`
	CreatedAt stamp        `json:"created_at"`
}

// madeDataset is a version that is stored now.
type madeDataset struct {
	datasetVersion
	Made bool `json:"made"` // false: the newest version says the same, and is this one
}

type datasetList struct {
	Datasets []datasetVersion `json:"datasets"` // the newest version of each
}

type datasetVersions struct {
	Versions []datasetVersion `json:"versions"`
}

// datasetItems is a version with its items.
type datasetItems struct {
	Name    string       `json:"name"`
	Version int          `json:"version"`
	Hash    string       `json:"hash"`
	Splits  []eval.Split `json:"splits"`
	Items   []eval.Item  `json:"items"`
}

// datasetDiff is what differs between two versions, item by item.
type datasetDiff struct {
	From datasetVersion `json:"from"`
	To   datasetVersion `json:"to"`
	eval.Difference
}

// datasetFromCalls says what items are made of calls.
type datasetFromCalls struct {
	Message  string `json:"message,omitempty"`
	Limit    int    `json:"limit,omitempty"`    // items at most; 1000 unless given
	Expected string `json:"expected,omitempty"` // answer: what was answered is what is expected; none: nothing is
}

// datasetOfCalls is the version, and the calls that made no item.
type datasetOfCalls struct {
	madeDataset
	Skipped map[string]int `json:"skipped"` // by reason
}

// datasetRoutes are those of datasets.
func (a *API) datasetRoutes() []route {
	version := param{name: "version", about: "a version's number, or the beginning of its hash; the newest unless given"}
	return []route{
		{
			method: "GET", path: "/datasets", name: "listDatasets", summary: "All datasets by name, the newest version of each",
			status: http.StatusOK, out: datasetList{}, handle: a.listDatasets,
		},
		{
			method: "POST", path: "/datasets", name: "putDataset", summary: "Store items as the next version of a dataset; what the newest version says already is that version", role: account.Developer,
			in: newDataset{}, status: http.StatusCreated, out: madeDataset{}, maxBody: maxDataset, handle: a.putDataset,
		},
		{
			method: "GET", path: "/datasets/{name}", name: "getDataset", summary: "The versions of a dataset, newest first",
			status: http.StatusOK, out: datasetVersions{}, handle: a.getDataset,
		},
		{
			method: "DELETE", path: "/datasets/{name}", name: "deleteDataset", summary: "Remove a dataset with all its versions; runs keep their items", role: account.Developer,
			status: http.StatusNoContent, handle: a.deleteDataset,
		},
		{
			method: "GET", path: "/datasets/{name}/items", name: "getDatasetItems", summary: "A version whole", params: []param{version},
			status: http.StatusOK, out: datasetItems{}, handle: a.getDatasetItems,
		},
		{
			method: "GET", path: "/datasets/{name}/diff", name: "diffDataset", summary: "What differs between two versions, item by item",
			params: []param{{name: "from", about: "a version's number, or the beginning of its hash", required: true}, {name: "to", about: "the same; the newest unless given"}},
			status: http.StatusOK, out: datasetDiff{}, handle: a.diffDataset,
		},
		{
			method: "POST", path: "/datasets/{name}/from-calls", name: "makeDatasetFromCalls", role: account.Developer,
			summary: "Make a version of recorded calls, the oldest first, with the content that was recorded of them", params: filterParams,
			in: datasetFromCalls{}, status: http.StatusCreated, out: datasetOfCalls{}, handle: a.makeDatasetFromCalls,
		},
	}
}

func versionOf(v eval.Version) datasetVersion {
	return datasetVersion{v.Dataset, v.Number, v.Hash, v.Items, list(v.Splits), v.Message, v.Author, stamp(v.CreatedAt)}
}

// datasetFault finds the fault of an error about datasets.
func datasetFault(err error) error {
	if errors.Is(err, eval.ErrNoDataset) {
		return llm.Faultf(llm.NotFound, "there is no such dataset or version; GET %s/datasets lists them", prefix).Because(err)
	}
	return err
}

func (a *API) listDatasets(w http.ResponseWriter, r *http.Request) error {
	all, err := a.cfg.Datasets.ListDatasets(r.Context())
	if err != nil {
		return fmt.Errorf("list datasets: %w", err)
	}
	out := datasetList{Datasets: make([]datasetVersion, len(all))}
	for i, v := range all {
		out.Datasets[i] = versionOf(v)
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) putDataset(w http.ResponseWriter, r *http.Request) error {
	var in newDataset
	if err := read(r, &in); err != nil {
		return err
	}
	made, err := a.storeDataset(r, in.Name, in.Message, in.Items, in.Splits)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, made)
}

// storeDataset checks items and stores them.
func (a *API) storeDataset(r *http.Request, name, message string, items []eval.Item, splits []eval.Split) (madeDataset, error) {
	switch {
	case !isName(name):
		return madeDataset{}, bad("name", "the name %q is none: want 1 to 64 letters, digits, dots, dashes and underscores", clip(name))
	case len(message) > longestComment:
		return madeDataset{}, bad("message", "the message is %d bytes long: at most %d are kept", len(message), longestComment)
	case len(items) > mostItems:
		return madeDataset{}, bad("items", "%d items: a version has at most %d", len(items), mostItems)
	}
	for i := range items {
		if err := items[i].Settle(); err != nil {
			return madeDataset{}, bad("items", "item %d: %v", i+1, err)
		}
	}
	s, err := eval.NewSnapshot(items, splits...)
	if err != nil {
		return madeDataset{}, bad("items", "%v", err)
	}
	v, made, err := a.cfg.Datasets.PutDataset(r.Context(), eval.Version{Dataset: name, Message: message, Author: callerOf(r).name, CreatedAt: time.Now()}, &s)
	if err != nil {
		return madeDataset{}, fmt.Errorf("store dataset: %w", err)
	}
	return madeDataset{versionOf(v), made}, nil
}

func (a *API) getDataset(w http.ResponseWriter, r *http.Request) error {
	all, err := a.cfg.Datasets.DatasetVersions(r.Context(), r.PathValue("name"))
	if err != nil {
		return datasetFault(err)
	}
	out := datasetVersions{Versions: make([]datasetVersion, len(all))}
	for i, v := range all {
		out.Versions[i] = versionOf(v)
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) deleteDataset(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Datasets.DeleteDataset(r.Context(), r.PathValue("name")); err != nil {
		return datasetFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) getDatasetItems(w http.ResponseWriter, r *http.Request) error {
	v, s, err := a.cfg.Datasets.Dataset(r.Context(), r.PathValue("name"), r.URL.Query().Get("version"))
	if err != nil {
		return datasetFault(err)
	}
	return answer(w, http.StatusOK, datasetItems{v.Dataset, v.Number, v.Hash, list(s.Splits), s.Items})
}

func (a *API) diffDataset(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Get("from") == "" {
		return bad("from", "from is missing: name the version to compare with")
	}
	var out datasetDiff
	var both [2]eval.Snapshot
	for i, ref := range []string{q.Get("from"), q.Get("to")} {
		v, s, err := a.cfg.Datasets.Dataset(r.Context(), r.PathValue("name"), ref)
		if err != nil {
			return datasetFault(err)
		}
		both[i] = s
		if i == 0 {
			out.From = versionOf(v)
		} else {
			out.To = versionOf(v)
		}
	}
	out.Difference = eval.Diff(&both[0], &both[1])
	return answer(w, http.StatusOK, out)
}

func (a *API) makeDatasetFromCalls(w http.ResponseWriter, r *http.Request) error {
	var in datasetFromCalls
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Limit == 0 {
		in.Limit = 1000
	}
	switch {
	case in.Limit < 1 || in.Limit > mostCalls:
		return bad("limit", "limit is %d: want 1 to %d", in.Limit, mostCalls)
	case !slices.Contains([]string{"", "answer", "none"}, in.Expected):
		return bad("expected", "expected=%q is unknown: want answer or none", clip(in.Expected))
	}
	f, err := readFilter(r.URL.Query(), time.Now(), time.UTC)
	if err != nil {
		return err
	}
	out := datasetOfCalls{Skipped: map[string]int{}}
	var items []eval.Item
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	for rec, err := range a.cfg.Reader.Export(ctx, f, true) {
		if err != nil {
			return fmt.Errorf("read calls: %w", err)
		}
		it, reason := eval.ItemOfCall(&rec, in.Expected != "none")
		if reason != "" {
			out.Skipped[reason]++
			continue
		}
		if items = append(items, it); len(items) == in.Limit {
			break
		}
	}
	if len(items) == 0 {
		return bad("", "no recorded call that these filters pick can be made an item%s", reasons(out.Skipped))
	}
	if out.madeDataset, err = a.storeDataset(r, r.PathValue("name"), in.Message, items, nil); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, out)
}

// reasons lists why calls were passed over.
func reasons(skipped map[string]int) string {
	var parts []string
	for reason, n := range skipped {
		parts = append(parts, fmt.Sprintf("%d: %s", n, reason))
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return ": there is none"
	}
	return " (" + strings.Join(parts, "; ") + ")"
}
