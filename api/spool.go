package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Spool is what waits between the calls and the store. Safe for concurrent use.
type Spool interface {
	Stats() SpoolStats
	// Waiting finds a record that is not in the store yet.
	Waiting(id string) (trace.Record, bool)
	// Quarantined lists the records that the store refuses, oldest first. Their bodies may be missing.
	Quarantined() ([]Quarantined, error)
	// FindQuarantined gives one whole, by its number or the id of its call: ErrNotQuarantined when it is not there.
	FindQuarantined(id string) (Quarantined, error)
	// Resend gives one back. It is never lost and never there twice. ErrNotQuarantined, ErrUndecodable, ErrSpoolFull.
	Resend(number int64) error
	// Discard takes one out of quarantine for good: ErrNotQuarantined when it is not there.
	Discard(number int64) error
	// DiscardDamaged gives up what was damaged on the disk.
	DiscardDamaged() error
}

// Errors of a Spool. Test with errors.Is.
var (
	ErrNotQuarantined = errors.New("no record in quarantine has this number or call id")
	ErrUndecodable    = errors.New("the record cannot be read")
	ErrSpoolFull      = errors.New("the spool is full")
)

// SpoolStats are the spool's counters at one moment, and how it is.
type SpoolStats struct {
	trace.Counters
	AtRisk    int64          `json:"at_risk"`   // answers relayed before their record was written, as the disk was slow
	Damaged   int64          `json:"damaged"`   // of the quarantined, those whose bytes were damaged on the disk
	Discarded int64          `json:"discarded"` // of the dropped, those taken out of quarantine by hand
	Lost      int64          `json:"lost"`      // calls found at this start that the process before did not finish
	UnderWay  int64          `json:"under_way"` // calls admitted and not recorded yet
	Segments  int64          `json:"segments"`  // files
	Bytes     int64          `json:"bytes"`     // of all of them
	MaxBytes  int64          `json:"max_bytes"` // their bound
	Problems  []SpoolProblem `json:"problems"`  // empty when all is well
	Error     string         `json:"error"`     // why records are not kept or written as they should be; "" while they are
}

// SpoolProblem is something that an operator should know of.
type SpoolProblem struct {
	Kind    string `json:"kind"` // store, full, slow, unsynced, quarantined, dropped, bodies_dropped, at_risk
	Message string `json:"message"`
	Action  string `json:"action"` // what to do
	Past    bool   `json:"past"`   // it was before this start, and has not come again
}

// Quarantined is a record that the store refuses.
type Quarantined struct {
	Number      int64
	At          time.Time // when it was refused
	Reason      string    // in the store's words
	Bytes       int64     // on the disk
	Undecodable bool      // Record is empty: its bytes cannot be read
	Record      trace.Record
}

// damagedID stands for all records that were damaged on the disk.
const damagedID = "damaged"

// quarantineMost bounds the records in one answer.
const quarantineMost = 1000

var quarantineParams = []param{{name: "limit", about: "records, 1 to 1000; 1000 unless given", kind: "integer"}}

// quarantineList has the records in quarantine.
type quarantineList struct {
	Records   []QuarantineLine `json:"records"`
	Total     int              `json:"total"`
	Truncated bool             `json:"truncated"` // there are more than these
}

// QuarantineLine is a record in quarantine as a list has it.
type QuarantineLine struct {
	ID        string        `json:"id"`     // of the call; the number when it cannot be read
	Number    int64         `json:"number"` // of the record; another one each time that it is resent
	Since     *stamp        `json:"since"`
	Reason    string        `json:"reason"` // in the store's words
	Bytes     int64         `json:"bytes"`
	Readable  bool          `json:"readable"` // false: it can only be kept or discarded
	StartTime *stamp        `json:"start_time"`
	Project   string        `json:"project"`
	Key       string        `json:"key"`
	Provider  string        `json:"provider"`
	Model     string        `json:"model"`
	Status    *trace.Status `json:"status"` // null: it cannot be read
}

// QuarantineDetail is a record in quarantine whole.
type QuarantineDetail struct {
	QuarantineLine
	Call *quarantinedCall `json:"call"` // null: it cannot be read
}

// quarantinedCall is all that the record says.
type quarantinedCall struct {
	call
	spanFacts
	Attempts []attempt       `json:"attempts"` // in place of their number
	Request  json.RawMessage `json:"request"`  // JSON, or a string of what is not; null when none is kept
	Response json.RawMessage `json:"response"`
}

// Line is the record as a list has it.
func (q *Quarantined) Line() QuarantineLine {
	c := &q.Record.Call
	line := QuarantineLine{
		ID: cmp.Or(c.ID, strconv.FormatInt(q.Number, 10)), Number: q.Number, Since: stampOf(q.At), Reason: q.Reason, Bytes: q.Bytes, Readable: !q.Undecodable,
		StartTime: stampOf(c.Start), Project: c.Project, Key: c.Key, Provider: c.Provider, Model: c.Model,
	}
	if !q.Undecodable {
		line.Status = &c.Status
	}
	return line
}

// Detail is the record whole.
func (q *Quarantined) Detail() QuarantineDetail {
	out := QuarantineDetail{QuarantineLine: q.Line()}
	if r := &q.Record; !q.Undecodable {
		out.Call = &quarantinedCall{
			call: callOf(&r.Call), spanFacts: factsOf(&r.Call), Attempts: attemptsOf(r), Request: jsonOf(r.Body.Request), Response: jsonOf(r.Body.Response),
		}
	}
	return out
}

func (a *API) getSpool(w http.ResponseWriter, _ *http.Request) error {
	out := a.cfg.Spool.Stats()
	out.Problems = list(out.Problems)
	return answer(w, http.StatusOK, out)
}

func (a *API) listQuarantine(w http.ResponseWriter, r *http.Request) error {
	limit, err := readLimit(r.URL.Query(), quarantineMost)
	if err != nil {
		return err
	}
	all, err := a.cfg.Spool.Quarantined()
	if err != nil {
		return fmt.Errorf("list quarantine: %w", err)
	}
	out := quarantineList{Records: []QuarantineLine{}, Total: len(all), Truncated: len(all) > limit}
	for i := range all[:min(limit, len(all))] {
		out.Records = append(out.Records, all[i].Line())
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) getQuarantined(w http.ResponseWriter, r *http.Request) error {
	q, err := a.cfg.Spool.FindQuarantined(r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, q.Detail())
}

func (a *API) resendQuarantined(w http.ResponseWriter, r *http.Request) error {
	q, err := a.cfg.Spool.FindQuarantined(r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := a.cfg.Spool.Resend(q.Number); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (a *API) discardQuarantined(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if id == damagedID {
		if err := a.cfg.Spool.DiscardDamaged(); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	q, err := a.cfg.Spool.FindQuarantined(id)
	if err != nil {
		return err
	}
	if err := a.cfg.Spool.Discard(q.Number); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
