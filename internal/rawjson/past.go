package rawjson

import "bytes"

// past finds the end of the value at b[i], which has been validated or need not be valid: it only looks for where the
// value ends, several times as fast as skip where strings are long. ok is false when it does not end.
func past(b []byte, i int) (end int, ok bool) {
	if i == len(b) {
		return i, false
	}
	switch b[i] {
	case '"':
		return pastString(b, i)
	case '{', '[':
	default:
		end, what := scalar(b, i)
		return end, what == ""
	}
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			if i, ok = pastString(b, i); !ok {
				return i, false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1, true
			}
		}
		i++
	}
	return i, false
}

// pastString finds the end of the string whose opening quote is b[i]: the first quote behind it that has an even number
// of backslashes in front.
func pastString(b []byte, i int) (end int, ok bool) {
	for i++; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b), false
		}
		i += n + 1
		slashes := 0
		for b[i-2-slashes] == '\\' { // ends at the opening quote at the latest
			slashes++
		}
		if slashes%2 == 0 {
			return i, true
		}
	}
}
