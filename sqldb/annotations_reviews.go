package sqldb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/eval"
)

// QueueProgress implements eval.Annotations.
func (db *DB) QueueProgress(ctx context.Context, queue string, now time.Time) (eval.QueueProgress, error) {
	var p eval.QueueProgress
	if _, err := db.GetQueue(ctx, queue); err != nil {
		return p, err
	}
	var states []struct {
		State string
		N     int
	}
	err := db.bun.NewSelect().Model((*queueItemRow)(nil)).Column("state").ColumnExpr("count(*) AS n").Where("queue = ?", queue).Group("state").Scan(ctx, &states)
	if err != nil {
		return p, fmt.Errorf("count queue %s: %w", queue, err)
	}
	for _, s := range states {
		switch eval.ItemState(s.State) {
		case eval.Waiting:
			p.Waiting = s.N
		case eval.Finished:
			p.Done = s.N
		case eval.Skipped:
			p.Skipped = s.N
		}
	}
	err = db.bun.NewSelect().Model((*itemReviewRow)(nil)).ColumnExpr("count(DISTINCT call_id)").Where("queue = ? AND state = 'taken' AND until > ?", queue, micros(now)).Scan(ctx, &p.Taken)
	if err != nil {
		return p, fmt.Errorf("count queue %s: %w", queue, err)
	}
	var people []struct {
		Who, State string
		N          int
		Last       int64
	}
	err = db.bun.NewSelect().Model((*itemReviewRow)(nil)).Column("who", "state").ColumnExpr("count(*) AS n").ColumnExpr("max(at) AS last").
		Where("queue = ? AND state <> 'taken'", queue).Group("who", "state").Scan(ctx, &people)
	if err != nil {
		return p, fmt.Errorf("count reviews of queue %s: %w", queue, err)
	}
	slices.SortFunc(people, func(a, b struct {
		Who, State string
		N          int
		Last       int64
	},
	) int {
		return cmp.Compare(a.Who, b.Who)
	})
	for _, one := range people {
		if len(p.People) == 0 || p.People[len(p.People)-1].Who != one.Who {
			p.People = append(p.People, eval.PersonProgress{Who: one.Who})
		}
		of := &p.People[len(p.People)-1]
		if eval.ItemState(one.State) == eval.Finished {
			of.Done = one.N
		} else {
			of.Skipped = one.N
		}
		if last := fromMicros(one.Last); last.After(of.Last) {
			of.Last = last
		}
	}
	return p, nil
}

// NextItem implements eval.Annotations.
func (db *DB) NextItem(ctx context.Context, queue, who string, now, until time.Time) (eval.QueueItem, bool, error) {
	var out eval.QueueItem
	found := false
	err := db.inTurn(ctx, "take of", queue, func(ctx context.Context, tx bun.Tx, q *queueRow) error {
		var rows []queueItemRow
		of := "annotation_reviews r WHERE r.queue = queue_item_row.queue AND r.call_id = queue_item_row.call_id"
		mine := "(SELECT 1 FROM " + of + " AND r.who = ? AND r.state = 'taken' AND r.until > ?)"
		err := tx.NewSelect().Model(&rows).Where("queue = ? AND state = 'waiting'", queue).
			Where("NOT EXISTS (SELECT 1 FROM "+of+" AND r.who = ? AND r.state <> 'taken')", who).
			Where("(SELECT count(*) FROM "+of+" AND r.who <> ? AND (r.state = 'done' OR r.state = 'taken' AND r.until > ?)) < ?", who, micros(now), q.Reviewers).
			OrderExpr("CASE WHEN EXISTS "+mine+" THEN 0 ELSE 1 END, place", who, micros(now)).Limit(1).Scan(ctx)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := putItemReview(ctx, tx, queue, rows[0].CallID, eval.Review{Who: who, State: eval.Taken, At: now, Until: until}); err != nil {
			return err
		}
		items, err := db.withReviews(ctx, tx, queue, rows, now)
		if err != nil {
			return err
		}
		out, found = items[0], true
		return nil
	})
	return out, found, err
}

func putItemReview(ctx context.Context, tx bun.Tx, queue, call string, r eval.Review) error {
	row := &itemReviewRow{Queue: queue, CallID: call, Who: r.Who, State: string(r.State), Until: micros(r.Until), At: micros(r.At), Reason: r.Reason}
	_, err := tx.NewInsert().Model(row).On("CONFLICT (queue, call_id, who) DO UPDATE").Set("state = EXCLUDED.state").Set("until = EXCLUDED.until").
		Set("at = EXCLUDED.at").Set("reason = EXCLUDED.reason").Exec(ctx)
	return err
}

// itemReviewsOf reads what people did with an item. ErrNoQueueItem.
func itemReviewsOf(ctx context.Context, tx bun.Tx, queue, call string) ([]itemReviewRow, error) {
	there, err := tx.NewSelect().Model((*queueItemRow)(nil)).Where("queue = ? AND call_id = ?", queue, call).Exists(ctx)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, eval.ErrNoQueueItem
	}
	var rows []itemReviewRow
	err = tx.NewSelect().Model(&rows).Where("queue = ? AND call_id = ?", queue, call).Scan(ctx)
	return rows, err
}

// TakeItem implements eval.Annotations.
func (db *DB) TakeItem(ctx context.Context, queue, call, who string, now, until time.Time) error {
	return db.inTurn(ctx, "take of", queue, func(ctx context.Context, tx bun.Tx, q *queueRow) error {
		rows, err := itemReviewsOf(ctx, tx, queue, call)
		if err != nil {
			return err
		}
		others := int64(0)
		for i := range rows {
			switch r := rows[i].review(); {
			case r.Who == who && r.State == eval.Finished:
				return nil
			case r.Who != who && (r.State == eval.Finished || r.State == eval.Taken && r.Until.After(now)):
				others++
			}
		}
		if others >= q.Reviewers {
			return eval.ErrItemTaken
		}
		return putItemReview(ctx, tx, queue, call, eval.Review{Who: who, State: eval.Taken, At: now, Until: until})
	})
}

// EndReview implements eval.Annotations.
func (db *DB) EndReview(ctx context.Context, queue, call string, r eval.Review) error {
	return db.inTurn(ctx, "review of", queue, func(ctx context.Context, tx bun.Tx, q *queueRow) error {
		rows, err := itemReviewsOf(ctx, tx, queue, call)
		if err != nil {
			return err
		}
		own := slices.IndexFunc(rows, func(row itemReviewRow) bool { return row.Who == r.Who })
		if own < 0 {
			return eval.ErrNoQueueItem
		}
		if err := putItemReview(ctx, tx, queue, call, r); err != nil {
			return err
		}
		rows[own].State = string(r.State)
		count := map[eval.ItemState]int64{}
		for i := range rows {
			count[eval.ItemState(rows[i].State)]++
		}
		state := eval.Waiting
		switch {
		case count[eval.Finished] >= q.Reviewers:
			state = eval.Finished
		case count[eval.Skipped] >= q.Reviewers:
			state = eval.Skipped
		}
		_, err = tx.NewUpdate().Model((*queueItemRow)(nil)).Set("state = ?", string(state)).Where("queue = ? AND call_id = ?", queue, call).Exec(ctx)
		return err
	})
}
