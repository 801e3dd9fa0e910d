package redact

import (
	"bytes"
	"math"
)

const (
	minToken  = 8   // bytes of the shortest token behind Bearer
	minWord   = 16  // bytes of the shortest key
	minSecret = 32  // bytes of the shortest string that is taken for a secret without a known beginning
	maxSecret = 256 // longer ones are files
)

// prefix is how the keys of a provider begin, and how many bytes follow at least.
type prefix struct {
	text  string
	least int
}

// prefixes of keys, by first letter.
var prefixes = func() (m [128][]prefix) {
	for _, p := range []prefix{
		{"sk-", 16},
		{"sk_", 16},
		{"pk-lf-", 16},
		{"pk_live_", 10},
		{"pk_test_", 10},
		{"rk_live_", 10},
		{"rk_test_", 10},
		{"xai-", 20},
		{"gsk_", 20},
		{"AIza", 30},
		{"ya29", 20},
		{"hf_", 20},
		{"pplx-", 20},
		{"r8_", 20},
		{"tgp_v1_", 16},
		{"csk-", 20},
		{"nvapi-", 20},
		{"fw_", 20},
		{"wsk-", 16},
		{"lsv2_", 20},
		{"voyage-", 30},
		{"jina_", 30},
		{"tvly-", 20},
		{"AKIA", 16},
		{"ASIA", 16},
		{"ABSK", 40},
		{"GOCSPX-", 20},
		{"ghp_", 20},
		{"gho_", 20},
		{"ghu_", 20},
		{"ghs_", 20},
		{"ghr_", 20},
		{"github_pat_", 20},
		{"glpat-", 16},
		{"gldt-", 16},
		{"xoxb-", 10},
		{"xoxp-", 10},
		{"xoxa-", 10},
		{"xoxr-", 10},
		{"xoxs-", 10},
		{"xoxe-", 10},
		{"xapp-", 10},
		{"npm_", 30},
		{"pypi-", 40},
		{"dop_v1_", 30},
		{"shpat_", 30},
		{"shpss_", 30},
		{"sq0atp-", 20},
		{"sq0csp-", 20},
		{"whsec_", 20},
		{"dckr_pat_", 20},
		{"hvs", 20},
		{"SG", 16},
		{"key-", 32},
		{"phc_", 30},
		{"ntn_", 30},
		{"figd_", 20},
	} {
		m[p.text[0]] = append(m[p.text[0]], p)
	}
	return m
}()

// identifiers begin names that providers give to calls and things, which are long and random but no secrets.
var identifiers = []string{
	"chatcmpl-", "cmpl-", "resp_", "msg_", "call_", "toolu_", "srvtoolu_", "req_", "run_", "rs_", "fc_", "ctc_", "file-",
	"file_", "asst_", "thread_", "step_", "batch_", "vs_", "ws_", "gen-", "fp_", "ig_", "modr-", "ftjob-",
}

// words finds keys, tokens and other secrets, in one reading: runs of key and base64 letters, and the words in them.
func (f *finder) words() {
	s := f.s
	for i := 0; i < len(s); {
		if traits[s[i]]&traitRun == 0 {
			i++
			continue
		}
		end := i + 1
		for end < len(s) && traits[s[end]]&traitRun != 0 {
			end++
		}
		if end-i >= minWord || end-i >= 2 && s[i] == 'S' || end-i >= 3 && (s[i] == 'y' || s[i] == 'h') || end-i >= minToken && f.behind(i) {
			end = f.run(i, end)
		}
		i = end
	}
}

// run looks at a run of letters and at the words in it, and gives the end of what it has read.
func (f *finder) run(from, to int) int {
	s := f.s
	if f.behind(from) {
		end := to
		for end < len(s) && (traits[s[end]]&traitRun != 0 || s[end] == '.' || s[end] == '~') {
			end++
		}
		for end > from && s[end-1] == '.' {
			end--
		}
		if end-from >= minToken && mixed(s[from:end]) {
			f.add(from, end, key)
			return max(end, to)
		}
	}
	short := to-from <= maxSecret && !bytes.HasSuffix(s[max(0, from-8):from], []byte("base64,"))
	for i := from; i < to; {
		if !isWord(s[i]) {
			i++
			continue
		}
		end := i + 1
		for end < to && isWord(s[end]) {
			end++
		}
		if e := f.word(i, end); e > 0 {
			i = max(e, end)
			if i >= to {
				return i
			}
			continue
		}
		if short && end-i >= minSecret && f.secret(i, end) {
			f.add(i, end, secret)
		}
		i = end
	}
	if n := to - from; short && n >= minSecret && bytes.ContainsAny(s[from:to], "+/=") {
		start := from
		if i := bytes.IndexByte(bytes.TrimRight(s[from:to], "="), '='); i >= 0 { // NAME=value
			start = from + i + 1
		}
		if to-start >= minSecret && f.secret(start, to) {
			f.add(start, to, secret)
		}
	}
	return to
}

// behind says that what stands at i is what Bearer or Basic authorises.
func (f *finder) behind(i int) bool {
	for i > 0 && f.s[i-1] == ' ' {
		if i--; i > 0 && f.s[i-1] != ' ' {
			return bytes.EqualFold(f.s[max(0, i-6):i], []byte("bearer")) && !isAlnum(at(f.s, i-7)) ||
				string(f.s[max(0, i-5):i]) == "Basic" && !isAlnum(at(f.s, i-6))
		}
	}
	return false
}

// mixed says that a token is no word: it has a digit, or capitals in its middle.
func mixed(w []byte) bool {
	for i, c := range w {
		if isDigit(c) || i > 0 && isUpper(c) && isLower(w[i-1]) {
			return true
		}
	}
	return false
}

// word adds the key or token that starts with the word and gives its end, 0 when there is none.
func (f *finder) word(from, to int) int {
	s := f.s
	w := s[from:to]
	if bytes.HasPrefix(w, []byte("eyJ")) && at(s, to) == '.' {
		end, parts := to, 0
		for at(s, end) == '.' && isWord(at(s, end+1)) {
			part := end + 1
			for end = part; end < len(s) && isWord(s[end]); end++ {
			}
			if parts++; parts == 1 && end-part < 8 {
				return 0
			}
		}
		if parts > 0 && len(w) >= 10 {
			f.add(from, end, jwt)
			return end
		}
	}
	if w[0] >= 128 {
		return 0
	}
	for _, p := range prefixes[w[0]] {
		if !bytes.HasPrefix(w, []byte(p.text)) {
			continue
		}
		end := to
		switch p.text {
		case "SG", "ya29", "hvs": // the rest comes behind a dot
			if len(w) > len(p.text) || at(s, to) != '.' {
				continue
			}
			for end < len(s) && (isWord(s[end]) || s[end] == '.') {
				end++
			}
		}
		tail := s[from+len(p.text) : end]
		if len(tail) >= p.least && mixed(tail) && (p.text != "AKIA" && p.text != "ASIA" || len(w) == 20) {
			f.add(from, end, key)
			return end
		}
	}
	return 0
}

// secret says that a string without a known beginning is one: long, and as irregular as chance makes it.
func (f *finder) secret(from, to int) bool {
	w := f.s[from:to]
	for _, p := range identifiers {
		if bytes.HasPrefix(w, []byte(p)) {
			return false
		}
	}
	var count [128]int
	var upper, lower, digit, other, changes, last int
	hex := true
	for i, c := range w {
		class := 4
		switch {
		case isUpper(c):
			upper++
			class = 1
		case isLower(c):
			lower++
			class = 2
		case isDigit(c):
			digit++
			class = 3
		default:
			other++
		}
		if i > 0 && class != last {
			changes++
		}
		last = class
		hex = hex && (isHex(c) || c == '-')
		count[c&127]++
	}
	if digit < 2 {
		return false
	}
	entropy, n := 0.0, float64(len(w))
	for _, k := range count {
		if k > 0 {
			p := float64(k) / n
			entropy -= p * math.Log2(p)
		}
	}
	if entropy >= 3 && other*4 <= len(w) && f.near(from, cueSecret) {
		return true
	}
	return !hex && upper >= 2 && lower >= 2 && digit >= len(w)/16 && other*6 <= len(w) && changes*100 >= 42*(len(w)-1) && entropy >= 4.3
}

// privateKeys finds blocks of private keys in PEM or OpenPGP armour, also such as have no end.
func (f *finder) privateKeys() {
	begin, end, dashes := []byte("-----BEGIN "), []byte("-----END "), []byte("-----")
	ends := true // there may be another end
	for i := 0; ; {
		n := bytes.Index(f.s[i:], begin)
		if n < 0 {
			return
		}
		from := i + n
		i = from + len(begin)
		head := f.s[i:min(len(f.s), i+48)]
		n = bytes.Index(head, dashes)
		if n < 0 || !bytes.Contains(head[:n], []byte("PRIVATE KEY")) {
			continue
		}
		i += n + len(dashes)
		to := -1
		if ends {
			if n = bytes.Index(f.s[i:], end); n >= 0 {
				to = i + n + len(end)
				if n = bytes.Index(f.s[to:min(len(f.s), to+48)], dashes); n >= 0 {
					to += n + len(dashes)
				}
			} else {
				ends = false
			}
		}
		if to < 0 {
			for to = i; to < len(f.s) && (traits[f.s[to]]&traitRun != 0 || bytes.IndexByte([]byte(" \t\r\n\\:,"), f.s[to]) >= 0); to++ {
			}
		}
		f.add(from, to, privateKey)
		i = to
	}
}

// images finds data: URLs of images.
func (f *finder) images() {
	url := []byte("data:image/")
	for i := 0; ; {
		n := bytes.Index(f.s[i:], url)
		if n < 0 {
			return
		}
		from := i + n
		i = from + len(url)
		n = bytes.Index(f.s[i:min(len(f.s), i+64)], []byte(";base64,"))
		if n < 0 {
			continue
		}
		i += n + len(";base64,")
		to := i
		for to < len(f.s) && (traits[f.s[to]]&traitRun != 0) {
			to++
		}
		f.hits = append(f.hits, hit{from: from, to: to, kind: image, mark: imageMark(f.s[i:to])})
		i = to
	}
}
