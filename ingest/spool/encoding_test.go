package spool

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/trace"
)

// fill sets every field that can be set, so that one that is not written shows; sparse leaves some out.
func fill(r *rand.Rand, v reflect.Value, sparse bool) {
	if sparse && r.IntN(3) == 0 && v.Type() != reflect.TypeFor[trace.Record]() {
		return
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(4e9)-1e9, r.Int64N(1e9)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		b := make([]byte, 1+r.IntN(200))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		v.SetString(string(b))
	case reflect.Int, reflect.Int64:
		n := int64(r.Uint64() >> r.IntN(63))
		if n == 0 {
			n = -1
		}
		v.SetInt(n)
	case reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(r.Uint32() & 0xff))
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(r, field, sparse)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem(), sparse)
	case reflect.Slice:
		n := 1 + r.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(r, v.Index(i), sparse)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + r.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(r, key, sparse)
			fill(r, value, sparse)
			v.SetMapIndex(key, value)
		}
	default:
		panic("a record has a " + v.Kind().String() + ", which the spool does not write")
	}
}

// TestEveryFieldIsKept fails when a record gets a field that the spool does not write.
func TestEveryFieldIsKept(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		var want, got trace.Record
		fill(r, reflect.ValueOf(&want).Elem(), i > 0)
		if i > 0 && i%2 == 0 {
			want.Attempts = nil
		}
		want.Body = trace.Body{}
		if err := readRecord(string(putRecord(nil, &want)), &got); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("record %d (-written +read):\n%s", i, diff)
		}
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	want := *call("c1", 0)
	span := putSpan(nil, &want.Call)
	for _, field := range []uint64{200, 70_000} {
		span = putInt(span, field, -7)
		span = putFloat(span, field+1, 2.5)
		span = putText(span, field+2, "from a newer weir")
		var g int
		span, g = openGroup(span, field+3)
		span = closeGroup(putText(span, 1, "inner"), g)
	}
	span = putText(span, spanDuration, "a known number in another shape")
	b, start := openGroup(nil, recordCall)
	b = closeGroup(append(b, span...), start)
	b = putText(b, 99, "beside the call")
	var got trace.Record
	if err := readRecord(string(b), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestFindID(t *testing.T) {
	for _, id := range []string{"", "c", "01939f3e-7b5c-7d6e-8f90-123456789abc"} {
		if got := string(findID(putRecord(nil, call(id, 0)))); got != id {
			t.Errorf("id %q, want %q", got, id)
		}
	}
}

// FuzzReadRecord: no bytes make the reader panic, and what it reads it writes again.
func FuzzReadRecord(f *testing.F) {
	f.Add([]byte{})
	f.Add(putRecord(nil, call("c1", 0)))
	r := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		var rec trace.Record
		fill(r, reflect.ValueOf(&rec).Elem(), true)
		f.Add(putRecord(nil, &rec))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		findID(b)
		var first, second trace.Record
		if readRecord(string(b), &first) != nil {
			return
		}
		if err := readRecord(string(putRecord(nil, &first)), &second); err != nil {
			t.Fatalf("what was read does not read again: %v", err)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}
