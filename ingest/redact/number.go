package redact

import "bytes"

// maxGroups bounds how many groups of digits a number has.
const maxGroups = 8

// group is a run of digits and what stands in front of it: 0 for the first, else one of " -./)".
type group struct {
	from, to int
	sep      byte
}

func (g group) len() int { return g.to - g.from }

// numbers finds what is made of digits: accounts, IP addresses, cards and phone numbers.
func (f *finder) numbers() {
	s := f.s
	var buf [maxGroups]group
	chain := buf[:0]
	for i := 0; i < len(s); {
		if !isDigit(s[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(s) && isDigit(s[end]) {
			end++
		}
		if to := f.iban(i); to > 0 {
			f.add(i-2, to, iban)
			i = to
			continue
		}
		if before := at(s, i-1); isAlpha(before) || before == '_' {
			i = end
			continue
		}
		if to := f.ip4(i); to > 0 {
			if from, ok := f.names(i, to); ok {
				f.add(from, to, ip)
			}
			i = to
			continue
		}
		if at(s, i-1) == '.' && isDigit(at(s, i-2)) { // digits behind a decimal point
			i = end
			continue
		}
		if len(chain) > 1 && chain[1].from == i { // read with the group before
			chain = chain[:copy(chain, chain[1:])]
			if len(chain) == maxGroups-1 { // it may go on
				chain = f.groups(chain, chain[len(chain)-1].to)
			}
		} else {
			chain = f.groups(chain[:0], i)
		}
		digits := 0
		for _, g := range chain {
			digits += g.len()
		}
		if digits < 7 {
			i = end
			continue
		}
		if to := f.card(chain); to > 0 {
			f.add(i, to, card)
			i = to
			continue
		}
		if from, to := f.phone(chain); to > 0 {
			f.add(from, to, phone)
			i = to
			continue
		}
		i = end
	}
}

// groups appends the groups of digits that may belong to one number: the one at i when there is none yet, and those
// behind i.
func (f *finder) groups(out []group, i int) []group {
	for len(out) < maxGroups {
		sep := byte(0)
		if len(out) > 0 {
			if sep, i = f.separator(i); sep == 0 {
				return out
			}
		}
		end := i
		for end < len(f.s) && isDigit(f.s[end]) && end-i < 20 {
			end++
		}
		if c := at(f.s, end); end == i || isAlnum(c) || c == '_' {
			return out
		}
		out = append(out, group{i, end, sep})
		i = end
	}
	return out
}

// separator reads what may stand between groups of digits.
func (f *finder) separator(i int) (sep byte, next int) {
	for n := 0; n < 3 && i < len(f.s); n++ {
		c, width := f.s[i], 1
		switch {
		case c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')':
		case c == 0xc2 && at(f.s, i+1) == 0xa0: // no-break space
			c, width = ' ', 2
		case c == 0xe2 && at(f.s, i+1) == 0x80 && (at(f.s, i+2) == 0x91 || at(f.s, i+2) == 0x90): // hyphens
			c, width = '-', 3
		case c == 0xe2 && at(f.s, i+1) == 0x80 && at(f.s, i+2) == 0xaf: // narrow no-break space
			c, width = ' ', 3
		default:
			return sep, i
		}
		switch {
		case sep == 0 || sep == ' ' && c == '(':
			sep = c
		case c == ' ' && (sep == ' ' || sep == ')'), c == '-' && sep == ')', c == ')' && sep == '(':
		default:
			return 0, i
		}
		i += width
	}
	if sep == '(' {
		sep = ')'
	}
	return sep, i
}

// cardGroups are the ways in which card numbers are grouped.
var cardGroups = [...][]int{{4, 4, 4, 4}, {4, 4, 4, 4, 1}, {4, 4, 4, 4, 2}, {4, 4, 4, 4, 3}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 1}, {4, 3, 3, 3}}

// card gives the end of a card number, 0 when the groups are none.
func (f *finder) card(groups []group) int {
	if len(groups) == 0 {
		return 0
	}
	var digits [20]byte
	if n := groups[0].len(); n >= 13 && n <= 19 {
		g := groups[0]
		if c := at(f.s, g.to); (c == '.' || c == '-') && isAlnum(at(f.s, g.to+1)) || at(f.s, g.from-1) == '-' && isAlnum(at(f.s, g.from-2)) {
			return 0
		}
		unsure := n == 13 || n > 16
		if isCard(f.s[g.from:g.to]) && (!unsure || f.near(g.from, cueCard)) {
			return g.to
		}
		return 0
	}
	if groups[0].len() != 4 || len(groups) < 3 {
		return 0
	}
	best := 0
	for _, shape := range cardGroups {
		if len(shape) > len(groups) {
			continue
		}
		n, ok := 0, true
		for i, size := range shape {
			g := groups[i]
			if ok = g.len() == size && (i == 0 || g.sep == groups[1].sep && g.sep != '/' && g.sep != ')'); !ok {
				break
			}
			n += copy(digits[n:], f.s[g.from:g.to])
		}
		if ok && isCard(digits[:n]) {
			best = max(best, groups[len(shape)-1].to)
		}
	}
	return best
}

// isCard says that digits are a card's number: an issuer's range, its length and the check digit.
func isCard(d []byte) bool {
	for _, c := range d {
		if !isDigit(c) {
			return false
		}
	}
	n := len(d)
	if n < 13 || n > 19 || !issuer(d) {
		return false
	}
	sum := 0
	for i, c := range d {
		v := int(c - '0')
		if (n-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// issuer says that the length fits the range of an issuer that the number begins with.
func issuer(d []byte) bool {
	n, p := len(d), 0
	for _, c := range d[:4] {
		p = p*10 + int(c-'0')
	}
	in := func(from, to int) bool { return from <= p && p <= to }
	switch {
	case in(4000, 4999): // Visa
		return n == 13 || n == 16 || n == 19
	case in(5100, 5599), in(2221, 2720), in(2200, 2204): // Mastercard, Mir
		return n == 16
	case in(3400, 3499), in(3700, 3799): // American Express
		return n == 15
	case in(3000, 3059), in(3600, 3699), in(3800, 3999): // Diners Club
		return n == 14 || n == 16
	case in(3528, 3589): // JCB
		return n == 16
	case in(6011, 6011), in(6440, 6599), in(6200, 6299), in(8100, 8171): // Discover, UnionPay
		return n >= 16
	case in(5018, 5018), in(5020, 5020), in(5038, 5038), in(5893, 5893), in(6304, 6304), in(6759, 6763): // Maestro
		return n >= 13
	}
	return false
}

// ibanLength is how long an account number is, by country (ISO 13616).
var ibanLength = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
	"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
	"FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
	"IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
	"NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
	"SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
	"UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// iban gives the end of an account number whose check digits are at i, 0 when there is none.
func (f *finder) iban(i int) int {
	s := f.s
	if i < 2 || !isAlpha(s[i-1]) || !isAlpha(s[i-2]) || isAlnum(at(s, i-3)) {
		return 0
	}
	want := ibanLength[string(bytes.ToUpper(s[i-2:i]))]
	var d [34]byte
	n, j := 2, i
	d[0], d[1] = s[i-2], s[i-1]
	for n < want && j < len(s) {
		c := s[j]
		switch {
		case isAlnum(c):
			d[n] = c
			n++
			j++
		case (c == ' ' || c == '-') && j > i && isAlnum(s[j-1]):
			j++
		case c == 0xc2 && at(s, j+1) == 0xa0:
			j += 2
		default:
			return 0
		}
	}
	if want == 0 || n < want || isAlnum(at(s, j)) {
		return 0
	}
	mod := 0
	for k := range want {
		switch c := d[(k+4)%want]; {
		case isDigit(c):
			mod = (mod*10 + int(c-'0')) % 97
		default:
			mod = (mod*100 + int(c|0x20-'a') + 10) % 97
		}
	}
	if mod != 1 {
		return 0
	}
	return j
}
