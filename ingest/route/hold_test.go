package route

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

// notedHold remembers whether it was given up.
type notedHold struct {
	call  *llm.Call
	given bool
}

func (h *notedHold) Call() *llm.Call { return h.call }

func (h *notedHold) GiveUp() { h.given = true }

func TestEachAttemptIsHeldAndOnlyTheRelayedOneStays(t *testing.T) {
	for _, c := range []struct {
		name  string
		first *answers
		err   llm.Code
		want  []bool // given up
	}{
		{"answered at once", &answers{status: 200}, "", []bool{false}},
		{"a refusal by the provider is relayed", &answers{status: 400}, "", []bool{false}},
		{"overloaded", &answers{status: 503}, "", []bool{true, false}},
		{"away", &answers{fault: llm.Faultf(llm.UpstreamUnavailable, "away")}, "", []bool{true, false}},
		{"the client left", &answers{fault: llm.Faultf(llm.ClientClosed, "gone")}, llm.ClientClosed, []bool{false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var holds []*notedHold
			second := &answers{status: 200}
			admit := func(_ context.Context, try Try) (Hold, error) {
				bounded := *try.Call
				bounded.Body = []byte(`{"bounded":true}`)
				holds = append(holds, &notedHold{call: &bounded})
				return holds[len(holds)-1], nil
			}
			_, err := Fallback(fallbackTable(c.first, second), admit).Send(t.Context(), newCall("fast"))
			if (err == nil) != (c.err == "") || err != nil && llm.AsFault(err).Code != c.err {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			var got []bool
			for _, h := range holds {
				got = append(got, h.given)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("holds given up (-want +got):\n%s", diff)
			}
			for _, body := range append(c.first.bodies, second.bodies...) {
				if body != `{"bounded":true}` {
					t.Errorf("a provider was sent %s, not the call of the hold", body)
				}
			}
		})
	}
}

func TestAFinalRefusalEndsTheCall(t *testing.T) {
	first, second := &answers{status: 200}, &answers{status: 200}
	admit := func(context.Context, Try) (Hold, error) { return nil, Final(llm.Faultf(llm.BudgetExceeded, "spent")) }
	_, err := Fallback(fallbackTable(first, second), admit).Send(t.Context(), newCall("fast"))
	if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.BudgetExceeded {
		t.Errorf("%v, want the refusal", err)
	}
	if len(first.asked)+len(second.asked) != 0 {
		t.Errorf("providers were asked %v %v", first.asked, second.asked)
	}
}
