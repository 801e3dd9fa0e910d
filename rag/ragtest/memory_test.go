package ragtest

import (
	"errors"
	"testing"

	"github.com/weir-dev/weir/rag"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) rag.Index { return new(Memory) })
}

func TestMemoryFails(t *testing.T) {
	var m Memory
	if err := m.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(2)}); err != nil {
		t.Fatal(err)
	}
	m.Fail(rag.ErrAway)
	if _, err := m.Search(t.Context(), "c", rag.Query{Vector: Unit(1, 0), Limit: 1}); !errors.Is(err, rag.ErrAway) {
		t.Errorf("got error %v, want %v", err, rag.ErrAway)
	}
	m.Fail(nil)
	if err := m.Put(t.Context(), "c", []rag.Point{NewPoint(1, "d", "x", []float32{1, 0}, rag.Terms{})}); err != nil {
		t.Error(err)
	}
	if got := m.Written(); got != 1 {
		t.Errorf("written: got %d, want 1", got)
	}
}

func TestMemoryLog(t *testing.T) { RunLog(t, new(MemoryLog)) }
