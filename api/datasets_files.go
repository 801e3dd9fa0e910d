package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
)

// datasetFiles are the content types of a dataset's file.
var datasetFiles = []string{contentJSONLines, "text/csv", contentParquet}

// datasetFileRoutes are those that speak in files.
func (a *API) datasetFileRoutes() []route {
	return []route{
		{
			method: "POST", path: "/datasets/{name}/import", name: "importDataset", role: account.Developer,
			summary: "Store a file as the next version of a dataset: the body is the file, its content type says which; when anything in it is wrong nothing is stored",
			params: []param{
				{name: "message", about: "why it is as it is"},
				{name: "id", about: "column of the ids, of CSV and Parquet"},
				{name: "input", about: "column of the inputs"},
				{name: "expected", about: "column of what is expected"},
				{name: "context", about: "column of the contexts"},
			},
			takes: datasetFiles, status: http.StatusCreated, out: madeDataset{}, maxBody: maxDataset, handle: a.importDataset,
		},
		{
			method: "GET", path: "/datasets/{name}/export", name: "exportDataset", summary: "A version whole, as a file",
			params: []param{{name: "version", about: "a version's number, or the beginning of its hash; the newest unless given"}, {name: "format", about: "jsonl unless given", enum: []string{"jsonl", "parquet"}}},
			status: http.StatusOK, out: eval.Item{}, also: []string{contentJSONLines, contentParquet}, handle: a.exportDataset,
		},
	}
}

func (a *API) importDataset(w http.ResponseWriter, r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(datasetFiles, kind) {
		return bad("Content-Type", "the content type %q is none of a dataset's file: want %s", clip(r.Header.Get("Content-Type")), strings.Join(datasetFiles, ", "))
	}
	file, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return llm.Faultf(llm.BodyTooLarge, "the file is larger than the %d bytes that the API takes", tooLarge.Limit)
	}
	if err != nil {
		return llm.Faultf(llm.InvalidRequest, "the file did not arrive whole").Because(err)
	}
	q := r.URL.Query()
	as := eval.Columns{ID: q.Get("id"), Input: q.Get("input"), Expected: q.Get("expected"), Context: q.Get("context")}
	var items []eval.Item
	switch kind {
	case contentParquet:
		items, err = eval.ReadParquet("file", file, as)
	case "text/csv":
		items, err = eval.ReadCSV("file", bytes.NewReader(file), as)
	default:
		items, err = eval.ReadJSONL("file", bytes.NewReader(file))
	}
	if err != nil {
		return bad("file", "%s", err)
	}
	made, err := a.storeDataset(r, r.PathValue("name"), q.Get("message"), items, nil)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, made)
}

func (a *API) exportDataset(w http.ResponseWriter, r *http.Request) error {
	format := r.URL.Query().Get("format")
	if !slices.Contains([]string{"", "jsonl", "parquet"}, format) {
		return bad("format", "format=%q is unknown: want jsonl or parquet", clip(format))
	}
	v, s, err := a.cfg.Datasets.Dataset(r.Context(), r.PathValue("name"), r.URL.Query().Get("version"))
	if err != nil {
		return datasetFault(err)
	}
	write, kind, end := eval.WriteJSONL, contentJSONLines, "jsonl"
	if format == "parquet" {
		write, kind, end = eval.WriteParquet, contentParquet, format
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("%s-%d.%s", v.Dataset, v.Number, end)))
	if err := write(w, s.Items); err != nil {
		return a.cut(r, true, err)
	}
	return nil
}
