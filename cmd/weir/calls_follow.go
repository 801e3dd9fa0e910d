package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
)

const (
	// tailBefore is how far back a tail looks for calls to begin with.
	tailBefore = 15 * time.Minute
	// tailSilence is how long nothing comes before a connection counts as broken: weir says something every 15 seconds.
	tailSilence = 40 * time.Second
	// tailMadeUp is what weir makes up for of a connection that broke.
	tailMadeUp = time.Minute
	// tailPause is the longest wait between two attempts to connect.
	tailPause = 15 * time.Second
	// tailShown is how many calls are known not to be shown again.
	tailShown = 10_000
)

// follower follows calls over server-sent events. Used by one goroutine.
type follower struct {
	client *client
	query  url.Values
	last   int // calls of the past to begin with
	show   func(json.RawMessage) error
	note   func(format string, args ...any)

	event string    // id of the last event
	heard time.Time // when something came
	begun bool      // it was connected once
	shown map[string]bool
	order []string // of shown, oldest first
}

// tailFault is an error that connecting again does not mend.
type tailFault struct{ error }

// Unwrap gives the error itself.
func (f tailFault) Unwrap() error { return f.error }

// follow shows calls, oldest first, until ctx ends. A weir that goes away is waited for, once it was there.
func (t *follower) follow(ctx context.Context) error {
	away := false
	for pause := time.Second; ; pause = min(2*pause, tailPause) {
		heard := t.heard
		err := t.listen(ctx)
		fault, isFault := errors.AsType[tailFault](err)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // ctrl-C is how it ends
		case isFault:
			return fault.error
		case !t.begun:
			return err
		case t.heard.After(heard):
			away, pause = false, time.Second
		}
		if !away {
			away = true
			t.note("%v; still trying", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// listen connects and shows what comes until that breaks.
func (t *follower) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(tailSilence, cancel)
	defer silence.Stop()
	header := http.Header{"Accept": {"text/event-stream"}}
	if t.event != "" {
		header.Set("Last-Event-ID", t.event)
	}
	res, err := t.client.send(ctx, http.MethodGet, "calls/tail", t.query, nil, header)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		_, err := t.client.read(res)
		if res.StatusCode < 500 && (!t.begun || res.StatusCode != http.StatusTooManyRequests) { // the place may be that of the connection that broke
			return tailFault{err}
		}
		return err
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return tailFault{t.client.stranger(res)}
	}
	if err := t.opened(ctx); err != nil {
		return err
	}
	var events llm.Splitter
	buf := make([]byte, 32<<10)
	for {
		n, err := res.Body.Read(buf)
		events.Write(buf[:n])
		silence.Reset(tailSilence)
		t.heard = time.Now()
		for e, ok := events.Next(); ok; e, ok = events.Next() {
			if err := t.take(e); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the connection ended")
		case ctx.Err() != nil:
			return fmt.Errorf("nothing came for %v", tailSilence)
		case err != nil:
			return fmt.Errorf("the connection broke: %w", err)
		}
	}
}

// opened begins with calls of the past, which are read when the new ones come already; or it tells that some are missing.
func (t *follower) opened(ctx context.Context) error {
	now := time.Now()
	if t.begun {
		if gap := now.Sub(t.heard); gap > tailMadeUp {
			t.note("connected again after %v: calls of that time may be missing here; weir calls --since %dm lists them", gap.Round(time.Second), int(gap/time.Minute)+2)
		}
		t.heard = now
		return nil
	}
	if t.last > 0 {
		var page struct {
			Calls []json.RawMessage `json:"calls"`
		}
		q := maps.Clone(t.query)
		q.Set("since", stamp(now.Add(-tailBefore)))
		q.Set("limit", strconv.Itoa(t.last))
		if _, err := t.client.get(ctx, "calls", q, &page); err != nil {
			return err
		}
		for _, raw := range slices.Backward(page.Calls) {
			if err := t.once(raw); err != nil {
				return err
			}
		}
	}
	t.begun, t.heard = true, now
	return nil
}

// take shows an event.
func (t *follower) take(e llm.Event) error {
	if line, ok := bytes.CutPrefix(e.Raw, []byte("id:")); ok {
		id, _, _ := bytes.Cut(line, []byte("\n"))
		t.event = strings.TrimSpace(string(id))
	}
	var data struct {
		Calls  int64  `json:"calls"`
		Reason string `json:"reason"`
	}
	switch e.Name {
	case "call":
		return t.once(e.Data)
	case "skipped":
		if err := json.Unmarshal(e.Data, &data); err == nil {
			t.note("%s calls are not shown: they came faster than they were taken; weir calls lists them", count(data.Calls))
		}
	case "end":
		_ = json.Unmarshal(e.Data, &data)
		if data.Reason == "signed_out" {
			return tailFault{fmt.Errorf("the token opens the weir at %s no longer (looked at %s)", t.client.base.Redacted(), t.client.where)}
		}
		return fmt.Errorf("the weir at %s is stopping", t.client.base.Redacted())
	}
	return nil
}

// once shows a call that was not shown before.
func (t *follower) once(raw json.RawMessage) error {
	var c struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return tailFault{fmt.Errorf("read a call: %w", err)}
	}
	if t.shown[c.ID] {
		return nil
	}
	t.shown[c.ID] = true
	if t.order = append(t.order, c.ID); len(t.order) > tailShown {
		delete(t.shown, t.order[0])
		t.order = t.order[1:]
	}
	if err := t.show(raw); err != nil {
		return tailFault{err}
	}
	return nil
}
