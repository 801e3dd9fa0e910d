package llm

// Match says whether a name (a model, an endpoint's path) fits a pattern: * stands for any run of characters, slashes
// too, and ? for one byte. Linear in the name for each star; it allocates nothing.
func Match(pattern, name string) bool {
	p, n := 0, 0
	star, retry := -1, 0 // where the last star is, and where its run would end next
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			retry++
			p, n = star+1, retry
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
