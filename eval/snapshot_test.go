package eval

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func itemsOf(t *testing.T, lines string) []Item {
	t.Helper()
	items, err := ReadJSONL("items", strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func snapshotOf(t *testing.T, lines string, splits ...Split) Snapshot {
	t.Helper()
	s, err := NewSnapshot(itemsOf(t, lines), splits...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSnapshotsAreKnownByWhatTheySay(t *testing.T) {
	one := snapshotOf(t, `{"id":"a","input":{"x":1,"y":2}}`)
	same := snapshotOf(t, `{ "input": {"y":2, "x":1}, "id":"a" }`)
	if one.Hash != same.Hash || len(one.Hash) != 64 {
		t.Errorf("%s and %s", one.Hash, same.Hash)
	}
	for _, other := range []Snapshot{
		snapshotOf(t, `{"id":"b","input":{"x":1,"y":2}}`), snapshotOf(t, `{"id":"a","input":{"x":1,"y":3}}`),
		snapshotOf(t, `{"id":"a","input":{"x":1,"y":2},"expected":""}`), snapshotOf(t, `{"id":"a","input":{"x":1,"y":2}}`, Split{"all", 1}),
	} {
		if other.Hash == one.Hash {
			t.Errorf("%+v has the hash of another", other)
		}
	}
}

func TestSplitsHoldTheirShareAndTheirItems(t *testing.T) {
	var lines strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&lines, `{"id":"i%d","input":1}`+"\n", i)
	}
	s := snapshotOf(t, lines.String(), Split{"test", 0.2}, Split{"train", 0.5})
	test, err := s.Part("test")
	if err != nil {
		t.Fatal(err)
	}
	if share := float64(len(test)) / 4000; math.Abs(share-0.2) > 0.03 {
		t.Errorf("test has %v of the items", share)
	}
	wider := snapshotOf(t, lines.String(), Split{"test", 0.3}, Split{"train", 0.5})
	for i := range test {
		if wider.SplitOf(test[i].ID) != "test" {
			t.Fatalf("%s left its split when that grew", test[i].ID)
		}
	}
	if _, err := s.Part("dev"); err == nil || !strings.Contains(err.Error(), `"dev"; there is test, train`) {
		t.Errorf("an unknown split: %v", err)
	}
	for _, bad := range [][]Split{{{"a", 0}}, {{"a", 0.6}, {"b", 0.5}}, {{"a", 0.1}, {"a", 0.1}}, {{"", 0.1}}, {{"a", math.NaN()}}} {
		if _, err := NewSnapshot(s.Items, bad...); err == nil {
			t.Errorf("splits %v are taken", bad)
		}
	}
}

func TestDiff(t *testing.T) {
	was := snapshotOf(t, `{"id":"a","input":1}`+"\n"+`{"id":"b","input":1}`+"\n"+`{"id":"c","input":1}`)
	is := snapshotOf(t, `{"id":"c","input":1}`+"\n"+`{"id":"b","input":2}`+"\n"+`{"id":"d","input":1}`)
	d := Diff(&was, &is)
	want := Difference{Added: is.Items[2:3], Removed: was.Items[:1], Changed: []Changed{{"b", was.Items[1], is.Items[1]}}, Unchanged: 1}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
