package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// ledger compares what the load generator was answered with what ClickHouse holds.
type ledger struct {
	Good     int64            `json:"validated_answers"`
	Bad      int64            `json:"requests_without_a_good_answer"`
	Rows     int64            `json:"rows"`
	ByStatus map[string]int64 `json:"rows_by_status"`
	Input    [2]int64         `json:"input_tokens_answered_and_recorded"`
	Output   [2]int64         `json:"output_tokens_answered_and_recorded"`
	Cost     string           `json:"cost_usd"`
	Spool    spoolCounters    `json:"spool"`
	Balanced bool             `json:"balanced"`
	Why      string           `json:"why,omitempty"` // it is not
}

// ledger waits until no record waits, and counts.
func (b *bed) ledger(ctx context.Context) (*ledger, error) {
	spool, err := b.weir.drained(ctx, 2*time.Minute)
	if err != nil {
		return nil, err
	}
	var costs struct {
		Rows []struct {
			Status string `json:"status"`
			Calls  int64  `json:"calls"`
		} `json:"rows"`
		Total struct {
			Calls  int64  `json:"calls"`
			Cost   string `json:"cost_usd"`
			Input  int64  `json:"input_tokens"`
			Output int64  `json:"output_tokens"`
		} `json:"total"`
	}
	if err := b.weir.api(ctx, http.MethodGet, "/api/v1/costs?by=status&project="+project, nil, &costs); err != nil {
		return nil, err
	}
	l := &ledger{
		Good: b.sent.Good, Bad: b.sent.Bad, Rows: costs.Total.Calls, ByStatus: map[string]int64{}, Cost: costs.Total.Cost, Spool: spool,
		Input: [2]int64{b.sent.Input, costs.Total.Input}, Output: [2]int64{b.sent.Output, costs.Total.Output},
	}
	for _, row := range costs.Rows {
		l.ByStatus[row.Status] += row.Calls
	}
	l.Why = l.fault()
	l.Balanced = l.Why == ""
	return l, nil
}

// fault says what does not balance, or nothing. When every request was answered well, everything must be equal. A
// request that was given up may have a record or none, and that one may be of a whole answer: then there are bounds.
func (l *ledger) fault() string {
	ok := l.ByStatus["ok"]
	switch {
	case l.Spool.Waiting != 0 || l.Spool.Quarantined != 0 || l.Spool.Dropped != 0 || l.Spool.Accepted != l.Spool.Written:
		return fmt.Sprintf("the spool accepted %d records: %d written, %d waiting, %d quarantined, %d dropped",
			l.Spool.Accepted, l.Spool.Written, l.Spool.Waiting, l.Spool.Quarantined, l.Spool.Dropped)
	case l.Bad == 0 && (ok != l.Good || l.Rows != l.Good):
		return fmt.Sprintf("%d answers, %d rows, %d of them ok", l.Good, l.Rows, ok)
	case l.Bad == 0 && (l.Input[0] != l.Input[1] || l.Output[0] != l.Output[1]):
		return fmt.Sprintf("the answers named %d and %d tokens, the rows hold %d and %d", l.Input[0], l.Output[0], l.Input[1], l.Output[1])
	case ok < l.Good || ok > l.Good+l.Bad || l.Rows > l.Good+l.Bad:
		return fmt.Sprintf("%d answers and %d requests without one, %d rows, %d of them ok", l.Good, l.Bad, l.Rows, ok)
	}
	return ""
}
