package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// request is one statement with all that goes along.
type request struct {
	sql      string
	format   string // output format when the statement names none
	database string
	settings map[string]string
	params   []param

	killable       bool // ends early when the context does
	changesSession bool // leaves something behind in its session
}

// sessions runs statements on a bounded set of connections. It is safe for concurrent use.
type sessions struct {
	lib  *library
	args []string
	slot chan struct{} // one token per statement that runs
	tag  atomic.Uint64 // numbers the statements, so that one can be found and killed

	mu   sync.Mutex // guards idle
	idle []*session

	rootMu sync.Mutex // guards root, which keeps the engine open and kills statements
	root   *connection
}

// session is one connection and the database it stands in.
type session struct {
	conn     *connection
	database string
}

const defaultDatabase = "default"

// openSessions starts the engine on the first connection.
func openSessions(lib *library, limit int, args ...string) (*sessions, error) {
	root, err := lib.open(args...)
	if err != nil {
		return nil, err
	}
	return &sessions{lib: lib, args: args, slot: make(chan struct{}, limit), root: root}, nil
}

// run executes one statement and returns its whole result, to be freed by the caller. It waits for a free connection
// first. Settings are put back afterwards; a connection whose state is not known any more is closed.
func (p *sessions) run(ctx context.Context, r request) (res *result, err error) {
	select {
	case p.slot <- struct{}{}:
		defer func() { <-p.slot }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := p.take()
	if err != nil {
		return nil, err
	}
	clean := false
	defer func() {
		if clean {
			p.give(s)
			return
		}
		s.conn.close()
	}()

	database := cmp.Or(r.database, defaultDatabase)
	if s.database != database {
		if err := s.conn.exec("USE " + quoteName(database)); err != nil {
			return nil, err
		}
		s.database = database
	}
	tag := "weir-" + strconv.FormatUint(p.tag.Add(1), 10)
	set, reset := settingStatements(r.settings, tag)
	if err := s.conn.exec(set); err != nil {
		return nil, err
	}
	if r.killable {
		stop := p.killOnDone(ctx, tag)
		defer stop()
	}
	res, err = s.conn.query(r.sql, r.format, r.params...)
	if err != nil {
		return nil, err
	}
	clean = !r.changesSession && s.conn.exec(reset) == nil
	return res, nil
}

// settingStatements are the SET that begins a statement's run and the one that ends it. A setting goes back to what
// the engine's profile says.
func settingStatements(settings map[string]string, tag string) (set, reset string) {
	var begin, end strings.Builder
	fmt.Fprintf(&begin, "SET log_comment=%s", quote(tag))
	end.WriteString("SET log_comment=''")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if name == "log_comment" {
			continue
		}
		fmt.Fprintf(&begin, ", %s=%s", name, quote(settings[name]))
		if value, ok := profile[name]; ok {
			fmt.Fprintf(&end, ", %s=%s", name, quote(value))
		} else {
			fmt.Fprintf(&end, ", %s=DEFAULT", name)
		}
	}
	return begin.String(), end.String()
}

// killOnDone kills the tagged statement once ctx is done, again and again until stop: a kill may come before the
// engine has listed the statement.
func (p *sessions) killOnDone(ctx context.Context, tag string) (stop func()) {
	finished := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-finished:
			return
		case <-ctx.Done():
		}
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			p.kill("Settings['log_comment'] = " + quote(tag))
			select {
			case <-finished:
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		close(finished)
		wg.Wait()
	}
}

// kill ends the statements that a condition on system.processes picks. ASYNC, since a statement counts as running until
// its connection is used again.
func (p *sessions) kill(condition string) {
	p.rootMu.Lock()
	defer p.rootMu.Unlock()
	if p.root != nil {
		// A statement that has ended meanwhile is no fault, and for any other there is the limit of time.
		_ = p.root.exec("KILL QUERY WHERE " + condition + " ASYNC")
	}
}

func (p *sessions) take() (*session, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	conn, err := p.lib.open(p.args...)
	if err != nil {
		return nil, fmt.Errorf("open a connection: %w", err)
	}
	return &session{conn: conn, database: defaultDatabase}, nil
}

func (p *sessions) give(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
}

// close waits for the statements that run, until ctx is done and then kills them, and closes the engine.
func (p *sessions) close(ctx context.Context) error {
	var killed bool
	for range cap(p.slot) {
		select {
		case p.slot <- struct{}{}:
			continue
		case <-ctx.Done():
		}
		killed = true
		p.kill("Settings['log_comment'] LIKE 'weir-%'")
		select {
		case p.slot <- struct{}{}:
		case <-time.After(time.Second):
			return errors.New("a statement does not end")
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.idle {
		s.conn.close()
	}
	p.rootMu.Lock()
	defer p.rootMu.Unlock()
	p.root.close()
	p.root = nil
	if killed {
		return errors.New("statements were cut short")
	}
	return nil
}

// quoteName makes a quoted identifier.
func quoteName(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}
