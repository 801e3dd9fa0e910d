package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// TestBothWaysToInsertStoreTheSame writes one batch by RowBinary and by the driver, and compares every column.
func TestBothWaysToInsertStoreTheSame(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 5, 31, 22, 0, 0, 0, time.UTC)
	records := tracetest.Random(rand.New(rand.NewPCG(3, 3)), 400, since, since.Add(4*time.Hour))
	records[0].Body.Request = make([]byte, 3*apartBytes) // written apart
	records[1].Call.Cost, records[1].Call.Error = -5, nil
	sums := func(raw bool) (out [2]uint64) {
		db := openTest(t, testConfig(t))
		if db.raw == nil {
			t.Skip("a server takes rows by the driver alone")
		}
		if !raw {
			db.raw = nil
		}
		if err := db.Write(t.Context(), trace.Batch{Token: "x", Records: trace.Slice(records)}); err != nil {
			t.Fatal(err)
		}
		out[0] = count(t, db, fmt.Sprintf("SELECT sum(cityHash64(%s)) FROM calls", callColumns))
		out[1] = count(t, db, fmt.Sprintf("SELECT sum(cityHash64(%s)) FROM bodies", bodyColumns))
		return out
	}
	if raw, driver := sums(true), sums(false); raw != driver || raw[0] == 0 || raw[1] == 0 {
		t.Errorf("by RowBinary %v, by the driver %v", raw, driver)
	}
}

// TestAnInsertThatIsBrokenOffLeavesNothing reads a batch that fails in its middle.
func TestAnInsertThatIsBrokenOffLeavesNothing(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	records := tracetest.Random(rand.New(rand.NewPCG(4, 4)), 300, time.Now().Add(-time.Hour), time.Now())
	broken := &breaking{Slice: records, at: 200}
	if err := db.Write(t.Context(), trace.Batch{Token: "x", Records: broken}); err == nil {
		t.Fatal("a batch that cannot be read was written")
	}
	if n := count(t, db, "SELECT count() FROM calls"); n != 0 {
		t.Errorf("%d rows of a batch that was broken off", n)
	}
	broken.at = -1
	if err := db.Write(t.Context(), trace.Batch{Token: "x", Records: broken}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count() FROM calls WHERE kind = 'call'"); n != 300 {
		t.Errorf("%d calls, want 300", n)
	}
}

type breaking struct {
	trace.Slice
	at int
}

func (b *breaking) At(i int) (*trace.Record, error) {
	if i == b.at {
		return nil, fmt.Errorf("record %d is gone", i)
	}
	return b.Slice.At(i)
}
