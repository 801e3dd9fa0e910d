package redact

import (
	"bytes"
	"net/netip"
)

// maxIP6 is how long an IPv6 address is when it is written out, with an IPv4 address at its end.
const maxIP6 = 45

// documentation are the addresses for examples (RFC 5737, 3849, 9637).
var documentation = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"),
}

// nobody says that an address names no machine of anybody's.
func nobody(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	for _, p := range documentation {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// ip4 gives the end of four numbers up to 255 with dots between them, 0 when there are none at i.
func (f *finder) ip4(i int) int {
	s := f.s
	if c := at(s, i-1); c == '.' || isAlnum(c) {
		return 0
	}
	for part := range 4 {
		n, v := 0, 0
		for n < 4 && isDigit(at(s, i+n)) {
			v = v*10 + int(s[i+n]-'0')
			n++
		}
		if n == 0 || n > 3 || v > 255 {
			return 0
		}
		i += n
		if part < 3 {
			if at(s, i) != '.' {
				return 0
			}
			i++
		}
	}
	if c := at(s, i); isAlnum(c) || c == '_' || c == '.' && isDigit(at(s, i+1)) {
		return 0
	}
	return i
}

// names says that the IPv4 address at s[from:to] is to be hidden.
func (f *finder) names(from, to int) (int, bool) {
	before := bytes.ToLower(f.s[max(0, from-9):from])
	if bytes.Contains(before, []byte("version")) || bytes.HasSuffix(before, []byte("ver ")) {
		return 0, false
	}
	a, err := netip.ParseAddr(string(f.s[from:to]))
	return from, err != nil || !nobody(a) // with leading zeros it is no address to Go, but to people
}

// ip6 finds IPv6 addresses of the ranges in use.
func (f *finder) ip6() {
	s := f.s
	for i := 0; i < len(s); {
		n := bytes.IndexByte(s[i:], ':')
		if n < 0 {
			return
		}
		i += n
		from, to := i, i
		for from > 0 && i-from < 5 && isHex(s[from-1]) {
			from--
		}
		for to < len(s) && (isHex(s[to]) || s[to] == ':' || s[to] == '.') {
			to++
		}
		next := to
		for to > from && (s[to-1] == '.' || s[to-1] == ':' && at(s, to-2) != ':') {
			to--
		}
		if c := at(s, from-1); to-from <= maxIP6 && to-from >= 4 && !isAlnum(c) && c != '_' && c != ':' && !isAlnum(at(s, next)) {
			if a, err := netip.ParseAddr(string(s[from:to])); err == nil && routed(a) && !nobody(a.Unmap()) {
				f.add(from, to, ip)
			}
		}
		i = max(next, i+1)
	}
}

func routed(a netip.Addr) bool {
	b := a.As16()
	return b[0]&0xe0 == 0x20 || a.IsPrivate() || a.IsLinkLocalUnicast() || a.Is4In6() || b[0] == 0 && b[1] == 0x64
}
