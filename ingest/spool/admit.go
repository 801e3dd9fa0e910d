package spool

import (
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Admission is what is known of a call before it is sent to a provider.
type Admission struct {
	ID       string // the call's; its Record has the same
	TraceID  string
	SpanID   string
	ParentID string
	Start    time.Time
	Project  string
	KeyID    string
	Key      string // the key's name
	User     string
	Session  string
	Tags     map[string]string
	Endpoint llm.Endpoint
	Path     string
	Stream   bool
	Model    string    // what the client asked for
	Provider string    // where it is about to go; "": not known yet
	Target   string    // the model there
	Held     price.USD // what its budgets hold for it
}

// Admit notes that a call is about to be sent. When this process dies before the call's Record came, the next start
// records it as lost, with what was held for it. ErrFull when there is no room and the configuration says to refuse:
// the call should not be sent then. It costs what a Record without bodies does.
func (d *Disk) Admit(a Admission) error {
	return d.encode(kindAdmission, &trace.Record{Call: trace.Span{
		ID: a.ID, TraceID: a.TraceID, SpanID: a.SpanID, ParentID: a.ParentID, Kind: trace.KindCall, Start: a.Start,
		Project: a.Project, KeyID: a.KeyID, Key: a.Key, User: a.User, Session: a.Session, Tags: a.Tags,
		Endpoint: a.Endpoint, Path: a.Path, Stream: a.Stream, Provider: a.Provider, ModelRequested: a.Model, Model: a.Target, Held: a.Held,
	}})
}

// lostRecord is what is recorded of a call whose process died.
func lostRecord(r *trace.Record) {
	s := &r.Call
	s.Status, s.ErrorCode = trace.StatusError, string(llm.Lost)
	s.Error = &llm.Error{
		Type: string(llm.Lost), Status: 502, Retryable: true,
		Message: "weir ended before this call did; what it cost is not known",
	}
	s.UsageSource, s.PriceStatus, s.Cache = llm.NoUsage, price.Unpriced, trace.CacheOff
}

// admitted and recorded keep the list of calls under way. The caller has the turn.
func (d *Disk) admitted(id string, seg *segment) {
	if id == "" {
		return
	}
	old := d.open[id]
	d.open[id] = seg
	d.mu.Lock()
	defer d.mu.Unlock()
	if old != nil {
		old.open--
	}
	seg.open++
}

func (d *Disk) recorded(id string, seg *segment) {
	delete(d.open, id)
	d.mu.Lock()
	defer d.mu.Unlock()
	seg.open--
}

// move notes that admissions under way are now in the active segment too.
func (d *Disk) move(b []byte) {
	for len(b) > 0 {
		h := readHead(b)
		if h.kind == kindAdmission {
			id := string(findID(b[headSize : headSize+h.meta]))
			if _, under := d.open[id]; under {
				d.admitted(id, d.active)
			}
		}
		b = b[h.size():]
	}
}
