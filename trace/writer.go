package trace

import "context"

// Recorder accepts finished calls. Record returns when the record is safe from the death of this process as far as
// the implementation promises; it must not wait for the store. The record belongs to the recorder from then on.
// Safe for concurrent use.
type Recorder interface {
	Record(r *Record) error
}

// RecorderFunc makes a function a Recorder.
type RecorderFunc func(*Record) error

// Record calls f.
func (f RecorderFunc) Record(r *Record) error { return f(r) }

// Batch is a run of records under a token that is theirs alone.
type Batch struct {
	// Token names the batch. Writing the same records, in the same order, under the same token stores them once.
	Token   string
	Records []Record
}

// Writer puts batches into the store. Write returns nil only when the whole batch is durably there, rollups included;
// after any error nothing is promised and the same batch is to be written again whole, under its token. One batch at
// a time per Writer unless it says otherwise.
type Writer interface {
	Write(ctx context.Context, b Batch) error
}

// Counters tell where accepted records are: Accepted = Written + Waiting + Quarantined + Dropped at all times.
type Counters struct {
	Accepted             int64   `json:"accepted"`
	Written              int64   `json:"written"`
	Waiting              int64   `json:"waiting"`
	Quarantined          int64   `json:"quarantined"`
	Dropped              int64   `json:"dropped"`
	BodiesDropped        int64   `json:"bodies_dropped"`
	OldestWaitingSeconds float64 `json:"oldest_waiting_seconds"`
}
