package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/price"
)

// evalItemRow is one row of eval_items. Its tags are the only list of the table's columns outside the migrations.
type evalItemRow struct {
	Run          string      `ch:"run"`
	Name         string      `ch:"name"`
	Target       string      `ch:"target"`
	Item         string      `ch:"item"`
	Repeat       int32       `ch:"repeat"`
	Revision     int64       `ch:"revision"`
	ItemHash     string      `ch:"item_hash"`
	Input        string      `ch:"input"`
	Expected     string      `ch:"expected"`
	Answer       string      `ch:"answer"`
	ToolCalls    string      `ch:"tool_calls"`
	Contexts     []string    `ch:"contexts"`
	Citations    string      `ch:"citations"`
	Error        string      `ch:"error"`
	CallID       string      `ch:"call_id"`
	Model        string      `ch:"model"`
	Prompt       string      `ch:"prompt"`
	Cost         knownMoney  `ch:"cost_usd"`
	LatencyMS    float64     `ch:"latency_ms"`
	InputTokens  int64       `ch:"input_tokens"`
	OutputTokens int64       `ch:"output_tokens"`
	Tries        int32       `ch:"tries"`
	Time         time.Time   `ch:"time"`
	Names        []string    `ch:"score_names"`
	States       []string    `ch:"score_states"`
	Values       []float64   `ch:"score_values"`
	Passes       []int32     `ch:"score_passes"`
	Reasons      []string    `ch:"score_reasons"`
	Costs        []int64     `ch:"score_costs"`
	Votes        [][]float64 `ch:"score_votes"`
}

var evalItemColumns = columnsOf[evalItemRow]()

var _ eval.Results = (*DB)(nil)

func newEvalItemRow(run string, r *eval.Row, revision int64) evalItemRow {
	at, _ := inRange(r.Answer.At)
	row := evalItemRow{
		Run: run, Name: r.Name, Target: r.Target, Item: r.Item, Repeat: int32(r.Repeat), Revision: revision, ItemHash: r.ItemHash, Input: r.Input, Expected: r.Expected,
		Answer: r.Answer.Text, Error: r.Answer.Error, CallID: r.Answer.CallID, Model: r.Answer.Model, Prompt: r.Answer.Prompt, LatencyMS: r.Answer.LatencyMS,
		InputTokens: r.Answer.InputTokens, OutputTokens: r.Answer.OutputTokens, Tries: int32(r.Answer.Tries), Time: at, Names: slices.Sorted(maps.Keys(r.Scores)),
	}
	if r.Answer.Cost != nil {
		amount, _ := r.Answer.Cost.Clamp()
		row.Cost = knownMoney{money(amount), true}
	}
	if len(r.Answer.ToolCalls) > 0 {
		text, err := json.Marshal(r.Answer.ToolCalls)
		if err != nil { // arguments that are no JSON
			text = []byte("[]")
		}
		row.ToolCalls = string(text)
	}
	row.Contexts = r.Answer.Contexts
	if len(r.Answer.Citations) > 0 {
		if text, err := json.Marshal(r.Answer.Citations); err == nil {
			row.Citations = string(text)
		}
	}
	for _, name := range row.Names {
		s := r.Scores[name]
		cost := int64(-1)
		if s.Cost != nil {
			cost = int64(*s.Cost)
		}
		row.Costs, row.Votes = append(row.Costs, cost), append(row.Votes, s.Votes)
		passed := int32(-1)
		if s.Passed != nil {
			passed = 0
			if *s.Passed {
				passed = 1
			}
		}
		row.States, row.Values = append(row.States, string(s.State)), append(row.Values, s.Value)
		row.Passes, row.Reasons = append(row.Passes, passed), append(row.Reasons, s.Reason)
	}
	return row
}

func (r *evalItemRow) row() eval.Row {
	out := eval.Row{Name: r.Name, Input: r.Input, Expected: r.Expected}
	out.Key = eval.Key{Target: r.Target, Item: r.Item, Repeat: int(r.Repeat)}
	out.ItemHash = r.ItemHash
	out.Answer = eval.Answer{
		Text: r.Answer, Error: r.Error, CallID: r.CallID, Model: r.Model, Prompt: r.Prompt, LatencyMS: r.LatencyMS, InputTokens: r.InputTokens,
		OutputTokens: r.OutputTokens, Tries: int(r.Tries), At: r.Time.UTC(),
	}
	if r.Cost.known {
		usd := price.USD(r.Cost.amount)
		out.Answer.Cost = &usd
	}
	if r.ToolCalls != "" {
		_ = json.Unmarshal([]byte(r.ToolCalls), &out.Answer.ToolCalls) // written above
	}
	if len(r.Contexts) > 0 {
		out.Answer.Contexts = r.Contexts
	}
	if r.Citations != "" {
		_ = json.Unmarshal([]byte(r.Citations), &out.Answer.Citations) // written above
	}
	out.Scores = make(map[string]eval.Score, len(r.Names))
	for i, name := range r.Names {
		s := eval.Score{State: eval.State(r.States[i]), Value: r.Values[i], Reason: r.Reasons[i]}
		if p := r.Passes[i]; p >= 0 {
			passed := p == 1
			s.Passed = &passed
		}
		if i < len(r.Costs) && r.Costs[i] >= 0 {
			usd := price.USD(r.Costs[i])
			s.Cost = &usd
		}
		if i < len(r.Votes) && len(r.Votes[i]) > 0 {
			s.Votes = r.Votes[i]
		}
		out.Scores[name] = s
	}
	return out
}

func (r *evalItemRow) encode(b *rowBinary) {
	b.text(r.Run)
	b.text(r.Name)
	b.text(r.Target)
	b.text(r.Item)
	b.int32(r.Repeat)
	b.int64(r.Revision)
	b.text(r.ItemHash)
	b.text(r.Input)
	b.text(r.Expected)
	b.text(r.Answer)
	b.text(r.ToolCalls)
	b.texts(r.Contexts)
	b.text(r.Citations)
	b.text(r.Error)
	b.text(r.CallID)
	b.text(r.Model)
	b.text(r.Prompt)
	if b.null(!r.Cost.known); r.Cost.known {
		b.int64(int64(r.Cost.amount)) // a Decimal(18, 9) is its nanodollars
	}
	b.float64(r.LatencyMS)
	b.int64(r.InputTokens)
	b.int64(r.OutputTokens)
	b.int32(r.Tries)
	b.micros(r.Time)
	b.texts(r.Names)
	b.texts(r.States)
	b.buf = binary.AppendUvarint(b.buf, uint64(len(r.Values)))
	for _, v := range r.Values {
		b.float64(v)
	}
	b.buf = binary.AppendUvarint(b.buf, uint64(len(r.Passes)))
	for _, v := range r.Passes {
		b.int32(v)
	}
	b.texts(r.Reasons)
	b.buf = binary.AppendUvarint(b.buf, uint64(len(r.Costs)))
	for _, c := range r.Costs {
		b.int64(c)
	}
	b.buf = binary.AppendUvarint(b.buf, uint64(len(r.Votes)))
	for _, votes := range r.Votes {
		b.buf = binary.AppendUvarint(b.buf, uint64(len(votes)))
		for _, v := range votes {
			b.float64(v)
		}
	}
	b.end()
}

// PutResults implements eval.Results. Its token is made of what the rows say: the same batch again is known by it.
func (db *DB) PutResults(ctx context.Context, run string, batch []eval.Row) error {
	if len(batch) == 0 {
		return nil
	}
	if err := db.ensure(ctx); err != nil {
		return err
	}
	sum := sha256.New()
	for i := range batch {
		text, err := json.Marshal(batch[i])
		if err != nil {
			return fmt.Errorf("write clickhouse eval_items: %w", err)
		}
		sum.Write(text)
	}
	revision := time.Now().UnixMicro()
	w := db.inserts(ctx, "eval_items", evalItemColumns, "eval-"+run+"-"+hex.EncodeToString(sum.Sum(nil)[:16]))
	defer w.abort()
	for i := range batch {
		row := newEvalItemRow(run, &batch[i], revision)
		if err := w.add(&row, len(row.Input)+len(row.Expected)+len(row.Answer)); err != nil {
			return err
		}
	}
	return w.send()
}

// Results implements eval.Results.
func (db *DB) Results(ctx context.Context, run, target string, after eval.Key, limit int) iter.Seq2[eval.Row, error] {
	return func(yield func(eval.Row, error) bool) {
		var w where
		w.and("run = " + w.text(run))
		if target != "" {
			w.and("target = " + w.text(target))
		}
		if after != (eval.Key{}) {
			w.and("(target, item, repeat) > (" + w.text(after.Target) + ", " + w.text(after.Item) + ", " + w.param("Int32", after.Repeat) + ")")
		}
		most := ""
		if limit > 0 {
			most = " LIMIT " + strconv.Itoa(limit)
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := false
		err := db.query(ctx, "read results of run "+strconv.Quote(run), func(rows driver.Rows) error {
			if ended {
				return nil
			}
			var r evalItemRow
			if err := rows.ScanStruct(&r); err != nil {
				return err
			}
			if !yield(r.row(), nil) {
				ended = true
				cancel()
			}
			return nil
		}, "SELECT "+evalItemColumns.String()+" FROM eval_items"+w.String()+
			" ORDER BY target, item, repeat, revision DESC LIMIT 1 BY target, item, repeat"+most, w.args...)
		if err != nil && !ended {
			yield(eval.Row{}, err)
		}
	}
}

// DeleteResults implements eval.Results.
func (db *DB) DeleteResults(ctx context.Context, run string) error {
	if err := db.ensure(ctx); err != nil {
		return err
	}
	var w where
	if err := db.conn.Exec(ctx, "DELETE FROM eval_items WHERE run = "+w.text(run), w.args...); err != nil {
		return db.wrap(ctx, "delete results of run "+strconv.Quote(run), err)
	}
	return nil
}
