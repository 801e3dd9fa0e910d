//go:build !linux

package engine

// newSpool returns a maker of files in dir.
func newSpool(dir string) func() (*spoolFile, error) {
	return func() (*spoolFile, error) { return diskSpool(dir) }
}
