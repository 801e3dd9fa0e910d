package llm

import "strings"

// keyPrefixes start the keys that providers give out.
var keyPrefixes = []string{"sk-", "pk-", "rk-", "sk_", "pk_", "rk_", "xai-", "gsk_", "AIza", "ya29", "hf_", "pplx-", "r8_", "tgp_", "csk-", "nvapi-", "fw_", "eyJ", "AKIA"}

// maskSecrets replaces what looks like a key in a message: a known prefix with more behind it, or a long mix of upper
// case, lower case and digits. Words that somebody has masked with stars already stay as they are.
func maskSecrets(s string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); {
		if !inKey(s[i]) {
			i++
			continue
		}
		j := i
		for j < len(s) && inKey(s[j]) {
			j++
		}
		if prefix, ok := secret(s[i:j]); ok {
			out.WriteString(s[done:i])
			out.WriteString(prefix)
			out.WriteString("****")
			done = j
		}
		i = j
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

func inKey(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '*'
}

// secret says that a word is a key, and which harmless prefix of it may be shown.
func secret(w string) (string, bool) {
	if strings.Contains(w, "***") {
		return "", false
	}
	for _, p := range keyPrefixes {
		if strings.HasPrefix(w, p) && len(w) >= len(p)+12 {
			return p, true
		}
	}
	if len(w) < 40 {
		return "", false
	}
	var kinds [3]bool
	for i := range len(w) {
		switch c := w[i]; {
		case 'a' <= c && c <= 'z':
			kinds[0] = true
		case 'A' <= c && c <= 'Z':
			kinds[1] = true
		case '0' <= c && c <= '9':
			kinds[2] = true
		}
	}
	return "", kinds == [3]bool{true, true, true}
}
