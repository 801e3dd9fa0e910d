package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// KeyPrefix begins every virtual key's text.
const KeyPrefix = "sk-weir-"

const (
	idLen     = 12
	secretLen = 43
	lower     = "abcdefghijklmnopqrstuvwxyz0123456789"
	alnum     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// Mint makes a new key's id, the text its owner keeps, and the hash that is stored: sk-weir-<id>-<secret>, the secret
// 43 characters of 62, 256 bits.
func Mint() (id string, text Secret, hash [32]byte) {
	id = randomText(lower, idLen)
	s := KeyPrefix + id + "-" + randomText(alnum, secretLen)
	return id, Secret{s}, sha256.Sum256([]byte(s))
}

// MintToken makes a secret of 43 characters for other uses: the admin token, a session, a sign-in link.
func MintToken() Secret { return Secret{randomText(alnum, secretLen)} }

// KeyID reads the id out of a presented key, and false when the text has not the form of one.
func KeyID(text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, KeyPrefix)
	if !ok || len(rest) != idLen+1+secretLen || rest[idLen] != '-' {
		return "", false
	}
	return rest[:idLen], true
}

// Opens says, in constant time, whether the presented text is this key's.
func (k Key) Opens(text string) bool {
	h := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(h[:], k.Hash[:]) == 1
}

// randomText draws n characters of the alphabet without bias.
func randomText(alphabet string, n int) string {
	out := make([]byte, 0, n)
	limit := byte(256 / len(alphabet) * len(alphabet) % 256) // 0 means all 256 values are usable
	buf := make([]byte, 64)
	for len(out) < n {
		_, _ = rand.Read(buf) // never fails, see crypto/rand
		for _, c := range buf {
			if (limit == 0 || c < limit) && len(out) < n {
				out = append(out, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(out)
}
