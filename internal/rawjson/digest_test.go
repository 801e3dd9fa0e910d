package rawjson

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func mustDigest(t *testing.T, b string, keep func([]byte, Value) bool) [32]byte {
	t.Helper()
	sum, err := Digest([]byte(b), keep)
	if err != nil {
		t.Fatalf("Digest(%s): %v", b, err)
	}
	return sum
}

func TestWhatADigestDoesNotSee(t *testing.T) {
	for _, same := range [][]string{
		{`{"a":1,"b":[1,2]}`, `{"b":[1,2],"a":1}`, " {\n\t\"a\" : 1 ,\r\"b\": [ 1 , 2 ] } ", `{"\u0061":1,"b":[1,2]}`, `{"a":1.0,"b":[10e-1,0.2E+1]}`},
		{`"Aé😀\n"`, `"\u0041\u00e9\ud83d\ude00\u000A"`, `"Aé\uD83D\uDE00\n"`},
		{`0`, `-0`, `0.000`, `0e99999999999999999999`, `-0.0E5`},
		{`100`, `1e2`, `1E+2`, `100.000`, `0.01e4`},
		{`12345678901234567890.5`, `123456789012345678905e-1`},
		{`{"x":{"a":1,"b":"` + strings.Repeat("long ", 50) + `"}}`, `{"x":{"b":"` + strings.Repeat("long ", 50) + `","a":1}}`},
		{`{}`, ` { } `},
		{`[]`, `[ ]`},
		{`"\/"`, `"/"`},
	} {
		want := mustDigest(t, same[0], nil)
		for _, other := range same[1:] {
			if got := mustDigest(t, other, nil); got != want {
				t.Errorf("%s and %s differ", same[0], other)
			}
		}
	}
}

func TestWhatADigestSees(t *testing.T) {
	different := []string{
		`{}`, `[]`, `""`, `0`, `null`, `true`, `false`, `"0"`, `"null"`, `"{}"`, `[[]]`, `[{}]`, `{"":{}}`,
		`{"a":1}`, `{"a":2}`, `{"b":1}`, `{"a":"1"}`, `{"a":[1]}`, `{"a":{"a":1}}`, `{"a":1,"b":1}`, `{"a":1,"a":2}`, `{"a":2,"a":1}`, `{"a":2,"a":2}`,
		`[1,2]`, `[2,1]`, `[12]`, `["1","2"]`, `["12"]`, `[[1],2]`, `[1,[2]]`, `[[1,2]]`,
		`1`, `-1`, `10`, `0.1`, `1e400`, `1e401`, `-1e400`, `1e99999999999999999999`, `1e99999999999999999998`, `9007199254740993`, `9007199254740992`,
		`0.1000000000000000055511151231257827`, `"\ud800"`, `"\ud801"`, `"\udc00"`, `"\ufffd"`, `"\\ud800"`, `"ud800"`, `"\ud800\ud800"`, `"A"`, `"a"`, `"a "`,
		`"` + strings.Repeat("x", inlined) + `"`, `"` + strings.Repeat("x", inlined+1) + `"`, `"` + strings.Repeat("x", inlined) + `y"`,
		`[` + strings.Repeat("1,", inlined) + `1]`, `[` + strings.Repeat("1,", inlined) + `2]`, `{"k":[` + strings.Repeat("1,", inlined) + `1]}`,
		"\"\xff\"", "\"\xfe\"",
	}
	seen := map[[32]byte]string{}
	for _, b := range different {
		sum := mustDigest(t, b, nil)
		if other, ok := seen[sum]; ok {
			t.Errorf("%s and %s have one digest", other, b)
		}
		seen[sum] = b
	}
}

func TestADigestLeavesMembersOut(t *testing.T) {
	var names []string
	keep := func(key []byte, v Value) bool {
		names = append(names, string(key)+"="+string(v))
		return string(key) != "user"
	}
	got := mustDigest(t, `{"us\u0065r":{"a":[1]},"model":"m","user":2,"x":{"user":3}}`, keep)
	if want := mustDigest(t, `{"model":"m","x":{"user":3}}`, nil); got != want {
		t.Error("members that are left out count")
	}
	if got, want := strings.Join(names, " "), `user={"a":[1]} model="m" user=2 x={"user":3}`; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

func TestADigestRefusesWhatIsNotJSON(t *testing.T) {
	for _, b := range []string{``, ` `, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `[1,]`, `[1 2]`, `[`, `nul`, `01`, `1.`, `"\x"`, `"`, `{} {}`, `{1:2}`, strings.Repeat("[", MaxDepth+1)} {
		_, err := Digest([]byte(b), nil)
		scanned := Scan([]byte(b), nil)
		if err == nil || scanned == nil {
			t.Errorf("%.20q: Digest says %v, Scan %v", b, err, scanned)
		}
	}
	if _, err := Digest([]byte(strings.Repeat("[", MaxDepth)+strings.Repeat("]", MaxDepth)), nil); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
}

// respell writes a value in another way that says the same. What stands twice keeps its order.
func respell(r *rand.Rand, v Value) []byte {
	pad := func() string { return []string{"", "", " ", "\n", "\t ", "\r\n"}[r.IntN(6)] }
	var out bytes.Buffer
	out.WriteString(pad())
	switch v.Kind() {
	case Object:
		var members [][2][]byte
		twice := map[string]bool{}
		shuffle := true
		v.Members(func(key []byte, w Value) bool {
			shuffle = shuffle && !twice[string(key)]
			twice[string(key)] = true
			return true
		})
		for i := space(v, 1); v[i] == '"'; { // names as they are written: Members unescapes them
			end, _, _ := str(v, i)
			name := v[i:end]
			i = space(v, space(v, end)+1)
			valEnd, _ := past(v, i)
			members = append(members, [2][]byte{respell(r, name), respell(r, v[i:valEnd])})
			if i = space(v, valEnd); v[i] == '}' {
				break
			}
			i = space(v, i+1)
		}
		if shuffle {
			r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		}
		out.WriteByte('{')
		for i, m := range members {
			if i > 0 {
				out.WriteByte(',')
			}
			fmt.Fprintf(&out, "%s%s:%s%s", m[0], pad(), pad(), m[1])
		}
		out.WriteString(pad() + "}")
	case Array:
		out.WriteByte('[')
		v.Each(func(i int, w Value) bool {
			if i > 0 {
				out.WriteByte(',')
			}
			out.Write(respell(r, w))
			return true
		})
		out.WriteString(pad() + "]")
	case String:
		inner := v[1 : len(v)-1]
		text, _ := v.Text()
		if surrogateAlone(inner) || !utf8.Valid(text) {
			out.Write(v)
			break
		}
		out.WriteByte('"')
		for _, c := range string(text) {
			switch {
			case c < 0x10000 && (r.IntN(4) == 0 || c < 0x20 || c == '"' || c == '\\'):
				fmt.Fprintf(&out, `\u%04x`, c)
			default:
				out.WriteRune(c)
			}
		}
		out.WriteByte('"')
	default:
		out.Write(v)
		if v.Kind() == Number && !bytes.ContainsAny(v, ".eE") {
			out.WriteString([]string{"", ".0", "e0", ".000E+00"}[r.IntN(4)])
		}
	}
	out.WriteString(pad())
	return out.Bytes()
}

func FuzzDigest(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":"How \u00e4re you?"}],"temperature":0,"seed":1e3,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}`), uint64(1))
	f.Add([]byte(`{"a":{"b":{"c":[1,2.50,-0,null,true,false,"\ud800","😀"]}},"a\"":1,"":""}`), uint64(2))
	f.Add([]byte(`[[[[]]],{"x":"`+strings.Repeat("y", 200)+`"}]`), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		want, err := Digest(b, nil)
		if scanned := Scan(b, nil); (err == nil) != (scanned == nil) {
			t.Fatalf("%q: Digest says %v, Scan %v", b, err, scanned)
		}
		if err != nil {
			return
		}
		r := rand.New(rand.NewPCG(seed, 1))
		v := Value(bytes.TrimSpace(b))
		other := respell(r, v)
		if got, err := Digest(other, nil); err != nil || got != want {
			t.Fatalf("%q and %q say the same and differ (%v)", b, other, err)
		}
		// A changed value is seen: one digit, one letter, one literal.
		changed := bytes.Clone(b)
		for range 20 {
			i := r.IntN(len(b))
			switch c := changed[i]; {
			case c >= '1' && c <= '8' && !inEscape(b, i):
				changed[i]++
			case c == 'g' || c == 'G' || c == 'z' || c == 'Z':
				changed[i] = 'k'
			default:
				continue
			}
			if Scan(changed, nil) == nil && !bytes.ContainsAny(b, "eE") { // an exponent of zero says nothing
				if got := mustDigest(t, string(changed), nil); got == want {
					t.Fatalf("%q and %q have one digest", b, changed)
				}
			}
			break
		}
	})
}

// inEscape says that the byte may belong to an escape, which can be written in more than one way.
func inEscape(b []byte, i int) bool {
	return bytes.IndexByte(b[max(0, i-6):i], '\\') >= 0
}

func BenchmarkDigest(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		text := []byte(chatOf(size))
		b.Run(fmt.Sprint(len(text)), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Digest(text, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// chatOf is a conversation of about size bytes.
func chatOf(size int) string {
	var s strings.Builder
	s.WriteString(`{"model":"gpt-4o-mini","temperature":0,"stream":false,"max_tokens":200,"messages":[{"role":"system","content":"You are a helpful assistant."}`)
	for s.Len() < size-20 {
		fmt.Fprintf(&s, `,{"role":"user","content":"What is the %dth thing to know about rivers and their weirs? Please answer in two sentences."}`, s.Len())
	}
	s.WriteString(`],"seed":7}`)
	return s.String()
}
