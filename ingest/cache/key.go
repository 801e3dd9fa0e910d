package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// keyVersion is in every key: another version of weir with other rules must not read what this one wrote.
const keyVersion = "weir exact 1"

// shaping are the headers that change an answer.
var shaping = [...]string{"Anthropic-Beta", "Anthropic-Version", "Openai-Beta"}

// keyOf gives the key of a call, and false for one that does more than to ask: its answer cannot stand for another one.
// The members of the body that say who asks, and how the answer is to be delivered, do not count; all others do, those
// that weir does not know included.
func keyOf(call *llm.Call) (Key, bool) {
	asks := true
	body, err := rawjson.Digest(call.Body, func(name []byte, v rawjson.Value) bool {
		switch string(name) {
		case "conversation": // the answer is added to it
			asks = asks && v.Empty()
		case "background": // the answer is still to be made
			if is, _ := v.Bool(); is {
				asks = false
			}
		}
		return counts(name)
	})
	if err != nil || !asks {
		return Key{}, false
	}
	key := Key(sha256.Sum256(append(asked(call, keyVersion), body[:]...)))
	if call.Stream {
		key = key.other()
	}
	return key, true
}

// counts says whether a member of the body does.
func counts(name []byte) bool {
	switch string(name) {
	case "stream", "stream_options", "user", "metadata", "safety_identifier":
		return false
	}
	return true
}

// asked is what every key holds of a call beside its body: on whose account it is, what is asked in which words, and with
// which version of a prompt and which arm.
func asked(call *llm.Call, version string) []byte {
	b := make([]byte, 0, 512)
	for _, part := range [...]string{version, call.Project, string(call.Endpoint), string(call.Dialect), call.Path, call.Model} {
		b = appendText(b, part)
	}
	use := llm.Use{}
	if call.Use != nil {
		use = *call.Use
	}
	for _, part := range [...]string{use.Prompt, use.PromptHash, use.Experiment, use.Arm} {
		b = appendText(b, part)
	}
	for _, name := range shaping {
		values := call.Header[name]
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendText(b, v)
		}
	}
	return b
}

// appendText appends a text and, in front, its length, so that no two lists of texts look alike.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// other is the key of the same answer in its other form: a stream, or a plain body.
func (k Key) other() Key {
	k[len(k)-1] ^= 1
	return k
}

// seeded says that the call asks for the same answer each time: at temperature 0 or with a seed. Embeddings are the same
// by nature. One that has the provider search or run something does not: what is found there changes.
func seeded(call *llm.Call) bool {
	if call.Endpoint == llm.Embeddings {
		return true
	}
	if !mentions(call.Body) {
		return false
	}
	is, outside := habits(call)
	return is && !outside
}

// habits says whether a call names a temperature of 0 or a seed, and whether it has the provider search or run something.
// What cannot be read counts as the latter.
func habits(call *llm.Call) (is, outside bool) {
	err := rawjson.Scan(call.Body, func(name []byte, v rawjson.Value, _ int) bool {
		switch string(name) {
		case "temperature":
			n, ok := v.Int()
			is = is || ok && n == 0
		case "seed":
			is = is || v.Kind() == rawjson.Number
		case "web_search_options":
			outside = outside || v.Kind() == rawjson.Object
		case "tools":
			v.Each(func(_ int, tool rawjson.Value) bool {
				kind, ok := tool.Get("type").Text()
				outside = outside || ok && !slices.Contains([]string{"function", "custom"}, string(kind))
				return !outside
			})
		}
		return true
	})
	return is, outside || err != nil
}
