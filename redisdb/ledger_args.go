package redisdb

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/price"
)

// accountKey names an account. What is added up is part of it, so that a replica which does not know yet that a budget was
// changed does not count into the new sums.
func accountKey(a *budget.Account) string {
	if a.Sums == "" {
		return a.ID
	}
	sum := sha256.Sum256([]byte(a.Sums))
	return a.ID + "@" + hex.EncodeToString(sum[:8])
}

// idOf is the account's id again.
func idOf(key string) string {
	if i := strings.LastIndexByte(key, '@'); i >= 0 {
		return key[:i]
	}
	return key
}

// width of a bucket of a rolling window in microseconds; 0 of any other.
func width(a *budget.Account) int64 {
	d, ok := a.Window.Rolling()
	if !ok {
		return 0
	}
	return int64((d + buckets*time.Microsecond - 1) / (buckets * time.Microsecond))
}

// cellOf is the window, or bucket, that holds a moment, when it ends, and when it does not count any more.
func cellOf(a *budget.Account, at time.Time) (cell, until, over int64) {
	if w := width(a); w > 0 {
		cell = floor(at.UnixMicro(), w)
		return cell, 0, (cell + buckets + 1) * w
	}
	from, end := a.Window.Span(at, a.Zone)
	if end.IsZero() {
		return 0, 0, forever
	}
	return from.Unix(), end.UnixMicro(), end.UnixMicro()
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func appendAmount(to []any, a budget.Amount) []any {
	const most = int64(1e15)
	usd := int64(min(max(0, a.USD), price.MaxUSD))
	return append(to, usd/nano, usd%nano, min(max(0, a.Tokens), most), min(max(0, a.Calls), most))
}

func amountIn(v []any) budget.Amount {
	d, n := integer(v[0]), integer(v[1])
	if d > math.MaxInt64/nano-1 {
		d, n = math.MaxInt64/nano-1, 0
	}
	return budget.Amount{USD: price.USD(d*nano + n), Tokens: integer(v[2]), Calls: integer(v[3])}
}

// usageIn reads what an account has spent, holds and has overrun, and says of which window.
func usageIn(a *budget.Account, v []any, now time.Time) budget.Usage {
	u := budget.Usage{}
	if len(v) >= usageLen {
		u.Spent, u.Held, u.Overrun = amountIn(v), amountIn(v[amountLen:]), amountIn(v[2*amountLen:])
	}
	if u.From, u.Until = a.Window.Span(now, a.Zone); u.Until.Equal(now) {
		u.Until = time.Time{} // a rolling window has no end
	}
	return u
}

// appendAccount appends what the scripts want to be told of an account, and gives when its present cell does not count any more.
func appendAccount(to []any, a *budget.Account, now time.Time) (_ []any, over int64) {
	cell, until, over := cellOf(a, now)
	hard := 0
	if a.Hard {
		hard = 1
	}
	return appendAmount(append(to, accountKey(a), cell, until, hard), a.Limit), over
}

// opened is when an account was opened in which a hold is made; 0 where any will do.
func opened(a *budget.Account, kind int) int64 {
	if kind == carried || a.Since.IsZero() {
		return 0
	}
	return a.Since.UnixMicro()
}

// holdIn reads one hold, and gives what follows it.
func holdIn(v []any) (budget.HeldNow, []any) {
	h := budget.HeldNow{State: budget.State(text(v[1]))}
	h.ID, h.Began, h.Expires = text(v[0]), time.UnixMicro(integer(v[2])), time.UnixMicro(integer(v[3]))
	h.Call, h.Attempt, h.Project, h.Key, h.Model, h.Provider = text(v[4]), int(integer(v[5])), text(v[6]), text(v[7]), text(v[8]), text(v[9])
	n := integer(v[10])
	v = v[11:]
	for range n {
		a := &budget.Account{ID: idOf(text(v[0])), Window: price.Lifetime, Zone: time.UTC}
		h.Claims = append(h.Claims, budget.Claim{Account: a, Amount: amountIn(v[1:])})
		v = v[1+amountLen:]
	}
	return h, v
}
