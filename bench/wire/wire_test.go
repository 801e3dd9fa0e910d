package wire

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessages(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Head
		body       string
		err        error
	}{
		{
			name: "length",
			text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
			want: Head{Start: []byte("HTTP/1.1 200 OK"), Length: 5}, body: "hello",
		},
		{
			name: "chunks with an extension and a trailer",
			text: "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nExpect: 100-continue\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n",
			want: Head{Start: []byte("POST / HTTP/1.1"), Length: -1, Chunked: true, Expect: true}, body: "hello",
		},
		{
			name: "no length: until the end",
			text: "HTTP/1.0 200 OK\r\nConnection: Close\r\n\r\nhello",
			want: Head{Start: []byte("HTTP/1.0 200 OK"), Length: -1, Close: true}, body: "hello",
		},
		{
			name: "empty",
			text: "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
			want: Head{Start: []byte("HTTP/1.1 204 No")},
		},
		{
			name: "cut body",
			text: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
			want: Head{Start: []byte("HTTP/1.1 200 OK"), Length: 9}, err: io.ErrUnexpectedEOF,
		},
		{
			name: "cut chunk",
			text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
			want: Head{Start: []byte("HTTP/1.1 200 OK"), Length: -1, Chunked: true}, err: io.ErrUnexpectedEOF,
		},
		{
			name: "too large",
			text: "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n",
			want: Head{Start: []byte("HTTP/1.1 200 OK"), Length: 2000}, err: ErrTooLarge,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := bufio.NewReader(strings.NewReader(c.text))
			var h Head
			if err := ReadHead(r, &h); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(h, c.want); diff != "" {
				t.Errorf("head (-got +want):\n%s", diff)
			}
			firsts := 0
			body, err := ReadBody(r, &h, nil, 1000, func() { firsts++ })
			if !errors.Is(err, c.err) {
				t.Fatalf("got error %v, want %v", err, c.err)
			}
			if c.err != nil {
				return
			}
			if string(body) != c.body {
				t.Errorf("got body %q, want %q", body, c.body)
			}
			if want := min(len(c.body), 1); firsts != want {
				t.Errorf("the first byte was told %d times, want %d", firsts, want)
			}
		})
	}
}

func TestBadHeads(t *testing.T) {
	for text, want := range map[string]error{
		"":                                    io.EOF,
		"HTTP/1.1 200":                        io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nA: b\r\n":         io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n": nil,
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n": nil,
	} {
		var h Head
		err := ReadHead(bufio.NewReader(strings.NewReader(text)), &h)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: got error %v, want %v", text, err, want)
		}
	}
}
