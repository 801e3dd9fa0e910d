package eval

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// ErrSplit says that shares or the name of a split are wrong.
var ErrSplit = errors.New("no such split")

// Split is a named share of a dataset's items.
type Split struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"` // from 0 to 1, all together at most 1
}

// Snapshot is a dataset's items at one moment. It never changes, and is known by the hash of what it says.
type Snapshot struct {
	Hash   string
	Items  []Item
	Splits []Split // in order; an item belongs to the one its id's hash falls into
}

// NewSnapshot makes a snapshot of items that a reader of this package gave, in their order.
func NewSnapshot(items []Item, splits ...Split) (Snapshot, error) {
	s := Snapshot{Items: items, Splits: splits}
	if len(items) == 0 {
		return s, errors.New("a dataset needs an item at least")
	}
	total, names := 0.0, map[string]bool{}
	for _, p := range splits {
		total += p.Share
		if p.Name == "" || names[p.Name] || p.Share <= 0 || math.IsNaN(p.Share) || total > 1+1e-9 {
			return s, fmt.Errorf("%w: splits need different names, and shares above 0 that are at most 1 together: %q has %v", ErrSplit, p.Name, p.Share)
		}
		names[p.Name] = true
	}
	seen := make(map[string]bool, len(items))
	sum := sha256.New()
	for i := range items {
		if seen[items[i].ID] {
			return s, fmt.Errorf("the id %.60q stands twice", items[i].ID)
		}
		seen[items[i].ID] = true
		sum.Write(items[i].line())
		sum.Write([]byte{'\n'})
	}
	for _, p := range splits {
		fmt.Fprintf(sum, "split %q %v\n", p.Name, p.Share)
	}
	s.Hash = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// place is where an id stands between 0 and 1, always the same.
func place(id string) float64 {
	sum := sha256.Sum256([]byte(id))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

// SplitOf is the name of the split that an id belongs to, "" for none. A split that grows at the end of the list keeps the items it
// had.
func (s *Snapshot) SplitOf(id string) string {
	at, upTo := place(id), 0.0
	for _, p := range s.Splits {
		if upTo += p.Share; at < upTo {
			return p.Name
		}
	}
	return ""
}

// Part gives the items of a split, all of them for "".
func (s *Snapshot) Part(split string) ([]Item, error) {
	if split == "" {
		return s.Items, nil
	}
	if !slices.ContainsFunc(s.Splits, func(p Split) bool { return p.Name == split }) {
		names := make([]string, len(s.Splits))
		for i, p := range s.Splits {
			names[i] = p.Name
		}
		return nil, fmt.Errorf("%w: %q; there is %s", ErrSplit, split, cmp.Or(strings.Join(names, ", "), "none"))
	}
	var out []Item
	for _, it := range s.Items {
		if s.SplitOf(it.ID) == split {
			out = append(out, it)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: %q has no item of the %d there are", ErrSplit, split, len(s.Items))
	}
	return out, nil
}

// WriteJSONL writes items as ReadJSONL reads them.
func WriteJSONL(to io.Writer, items []Item) error {
	for i := range items {
		if _, err := to.Write(append(items[i].line(), '\n')); err != nil {
			return fmt.Errorf("write item %s: %w", items[i].ID, err)
		}
	}
	return nil
}

// Changed is an item that two snapshots have with different contents.
type Changed struct {
	ID  string `json:"id"`
	Was Item   `json:"was"`
	Is  Item   `json:"is"`
}

// Difference is what one snapshot has and another has not, each in the order of the snapshot it is in.
type Difference struct {
	Added     []Item    `json:"added"`
	Removed   []Item    `json:"removed"`
	Changed   []Changed `json:"changed"`
	Unchanged int       `json:"unchanged"`
}

// Diff compares two snapshots item by item.
func Diff(was, is *Snapshot) Difference {
	d := Difference{Added: []Item{}, Removed: []Item{}, Changed: []Changed{}}
	old := make(map[string]*Item, len(was.Items))
	for i := range was.Items {
		old[was.Items[i].ID] = &was.Items[i]
	}
	for _, it := range is.Items {
		before, known := old[it.ID]
		switch {
		case !known:
			d.Added = append(d.Added, it)
		case before.Hash() != it.Hash():
			d.Changed = append(d.Changed, Changed{ID: it.ID, Was: *before, Is: it})
		default:
			d.Unchanged++
		}
		delete(old, it.ID)
	}
	for _, it := range was.Items {
		if _, gone := old[it.ID]; gone {
			d.Removed = append(d.Removed, it)
		}
	}
	return d
}
