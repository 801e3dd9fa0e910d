package rawjson

import (
	"encoding/binary"
	"math/bits"
)

// skip validates the value at b[i], which has no space in front and lies depth levels deep. It returns the offset
// behind it, or the offset of a fault and what it is. One loop with a bit per level stands in for recursion.
func skip(b []byte, i, depth int) (int, string) {
	var what string
	if i < len(b) && b[i] != '{' && b[i] != '[' {
		return scalar(b, i)
	}
	var objects [MaxDepth / 64]uint64 // bit d: level d is an object
	base := depth

value:
	if i == len(b) {
		return i, "expected a value, found the end"
	}
	switch b[i] {
	case '{':
		if depth == MaxDepth {
			return i, "nested too deeply: at most 512 levels are read"
		}
		objects[depth>>6] |= 1 << (depth & 63)
		depth++
		if i = space(b, i+1); i < len(b) && b[i] == '}' {
			goto pop
		}
		goto key
	case '[':
		if depth == MaxDepth {
			return i, "nested too deeply: at most 512 levels are read"
		}
		objects[depth>>6] &^= 1 << (depth & 63)
		depth++
		if i = space(b, i+1); i < len(b) && b[i] == ']' {
			goto pop
		}
		goto value
	default:
		if i, what = scalar(b, i); what != "" {
			return i, what
		}
	}

after:
	if depth == base {
		return i, ""
	}
	if i = space(b, i); i == len(b) {
		return i, "expected ',' or a closing bracket, found the end"
	}
	if objects[(depth-1)>>6]>>((depth-1)&63)&1 == 1 {
		switch b[i] {
		case ',':
			i = space(b, i+1)
			goto key
		case '}':
			goto pop
		}
		return i, "expected ',' or '}' after a member"
	}
	switch b[i] {
	case ',':
		i = space(b, i+1)
		goto value
	case ']':
		goto pop
	}
	return i, "expected ',' or ']' after an element"

pop:
	depth--
	i++
	goto after

key:
	if i == len(b) || b[i] != '"' {
		return i, "expected a member name in double quotes"
	}
	if i, _, what = str(b, i); what != "" {
		return i, what
	}
	if i = space(b, i); i == len(b) || b[i] != ':' {
		return i, "expected ':' after the member name"
	}
	i = space(b, i+1)
	goto value
}

// scalar validates a string, number or literal at b[i].
func scalar(b []byte, i int) (int, string) {
	if i == len(b) {
		return i, "expected a value, found the end"
	}
	switch c := b[i]; {
	case c == '"':
		end, _, what := str(b, i)
		return end, what
	case c == '-' || '0' <= c && c <= '9':
		return number(b, i)
	case c == 't':
		return literal(b, i, "true")
	case c == 'f':
		return literal(b, i, "false")
	case c == 'n':
		return literal(b, i, "null")
	}
	return i, "expected a value"
}

func literal(b []byte, i int, word string) (int, string) {
	if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
		return i + len(word), ""
	}
	return i, "expected a value"
}

func number(b []byte, i int) (int, string) {
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && '1' <= b[i] && b[i] <= '9':
		i = digits(b, i)
	default:
		return i, "expected a digit"
	}
	if i < len(b) && b[i] == '.' {
		j := digits(b, i+1)
		if j == i+1 {
			return j, "expected a digit after the decimal point"
		}
		i = j
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		j := digits(b, i)
		if j == i {
			return j, "expected a digit in the exponent"
		}
		i = j
	}
	return i, ""
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}

func space(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// str validates the string whose opening quote is b[i]. It returns the offset behind the closing quote and whether
// there are escapes. Eight bytes at a time are tested for a quote, a backslash or a control character; the lowest hit
// of each test is exact, since a borrow only reaches the bytes above a hit.
func str(b []byte, i int) (end int, escaped bool, what string) {
	i++
	for {
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			q, s := x^(ones*'"'), x^(ones*'\\')
			hit := ((q-ones)&^q | (s-ones)&^s | (x-ones*0x20)&^x) & high
			if hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		if i == len(b) {
			return i, escaped, "the string has no closing quote"
		}
		switch b[i] {
		case '"':
			return i + 1, escaped, ""
		case '\\':
			escaped = true
			if i+1 == len(b) {
				return i, escaped, "the string has no closing quote"
			}
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := hex4(b, i+2); !ok {
					return i, escaped, `expected four hexadecimal digits after \u`
				}
				i += 6
			default:
				return i, escaped, "unknown escape in the string"
			}
		default:
			return i, escaped, "a control character in the string must be escaped"
		}
	}
}
