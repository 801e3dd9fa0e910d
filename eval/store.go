package eval

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Errors of stores. Test with errors.Is.
var (
	ErrNoDataset = errors.New("no such dataset")
	ErrRunDone   = errors.New("the run is done and does not change")
)

// Version is a snapshot under the name of its dataset.
type Version struct {
	Dataset   string
	Number    int // from 1
	Hash      string
	Items     int
	Splits    []Split
	Message   string // why it is as it is
	Author    string
	CreatedAt time.Time
}

// Datasets keeps snapshots under names. Safe for concurrent use, by several processes too.
type Datasets interface {
	// PutDataset stores a snapshot as the next version of v.Dataset, numbers and counts it, and says whether it is new: what the newest
	// version says already is that version.
	PutDataset(ctx context.Context, v Version, s *Snapshot) (Version, bool, error)
	// ListDatasets gives the newest version of each, by name.
	ListDatasets(ctx context.Context) ([]Version, error)
	// DatasetVersions gives the versions of a dataset, newest first. ErrNoDataset.
	DatasetVersions(ctx context.Context, name string) ([]Version, error)
	// Dataset gives a version with its items: ref is its number, or the beginning of its hash, of 8 digits at least; "" is the newest.
	// ErrNoDataset.
	Dataset(ctx context.Context, name, ref string) (Version, Snapshot, error)
	// DeleteDataset removes all versions of a name. Runs keep their items. ErrNoDataset.
	DeleteDataset(ctx context.Context, name string) error
}

// RunFilter picks runs. Zero fields pick everything.
type RunFilter struct {
	Name   string
	State  RunState
	Before string // runs that were made before the one of this id
}

// Runs keeps runs. Safe for concurrent use.
type Runs interface {
	// PutRun stores a run, in place of the one of its id. ErrRunDone when that is done and this one is not the same in all but the time of its
	// last change.
	PutRun(ctx context.Context, run Run) error
	// GetRun gives a run. ErrNoRun.
	GetRun(ctx context.Context, id string) (Run, error)
	// ListRuns gives at most limit runs, the newest first.
	ListRuns(ctx context.Context, f RunFilter, limit int) ([]Run, error)
	// DeleteRun removes a run. ErrNoRun.
	DeleteRun(ctx context.Context, id string) error
}

// Row is a result as it is kept, with what its item said.
type Row struct {
	Result
	Name     string // of the run
	Input    string // as Text gives it
	Expected string
}

// Results keeps what became of the asks of runs. Safe for concurrent use. trace.ErrAway is in the chain of an error that means that the store
// is not there at the moment.
type Results interface {
	// PutResults adds rows; one of the same run and key stands in place of an earlier one. The same batch may be given again.
	PutResults(ctx context.Context, run string, rows []Row) error
	// Results streams the rows of a run, of one target unless that is "", by target, item and repeat, after a key unless that is zero, and
	// at most limit of them unless that is 0. The stream ends at the first error.
	Results(ctx context.Context, run, target string, after Key, limit int) iter.Seq2[Row, error]
	// DeleteResults removes the rows of a run.
	DeleteResults(ctx context.Context, run string) error
}
