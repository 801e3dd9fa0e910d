package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// The datasets of the demo.
const (
	demoGolden  = "support-golden"
	demoStaff   = "handbook-questions"
	goldenItems = 24
	goldenFirst = 18 // of its first version
)

// datasets stores real questions of customers with answers that were good, in two versions, and questions that colleagues ask.
func (d *demoStory) datasets(ctx context.Context) error {
	items, err := d.golden(ctx)
	if err != nil {
		return err
	}
	if len(items) > 0 {
		versions := []struct {
			n           int
			author, why string
			at          time.Time
		}{
			{min(goldenFirst, len(items)), demoWriter, "From calls of last week with answers that people found helpful.", d.Now.Add(-4 * 24 * time.Hour)},
			{len(items), demoAuthor, "More questions about returns.", d.Now.Add(-26 * time.Hour)},
		}
		have, err := d.s.stores.datasets.DatasetVersions(ctx, demoGolden)
		if err != nil && !errors.Is(err, eval.ErrNoDataset) {
			return err
		}
		for _, v := range versions[min(len(have), len(versions)):] {
			if err := d.putDataset(ctx, demoGolden, items[:v.n], v.author, v.why, v.at); err != nil {
				return err
			}
		}
	}
	r, seen := d.dice(0x64617461), map[string]bool{}
	var staff []eval.Item
	for tries := 0; len(staff) < goldenItems && tries < 500; tries++ {
		if q := simulator.HandbookQuestion(r); !seen[q] {
			seen[q] = true
			it := eval.Item{Input: jsonText(q)}
			if err := it.Settle(); err != nil {
				return fmt.Errorf("an item of %s: %w", demoStaff, err)
			}
			staff = append(staff, it)
		}
	}
	if _, err := d.s.stores.datasets.DatasetVersions(ctx, demoStaff); !errors.Is(err, eval.ErrNoDataset) {
		return err
	}
	return d.putDataset(ctx, demoStaff, staff, demoAuthor, "What colleagues ask the handbook most.", d.Now.Add(-9*24*time.Hour))
}

func (d *demoStory) putDataset(ctx context.Context, name string, items []eval.Item, author, why string, at time.Time) error {
	snapshot, err := eval.NewSnapshot(items)
	if err != nil {
		return fmt.Errorf("the dataset %s: %w", name, err)
	}
	if _, _, err = d.s.stores.datasets.PutDataset(ctx, eval.Version{Dataset: name, Message: why, Author: author, CreatedAt: at}, &snapshot); err != nil {
		return fmt.Errorf("store the dataset %s: %w", name, err)
	}
	return nil
}

// golden makes items of calls: first questions of customers, each once, whose answer was found helpful.
func (d *demoStory) golden(ctx context.Context) ([]eval.Item, error) {
	var out []eval.Item
	seen := map[string]bool{}
	f := trace.Filter{Project: demoProject, Prompt: demoSupport + "@3", Status: string(trace.StatusOK), Since: d.Now.Add(-5 * 24 * time.Hour), Until: d.Now}
	for rec, err := range d.s.reader.Export(ctx, f, true) {
		if err != nil {
			return nil, fmt.Errorf("read calls for a dataset: %w", err)
		}
		if helpful, _ := scoredOf(&rec.Call, demoHelpful, d.Now); helpful == 0 {
			continue
		}
		question, ok := firstQuestion(rec.Body.Request)
		if !ok || seen[question] {
			continue
		}
		rec.Body.Request = []byte(`{"messages":[{"role":"user","content":` + string(jsonText(question)) + `}]}`) // the prompt is not part of the question
		it, none := eval.ItemOfCall(&rec, true)
		if none != "" {
			continue
		}
		seen[question] = true
		if out = append(out, it); len(out) == goldenItems {
			break
		}
	}
	return out, nil
}

// firstQuestion is the only question of a request, false when there were turns before.
func firstQuestion(body []byte) (string, bool) {
	if bytes.Contains(body, []byte(`"role":"assistant"`)) {
		return "", false
	}
	var req struct {
		Messages []struct{ Role, Content string }
	}
	if json.Unmarshal(body, &req) != nil || len(req.Messages) == 0 {
		return "", false
	}
	last := req.Messages[len(req.Messages)-1]
	return last.Content, last.Role == "user"
}

// jsonText is a text as JSON.
func jsonText(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string always encodes
	return b
}
