package outbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/weir-dev/weir/account"
)

// SignatureHeader holds the signature of what is sent.
const SignatureHeader = "X-Weir-Signature"

// Sign is the signature of a body sent at a moment: t=SECONDS,v1=HEX, where HEX is the HMAC-SHA256 with the secret of the seconds, a
// dot, and the body. Who checks it refuses what is old, so that nobody can send it again.
func Sign(secret account.Secret, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
