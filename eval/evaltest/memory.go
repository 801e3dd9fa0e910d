// Package evaltest holds the contract of evaluation's stores as tests, and stores in memory that keep it.
package evaltest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/weir-dev/weir/eval"
)

// Memory keeps datasets, runs and results in memory. The zero value is ready. Safe for concurrent use.
type Memory struct {
	mu        sync.Mutex // guards what follows
	versions  map[string][]eval.Version
	snapshots map[string]eval.Snapshot // by hash
	runs      map[string]eval.Run
	rows      map[string]map[eval.Key]eval.Row // by run
}

var (
	_ eval.Datasets = (*Memory)(nil)
	_ eval.Runs     = (*Memory)(nil)
	_ eval.Results  = (*Memory)(nil)
)

// PutDataset implements eval.Datasets.
func (m *Memory) PutDataset(_ context.Context, v eval.Version, s *eval.Snapshot) (eval.Version, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.versions == nil {
		m.versions, m.snapshots = map[string][]eval.Version{}, map[string]eval.Snapshot{}
	}
	all := m.versions[v.Dataset]
	if len(all) > 0 && all[0].Hash == s.Hash {
		return all[0], false, nil
	}
	v.Number, v.Hash, v.Items, v.Splits = len(all)+1, s.Hash, len(s.Items), s.Splits
	m.versions[v.Dataset] = append([]eval.Version{v}, all...)
	m.snapshots[s.Hash] = *s
	return v, true, nil
}

// ListDatasets implements eval.Datasets.
func (m *Memory) ListDatasets(context.Context) ([]eval.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []eval.Version{}
	for _, name := range slices.Sorted(maps.Keys(m.versions)) {
		out = append(out, m.versions[name][0])
	}
	return out, nil
}

// DatasetVersions implements eval.Datasets.
func (m *Memory) DatasetVersions(_ context.Context, name string) ([]eval.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.versions[name]) == 0 {
		return nil, eval.ErrNoDataset
	}
	return slices.Clone(m.versions[name]), nil
}

// Dataset implements eval.Datasets.
func (m *Memory) Dataset(_ context.Context, name, ref string) (eval.Version, eval.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.versions[name] {
		if ref == "" || ref == strconv.Itoa(v.Number) || len(ref) >= 8 && strings.HasPrefix(v.Hash, ref) {
			return v, m.snapshots[v.Hash], nil
		}
	}
	return eval.Version{}, eval.Snapshot{}, eval.ErrNoDataset
}

// DeleteDataset implements eval.Datasets.
func (m *Memory) DeleteDataset(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.versions[name]) == 0 {
		return eval.ErrNoDataset
	}
	delete(m.versions, name)
	return nil
}

// PutRun implements eval.Runs.
func (m *Memory) PutRun(_ context.Context, run eval.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs == nil {
		m.runs = map[string]eval.Run{}
	}
	if was, there := m.runs[run.ID]; there && was.State == eval.Done {
		if !was.Same(&run) {
			return eval.ErrRunDone
		}
		return nil
	}
	m.runs[run.ID] = run
	return nil
}

// GetRun implements eval.Runs.
func (m *Memory) GetRun(_ context.Context, id string) (eval.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if run, there := m.runs[id]; there {
		return run, nil
	}
	return eval.Run{}, fmt.Errorf("%w: %q", eval.ErrNoRun, id)
}

// ListRuns implements eval.Runs.
func (m *Memory) ListRuns(_ context.Context, f eval.RunFilter, limit int) ([]eval.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []eval.Run{}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.runs))) {
		run := m.runs[id]
		if len(out) < limit && (f.Name == "" || f.Name == run.Name) && (f.State == "" || f.State == run.State) && (f.Before == "" || id < f.Before) {
			out = append(out, run)
		}
	}
	return out, nil
}

// DeleteRun implements eval.Runs.
func (m *Memory) DeleteRun(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.runs[id]; !there {
		return eval.ErrNoRun
	}
	delete(m.runs, id)
	return nil
}

// PutResults implements eval.Results.
func (m *Memory) PutResults(_ context.Context, run string, rows []eval.Row) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[string]map[eval.Key]eval.Row{}
	}
	if m.rows[run] == nil {
		m.rows[run] = map[eval.Key]eval.Row{}
	}
	for _, r := range rows {
		m.rows[run][r.Key] = r
	}
	return nil
}

// Results implements eval.Results.
func (m *Memory) Results(_ context.Context, run, target string, after eval.Key, limit int) iter.Seq2[eval.Row, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	compare := func(a, b eval.Key) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Repeat, b.Repeat))
	}
	var out []eval.Row
	for _, k := range slices.SortedFunc(maps.Keys(m.rows[run]), compare) {
		if (target == "" || k.Target == target) && (after == eval.Key{} || compare(k, after) > 0) && (limit == 0 || len(out) < limit) {
			out = append(out, m.rows[run][k])
		}
	}
	return func(yield func(eval.Row, error) bool) {
		for _, r := range out {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// DeleteResults implements eval.Results.
func (m *Memory) DeleteResults(_ context.Context, run string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, run)
	return nil
}
