package llm

import (
	"regexp"
	"testing"
	"time"
)

func TestIDsSortByTimeAndGiveItBack(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	at := time.Date(2026, 11, 24, 8, 0, 0, 123e6, time.UTC)
	last := ""
	for range 100 {
		id := NewID(at)
		if !form.MatchString(id) {
			t.Fatalf("NewID = %q, not a version 7 UUID", id)
		}
		if id[:13] < last {
			t.Fatalf("%q sorts before %q, made earlier", id, last)
		}
		got, ok := IDTime(id)
		if !ok || !got.Equal(at) {
			t.Fatalf("IDTime(%q) = %v, %v, want %v", id, got, ok, at)
		}
		last, at = id[:13], at.Add(time.Millisecond)
	}
	for _, bad := range []string{"", "x", "0199f0a0-0000-4000-8000-000000000000", "zzzzzzzz-zzzz-7zzz-8zzz-zzzzzzzzzzzz"} {
		if _, ok := IDTime(bad); ok {
			t.Errorf("IDTime(%q) claims a time", bad)
		}
	}
}
