package llm

import (
	"bytes"
	"testing"
)

// Whatever byte stands where none may stand, the scan ends.
func TestCloseJSONEndsOnAnyByte(t *testing.T) {
	for c := range 256 {
		for _, text := range []string{"{\"a\":?1", "?", "{?", "[1,?", "{\"a\":1}?", "{\"a\"?"} {
			in := bytes.ReplaceAll([]byte(text), []byte("?"), []byte{byte(c)})
			if out := closeJSON(in); len(out) == 0 {
				t.Errorf("closeJSON(%q) is empty", in)
			}
		}
	}
}
