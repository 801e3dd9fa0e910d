package experiment

// Overlaps says what keeps e from running beside others: a name that is taken, a range of its layer that is not free, or a prompt
// on which another runs without a layer that keeps them apart. Drafts, stopped and concluded ones are in nobody's way, but keep
// their names. The error wraps ErrExperiment and says everything at once.
func Overlaps(e *Experiment, others []Experiment) error {
	var f faults
	for i := range others {
		o := &others[i]
		if o.ID != "" && o.ID == e.ID {
			continue
		}
		f.when(o.Name == e.Name, "name: %q is taken; choose another", e.Name)
		if o.Status != Running {
			continue
		}
		sameLayer := e.Layer != nil && o.Layer != nil && e.Layer.Name == o.Layer.Name
		if sameLayer {
			f.when(e.Unit != o.Unit, "layer: %q is by %s, as %q runs in it; one layer keeps apart one kind of unit only: use another layer", e.Layer.Name, o.Unit, o.Name)
			f.when(e.Unit == o.Unit && e.Layer.From < o.Layer.To && o.Layer.From < e.Layer.To,
				"layer: %q holds %g to %g of %q; take a range that does not touch it, or stop it", o.Name, o.Layer.From, o.Layer.To, e.Layer.Name)
			continue
		}
		f.when(e.Prompt != "" && e.Prompt == o.Prompt,
			"prompt: %q runs on %q already, and a call can have one version only; put both in one layer with ranges that do not touch, or stop it", o.Name, e.Prompt)
	}
	return f.err()
}
