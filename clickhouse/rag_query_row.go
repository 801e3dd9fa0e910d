package clickhouse

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
)

// ragQueryRow is one row of rag_queries. Its tags are the only list of the table's columns outside the migrations.
type ragQueryRow struct {
	ID               string     `ch:"id"`
	Revision         int64      `ch:"revision"`
	Time             time.Time  `ch:"time"`
	TraceID          string     `ch:"trace_id"`
	CallID           string     `ch:"call_id"`
	Project          string     `ch:"project"`
	Pipeline         string     `ch:"pipeline"`
	Collection       string     `ch:"collection"`
	Question         string     `ch:"question"`
	TookSteps        []string   `ch:"took_steps"`
	TookMS           []float64  `ch:"took_ms"`
	CountSteps       []string   `ch:"count_steps"`
	Counts           []int32    `ch:"counts"`
	RetrievalMS      float64    `ch:"retrieval_ms"`
	TotalMS          float64    `ch:"total_ms"`
	Empty            bool       `ch:"empty"`
	TopScore         float64    `ch:"top_score"`
	NotInSources     bool       `ch:"not_in_sources"`
	Citations        int32      `ch:"citations"`
	Verified         int32      `ch:"verified"`
	ContextTokens    int64      `ch:"context_tokens"`
	GenerationCost   knownMoney `ch:"generation_cost"`
	ContextRelevance *float64   `ch:"context_relevance"`
	ResponseQuality  *float64   `ch:"response_quality"`

	ChunkIDs       []string  `ch:"chunk_ids"`
	ChunkDocuments []string  `ch:"chunk_documents"`
	ChunkPacked    []bool    `ch:"chunk_packed"`
	ChunkCited     []bool    `ch:"chunk_cited"`
	ChunkDropped   []string  `ch:"chunk_dropped"`
	ChunkWhy       []string  `ch:"chunk_why"`
	PlaceChunks    []int32   `ch:"place_chunks"`
	PlaceSteps     []string  `ch:"place_steps"`
	PlaceRanks     []int32   `ch:"place_ranks"`
	PlaceScores    []float64 `ch:"place_scores"`
}

var (
	ragQueryColumns = columnsOf[ragQueryRow]()
	// ragAskedColumns are those of a line of a list.
	ragAskedColumns = ragQueryColumns[:slices.Index(ragQueryColumns, "chunk_ids")]
)

func newRAGQueryRow(a *rag.Asked, revision int64) ragQueryRow {
	at, _ := inRange(a.Time)
	r := ragQueryRow{
		ID: a.ID, Revision: revision, Time: at, TraceID: a.TraceID, CallID: a.CallID, Project: a.Project, Pipeline: a.Pipeline, Collection: a.Collection,
		Question: a.Question, RetrievalMS: a.RetrievalMS, TotalMS: a.TotalMS, Empty: a.Empty, TopScore: a.TopScore, NotInSources: a.NotInSources,
		Citations: int32(a.Citations), Verified: int32(a.Verified), ContextTokens: int64(a.ContextTokens),
		ContextRelevance: a.ContextRelevance, ResponseQuality: a.ResponseQuality,
	}
	if a.GenerationCost != nil {
		amount, _ := a.GenerationCost.Clamp()
		r.GenerationCost = knownMoney{money(amount), true}
	}
	for _, step := range slices.Sorted(maps.Keys(a.TookMS)) {
		r.TookSteps, r.TookMS = append(r.TookSteps, string(step)), append(r.TookMS, a.TookMS[step])
	}
	for _, step := range slices.Sorted(maps.Keys(a.Counts)) {
		r.CountSteps, r.Counts = append(r.CountSteps, string(step)), append(r.Counts, int32(a.Counts[step]))
	}
	for i := range a.Chunks {
		c := &a.Chunks[i]
		r.ChunkIDs, r.ChunkDocuments = append(r.ChunkIDs, c.ID), append(r.ChunkDocuments, c.Document)
		r.ChunkPacked, r.ChunkCited = append(r.ChunkPacked, c.Packed), append(r.ChunkCited, c.Cited)
		r.ChunkDropped, r.ChunkWhy = append(r.ChunkDropped, string(c.Dropped)), append(r.ChunkWhy, c.Why)
		for _, step := range slices.Sorted(maps.Keys(c.Places)) {
			p := c.Places[step]
			r.PlaceChunks, r.PlaceSteps = append(r.PlaceChunks, int32(i)), append(r.PlaceSteps, string(step))
			r.PlaceRanks, r.PlaceScores = append(r.PlaceRanks, int32(p.Rank)), append(r.PlaceScores, p.Score)
		}
	}
	return r
}

// asked reads the row back, with its chunks where they were read.
func (r *ragQueryRow) asked() rag.Asked {
	a := rag.Asked{
		ID: r.ID, Time: r.Time.UTC(), TraceID: r.TraceID, CallID: r.CallID, Project: r.Project, Pipeline: r.Pipeline, Collection: r.Collection,
		Question: r.Question, RetrievalMS: r.RetrievalMS, TotalMS: r.TotalMS, Empty: r.Empty, TopScore: r.TopScore, NotInSources: r.NotInSources,
		Citations: int(r.Citations), Verified: int(r.Verified), ContextTokens: int(r.ContextTokens),
		ContextRelevance: r.ContextRelevance, ResponseQuality: r.ResponseQuality,
		TookMS: make(map[rag.Step]float64, len(r.TookSteps)), Counts: make(map[rag.Step]int, len(r.CountSteps)),
	}
	if r.GenerationCost.known {
		cost := price.USD(r.GenerationCost.amount)
		a.GenerationCost = &cost
	}
	for i, step := range r.TookSteps {
		a.TookMS[rag.Step(step)] = r.TookMS[i]
	}
	for i, step := range r.CountSteps {
		a.Counts[rag.Step(step)] = int(r.Counts[i])
	}
	for i, id := range r.ChunkIDs {
		a.Chunks = append(a.Chunks, rag.AskedChunk{
			ID: id, Document: r.ChunkDocuments[i], Places: map[rag.Step]rag.Place{}, Packed: r.ChunkPacked[i], Cited: r.ChunkCited[i],
			Dropped: rag.Step(r.ChunkDropped[i]), Why: r.ChunkWhy[i],
		})
	}
	for i, chunk := range r.PlaceChunks {
		a.Chunks[chunk].Places[rag.Step(r.PlaceSteps[i])] = rag.Place{Rank: int(r.PlaceRanks[i]), Score: r.PlaceScores[i]}
	}
	return a
}

func (r *ragQueryRow) encode(b *rowBinary) {
	b.text(r.ID)
	b.int64(r.Revision)
	b.micros(r.Time)
	b.text(r.TraceID)
	b.text(r.CallID)
	b.text(r.Project)
	b.text(r.Pipeline)
	b.text(r.Collection)
	b.text(r.Question)
	b.texts(r.TookSteps)
	b.float64s(r.TookMS)
	b.texts(r.CountSteps)
	b.int32s(r.Counts)
	b.float64(r.RetrievalMS)
	b.float64(r.TotalMS)
	b.bool(r.Empty)
	b.float64(r.TopScore)
	b.bool(r.NotInSources)
	b.int32(r.Citations)
	b.int32(r.Verified)
	b.int64(r.ContextTokens)
	if b.null(!r.GenerationCost.known); r.GenerationCost.known {
		b.int64(int64(r.GenerationCost.amount)) // a Decimal(18, 9) is its nanodollars
	}
	for _, score := range []*float64{r.ContextRelevance, r.ResponseQuality} {
		if b.null(score == nil); score != nil {
			b.float64(*score)
		}
	}
	b.texts(r.ChunkIDs)
	b.texts(r.ChunkDocuments)
	b.bools(r.ChunkPacked)
	b.bools(r.ChunkCited)
	b.texts(r.ChunkDropped)
	b.texts(r.ChunkWhy)
	b.int32s(r.PlaceChunks)
	b.texts(r.PlaceSteps)
	b.int32s(r.PlaceRanks)
	b.float64s(r.PlaceScores)
	b.end()
}

func (b *rowBinary) float64s(list []float64) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(list)))
	for _, x := range list {
		b.float64(x)
	}
}

func (b *rowBinary) int32s(list []int32) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(list)))
	for _, x := range list {
		b.int32(x)
	}
}

func (b *rowBinary) bools(list []bool) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(list)))
	for _, x := range list {
		b.bool(x)
	}
}
