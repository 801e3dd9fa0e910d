package pause

import (
	"testing"
	"time"
)

func TestNeverWakesEarly(t *testing.T) {
	var p Pauser
	defer p.Close()
	for _, d := range []time.Duration{-time.Second, 0, 50 * time.Microsecond, 2 * time.Millisecond, 2 * time.Millisecond} {
		start := time.Now()
		p.For(d)
		if took := time.Since(start); took < d-50*time.Microsecond {
			t.Errorf("a pause of %v took %v", d, took)
		}
	}
	at := time.Now().Add(3 * time.Millisecond)
	p.Until(at)
	if early := time.Until(at); early > 50*time.Microsecond {
		t.Errorf("woke %v before the moment", early)
	}
	p.Close()
	p.For(time.Millisecond)
}
