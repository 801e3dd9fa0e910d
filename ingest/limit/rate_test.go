package limit

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// In no span of time is more taken than the burst and the span's share of the limit, and nothing is refused that would
// have been within that: the arithmetic is exact.
func TestARateNeverGivesMoreNorLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(1, most)).Draw(t, "limit")
		burst := rapid.Int64Range(1, limit).Draw(t, "burst")
		type taken struct{ at, n int64 }
		var (
			m   Memory
			all []taken
			now int64
		)
		m.now() // makes it ready
		allowed := func(n int64) bool {
			if n > burst {
				return false
			}
			sum := big.NewInt(n)
			for i := len(all) - 1; i >= -1; i-- {
				// of the span that begins with the i-th take: n and all since, less its share, is at most the burst
				from := now
				if i+1 < len(all) {
					from = all[i+1].at
				}
				share := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(now-from), big.NewInt(limit)), big.NewInt(minute))
				if new(big.Rat).SetInt(sum).Cmp(share.Add(share, new(big.Rat).SetInt64(burst))) > 0 {
					return false
				}
				if i >= 0 {
					sum.Add(sum, big.NewInt(all[i].n))
				}
			}
			return true
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 3), rapid.Int64Range(0, 10*minute)).Draw(t, "pause")
			a := Ask{Kind: Tokens, Counter: "c", Limit: limit, Burst: burst, N: rapid.OneOf(rapid.Just(int64(1)), rapid.Int64Range(0, burst)).Draw(t, "n")}
			want := allowed(a.N)
			states, got := m.take(now, []Ask{a})
			if got != want {
				t.Fatalf("after %v at %d: taking %d of %d a minute, burst %d: %v, want %v", all, now, a.N, limit, burst, got, want)
			}
			if got {
				all = append(all, taken{now, a.N})
			} else if w := int64(states[0].Wait); w <= 0 {
				t.Fatalf("a refusal without a wait: %+v", states[0])
			} else {
				check := func(at int64, want bool) {
					before := now
					now = at
					if allowed(a.N) != want {
						t.Fatalf("after %v at %d, told to wait %d: at %d it is allowed: %v", all, before, w, at, !want)
					}
					now = before
				}
				check(now+w, true)
				check(now+w-1, false)
			}
			if r := states[0].Remaining; r < 0 || r > burst || !allowed(r) || r < burst && allowed(r+1) {
				t.Fatalf("after %v at %d: %d are said to remain of %d", all, now, r, burst)
			}
		}
	})
}

// Whoever asks once and never again is forgotten, and nobody is forgotten who still owes.
func TestIdleCountersAreForgotten(t *testing.T) {
	var m Memory
	m.now()
	one := func(counter string) []Ask {
		return []Ask{{Kind: Requests, Counter: counter, Limit: 10, Burst: 10, N: 1}}
	}
	most := 0
	debtor := one("debtor")
	m.take(0, debtor)
	debtor[0].N = 200
	m.settle(0, debtor) // 20 minutes
	for i := range int64(10_000) {
		now := i * minute / 100
		m.take(now, one("user-"+time.Duration(i).String()))
		most = max(most, len(m.young)+len(m.old)+len(m.owing))
		if i%1000 == 0 {
			debtor[0].N = 1
			if _, ok := m.take(now, debtor); ok != (now > 19*minute+6*minute/10) {
				t.Fatalf("after %v the debtor passes: %v", time.Duration(now), ok)
			}
		}
	}
	if most > 500 {
		t.Errorf("%d counters were kept, though 100 a minute came", most)
	}
	if len(m.owing) != 0 {
		t.Error("the debtor is kept for ever")
	}
}
