package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
)

// demoInside is the project of the tools that the company's own people use.
const demoInside = "demo-internal"

// demoProjectOf is the project that an application's calls are recorded under.
func demoProjectOf(app string) string {
	if app == "code-assistant" || app == "internal-tools" {
		return demoInside
	}
	return demoProject
}

// keys makes the keys that the history's calls came with, and one that has expired. Nobody has their secrets.
func (d *demoStory) keys(ctx context.Context) error {
	list := simulator.Keys()
	list = append(list, simulator.Key{Project: "support-bot", Name: "summer-intern", ID: "demointern01"})
	used := map[string]time.Time{}
	for i, k := range list {
		_, _, hash := account.Mint()
		key := account.Key{ID: k.ID, Project: demoProjectOf(k.Project), Name: k.Name, Hash: hash, CreatedAt: d.at(0).Add(-time.Duration(30-2*i) * 24 * time.Hour)}
		used[k.ID] = d.Now.Add(-time.Duration(3+7*i) * time.Minute)
		switch k.Name {
		case "notebooks":
			key.Limits = account.Limits{RequestsPerMinute: 60, Concurrent: 4}
		case "ci-review":
			key.Models = []string{"claude-*", "gpt-5-mini", "o4-mini"}
		case "summer-intern":
			key.ExpiresAt = d.Now.Add(-6 * 24 * time.Hour)
			used[k.ID] = key.ExpiresAt.Add(-5 * time.Hour)
		}
		if _, err := d.s.keys.Key(ctx, k.ID); err == nil {
			continue
		} else if !errors.Is(err, account.ErrNoKey) {
			return err
		}
		if err := d.s.keys.CreateKey(ctx, key); err != nil && !errors.Is(err, account.ErrNameTaken) {
			return fmt.Errorf("make the key %s: %w", k.Name, err)
		}
	}
	return d.s.keys.TouchKeys(ctx, used)
}
