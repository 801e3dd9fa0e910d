// Package eval runs evaluations: a dataset's items through targets, their answers through scorers, the figures through a gate.
//
// The nouns are Item and Snapshot (item.go, snapshot.go), Definition (definition.go), Target (target.go), Scorer (scorer.go),
// Result and Run (result.go, run.go), and Verdict (gate.go). A run is kept by a Journal while it goes on, and by Runs and Results
// when it is to be found by others.
package eval
