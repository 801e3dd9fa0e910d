package rawjson

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInt(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"-0", 0, true},
		{"7", 7, true},
		{"-7", -7, true},
		{"9.0", 9, true},
		{"1e2", 100, true},
		{"1.5e1", 15, true},
		{"100e-2", 1, true},
		{"120e-2", 0, false},
		{"0.5", 0, false},
		{"1e-1", 0, false},
		{"0e999999999999", 0, true},
		{"0.000e-5", 0, true},
		{"9223372036854775807", 9223372036854775807, true},
		{"-9223372036854775808", -9223372036854775808, true},
		{"9223372036854775808", 0, false},
		{"1e18", 1e18, true},
		{"1e19", 0, false},
		{"1e400", 0, false},
		{"18446744073709551616", 0, false},
		{"10000000000000000000000e-20", 100, true},
		{"1.0E+1", 10, true},
		{"12345678901234567890.5", 0, false},
		{`"7"`, 0, false},
		{"true", 0, false},
		{"null", 0, false},
		{"", 0, false},
		{"-", 0, false},
		{"1e", 0, false},
		{"01", 0, false},
		{"[1]", 0, false},
		{"1" + strings.Repeat("0", 5000), 0, false},
		{"0." + strings.Repeat("0", 5000), 0, true},
	} {
		if got, ok := Value(c.text).Int(); got != c.want || ok != c.ok {
			t.Errorf("Int(%.40s) = %d, %v, want %d, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestStr(t *testing.T) {
	for _, c := range []struct {
		text, want string
		ok         bool
	}{
		{`""`, "", true},
		{`"abc"`, "abc", true},
		{`"a\"\\\/\b\f\n\r\tz"`, "a\"\\/\b\f\n\r\tz", true},
		{`"\u00e9\u20AC"`, "é€", true},
		{`"\ud83d\ude00!"`, "😀!", true},
		{`"\ud83dx"`, "\ufffdx", true},
		{`"\ude00"`, "\ufffd", true},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀", true},
		{`"\ud83d\n"`, "\ufffd\n", true},
		{`"\u003c"`, "<", true},
		{`1`, "", false},
		{`null`, "", false},
		{``, "", false},
		{`"open`, "", false},
	} {
		v := Value(c.text)
		if got, ok := v.Str(); got != c.want || ok != c.ok {
			t.Errorf("Str(%s) = %q, %v, want %q, %v", c.text, got, ok, c.want, c.ok)
		}
		if got := string(v.AppendText([]byte("pre:"))); got != "pre:"+c.want {
			t.Errorf("AppendText(%s) = %q", c.text, got)
		}
		if c.ok && !v.Is(c.want) {
			t.Errorf("%s is not %q", c.text, c.want)
		}
		if v.Is(c.want + "x") {
			t.Errorf("%s is %q", c.text, c.want+"x")
		}
	}
}

func TestGet(t *testing.T) {
	doc := Value(`{"a":{"b":{"c":[1, {"d":2}]},"x":null},"e":"s"}`)
	for _, c := range []struct {
		path string
		want string
		kind Kind
	}{
		{"a.b.c", `[1, {"d":2}]`, Array},
		{"a.x", "null", Null},
		{"a.b", `{"c":[1, {"d":2}]}`, Object},
		{"e", `"s"`, String},
		{"e.z", "", Absent},
		{"nope.b", "", Absent},
		{"a.b.c.d", "", Absent},
	} {
		got := doc.Get(strings.Split(c.path, ".")...)
		if string(got) != c.want || got.Kind() != c.kind {
			t.Errorf("Get(%s) = %s of kind %d, want %s of kind %d", c.path, got, got.Kind(), c.want, c.kind)
		}
	}
}

func TestEachAndMembers(t *testing.T) {
	var got []string
	Value(`[1, "two" ,[3],{"x":4}]`).Each(func(i int, v Value) bool {
		got = append(got, string(rune('0'+i))+string(v))
		return i < 2
	})
	Value(`{"k\n":1,"l":[2]}`).Members(func(key []byte, v Value) bool {
		got = append(got, string(key)+string(v))
		return true
	})
	want := []string{"01", `1"two"`, "2[3]", "k\n1", "l[2]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	Value(`{"a":1}`).Each(func(int, Value) bool { t.Error("an object has no elements"); return true })
	Value(`[1]`).Members(func([]byte, Value) bool { t.Error("an array has no members"); return true })
}

func TestEmpty(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "null": true, `""`: true, "[]": true, "{ }": true, "[ ]": true,
		"0": false, "false": false, `"x"`: false, "[0]": false, `{"a":1}`: false,
	} {
		if got := Value(text).Empty(); got != want {
			t.Errorf("Empty(%s) = %v", text, got)
		}
	}
}

func TestBool(t *testing.T) {
	for text, want := range map[string][2]bool{"true": {true, true}, "false": {false, true}, "1": {false, false}, `"true"`: {false, false}, "": {false, false}} {
		if b, ok := Value(text).Bool(); b != want[0] || ok != want[1] {
			t.Errorf("Bool(%s) = %v, %v", text, b, ok)
		}
	}
}

// FuzzPast compares the walk that does not validate with the one that does.
func FuzzPast(f *testing.F) {
	for _, s := range []string{`"a\\\"b\\"`, `{"a":[1,"]}",{"b":"\\"}],"c":null}`, `[["\""],-1.5e3,true]`, `"`, `{"a`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i := space(b, 0)
		got, ok := past(b, i)
		if got > len(b) {
			t.Fatalf("past goes to %d of %d", got, len(b))
		}
		want, what := skip(b, i, 0)
		if what == "" && (!ok || got != want) {
			t.Errorf("past says %d %v, skip says %d", got, ok, want)
		}
	})
}
