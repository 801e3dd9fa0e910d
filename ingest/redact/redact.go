// Package redact applies a project's content policy to the two bodies of a call before they are recorded.
//
// Policy Redacted replaces personal data and secrets by typed marks: [email], [phone], [card], [iban], [ip], [jwt],
// [key], [private key], [secret] and [image N bytes]. What it promises and what it does not:
//
//   - JSON stays JSON and an event stream keeps its events. Strings are decoded first, so that \u0040 hides no @; a
//     string that is JSON itself, such as a tool call's arguments, is read as JSON. What holds nothing to hide keeps its
//     bytes. Bodies that were cut off are read as far as they go; everything else is text.
//   - In a stream the deltas of one text belong together: jane@ and example.com in two events are one address. When the
//     assembled text holds something, the first fragment gets the whole redacted text and the later ones become empty.
//     When nothing was found the events keep their bytes.
//   - Log probabilities repeat the text token by token: in a body where anything was found they become null.
//   - Structure is never touched: ids, model, role, type, finish reasons, usage, signatures. Below a tool's input,
//     arguments, results and metadata every string counts as content, whatever its name. There a card number that is a
//     JSON number becomes the string "[card]"; elsewhere numbers stay.
//   - Images are replaced by their size, as nobody can say what they show: data: URLs, and base64 beside an image media
//     type or as b64_json. Audio, files, embeddings and other long base64 stay as they are.
//   - IP addresses that name nobody stay: loopback, unspecified, broadcast, multicast, and those reserved for
//     documentation. Private networks are replaced.
//   - A phone number needs a +, a national form with separators, or a word such as "phone" in front. A bare hexadecimal
//     string is taken for a digest unless a word such as "key" or "token" stands in front.
//   - Names, addresses of houses, and values cut in half by the end of the body are not found.
package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Policy says how much of a call's bodies is recorded.
type Policy string

// The policies, as the configuration spells them.
const (
	Full     Policy = "full"     // everything, byte for byte
	Redacted Policy = "redacted" // with personal data and secrets replaced by marks
	Hash     Policy = "hash"     // only whether two bodies are equal
	None     Policy = "none"     // nothing
)

// Apply returns what may be recorded of a call's bodies. Full returns them as they are; Redacted returns the same
// slices when nothing was found, else copies; Hash returns "sha256:" and the hex HMAC-SHA256 of each body keyed with
// salt, so that equal bodies can be told equal and nothing be guessed without the salt; None and every unknown policy
// return nil. A nil body stays nil. The arguments are never written to. It takes time linear in the sizes. Safe for
// concurrent use.
func Apply(p Policy, salt []byte, request, response []byte) (req, resp []byte) {
	switch p {
	case Full:
		return request, response
	case Redacted:
		return body(request), body(response)
	case Hash:
		return hash(salt, request), hash(salt, response)
	}
	return nil, nil
}

func hash(salt, b []byte) []byte {
	if b == nil {
		return nil
	}
	mac := hmac.New(sha256.New, salt)
	mac.Write(b)
	return hex.AppendEncode([]byte("sha256:"), mac.Sum(nil))
}

// body redacts a request or an answer in whichever form it came.
func body(b []byte) []byte {
	start := bytes.TrimLeft(bytes.TrimPrefix(b, bom), " \t\r\n")
	if len(start) == 0 {
		return b
	}
	if c := start[0]; c == '{' || c == '[' || c == '"' {
		if out, ok := document(b, len(b)-len(start)); ok {
			return out
		}
	} else if isStream(start) {
		return stream(b)
	}
	out, _ := text(b, nil)
	return out
}

var bom = []byte("\xef\xbb\xbf")
