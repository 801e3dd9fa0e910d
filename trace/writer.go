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
	Records Records
}

// Len counts the records.
func (b *Batch) Len() int {
	if b.Records == nil {
		return 0
	}
	return b.Records.Len()
}

// Records are the records of a batch in their order, read one at a time, so that a batch may be larger than memory.
type Records interface {
	Len() int
	// At gives a record with its bodies. It is valid until the next call and must not be changed; the texts of its
	// spans may be kept. Reading in order is quick.
	At(i int) (*Record, error)
}

// Slice is Records that are in memory.
type Slice []Record

// Len counts them.
func (s Slice) Len() int { return len(s) }

// At gives one.
func (s Slice) At(i int) (*Record, error) { return &s[i], nil }

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
