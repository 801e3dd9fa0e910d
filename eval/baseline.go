package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

// Baseline is the scores of a run that later ones are compared with. It is a file that is committed, and changes only by hand: one that takes
// each good run in would go down with them, little by little.
type Baseline struct {
	Version   int       `json:"version"` // 1
	Run       string    `json:"run"`
	Name      string    `json:"name"`
	Snapshot  string    `json:"snapshot"`
	CreatedAt time.Time `json:"created_at"`
	// Scores by target, scorer and item: the mean of the item's repeats.
	Scores map[string]map[string]map[string]float64 `json:"scores"`
}

// NewBaseline takes the scores of a run.
func NewBaseline(run *Run, results []Result, now time.Time) Baseline {
	b := Baseline{Version: 1, Run: run.ID, Name: run.Name, Snapshot: run.Snapshot, CreatedAt: now.UTC().Truncate(time.Second), Scores: map[string]map[string]map[string]float64{}}
	for _, t := range run.Definition.Targets {
		b.Scores[t.Name] = map[string]map[string]float64{}
		for i := range run.Definition.Scorers {
			name := run.Definition.Scorers[i].Name
			b.Scores[t.Name][name] = itemMeans(results, t.Name, name)
		}
	}
	return b
}

// itemMeans are the means of each item's scores of one target and scorer. Items without a score are missing.
func itemMeans(results []Result, target, scorer string) map[string]float64 {
	sums, counts := map[string]float64{}, map[string]int{}
	for i := range results {
		r := &results[i]
		if s := r.Scores[scorer]; r.Target == target && s.State == Scored {
			sums[r.Item] += s.Value
			counts[r.Item]++
		}
	}
	for id, n := range counts {
		sums[id] /= float64(n)
	}
	return sums
}

// pairs gives the scores of items that both have, in the order of their ids, and how many of the baseline's the run has no score of.
func (b *Baseline) pairs(target, scorer string, items map[string]float64, without []string) (was, is []float64, gone int) {
	old := b.Scores[target][scorer]
	for _, id := range slices.Sorted(maps.Keys(old)) {
		if slices.Contains(without, id) {
			continue
		}
		now, there := items[id]
		if !there {
			gone++
			continue
		}
		was, is = append(was, old[id]), append(is, now)
	}
	return was, is, gone
}

// ReadBaseline reads a baseline's file.
func ReadBaseline(file string) (*Baseline, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	var b Baseline
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("the baseline %s is damaged: %w", file, err)
	}
	if b.Version != 1 || len(b.Scores) == 0 {
		return nil, fmt.Errorf("%s is no baseline that this weir reads: write one with weir eval gate --write-baseline", file)
	}
	return &b, nil
}

// Write puts the baseline into a file, an item a line, so that a difference can be read.
func (b *Baseline) Write(file string) error {
	text, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, append(text, '\n')) {
		return nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return replaceFile(file, append(text, '\n'))
}

// Of gives the part of a baseline that a gate looks at; nil when it looks at none.
func (b *Baseline) Of(g Gate) *Baseline {
	out := *b
	out.Scores = map[string]map[string]map[string]float64{}
	for target, by := range b.Scores {
		for scorer, items := range by {
			if g[scorer].MaxRegression == nil {
				continue
			}
			if out.Scores[target] == nil {
				out.Scores[target] = map[string]map[string]float64{}
			}
			out.Scores[target][scorer] = items
		}
	}
	if len(out.Scores) == 0 {
		return nil
	}
	return &out
}
