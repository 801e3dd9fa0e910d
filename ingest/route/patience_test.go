package route

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/llm"
)

// script plays a provider that answers with one status after the other, the last for ever.
type script struct {
	statuses []int
	header   http.Header
	takes    time.Duration
	times    []time.Time
}

func (s *script) Send(ctx context.Context, _ *llm.Call) (*llm.Response, error) {
	s.times = append(s.times, time.Now())
	status := s.statuses[min(len(s.times), len(s.statuses))-1]
	if s.takes > 0 && !sleep(ctx, s.takes) {
		fault, ok := errors.AsType[*llm.Fault](context.Cause(ctx))
		if !ok {
			fault = llm.Faultf(llm.ClientClosed, "gone")
		}
		return nil, &llm.Fault{Code: fault.Code, Message: fault.Message, Attempts: []llm.Attempt{{}}}
	}
	h := s.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	return &llm.Response{Status: status, Header: h, Body: io.NopCloser(strings.NewReader("")), Attempts: []llm.Attempt{{Status: status}}}, nil
}

func TestRetriesWaitAndDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503, 503, 200}}
		table := NewTable([]Provider{{Name: "a", Send: s}}, []Alias{{Model: "m", Targets: []Target{{"a", "m", 1}}, Retry: Retry{Attempts: 3, Wait: time.Second}}})
		resp, err := Fallback(table, nil).Send(t.Context(), newCall("m"))
		if err != nil || resp.Status != 200 || len(resp.Attempts) != 3 {
			t.Fatalf("%+v, %v", resp, err)
		}
		first, second := s.times[1].Sub(s.times[0]), s.times[2].Sub(s.times[1])
		if first < time.Second/2 || first > time.Second || second < time.Second || second > 2*time.Second {
			t.Errorf("waited %v, then %v", first, second)
		}
	})
}

func TestRetryAfterIsHonouredUpToTheBound(t *testing.T) {
	for asked, tries := range map[string]int{"3": 2, "60": 1} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{statuses: []int{429, 200}, header: http.Header{"Retry-After": {asked}}}
			table := NewTable([]Provider{{Name: "a", Send: s}}, []Alias{{Model: "m", Targets: []Target{{"a", "m", 1}}, Retry: Retry{Attempts: 2}}})
			began := time.Now()
			_, err := Fallback(table, nil).Send(t.Context(), newCall("m"))
			if len(s.times) != tries {
				t.Errorf("asked for %s s: %d tries, want %d (%v)", asked, len(s.times), tries, err)
			}
			if tries == 2 && time.Since(began) != 3*time.Second {
				t.Errorf("waited %v", time.Since(began))
			}
		})
	}
}

func TestATargetThatDoesNotBeginInTimeIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := &script{statuses: []int{200}, takes: time.Minute}, &script{statuses: []int{200}}
		table := NewTable([]Provider{{Name: "slow", Send: slow}, {Name: "quick", Send: quick}}, []Alias{{
			Model: "m", Targets: []Target{{"slow", "m", 1}}, Fallback: []Target{{"quick", "m", 0}}, FirstByte: 2 * time.Second,
		}})
		began := time.Now()
		resp, err := Fallback(table, nil).Send(t.Context(), newCall("m"))
		if err != nil || len(resp.Attempts) != 2 || time.Since(began) != 2*time.Second {
			t.Errorf("%+v, %v after %v", resp, err, time.Since(began))
		}
		_ = resp.Body.Close()
	})
}

func TestAnIllProviderIsLeftAloneAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ill, well := &script{statuses: []int{500}}, &script{statuses: []int{200}}
		table := NewTable([]Provider{{Name: "ill", Send: ill}, {Name: "well", Send: well}}, []Alias{{
			Model: "m", Targets: []Target{{"ill", "m", 1}}, Fallback: []Target{{"well", "m", 0}},
		}})
		send := Fallback(table, nil)
		ask := func(n int) {
			for range n {
				resp, err := send.Send(t.Context(), newCall("m"))
				if err != nil || resp.Status != 200 {
					t.Fatalf("%+v, %v", resp, err)
				}
			}
		}
		ask(20)
		if len(ill.times) != breakAfter {
			t.Errorf("the ill provider was asked %d times, want %d", len(ill.times), breakAfter)
		}
		time.Sleep(breakFor + time.Second) // of the bubble's clock
		ask(3)
		if len(ill.times) != breakAfter+1 {
			t.Errorf("after the pause it was asked %d times more, want one", len(ill.times)-breakAfter)
		}
		ill.statuses = []int{200}
		time.Sleep(2*breakFor + time.Second)
		ask(3)
		if len(ill.times) != breakAfter+4 {
			t.Errorf("well again, it was asked %d times, want %d", len(ill.times), breakAfter+4)
		}
	})
}

func TestAnIllProviderIsAskedWhenNobodyElseIsLeft(t *testing.T) {
	s := &script{statuses: []int{500}}
	table := NewTable([]Provider{{Name: "a", Models: []string{"*"}, Send: s}}, nil)
	for range 10 {
		resp, err := Fallback(table, nil).Send(t.Context(), newCall("m"))
		if err != nil || resp.Status != 500 {
			t.Fatalf("%+v, %v", resp, err)
		}
	}
	if len(s.times) != 10 {
		t.Errorf("asked %d times, want 10: its own answer is worth more than weir's", len(s.times))
	}
}

func TestTheFastestGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick := &script{statuses: []int{200}, takes: time.Second}, &script{statuses: []int{200}, takes: 10 * time.Millisecond}
		table := NewTable([]Provider{{Name: "slow", Send: slow}, {Name: "quick", Send: quick}}, []Alias{{
			Model: "m", Targets: []Target{{"slow", "m", 1}, {"quick", "m", 1}}, Fastest: true,
		}})
		for range 200 {
			if _, err := Fallback(table, nil).Send(t.Context(), newCall("m")); err != nil {
				t.Fatal(err)
			}
		}
		if len(quick.times) < 170 || len(slow.times) < 1 {
			t.Errorf("the quick provider answered %d of 200, the slow one %d", len(quick.times), len(slow.times))
		}
	})
}
