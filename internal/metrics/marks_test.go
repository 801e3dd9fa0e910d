package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Each move of a label and each turn of an experiment is a series of its own, with the moment as its value, and there is an end to them.
func TestMarks(t *testing.T) {
	set := New("v", func() Spool { return Spool{} })
	at := time.UnixMilli(1_790_000_000_500)
	var moves []Move
	for i := range 250 {
		moves = append(moves, Move{Prompt: fmt.Sprint("p", i), Label: "production", Version: i + 1, At: at.Add(-time.Duration(i) * time.Hour)})
	}
	set.WatchPrompts(func() Prompts { return Prompts{Revision: 7, Moves: moves} })
	set.WatchExperiments(func() []Turn {
		return []Turn{{Experiment: "tone", What: "started", At: at}, {Experiment: "tone", What: "concluded", Winner: "b", At: at.Add(time.Second)}}
	})
	rec := httptest.NewRecorder()
	set.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text := rec.Body.String()
	for _, want := range []string{
		`weir_prompt_moved_timestamp_seconds{label="production",prompt="p0",version="1"} 1.7900000005e+09`,
		`weir_experiment_turned_timestamp_seconds{experiment="tone",turn="started",winner=""} 1.7900000005e+09`,
		`weir_experiment_turned_timestamp_seconds{experiment="tone",turn="concluded",winner="b"} 1.7900000015e+09`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if got := strings.Count(text, "\nweir_prompt_moved_timestamp_seconds{"); got != maxNames || strings.Contains(text, `prompt="p249"`) {
		t.Errorf("labels: got %d, want the last %d", got, maxNames)
	}
}
