package budget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// tailOverlap is how long before the file was written a call may have ended that is not in it: the time between the end of
// a call and the look at its record.
const tailOverlap = 2 * time.Second

const fileVersion = 1

// saved is the guard's state in a file.
type saved struct {
	Version  int                  `json:"version"`
	At       time.Time            `json:"at"`
	Accounts []savedAccount       `json:"accounts"`
	Holds    []savedHold          `json:"holds"`
	Released map[string]time.Time `json:"released"` // lost calls whose hold was released by hand
	Recent   []string             `json:"recent"`   // calls that are counted and ended within tailOverlap of At
}

type savedAccount struct {
	ID    string      `json:"id"`
	Sums  string      `json:"sums"` // what is added up: an account that adds up something else by now has nothing
	Cells []savedCell `json:"cells"`
}

type savedCell struct {
	From  time.Time `json:"from"`
	Spent Amount    `json:"spent"`
}

type savedHold struct {
	ID     string            `json:"id"`
	Call   string            `json:"call"`
	Began  time.Time         `json:"began"`
	Claims map[string]Amount `json:"claims"` // by budget
	About  [4]string         `json:"about"`  // project, key, model, provider
}

// spentOf is what a ledger that is kept in a file tells of an account: what was spent in each part of its window.
type spentOf interface {
	Cells(a *Account, now time.Time) []Past
}

// Cells gives what is spent in each part of an account's present window.
func (m *Memory) Cells(a *Account, now time.Time) []Past {
	now = m.at(now)
	defer m.mu.Unlock()
	t, ok := m.accounts[a.ID]
	if !ok {
		return nil
	}
	t.roll(now)
	var out []Past
	for _, c := range t.cells {
		if all := c.past.Plus(c.spent); c.live && all != (Amount{}) {
			out = append(out, Past{c.from, all})
		}
	}
	return out
}

func (r *rule) sums() string {
	b, _ := json.Marshal(r.budget.Scope) // strings cannot fail; sorted by name
	return string(r.budget.Window) + " " + r.account.Zone.String() + " " + string(b)
}

// save writes the file when something has changed; what goes wrong is logged.
func (g *Guard) save(now time.Time) {
	g.mu.Lock()
	changed := g.changed
	g.mu.Unlock()
	if !changed {
		return
	}
	if err := g.write(now); err != nil {
		g.cfg.Log.Warn("the state of the budgets was not written; a restart asks the store for it", "error", err)
	}
}

// write writes the file anew.
func (g *Guard) write(now time.Time) error {
	ledger, ok := g.cfg.Ledger.(spentOf)
	if g.cfg.File == "" || !ok {
		return nil
	}
	// What settles while this is put together is in Recent or not, and in the sums or not; it is charged twice rather than
	// not at all. The store's sums, which stand in for these as soon as they are there, are exact.
	s := saved{Version: fileVersion, At: now, Released: map[string]time.Time{}}
	g.mu.Lock()
	g.changed = false
	for _, o := range g.recent {
		s.Recent = append(s.Recent, o.id)
	}
	for id, at := range g.released {
		if now.Sub(at) < 400*24*time.Hour {
			s.Released[id] = at
		}
	}
	g.mu.Unlock()
	for _, r := range g.rules.Load().list {
		a := savedAccount{ID: r.budget.ID, Sums: r.sums()}
		for _, p := range ledger.Cells(&r.account, now) {
			a.Cells = append(a.Cells, savedCell{p.At, p.Amount})
		}
		s.Accounts = append(s.Accounts, a)
	}
	holds, err := g.cfg.Ledger.Holds(context.Background())
	if err != nil {
		return err
	}
	for _, h := range holds {
		if h.State == Open {
			continue // not sent
		}
		one := savedHold{ID: h.ID, Call: h.Call, Began: h.Began, Claims: map[string]Amount{}, About: [4]string{h.Project, h.Key, h.Model, h.Provider}}
		for _, c := range h.Claims {
			one.Claims[c.Account.ID] = c.Amount
		}
		s.Holds = append(s.Holds, one)
	}
	return writeFile(g.cfg.File, s)
}

func writeFile(name string, s saved) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write the state of the budgets: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write the state of the budgets: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write the state of the budgets: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// load reads the file of the process before; nil when there is none that can be read.
func (g *Guard) load() *saved {
	if g.cfg.File == "" {
		return nil
	}
	text, err := os.ReadFile(g.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s saved
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && s.Version != fileVersion {
		err = fmt.Errorf("it is of version %d, this weir knows %d", s.Version, fileVersion)
	}
	if err != nil {
		g.cfg.Log.Warn("the state of the budgets cannot be read; the store is asked for it", "file", g.cfg.File, "error", err)
		return nil
	}
	g.mu.Lock()
	maps.Copy(g.released, s.Released)
	g.counted(s.Recent)
	g.mu.Unlock()
	return &s
}

// counted notes calls that are in the sums. The caller has mu.
func (g *Guard) counted(calls []string) {
	now := time.Now()
	for _, id := range calls {
		g.recent = append(g.recent, observed{id, now})
	}
}

// recall fills the accounts of rules with what the file knows and, with the tail, with what waits in front of the store and is not in
// the file. The store's answer is put in place of both.
func (g *Guard) recall(ctx context.Context, set *ruleset, rules []*rule, s *saved, withTail bool, now time.Time) {
	if s == nil {
		s = &saved{}
	}
	t := tail{past: map[string][]Past{}, lost: map[string][]Hold{}, ended: map[string]bool{}}
	if withTail && g.cfg.Waiting != nil {
		g.restored(t.read(g.cfg.Waiting(), set, s, now))
		g.mu.Lock()
		g.counted(t.counted)
		g.mu.Unlock()
	}
	accounts := map[string]savedAccount{}
	for _, a := range s.Accounts {
		accounts[a.ID] = a
	}
	for _, r := range rules {
		past, lost := t.past[r.budget.ID], t.lost[r.budget.ID]
		if a := accounts[r.budget.ID]; a.Sums == r.sums() {
			for _, c := range a.Cells {
				if r.budget.Window == price.Lifetime {
					c.From = now
				}
				past = append(past, Past{c.From, c.Spent})
			}
			lost = append(lost, s.holdsOf(r, t.ended)...)
		}
		g.restored(g.cfg.Ledger.Fill(ctx, &r.account, past, lost, now))
	}
}

func (g *Guard) restored(err error) {
	if err != nil {
		g.cfg.Log.Error("the state of the budgets was not restored whole; the store is asked for it", "error", err)
	}
}

// holdsOf are the holds that were in flight, or presumed, against a budget and did not end since.
func (s *saved) holdsOf(r *rule, ended map[string]bool) []Hold {
	var out []Hold
	for _, h := range s.Holds {
		amount, ok := h.Claims[r.budget.ID]
		if _, released := s.Released[h.Call]; !ok || released || ended[h.Call] {
			continue
		}
		out = append(out, Hold{
			ID: h.Call, Call: h.Call, Began: h.Began, Expires: h.Began, Claims: []Claim{{&r.account, amount}},
			Project: h.About[0], Key: h.About[1], Model: h.About[2], Provider: h.About[3],
		})
	}
	return out
}

// tail is what waits in front of the store and is not in the file, by budget.
type tail struct {
	past  map[string][]Past
	lost  map[string][]Hold
	ended map[string]bool // calls that were in flight when the file was written

	counted []string // all calls of past
}

func (t *tail) read(records iter.Seq2[trace.Record, error], set *ruleset, s *saved, now time.Time) error {
	counted, inFlight := map[string]bool{}, map[string]bool{}
	for _, id := range s.Recent {
		counted[id] = true
	}
	for _, h := range s.Holds {
		inFlight[h.Call] = true
	}
	after := s.At.Add(-tailOverlap)
	for rec, err := range records {
		if err != nil {
			return err
		}
		c := &rec.Call
		lost := c.ErrorCode == string(llm.Lost)
		if counted[c.ID] || free(c.Endpoint) || lost && inFlight[c.ID] || !lost && !inFlight[c.ID] && c.End().Before(after) {
			continue
		}
		t.ended[c.ID] = !lost
		if !lost {
			t.counted = append(t.counted, c.ID)
		}
		cost, _ := costOf(c)
		for _, r := range set.match(subjectOfSpan(c), now, nil) {
			id := r.budget.ID
			if _, released := s.Released[c.ID]; lost && !released {
				t.lost[id] = append(t.lost[id], lostHold(c, &r.account, c.Held))
			} else if !lost {
				t.past[id] = append(t.past[id], Past{c.Start, cost})
			}
		}
	}
	return nil
}
