package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// cookieName is the session's cookie.
const cookieName = "weir_session"

// whereToken tells people how to sign in.
const whereToken = "the admin token is in the file admin-token of weir's data directory (<data>/admin-token), or is what WEIR_ADMIN_TOKEN was at the start; members have tokens of their own"

// caller is who makes a request.
type caller struct {
	name string // what changes are signed with
	role account.Role
}

// admin is who has the admin token.
var admin = caller{account.AdminName, account.Admin}

// callerKey finds the caller in a request's context.
type callerKey struct{}

// callerOf is who makes a request that was let in; nobody, who may do nothing, for one to an open route.
func callerOf(r *http.Request) caller {
	who, _ := r.Context().Value(callerKey{}).(caller)
	return who
}

// letIn authorizes a request for a role, and gives it with who makes it.
func (a *API) letIn(r *http.Request, need account.Role) (*http.Request, error) {
	who, err := a.authorize(r)
	if err != nil {
		return r, err
	}
	if !who.role.May(need) {
		return r, llm.Faultf(llm.Forbidden, "%s is %s %s, and %s %s takes %s %s; ask an admin for the role (weir members role %s %s)",
			who.name, article(who.role), who.role, r.Method, clip(r.URL.Path), article(need), need, who.name, need)
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, who)), nil
}

func article(r account.Role) string {
	if strings.ContainsRune("aeiou", rune((r + "x")[0])) {
		return "an"
	}
	return "a"
}

// authorize finds who makes a request: it carries the admin token, a member's, or a session's cookie. A browser sends the cookie by
// itself, so what changes something must also come from weir's own pages.
func (a *API) authorize(r *http.Request) (caller, error) {
	now := time.Now()
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
			return caller{}, llm.Faultf(llm.Unauthorized, "the Authorization header is not of the form: Bearer TOKEN; %s", whereToken)
		}
		if err := a.guesses.blocked(r, now); err != nil {
			return caller{}, err
		}
		t, err := a.byToken(r.Context(), token)
		if err != nil || t.who.role != "" {
			return t.who, err
		}
		a.guesses.wrong(r, token, now)
		if _, virtual := account.KeyID(token); virtual {
			return caller{}, llm.Faultf(llm.Unauthorized, "the token is a virtual key, which opens the gateway under /v1 only; %s", whereToken)
		}
		return caller{}, llm.Faultf(llm.Unauthorized, "the token in the Authorization header is not the admin token, nor a member's; %s", whereToken)
	}
	c, err := r.Cookie(cookieName)
	if err != nil {
		return caller{}, llm.Faultf(llm.Unauthorized, "no token: send Authorization: Bearer TOKEN, or sign in to the console; %s", whereToken)
	}
	who, err := a.bySession(r.Context(), c.Value, now)
	switch {
	case err != nil:
		return caller{}, err
	case who.role == "":
		return caller{}, llm.Faultf(llm.Unauthorized, "the session has ended; sign in again; %s", whereToken)
	case !safe(r.Method) && !sameOrigin(r):
		return caller{}, llm.Faultf(llm.Forbidden, "a change with a session's cookie must come from weir's own pages (Origin or Sec-Fetch-Site says otherwise, or is missing); programs send Authorization: Bearer TOKEN")
	}
	return who, nil
}

// byToken finds who has a token; nobody when it opens nothing.
func (a *API) byToken(ctx context.Context, token string) (ticket, error) {
	if a.cfg.AdminToken.Equal(token) {
		return ticket{who: admin}, nil
	}
	id, ok := account.MemberID(token)
	if !ok {
		return ticket{}, nil
	}
	m, err := a.cfg.Members.Member(ctx, id)
	switch {
	case errors.Is(err, account.ErrNoMember):
		return ticket{}, nil
	case err != nil:
		return ticket{}, fmt.Errorf("sign in: %w", err)
	case !m.Opens(token):
		return ticket{}, nil
	}
	return ticket{who: caller{m.Name, m.Role}, member: m.ID, hash: m.Hash}, nil
}

// bySession finds who a session's cookie is of; nobody when it has ended. A member's ends with the token that began it, and has the
// role of now.
func (a *API) bySession(ctx context.Context, cookie string, now time.Time) (caller, error) {
	t, ok := a.sessions.open(cookie, now)
	if !ok || t.member == "" {
		return t.who, nil
	}
	m, err := a.cfg.Members.Member(ctx, t.member)
	switch {
	case errors.Is(err, account.ErrNoMember):
		return caller{}, nil
	case err != nil:
		return caller{}, fmt.Errorf("read the session: %w", err)
	case !m.RemovedAt.IsZero() || m.Hash != t.hash:
		return caller{}, nil
	}
	return caller{m.Name, m.Role}, nil
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// sameOrigin says whether a browser vouches that a request comes from weir's own pages.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// crossOrigin says whether a browser tells that a request comes from elsewhere.
func crossOrigin(r *http.Request) bool {
	return (r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "") && !sameOrigin(r)
}

const (
	guessesMost   = 20 // wrong tokens from one address
	guessesWindow = time.Minute
	guessersMost  = 1024 // addresses that are told apart; further ones share a place
)

// guesses counts wrong tokens, so that one cannot be found by trying. The zero value has seen none. Safe for
// concurrent use.
type guesses struct {
	mu   sync.Mutex         // guards from
	from map[string][]guess // by address, oldest first
}

type guess struct {
	hash [32]byte
	at   time.Time
}

// blocked is a fault while too many wrong tokens came from where r comes from. A program that sends the same wrong
// token again and again is no guesser: it counts once.
func (g *guesses) blocked(r *http.Request, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	recent := g.recent(g.place(r), now)
	if len(recent) < guessesMost {
		return nil
	}
	f := llm.Faultf(llm.RateLimited, "%d wrong tokens came from this address within a minute; wait until it is over", guessesMost)
	f.RetryAfter = recent[0].at.Add(guessesWindow).Sub(now)
	return f
}

// wrong counts a wrong token.
func (g *guesses) wrong(r *http.Request, token string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	place, hash := g.place(r), sha256.Sum256([]byte(token))
	recent := g.recent(place, now)
	if slices.ContainsFunc(recent, func(e guess) bool { return e.hash == hash }) {
		return
	}
	if g.from == nil {
		g.from = map[string][]guess{}
	}
	g.from[place] = append(recent, guess{hash, now})
}

// recent drops what is out of the window.
func (g *guesses) recent(place string, now time.Time) []guess {
	kept := slices.DeleteFunc(g.from[place], func(e guess) bool { return now.Sub(e.at) >= guessesWindow })
	if len(kept) == 0 {
		delete(g.from, place)
		return nil
	}
	g.from[place] = kept
	return kept
}

func (g *guesses) place(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if _, known := g.from[host]; !known && len(g.from) >= guessersMost {
		return ""
	}
	return host
}
