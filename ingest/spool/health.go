package spool

import (
	"errors"
	"fmt"
	"time"
)

// Kinds of Problem. Those up to ProblemUnsynced are there or not; the others are counts that are not zero.
const (
	ProblemStore         = "store"
	ProblemFull          = "full"
	ProblemSlow          = "slow"
	ProblemUnsynced      = "unsynced"
	ProblemQuarantined   = "quarantined"
	ProblemDropped       = "dropped"
	ProblemBodiesDropped = "bodies_dropped"
	ProblemAtRisk        = "at_risk"
)

// Problem is something that an operator should know of, and what to do about it.
type Problem struct {
	Kind    string
	Message string
	Action  string
	Past    bool // it was before this start, and has not come again
}

// Health says what keeps records from being kept or written as they should be, nil when nothing does.
func (d *Disk) Health() error {
	var errs []error
	for _, p := range d.failures() {
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

// failure is a problem that is there now.
type failure struct {
	kind string
	err  error
}

func (d *Disk) failures() []failure {
	d.mu.Lock()
	all := []failure{{ProblemStore, d.failing}, {ProblemFull, d.full}, {ProblemUnsynced, d.unsynced}}
	d.mu.Unlock()
	if since := d.writing.Load(); since != 0 {
		if took := d.ticks() - since; took > int64(d.cfg.MaxWait) {
			all = append(all, failure{ProblemSlow, fmt.Errorf("the disk of the spool %s is slow: a write has taken %s so far", d.cfg.Dir, time.Duration(took).Round(time.Millisecond))})
		}
	}
	var out []failure
	for _, f := range all {
		if f.err != nil {
			out = append(out, f)
		}
	}
	return out
}

// actions say what to do about each kind of failure.
var actions = map[string]string{
	ProblemStore:    "Nothing is lost: the records wait on this disk and are written when ClickHouse takes them. See that it runs and can be reached: weir doctor.",
	ProblemFull:     "Free space on the disk of the data directory, raise spool.max_disk, or see why ClickHouse does not take records: weir doctor.",
	ProblemSlow:     "See what else writes to the disk of the data directory, or move the directory to a faster one. With spool.on_slow_disk: answer, calls do not wait for it.",
	ProblemUnsynced: "Look for errors of the disk in the system's log, and move the data directory to another disk. Until then a power cut can take the newest records.",
}

func (d *Disk) present() []Problem {
	var out []Problem
	for _, f := range d.failures() {
		out = append(out, Problem{Kind: f.kind, Message: f.err.Error(), Action: actions[f.kind]})
	}
	return out
}

// counted are the problems that the counts tell of. began has the counts at this start.
func (s *Stats) counted(began *state) []Problem {
	var out []Problem
	add := func(kind string, n, before int64, message, action string) {
		if n > 0 {
			out = append(out, Problem{Kind: kind, Message: fmt.Sprintf(message, n), Action: action, Past: n <= before})
		}
	}
	add(ProblemDropped, s.Dropped-s.Discarded, began.Dropped, "Records dropped for want of room, with what they cost: %d.",
		"They cannot be had back. Free space on the disk of the data directory or raise spool.max_disk; with spool.on_full: refuse, calls are refused before a record is lost.")
	add(ProblemBodiesDropped, s.BodiesDropped, began.BodiesDropped, "Records kept without what was said, for want of room: %d.",
		"Their tokens and costs are complete. Free space on the disk of the data directory or raise spool.max_disk.")
	add(ProblemQuarantined, s.Quarantined-s.Damaged, 0, "Records that ClickHouse refuses, kept aside: %d.",
		"weir spool quarantine says why. When the cause is mended, weir spool resend gives them back.")
	add(ProblemQuarantined, s.Damaged, 0, "Records that were damaged on the disk; what is left of them is kept aside: %d.",
		"Look for errors of the disk in the system's log. weir spool quarantine drop damaged --yes takes note and gives them up.")
	add(ProblemAtRisk, s.AtRisk, began.AtRisk, "Answers relayed before their record was on the disk, because it was slow: %d.",
		"They are written unless weir died at that moment. See what else writes to the disk of the data directory, or set spool.on_slow_disk: wait.")
	return out
}
