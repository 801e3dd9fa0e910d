package clickhouse

import (
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// scoreRow is one row of scores. Its tags are the only list of the table's columns outside the migrations.
type scoreRow struct {
	ID       string `ch:"id"`
	Revision int64  `ch:"revision"`
	Deleted  bool   `ch:"deleted"`

	CallID        string    `ch:"call_id"`
	TraceID       string    `ch:"trace_id"`
	StartTime     time.Time `ch:"start_time"`
	Project       string    `ch:"project"`
	User          string    `ch:"user"`
	Session       string    `ch:"session"`
	Model         string    `ch:"model"`
	Prompt        string    `ch:"prompt"`
	PromptVersion int32     `ch:"prompt_version"`
	Experiment    string    `ch:"experiment"`
	Arm           string    `ch:"arm"`
	Epoch         int32     `ch:"epoch"`
	Unit          string    `ch:"unit"`

	Name     string     `ch:"name"`
	Kind     string     `ch:"kind"`
	Value    float64    `ch:"value"`
	Category string     `ch:"category"`
	Comment  string     `ch:"comment"`
	Source   string     `ch:"source"`
	Author   string     `ch:"author"`
	Config   string     `ch:"config"`
	Cost     knownMoney `ch:"cost"`
	Time     time.Time  `ch:"time"`
}

var scoreColumns = columnsOf[scoreRow]()

func newScoreRow(s *trace.Score) scoreRow {
	start, _ := inRange(s.CallStart)
	at, _ := inRange(s.At)
	var cost knownMoney
	if s.Cost != nil {
		cost = knownMoney{money(*s.Cost), true}
	}
	return scoreRow{
		ID: s.ID, Revision: s.Revision, Deleted: s.Deleted, CallID: s.CallID, TraceID: s.TraceID, StartTime: start, Project: s.Project,
		User: s.User, Session: s.Session, Model: s.Model, Prompt: s.Prompt, PromptVersion: int32(s.PromptVersion), Experiment: s.Experiment, Arm: s.Arm,
		Epoch: int32(s.Epoch), Unit: s.Unit, Name: s.Name, Kind: string(s.Kind), Value: s.Value, Category: s.Category, Comment: s.Comment,
		Source: string(s.Source), Author: s.Author, Config: s.Config, Cost: cost, Time: at,
	}
}

func (r *scoreRow) score() trace.Score {
	var cost *price.USD
	if r.Cost.known {
		usd := price.USD(r.Cost.amount)
		cost = &usd
	}
	return trace.Score{
		ID: r.ID, Revision: r.Revision, Deleted: r.Deleted, CallID: r.CallID, TraceID: r.TraceID, CallStart: r.StartTime.UTC(), Project: r.Project,
		User: r.User, Session: r.Session, Model: r.Model, Prompt: r.Prompt, PromptVersion: int(r.PromptVersion), Experiment: r.Experiment, Arm: r.Arm,
		Epoch: int(r.Epoch), Unit: r.Unit, Name: r.Name, Kind: trace.ScoreKind(r.Kind), Value: r.Value, Category: r.Category, Comment: r.Comment,
		Source: trace.ScoreSource(r.Source), Author: r.Author, Config: r.Config, Cost: cost, At: r.Time.UTC(),
	}
}

func (r *scoreRow) encode(b *rowBinary) {
	b.text(r.ID)
	b.int64(r.Revision)
	b.bool(r.Deleted)

	b.text(r.CallID)
	b.text(r.TraceID)
	b.micros(r.StartTime)
	b.text(r.Project)
	b.text(r.User)
	b.text(r.Session)
	b.text(r.Model)
	b.text(r.Prompt)
	b.int32(r.PromptVersion)
	b.text(r.Experiment)
	b.text(r.Arm)
	b.int32(r.Epoch)
	b.text(r.Unit)

	b.text(r.Name)
	b.text(r.Kind)
	b.float64(r.Value)
	b.text(r.Category)
	b.text(r.Comment)
	b.text(r.Source)
	b.text(r.Author)
	b.text(r.Config)
	if b.null(!r.Cost.known); r.Cost.known {
		b.int64(int64(r.Cost.amount)) // a Decimal(18, 9) is its nanodollars
	}
	b.micros(r.Time)
	b.end()
}
