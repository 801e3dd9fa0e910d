package spool

import (
	"context"
	"fmt"
	"testing"

	"github.com/weir-dev/weir/internal/testutil/race"
	"github.com/weir-dev/weir/trace"
)

// hung never answers, so that what is measured is not how fast it is.
type hung struct{}

func (hung) Write(ctx context.Context, _ trace.Batch) error {
	<-ctx.Done()
	return ctx.Err()
}

func benchmarkConfig(b *testing.B) Config {
	b.Helper()
	return Config{Dir: b.TempDir(), Writer: hung{}, MaxDisk: 1 << 40, CloseWait: 1}
}

// BenchmarkRecord is what a call pays: its record with a request and an answer of 750 bytes each, and of 100 KB.
func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{750, 50_000} {
		for _, fsync := range []Fsync{FsyncInterval, FsyncNever} {
			b.Run(fmt.Sprintf("%dB/%s", 2*n, fsync), func(b *testing.B) {
				cfg := benchmarkConfig(b)
				cfg.Fsync = fsync
				d, err := Open(cfg)
				if err != nil {
					b.Fatal(err)
				}
				r := call("01939f3e-7b5c-7d6e-8f90-123456789abc", n)
				b.ReportAllocs()
				b.SetBytes(int64(2 * n))
				for b.Loop() {
					if err := d.Record(r); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkRecordAtOnce is the same from 16 callers.
func BenchmarkRecordAtOnce(b *testing.B) {
	d, err := Open(benchmarkConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := call("01939f3e-7b5c-7d6e-8f90-123456789abc", 750)
		for pb.Next() {
			if err := d.Record(r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.StopTimer()
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEncode is the part of it that is not the system's.
func BenchmarkEncode(b *testing.B) {
	r := call("01939f3e-7b5c-7d6e-8f90-123456789abc", 750)
	s := newSeal(testID)
	var memory []byte
	b.ReportAllocs()
	for b.Loop() {
		memory = append(memory[:0], make([]byte, headSize)...)
		memory = putRecord(memory, r)
		s.putHead(memory, &frame{kind: kindRecord, meta: memory[headSize:], request: r.Body.Request, response: r.Body.Response})
	}
	b.ReportMetric(float64(len(memory)), "B/fields")
}

// BenchmarkReadBack is how fast waiting records are read, checked and decoded.
func BenchmarkReadBack(b *testing.B) {
	const records = 20_000
	cfg := benchmarkConfig(b)
	s := newStore()
	s.before = away
	cfg.Writer = s
	d, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	for i := range records {
		if err := d.Record(call(fmt.Sprintf("01939f3e-7b5c-7d6e-8f90-%012d", i), 750)); err != nil {
			b.Fatal(err)
		}
	}
	read := &sender{d: d, again: rereader{seal: d.seal}}
	b.ReportAllocs()
	for b.Loop() {
		read.seq, read.off = 0, 0
		got, err := read.collect(&intent{First: 1, Last: records})
		if err != nil || len(got.list) != records {
			b.Fatalf("%d records, %v", len(got.list), err)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// TestRecordAllocates counts what a record costs the collector.
func TestRecordAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates by itself")
	}
	d := open(t, newStore().config(t.TempDir()))
	r := call("c", 750)
	if n := testing.AllocsPerRun(200, func() { record(t, d, r) }); n > 2 {
		t.Errorf("%v allocations a record, want at most 2", n)
	}
}
