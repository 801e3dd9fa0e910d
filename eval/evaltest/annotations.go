package evaltest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/eval"
)

// Queues keeps queues in memory. The zero value is ready. Safe for concurrent use.
type Queues struct {
	mu    sync.Mutex // guards what follows
	queue map[string]eval.Queue
	items map[string][]eval.QueueItem // by queue; their reviews are all there are
}

var _ eval.Annotations = (*Queues)(nil)

// PutQueue implements eval.Annotations.
func (m *Queues) PutQueue(_ context.Context, q eval.Queue) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.queue[q.Name]; there {
		return eval.ErrQueueThere
	}
	if m.queue == nil {
		m.queue, m.items = map[string]eval.Queue{}, map[string][]eval.QueueItem{}
	}
	m.queue[q.Name] = q
	return nil
}

// GetQueue implements eval.Annotations.
func (m *Queues) GetQueue(_ context.Context, name string) (eval.Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q, there := m.queue[name]
	if !there {
		return q, eval.ErrNoQueue
	}
	return q, nil
}

// ListQueues implements eval.Annotations.
func (m *Queues) ListQueues(context.Context) ([]eval.Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.queue), func(a, b eval.Queue) int { return cmp.Compare(a.Name, b.Name) }), nil
}

// DeleteQueue implements eval.Annotations.
func (m *Queues) DeleteQueue(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.queue[name]; !there {
		return eval.ErrNoQueue
	}
	delete(m.queue, name)
	delete(m.items, name)
	return nil
}

// AddQueueItems implements eval.Annotations.
func (m *Queues) AddQueueItems(_ context.Context, queue string, items []eval.QueueItem) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.queue[queue]; !there {
		return 0, eval.ErrNoQueue
	}
	added := 0
	for _, it := range items {
		if m.find(queue, it.CallID) == nil {
			it.State, it.Reviews = eval.Waiting, nil
			m.items[queue] = append(m.items[queue], it)
			added++
		}
	}
	return added, nil
}

func (m *Queues) find(queue, call string) *eval.QueueItem {
	for i := range m.items[queue] {
		if m.items[queue][i].CallID == call {
			return &m.items[queue][i]
		}
	}
	return nil
}

// shown is an item as it stands now.
func shown(it eval.QueueItem, now time.Time) eval.QueueItem {
	it.Reviews = slices.DeleteFunc(slices.Clone(it.Reviews), func(r eval.Review) bool { return r.State == eval.Taken && !r.Until.After(now) })
	if it.State == eval.Waiting && slices.ContainsFunc(it.Reviews, func(r eval.Review) bool { return r.State == eval.Taken }) {
		it.State = eval.Taken
	}
	if len(it.Reviews) == 0 {
		it.Reviews = nil
	}
	return it
}

// QueueItems implements eval.Annotations.
func (m *Queues) QueueItems(_ context.Context, queue string, state eval.ItemState, after string, limit int, now time.Time) ([]eval.QueueItem, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.queue[queue]; !there {
		return nil, eval.ErrNoQueue
	}
	out := []eval.QueueItem{}
	passed := after == ""
	for _, it := range m.items[queue] {
		one := shown(it, now)
		if passed && (state == "" || one.State == state) && len(out) < limit {
			out = append(out, one)
		}
		passed = passed || it.CallID == after
	}
	return out, nil
}

// QueueProgress implements eval.Annotations.
func (m *Queues) QueueProgress(_ context.Context, queue string, now time.Time) (eval.QueueProgress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var p eval.QueueProgress
	if _, there := m.queue[queue]; !there {
		return p, eval.ErrNoQueue
	}
	people := map[string]*eval.PersonProgress{}
	for _, it := range m.items[queue] {
		switch it.State {
		case eval.Finished:
			p.Done++
		case eval.Skipped:
			p.Skipped++
		default:
			p.Waiting++
		}
		taken := false
		for _, r := range it.Reviews {
			if r.State == eval.Taken {
				taken = taken || r.Until.After(now)
				continue
			}
			one := people[r.Who]
			if one == nil {
				one = &eval.PersonProgress{Who: r.Who}
				people[r.Who] = one
			}
			if r.State == eval.Finished {
				one.Done++
			} else {
				one.Skipped++
			}
			if r.At.After(one.Last) {
				one.Last = r.At
			}
		}
		if taken {
			p.Taken++
		}
	}
	for _, who := range slices.Sorted(maps.Keys(people)) {
		p.People = append(p.People, *people[who])
	}
	return p, nil
}

// others counts who else scored an item or has it.
func others(it *eval.QueueItem, who string, now time.Time) int {
	n := 0
	for _, r := range it.Reviews {
		if r.Who != who && (r.State == eval.Finished || r.State == eval.Taken && r.Until.After(now)) {
			n++
		}
	}
	return n
}

func own(it *eval.QueueItem, who string) *eval.Review {
	i := slices.IndexFunc(it.Reviews, func(r eval.Review) bool { return r.Who == who })
	if i < 0 {
		return nil
	}
	return &it.Reviews[i]
}

func put(it *eval.QueueItem, r eval.Review) {
	if was := own(it, r.Who); was != nil {
		*was = r
		return
	}
	it.Reviews = append(it.Reviews, r)
	slices.SortFunc(it.Reviews, func(a, b eval.Review) int { return cmp.Compare(a.Who, b.Who) })
}

// NextItem implements eval.Annotations.
func (m *Queues) NextItem(_ context.Context, queue, who string, now, until time.Time) (eval.QueueItem, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q, there := m.queue[queue]
	if !there {
		return eval.QueueItem{}, false, eval.ErrNoQueue
	}
	var next *eval.QueueItem
	for i := range m.items[queue] {
		it := &m.items[queue][i]
		mine := own(it, who)
		if it.State != eval.Waiting || mine != nil && mine.State != eval.Taken || others(it, who, now) >= q.Reviewers {
			continue
		}
		if mine != nil && mine.Until.After(now) {
			next = it
			break
		}
		if next == nil {
			next = it
		}
	}
	if next == nil {
		return eval.QueueItem{}, false, nil
	}
	put(next, eval.Review{Who: who, State: eval.Taken, At: now, Until: until})
	return shown(*next, now), true, nil
}

// TakeItem implements eval.Annotations.
func (m *Queues) TakeItem(_ context.Context, queue, call, who string, now, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	q, there := m.queue[queue]
	if !there {
		return eval.ErrNoQueue
	}
	it := m.find(queue, call)
	if it == nil {
		return eval.ErrNoQueueItem
	}
	if mine := own(it, who); mine != nil && mine.State == eval.Finished {
		return nil
	}
	if others(it, who, now) >= q.Reviewers {
		return eval.ErrItemTaken
	}
	put(it, eval.Review{Who: who, State: eval.Taken, At: now, Until: until})
	return nil
}

// EndReview implements eval.Annotations.
func (m *Queues) EndReview(_ context.Context, queue, call string, r eval.Review) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	q, there := m.queue[queue]
	if !there {
		return eval.ErrNoQueue
	}
	it := m.find(queue, call)
	if it == nil || own(it, r.Who) == nil {
		return eval.ErrNoQueueItem
	}
	put(it, r)
	count := map[eval.ItemState]int{}
	for _, one := range it.Reviews {
		count[one.State]++
	}
	switch {
	case count[eval.Finished] >= q.Reviewers:
		it.State = eval.Finished
	case count[eval.Skipped] >= q.Reviewers:
		it.State = eval.Skipped
	default:
		it.State = eval.Waiting
	}
	return nil
}
