// Package spool stands between the calls and the store: it accepts records at once and writes them in batches.
package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Config sets a spool up. Zero fields take the defaults named beside them.
type Config struct {
	MaxRows  int           // records of a batch: 20,000
	MaxBytes int64         // bytes of a batch, bodies included: 256 MiB. They are not in memory together
	MaxAge   time.Duration // how long a record waits for company, unless Flush is asked: 5 s
	Writer   trace.Writer  // reads the records while it writes
	Log      *slog.Logger

	Dir          string        // where its files are; made if need be
	SegmentBytes int64         // a file that has grown to this is followed by a new one: 64 MiB
	MaxDisk      int64         // bytes its segments may take: 4 GiB. At nine tenths of it records lose their bodies
	Fsync        Fsync         // interval
	FsyncEvery   time.Duration // the interval: 100 ms
	MaxWait      time.Duration // how long Record may take before the disk counts as slow: 250 ms
	OnSlowDisk   OnSlowDisk    // wait
	OnFull       OnFull        // drop
	CloseWait    time.Duration // how long Close lets the store take what waits: 5 s. What is left is sent at the next start

	// DedupWindow is how long the store remembers the token of a batch: 168 h. A batch that was first sent longer ago is
	// compared with the store, by Holds, before it is sent again.
	DedupWindow time.Duration
	// Poison says that an error of Writer is the fault of a record in the batch, so that smaller batches are worth
	// trying. Nil: no error is.
	Poison func(error) bool
	// Holds says whether the store has any of these calls. Without it no batch is divided: after an error it may be
	// there all the same.
	Holds func(ctx context.Context, ids []string) (bool, error)

	create func(path string) (appendFile, error) // makes a segment; nil is createFile
}

// Fsync says when records outlive a power cut. They outlive the end of the process in any case.
type Fsync string

// FsyncAlways: before Record returns. FsyncInterval: soon after. FsyncNever: when the system likes.
const (
	FsyncAlways   Fsync = "always"
	FsyncInterval Fsync = "interval"
	FsyncNever    Fsync = "never"
)

// OnSlowDisk says what Record does about a disk that takes longer than MaxWait.
type OnSlowDisk string

// SlowWait: it waits on, and Health says so. SlowAnswer: it returns and the record counts as at risk until it is written.
const (
	SlowWait   OnSlowDisk = "wait"
	SlowAnswer OnSlowDisk = "answer"
)

// OnFull says what Record does with a record for which there is no room even without its bodies.
type OnFull string

// FullDrop: it counts the record as dropped and returns nil. FullRefuse: it counts it and returns ErrFull.
const (
	FullDrop   OnFull = "drop"
	FullRefuse OnFull = "refuse"
)

// Errors of a spool. Test with errors.Is.
var (
	ErrFull   = errors.New("the spool is full: free disk space, raise its bound, or see why the store does not take records")
	ErrClosed = errors.New("the spool is closed")
)

const (
	defaultRows  = 20_000
	defaultBytes = 256 << 20
	defaultAge   = 5 * time.Second
)

// withDefaults fills the zero fields of a Config and refuses what means nothing.
func (c Config) withDefaults() (Config, error) {
	c.MaxRows = cmp.Or(c.MaxRows, defaultRows)
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultBytes)
	c.MaxAge = cmp.Or(c.MaxAge, defaultAge)
	c.SegmentBytes = cmp.Or(c.SegmentBytes, 64<<20)
	c.MaxDisk = cmp.Or(c.MaxDisk, 4<<30)
	c.Fsync = cmp.Or(c.Fsync, FsyncInterval)
	c.FsyncEvery = cmp.Or(c.FsyncEvery, 100*time.Millisecond)
	c.MaxWait = cmp.Or(c.MaxWait, 250*time.Millisecond)
	c.OnSlowDisk = cmp.Or(c.OnSlowDisk, SlowWait)
	c.OnFull = cmp.Or(c.OnFull, FullDrop)
	c.CloseWait = cmp.Or(c.CloseWait, 5*time.Second)
	c.DedupWindow = cmp.Or(c.DedupWindow, 168*time.Hour)
	if c.create == nil {
		c.create = createFile
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	var errs []error
	positive := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("spool: %s is %d, which must be more than 0", name, v))
		}
	}
	positive("MaxRows", int64(c.MaxRows))
	positive("MaxBytes", c.MaxBytes)
	positive("MaxAge", int64(c.MaxAge))
	positive("SegmentBytes", c.SegmentBytes)
	positive("MaxDisk", c.MaxDisk)
	positive("FsyncEvery", int64(c.FsyncEvery))
	positive("MaxWait", int64(c.MaxWait))
	oneOf := func(name string, v string, known ...string) {
		if !slices.Contains(known, v) {
			errs = append(errs, fmt.Errorf("spool: %s is %q, which is none of %q", name, v, known))
		}
	}
	oneOf("Fsync", string(c.Fsync), string(FsyncAlways), string(FsyncInterval), string(FsyncNever))
	oneOf("OnSlowDisk", string(c.OnSlowDisk), string(SlowWait), string(SlowAnswer))
	oneOf("OnFull", string(c.OnFull), string(FullDrop), string(FullRefuse))
	if c.Writer == nil || c.Dir == "" {
		errs = append(errs, errors.New("spool: a Disk needs Dir and Writer"))
	}
	return c, errors.Join(errs...)
}
