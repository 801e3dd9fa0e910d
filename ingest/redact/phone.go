package redact

// phone gives where a phone number that starts with the groups begins and ends; 0, 0 when they are none. Without a + it
// takes a national form that counts, dates and identifiers do not have, or a word in front that says what it is.
func (f *finder) phone(g []group) (from, to int) {
	if len(g) == 0 {
		return 0, 0
	}
	from = g[0].from
	before := at(f.s, from-1)
	open := before == '('
	if open {
		from--
		before = at(f.s, from-1)
	}
	if before == '+' && !isAlnum(at(f.s, from-2)) && at(f.s, from-2) != '+' {
		from--
		if f.s[g[0].from] == '0' {
			return 0, 0
		}
		return from, f.take(g, 9, 15)
	}
	if (before == '-' || before == '.' || before == '/' || before == '#' || before == '$') && before != 0 && (isAlnum(at(f.s, from-2)) || before == '#' || before == '$') {
		return 0, 0
	}
	if to := f.national(g, open); to > 0 {
		return from, to
	}
	if to := f.take(g, 7, 15); to > 0 && f.near(from, cuePhone) {
		return from, to
	}
	return 0, 0
}

// take gives the end of as many groups as make up at least low and at most high digits; 0 when they do not.
func (f *finder) take(g []group, low, high int) int {
	digits, to := 0, 0
	for i, p := range g {
		if i > 0 && p.sep == '.' && p.from-g[i-1].to > 1 || digits+p.len() > high {
			break
		}
		digits += p.len()
		to = p.to
	}
	if digits < low && (digits != low-1 || len(g) <= 1) {
		return 0
	}
	return to
}

// national gives the end of a number in a common national form, 0 when it is in none.
func (f *finder) national(g []group, open bool) int {
	if f.lens(g, 1, 3, 3, 4) && f.s[g[0].from] == '1' && !open {
		return f.american(g[1:])
	}
	switch d := f.s[g[0].from]; {
	case f.lens(g, 3, 3, 4) && d >= '2':
		return f.american(g)
	case f.lens(g, 3, 4, 4) && d == '1' && f.s[g[0].from+1] >= '3' && g[1].sep == '-' && g[2].sep == '-': // China
		return f.last(g[2])
	case d == '0' && f.s[g[0].from:g[0].to][min(1, g[0].len()-1)] == '0': // 00 and a country
		if len(g) > 1 && g[0].len() >= 3 && f.s[g[0].from+2] != '0' {
			return f.until(g, 11, 17)
		}
	case d == '0' && g[0].len() >= 2 && g[0].len() <= 6 && !isDate(f.s, g):
		return f.until(g, 9, 12)
	}
	return 0
}

// american gives the end of area code, exchange and line: (212) 555-0123. With nothing but spaces it could be three
// counts.
func (f *finder) american(g []group) int {
	if f.s[g[0].from] < '2' || f.s[g[1].from] < '2' || g[1].sep == '/' || g[2].sep == '/' || g[2].sep == ')' || g[1].sep == ' ' && g[2].sep == ' ' {
		return 0
	}
	return f.last(g[2])
}

// until is last for the most groups that make up between low and high digits; two groups at least.
func (f *finder) until(g []group, low, high int) int {
	digits, best := 0, 0
	for i, p := range g {
		if digits += p.len(); digits > high {
			break
		}
		if i > 0 && digits >= low {
			if to := f.last(p); to > 0 {
				best = to
			}
		}
	}
	return best
}

// last is the end of a group, 0 when the number goes on behind it as a time, a version or an identifier would.
func (f *finder) last(g group) int {
	if c := at(f.s, g.to); (c == '-' || c == '.' || c == ':' || c == '/') && isAlnum(at(f.s, g.to+1)) {
		return 0
	}
	return g.to
}

func (f *finder) lens(g []group, lens ...int) bool {
	if len(g) < len(lens) {
		return false
	}
	for i, n := range lens {
		if g[i].len() != n {
			return false
		}
	}
	return true
}

// isDate says that groups begin as a date does: 01.02.2024, 01/02/24 or 01-02 2024.
func isDate(s []byte, g []group) bool {
	if len(g) < 3 || g[0].len() != 2 || g[1].len() != 2 || g[1].sep == ' ' && g[2].sep == ' ' && g[2].len() == 2 {
		return false
	}
	if g[2].len() == 2 {
		return g[1].sep == '/' || g[1].sep == '.' && len(g) < 5
	}
	year := s[g[2].from:g[2].to]
	return len(year) == 4 && (year[0] == '1' && year[1] == '9' || year[0] == '2' && year[1] == '0')
}
