package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// member adds a member and gives what makes a request theirs.
func (w *world) member(name string, role account.Role) func(*http.Request) {
	w.t.Helper()
	return header("Authorization", "Bearer "+w.memberToken(name, role))
}

func (w *world) memberToken(name string, role account.Role) string {
	w.t.Helper()
	rec := w.ask("POST", "/members", fmt.Sprintf(`{"name":%q,"role":%q}`, name, role))
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return decode[madeMember](w.t, rec.Body.Bytes()).Token
}

// Each route lets those in whose role is enough, and nobody else.
func TestEveryRouteWantsARole(t *testing.T) {
	w := newWorld(t)
	as := map[account.Role]func(*http.Request){}
	for _, role := range account.Roles {
		as[role] = w.member("a-"+string(role), role)
	}
	want := map[string]account.Role{ // what developers and approvers may change; all else that changes something is an admin's
		"pushPrompt": account.Developer, "deletePromptVersion": account.Developer, "movePromptLabel": account.Developer, "removePromptLabel": account.Developer,
		"rollbackPromptLabel": account.Developer, "undoPromptMove": account.Developer, "openPromptChange": account.Developer, "closeChange": account.Developer,
		"reviewChange": account.Approver, "mergeChange": account.Approver,
	}
	seen := 0
	for i := range w.api.routes {
		r := &w.api.routes[i]
		if r.open {
			continue
		}
		need := r.need()
		switch special, ok := want[r.name]; {
		case ok && need != special:
			t.Errorf("%s needs %s, want %s", r.name, need, special)
		case strings.Contains(r.path, "/keys") && r.method != "GET", strings.Contains(r.path, "/members") && r.method != "GET", strings.Contains(r.path, "/protections"):
			if need != account.Admin {
				t.Errorf("%s needs %s, want admin", r.name, need)
			}
		case r.method == "GET" && need != account.Viewer && need != account.Admin:
			t.Errorf("%s reads and needs %s", r.name, need)
		}
		if _, ok := want[r.name]; ok {
			seen++
		}
		for _, role := range account.Roles {
			reached := false
			r.handle = func(http.ResponseWriter, *http.Request) error { reached = true; return nil }
			rec := w.knock(r.method, somePath(r), as[role])
			refused := rec.Code == http.StatusForbidden && strings.Contains(rec.Body.String(), "ask an admin for the role")
			if may := role.May(need); may != reached || may == refused {
				t.Errorf("%s %s as %s: reached %v, %d %s", r.method, r.path, role, reached, rec.Code, rec.Body)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d of the %d named routes are there", seen, len(want))
	}
}

// knock asks without looking at the answer's form.
func (w *world) knock(method, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(w.t.Context(), method, prefix+target, strings.NewReader(""))
	r.Header.Set("Authorization", "Bearer "+token)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func TestMembersComeAndGo(t *testing.T) {
	w := newWorld(t)
	rec := w.ask("POST", "/members", `{"name":"ann","email":"ann@example.org","role":"developer"}`)
	made := decode[madeMember](t, rec.Body.Bytes())
	if _, ok := account.MemberID(made.Token); rec.Code != http.StatusCreated || !ok || made.Role != account.Developer {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	ann := header("Authorization", "Bearer "+made.Token)
	equalJSON(t, w.ask("GET", "/session", "", ann).Body.String(), `{"signed_in":true,"name":"ann","role":"developer"}`)
	if list := w.ask("GET", "/members", "", ann).Body.String(); strings.Contains(list, made.Token) || !strings.Contains(list, `"email":"ann@example.org"`) {
		t.Errorf("%s", list)
	}
	for body, words := range map[string]string{
		`{"name":"ann","role":"viewer"}`:                    "had this name",
		`{"name":"admin","role":"viewer"}`:                  "admin token",
		`{"name":"Admin","role":"viewer"}`:                  "admin token",
		`{"name":"","role":"viewer"}`:                       "1 to 64",
		`{"name":"a b","role":"viewer"}`:                    "1 to 64",
		`{"name":"bob","role":"root"}`:                      "viewer, developer, approver, admin",
		`{"name":"bob"}`:                                    "viewer, developer, approver, admin",
		`{"name":"bob","role":"viewer","email":"x"}`:        "no address",
		`{"name":"bob","role":"viewer","token":"wm-weir-"}`: "no field",
	} {
		w.refused(w.ask("POST", "/members", body), 400, llm.InvalidRequest, words)
	}
	w.refused(w.ask("PUT", "/members/ann/role", `{"role":"root"}`), 400, llm.InvalidRequest, "no role")
	w.refused(w.ask("PUT", "/members/bob/role", `{"role":"viewer"}`), 404, llm.NotFound, "no member")
	w.refused(w.ask("PUT", "/members/ann/role", `{"role":"admin"}`, ann), 403, llm.Forbidden, "ann is a developer", "takes an admin", "weir members role ann admin")

	if rec := w.ask("PUT", "/members/ann/role", `{"role":"approver"}`); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"role":"approver"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	equalJSON(t, w.ask("GET", "/session", "", ann).Body.String(), `{"signed_in":true,"name":"ann","role":"approver"}`)

	rec = w.ask("POST", "/members/"+made.ID+"/rotate", "")
	again := decode[madeMember](t, rec.Body.Bytes())
	if rec.Code != http.StatusCreated || again.Token == made.Token || again.ID != made.ID {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.refused(w.ask("GET", "/calls", "", ann), 401, llm.Unauthorized, "nor a member's")
	ann = header("Authorization", "Bearer "+again.Token)
	if rec := w.ask("GET", "/calls", "", ann); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := w.ask("DELETE", "/members/ann", ""); rec.Code != http.StatusNoContent {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.refused(w.ask("GET", "/calls", "", ann), 401, llm.Unauthorized, "nor a member's")
	w.refused(w.ask("DELETE", "/members/ann", ""), 404, llm.NotFound)
	if list := w.ask("GET", "/members", "").Body.String(); !strings.Contains(list, `"removed_at":"20`) {
		t.Errorf("%s", list)
	}
}

// A member's session in the browser has the role of now, and ends with the token that began it.
func TestMembersSession(t *testing.T) {
	w := newWorld(t)
	text := w.memberToken("ann", account.Viewer)
	c := w.signIn(`{"token":"` + text + `"}`)
	if c.Value == text {
		t.Error("the cookie is the token")
	}
	own := header("Origin", "http://example.com")
	equalJSON(t, w.ask("GET", "/session", "", with(c)).Body.String(), `{"signed_in":true,"name":"ann","role":"viewer"}`)
	w.refused(w.ask("POST", "/prompts", `{"name":"greet","content":{"text":"Hi"}}`, with(c), own), 403, llm.Forbidden, "ann is a viewer")
	w.ask("PUT", "/members/ann/role", `{"role":"developer"}`)
	if rec := w.ask("POST", "/prompts", `{"name":"greet","content":{"text":"Hi"}}`, with(c), own); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.refused(w.ask("POST", "/prompts", `{"name":"greet","content":{"text":"Hi"}}`, with(c)), 403, llm.Forbidden, "own pages")
	if by := w.prompt("greet").Versions[0].Author; by != "ann" {
		t.Errorf("signed %q", by)
	}
	other := w.signIn(`{"token":"` + text + `"}`)
	w.ask("POST", "/members/ann/rotate", "")
	for _, ended := range []*http.Cookie{c, other} {
		w.refused(w.ask("GET", "/calls", "", with(ended)), 401, llm.Unauthorized, "has ended")
	}
	w.refused(w.ask("POST", "/session", `{"token":"`+text+`"}`, stranger), 401, llm.Unauthorized, "nor a member's")
	c = w.signIn(`{"token":"` + decode[madeMember](t, w.ask("POST", "/members/ann/rotate", "").Body.Bytes()).Token + `"}`)
	w.ask("DELETE", "/members/ann", "")
	w.refused(w.ask("GET", "/calls", "", with(c)), 401, llm.Unauthorized, "has ended")
}
