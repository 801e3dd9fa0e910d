package api

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/internal/parquet"
	"github.com/weir-dev/weir/llm"
)

// rowsOf reads a Parquet file.
func rowsOf(t *testing.T, file []byte) (columns []string, out []parquet.Row) {
	t.Helper()
	columns, rows, err := parquet.Read(file, parquet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	return columns, out
}

func TestExportAsParquet(t *testing.T) {
	w := newWorld(t)
	w.costs()
	rec := w.ask("GET", "/export/calls?format=parquet&bodies=true", "")
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != contentParquet || rec.Header().Get("Content-Disposition") != `attachment; filename="weir-calls.parquet"` {
		t.Fatalf("%d %v", rec.Code, rec.Header())
	}
	columns, rows := rowsOf(t, rec.Body.Bytes())
	if diff := cmp.Diff(append(append([]string{}, callColumns...), "request", "response"), columns); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, tt := range []struct {
		row    int
		column string
		want   any
	}{
		{0, "id", "call-1"},
		{0, "start_time", time.Date(2026, 11, 23, 8, 0, 0, 123_456_000, time.UTC)},
		{0, "tags", map[string]any{"team": "a"}},
		{0, "cost_usd", json.Number("0.000013500")},
		{0, "ttft_ms", 210.1},
		{0, "finish_reasons", []any{"stop"}},
		{0, "stream", true},
		{0, "input_uncached", int64(10)},
		{0, "request", string(example().Body.Request)},
		{1, "cost_usd", nil},
		{1, "ttft_ms", nil},
		{2, "output_audio", int64(8)},
		{2, "saved_usd", json.Number("0.000013500")},
	} {
		if diff := cmp.Diff(tt.want, rows[tt.row][tt.column]); diff != "" {
			t.Errorf("row %d, %s: -want +got\n%s", tt.row, tt.column, diff)
		}
	}
	if _, rows := rowsOf(t, w.ask("GET", "/export/calls?format=parquet&project=none", "").Body.Bytes()); len(rows) != 0 {
		t.Errorf("of nothing: %v", rows)
	}
	if to := os.Getenv("WEIR_TEST_PARQUET"); to != "" { // for another program to read
		if err := os.WriteFile(to, rec.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDatasetsAreFiles(t *testing.T) {
	w := newWorld(t)
	as := func(kind string) func(*http.Request) { return header("Content-Type", kind) }
	made := decode[madeText](t, w.ask("POST", "/datasets/faq/import?message=why", `{"id":"a","input":"x","expected":"y"}`, as("application/x-ndjson")).Body.Bytes())
	if made.Version != 1 || made.Items != 1 || made.Message != "why" {
		t.Errorf("%+v", made)
	}
	file := w.ask("GET", "/datasets/faq/export?format=parquet", "")
	if file.Code != http.StatusOK || file.Header().Get("Content-Type") != contentParquet || file.Header().Get("Content-Disposition") != `attachment; filename="faq-1.parquet"` {
		t.Fatalf("%d %v", file.Code, file.Header())
	}
	if made = decode[madeText](t, w.ask("POST", "/datasets/faq/import", file.Body.String(), as(contentParquet)).Body.Bytes()); made.Made || made.Version != 1 {
		t.Errorf("what was exported is another version: %+v", made)
	}
	if made = decode[madeText](t, w.ask("POST", "/datasets/faq/import?input=q", "q,expected\nx?,y\n", as("text/csv; charset=utf-8")).Body.Bytes()); made.Version != 2 {
		t.Errorf("%+v", made)
	}
	if got := w.ask("GET", "/datasets/faq/export?version=1", "").Body.String(); got != `{"id":"a","input":"x","expected":"y"}`+"\n" {
		t.Errorf("%q", got)
	}
	w.refused(w.ask("POST", "/datasets/faq/import", "{}", as("application/json")), 400, llm.InvalidRequest, "application/json", "text/csv")
	w.refused(w.ask("POST", "/datasets/faq/import", "{}\n{", as("application/x-ndjson")), 400, llm.InvalidRequest, "file:1: there is no input", "file:2: it is not JSON")
	w.refused(w.ask("POST", "/datasets/faq/import", "PAR1", as(contentParquet)), 400, llm.InvalidRequest, "Parquet")
	w.refused(w.ask("GET", "/datasets/faq/export?format=xml", ""), 400, llm.InvalidRequest, "parquet")
	w.refused(w.ask("GET", "/datasets/none/export", ""), 404, llm.NotFound)
}

type madeText struct {
	Version, Items int
	Message        string
	Made           bool
}
