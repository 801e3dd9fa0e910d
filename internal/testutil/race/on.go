//go:build race

package race

// Enabled says whether this is a build with the race detector, which allocates by itself and empties pools at random.
const Enabled = true
