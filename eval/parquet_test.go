package eval

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/internal/parquet"
)

func TestItemsPassThroughParquet(t *testing.T) {
	for name, lines := range map[string]string{
		"texts":   `{"id":"a","input":"x","expected":"y"}` + "\n" + `{"id":"b","input":"\"quoted\""}`,
		"objects": `{"id":"a","input":{"messages":[{"role":"user","content":"hi <b>"}]},"expected":["x","y"],"metadata":{"lang":"de","n":1.50}}` + "\n" + `{"id":"b","input":"text","context":["p"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			want, err := ReadJSONL(name, strings.NewReader(lines))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := WriteParquet(&b, want); err != nil {
				t.Fatal(err)
			}
			got, err := ReadParquet(name, b.Bytes(), Columns{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// table is a Parquet file of one row.
func table(t *testing.T, columns []parquet.Column, rows ...[]any) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := parquet.NewWriter(&b, columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestColumnsOfParquetBecomeItems(t *testing.T) {
	file := table(t, []parquet.Column{{Name: "no", Kind: parquet.Int}, {Name: "question", Optional: true}, {Name: "right", Kind: parquet.Texts}, {Name: "price", Kind: parquet.Money}},
		[]any{int64(7), "why?", []string{"a", "b"}, int64(1_500_000_000)})
	got, err := ReadParquet("f", file, Columns{ID: "no", Input: "question", Expected: "right"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Item{{ID: "7", Input: json.RawMessage(`"why?"`), Expected: json.RawMessage(`["a","b"]`), Metadata: map[string]json.RawMessage{"price": json.RawMessage("1.500000000")}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestFaultsOfParquetAreTold(t *testing.T) {
	text := []parquet.Column{{Name: "id"}, {Name: "input", Optional: true}}
	for word, file := range map[string][]byte{
		"f:2: there is no input":  table(t, text, []any{"a", "x"}, []any{"b", nil}),
		`f:2: the id "a" is that`: table(t, text, []any{"a", "x"}, []any{"a", "y"}),
		"no column input":         table(t, []parquet.Column{{Name: "text"}}, []any{"x"}),
		"has no item":             table(t, text),
		"not a Parquet file":      []byte("id,input\na,b\n"),
	} {
		if _, err := ReadParquet("f", file, Columns{}); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v, want %q", err, word)
		}
	}
}
