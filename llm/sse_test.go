package llm

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// split feeds the pieces and collects what comes out, finish and rest included.
func split(pieces ...string) (events []string, rest string) {
	var s Splitter
	for _, p := range pieces {
		s.Write([]byte(p))
		for ev, ok := s.Next(); ok; ev, ok = s.Next() {
			events = append(events, ev.Name+"|"+string(ev.Data)+"|"+string(ev.Raw))
		}
	}
	if ev, ok := s.Finish(); ok {
		events = append(events, "finish:"+ev.Name+"|"+string(ev.Data)+"|"+string(ev.Raw))
	}
	return events, string(s.Pending())
}

func TestSplitter(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []string
		want   []string
		rest   string
	}{
		{"one event", []string{"event: x\ndata: 1\n\n"}, []string{"x|1|event: x\ndata: 1\n\n"}, ""},
		{"name lasts one event", []string{"event: x\ndata: 1\n\ndata: 2\n\n"}, []string{"x|1|event: x\ndata: 1\n\n", "|2|data: 2\n\n"}, ""},
		{"at most one space goes", []string{"data:  a \n\ndata:b\n\n"}, []string{"| a |data:  a \n\n", "|b|data:b\n\n"}, ""},
		{"lines join", []string{"data: a\ndata\ndata: b\n\n"}, []string{"|a\n\nb|data: a\ndata\ndata: b\n\n"}, ""},
		{"CRLF", []string{"data: a\r\n\r\ndata: b\r\n\r\n"}, []string{"|a|data: a\r\n\r\n", "|b|data: b\r\n\r\n"}, ""},
		{"CR", []string{"data: a\r\rdata: b\r\r"}, []string{"|a|data: a\r\r", "|b|data: b\r\r"}, ""},
		{"LF after a CR at the end of a read", []string{"data: a\r", "\n\r", "\ndata: b\r\n\r\n"}, []string{"|a|data: a\r\n\r", "|b|\ndata: b\r\n\r\n"}, ""},
		{"a late LF is relayed at the end", []string{"data: a\r\n\r", "\n"}, []string{"|a|data: a\r\n\r"}, "\n"},
		{"byte order mark", []string{"\xef\xbb", "\xbfdata: a\n\n\ufeffdata: b\n\n"}, []string{"|a|\ufeffdata: a\n\n", "||\ufeffdata: b\n\n"}, ""},
		{"comment alone", []string{": keep-alive\n\n"}, []string{"||: keep-alive\n\n"}, ""},
		{"comment in front", []string{":x\ndata: a\nid: 7\nretry: 1\n\n"}, []string{"|a|:x\ndata: a\nid: 7\nretry: 1\n\n"}, ""},
		{"bare blank lines", []string{"\n\ndata: a\n\n"}, []string{"||\n", "||\n", "|a|data: a\n\n"}, ""},
		{"empty data", []string{"data:\n\ndata: \n\n"}, []string{"||data:\n\n", "||data: \n\n"}, ""},
		{"unfinished", []string{"data: a\n\ndata: {\"x\""}, []string{"|a|data: a\n\n"}, `data: {"x"`},
		{"unfinished but whole line", []string{"data: a\n"}, nil, "data: a\n"},
		{"done without a blank line", []string{"data: a\n\ndata: [DONE]"}, []string{"|a|data: a\n\n", "finish:|[DONE]|data: [DONE]"}, ""},
		{"done with one line end", []string{"data: [DONE]\r\n"}, []string{"finish:|[DONE]|data: [DONE]\r\n"}, ""},
		{"done behind other data", []string{"data: a\ndata: [DONE]"}, nil, "data: a\ndata: [DONE]"},
		{"data is not data2", []string{"data2: a\nxdata: b\n\n"}, []string{"||data2: a\nxdata: b\n\n"}, ""},
		{"nothing", []string{""}, nil, ""},
	} {
		got, rest := split(c.pieces...)
		if d := cmp.Diff(c.want, got); d != "" || rest != c.rest {
			t.Errorf("%s (-want +got):\n%s\nrest %q, want %q", c.name, d, rest, c.rest)
		}
	}
}

// A line of 16 MB in pieces of 1 KB takes time in proportion to its length, and its memory is given back.
func TestSplitterLongLine(t *testing.T) {
	piece := bytes.Repeat([]byte("A"), 1<<10)
	var s Splitter
	feed := func(n int) time.Duration {
		start := time.Now()
		s.Write([]byte("data: "))
		for range n {
			s.Write(piece)
			if _, ok := s.Next(); ok {
				t.Fatal("an event in the middle of a line")
			}
		}
		s.Write([]byte("\n\n"))
		ev, ok := s.Next()
		if !ok || len(ev.Data) != n<<10 || len(ev.Raw) != n<<10+8 {
			t.Fatalf("event of %d bytes, %v", len(ev.Data), ok)
		}
		return time.Since(start)
	}
	feed(1 << 10)
	if took := feed(16 << 10); took > 10*time.Second { // a rescan at each piece would be 130 GB to look at
		t.Errorf("16 MB took %v", took)
	}
	if _, ok := s.Next(); ok || cap(s.buf) > splitterKeep {
		t.Errorf("%d bytes are held after a large event", cap(s.buf))
	}
	s.Write([]byte("data: " + strings.Repeat("B", 1<<20) + "\ndata: C\n\ndata: x\n"))
	if ev, ok := s.Next(); !ok || len(ev.Data) != 1<<20+2 {
		t.Fatalf("joined to %d bytes", len(ev.Data))
	}
	s.Write([]byte("\n"))
	if ev, ok := s.Next(); !ok || string(ev.Data) != "x" {
		t.Fatalf("got %q", ev.Data)
	}
	s.Next()
	if cap(s.buf) > splitterKeep || cap(s.joined) > splitterKeep {
		t.Errorf("%d and %d bytes are held after a large event", cap(s.buf), cap(s.joined))
	}
}

func FuzzSplitter(f *testing.F) {
	for _, s := range []string{"event: x\ndata: 1\n\n", "data: a\r\n\r\ndata: b\r\r:c\n\n", "\ufeffdata: a\ndata: b\n\ndata: [DONE]", "\r\n\n\r", "data\ndata:\n\n"} {
		f.Add([]byte(s), byte(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, size byte) {
		type result struct {
			name, data string
		}
		run := func(n int) (out []result) {
			var s Splitter
			var raw []byte
			for b := in; len(b) > 0; b = b[min(n, len(b)):] {
				s.Write(b[:min(n, len(b))])
				for ev, ok := s.Next(); ok; ev, ok = s.Next() {
					raw = append(raw, ev.Raw...)
					if len(ev.Data) > 0 {
						out = append(out, result{ev.Name, string(ev.Data)})
					}
				}
			}
			if ev, ok := s.Finish(); ok {
				raw = append(raw, ev.Raw...)
				out = append(out, result{ev.Name, string(ev.Data)})
			}
			if raw = append(raw, s.Pending()...); !bytes.Equal(raw, in) {
				t.Fatalf("pieces of %d: %q came out of %q", n, raw, in)
			}
			return out
		}
		whole := run(len(in) + 1)
		for _, n := range []int{1, 1 + int(size)} {
			if d := cmp.Diff(whole, run(n), cmp.AllowUnexported(result{})); d != "" {
				t.Fatalf("pieces of %d (-whole +pieces):\n%s", n, d)
			}
		}
	})
}
