package ingest

import (
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// authenticate finds out on whose account a call is. The credential may come where OpenAI, Anthropic or Azure clients
// put it.
func (g *Gateway) authenticate(call *llm.Call, r *http.Request) (account.Key, *llm.Fault) {
	text, where := credential(r.Header)
	if text == "" {
		return account.Key{}, llm.Faultf(llm.Unauthorized, "no key: send a virtual key as Authorization: Bearer %s… (make one with weir keys create)", account.KeyPrefix)
	}
	if !strings.HasPrefix(text, account.KeyPrefix) && g.cfg.Passthrough {
		call.Project, call.Key = g.cfg.PassthroughProject, "passthrough"
		call.UpstreamAuth = "Bearer " + text
		return account.Key{Name: "passthrough"}, nil
	}
	key, ok := g.cfg.Keys.Open(r.Context(), text, time.Now())
	if !ok {
		return account.Key{}, llm.Faultf(llm.Unauthorized, "the key in %s opens nothing: it is unknown, revoked or expired (weir keys list shows the live ones)", where)
	}
	call.Project, call.KeyID, call.Key = key.Project, key.ID, key.Name
	return key, nil
}

// credential reads the presented key and says where it stood.
func credential(h http.Header) (text, where string) {
	if v := h.Get("Authorization"); v != "" {
		scheme, token, ok := strings.Cut(v, " ")
		if ok && strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(token), "Authorization"
		}
		return "", "Authorization"
	}
	for _, name := range []string{"X-Api-Key", "Api-Key"} {
		if v := h.Get(name); v != "" {
			return strings.TrimSpace(v), name
		}
	}
	return "", ""
}

// allows says whether a name fits one of the patterns.
func allows(patterns []string, name string) bool {
	for _, p := range patterns {
		if llm.Match(p, name) {
			return true
		}
	}
	return false
}
