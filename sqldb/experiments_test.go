package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/experimenttest"
)

func TestExperiments(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		experimenttest.TestStore(t, func(t *testing.T) experimenttest.Store { return open(t) })
	})
}

// Who watches the revision of prompts hears of experiments.
func TestExperimentsRaiseTheRevisionOfPrompts(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		db, ctx := open(t), t.Context()
		before, err := db.Revision(ctx)
		if err != nil {
			t.Fatal(err)
		}
		e := experiment.Experiment{
			Name: "tone", Unit: experiment.User, Arms: []experiment.Arm{{Name: "a", Model: "m"}, {Name: "b", Model: "n"}},
			Metrics: experiment.Metrics{Primary: &experiment.Metric{Metric: "cost", Direction: experiment.Lower}},
		}
		made, err := db.ChangeExperiment(ctx, e.Name, experiment.Create(e, experiment.Step{Author: "ann"}))
		if err != nil {
			t.Fatal(err)
		}
		if after, err := db.Revision(ctx); err != nil || after <= before || after != made.Revision {
			t.Errorf("the revision is %d after %d, %v; the experiment has %d", after, before, err, made.Revision)
		}
	})
}
