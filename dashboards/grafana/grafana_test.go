package grafana

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// The committed JSON is what the sources make, and no board has two panels in one place or a panel without a question.
func TestBoards(t *testing.T) {
	boards, err := Boards()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, b := range boards {
		names[b.File] = true
		committed, err := os.ReadFile(filepath.Join("boards", b.File))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(committed, b.JSON) {
			t.Errorf("boards/%s is stale: go generate ./dashboards/grafana", b.File)
		}
		var d struct {
			Panels []struct {
				Type, Title string
				GridPos     struct{ X, Y, W, H int }
				Targets     []map[string]any
			}
		}
		if err := json.Unmarshal(b.JSON, &d); err != nil {
			t.Fatal(err)
		}
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: panel %q asks nothing", b.UID, p.Title)
			}
			if p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: panel %q does not fit", b.UID, p.Title)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: panels %q and %q overlap", b.UID, other, p.Title)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
	files, err := filepath.Glob("boards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !names[filepath.Base(f)] {
			t.Errorf("%s belongs to no board", f)
		}
	}
}
