// Package online scores a sample of live calls behind their back, and keeps a book in which every call that was to be scored is.
//
// The nouns are Rule (rule.go), Sample (sample.go), Store (store.go) with its Ledger (ledger.go), Runner (runner.go), which takes calls
// (take.go) and scores them (score.go), and Drift (drift.go).
//
// Nothing is done while a call is answered. A rule reads what came into the store since it last looked, and what it takes waits in the
// control plane until it is scored, skipped or failed, each with its reason. Each step is one transaction: whenever the process ends, a
// call is either not looked at yet, or waits, or is in the ledger once, and eligible = scored + skipped + failed holds.
package online
