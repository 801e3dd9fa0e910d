package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// partitionVersion is in every partition's key: questions are not compared across versions of weir with other rules.
const partitionVersion = "weir semantic 1"

// MaxQuestion bounds the text of a question that is compared by meaning, in bytes. In longer ones the detail that makes the
// difference is lost in what is the same.
const MaxQuestion = 4 << 10

// Question gives the text of a call's last message, which must be the user's and hold one text, and the key of all the rest:
// questions of one key were asked on one account, of one model, with the same instructions, the same conversation before
// them, the same tools and the same parameters. False for a call that has no such text, or does more than to ask.
func Question(call *llm.Call) (rest Key, text string, ok bool) {
	name := ""
	switch call.Endpoint {
	case llm.ChatCompletions, llm.Messages:
		name = "messages"
	case llm.Responses:
		name = "input"
	default:
		return Key{}, "", false
	}
	if _, asks := keyOf(call); !asks {
		return Key{}, "", false
	}
	var said rawjson.Value
	times := 0
	body, err := rawjson.Digest(call.Body, func(member []byte, v rawjson.Value) bool {
		if string(member) == name {
			said, times = v, times+1
			return false
		}
		return counts(member)
	})
	if err != nil || times != 1 {
		return Key{}, "", false
	}
	q := question{b: append(asked(call, partitionVersion), body[:]...)}
	if said.Kind() == rawjson.String && name == "input" {
		q.b = append(q.b, 't')
		q.take(said)
	} else {
		q.messages(said)
	}
	if q.texts != 1 || len(q.text) > MaxQuestion || strings.TrimSpace(q.text) == "" || !utf8.ValidString(q.text) {
		return Key{}, "", false
	}
	return sha256.Sum256(q.b), q.text, true
}

// question is one while it is read.
type question struct {
	b     []byte // what its key is a hash of
	text  string
	texts int // it must be one; a body that cannot be split into text and rest counts two
}

// take takes the text.
func (q *question) take(v rawjson.Value) {
	text, ok := v.Str()
	if !ok {
		q.texts++
		return
	}
	q.text = text
	q.texts++
}

func (q *question) refuse() { q.texts += 2 }

// digest notes a value that must be equal.
func (q *question) digest(kind byte, v rawjson.Value, keep func(key []byte, v rawjson.Value) bool) {
	sum, err := rawjson.Digest(v, keep)
	if err != nil {
		q.refuse()
	}
	q.b = append(append(q.b, kind), sum[:]...)
}

// messages notes all but the last one, and splits that.
func (q *question) messages(v rawjson.Value) {
	if v.Kind() != rawjson.Array {
		q.refuse()
		return
	}
	var last rawjson.Value
	n := 0
	v.Each(func(_ int, m rawjson.Value) bool {
		if n > 0 {
			q.digest('m', last, nil)
		}
		last, n = m, n+1
		return true
	})
	q.b = binary.AppendUvarint(append(q.b, 'n'), uint64(n))
	if last.Kind() != rawjson.Object || !last.Get("role").Is("user") {
		q.refuse()
		return
	}
	content, times := rawjson.Value(nil), 0
	q.digest('l', last, func(key []byte, v rawjson.Value) bool {
		if string(key) != "content" {
			return true
		}
		content, times = v, times+1
		return false
	})
	switch {
	case times != 1: // said twice: nobody knows which one the provider reads
		q.refuse()
	case content.Kind() == rawjson.String:
		q.b = append(q.b, 't')
		q.take(content)
	default:
		q.parts(content)
	}
}

// parts notes what there is beside the text: pictures, files, and the text's own settings.
func (q *question) parts(content rawjson.Value) {
	if content.Kind() != rawjson.Array {
		q.refuse()
		return
	}
	content.Each(func(_ int, part rawjson.Value) bool {
		if kind := part.Get("type"); !kind.Is("text") && !kind.Is("input_text") {
			q.digest('p', part, nil)
			return true
		}
		times := 0
		q.digest('x', part, func(key []byte, v rawjson.Value) bool {
			if string(key) != "text" {
				return true
			}
			q.take(v)
			times++
			return false
		})
		if times != 1 {
			q.refuse()
		}
		return true
	})
}

// inside says that nothing but the model makes the answer: the provider is not to search or run something.
func inside(call *llm.Call) bool {
	_, outside := habits(call)
	return !outside
}
