package main

import (
	"flag"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/weir-dev/weir/internal/faultproxy"
)

// away is how long ClickHouse is away, slow or failing; make test-faults says more.
var away = flag.Duration("away", time.Second, "how long the fault tests keep ClickHouse away, slow or failing")

// storeFaults are what can happen behind the spool and under it, by name.
var storeFaults = map[string]func(*testing.T, *storeServer){
	"away": storeAwayUnderLoad, "away at the start": storeAwayAtTheStart, "away and weir killed": storeAwayAndWeirKilled,
	"slow": storeSlow, "answering errors": storeAnsweringErrors, "answers swallowed": storeAnswersSwallowed,
	"answers withheld": storeAnswersWithheld, "requests late": storeRequestsLate, "requests cut": storeRequestsCut,
}

// Whatever ClickHouse, the way to it or the spool's disk does: the counters balance, and in the end every call that was
// answered is in the store once, with its bodies, at the cost its client was told, or is counted as dropped.
func TestNothingIsLostWhenTheStoreFails(t *testing.T) {
	server := startStoreServer(t)
	for name, test := range storeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

func storeAwayUnderLoad(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "", "")
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	s.mustTurnGreen(t)
	s.set(t, faultproxy.Fault{Kind: faultproxy.Away})
	s.mustTurnRed(t, "clickhouse", "connection refused")
	s.mustTurnRed(t, "spool", "records wait in the spool")
	s.last(t, *away)
	s.mustTurnRed(t, "clickhouse", "connection refused")
	s.set(t, faultproxy.Fault{})
	s.mustTurnGreen(t)
	s.close(t, "ClickHouse away, then back")
}

func storeAwayAtTheStart(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "", "")
	s.set(t, faultproxy.Fault{Kind: faultproxy.Away})
	s.begin(t)
	s.mustTurnRed(t, "clickhouse", "connection refused")
	s.mustAnswer(t, 100)
	s.last(t, *away/2)
	if c, err := s.spool(); err != nil || c.Written != 0 || c.Waiting < 100 {
		t.Errorf("while ClickHouse has never been there: %+v, %v", c, err)
	}
	s.set(t, faultproxy.Fault{})
	s.mustTurnGreen(t)
	s.close(t, "ClickHouse away when weir starts")
}

func storeAwayAndWeirKilled(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "", "")
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	s.set(t, faultproxy.Fault{Kind: faultproxy.Away})
	for range 2 {
		s.mustAnswer(t, 200)
		s.p.kill()
		s.start(t)
	}
	s.mustTurnRed(t, "clickhouse", "connection refused")
	s.mustAnswer(t, 50)
	c, err := s.spool()
	if err != nil || c.Waiting < 450 {
		t.Errorf("after two kills %+v, %v: want what was answered before them to wait", c, err)
	}
	s.set(t, faultproxy.Fault{})
	s.mustTurnGreen(t)
	answered := s.load.end()
	s.mustReach(t, "that none waits", noneWaits)
	s.watch.check(t)
	s.compare(t, answered)
	s.report(t, "weir killed twice while ClickHouse is away", s.load.sent.Load(), len(answered))
	s.p.stop(t)
}

func storeSlow(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "", "")
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	s.set(t, faultproxy.Fault{Kind: faultproxy.Slow, Chunk: 16 << 10, Delay: 10 * time.Millisecond})
	s.last(t, *away)
	s.set(t, faultproxy.Fault{})
	s.mustTurnGreen(t)
	s.close(t, "the way to ClickHouse slow: 1.6 MB/s")
}

func storeAnsweringErrors(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "", "")
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	for _, f := range []faultproxy.Fault{
		{Kind: faultproxy.Answer, Status: http.StatusInternalServerError, Header: http.Header{"X-Clickhouse-Exception-Code": {"241"}}, Body: "Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)\n"},
		{Kind: faultproxy.Answer, Status: http.StatusServiceUnavailable, Body: "<html>no server is available to handle this request</html>"},
	} {
		s.set(t, f)
		s.mustTurnRed(t, "spool", "records wait in the spool")
		s.last(t, *away/2)
		s.set(t, faultproxy.Fault{})
		s.mustTurnGreen(t)
	}
	s.set(t, faultproxy.Fault{Kind: faultproxy.Answer, Status: http.StatusBadGateway, Every: 2})
	s.last(t, *away/2)
	s.set(t, faultproxy.Fault{})
	s.mustTurnGreen(t)
	c, err := s.spool()
	if err != nil || c.Quarantined != 0 {
		t.Errorf("%+v, %v: want none in quarantine for an error that is not its fault", c, err)
	}
	s.close(t, "ClickHouse answering 500, 502 and 503")
}

// storeAnswersSwallowed: the batch was in, and weir does not know.
func storeAnswersSwallowed(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "", "")
	s.begin(t)
	s.set(t, faultproxy.Fault{Kind: faultproxy.Swallow, Match: isInsert, Every: 3})
	s.mustReach(t, "some written", written(20))
	s.last(t, *away)
	s.struck(t, 4)
	s.set(t, faultproxy.Fault{})
	s.close(t, "every third answer to an INSERT swallowed, the batch was in")
}

// givesUp is how long a hasty weir waits for ClickHouse: long enough for an INSERT on a busy machine, or it would never end.
const givesUp = 4 * time.Second

// storeAnswersWithheld: the same, and the connection stays open until weir gives up.
func storeAnswersWithheld(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "?read_timeout="+givesUp.String(), "")
	s.begin(t)
	s.set(t, faultproxy.Fault{Kind: faultproxy.Withhold, Match: isInsert, Every: 3})
	s.mustReach(t, "some written", written(20))
	s.last(t, *away)
	s.struck(t, 2)
	s.set(t, faultproxy.Fault{})
	s.close(t, "every third answer to an INSERT withheld until weir gives up, the batch was in")
}

// storeRequestsLate: what weir gave up waiting for arrives later, beside the next try of the same batch.
func storeRequestsLate(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "?read_timeout="+givesUp.String(), "")
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	holes := 0
	for begun := time.Now(); holes < 2 || time.Since(begun) < *away; holes++ {
		before, err := s.spool()
		if err != nil {
			t.Fatal(err)
		}
		s.set(t, faultproxy.Fault{Kind: faultproxy.BlackHole})
		s.last(t, givesUp+givesUp/4)
		s.set(t, faultproxy.Fault{})
		s.mustReach(t, "more written", written(before.Written+1))
	}
	s.mustTurnGreen(t)
	s.close(t, "the network down for longer than weir waits, over and over; what was sent arrives late, beside its repetition")
}

// storeRequestsCut: half of a batch must not show.
func storeRequestsCut(t *testing.T, server *storeServer) {
	s := newStoreStage(t, server, "", "")
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	s.set(t, faultproxy.Fault{Kind: faultproxy.CutRequest, Match: isInsert, Every: 3, After: 1500})
	s.last(t, *away)
	s.struck(t, 4)
	s.set(t, faultproxy.Fault{})
	s.close(t, "every third INSERT cut in the middle")
}

// struck waits until the proxy has spoilt so many requests.
func (s *storeStage) struck(t *testing.T, n int64) {
	t.Helper()
	eventually(t, soon, func() error {
		if got := s.proxy.Stats().Struck; got < n {
			return fmt.Errorf("%d requests were spoilt, want %d", got, n)
		}
		return nil
	})
}
