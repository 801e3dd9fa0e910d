package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-dev/weir/trace"
)

// Spool is the spool at one moment.
type Spool struct {
	trace.Counters
	AtRisk   int64    // records whose answer was relayed before they were written
	Damaged  int64    // of the quarantined, those whose bytes were damaged
	UnderWay int64    // calls admitted and not recorded yet
	Segments int64    // files
	Bytes    int64    // of all of them
	MaxBytes int64    // their bound
	Failures []string // what is wrong now, of those in Failures
}

// Failures are what can be wrong with a spool at a moment: each has a series, 1 while it is.
var Failures = []string{"store", "full", "slow", "unsynced"}

// spool exports a Spool.
type spool struct{ state func() Spool }

var (
	spoolRecords = prometheus.NewDesc("weir_spool_records_total", "Records accepted, and where they are beside those that wait: accepted = written + quarantined + dropped + weir_spool_waiting_records. Quarantined ones become fewer when they are resent or discarded.", []string{"state"}, nil)
	spoolFailure = prometheus.NewDesc("weir_spool_failure", "1 while this keeps records from being kept or written as they should be.", []string{"kind"}, nil)
)

// spoolFigures are the series without labels.
var spoolFigures = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Spool) float64
}{
	{spoolFigure("waiting_records", "Records accepted and not yet in the store."), prometheus.GaugeValue, func(s *Spool) float64 { return float64(s.Waiting) }},
	{spoolFigure("oldest_waiting_seconds", "Age of the oldest record that waits."), prometheus.GaugeValue, func(s *Spool) float64 { return s.OldestWaitingSeconds }},
	{spoolFigure("quarantined_records", "Records that the store refuses, kept aside."), prometheus.GaugeValue, func(s *Spool) float64 { return float64(s.Quarantined) }},
	{spoolFigure("damaged_records", "Of the quarantined, those whose bytes were damaged on the disk."), prometheus.GaugeValue, func(s *Spool) float64 { return float64(s.Damaged) }},
	{spoolFigure("bodies_dropped_total", "Records kept without their bodies for want of room."), prometheus.CounterValue, func(s *Spool) float64 { return float64(s.BodiesDropped) }},
	{spoolFigure("at_risk_records_total", "Records whose answer was relayed before they were written, because the disk was slow."), prometheus.CounterValue, func(s *Spool) float64 { return float64(s.AtRisk) }},
	{spoolFigure("under_way_calls", "Calls admitted and not recorded yet."), prometheus.GaugeValue, func(s *Spool) float64 { return float64(s.UnderWay) }},
	{spoolFigure("segments", "Files of the spool."), prometheus.GaugeValue, func(s *Spool) float64 { return float64(s.Segments) }},
	{spoolFigure("bytes", "Bytes of the spool's files."), prometheus.GaugeValue, func(s *Spool) float64 { return float64(s.Bytes) }},
	{spoolFigure("max_bytes", "The bound of weir_spool_bytes; at nine tenths of it records lose their bodies."), prometheus.GaugeValue, func(s *Spool) float64 { return float64(s.MaxBytes) }},
}

func spoolFigure(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("weir_spool_"+name, help, nil, nil)
}

// Describe names the series.
func (*spool) Describe(ch chan<- *prometheus.Desc) {
	ch <- spoolRecords
	ch <- spoolFailure
	for _, f := range spoolFigures {
		ch <- f.desc
	}
}

// Collect reads the state once, so that its figures are of one moment.
func (s *spool) Collect(ch chan<- prometheus.Metric) {
	now := s.state()
	for _, one := range []struct {
		state string
		n     int64
	}{{"accepted", now.Accepted}, {"written", now.Written}, {"quarantined", now.Quarantined}, {"dropped", now.Dropped}} {
		ch <- prometheus.MustNewConstMetric(spoolRecords, prometheus.CounterValue, float64(one.n), one.state)
	}
	for _, kind := range Failures {
		v := 0.0
		if slices.Contains(now.Failures, kind) {
			v = 1
		}
		ch <- prometheus.MustNewConstMetric(spoolFailure, prometheus.GaugeValue, v, kind)
	}
	for _, f := range spoolFigures {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(&now))
	}
}
