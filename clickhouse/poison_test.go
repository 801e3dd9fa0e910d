package clickhouse

import (
	"errors"
	"fmt"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

func TestOnlyTheDatasFaultIsPoison(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("write: %w", &ch.Exception{Code: 407}), true},
		{fmt.Errorf("write: %w", errRow), true},
		{&ch.Exception{Code: 241}, false}, // MEMORY_LIMIT_EXCEEDED
		{&ch.Exception{Code: 243}, false}, // NOT_ENOUGH_SPACE
		{&ch.Exception{Code: 252}, false}, // TOO_MANY_PARTS
		{trace.ErrAway, false},
		{errors.New("EOF"), false},
		{nil, false},
	} {
		if got := Poison(c.err); got != c.want {
			t.Errorf("Poison(%v) = %v", c.err, got)
		}
	}
}

func TestHoldsFindsWhatWasWritten(t *testing.T) {
	db := openTest(t, testConfig(t))
	at := time.Now()
	there, other := llm.NewID(at), llm.NewID(at)
	foreign := "not-one-of-ours"
	holds := func(ids ...string) bool {
		t.Helper()
		got, err := db.Holds(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if holds() || holds(there, foreign) {
		t.Error("an empty store holds something")
	}
	records := []trace.Record{{Call: trace.Span{ID: there, Kind: trace.KindCall, Start: at}}, {Call: trace.Span{ID: foreign, Kind: trace.KindCall, Start: at}}}
	if err := db.Write(t.Context(), trace.Batch{Token: "t", Records: trace.Slice(records)}); err != nil {
		t.Fatal(err)
	}
	if !holds(there) || !holds(other, there) || !holds(foreign) || holds(other) {
		t.Errorf("Holds: %v %v %v %v", holds(there), holds(other, there), holds(foreign), holds(other))
	}
}
