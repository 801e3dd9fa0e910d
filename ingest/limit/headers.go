package limit

import (
	"net/http"
	"strconv"
	"time"
)

// setHeaders tells how the tightest limit of a kind stands, as OpenAI does. Where there is none, a provider's own headers
// stay as they are.
func setHeaders(h http.Header, kind Kind, asks []Ask, states []State) http.Header {
	if h == nil {
		h = http.Header{}
	}
	tightest := -1
	for i := range asks {
		if asks[i].Kind != kind {
			continue
		}
		if tightest < 0 || states[i].Remaining*asks[tightest].Burst < states[tightest].Remaining*asks[i].Burst {
			tightest = i
		}
	}
	if tightest < 0 || kind == Concurrent {
		return h
	}
	a, s := &asks[tightest], &states[tightest]
	v := []string{strconv.FormatInt(a.Limit, 10), strconv.FormatInt(s.Remaining, 10), rounded(s.Reset).String()}
	if kind == Requests {
		h["X-Ratelimit-Limit-Requests"], h["X-Ratelimit-Remaining-Requests"], h["X-Ratelimit-Reset-Requests"] = v[0:1:1], v[1:2:2], v[2:3:3]
	} else {
		h["X-Ratelimit-Limit-Tokens"], h["X-Ratelimit-Remaining-Tokens"], h["X-Ratelimit-Reset-Tokens"] = v[0:1:1], v[1:2:2], v[2:3:3]
	}
	return h
}

// rounded is a time in whole milliseconds, up.
func rounded(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
