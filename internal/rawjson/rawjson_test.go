package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// texts are values and near misses, for the comparison with encoding/json and as fuzz seeds.
var texts = []string{
	`{}`, `[]`, ` {"a" : 1 , "b":[true,false,null]} `, `"x"`, `0`, `-0`, `-`, `01`, `1.`, `1.5e+3`, `1e`, `.5`, `1E-07`,
	`tru`, `truex`, `nul`, `null`, `{"a":1,}`, `[1,]`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `[1 2]`, `[`, `{`, `"`,
	``, ` `, `{} {}`, `"\ud83d\ude00"`, `"\u12g4"`, `"\x"`, "\"a\nb\"", "\"tab\there\"", `"\`, `"\u00`, "\"\xff\xfe\"", "\ufeff{}",
	`{"a":{"b":[{"c":"12345678\"901234567"}]}}`, `[[[[]]]]`, `{"a":1]`, `[1}`, `{"":""}`, `"0123456701234567"`, `123 `, "\x00",
	`{"k\u0065y":1}`, `[1,2,[3,{"x":[]}],"y"]`, `-1.25E+10`, `1e5.5`, `--1`, `+1`, `Infinity`, `NaN`, `{"a":tru}`, `"` + strings.Repeat("é", 40) + `"`,
}

func TestScanAgreesWithEncodingJSON(t *testing.T) {
	for _, s := range texts {
		err := Scan([]byte(s), nil)
		if got, want := err == nil, json.Valid([]byte(s)); got != want {
			t.Errorf("Scan(%q) = %v, encoding/json says valid = %v", s, err, want)
		}
	}
}

func TestScanRefusesWhatIsCutOffOrChanged(t *testing.T) {
	doc := []byte(`{"model":"m\u00e9","n":[1,-2.5e3,{"x":"a\"b"}],"t":true,"z":null}`)
	for i := range doc {
		if err := Scan(doc[:i], nil); err == nil {
			t.Errorf("Scan accepts the first %d bytes", i)
		}
		for _, c := range []byte("\"\\{}[],:0a \n\x01") {
			b := bytes.Clone(doc)
			b[i] = c
			if got, want := Scan(b, nil) == nil, json.Valid(b); got != want {
				t.Errorf("Scan(%q) valid = %v, want %v", b, got, want)
			}
		}
	}
}

func TestScanDepth(t *testing.T) {
	for _, unit := range []string{"[]", `{"a":}`} {
		open, end := unit[:len(unit)-1], unit[len(unit)-1:]
		deep := func(n int) []byte {
			inner := ""
			if unit != "[]" {
				inner = "1"
			}
			return []byte(strings.Repeat(open, n) + inner + strings.Repeat(end, n))
		}
		if err := Scan(deep(MaxDepth), nil); err != nil {
			t.Errorf("%d levels of %s: %v", MaxDepth, unit, err)
		}
		err := Scan(deep(MaxDepth+1), nil)
		if err == nil || !strings.Contains(err.Error(), "too deeply") {
			t.Errorf("%d levels of %s: %v, want a depth error", MaxDepth+1, unit, err)
		}
		if err := Scan(deep(1_000_000), func([]byte, Value, int) bool { return true }); err == nil {
			t.Errorf("a million levels of %s are accepted", unit)
		}
	}
}

func TestScanVisitsTopLevelMembers(t *testing.T) {
	doc := []byte(` {"a":1, "b\u0062" : {"a":2} ,"c":[ 1 ],"a":"again"} `)
	var got []string
	err := Scan(doc, func(key []byte, v Value, off int) bool {
		if string(doc[off:off+len(v)]) != string(v) {
			t.Errorf("offset %d of %s points at %q", off, v, doc[off:off+len(v)])
		}
		got = append(got, fmt.Sprintf("%s=%s", key, v))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a=1", `bb={"a":2}`, "c=[ 1 ]", `a="again"`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	n := 0
	if err := Scan([]byte(`{"a":1,"b":2,}`), func([]byte, Value, int) bool { n++; return false }); err == nil || n != 1 {
		t.Errorf("after a stop: %d visits, error %v; want 1 visit and the syntax error", n, err)
	}
}

func TestSyntaxErrorPosition(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{"{\n \"a\": 1,\n \"b\" 2\n}", "line 3, column 6: expected ':' after the member name"},
		{`{"a":1}x`, "line 1, column 8: expected the end after the JSON value"},
		{``, "line 1, column 1: expected a JSON value, found the end"},
		{`{"a":"x`, "line 1, column 8: the string has no closing quote"},
		{"[1,\n2,\n]", "line 3, column 1: expected a value"},
	} {
		err := Scan([]byte(c.doc), func([]byte, Value, int) bool { return true })
		if err == nil || err.Error() != c.want {
			t.Errorf("Scan(%q) = %v, want %s", c.doc, err, c.want)
		}
	}
}

func TestScanUnique(t *testing.T) {
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, `"k%d":%d,`, i, i)
	}
	for _, c := range []struct{ doc, dup string }{
		{`{"a":1,"b":2}`, ""},
		{`{"a":1,"b":{"x":1,"x":2}}`, ""},
		{`{"a":1,"\u0061":2}`, "a"},
		{`{` + many.String() + `"z":1}`, ""},
		{`{` + many.String() + `"k3":1}`, "k3"},
		{`{` + many.String() + `"k99":1}`, "k99"},
		{`[{"a":1,"a":1}]`, ""},
	} {
		err := ScanUnique([]byte(c.doc), nil)
		if c.dup == "" {
			if err != nil {
				t.Errorf("%.30s: %v", c.doc, err)
			}
			continue
		}
		d, ok := errors.AsType[*DuplicateKeyError](err)
		if !ok || d.Key != c.dup || !strings.Contains(err.Error(), c.dup) {
			t.Errorf("%.30s: %v, want a duplicate %q", c.doc, err, c.dup)
		}
	}
	if _, ok := errors.AsType[*SyntaxError](ScanUnique([]byte(`{"a":1,"a":2`), nil)); !ok {
		t.Error("a syntax error behind a duplicate must win")
	}
}

func TestSetAndDelete(t *testing.T) {
	for _, c := range []struct{ doc, key, raw, set, deleted string }{
		{`{"a":1,"b":2}`, "a", `"x"`, `{"a":"x","b":2}`, `{"b":2}`},
		{`{"a":1,"b":2}`, "b", `[]`, `{"a":1,"b":[]}`, `{"a":1}`},
		{`{"a":1,"b":2}`, "c", `3`, `{"a":1,"b":2,"c":3}`, `{"a":1,"b":2}`},
		{` { "a" : 1 , "b" : 2 } `, "a", `9`, ` { "a" : 9 , "b" : 2 } `, ` { "b" : 2 } `},
		{` { "a" : 1 , "b" : 2 } `, "b", `9`, ` { "a" : 1 , "b" : 9 } `, ` { "a" : 1 } `},
		{`{"a":1}`, "a", `2`, `{"a":2}`, `{}`},
		{`{}`, "a", `2`, `{"a":2}`, `{}`},
		{`{ }`, "a\"", `2`, `{"a\"":2 }`, `{ }`},
		{`{"\u0061":1,"b":[{"a":1}]}`, "a", `7`, `{"\u0061":7,"b":[{"a":1}]}`, `{"b":[{"a":1}]}`},
		{`{"a":1,"b":2,"a":3}`, "a", `7`, `{"a":7,"b":2,"a":7}`, `{"b":2}`},
		{`{"b":2,"a":1,"a":3}`, "a", `7`, `{"b":2,"a":7,"a":7}`, `{"b":2}`},
		{`{"a":1,"a":3}`, "a", `7`, `{"a":7,"a":7}`, `{}`},
		{`[1]`, "a", `7`, `[1]`, `[1]`},
		{`{"a":1`, "a", `7`, `{"a":1`, `{"a":1`},
	} {
		doc := []byte(c.doc)
		if got := string(Set(doc, c.key, []byte(c.raw))); got != c.set {
			t.Errorf("Set(%s, %s, %s) = %s, want %s", c.doc, c.key, c.raw, got, c.set)
		}
		if got := string(Delete(doc, c.key)); got != c.deleted {
			t.Errorf("Delete(%s, %s) = %s, want %s", c.doc, c.key, got, c.deleted)
		}
		if string(doc) != c.doc {
			t.Errorf("the input %s was changed to %s", c.doc, doc)
		}
	}
}

// body is a chat request of about n bytes.
func body(n int) []byte {
	var msgs []map[string]any
	for size := 0; size < n; size += 256 {
		msgs = append(msgs, map[string]any{"role": "user", "content": strings.Repeat("the river rises, \"slowly\"; ", 7)})
	}
	b, err := json.Marshal(map[string]any{"model": "gpt-4o-mini", "messages": msgs, "temperature": 0.2, "stream": true})
	if err != nil {
		panic(err)
	}
	return b
}

func TestScanDoesNotAllocate(t *testing.T) {
	b, n := body(1024), 0
	got := testing.AllocsPerRun(100, func() {
		if err := ScanUnique(b, func(key []byte, v Value, _ int) bool {
			if string(key) == "model" && v.Kind() == String {
				n++
			}
			return true
		}); err != nil {
			t.Fatal(err)
		}
		if _, ok := Value(b).Get("temperature").Int(); ok {
			t.Fatal("0.2 is no integer")
		}
	})
	if got != 0 || n == 0 {
		t.Errorf("%v allocations per scan, %d visits; want 0 and some", got, n)
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := Scan(b, nil)
		visited := Scan(b, func([]byte, Value, int) bool { return true })
		if (err == nil) != (visited == nil) {
			t.Fatalf("with visits %v, without %v", visited, err)
		}
		deep := err != nil && strings.Contains(err.Error(), "too deeply")
		if got, want := err == nil, json.Valid(b); got != want && !deep {
			t.Fatalf("Scan = %v, encoding/json says valid = %v", err, want)
		}
		walk(Value(b), 0)
		if err == nil && Value(bytes.TrimSpace(b)).Kind() == Object {
			s := Set(b, "k\n", []byte(`[1]`))
			if Scan(s, nil) != nil || Scan(Delete(b, "a"), nil) != nil {
				t.Fatalf("spliced to invalid JSON: %q, %q", s, Delete(b, "a"))
			}
			if got := Value(bytes.TrimSpace(s)).Get("k\n"); string(got) != "[1]" {
				t.Fatalf("Set then Get gives %q", got)
			}
			if got := Value(bytes.TrimSpace(Delete(b, "a"))).Get("a"); got != nil {
				t.Fatalf("Delete leaves %q", got)
			}
		}
	})
}

// walk calls every reader on every value, valid or not.
func walk(v Value, depth int) {
	v.Int()
	v.Str()
	v.Empty()
	v.Is("x")
	v.Bool()
	if depth < 20 {
		v.Each(func(_ int, w Value) bool { walk(w, depth+1); return true })
		v.Members(func(_ []byte, w Value) bool { walk(w, depth+1); return true })
	}
}

func FuzzStr(f *testing.F) {
	f.Add("\xff \u2029 \u0010\r\n\t /<>& é")
	f.Add("a\"b\\ \U0001F600 \u2028 \x00")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := json.Marshal(s)
		if err != nil {
			t.Skip()
		}
		var want string
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		q := Quote(s)
		var back string
		if err := json.Unmarshal(q, &back); err != nil || back != want {
			t.Fatalf("Quote(%q) = %s, which reads back as %q, %v", s, q, back, err)
		}
		if got, ok := Value(b).Str(); !ok || got != want {
			t.Fatalf("Str(%s) = %q, want %q", b, got, want)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		doc := body(size)
		b.Run(fmt.Sprintf("rawjson/%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if err := ScanUnique(doc, func([]byte, Value, int) bool { return true }); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("encodingjson/%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if !json.Valid(doc) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

func TestRandomEdits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []byte(`{}[]",:\u0019eE+-.tfn ` + "\n\x1f\xc3")
	doc := body(300)
	for range 20000 {
		b := bytes.Clone(doc)
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] = alphabet[r.IntN(len(alphabet))]
		}
		if got, want := Scan(b, nil) == nil, json.Valid(b); got != want {
			t.Fatalf("Scan(%q) valid = %v, want %v", b, got, want)
		}
	}
}
