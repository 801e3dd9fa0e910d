package eval

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadJSONL(t *testing.T) {
	items, err := ReadJSONL("d.jsonl", strings.NewReader("\xef\xbb\xbf{\"id\":7,\"input\":{\"b\":1,\"a\":[1.0]},\"expected\":null,\"level\":\"hard\"}\n\n{\"input\":\"x\",\"context\":[\"c\"],\"metadata\":{\"n\":1}}\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 2 || items[0].ID != "7" || string(items[0].Input) != `{"a":[1.0],"b":1}` || items[0].Expected != nil || string(items[0].Metadata["level"]) != `"hard"` {
		t.Errorf("first: %+v", items[0])
	}
	if len(items[1].ID) != 12 || string(items[1].Context) != `["c"]` || string(items[1].Metadata["n"]) != "1" {
		t.Errorf("second: %+v", items[1])
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	jsonl := func(text string) error { _, err := ReadJSONL("f", strings.NewReader(text)); return err }
	csv := func(text string) error { _, err := ReadCSV("f", strings.NewReader(text), Columns{}); return err }
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"empty", jsonl(""), "f has no item: a dataset needs one at least"},
		{"blank lines", jsonl("\n \n"), "f has no item: a dataset needs one at least"},
		{"not JSON, a list, null, no input", jsonl("{\"id\":\n[1]\nnull\n{\"id\":\"a\"}\n"), "f:1: it is not JSON, at character 6: unexpected end of JSON input\n" +
			"f:2: it is not a JSON object: want {\"id\": …, \"input\": …, \"expected\": …}\nf:3: it is null: want {\"id\": …, \"input\": …, \"expected\": …}\nf:4: there is no input"},
		{"twice", jsonl("{\"id\":\"a\",\"input\":1}\n{\"id\":\"a\",\"input\":2}"), `f:2: the id "a" is that of line 1`},
		{"the same without ids", jsonl("{\"input\":1}\n{\"input\":1}"), "f:2: the id \"6d3eb3b1ab26\" is that of line 1"},
		{"not UTF-8", jsonl("{\"input\":\"\xff\"}"), "f:1: it is not text in UTF-8"},
		{"an id that is a list", jsonl(`{"id":[1],"input":1}`), "f:1: the id is neither text nor a number"},
		{"metadata", jsonl(`{"input":1,"metadata":[]}`), "f:1: metadata is not an object"},
		{"an empty table", csv(""), "f is empty: the first line names the columns"},
		{"no row", csv("input,expected\n"), "f has no item: a dataset needs one at least"},
		{"no column", csv("a,b\n1,2\n"), "f:1: there is no column input; there is a, b"},
		{"short rows", csv("input,b\nx\n\"y\ny\",1\nz\n"), "f:2: it has 1 cell, the first line names 2\nf:5: it has 1 cell, the first line names 2"},
		{"quotes", csv("input\n\"x"), "f:3: it is not CSV: extraneous or missing \" in quoted-field"},
		{"a table not in UTF-8", csv("input\n\xff\n"), "f:2: the cell of input is not text in UTF-8"},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", c.name)
		} else if diff := cmp.Diff(c.want, c.err.Error()); diff != "" && !strings.Contains(c.name, "without ids") && c.name != "quotes" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	many := jsonl(strings.Repeat("x\n", 50))
	if e, ok := errors.AsType[*ReadError](many); !ok || len(e.Faults) != mostFaults || e.More != 50-mostFaults {
		t.Errorf("many faults: %v", many)
	}
	if err := jsonl("{\"input\":\"a\"}\n{\"input\":\"" + strings.Repeat("x", MaxItem+2000) + "\"}"); err == nil || !strings.HasPrefix(err.Error(), "f:2: the line is longer than 4 MiB") {
		t.Errorf("a long line: %v", err)
	}
}

func FuzzReadJSONL(f *testing.F) {
	f.Add(`{"id":1,"input":"x","metadata":{"a":null}}`)
	f.Add("{\"input\":{\"b\":1e400,\"a\":\"\\u0000\"}}\n{}")
	f.Fuzz(func(t *testing.T, text string) {
		items, err := ReadJSONL("f", strings.NewReader(text))
		if err != nil {
			return
		}
		s, err := NewSnapshot(items)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := WriteJSONL(&out, items); err != nil {
			t.Fatal(err)
		}
		again, err := ReadJSONL("f", strings.NewReader(out.String()))
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, out.String())
		}
		if back, err := NewSnapshot(again); err != nil || back.Hash != s.Hash {
			t.Fatalf("it comes back as another: %v\n%s", err, out.String())
		}
	})
}
