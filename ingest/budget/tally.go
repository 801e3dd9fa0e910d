package budget

import "time"

// buckets of a rolling window. What it adds up may count for 1/buckets of the window longer than it should.
const buckets = 60

// cell is a calendar window, or a bucket of a rolling one.
type cell struct {
	from, until time.Time // until is zero in a lifetime
	live        bool      // part of the present window
	holds       int       // that began in it and have not ended
	past        Amount    // filled in
	spent       Amount
	held        Amount
	overrun     Amount
}

// tally is an account with its cells.
type tally struct {
	account *Account
	cells   map[int64]*cell // by their beginning: live ones, and those before that still have holds
	now     *cell           // where a hold begins now

	// Sums over the live cells.
	past, spent, held, overrun Amount
}

func newTally(a *Account) *tally { return &tally{account: a, cells: map[int64]*cell{}} }

// roll makes the present window be that of a moment.
func (t *tally) roll(at time.Time) {
	if t.now != nil && (t.now.until.IsZero() || at.Before(t.now.until)) {
		return
	}
	t.now = t.cellAt(at)
	for key, c := range t.cells {
		if c.live && !t.covers(c, at) {
			t.retire(key, c)
		}
	}
}

// covers says whether a cell belongs to the window that holds, or as a rolling one ends with, a moment.
func (t *tally) covers(c *cell, at time.Time) bool {
	if d, ok := t.account.Window.Rolling(); ok {
		return c.until.After(at.Add(-d))
	}
	return c.until.IsZero() || c.until.After(at)
}

func (t *tally) retire(key int64, c *cell) {
	c.live = false
	t.past, t.spent, t.held, t.overrun = t.past.Minus(c.past), t.spent.Minus(c.spent), t.held.Minus(c.held), t.overrun.Minus(c.overrun)
	if c.holds == 0 {
		delete(t.cells, key)
	}
}

// bounds of the cell that holds a moment.
func (t *tally) bounds(at time.Time) (from, until time.Time) {
	if d, ok := t.account.Window.Rolling(); ok {
		width := (d + buckets - 1) / buckets
		from = at.Truncate(width)
		return from, from.Add(width)
	}
	return t.account.Window.Span(at, t.account.Zone)
}

// cellAt finds or makes the cell that holds a moment of the present window.
func (t *tally) cellAt(at time.Time) *cell {
	from, until := t.bounds(at)
	key := from.UnixNano()
	if from.IsZero() {
		key = 0
	}
	c, ok := t.cells[key]
	if !ok {
		c = &cell{from: from, until: until, live: true}
		t.cells[key] = c
	}
	return c
}

func (t *tally) hold(c *cell, a Amount) {
	c.holds++
	c.held = c.held.Plus(a)
	if c.live {
		t.held = t.held.Plus(a)
	}
}

// more adds to a hold that is there.
func (t *tally) more(c *cell, a Amount) {
	c.held = c.held.Plus(a)
	if c.live {
		t.held = t.held.Plus(a)
	}
}

func (t *tally) unhold(c *cell, a Amount) {
	c.holds--
	c.held = c.held.Minus(a)
	if c.live {
		t.held = t.held.Minus(a)
	} else if c.holds == 0 {
		delete(t.cells, c.from.UnixNano())
	}
}

// charge counts a cost of which a part was held. Only what is bounded can overrun.
func (t *tally) charge(c *cell, cost, held Amount) {
	over := cost.Minus(held)
	if t.account.Limit.USD == 0 {
		over.USD = 0
	}
	if t.account.Limit.Tokens == 0 {
		over.Tokens = 0
	}
	if t.account.Limit.Calls == 0 {
		over.Calls = 0
	}
	c.spent, c.overrun = c.spent.Plus(cost), c.overrun.Plus(over)
	if c.live {
		t.spent, t.overrun = t.spent.Plus(cost), t.overrun.Plus(over)
	}
}

// fill puts the past in place of what was filled before.
func (t *tally) fill(past []Past, at time.Time) {
	for _, c := range t.cells {
		c.past = Amount{}
	}
	t.past = Amount{}
	for _, p := range past {
		from, until := t.bounds(p.At)
		if !t.covers(&cell{from: from, until: until}, at) || p.At.After(at) {
			continue
		}
		c, a := t.cellAt(p.At), p.Amount.positive()
		c.past, t.past = c.past.Plus(a), t.past.Plus(a)
	}
}

func (t *tally) room(a Amount) bool {
	return t.past.Plus(t.spent).Plus(t.held).Plus(a).Within(t.account.Limit)
}

func (t *tally) usage(at time.Time) Usage {
	u := Usage{Spent: t.past.Plus(t.spent), Held: t.held, Overrun: t.overrun}
	if u.From, u.Until = t.account.Window.Span(at, t.account.Zone); u.Until.Equal(at) {
		u.Until = time.Time{} // a rolling window has no end
	}
	return u
}
