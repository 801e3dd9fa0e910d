package evaltest

import "testing"

func TestMemory(t *testing.T) {
	t.Run("datasets", func(t *testing.T) { TestDatasets(t, &Memory{}) })
	t.Run("runs", func(t *testing.T) { TestRuns(t, &Memory{}) })
	t.Run("results", func(t *testing.T) { TestResults(t, &Memory{}) })
}
