package api

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

const (
	sessionLife = 7 * 24 * time.Hour
	codeLife    = 15 * time.Minute
	ticketsMost = 1000 // sessions, and codes, kept at a time; the one that ends first makes room
)

// signIn has one of the two.
type signIn struct {
	Token string `json:"token,omitempty"`
	Code  string `json:"code,omitempty"` // of a one-time link
}

// sessionAnswer says whether one is signed in, and as whom.
type sessionAnswer struct {
	SignedIn bool         `json:"signed_in"`
	Name     string       `json:"name,omitempty"` // what changes are signed with
	Role     account.Role `json:"role,omitempty"`
}

// sessions are the browsers signed in and the codes that sign one in, in memory, by their hashes. The zero value has
// none. Safe for concurrent use.
type sessions struct {
	mu          sync.Mutex // guards both
	live, codes tickets
}

// tickets are secrets by their hashes.
type tickets map[[32]byte]ticket

// ticket is what a secret stands for.
type ticket struct {
	ends   time.Time
	who    caller
	member string   // id of the member that it is of; "": of the admin token
	hash   [32]byte // of the member's token then
}

// add makes a secret for the ticket.
func (t *tickets) add(one ticket, now time.Time) string {
	if *t == nil {
		*t = tickets{}
	}
	var first [32]byte
	for hash, other := range *t {
		if !now.Before(other.ends) {
			delete(*t, hash)
		} else if e, ok := (*t)[first]; !ok || other.ends.Before(e.ends) {
			first = hash
		}
	}
	if len(*t) >= ticketsMost {
		delete(*t, first)
	}
	text := account.MintToken().Reveal()
	(*t)[sha256.Sum256([]byte(text))] = one
	return text
}

// find gives the ticket of a secret, and false when it is none or has ended. What is compared are hashes of 256 random bits, so
// that the time it takes tells nothing.
func (t tickets) find(text string, now time.Time) (ticket, bool) {
	one, ok := t[sha256.Sum256([]byte(text))]
	if !ok || !now.Before(one.ends) {
		return ticket{}, false
	}
	return one, true
}

func (s *sessions) begin(t ticket, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.ends = now.Add(sessionLife)
	return s.live.add(t, now)
}

func (s *sessions) open(text string, now time.Time) (ticket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live.find(text, now)
}

func (s *sessions) end(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, sha256.Sum256([]byte(text)))
}

func (s *sessions) code(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codes.add(ticket{ends: now.Add(codeLife), who: admin}, now)
}

// redeem uses a code up.
func (s *sessions) redeem(text string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.codes.find(text, now)
	delete(s.codes, sha256.Sum256([]byte(text)))
	return ok
}

func (a *API) getSession(w http.ResponseWriter, r *http.Request) error {
	who, err := a.authorize(r)
	if err != nil {
		return answer(w, http.StatusOK, sessionAnswer{})
	}
	return answer(w, http.StatusOK, sessionAnswer{true, who.name, who.role})
}

func (a *API) signIn(w http.ResponseWriter, r *http.Request) error {
	if crossOrigin(r) {
		return llm.Faultf(llm.Forbidden, "signing in must come from weir's own pages")
	}
	var in signIn
	if err := read(r, &in); err != nil {
		return err
	}
	if (in.Token == "") == (in.Code == "") {
		return bad("token", "send either the admin token or a member's as token, or the code of a sign-in link as code")
	}
	now := time.Now()
	if err := a.guesses.blocked(r, now); err != nil {
		return err
	}
	t := ticket{who: admin}
	if in.Code != "" {
		if !a.sessions.redeem(in.Code, now) {
			a.guesses.wrong(r, in.Code, now)
			return llm.Faultf(llm.Unauthorized, "the sign-in link was used before or is older than %.0f minutes; sign in with the token: %s", codeLife.Minutes(), whereToken)
		}
	} else {
		var err error
		if t, err = a.byToken(r.Context(), in.Token); err != nil {
			return err
		}
		if t.who.role == "" {
			a.guesses.wrong(r, in.Token, now)
			return llm.Faultf(llm.Unauthorized, "this is not the admin token, nor a member's; %s", whereToken)
		}
	}
	setCookie(w, r, a.sessions.begin(t, now), sessionLife)
	return answer(w, http.StatusOK, sessionAnswer{true, t.who.name, t.who.role})
}

func (a *API) signOut(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(cookieName); err == nil {
		if !sameOrigin(r) {
			return llm.Faultf(llm.Forbidden, "signing out must come from weir's own pages")
		}
		a.sessions.end(c.Value)
	}
	setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// setCookie gives the browser the session's cookie for as long as life, or takes it away when that is negative.
func setCookie(w http.ResponseWriter, r *http.Request, value string, life time.Duration) {
	maxAge := int(life.Seconds())
	if life < 0 {
		maxAge = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// A proxy in front that speaks TLS says so; believing it can only make the cookie stricter.
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}
