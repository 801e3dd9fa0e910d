package parquet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var everyKind = []Column{
	{Name: "id", Kind: Text},
	{Name: "body", Kind: JSON, Optional: true, Large: true},
	{Name: "n", Kind: Int, Optional: true},
	{Name: "share", Kind: Double, Optional: true},
	{Name: "stream", Kind: Bool},
	{Name: "cost_usd", Kind: Money, Optional: true},
	{Name: "at", Kind: Time},
	{Name: "flags", Kind: Texts},
	{Name: "tags", Kind: TextMap},
	{Name: "model", Kind: Text, Optional: true, Few: true},
}

var at = time.Date(2026, 11, 25, 8, 0, 0, 123_456_000, time.UTC)

// written is a file of two rows, all and nothing.
func written(tb testing.TB) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, everyKind)
	if err != nil {
		tb.Fatal(err)
	}
	for _, row := range [][]any{
		{"é", `{"a":[1.50]}`, int64(-3), 0.5, true, int64(-13_500), at.UnixMicro(), []string{"x", "", "z"}, map[string]string{"b": "2", "a": ""}, "m"},
		{"", nil, nil, nil, false, nil, int64(0), nil, nil, nil},
	} {
		if err := w.Write(row...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func readAll(tb testing.TB, file []byte, l Limits) ([]string, []Row, error) {
	tb.Helper()
	columns, rows, err := Read(file, l)
	if err != nil {
		return nil, nil, err
	}
	var out []Row
	for row, err := range rows {
		if err != nil {
			return columns, out, err
		}
		out = append(out, row)
	}
	return columns, out, nil
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	columns, got, err := readAll(t, written(t), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"id", "body", "n", "share", "stream", "cost_usd", "at", "flags", "tags", "model"}, columns); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	want := []Row{
		{"id": "é", "body": json.RawMessage(`{"a":[1.50]}`), "n": int64(-3), "share": 0.5, "stream": true, "cost_usd": json.Number("-0.000013500"), "at": at, "flags": []any{"x", "", "z"}, "tags": map[string]any{"a": "", "b": "2"}, "model": "m"},
		{"id": "", "body": nil, "n": nil, "share": nil, "stream": false, "cost_usd": nil, "at": time.Unix(0, 0).UTC(), "flags": []any{}, "tags": map[string]any{}, "model": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The files were written by pyarrow 26 (write.py beside them): every compression, both versions of pages, nested columns.
func TestFilesOfOtherPrograms(t *testing.T) {
	files, err := filepath.Glob("testdata/pyarrow-*.parquet")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, got, err := readAll(t, file, Limits{})
			if strings.Contains(name, "refused") {
				if err == nil || !strings.Contains(err.Error(), "not read: write it") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := Row{
				"text": "hello", "n": int64(7), "small": int64(-1), "big": uint64(1 << 63), "f": 0.5, "yes": true, "none": nil,
				"day": "2026-11-25", "at": at, "money": json.Number("12.345000000"), "wide": json.Number("-0.01"),
				"list": []any{"a", nil, "c"}, "nested": []any{[]any{int64(1), int64(2)}, []any{}}, "pair": map[string]any{"x": int64(1), "y": []any{"z"}},
				"map": map[string]any{"k": int64(1)}, "messages": []any{map[string]any{"role": "user", "content": "hi"}, map[string]any{"role": "assistant", "content": nil}},
			}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if len(got) != 1000 || got[999]["n"] != int64(1006) || got[1]["list"] != nil {
				t.Errorf("%d rows, the last %v", len(got), got[len(got)-1])
			}
		})
	}
}

func TestLimitsHold(t *testing.T) {
	file := written(t)
	for word, l := range map[string]Limits{
		"2 rows: at most 1": {Rows: 1}, "more than 9 columns": {Columns: 9}, "too many pages": {Pages: 3}, "too many values": {Values: 3},
		"bytes: at most 4": {Page: 4}, "more in it": {Bytes: 20},
	} {
		if _, _, err := readAll(t, file, l); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: %v, want %q", l, err, word)
		}
	}
}

func TestWhatIsNoParquetIsRefused(t *testing.T) {
	file := written(t)
	footer := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	for name, change := range map[string]func([]byte) []byte{
		"empty":                   func([]byte) []byte { return nil },
		"text":                    func([]byte) []byte { return []byte(`{"id":"a","input":"b"}`) },
		"cut off":                 func(b []byte) []byte { return b[:len(b)-1] },
		"without its beginning":   func(b []byte) []byte { return b[1:] },
		"a footer that lies":      func(b []byte) []byte { b[len(b)-8], b[len(b)-5] = 0xff, 0x7f; return b },
		"a list that lies":        func(b []byte) []byte { return footed([]byte{0x15, 2, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0}) },
		"an empty footer":         func([]byte) []byte { return footed([]byte{0}) },
		"a page's head is zeroed": func(b []byte) []byte { clear(b[4:40]); return b },
		"a footer of ones": func(b []byte) []byte {
			for i := range footer {
				b[len(b)-8-footer+i] = 0xff
			}
			return b
		},
	} {
		if _, _, err := readAll(t, change(bytes.Clone(file)), Limits{}); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

// footed is a file of nothing but a footer.
func footed(footer []byte) []byte {
	b := append([]byte(Magic), footer...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(footer)))
	return append(b, Magic...)
}

func TestWhatSaysTooMuchIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		b    []byte
		bits int
	}{
		"a run of billions": {binary.AppendUvarint(nil, 1<<40), 0},
		"packed billions":   {binary.AppendUvarint(nil, 1<<40|1), 0},
		"an overflow":       {binary.AppendUvarint(nil, 1<<63|1), 8},
		"cut off":           {[]byte{2}, 8},
	} {
		if err := runs(tt.b, tt.bits, 100); err == nil {
			t.Errorf("%s: it passes", name)
		}
	}
	if err := runs([]byte{100 << 1 & 0x7f, 1}, 1, 100); err != nil {
		t.Error(err)
	}
	bomb := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58} // a frame that does not say how much is in it
	for range 1000 {
		bomb = append(bomb, 0x02, 0x00, 0x10, 'x') // a block of 128 KiB of one byte
	}
	bomb = append(bomb, 0x03, 0x00, 0x10, 'x')
	if err := checkZstd(bomb, 1<<20); !errors.Is(err, errLarge) {
		t.Errorf("a bomb of Zstandard: %v", err)
	}
}

func TestAWriterRefusesWhatIsNotItsColumns(t *testing.T) {
	for _, columns := range [][]Column{nil, {{Kind: Text}}, {{Name: "a"}, {Name: "a"}}, {{Name: "a", Kind: 99}}} {
		if _, err := NewWriter(io.Discard, columns); err == nil {
			t.Errorf("%v pass", columns)
		}
	}
	for _, row := range [][]any{{}, {nil}, {1}, {int64(1)}, {[]string{}}} {
		w, err := NewWriter(io.Discard, []Column{{Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(row...); err == nil {
			t.Errorf("%v passes", row)
		}
		if err := w.Close(); err == nil {
			t.Errorf("%v is forgotten at the end", row)
		}
	}
}

// counting counts what is written, and how much at most between two rows.
type counting struct{ total, most, step int }

func (c *counting) Write(b []byte) (int, error) {
	c.total += len(b)
	c.step += len(b)
	return len(b), nil
}

func TestAFileIsWrittenAsItGoes(t *testing.T) {
	c := &counting{}
	w, err := NewWriter(c, []Column{{Name: "body", Large: true}})
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("0123456789abcdef"), 4<<10) // 64 KiB
	for i := range 400 {
		binary.LittleEndian.PutUint64(body, uint64(i))
		c.step = 0
		if err := w.Write(string(body)); err != nil {
			t.Fatal(err)
		}
		c.most = max(c.most, c.step)
		if i == 200 && c.total == 0 {
			t.Error("nothing is written after 12 MiB")
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if c.most > groupBytes+1<<20 {
		t.Errorf("%d bytes were held", c.most)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f))
	files, _ := filepath.Glob("testdata/pyarrow-*.parquet")
	for _, name := range files {
		if file, err := os.ReadFile(name); err == nil && len(file) < 64<<10 {
			f.Add(file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		_, rows, err := readAll(t, file, Limits{Rows: 2000, Columns: 100, Pages: 1000, Values: 100_000, Page: 1 << 20, Bytes: 4 << 20})
		if err != nil {
			return
		}
		for _, row := range rows {
			for name, v := range row {
				if _, err := json.Marshal(v); err != nil && !strings.Contains(err.Error(), "year outside") {
					t.Errorf("%q: %v", name, err)
				}
			}
		}
	})
}
