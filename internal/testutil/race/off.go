//go:build !race

// Package race tells tests whether the race detector runs them.
package race

// Enabled says whether this is a build with the race detector, which allocates by itself and empties pools at random.
const Enabled = false
