package sqldb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/eval"
)

// queueRow is a row of annotation_queues.
type queueRow struct {
	bun.BaseModel `bun:"table:annotation_queues"`

	Name      string `bun:"name,pk"`
	Queue     string `bun:"queue"`
	Reviewers int64  `bun:"reviewers"`
	Turn      int64  `bun:"turn"`
	CreatedAt int64  `bun:"created_at"`
}

func (r *queueRow) queue() (eval.Queue, error) {
	var q eval.Queue
	if err := json.Unmarshal([]byte(r.Queue), &q); err != nil {
		return q, fmt.Errorf("queue %s is damaged: %w", r.Name, err)
	}
	return q, nil
}

// queueItemRow is a row of annotation_items.
type queueItemRow struct {
	bun.BaseModel `bun:"table:annotation_items"`

	Queue   string `bun:"queue,pk"`
	CallID  string `bun:"call_id,pk"`
	Place   int64  `bun:"place"`
	Run     string `bun:"run"`
	Target  string `bun:"target"`
	Item    string `bun:"item"`
	Repeat  int64  `bun:"repeat"`
	AddedBy string `bun:"added_by"`
	AddedAt int64  `bun:"added_at"`
	State   string `bun:"state"`
}

// itemReviewRow is a row of annotation_reviews.
type itemReviewRow struct {
	bun.BaseModel `bun:"table:annotation_reviews"`

	Queue  string `bun:"queue,pk"`
	CallID string `bun:"call_id,pk"`
	Who    string `bun:"who,pk"`
	State  string `bun:"state"`
	Until  int64  `bun:"until"`
	At     int64  `bun:"at"`
	Reason string `bun:"reason"`
}

func (r *queueItemRow) item() eval.QueueItem {
	return eval.QueueItem{
		CallID: r.CallID, Run: r.Run, Key: eval.Key{Target: r.Target, Item: r.Item, Repeat: int(r.Repeat)}, AddedBy: r.AddedBy,
		AddedAt: fromMicros(r.AddedAt), State: eval.ItemState(r.State),
	}
}

func (r *itemReviewRow) review() eval.Review {
	return eval.Review{Who: r.Who, State: eval.ItemState(r.State), Until: fromMicros(r.Until), At: fromMicros(r.At), Reason: r.Reason}
}

var _ eval.Annotations = (*DB)(nil)

// PutQueue implements eval.Annotations.
func (db *DB) PutQueue(ctx context.Context, q eval.Queue) error {
	text, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("queue %s: %w", q.Name, err)
	}
	row := &queueRow{Name: q.Name, Queue: string(text), Reviewers: int64(q.Reviewers), CreatedAt: micros(q.CreatedAt)}
	made, err := changed(db.bun.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
	if err == nil && !made {
		err = eval.ErrQueueThere
	}
	if err != nil {
		return fmt.Errorf("store queue %s: %w", q.Name, err)
	}
	return nil
}

// GetQueue implements eval.Annotations.
func (db *DB) GetQueue(ctx context.Context, name string) (eval.Queue, error) {
	var rows []queueRow
	if err := db.bun.NewSelect().Model(&rows).Where("name = ?", name).Scan(ctx); err != nil {
		return eval.Queue{}, fmt.Errorf("read queue %.100s: %w", name, err)
	}
	if len(rows) == 0 {
		return eval.Queue{}, fmt.Errorf("%w: %.100q", eval.ErrNoQueue, name)
	}
	return rows[0].queue()
}

// ListQueues implements eval.Annotations.
func (db *DB) ListQueues(ctx context.Context) ([]eval.Queue, error) {
	var rows []queueRow
	if err := db.bun.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	out := make([]eval.Queue, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].queue(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b eval.Queue) int { return cmp.Compare(a.Name, b.Name) }) // as every database does
	return out, nil
}

// DeleteQueue implements eval.Annotations.
func (db *DB) DeleteQueue(ctx context.Context, name string) error {
	return db.inTurn(ctx, "delete", name, func(ctx context.Context, tx bun.Tx, _ *queueRow) error {
		for _, model := range []any{(*itemReviewRow)(nil), (*queueItemRow)(nil)} {
			if _, err := tx.NewDelete().Model(model).Where("queue = ?", name).Exec(ctx); err != nil {
				return err
			}
		}
		_, err := tx.NewDelete().Model((*queueRow)(nil)).Where("name = ?", name).Exec(ctx)
		return err
	})
}

// inTurn does something to a queue alone.
func (db *DB) inTurn(ctx context.Context, what, name string, do func(ctx context.Context, tx bun.Tx, q *queueRow) error) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		there, err := changed(tx.NewUpdate().Model((*queueRow)(nil)).Set("turn = turn + 1").Where("name = ?", name).Exec(ctx))
		if err != nil {
			return err
		}
		if !there {
			return eval.ErrNoQueue
		}
		q := queueRow{Name: name}
		if err := tx.NewSelect().Model(&q).WherePK().Scan(ctx); err != nil {
			return err
		}
		return do(ctx, tx, &q)
	})
	if err != nil {
		return fmt.Errorf("%s queue %.100q: %w", what, name, err)
	}
	return nil
}

// AddQueueItems implements eval.Annotations.
func (db *DB) AddQueueItems(ctx context.Context, queue string, items []eval.QueueItem) (int, error) {
	added := 0
	err := db.inTurn(ctx, "add to", queue, func(ctx context.Context, tx bun.Tx, _ *queueRow) error {
		var last int64
		if err := tx.NewSelect().Model((*queueItemRow)(nil)).ColumnExpr("coalesce(max(place), 0)").Where("queue = ?", queue).Scan(ctx, &last); err != nil {
			return err
		}
		for i := range items {
			it := &items[i]
			row := &queueItemRow{
				Queue: queue, CallID: it.CallID, Place: last + 1, Run: it.Run, Target: it.Key.Target, Item: it.Key.Item, Repeat: int64(it.Key.Repeat),
				AddedBy: it.AddedBy, AddedAt: micros(it.AddedAt), State: string(eval.Waiting),
			}
			made, err := changed(tx.NewInsert().Model(row).On("CONFLICT (queue, call_id) DO NOTHING").Exec(ctx))
			if err != nil {
				return err
			}
			if made {
				last++
				added++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

// QueueItems implements eval.Annotations.
func (db *DB) QueueItems(ctx context.Context, queue string, state eval.ItemState, after string, limit int, now time.Time) ([]eval.QueueItem, error) {
	if _, err := db.GetQueue(ctx, queue); err != nil {
		return nil, err
	}
	var rows []queueItemRow
	q := db.bun.NewSelect().Model(&rows).Where("queue = ?", queue).Order("place").Limit(int64(limit))
	taken := "EXISTS (SELECT 1 FROM annotation_reviews r WHERE r.queue = queue_item_row.queue AND r.call_id = queue_item_row.call_id AND r.state = 'taken' AND r.until > ?)"
	switch state {
	case "":
	case eval.Taken:
		q = q.Where("state = 'waiting' AND "+taken, micros(now))
	case eval.Waiting:
		q = q.Where("state = 'waiting' AND NOT "+taken, micros(now))
	default:
		q = q.Where("state = ?", string(state))
	}
	if after != "" {
		q = q.Where("place > (SELECT place FROM annotation_items a WHERE a.queue = ? AND a.call_id = ?)", queue, after)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list items of queue %s: %w", queue, err)
	}
	return db.withReviews(ctx, db.bun, queue, rows, now)
}

// withReviews makes items of rows.
func (db *DB) withReviews(ctx context.Context, from bun.IDB, queue string, rows []queueItemRow, now time.Time) ([]eval.QueueItem, error) {
	out := make([]eval.QueueItem, len(rows))
	ids := make([]string, len(rows))
	at := make(map[string]int, len(rows))
	for i := range rows {
		out[i], ids[i], at[rows[i].CallID] = rows[i].item(), rows[i].CallID, i
	}
	if len(rows) == 0 {
		return out, nil
	}
	var reviews []itemReviewRow
	if err := from.NewSelect().Model(&reviews).Where("queue = ? AND call_id IN (?)", queue, bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read reviews of queue %s: %w", queue, err)
	}
	slices.SortFunc(reviews, func(a, b itemReviewRow) int { return cmp.Compare(a.Who, b.Who) })
	for i := range reviews {
		r := reviews[i].review()
		if r.State == eval.Taken && !r.Until.After(now) {
			continue
		}
		it := &out[at[reviews[i].CallID]]
		it.Reviews = append(it.Reviews, r)
		if r.State == eval.Taken && it.State == eval.Waiting {
			it.State = eval.Taken
		}
	}
	return out, nil
}
