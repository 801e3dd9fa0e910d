package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/trace"
)

// spoolState shows a spool to the API. Its counters, those at /metrics and those in the console are the same ones.
type spoolState struct{ disk *spool.Disk }

var _ api.Spool = spoolState{}

// Stats gives the counters of one moment. Who asks how many records wait is waiting for them: they are sent at once.
func (s spoolState) Stats() api.SpoolStats {
	s.disk.Hurry()
	return spoolStats(s.disk.Stats())
}

// spoolStats is a spool's Stats as the API has them.
func spoolStats(st spool.Stats) api.SpoolStats {
	out := api.SpoolStats{
		Counters: st.Counters, AtRisk: st.AtRisk, Damaged: st.Damaged, Discarded: st.Discarded, Lost: st.Lost, UnderWay: st.Admitted,
		Segments: st.Segments, Bytes: st.Bytes, MaxBytes: st.MaxBytes, Problems: make([]api.SpoolProblem, len(st.Problems)),
	}
	var failures []string
	for i, p := range st.Problems {
		out.Problems[i] = api.SpoolProblem(p)
		if slices.Contains(metrics.Failures, p.Kind) {
			failures = append(failures, p.Message)
		}
	}
	out.Error = strings.Join(failures, "\n")
	return out
}

// metrics gives what /metrics says.
func (s spoolState) metrics() metrics.Spool {
	st := s.disk.Stats()
	out := metrics.Spool{
		Counters: st.Counters, AtRisk: st.AtRisk, Damaged: st.Damaged, UnderWay: st.Admitted, Segments: st.Segments, Bytes: st.Bytes, MaxBytes: st.MaxBytes,
	}
	for _, p := range st.Problems {
		out.Failures = append(out.Failures, p.Kind)
	}
	return out
}

// Waiting finds a record that is not in the store yet.
func (s spoolState) Waiting(id string) (trace.Record, bool) { return s.disk.Waiting(id) }

// Quarantined lists the records in quarantine without their bodies.
func (s spoolState) Quarantined() ([]api.Quarantined, error) {
	list, err := s.disk.Quarantined()
	out := make([]api.Quarantined, len(list))
	for i := range list {
		out[i] = quarantinedOf(&list[i])
	}
	return out, err
}

// FindQuarantined gives one whole.
func (s spoolState) FindQuarantined(id string) (api.Quarantined, error) {
	q, err := s.disk.FindQuarantined(id)
	return quarantinedOf(&q), spoolError(err)
}

func quarantinedOf(q *spool.Quarantine) api.Quarantined {
	return api.Quarantined{Number: q.Number, At: q.At, Reason: q.Reason, Bytes: q.Bytes, Undecodable: q.Undecodable, Record: q.Record}
}

// Resend gives one back.
func (s spoolState) Resend(number int64) error { return spoolError(s.disk.Resend(number)) }

// Discard takes one out of quarantine for good.
func (s spoolState) Discard(number int64) error { return spoolError(s.disk.Discard(number)) }

// DiscardDamaged gives up what was damaged on the disk.
func (s spoolState) DiscardDamaged() error {
	_, err := s.disk.DiscardDamaged()
	return spoolError(err)
}

// spoolError says an error of the spool in the API's words.
func spoolError(err error) error {
	for _, pair := range [][2]error{
		{spool.ErrNotQuarantined, api.ErrNotQuarantined}, {spool.ErrUndecodable, api.ErrUndecodable}, {spool.ErrFull, api.ErrSpoolFull},
	} {
		if errors.Is(err, pair[0]) {
			return errors.Join(pair[1], err)
		}
	}
	return err
}
