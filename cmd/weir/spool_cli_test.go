package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// pickyStore refuses the calls that it is told to, and is away for others.
type pickyStore map[string]error

func (p pickyStore) Write(_ context.Context, b trace.Batch) error {
	for i := range b.Len() {
		r, err := b.Records.At(i)
		if err != nil {
			return err
		}
		if err := p[r.Call.ID]; err != nil {
			return err
		}
	}
	return nil
}

var errPicky = errors.New("code: 69, message: Too large string size")

// makeSpool makes a spool in a data directory: makespool DATA [newer|newer-segment|other|damaged]. It has one record in
// the store, one in quarantine and two that wait; then what the second word says happens to it.
func makeSpool(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: makespool DATA [newer|newer-segment|other|damaged]")
	}
	dir := filepath.Join(ts.MkAbs(args[0]), "spool")
	ts.Check(fillSpool(dir))
	if len(args) == 1 {
		return
	}
	checkpoint := filepath.Join(dir, "checkpoint")
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	ts.Check(err)
	if len(segments) == 0 {
		ts.Fatalf("the spool has no segment")
	}
	newest := segments[len(segments)-1]
	switch args[1] {
	case "newer":
		ts.Check(makeNewer(checkpoint))
	case "newer-segment":
		ts.Check(makeNewer(newest))
	case "other":
		other := filepath.Join(ts.MkAbs(args[0]), "other")
		ts.Check(fillSpool(other))
		strangers, err := filepath.Glob(filepath.Join(other, "*.seg"))
		ts.Check(err)
		ts.Check(os.Rename(strangers[0], filepath.Join(dir, "0000000000000099.seg")))
	case "damaged":
		ts.Check(os.WriteFile(checkpoint, []byte(strings.Repeat("?", 9*4096)), 0o600))
	default:
		ts.Fatalf("makespool %s: no such damage", args[1])
	}
}

// fillSpool makes a spool with one record in the store, one in quarantine and two that wait.
func fillSpool(dir string) error {
	d, err := spool.Open(pickySpool(dir, 4<<20-1))
	if err != nil {
		return err
	}
	for _, id := range []string{"call-a", "call-b", "call-c", "call-d"} {
		if err := d.Record(pickyCall(id)); err != nil {
			return err
		}
	}
	for range 2000 {
		if c := d.Counters(); c.Quarantined == 1 {
			return d.Close()
		}
		time.Sleep(5 * time.Millisecond) // the writer's own pace is the clock here
	}
	return errors.Join(fmt.Errorf("the spool did not settle: %+v", d.Counters()), d.Close())
}

// overfillSpool adds records to it until there is no room.
func overfillSpool(dir string) error {
	d, err := spool.Open(pickySpool(dir, 60_000))
	if err != nil {
		return err
	}
	for i := range 300 {
		if err := d.Record(pickyCall(fmt.Sprint("call-", i))); err != nil {
			return err
		}
	}
	if c := d.Counters(); c.Dropped == 0 || c.BodiesDropped == 0 {
		return errors.Join(fmt.Errorf("the spool did not overflow: %+v", c), d.Close())
	}
	return d.Close()
}

func pickySpool(dir string, room int64) spool.Config {
	store := pickyStore{"call-b": errPicky, "call-c": errors.New("away"), "call-d": errors.New("away")}
	return spool.Config{
		Dir: dir, Writer: store, MaxRows: 1, MaxDisk: room, CloseWait: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Poison: func(err error) bool { return errors.Is(err, errPicky) },
		Holds:  func(context.Context, []string) (bool, error) { return false, nil },
	}
}

func pickyCall(id string) *trace.Record {
	r := &trace.Record{Call: trace.Span{
		ID: id, TraceID: "0af7651916cd43dd8448eb211c80319c", Kind: trace.KindCall, Start: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
		Project: "support", Key: "prod", Endpoint: llm.ChatCompletions, Provider: "openai", Model: "gpt-4o-mini", Status: trace.StatusOK,
		Cost: 13_500, PriceStatus: price.Exact, Tags: map[string]string{"team": "a"}, Attempts: 1,
	}}
	r.Body.Request = []byte(`{"messages":[{"role":"user","content":"Where is my order?"}]}`)
	return r
}

// makeNewer raises the format's number in the head of a file, as a newer weir would write it.
func makeNewer(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint16(b[8:], binary.LittleEndian.Uint16(b[8:])+1)
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], crc32.MakeTable(crc32.Castagnoli)))
	return os.WriteFile(path, b, 0o600)
}
