package api

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// somePath fills a route's path.
func somePath(r *route) string { return inPath.ReplaceAllString(r.path, "some-id") }

func TestEveryRouteWantsAToken(t *testing.T) {
	w := newWorld(t)
	_, virtual, _ := account.Mint()
	closed := 0
	for i := range w.api.routes {
		r := &w.api.routes[i]
		if r.open {
			continue
		}
		closed++
		for _, tt := range []struct {
			name, word string
			change     func(*http.Request)
		}{
			{"nothing", "no token", stranger},
			{"a wrong token", "not the admin token", header("Authorization", "Bearer "+token+"x")},
			{"a part of the token", "not the admin token", header("Authorization", "Bearer "+token[:5])},
			{"a virtual key", "virtual key", header("Authorization", "Bearer "+virtual.Reveal())},
			{"an empty token", "not of the form", header("Authorization", "Bearer ")},
			{"another scheme", "not of the form", header("Authorization", "Basic "+token)},
			{"a made-up cookie", "has ended", func(r *http.Request) { stranger(r); r.AddCookie(&http.Cookie{Name: cookieName, Value: "x"}) }},
		} {
			t.Run(r.method+r.path+"/"+tt.name, func(t *testing.T) {
				rec := w.ask(r.method, somePath(r), "{}", tt.change)
				w.refused(rec, http.StatusUnauthorized, llm.Unauthorized, tt.word, "<data>/admin-token")
				if got := rec.Header().Get("WWW-Authenticate"); got != "Bearer" {
					t.Errorf("WWW-Authenticate %q", got)
				}
				if strings.Contains(rec.Body.String(), token) || strings.Contains(rec.Body.String(), virtual.Reveal()) {
					t.Errorf("a secret is in %s", rec.Body)
				}
			})
		}
	}
	if closed < 15 {
		t.Errorf("%d routes want a token; want nearly all", closed)
	}
	if rec := w.ask("GET", "/spool", "", header("Authorization", "bearer  "+token)); rec.Code != http.StatusOK {
		t.Errorf("the scheme in another case: %d", rec.Code)
	}
}

func TestNoAdminTokenOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.api.cfg.AdminToken = account.Secret{}
	for _, h := range []string{"Bearer ", "Bearer x", ""} {
		w.refused(w.ask("GET", "/keys", "", header("Authorization", h)), http.StatusUnauthorized, llm.Unauthorized)
	}
	w.refused(w.ask("POST", "/session", `{"token":""}`, stranger), http.StatusBadRequest, llm.InvalidRequest, "either")
}

// signIn gives the cookie that a sign-in sets.
func (w *world) signIn(body string, change ...func(*http.Request)) *http.Cookie {
	w.t.Helper()
	rec := w.ask("POST", "/session", body, append(change, stranger)...)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("sign in with %s: %d %s", body, rec.Code, rec.Body)
	}
	return cookieOf(w.t, rec)
}

func cookieOf(t *testing.T, rec *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	res := rec.Result()
	defer res.Body.Close()
	if len(res.Cookies()) != 1 {
		t.Fatalf("cookies %v, want one", res.Cookies())
	}
	return res.Cookies()[0]
}

// with sends a cookie in place of the token.
func with(c *http.Cookie) func(*http.Request) {
	return func(r *http.Request) {
		stranger(r)
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
}

func TestSession(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/session", "", stranger).Body.String(), `{"signed_in":false}`)
	c := w.signIn(`{"token":"` + token + `"}`)
	if c.Name != "weir_session" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || c.MaxAge != 7*24*3600 || len(c.Value) < 43 || c.Value == token {
		t.Errorf("the cookie is %v", c)
	}
	equalJSON(t, w.ask("GET", "/session", "", with(c)).Body.String(), `{"signed_in":true,"name":"admin","role":"admin"}`)
	equalJSON(t, w.ask("GET", "/session", "").Body.String(), `{"signed_in":true,"name":"admin","role":"admin"}`) // by the token
	if rec := w.ask("GET", "/calls", "", with(c)); rec.Code != http.StatusOK {
		t.Errorf("signed in: %d", rec.Code)
	}
	if other := w.signIn(`{"token":"` + token + `"}`); other.Value == c.Value {
		t.Error("two sessions have one cookie")
	}
	for name, change := range map[string]func(*http.Request){
		"TLS":         func(r *http.Request) { r.TLS = &tls.ConnectionState{} },
		"a TLS proxy": header("X-Forwarded-Proto", "https"),
	} {
		if c := w.signIn(`{"token":"`+token+`"}`, change); !c.Secure {
			t.Errorf("behind %s the cookie is not Secure: %v", name, c)
		}
	}

	w.refused(w.ask("DELETE", "/session", "", with(c), header("Origin", "http://evil.example")), http.StatusForbidden, llm.Forbidden)
	rec := w.ask("DELETE", "/session", "", with(c), header("Origin", "http://example.com"))
	if gone := cookieOf(t, rec); rec.Code != http.StatusNoContent || gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("signed out: %d %v", rec.Code, gone)
	}
	w.refused(w.ask("GET", "/calls", "", with(c)), http.StatusUnauthorized, llm.Unauthorized, "has ended")
	if rec := w.ask("DELETE", "/session", "", stranger); rec.Code != http.StatusNoContent {
		t.Errorf("signed out without a session: %d", rec.Code)
	}
}

func TestBadSignIn(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		body   string
		status int
		code   llm.Code
		word   string
	}{
		{`{}`, 400, llm.InvalidRequest, "either"},
		{`{"token":"a","code":"b"}`, 400, llm.InvalidRequest, "either"},
		{`{"password":"a"}`, 400, llm.InvalidRequest, "no field"},
		{`{"token":"wrong"}`, 401, llm.Unauthorized, "not the admin token"},
		{`{"code":"wrong"}`, 401, llm.Unauthorized, "used before"},
	} {
		rec := w.ask("POST", "/session", tt.body, stranger)
		w.refused(rec, tt.status, tt.code, tt.word)
		if rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", tt.body)
		}
	}
	for _, change := range []func(*http.Request){header("Origin", "http://evil.example"), header("Sec-Fetch-Site", "cross-site"), header("Origin", "null")} {
		w.refused(w.ask("POST", "/session", `{"token":"`+token+`"}`, stranger, change), http.StatusForbidden, llm.Forbidden)
	}
}

func TestSignInCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		code := w.api.SignInCode()
		c := w.signIn(`{"code":"` + code + `"}`)
		if rec := w.ask("GET", "/keys", "", with(c)); rec.Code != http.StatusOK {
			t.Errorf("signed in by code: %d", rec.Code)
		}
		w.refused(w.ask("POST", "/session", `{"code":"`+code+`"}`, stranger), http.StatusUnauthorized, llm.Unauthorized, "used before")

		late, inTime := w.api.SignInCode(), w.api.SignInCode()
		time.Sleep(codeLife - time.Second)
		w.signIn(`{"code":"` + inTime + `"}`)
		time.Sleep(time.Second)
		w.refused(w.ask("POST", "/session", `{"code":"`+late+`"}`, stranger), http.StatusUnauthorized, llm.Unauthorized, "older than 15 minutes")
	})
}

func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.signIn(`{"token":"` + token + `"}`)
		time.Sleep(sessionLife - time.Second)
		if rec := w.ask("GET", "/spool", "", with(c)); rec.Code != http.StatusOK {
			t.Errorf("before its end: %d", rec.Code)
		}
		time.Sleep(time.Second)
		w.refused(w.ask("GET", "/spool", "", with(c)), http.StatusUnauthorized, llm.Unauthorized, "has ended")
	})
}

func TestTicketsAreBounded(t *testing.T) {
	var s sessions
	first := s.begin(ticket{}, t0)
	second := s.begin(ticket{}, t0.Add(time.Second))
	for i := range ticketsMost - 1 {
		s.begin(ticket{}, t0.Add(time.Minute+time.Duration(i)))
	}
	_, one := s.open(first, t0)
	_, two := s.open(second, t0)
	if len(s.live) != ticketsMost || one || !two {
		t.Errorf("%d sessions; the first open %v, the second %v", len(s.live), one, two)
	}
	s.begin(ticket{}, t0.Add(2*sessionLife))
	if len(s.live) != 1 {
		t.Errorf("%d sessions after all others ended", len(s.live))
	}
}

// A page of another site can make a signed-in browser send requests; none of them may change anything.
func TestChangesComeFromOwnPages(t *testing.T) {
	w := newWorld(t)
	c := w.signIn(`{"token":"` + token + `"}`)
	for _, tt := range []struct {
		name   string
		change []func(*http.Request)
		ok     bool
	}{
		{"neither header", nil, false},
		{"the same origin", []func(*http.Request){header("Sec-Fetch-Site", "same-origin")}, true},
		{"the same site only", []func(*http.Request){header("Sec-Fetch-Site", "same-site")}, false},
		{"another site", []func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, false},
		{"typed in", []func(*http.Request){header("Sec-Fetch-Site", "none")}, false},
		{"another site that forges Origin", []func(*http.Request){header("Sec-Fetch-Site", "cross-site"), header("Origin", "http://example.com")}, false},
		{"an older browser", []func(*http.Request){header("Origin", "http://example.com")}, true},
		{"its port too", []func(*http.Request){header("Origin", "http://example.com:81")}, false},
		{"another origin", []func(*http.Request){header("Origin", "http://evil.example")}, false},
		{"no origin", []func(*http.Request){header("Origin", "null")}, false},
	} {
		rec := w.ask("POST", "/keys", fmt.Sprintf(`{"name":"%s"}`, strings.ReplaceAll(tt.name, " ", "-")), append(tt.change, with(c))...)
		if tt.ok && rec.Code != http.StatusCreated {
			t.Errorf("%s: %d %s", tt.name, rec.Code, rec.Body)
		} else if !tt.ok {
			w.refused(rec, http.StatusForbidden, llm.Forbidden, "own pages")
		}
		if rec := w.ask("GET", "/keys", "", append(tt.change, with(c))...); rec.Code != http.StatusOK {
			t.Errorf("%s: reading is %d", tt.name, rec.Code)
		}
		if rec := w.ask("GET", "/keys", "", tt.change...); rec.Code != http.StatusOK {
			t.Errorf("%s: with the token %d", tt.name, rec.Code)
		}
	}
	for i := range w.api.routes {
		if r := &w.api.routes[i]; r.method != "GET" && !r.open {
			w.refused(w.ask(r.method, somePath(r), "{}", with(c), header("Sec-Fetch-Site", "cross-site")), http.StatusForbidden, llm.Forbidden)
		}
	}
}

func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
		guess := func(i int) func(*http.Request) { return header("Authorization", fmt.Sprintf("Bearer guess-%d", i)) }
		for range 3 * guessesMost { // the same wrong token over and over is no guessing
			w.refused(w.ask("GET", "/keys", "", guess(0)), http.StatusUnauthorized, llm.Unauthorized)
		}
		time.Sleep(10 * time.Second)
		for i := 1; i < guessesMost; i++ { // through both doors
			if i%2 == 0 {
				w.refused(w.ask("GET", "/keys", "", guess(i)), http.StatusUnauthorized, llm.Unauthorized)
			} else {
				w.refused(w.ask("POST", "/session", fmt.Sprintf(`{"token":"guess-%d"}`, i), stranger), http.StatusUnauthorized, llm.Unauthorized)
			}
		}
		for _, rec := range []*httptest.ResponseRecorder{
			w.ask("GET", "/keys", ""), w.ask("POST", "/session", `{"token":"`+token+`"}`, stranger), w.ask("POST", "/session", `{"code":"`+w.api.SignInCode()+`"}`, stranger),
		} {
			w.refused(rec, http.StatusTooManyRequests, llm.RateLimited, "wrong tokens")
			if got := rec.Header().Get("Retry-After"); got != "50" {
				t.Errorf("Retry-After %q, want 50", got)
			}
		}
		if rec := w.ask("GET", "/keys", "", from("198.51.100.7:999")); rec.Code != http.StatusOK {
			t.Errorf("another address: %d", rec.Code)
		}
		time.Sleep(50 * time.Second)
		if rec := w.ask("GET", "/keys", ""); rec.Code != http.StatusOK {
			t.Errorf("after the wait: %d", rec.Code)
		}
		time.Sleep(time.Minute)
		for i := range guessersMost + 10 { // what is remembered of guessers is bounded
			w.ask("GET", "/keys", "", guess(i), from(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)))
		}
		if n := len(w.api.guesses.from); n > guessersMost+1 {
			t.Errorf("%d addresses are remembered", n)
		}
	})
}
