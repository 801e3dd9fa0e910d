package rag_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/ragtest"
)

// settler notes what it was told to settle, and when.
type settler struct {
	*ragtest.Memory
	begun time.Time
	told  []string
	err   error
}

func (s *settler) Settle(_ context.Context, collection string) error {
	s.told = append(s.told, collection+" after "+time.Since(s.begun).String())
	return s.err
}

func TestSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		index := &settler{Memory: new(ragtest.Memory), begun: time.Now()}
		s := rag.NewSettling(10*time.Second, slog.New(slog.NewTextHandler(&logged, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()

		write := func(collection string, after time.Duration) {
			t.Helper()
			s.Written(index, collection)
			synctest.Wait()
			<-time.After(after)
			synctest.Wait()
		}
		s.Written(index.Memory, "of no settler")
		write("a", 9*time.Second)
		write("a", 5*time.Second)  // at 9 s
		write("b", 20*time.Second) // at 14 s
		index.err = errors.New("no room")
		write("a", 11*time.Second) // at 34 s
		index.err = nil
		write("a", 11*time.Second) // at 45 s
		want := []string{"a after 19s", "b after 24s", "a after 44s", "a after 55s"}
		if diff := gocmp.Diff(index.told, want); diff != "" {
			t.Errorf("told to settle (-got +want):\n%s", diff)
		}
		if got := logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "collection=a") || !strings.Contains(got, "no room") {
			t.Errorf("logged %q, want one line of what could not be settled", got)
		}
		s.Written(index, "c")
		cancel()
		<-done
	})
}
