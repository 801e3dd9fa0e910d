package llm

import "slices"

// closeJSON makes JSON of a text that was cut off: the string, arrays and objects that are open at its end are closed,
// and a member without its value is dropped. Text that was broken before the cut stays broken.
func closeJSON(b []byte) []byte {
	type level struct {
		object bool
		keep   int // end of the last whole member or element
	}
	var stack []level
	i, afterColon := 0, false
	done := func(end int) { // a value ended
		if len(stack) > 0 {
			stack[len(stack)-1].keep = end
		}
		afterColon = false
	}
	cut, tail := -1, ""
scan:
	for i < len(b) {
		switch c := b[i]; c {
		case '{', '[':
			if len(stack) == 512 {
				return b
			}
			stack = append(stack, level{object: c == '{', keep: i + 1})
			i, afterColon = i+1, false
		case '}', ']':
			if len(stack) == 0 {
				return b
			}
			stack = stack[:len(stack)-1]
			i++
			done(i)
		case '"':
			j, ok := i+1, false
			safe := j // behind the last whole character or escape
			for j < len(b) {
				if b[j] == '"' {
					ok = true
					break
				}
				n := 1
				if b[j] == '\\' {
					if n = 2; j+1 < len(b) && b[j+1] == 'u' {
						n = 6
					}
				}
				if j += n; j <= len(b) {
					safe = j
				}
			}
			key := len(stack) > 0 && stack[len(stack)-1].object && !afterColon
			if !ok {
				if !key {
					cut, tail = safe, `"`
				}
				break scan
			}
			i = j + 1
			if !key {
				done(i)
			}
		case ':':
			afterColon = true
			i++
		case ',', ' ', '\t', '\r', '\n':
			i++
		default: // a number or literal counts once something follows it
			j := i
			for j < len(b) && b[j] > ' ' && b[j] != ',' && b[j] != '}' && b[j] != ']' {
				j++
			}
			if j == i {
				return b // a control character
			}
			if j == len(b) {
				break scan
			}
			i = j
			done(i)
		}
	}
	if len(stack) == 0 {
		return b
	}
	if cut < 0 {
		cut = stack[len(stack)-1].keep
	}
	out := append(append(make([]byte, 0, cut+len(stack)+1), b[:cut]...), tail...)
	for _, l := range slices.Backward(stack) {
		if l.object {
			out = append(out, '}')
		} else {
			out = append(out, ']')
		}
	}
	return out
}
